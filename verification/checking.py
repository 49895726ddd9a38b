"""Plans checked against a rulebook in a world: a verdict a rule, the shortest way to break it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from surefoot.results.errors import InputError
from surefoot.verification.models import ModelChecker, ModelVerdict, Status
from surefoot.verification.programs.controller import (
    ENDED,
    START,
    Controller,
    compile_program,
)
from surefoot.verification.programs.statements import Program
from surefoot.verification.rules import Rule, RuleBook, Timing
from surefoot.verification.systems import TransitionSystem, from_arrays
from surefoot.verification.worldmodel import World

MAX_EDGES = 6_000_000
"""Edges of the product of a plan and a world at most."""


@dataclass(frozen=True, eq=False)
class PlanProduct:
    """A plan times a world.

    Attributes:
        world: The part of the world that was needed.
        system: The product.
        places: Shape [states]: the instruction that acts, or ``START`` or ``ENDED``.
        situations: Shape [states]: number of the world's situation.
        checker: Checks rules on it.
    """

    world: World
    system: TransitionSystem
    places: NDArray[np.int32]
    situations: NDArray[np.int64]
    checker: ModelChecker


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What became of one rule.

    Attributes:
        rule: The rule.
        timing: When actions answered observations.
        result: The verdict on all runs of the plan in the world.
        product: The product of plan and world that was checked.
        controller: The plan as a machine.
    """

    rule: Rule
    timing: Timing
    result: ModelVerdict
    product: PlanProduct
    controller: Controller

    @property
    def holds(self) -> bool:
        """Whether all runs obey the rule."""
        return self.result.holds


@dataclass(frozen=True, slots=True)
class PlanVerdict:
    """What became of all rules.

    Attributes:
        rules: One verdict a rule, in the order of the book.
        controller: The plan as a machine.
    """

    rules: tuple[RuleVerdict, ...]
    controller: Controller

    @property
    def holds(self) -> bool:
        """Whether all rules hold."""
        return all(verdict.holds for verdict in self.rules)

    @property
    def violated(self) -> tuple[RuleVerdict, ...]:
        """The rules that some run breaks."""
        return tuple(verdict for verdict in self.rules if not verdict.holds)

    @property
    def vacuous(self) -> tuple[RuleVerdict, ...]:
        """The rules whose condition never arises."""
        return tuple(v for v in self.rules if v.result.status is Status.VACUOUS)


class PlanChecker:
    """Checks rules on a plan in a world.

    All runs count: those that the plan ends (by LTLf) and those that never end (by LTL, under
    the world's fairness assumptions).

    Args:
        plan: A program or its machine.
        world: The world; it decides observations, the plan decides actions.
        timing: When actions answer observations; None for what each rule says.

    Raises:
        InputError: The plan looks at something that the world does not tell.
    """

    def __init__(
        self, plan: Program | Controller, world: World, *, timing: Timing | None = None
    ) -> None:
        self.controller = compile_program(plan) if isinstance(plan, Program) else plan
        self.world = world
        self._timing = timing
        for name in self.controller.observations:
            if name not in world.observations:
                raise InputError(f"the plan looks at '{name}', which the world does not tell")
        self._products: dict[tuple[frozenset[str], Timing], PlanProduct] = {}

    def check(self, rule: Rule) -> RuleVerdict:
        """Checks one rule.

        Raises:
            InputError: A product that is too large, or a world without a next step.
        """
        timing = self._timing or rule.timing
        product = self.product(rule, timing)
        result = product.checker.check(rule.formula)
        return RuleVerdict(rule, timing, result, product, self.controller)

    def product(self, rule: Rule, timing: Timing) -> PlanProduct:
        """Returns the product with the part of the world that the plan and the rule look at."""
        names = set(rule.formula.propositions) | set(self.controller.observations)
        names |= {n for f in self.world.fairness for n in f.propositions}
        world = self.world.over(names)
        key = frozenset(world.observations), timing
        if key not in self._products:
            made = _multiply(self.controller, world, timing)
            system, places, situations = made
            checker = ModelChecker(system, fairness=self.world.fairness)
            self._products[key] = PlanProduct(world, system, places, situations, checker)
        return self._products[key]


def check_plan(
    plan: Program | Controller,
    book: RuleBook,
    world: World,
    *,
    timing: Timing | None = None,
    rules: Sequence[Rule] | None = None,
) -> PlanVerdict:
    """Checks a plan against a rulebook.

    Args:
        plan: A program or its machine.
        book: The rules.
        world: Where it is carried out.
        timing: When actions answer observations; None for what each rule says.
        rules: Only these rules.

    Raises:
        InputError: See :class:`PlanChecker`.
    """
    checker = PlanChecker(plan, world, timing=timing)
    chosen = book.rules if rules is None else rules
    return PlanVerdict(tuple(map(checker.check, chosen)), checker.controller)


def _multiply(
    controller: Controller, world: World, timing: Timing
) -> tuple[TransitionSystem, NDArray[np.int32], NDArray[np.int64]]:
    """Makes the product; state ``(a, v)``: the step of instruction ``a`` in situation ``v``.

    Sense then act: from (a, v) to (what is decided after a on seeing v', v').
    One-step delay: from (a, v) to (what is decided after a on seeing v, v').
    """
    count = len(world.situations)
    columns = world.columns()
    decided: dict[int, NDArray[np.int32]] = {}
    follows: dict[tuple[str, ...], NDArray[np.bool_]] = {}
    sensing = timing is Timing.SENSE_THEN_ACT
    starts = world.starts()
    first = controller.decide(0, columns, count)
    order = [START] if not sensing else sorted(set(first[starts].tolist()))
    number = np.full(len(controller.instructions) + 2, -1, np.int64)  # the last two: no instruction
    number[order] = np.arange(len(order))
    sources, targets, ends = [], [], []
    edges = 0
    for at in order:  # grows while it is read
        if at == ENDED:  # a plan that is over before its first action
            ends.append(np.ones(count, np.bool_))
            continue
        after = controller.after(at)
        if after not in decided:
            over = after == ENDED
            nothing = np.full(count, ENDED, np.int32)
            decided[after] = nothing if over else controller.decide(after, columns, count)
        choice = decided[after]
        taken = controller.actions(at)
        if taken not in follows:
            follows[taken] = world.follows(taken)
        now, then = np.nonzero(follows[taken])
        acting = choice[then] if sensing else choice[now]
        over = acting == ENDED
        final = np.zeros(count, np.bool_)
        final[now[over]] = True
        if not sensing:
            final |= choice == ENDED
        ends.append(final)
        now, then, acting = now[~over], then[~over], acting[~over]
        for place in np.unique(acting).tolist():
            if number[place] < 0:
                number[place] = len(order)
                order.append(place)
        edges += len(now)
        if edges > MAX_EDGES:
            raise InputError(
                f"the plan times the world has more than {MAX_EDGES:,} transitions; shorten the "
                f"plan, or constrain the world"
            )
        sources.append(number[at] * count + now)
        targets.append(number[acting] * count + then)
    places = np.repeat(np.asarray(order, np.int32), count)
    situations = np.tile(np.arange(count), len(order))
    chosen = [START] * len(starts) if not sensing else first[starts].tolist()
    initial = [number[place] * count + int(v) for place, v in zip(chosen, starts, strict=True)]
    labels = _labels(controller, world, order)
    words = _Words(controller, world, places, situations)
    system = from_arrays(
        (*world.observations, *world.actions),
        labels,
        np.concatenate(sources) if sources else np.zeros(0, np.int64),
        np.concatenate(targets) if targets else np.zeros(0, np.int64),
        initial,
        final=np.concatenate(ends),
        describe=words,
    )
    return system, places, situations


def _labels(controller: Controller, world: World, order: Sequence[int]) -> NDArray[np.bool_]:
    count = len(world.situations)
    labels = np.zeros((len(order), count, len(world.observations) + len(world.actions)), np.bool_)
    labels[:, :, : len(world.observations)] = world.situations[None]
    for i, at in enumerate(order):
        for action in controller.actions(at):
            if action not in world.actions:
                raise InputError(f"the plan takes '{action}', which is no action of this rulebook")
            labels[i, :, len(world.observations) + world.actions.index(action)] = True
    return labels.reshape(len(order) * count, -1)


@dataclass(frozen=True, eq=False)
class _Words:
    """Tells in words what is observed and done in a state of a product."""

    controller: Controller
    world: World
    places: NDArray[np.int32]
    situations: NDArray[np.int64]

    def __call__(self, state: int) -> str:
        row = self.world.situations[self.situations[state]]
        seen = [n.replace("_", " ") for n, v in zip(self.world.observations, row, strict=True) if v]
        at = int(self.places[state])
        actions = " and ".join(a.replace("_", " ") for a in self.controller.actions(at))
        waits = at < 0 or self.controller.instructions[at].actions is None
        done = actions or "nothing"
        if waits and at != ENDED:
            done = f"wait ({done})"
        sight = ", ".join(seen) if seen else ("nothing" if self.world.observations else "anything")
        return f"sees {sight}; does: {done}"
