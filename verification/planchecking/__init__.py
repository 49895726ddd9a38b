"""Checking plans in worlds, and explaining and repairing what is broken."""
