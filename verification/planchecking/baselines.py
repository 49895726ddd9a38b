"""Baseline plans: rules alone reward doing nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from surefoot.core.errors import InputError
from surefoot.verification.formulas.syntax import Prop, True_
from surefoot.verification.planchecking.worldmodel import WorldModel
from surefoot.verification.programs.statements import Do, If, Program, Statement, While


def always(action: str) -> Program:
    """Returns the plan that repeats one action for ever, such as stopping."""
    return Program((While(0, True_(), (Do(0, (action,)),)),), action)


def any_action(
    world: WorldModel, actions: Sequence[str] | None = None
) -> tuple[Program, WorldModel]:
    """Returns the plan that may take any action at any time.

    The world makes the choice: free observations are added to it that select the action.

    Args:
        world: The world.
        actions: The actions to choose from; by default all.

    Returns:
        The program, and the world with the added observations.

    Raises:
        InputError: There is no action.
    """
    names = tuple(world.actions if actions is None else actions)
    if not names:
        raise InputError("there is no action to choose from; the rulebook declares none")
    bits = [f"choice_{i}" for i in range((len(names) - 1).bit_length())]

    def choose(low: int, left: list[str]) -> Statement:
        if not left:
            return Do(0, (names[min(low, len(names) - 1)],))
        high = low + (1 << (len(left) - 1))
        return If(0, Prop(left[0]), (choose(high, left[1:]),), (choose(low, left[1:]),))

    program = Program((While(0, True_(), (choose(0, bits),)),), world.idle)
    return program, replace(world, observations=(*world.observations, *bits))
