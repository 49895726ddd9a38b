"""The product of a plan and a world: a transition system of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.verification.formulas.syntax import Formula
from surefoot.verification.modelchecking.models import ModelChecker
from surefoot.verification.modelchecking.systems import TransitionSystem, from_arrays
from surefoot.verification.planchecking.worldmodel import WorldModel
from surefoot.verification.programs.controller import ENDED, START, Controller
from surefoot.verification.rules import Timing

MAX_EDGES = 6_000_000
"""Most edges of the product of a plan and a world."""


@dataclass(frozen=True, eq=False)
class PlanProduct:
    """A plan times a world.

    Attributes:
        world: The relevant part of the world.
        system: The product.
        places: Shape [states]: the instruction that acts, or ``START`` or ``ENDED``.
        situations: Shape [states]: number of the world's situation.
        checker: Checks rules on it.
    """

    world: WorldModel
    system: TransitionSystem
    places: NDArray[np.int32]
    situations: NDArray[np.int64]
    checker: ModelChecker


def multiply(
    controller: Controller, world: WorldModel, timing: Timing, fairness: Sequence[Formula] = ()
) -> PlanProduct:
    """Builds the product; state ``(a, v)`` is the step of instruction ``a`` in situation ``v``.

    Sense then act: from (a, v) to (what is decided after a on seeing v', v').
    One-step delay: from (a, v) to (what is decided after a on seeing v, v').

    A run ends with the step after which nothing is left to do. If that depends on an observation,
    the step of that observation belongs to the run; the plan idles in it.

    Args:
        controller: The plan.
        world: The world, restricted to the relevant observations.
        timing: When actions answer observations.
        fairness: Assumptions on the endless runs.

    Raises:
        InputError: It is too large, or an action is unknown in the world.
    """
    count = len(world.situations)
    columns = world.columns()
    decided: dict[int, NDArray[np.int32]] = {ENDED: np.full(count, ENDED, np.int32)}
    follows: dict[tuple[str, ...], tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
    sensing = timing is Timing.SENSE_THEN_ACT
    starts = world.starts()
    first = controller.decide(0, columns, count)[starts] if sensing else np.array([START])
    order = np.unique(first).tolist()
    number = np.full(len(controller.instructions) + 2, -1, np.int64)  # the last two: no instruction
    number[order] = np.arange(len(order))
    sources, targets, ends = [], [], []
    edges = 0
    for at in order:  # grows while it is read
        over = at == ENDED or controller.is_last(at)
        after = ENDED if over else controller.after(at)
        if after not in decided:
            decided[after] = controller.decide(after, columns, count)
        choice = decided[after]
        ends.append(np.full(count, over) if sensing else choice == ENDED)
        if over:
            continue
        taken = controller.actions(at)
        if taken not in follows:
            before, behind = np.nonzero(world.follows(taken))
            follows[taken] = before.astype(np.int64), behind.astype(np.int64)
        now, then = follows[taken]
        acting = choice[then] if sensing else choice[now]
        if not sensing:  # the observation made during the last action ends the plan
            on = acting != ENDED
            now, then, acting = now[on], then[on], acting[on]
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
    nothing = np.zeros(0, np.int64)
    system = from_arrays(
        (*world.observations, *world.actions),
        _labels(controller, world, order),
        np.concatenate([*sources, nothing]),
        np.concatenate([*targets, nothing]),
        (number[first] * count + starts).tolist(),
        final=np.concatenate(ends),
        describe=_Words(controller, world, places, situations),
    )
    checker = ModelChecker(system, fairness=fairness)
    return PlanProduct(world, system, places, situations, checker)


def _labels(controller: Controller, world: WorldModel, order: Sequence[int]) -> NDArray[np.bool_]:
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
    """Describes the observations and actions of a state of a product."""

    controller: Controller
    world: WorldModel
    places: NDArray[np.int32]
    situations: NDArray[np.int64]

    def __call__(self, state: int) -> str:
        row = self.world.situations[self.situations[state]]
        seen = [n.replace("_", " ") for n, v in zip(self.world.observations, row, strict=True) if v]
        at = int(self.places[state])
        actions = " and ".join(a.replace("_", " ") for a in self.controller.actions(at))
        sight = ", ".join(seen) or "nothing"
        if at == ENDED:
            return f"sees {sight}; is done" + (f" ({actions})" if actions else "")
        if at == START or self.controller.instructions[at].actions is None:
            return f"sees {sight}; waits" + (f" ({actions})" if actions else "")
        return f"sees {sight}; does: {actions}"
