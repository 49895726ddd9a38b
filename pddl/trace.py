"""A plan's execution, state by state: what each step changes and costs."""

from __future__ import annotations

from dataclasses import dataclass

from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language.model import Plan
from surefoot.pddl.validator import malformed


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One executed step.

    Attributes:
        step: 1-based position in the plan.
        action: The step as PDDL text.
        adds: Facts that became true by it.
        deletes: Facts that became false by it.
        cost: What it costs.
        total: Cost of the plan up to and with it, the initial ``(total-cost)`` included.
    """

    step: int
    action: str
    adds: tuple[str, ...]
    deletes: tuple[str, ...]
    cost: float
    total: float


def trace(ground: GroundTask, plan: Plan) -> tuple[TraceStep, ...]:
    """Executes a plan up to its first step that cannot be taken.

    Facts that an action adds although they hold, or deletes although they do not, change nothing
    and are left out.
    """
    state = set(ground.initial)
    total = ground.task.initial_cost
    found: list[TraceStep] = []
    for number, step in enumerate(plan.steps, start=1):
        if malformed(ground, step, number) is not None:
            break
        action = ground.ground(step)
        if not action.applicable(state):
            break
        before = set(state)
        action.apply(state)
        total += action.cost
        found.append(
            TraceStep(
                number,
                str(step),
                tuple(sorted(map(str, ground.facts(state - before)))),
                tuple(sorted(map(str, ground.facts(before - state)))),
                action.cost,
                total,
            )
        )
    return tuple(found)
