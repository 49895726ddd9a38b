"""What the rulebook ``tabletop`` sees of a symbolic state and the action that starts in it.

Assumed of this table: what blocks rest on carries them, unless it has no place itself (it leans on
an edge or has fallen); nothing is fragile; whether a person is near is given from outside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from surefoot.envs.tabletop.state import Facts, goal_holds
from surefoot.pddl import GroundTask
from surefoot.pddl.language import Atom, PlanStep
from surefoot.verification.monitoring.traces import check_traces, pack_traces
from surefoot.verification.rules import RuleBook

_TAKES = frozenset({"pick", "unstack", "take-out"})
_PUTS = frozenset({"place", "put-down", "stack", "put-in"})
ACTIONS = _TAKES | _PUTS | {"open-lid", "close-lid", "look", "ask", "wait"}
"""Steps that the rules know; others, such as a push, are not shown to them."""


def labels(
    ground: GroundTask,
    facts: Facts,
    step: PlanStep | None,
    *,
    unsure: Collection[str] = (),
    person_near: bool = False,
) -> frozenset[str]:
    """Returns the propositions that hold in a step.

    Args:
        ground: The task; its goal is what ``goal_reached`` is about.
        facts: The state in which the action starts.
        step: The action; None for the end of a plan.
        unsure: Things whose place perception does not single out.
        person_near: Whether a person is within reach of the arm.
    """
    held = {
        "hand_empty": Atom("hand-empty") in facts,
        "person_near": person_near,
        "goal_reached": goal_holds(ground, facts),
    }
    if step is not None:
        if step.action in ACTIONS:
            held[step.action.replace("-", "_")] = True
        held["unsure"] = any(name in unsure for name in step.args)
        if step.action in _TAKES | _PUTS and step.args:
            held["block_clear"] = not any(
                f.predicate == "on" and f.args[1] == step.args[0] for f in facts
            )
        if len(step.args) == 2:
            held |= dict(_of_target(ground, facts, step.args[1]))
    return frozenset(name for name, true in held.items() if true)


def _of_target(ground: GroundTask, facts: Facts, target: str) -> Iterator[tuple[str, bool]]:
    placed = any(f.predicate in ("on", "in") and f.args[0] == target for f in facts)
    free = Atom("vacant", (target,)) in facts or Atom("clear", (target,)) in facts
    yield "target_vacant", free
    yield "target_stable", placed or "block" not in ground.task.objects.get(target, ())
    yield "target_is_lid", any(f.predicate == "covers" and f.args[0] == target for f in facts)
    yield "container_open", Atom("open", (target,)) in facts


def judge_trace(book: RuleBook, trace: list[frozenset[str]]) -> dict[str, bool]:
    """Returns for every rule of a book whether a labelled trace obeys it."""
    names = list(book.propositions)
    rows: tuple[NDArray[np.bool_], NDArray[np.int64]] = pack_traces([trace], names)
    verdicts = check_traces(book.rules, names, *rows)[0]
    return {rule.name: bool(v) for rule, v in zip(book.rules, verdicts, strict=True)}
