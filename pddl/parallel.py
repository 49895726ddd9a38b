"""Steps at the same time: put in a row where no order of them makes a difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surefoot.pddl.conditions import All, Any, Condition, Literal
from surefoot.pddl.ground import GroundAction, GroundTask
from surefoot.pddl.language.model import Plan, PlanStep
from surefoot.pddl.language.plans import PlanLayer, read_layers
from surefoot.pddl.language.sexpr import SourceText, shorten
from surefoot.pddl.validator import malformed


def read_plan(source: SourceText, ground: GroundTask) -> Plan:
    """Reads a plan file of a task; steps may have the same time stamp.

    Raises:
        InputError: The file cannot be read, or the order of steps at the same time matters.
    """
    return in_sequence(ground, read_layers(source), source)


def in_sequence(ground: GroundTask, layers: Sequence[PlanLayer], source: SourceText) -> Plan:
    """Puts the steps of a plan in a row.

    Steps at the same time keep the order of the file if every order has the same outcome: no
    step changes a fact that another one's conditions look at, and none adds what another deletes.

    Args:
        ground: The task.
        layers: The plan, see :func:`~surefoot.pddl.language.plans.read_layers`.
        source: The text that errors point into.

    Raises:
        InputError: The order of steps at the same time matters.
    """
    state = set(ground.initial)
    steps: list[PlanStep] = []
    for layer in layers:
        actions = [ground.ground(s) for s in layer.steps if malformed(ground, s, 0) is None]
        if len(actions) > 1:
            pair = dependent(actions, state)
            if pair is not None:
                source.fail(
                    f"{shorten(str(pair[0]))} and {shorten(str(pair[1]))} have the same time "
                    "stamp, but their order matters; give each its own",
                    layer.offset,
                )
        for action in actions:
            action.apply(state)
        steps.extend(layer.steps)
    return Plan(tuple(steps))


def dependent(actions: Sequence[GroundAction], state: set[int]) -> tuple[PlanStep, PlanStep] | None:
    """Finds two actions whose order may make a difference in a state.

    Args:
        actions: Actions that are taken together.
        state: Fact numbers that hold before them.

    Returns:
        The first such pair, ``None`` if every order of all of them has the same outcome.
    """
    reads: dict[int, PlanStep] = {}
    changes: dict[int, PlanStep] = {}
    adds: dict[int, PlanStep] = {}
    deletes: dict[int, PlanStep] = {}
    for action in actions:
        looked = set(_facts(action.precondition))
        added, deleted = set(action.adds), set(action.deletes)
        for effect in action.conditional:
            looked.update(_facts(effect.condition))
            added.update(effect.adds)
            deleted.update(effect.deletes)
        changed = (added - state) | (deleted & state)
        for mine, theirs in (
            (looked, changes),
            (changed, reads),
            (added, deletes),
            (deleted, adds),
        ):
            met = mine & theirs.keys()
            if met:
                return theirs[min(met)], action.step
        for mine, theirs in (
            (looked, reads),
            (changed, changes),
            (added, adds),
            (deleted, deletes),
        ):
            theirs.update(dict.fromkeys(mine, action.step))
    return None


def _facts(condition: Condition) -> Iterator[int]:
    if isinstance(condition, Literal):
        yield condition.fact
    elif isinstance(condition, All | Any):
        for part in condition.parts:
            yield from _facts(part)
