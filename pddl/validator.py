"""Checks plans: which step fails first and why, what the plan reaches, what it costs."""

from __future__ import annotations

from surefoot.pddl.conditions import Condition, unsatisfied
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language.model import Plan, PlanStep, Task
from surefoot.pddl.language.scope import did_you_mean, type_text
from surefoot.pddl.verdict import ErrorKind, Status, StepError, Verdict

MAX_ERRORS = 1000
"""Errors kept in a verdict; a plan may have 100,000 steps."""


def validate(task: Task | GroundTask, plan: Plan) -> Verdict:
    """Checks a plan.

    Args:
        task: The task; hand in a :class:`GroundTask` to check many plans of one task.
        plan: The plan.

    Returns:
        The verdict; costs count the executable prefix only.
    """
    ground = task if isinstance(task, GroundTask) else GroundTask(task)
    state = set(ground.initial)
    errors: list[StepError] = []
    prefix = 0
    cost = ground.task.initial_cost
    before: set[int] | None = None  # the state in which the first error was met
    for number, step in enumerate(plan.steps, start=1):
        error = malformed(ground, step, number)
        if error is None:
            action = ground.ground(step)
            if not action.applicable(state):
                error = _inapplicable(action.precondition, state, step, number)
        if error is not None:
            if before is None:
                before = set(state)
            errors.append(error)
            if len(errors) >= MAX_ERRORS:
                break
            if error.kind is not ErrorKind.PRECONDITION:
                continue
        elif before is None:
            prefix += 1
            cost += action.cost
        action.apply(state)
    reached = state if before is None else before
    unmet = unsatisfied(ground.goal, reached)
    first = errors[0] if errors else None
    if first is None:
        status = Status.GOAL_UNMET if unmet else Status.VALID
    elif first.kind is ErrorKind.PRECONDITION:
        status = Status.INAPPLICABLE
    else:
        status = Status.MALFORMED
    return Verdict(
        status, first, tuple(errors), ground.goal_fraction(reached), unmet, prefix, len(plan), cost
    )


def malformed(ground: GroundTask, step: PlanStep, number: int) -> StepError | None:
    """Checks a step's names, argument count and types, but not its precondition.

    Args:
        ground: The task.
        step: The step.
        number: Its 1-based position, for the report.
    """
    task = ground.task
    schema = task.domain.actions.get(step.action)

    def error(kind: ErrorKind, names: tuple[str, ...], message: str) -> StepError:
        return StepError(number, kind, str(step), names, f"step {number} {step}: {message}")

    if schema is None:
        hint = did_you_mean(step.action, task.domain.actions)
        return error(
            ErrorKind.UNKNOWN_ACTION,
            (step.action,),
            f"no action '{step.action}' in the domain{hint}",
        )
    if len(step.args) != len(schema.parameters):
        return error(
            ErrorKind.ARITY,
            step.args,
            f"'{step.action}' takes {len(schema.parameters)} arguments, found {len(step.args)}",
        )
    for arg, parameter in zip(step.args, schema.parameters, strict=True):
        if arg in ground.fits(parameter.types):
            continue
        if arg not in task.objects:
            unknown = tuple(a for a in step.args if a not in task.objects)
            return error(ErrorKind.UNKNOWN_OBJECT, unknown, f"no object '{arg}' in the problem")
        return error(
            ErrorKind.TYPE,
            (arg,),
            f"'{arg}' is of type {type_text(task.objects[arg])}, parameter {parameter.name} "
            f"takes {type_text(parameter.types)}",
        )
    return None


def _inapplicable(condition: Condition, state: set[int], step: PlanStep, number: int) -> StepError:
    literals = unsatisfied(condition, state)
    message = f"step {number} {step}: not satisfied: {', '.join(literals)}"
    return StepError(number, ErrorKind.PRECONDITION, str(step), literals, message)
