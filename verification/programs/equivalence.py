"""Whether two plans do the same in all situations."""

from __future__ import annotations

from itertools import product

import numpy as np

from surefoot.core.errors import InputError
from surefoot.verification.programs.controller import ENDED, compile_program
from surefoot.verification.programs.statements import Program

MAX_OBSERVATIONS = 14
"""Most observations that two plans may use together."""


def equivalent(first: Program, second: Program) -> bool:
    """Returns whether two plans take the same actions, and end, in the same runs.

    Args:
        first: A plan.
        second: Another one, over the same vocabulary.

    Raises:
        InputError: They use too many observations, or cannot be compiled.
    """
    a, b = compile_program(first), compile_program(second)
    names = list(dict.fromkeys((*a.observations, *b.observations)))
    if len(names) > MAX_OBSERVATIONS:
        raise InputError(
            f"the plans use {len(names)} observations; at most {MAX_OBSERVATIONS} can be compared"
        )
    rows = np.array(list(product((False, True), repeat=len(names))), bool)
    columns = {name: rows[:, i] for i, name in enumerate(names)}
    known, todo = {(0, 0)}, [(0, 0)]
    while todo:
        at, other = todo.pop()
        chosen = a.decide(at, columns, len(rows)), b.decide(other, columns, len(rows))
        for mine, theirs in {*zip(chosen[0].tolist(), chosen[1].tolist(), strict=True)}:
            if (mine == ENDED) != (theirs == ENDED):
                return False
            if mine == ENDED:
                continue
            if set(a.actions(mine)) != set(b.actions(theirs)):
                return False
            pair = a.after(mine), b.after(theirs)
            if pair not in known:
                known.add(pair)
                todo.append(pair)
    return True
