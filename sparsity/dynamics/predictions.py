"""The predictions of the theory for a trace, each checked against it.

Where the paper gives an order of magnitude and no number, the bound is ours and marked as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from surefoot.sparsity.dynamics.training import FlowTrace

_OURS = "bound ours"


@dataclass(frozen=True)
class Check:
    """A prediction and the measured value.

    Attributes:
        name: The prediction in one line.
        source: Where the paper makes it, and where the bound comes from.
        value: The measured numbers.
        bound: The bound in words.
        holds: Whether it holds.
        attention: Whether it concerns attention, so that it does not apply where attention is
            frozen.
    """

    name: str
    source: str
    value: tuple[float, ...]
    bound: str
    holds: bool
    attention: bool = False

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {
            "name": self.name,
            "source": self.source,
            "value": [float(v) for v in self.value],
            "bound": self.bound,
            "holds": self.holds,
            "attention": self.attention,
        }


def end_of_first_phase(trace: FlowTrace) -> int | None:
    """Returns the index of the first record with all sequences correct, or ``None``."""
    done = np.flatnonzero(trace.accuracy == 1)
    return int(done[0]) if done.size else None


def check_predictions(trace: FlowTrace, rate: float) -> tuple[Check, ...]:
    """Checks all predictions against a trace.

    Args:
        trace: The trace.
        rate: Its step size.

    Returns:
        The checks: identities of gradient flow, then the first phase, then the second. If the
            first phase does not end, only the identities and that fact.
    """
    found = list(_identities(trace, rate))
    turn = end_of_first_phase(trace)
    classified = _check(
        "phase 1 ends with every sequence on its side",
        "phase 1",
        (trace.accuracy.max(),),
        "1",
        bool(turn is not None),
    )
    found.append(classified)
    if turn is not None:
        found += _first_phase(trace, turn)
        found += _second_phase(trace, turn)
    return tuple(found)


def _check(
    name: str, source: str, value: Any, bound: str, holds: Any, *, attention: bool = False
) -> Check:
    return Check(name, source, tuple(float(v) for v in value), bound, bool(holds), attention)


def _identities(trace: FlowTrace, rate: float) -> tuple[Check, ...]:
    drift = trace.drift[-1] / rate
    growth = float(trace.growth[-1])
    return (
        _check(
            "W'W - V V' and K K' - Q Q' stay as they are",
            f"gradient flow; {_OURS}",
            drift,
            "drift of an entry at most 0.1 times the rate",
            (drift <= 0.1).all(),
        ),
        _check(
            "|W'a|^2 grows by 2 m1/n times the sum of g y F",
            f"gradient flow; {_OURS}",
            (growth,),
            "ratio over the whole run 0.95 to 1.05",
            abs(growth - 1) <= 0.05,
        ),
    )


def _first_phase(trace: FlowTrace, turn: int) -> list[Check]:
    g, scores = trace.contributions, trace.scores
    single = trace.group_losses[:, 1:3]
    both = trace.group_losses[:, 0]
    shift = np.abs(scores[turn] - scores[0]).max()
    # Only the last record, since the random initialisation still matters early in the phase.
    speed = np.diff(g[: turn + 1], axis=0)[-1]
    ratio = -speed[2] / speed[:2]
    return [
        _check(
            "at its end G1 and G2 are large and G3 is low",
            f"phase 1; {_OURS}",
            g[turn],
            "at least 1, at least 1, at most -1",
            (g[turn, :2] >= 1).all() and g[turn, 2] <= -1,
        ),
        _check(
            "attention hardly moves in it",
            f"phase 1; {_OURS}",
            (shift,),
            "scores among the signals move by at most 0.01",
            shift <= 0.01,
            attention=True,
        ),
        _check(
            "the loss with one signal rises, then falls",
            "phase 1",
            (*single[0], *single.max(0), *single[-1]),
            "start below the highest, end below the start",
            (single.max(0) > single[0]).all() and (single[-1] < single[0]).all(),
        ),
        _check(
            "the loss with both signals only falls",
            "phase 1",
            (np.diff(both).max(),),
            "no record above the previous one",
            np.diff(both).max() <= 0,
        ),
        _check(
            "G3 falls faster than G1 and G2 rise, and less than twice as fast",
            "phase 1",
            ratio,
            "between 1 and 2",
            ((ratio > 1) & (ratio < 2)).all(),
        ),
    ]


def _second_phase(trace: FlowTrace, turn: int) -> list[Check]:
    scores = trace.scores[-1] - trace.scores[turn]
    values = trace.values[-1] - trace.values[turn]
    g = trace.contributions[-1]
    near = np.array([scores[0, 1], scores[1, 0]])
    far = np.array([scores[2, 0], scores[2, 1]])
    sums = np.array([g.sum(), g[0] + g[2], g[1] + g[2]])
    balance = np.abs(trace.balance[turn:] - 1).max()
    return [
        _check(
            "words 1 and 2 attend to each other",
            "phase 2",
            near,
            "scores rise",
            (near > 0).all(),
            attention=True,
        ),
        _check(
            "words 1 and 2 attend less to word 3",
            "phase 2",
            far,
            "scores fall",
            (far < 0).all(),
            attention=True,
        ),
        _check(
            "values of words 1 and 2 come closer",
            "phase 2",
            (values[0, 1],),
            "inner product rises",
            values[0, 1] > 0,
        ),
        _check(
            "values of word 3 and the others move apart",
            "phase 2",
            values[:2, 2],
            "inner products fall",
            (values[:2, 2] < 0).all(),
        ),
        _check(
            "at the end G1+G2+G3 is above zero, G1+G3 and G2+G3 below",
            "phase 2",
            sums,
            "signs",
            sums[0] > 0 and (sums[1:] < 0).all(),
        ),
        _check(
            "only word 1 and only word 2 pull alike",
            f"automatic balancing; {_OURS}",
            (balance, abs(trace.balance[-1] - 1)),
            "ratio within 0.25 of 1 after phase 1, within 0.02 at the end",
            balance <= 0.25 and abs(trace.balance[-1] - 1) <= 0.02,
        ),
    ]
