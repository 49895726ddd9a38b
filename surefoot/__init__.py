"""Surefoot runs and grades robot planners that know where they are uncertain."""

__version__ = "0.1.0"
