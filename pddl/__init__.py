"""Planning tasks in PDDL: read, ground, validate, generate, extract from text, grade, bench."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.pddl.domains import DOMAINS, get_domain
    from surefoot.pddl.first_use import bench, grade
    from surefoot.pddl.ground import GroundTask
    from surefoot.pddl.language import load_task, parse_plan, parse_task, write_plan
    from surefoot.pddl.language.model import Plan, Task
    from surefoot.pddl.planner import Planner
    from surefoot.pddl.validator import validate
    from surefoot.pddl.verdict import Status, Verdict

__all__ = [
    "DOMAINS",
    "GroundTask",
    "Plan",
    "Planner",
    "Status",
    "Task",
    "Verdict",
    "bench",
    "get_domain",
    "grade",
    "load_task",
    "parse_plan",
    "parse_task",
    "validate",
    "write_plan",
]

_PLACES = {
    "DOMAINS": "domains",
    "GroundTask": "ground",
    "Plan": "language.model",
    "Planner": "planner",
    "Status": "verdict",
    "Task": "language.model",
    "Verdict": "verdict",
    "bench": "first_use",
    "get_domain": "domains",
    "grade": "first_use",
    "load_task": "language",
    "parse_plan": "language",
    "parse_task": "language",
    "validate": "validator",
    "write_plan": "language",
}
"""The module of each public name; loaded when the name is first used."""

__getattr__ = lazily(__name__, _PLACES)
