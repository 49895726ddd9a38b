"""Planning tasks in PDDL: read, ground, validate, generate, extract from text, grade."""

from surefoot.pddl.ground import GroundAction, GroundTask
from surefoot.pddl.language import (
    Domain,
    Plan,
    PlanStep,
    Problem,
    Task,
    load_task,
    parse_domain,
    parse_plan,
    parse_problem,
    parse_task,
    write_domain,
    write_plan,
    write_problem,
)
from surefoot.pddl.validator import validate
from surefoot.pddl.verdict import ErrorKind, Status, StepError, Verdict

__all__ = [
    "Domain",
    "ErrorKind",
    "GroundAction",
    "GroundTask",
    "Plan",
    "PlanStep",
    "Problem",
    "Status",
    "StepError",
    "Task",
    "Verdict",
    "load_task",
    "parse_domain",
    "parse_plan",
    "parse_problem",
    "parse_task",
    "validate",
    "write_domain",
    "write_plan",
    "write_problem",
]
