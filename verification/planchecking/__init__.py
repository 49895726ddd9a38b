"""Checking plans in worlds, with explanations and repairs of violations."""
