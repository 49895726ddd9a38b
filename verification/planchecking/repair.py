"""Edits to a plan that make a broken rule hold, each checked before it is suggested."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.verification.formulas.propositional import is_propositional
from surefoot.verification.formulas.syntax import (
    Always,
    Eventually,
    False_,
    Formula,
    Implies,
    Not,
    Prop,
    True_,
    Until,
)
from surefoot.verification.planchecking.checking import PlanChecker, RuleVerdict
from surefoot.verification.planchecking.dangers import opposite, separating
from surefoot.verification.planchecking.worldmodel import WorldModel
from surefoot.verification.programs.controller import ENDED
from surefoot.verification.programs.statements import (
    Do,
    If,
    Mark,
    Program,
    Statement,
    WaitUntil,
    While,
)
from surefoot.verification.programs.writing import words_of
from surefoot.verification.rules import Rule, Severity, Timing

MAX_ROUNDS = 4
"""Most guards that are inserted, one after the other, for one rule."""

_RANK = {severity: rank for rank, severity in enumerate(Severity)}

Edit = tuple[str, Program]
"""A suggestion in words, and the plan with it applied."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A change that makes a rule hold.

    Attributes:
        edits: The changes in words, in order.
        program: The plan with the changes.
        breaks: Names of rules, all less severe than the repaired one, that held before and do not
            hold with the changes.
    """

    edits: tuple[str, ...]
    program: Program
    breaks: tuple[str, ...] = ()


def find_repair(
    program: Program,
    world: WorldModel,
    broken: RuleVerdict,
    keep: Sequence[Rule] = (),
    *,
    timing: Timing | None = None,
) -> Repair | None:
    """Searches for guards or a missing action that make a rule hold.

    Args:
        program: The plan.
        world: The world in which it is executed.
        broken: The verdict on the rule.
        keep: Rules that hold and must continue to hold.
        timing: When actions respond to observations; None for the timing of each rule.

    Returns:
        A checked repair, if possible one that breaks no other rule; None if no candidate makes the
        rule hold.
    """
    rule = broken.rule
    edits: tuple[str, ...] = ()
    second: Repair | None = None
    task = _acts(broken)
    for _ in range(MAX_ROUNDS):
        best: Edit | None = None
        for words, changed in _candidates(program, world, broken):
            verdict = _verdict(changed, world, rule, timing)
            if verdict is None or not task <= _acts(verdict):
                continue  # a change under which something is never done any more guts the task
            if verdict.holds:
                breaks = _broken(changed, world, keep, timing)
                if not breaks:
                    return Repair((*edits, words), changed)
                milder = all(_RANK[r.severity] < _RANK[rule.severity] for r in breaks)
                if milder and (second is None or len(breaks) < len(second.breaks)):
                    second = Repair((*edits, words), changed, tuple(r.name for r in breaks))
            elif best is None and _harm(verdict) < _harm(broken):
                best = words, changed  # some dangerous places remain: guard these next
        if best is None:
            return second
        edits, program = (*edits, best[0]), best[1]
        following = _verdict(program, world, rule, timing)
        if following is None:
            return second
        broken = following
    return second


def _verdict(
    program: Program, world: WorldModel, rule: Rule, timing: Timing | None
) -> RuleVerdict | None:
    try:
        return PlanChecker(program, world, timing=timing).check(rule)
    except InputError:  # the change makes the product too large, or leaves no fair run
        return None


def _broken(
    program: Program, world: WorldModel, rules: Sequence[Rule], timing: Timing | None
) -> tuple[Rule, ...]:
    checker = PlanChecker(program, world, timing=timing)
    return tuple(rule for rule in rules if not checker.check(rule).holds)


def _acts(verdict: RuleVerdict) -> frozenset[tuple[int, tuple[str, ...]]]:
    """Returns what the plan does in some run: the actions, with the lines that they are on."""
    product, machine = verdict.product, verdict.controller
    places = np.unique(product.places[product.checker.relevant]).tolist()
    steps = (machine.instructions[place] for place in places if place >= 0)
    return frozenset((s.line, s.actions) for s in steps if s.actions is not None)


def _harm(verdict: RuleVerdict) -> int:
    """Number of sets of actions that make a violation inevitable."""
    return len(_dangers(verdict))


def _candidates(program: Program, world: WorldModel, broken: RuleVerdict) -> Iterator[Edit]:
    for actions, danger in _dangers(broken).items():
        if not isinstance(danger, True_ | False_):
            yield from _guards(program, world, actions, danger)
    if program.idle is None:
        for action in world.actions:
            said = action.replace("_", " ")
            yield (
                f"while the plan waits, do '{said}' (--idle {action})",
                replace(program, idle=action),
            )
    trigger = _trigger(broken.rule.formula, world)
    for action in _due(broken.rule.formula, world):
        if trigger is not None:
            yield from _reactions(program, broken, trigger, action)
        yield from _insertions(program, action, trigger)


def _dangers(verdict: RuleVerdict) -> dict[tuple[str, ...], Formula]:
    """For each set of actions, the condition under which it makes a violation inevitable."""
    product, controller = verdict.product, verdict.controller
    system, places = product.system, product.places
    doomed = product.checker.doomed(verdict.rule.formula)
    sources, targets = system.sources(), system.targets
    if verdict.timing is Timing.DELAYED:  # decided on what was seen one step earlier
        decision, acting = product.situations[sources], targets
    else:
        decision, acting = product.situations, np.arange(system.states, dtype=np.int32)
    rows = product.world.situations
    groups: dict[tuple[str, ...], list[int]] = {}
    for place in np.unique(places).tolist():
        if place != ENDED and place >= 0:
            groups.setdefault(controller.actions(place), []).append(place)
    found: dict[tuple[str, ...], Formula] = {}
    reached = product.checker.relevant
    for actions, members in groups.items():
        here = np.isin(places[acting], members) & reached[acting]
        bad = here & doomed[acting]
        if bad.any():
            found[actions] = separating(
                product.world.observations,
                _distinct(rows, decision[bad]),
                _distinct(rows, decision[here & ~bad]),
                first=verdict.rule.formula.propositions,
            )
    return found


def _distinct(rows: NDArray[np.bool_], numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    return rows[np.unique(numbers)]


def _guards(
    program: Program, world: WorldModel, actions: tuple[str, ...], danger: Formula
) -> Iterator[Edit]:
    """Inserts a check before every place where some actions are taken."""
    said = " and ".join(a.replace("_", " ") for a in actions)
    safe = opposite(danger)
    if program.idle is not None and (program.idle,) != actions:

        def wait(do: Do) -> tuple[Statement, ...]:
            return (WaitUntil(do.line, safe), do)

        yield (
            f"before '{said}', wait until {words_of(safe)}",
            _replaced(program, actions, wait),
        )
    fallbacks = [a for a in (program.idle, *world.actions) if a is not None and (a,) != actions]
    for other in dict.fromkeys(fallbacks):

        def check(do: Do, other: str = other) -> tuple[Statement, ...]:
            return (If(do.line, danger, (Do(do.line, (other,)),), (do,)),)

        yield (
            f"before '{said}', check: if {words_of(danger)}: {other.replace('_', ' ')}",
            _replaced(program, actions, check),
        )


def _due(formula: Formula, world: WorldModel) -> list[str]:
    """Actions that a rule waits for: they occur, not negated, under F or to the right of U."""
    found: list[str] = []

    def visit(part: Formula, positive: bool, due: bool) -> None:
        match part:
            case Prop(name) if due and positive and name in world.actions:
                found.append(name)
            case Prop(name) if due and not positive and name in world.actions:
                found.extend(a for a in world.actions if a != name)
            case Not(child):
                visit(child, not positive, due)
            case Eventually(child):
                visit(child, positive, True)
            case Until(left, right):
                visit(left, positive, due)
                visit(right, positive, True)
            case Implies(left, right):
                visit(left, not positive, False)
                visit(right, positive, due)
            case _:
                for child in part.operands:
                    visit(child, positive, due)

    visit(formula, True, False)
    return list(dict.fromkeys(found))


def _trigger(formula: Formula, world: WorldModel) -> Formula | None:
    """Returns the condition of ``G (condition -> ...)`` if it can be observed at once."""
    if isinstance(formula, Always) and isinstance(formula.child, Implies):
        left = formula.child.left
        if is_propositional(left) and set(left.propositions) <= set(world.observations):
            return left
    return None


def _reactions(
    program: Program, broken: RuleVerdict, trigger: Formula, action: str
) -> Iterator[Edit]:
    """Performs the action that is due instead of those in the steps that repeat for ever."""
    witness = broken.result.witness
    if witness is None:
        return
    places = {int(broken.product.places[step.state]) for step in witness.loop}
    for actions in dict.fromkeys(broken.controller.actions(at) for at in sorted(places)):
        if actions == (action,):
            continue

        def react(do: Do) -> tuple[Statement, ...]:
            return (If(do.line, trigger, (Do(do.line, (action,)),), (do,)),)

        said = " and ".join(a.replace("_", " ") for a in actions)
        yield (
            f"before '{said}', check: if {words_of(trigger)}: {action.replace('_', ' ')}",
            _replaced(program, actions, react),
        )


def _insertions(program: Program, action: str, trigger: Formula | None) -> Iterator[Edit]:
    """Adds an action that is due at the end of the plan, or at the end of its endless loop."""
    said = action.replace("_", " ")
    do = Do(0, (action,))
    conditional = () if trigger is None else (If(0, trigger, (do,)),)
    for extra, words in (((do,), f"'{said}'"), (conditional, _if_words(trigger, said))):
        if not extra:
            continue
        at = len(program.statements) - 1
        while at > 0 and isinstance(program.statements[at], Mark):
            at -= 1
        last = program.statements[at]
        if isinstance(last, While):
            body = replace(last, body=(*last.body, *extra))
            before, behind = program.statements[:at], program.statements[at + 1 :]
            changed = replace(program, statements=(*before, body, *behind))
            yield f"at the end of each round of the last loop, add {words}", changed
        added = (*program.statements, *extra)
        yield f"at the end, add {words}", replace(program, statements=added)


def _if_words(trigger: Formula | None, said: str) -> str:
    return "" if trigger is None else f"'if {words_of(trigger)}: {said}'"


def _replaced(
    program: Program, actions: tuple[str, ...], change: Callable[[Do], tuple[Statement, ...]]
) -> Program:
    """Replaces every statement that takes exactly these actions."""

    def block(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        made: list[Statement] = []
        for s in statements:
            match s:
                case Do(_, taken) if taken == actions:
                    made += change(s)
                case If(_, _, then, otherwise):
                    made.append(replace(s, then=block(then), otherwise=block(otherwise)))
                case While(_, _, body):
                    made.append(replace(s, body=block(body)))
                case _:
                    made.append(s)
        return tuple(made)

    return replace(program, statements=block(program.statements))
