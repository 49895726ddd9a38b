"""Whether some honest reading of partly named steps solves a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language.model import Plan, PlanStep
from surefoot.pddl.successors import Partial, StateView
from surefoot.pddl.validator import malformed, validate
from surefoot.pddl.writing.model import WrittenStep

_MAX_NODES = 2000
"""Completed steps that are looked at before a text counts as possibly valid."""


def completions(
    ground: GroundTask, state: frozenset[int], action: str, stated: Partial, limit: int
) -> list[PlanStep]:
    """Returns the applicable actions that agree with what is stated, at most ``limit``."""
    schema = ground.task.domain.actions.get(action)
    if schema is None or len(stated) != len(schema.parameters):
        return []
    found = StateView(ground, state).complete(schema, stated)
    return [a.step for a in islice(found, limit)]


def may_be_valid(ground: GroundTask, items: Sequence[WrittenStep]) -> bool:
    """Returns whether arguments that are left out can be filled in so that the goal is reached.

    Steps that the text says not to do are left out. A search that grows too large counts as
    possible, so that ``False`` is always certain.
    """
    todo = [item for item in items if not item.denied]
    if not any(item.omitted for item in todo):
        return validate(ground, Plan(tuple(item.step for item in todo))).valid
    nodes = 0
    stack = [(0, frozenset(ground.initial))]
    while stack:
        at, state = stack.pop()
        if at == len(todo):
            if ground.goal_fraction(state) == 1.0:
                return True
            continue
        item = todo[at]
        for step in completions(ground, state, item.step.action, item.stated, 50):
            nodes += 1
            if nodes > _MAX_NODES:
                return True
            after = set(state)
            ground.ground(step).apply(after)
            stack.append((at + 1, frozenset(after)))
    return False


def seems_valid(
    ground: GroundTask,
    items: Sequence[WrittenStep],
    interchangeable: Callable[[WrittenStep], Sequence[tuple[int, int]]],
) -> bool:
    """Returns whether a reader might find a plan that solves the task in the steps.

    English names actions by verbs that several actions may have in common, so a step whose
    objects do not fit its action is also tried as every other action of as many arguments.

    Args:
        ground: The task.
        items: The steps.
        interchangeable: Returns pairs of places whose order the text leaves open.
    """
    if may_be_valid(ground, items):
        return True
    for at, item in enumerate(items):
        others = _other_names(ground, item)
        others += [_swapped(item, a, b) for a, b in interchangeable(item)]
        if any(may_be_valid(ground, [*items[:at], o, *items[at + 1 :]]) for o in others):
            return True
    return False


def _other_names(ground: GroundTask, item: WrittenStep) -> list[WrittenStep]:
    if item.omitted or item.origin or malformed(ground, item.step, 1) is None:
        return []
    args = item.step.args
    actions = ground.task.domain.actions.values()
    return [WrittenStep(PlanStep(a.name, args)) for a in actions if len(a.parameters) == len(args)]


def _swapped(item: WrittenStep, first: int, second: int) -> WrittenStep:
    args = list(item.step.args)
    args[first], args[second] = args[second], args[first]
    return replace(item, step=PlanStep(item.step.action, tuple(args)))


def shortened(
    ground: GroundTask, item: WrittenStep, state: frozenset[int], places: Sequence[int]
) -> WrittenStep:
    """Leaves out arguments as long as the state allows one completion only.

    Args:
        ground: The task.
        item: A step with all arguments.
        state: The state before it.
        places: Places of arguments to leave out if possible, the first ones first.
    """
    for place in places:
        shorter = replace(item, omitted=item.omitted | {place})
        if completions(ground, state, item.step.action, shorter.stated, 2) == [item.step]:
            item = shorter
    return item


def stated_steps(ground: GroundTask, items: Sequence[WrittenStep]) -> list[PlanStep] | None:
    """Returns the steps that are not denied; ``None`` where what is left out remains open."""
    state = set(ground.initial)
    found = []
    for item in items:
        if item.denied:
            continue
        step = item.step
        if item.omitted:
            fitting = completions(ground, frozenset(state), step.action, item.stated, 2)
            if len(fitting) != 1:
                return None
            step = fitting[0]
        found.append(step)
        if malformed(ground, step, 1) is None:
            ground.ground(step).apply(state)
    return found


def states_along(ground: GroundTask, steps: Sequence[PlanStep]) -> list[frozenset[int]]:
    """Returns the state before each step and after the last; impossible steps change nothing."""
    state = set(ground.initial)
    found = [frozenset(state)]
    for number, step in enumerate(steps, start=1):
        if malformed(ground, step, number) is None:
            action = ground.ground(step)
            if action.applicable(state):
                action.apply(state)
        found.append(frozenset(state))
    return found
