"""Guarantees about what was seen and what was planned: conformal sets, risk control, drift.

Knows nothing of robots, PDDL or torch.
"""
