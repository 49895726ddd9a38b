"""Reference costs: planners as processes, intervals for the optimum, a store of both."""

from surefoot.pddl.reference.bounds import Bounds, BoundsStore, content_key, lookup
from surefoot.pddl.reference.planners import (
    FD_FF,
    FD_LMCUT,
    SYMK,
    PlannerResult,
    PlannerStatus,
    ReferencePlanner,
)
from surefoot.pddl.reference.process import Limits
from surefoot.pddl.reference.suite import shipped_suite

__all__ = [
    "FD_FF",
    "FD_LMCUT",
    "SYMK",
    "Bounds",
    "BoundsStore",
    "Limits",
    "PlannerResult",
    "PlannerStatus",
    "ReferencePlanner",
    "content_key",
    "lookup",
    "shipped_suite",
]
