"""Models made smaller and faster: one folder a family of methods.

Nothing of it knows a planner or a robot.
"""
