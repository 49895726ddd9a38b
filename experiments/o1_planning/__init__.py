"""On the Planning Abilities of o1: recorded answers and live planners."""
