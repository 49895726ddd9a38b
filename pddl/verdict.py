"""What a check of a plan says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Outcome of checking a plan."""

    VALID = "valid"
    """Every step is applicable and the goal holds at the end."""
    GOAL_UNMET = "goal_unmet"
    """Every step is applicable, but the goal does not hold at the end."""
    INAPPLICABLE = "inapplicable"
    """A step's precondition does not hold when it is reached."""
    MALFORMED = "malformed"
    """A step names no action or object of the task, or fits neither count nor types."""
    HARNESS_ERROR = "harness_error"
    """The check itself failed; says nothing about the plan."""


class ErrorKind(StrEnum):
    """What is wrong with one step."""

    UNKNOWN_ACTION = "unknown_action"
    UNKNOWN_OBJECT = "unknown_object"
    ARITY = "arity"
    TYPE = "type"
    PRECONDITION = "precondition"


@dataclass(frozen=True, slots=True)
class StepError:
    """An error at one step.

    Attributes:
        step: 1-based position in the plan.
        kind: What is wrong.
        action: The step as written in PDDL.
        literals: Unsatisfied conditions (for ``PRECONDITION``) or the offending names.
        message: The same in one line of English.
    """

    step: int
    kind: ErrorKind
    action: str
    literals: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of checking a plan against a task.

    Attributes:
        status: Overall outcome.
        first_error: The first step that cannot be executed, if any.
        all_errors: Errors met when execution continues regardless: after an unmet
            precondition the effects are applied all the same; a malformed step is skipped.
        goal_fraction: Share of the goal's conjuncts, in [0, 1], that hold after the
            executable prefix.
        unmet_goals: The conjuncts that do not.
        executable_prefix: Number of steps before the first error.
        steps: Number of steps of the plan.
        cost: Cost of the executable prefix (of the whole plan if no step fails): the sum
            of action costs and of the initial ``(total-cost)``, or the number of steps where the
            task has no cost metric.
    """

    status: Status
    first_error: StepError | None
    all_errors: tuple[StepError, ...]
    goal_fraction: float
    unmet_goals: tuple[str, ...]
    executable_prefix: int
    steps: int
    cost: float

    @property
    def valid(self) -> bool:
        """Whether the plan is executable and reaches the goal."""
        return self.status is Status.VALID
