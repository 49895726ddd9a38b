"""Why a plan fails or costs too much: a step missing, steps out of order, steps to spare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surefoot.pddl.conditions import Literal, conjuncts, holds
from surefoot.pddl.ground import GroundAction, GroundTask
from surefoot.pddl.language.model import Action, Atom, Negation, Plan, PlanStep
from surefoot.pddl.successors import StateView
from surefoot.pddl.validator import malformed
from surefoot.pddl.verdict import ErrorKind, Verdict

_MAX_TRIED = 3000
_MAX_STEPS = 400


def sub_label(ground: GroundTask, plan: Plan, verdict: Verdict) -> str:
    """Refines a verdict.

    Args:
        ground: The task.
        plan: The plan.
        verdict: What :func:`surefoot.pddl.validator.validate` says of it.

    Returns:
        ``order`` if moving one later step before the failing one, or the failing one behind
        the next, makes it applicable; ``missing_step`` if at most two inserted actions do;
        ``redundant`` if a valid plan stays valid and gets cheaper without some of its steps;
        else ``""``.
    """
    if verdict.valid:
        saved = sum(ground.ground(plan.steps[i]).cost for i in redundant_steps(ground, plan))
        return "redundant" if saved > 0 else ""
    error = verdict.first_error
    if error is None or error.kind is not ErrorKind.PRECONDITION:
        return ""
    state = set(ground.initial)
    for step in plan.steps[: error.step - 1]:
        ground.ground(step).apply(state)
    failing = ground.ground(plan.steps[error.step - 1])
    if _reordered(ground, plan, error.step - 1, state):
        return "order"
    if missing_actions(ground, state, failing) is not None:
        return "missing_step"
    return ""


def missing_actions(
    ground: GroundTask, state: set[int], failing: GroundAction
) -> tuple[PlanStep, ...] | None:
    """Finds one or two applicable actions after which a failing action is applicable.

    Works backwards from the unsatisfied literals, so that only actions that achieve one
    of them are tried.

    Returns:
        The inserted actions, or ``None`` if none are found within a fixed effort.
    """
    budget = [_MAX_TRIED]
    for last in _achievers(ground, state, failing, budget):
        if last.applicable(state):
            after = set(state)
            last.apply(after)
            if failing.applicable(after):
                return (last.step,)
    for first in _achievers(ground, state, failing, budget):
        if not first.applicable(state):
            continue
        between = set(state)
        first.apply(between)
        for last in _achievers(ground, between, failing, budget):
            if last.applicable(between):
                after = set(between)
                last.apply(after)
                if failing.applicable(after):
                    return (first.step, last.step)
    for last in _achievers(ground, state, failing, budget):
        if last.applicable(state):
            continue
        for first in _achievers(ground, state, last, budget):
            if not first.applicable(state):
                continue
            after = set(state)
            first.apply(after)
            if last.applicable(after):
                last.apply(after)
                if failing.applicable(after):
                    return (first.step, last.step)
    return None


def _achievers(
    ground: GroundTask, state: set[int], target: GroundAction, budget: list[int]
) -> Iterator[GroundAction]:
    """Yields actions with an effect that satisfies one of a target's open literals."""
    view = StateView(ground, state)
    for part in conjuncts(target.precondition):
        if not isinstance(part, Literal) or holds(part, state):
            continue
        predicate, *args = ground.atoms[part.fact]
        for schema in ground.task.domain.actions.values():
            for partial in _matching(schema, predicate, args, part.positive):
                for step in _bindings(view, schema, partial):
                    budget[0] -= 1
                    if budget[0] < 0:
                        return
                    yield ground.ground(step)


def _matching(
    schema: Action, predicate: str, args: Sequence[str], positive: bool
) -> Iterator[dict[str, str]]:
    """Yields variable bindings under which an effect of a schema is the wanted fact."""
    for effect in schema.effects:
        atom = effect if positive else effect.child if isinstance(effect, Negation) else None
        if not isinstance(atom, Atom) or atom.predicate != predicate:
            continue
        binding: dict[str, str] = {}
        for term, value in zip(atom.args, args, strict=True):
            if binding.setdefault(term, value) != value or (term[0] != "?" and term != value):
                break
        else:
            yield binding


def _bindings(view: StateView, schema: Action, binding: dict[str, str]) -> Iterator[PlanStep]:
    """Completes a binding: first with what the state supports, then with any fitting objects."""
    partial = tuple(binding.get(p.name) for p in schema.parameters)
    seen: set[tuple[str, ...]] = set()
    for args in view.bindings(schema, partial):
        seen.add(args)
        yield PlanStep(schema.name, args)
    open_types = [p.types for p, value in zip(schema.parameters, partial, strict=True) if not value]
    if len(open_types) > 1:
        return
    fits = view.ground.fits(open_types[0]) if open_types else frozenset({""})
    for name in sorted(fits):
        filled = tuple(value or name for value in partial)
        allowed = all(
            v in view.ground.fits(p.types) for v, p in zip(filled, schema.parameters, strict=True)
        )
        if allowed and filled not in seen:
            yield PlanStep(schema.name, filled)


def _reordered(ground: GroundTask, plan: Plan, index: int, state: set[int]) -> bool:
    """Returns whether taking one step from its place makes the failing one applicable."""
    failing = ground.ground(plan.steps[index])
    for later in plan.steps[index + 1 : index + 1 + _MAX_STEPS]:
        if malformed(ground, later, 0) is not None:
            continue
        moved = ground.ground(later)
        if moved.applicable(state):
            after = set(state)
            moved.apply(after)
            if failing.applicable(after):
                return True
    return False


def redundant_steps(ground: GroundTask, plan: Plan) -> tuple[int, ...]:
    """Finds steps of a valid plan that can be left out together.

    Action elimination: drop a step and whatever then becomes inapplicable, and see
    whether the goal is still reached.

    Returns:
        0-based indices of the first such group, or ``()``; plans of more than 400 steps
        are not examined.

    Source: Nakhost and Müller (2010), ICAPS, Action Elimination.
    """
    if len(plan) > _MAX_STEPS:
        return ()
    actions = [ground.ground(step) for step in plan.steps]
    for start in range(len(actions)):
        state = set(ground.initial)
        dropped: list[int] = []
        for index, action in enumerate(actions):
            if index == start or (index > start and not action.applicable(state)):
                dropped.append(index)
            else:
                action.apply(state)
        if holds(ground.goal, state):
            return tuple(dropped)
    return ()
