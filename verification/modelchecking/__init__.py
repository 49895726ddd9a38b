"""Checking models with every formula, and the runs that break one."""
