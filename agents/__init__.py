"""Agents: they perceive, calibrate, look again, plan, verify and act."""
