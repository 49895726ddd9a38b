"""Conditions that separate dangerous from harmless situations, found by a greedy search."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from surefoot.verification.formulas.syntax import And, False_, Formula, Not, Or, Prop, True_


def separating(
    names: Sequence[str],
    dangerous: NDArray[np.bool_],
    harmless: NDArray[np.bool_],
    *,
    first: Collection[str] = (),
) -> Formula:
    """Finds a condition that holds in all dangerous situations and in no harmless one.

    A cube is grown from each dangerous situation that is not yet covered: facts are dropped from
    it as long as it covers nothing harmless.

    Args:
        names: Observations.
        dangerous: Shape [m, names]: situations that the condition must cover.
        harmless: Shape [n, names]: situations that it must not cover; one that is both counts as
            dangerous.
        first: Observations to prefer. If nothing is harmless, all situations that differ in these
            from every dangerous one are considered harmless.

    Returns:
        A disjunction of conjunctions of literals; true if nothing can be separated.
    """
    known = {row.tobytes() for row in np.ascontiguousarray(dangerous)}
    kept = [row for row in np.ascontiguousarray(harmless) if row.tobytes() not in known]
    fine = np.array(kept, np.bool_).reshape(len(kept), len(names))
    if not len(fine):
        columns = [i for i, name in enumerate(names) if name in first]
        if len(columns) < len(names):
            return separating(
                [names[i] for i in columns], dangerous[:, columns], fine[:, columns], first=first
            )
        every = np.arange(1 << len(names))[:, None] >> np.arange(len(names)) & 1
        fine = np.array([r for r in every.astype(np.bool_) if r.tobytes() not in known], np.bool_)
        if not len(fine):
            return True_()
    order = sorted(range(len(names)), key=lambda i: names[i] in first)
    parts: list[Formula] = []
    rest = dangerous
    while len(rest):
        row, used = rest[0], np.ones(len(names), np.bool_)
        for i in order:
            used[i] = False
            if len(fine) and (fine[:, used] == row[used]).all(axis=1).any():
                used[i] = True
        cube = [
            Prop(n) if v else Not(Prop(n)) for n, v, u in zip(names, row, used, strict=True) if u
        ]
        parts.append(_joined(And, cube, True_()))
        rest = rest[~(rest[:, used] == row[used]).all(axis=1)]
    return _joined(Or, parts, False_())


def opposite(condition: Formula) -> Formula:
    """Returns the negation with the negations pushed inwards; And, Or, Not and names only."""
    match condition:
        case Not(child):
            return child
        case And(parts):
            return _joined(Or, [opposite(p) for p in parts], False_())
        case Or(parts):
            return _joined(And, [opposite(p) for p in parts], True_())
        case True_():
            return False_()
        case False_():
            return True_()
    return Not(condition)


def _joined(kind: type[And | Or], parts: Sequence[Formula], empty: Formula) -> Formula:
    if not parts:
        return empty
    return parts[0] if len(parts) == 1 else kind(tuple(parts))
