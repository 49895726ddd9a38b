"""Other names for the same task: how far a planner leans on the names that it knows."""

from surefoot.pddl.renaming.names import NameLevel
from surefoot.pddl.renaming.rename import Renaming, rename_task
from surefoot.pddl.renaming.template import tell

__all__ = ["NameLevel", "Renaming", "rename_task", "tell"]
