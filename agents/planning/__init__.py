"""Planners of the agent: propose, read, judge, damage, refine."""
