"""Log of an episode: labels of every step, collisions, broken rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from surefoot.envs.crossing.labels import NAMES
from surefoot.envs.skills import SkillResult

Checker = Callable[[Sequence[str], NDArray[np.bool_], NDArray[np.int64]], NDArray[np.bool_]]
"""Maps names of propositions, labels [steps, names] and offsets [traces + 1] to whether each
trace satisfies each rule, shape [traces, rules]."""


@dataclass(frozen=True, slots=True)
class Collision:
    """A contact of the vehicle with something other than the ground.

    Attributes:
        what: Kind of what it touched: ``car``, ``person`` or ``pole``.
        number: Index among these.
        time: Simulated seconds since the episode began.
        speed: The vehicle's speed in metres per second just before.
    """

    what: str
    number: int
    time: float
    speed: float

    def __str__(self) -> str:
        return f"{self.what} {self.number}"


@dataclass
class EpisodeLog:
    """The log of one episode.

    Attributes:
        rows: One per decision step: the observations at its start and the vehicle's action during
            it; each of shape [11].
        times: Simulated seconds at which the steps began.
        collisions: All contacts; the first one ends the episode.
        results: Result of each skill.
    """

    rows: list[NDArray[np.bool_]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    collisions: list[Collision] = field(default_factory=list)
    results: list[SkillResult] = field(default_factory=list)

    def copy(self) -> EpisodeLog:
        """Returns an independent copy."""
        return EpisodeLog(
            list(self.rows), list(self.times), list(self.collisions), list(self.results)
        )

    def trace(self) -> NDArray[np.bool_]:
        """Returns the labels, shape [steps, 11], columns as in ``labels.NAMES``."""
        return np.array(self.rows, np.bool_).reshape(len(self.rows), len(NAMES))

    def names(self) -> list[frozenset[str]]:
        """Returns the true propositions of each step."""
        return [frozenset(n for n, on in zip(NAMES, row, strict=True) if on) for row in self.rows]


def pack(logs: Sequence[EpisodeLog]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Returns the concatenated labels of many episodes, and where each begins.

    Returns:
        Labels [steps, 11] and offsets [episodes + 1].
    """
    offsets = np.zeros(len(logs) + 1, np.int64)
    np.cumsum([len(log.rows) for log in logs], out=offsets[1:])
    traces = [log.trace() for log in logs]
    return np.concatenate([*traces, np.zeros((0, len(NAMES)), np.bool_)]), offsets


def violations(
    logs: Sequence[EpisodeLog], checker: Checker, rules: Sequence[str]
) -> list[tuple[str, ...]]:
    """Returns the names of the rules that each episode broke.

    Args:
        logs: The episodes.
        checker: Checks traces, such as ``check_traces`` of :mod:`surefoot.verification` with its
            rules bound.
        rules: Names of the rules, in the checker's order.
    """
    labels, offsets = pack(logs)
    kept = checker(NAMES, labels, offsets)
    return [tuple(rule for rule, good in zip(rules, row, strict=True) if not good) for row in kept]
