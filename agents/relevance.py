"""Which facts matter: those on which it depends what comes of a plan."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import log2
from typing import TypeVar

from surefoot.agents.perception.questions import Answers

Key = TypeVar("Key", bound=Hashable)

_LEAST = 1e-9
"""Bits below which rounding is all there is."""


def relevance(
    worlds: Sequence[Answers], outcomes: Sequence[Hashable], chances: Sequence[float]
) -> dict[str, float]:
    """Returns the mutual information between each fact and what happens, in bits.

    Args:
        worlds: Possible worlds.
        outcomes: What happens in each: verdict, action, whether it is allowed.
        chances: Their probabilities, in any unit; if all are 0, all count the same.

    Returns:
        By fact, only those with information; empty if the same happens in every world.

    >>> worlds = [{"light": "green", "sign": "no"}, {"light": "red", "sign": "no"}]
    >>> relevance(worlds, ["go", "stop"], [1, 1])
    {'light': 1.0}
    """
    if len(set(outcomes)) < 2:
        return {}
    total = sum(chances)
    weights = [c / total for c in chances] if total > 0 else [1 / len(worlds)] * len(worlds)
    found: dict[str, float] = {}
    for fact in worlds[0]:
        bits = _information([w[fact] for w in worlds], outcomes, weights)
        if bits > _LEAST:
            found[fact] = bits
    if not found and any(w != weights[0] for w in weights):
        # Outcomes differ, but in worlds that are next to impossible.
        return {f: b * _LEAST for f, b in relevance(worlds, outcomes, [0] * len(worlds)).items()}
    return found


def _information(
    options: Sequence[Hashable], outcomes: Sequence[Hashable], weights: Sequence[float]
) -> float:
    pairs = list(zip(options, outcomes, strict=True))
    both, first, second = _sums(pairs, weights), _sums(options, weights), _sums(outcomes, weights)
    return sum(p * log2(p / (first[a] * second[b])) for (a, b), p in both.items() if p > 0)


def _sums(keys: Sequence[Key], weights: Sequence[float]) -> Mapping[Key, float]:
    sums: dict[Key, float] = {}
    for key, weight in zip(keys, weights, strict=True):
        sums[key] = sums.get(key, 0.0) + weight
    return sums
