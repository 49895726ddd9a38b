"""Checks plans in sets of possible worlds that perception cannot rule out.

The set is, for instance, a conformal prediction set: if it contains the true world with probability
1 - a, and a plan obeys a rule in every world of the set, then an executed plan breaks the rule
with probability at most a, relative to the world model. Worlds that a rule cannot distinguish are
checked once, and all others in one search.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.verification.formulas.syntax import Formula
from surefoot.verification.modelchecking.models import ModelChecker
from surefoot.verification.modelchecking.systems import TransitionSystem
from surefoot.verification.modelchecking.witness import Witness
from surefoot.verification.planchecking.checking import PlanChecker
from surefoot.verification.planchecking.worldmodel import WorldModel
from surefoot.verification.programs.controller import Controller
from surefoot.verification.programs.statements import Program
from surefoot.verification.rules import Rule, Timing

MAX_JOINT = 1_000_000
"""Most states of worlds that are checked in one search; larger sets take several."""


@dataclass(frozen=True, eq=False)
class WorldsVerdict:
    """Verdict on a rule in a set of worlds.

    Attributes:
        formula: The rule's formula.
        broken: Shape [worlds]: whether some run in the world breaks the rule.
        witness: A shortest run that breaks it in any of them; None if all are safe.
        world: Number of a world in which that run is possible; None if all are safe.
        checked: Number of worlds that the rule distinguishes.
    """

    formula: Formula
    broken: NDArray[np.bool_]
    witness: Witness | None
    world: int | None
    checked: int

    @property
    def holds(self) -> bool:
        """Whether the rule holds in all worlds."""
        return not self.broken.any()


def check_in_worlds(
    plan: Program | Controller,
    rules: Sequence[Rule],
    world: WorldModel,
    situations: Sequence[Collection[str]],
    *,
    timing: Timing | None = None,
) -> tuple[WorldsVerdict, ...]:
    """Checks a plan in all worlds that perception allows.

    Args:
        plan: A program or its machine.
        rules: The rules.
        world: How observations change; those that distinguish the worlds and do not change are
            constant in it.
        situations: For each world the observations that are true at the first step.
        timing: When actions respond to observations; None for the timing of each rule.

    Raises:
        InputError: No worlds, or one that the world model excludes.
    """
    if not situations:
        raise InputError("the set of possible worlds is empty; perception must leave at least one")
    checker = PlanChecker(plan, world.starting(situations), timing=timing)
    verdicts = []
    for rule in rules:
        product = checker.product(rule, timing or rule.timing)
        numbers = product.world.numbers(situations)
        allowed = np.isin(numbers, product.world.starts())
        if not allowed.all():
            raise InputError(
                f"possible world {int(np.argmin(allowed)) + 1} is not among the first situations "
                f"of the world model; correct one of them"
            )
        situation_of = product.situations[product.system.initial]
        bad = situation_of[product.checker.breaking(rule.formula)]
        broken = np.isin(numbers, bad)
        witness = product.checker.violation(rule.formula) if broken.any() else None
        first = None
        if witness is not None:
            start = product.situations[witness.steps[0].state]
            first = int(np.flatnonzero(numbers == start)[0])
        verdicts.append(
            WorldsVerdict(rule.formula, broken, witness, first, len(np.unique(numbers)))
        )
    return tuple(verdicts)


def check_variants(
    system: TransitionSystem,
    variants: NDArray[np.bool_],
    formula: Formula,
    *,
    fairness: Sequence[Formula] = (),
    finite: bool = False,
) -> WorldsVerdict:
    """Checks a model with uncertain labels under all possible labellings.

    Args:
        system: The model; its own labels are ignored.
        variants: Shape [worlds, states, names]: the labellings.
        formula: The rule.
        fairness: Assumptions on the infinite runs.
        finite: Only look at runs that end.

    Raises:
        InputError: A wrong shape, no worlds, or what :class:`ModelChecker` refuses.
    """
    variants = np.asarray(variants, np.bool_)
    if variants.ndim != 3 or variants.shape[1:] != system.labels.shape or not len(variants):
        raise InputError(
            f"variants need the shape [worlds, {system.states}, {len(system.names)}], with at "
            f"least one world"
        )
    used = {n for f in (formula, *fairness) for n in f.propositions}
    columns = [i for i, name in enumerate(system.names) if name in used]
    packed = np.packbits(variants[:, :, columns].reshape(len(variants), -1), axis=1)
    _, first, which = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    which = which.ravel()
    at_once = max(1, MAX_JOINT // system.states)
    broken = np.zeros(len(first), np.bool_)
    witness: Witness | None = None
    world: int | None = None
    for start in range(0, len(first), at_once):
        group = first[start : start + at_once]
        checker = ModelChecker(_union(system, variants[group]), fairness=fairness, finite=finite)
        bad = checker.system.initial[checker.breaking(formula)] // system.states
        broken[start + bad] = True
        if len(bad):
            found = checker.violation(formula)
            if found is not None and (witness is None or len(found) < len(witness)):
                world = int(group[found.steps[0].state // system.states])
                witness = _of_one(found, system.states)
    return WorldsVerdict(formula, broken[which], witness, world, len(first))


def _of_one(witness: Witness, states: int) -> Witness:
    """Maps the states of a witness to those of one world."""
    prefix, loop = (
        tuple(replace(step, state=step.state % states) for step in part)
        for part in (witness.prefix, witness.loop)
    )
    return replace(witness, prefix=prefix, loop=loop)


def _union(system: TransitionSystem, variants: NDArray[np.bool_]) -> TransitionSystem:
    """Returns the disjoint union of the worlds: state ``world * states + state``."""
    worlds, states = len(variants), system.states
    shift = np.arange(worlds)[:, None]
    describe = system.describe
    return TransitionSystem(
        system.names,
        variants.reshape(worlds * states, -1),
        np.append(
            (system.offsets[None, :-1] + shift * system.edges).ravel(), worlds * system.edges
        ),
        (system.targets[None] + shift * states).ravel().astype(np.int32),
        (system.initial[None] + shift * states).ravel().astype(np.int32),
        None if system.final is None else np.tile(system.final, worlds),
        None if describe is None else lambda state: describe(state % states),
    )
