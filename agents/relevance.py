"""Which facts matter: those on which it depends what comes of a plan, and those it relies on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import log2

import numpy as np

from surefoot.agents.perception.questions import Answers

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


def reliance(
    worlds: Sequence[Answers], outcomes: Sequence[Hashable], world: Answers, order: Sequence[str]
) -> tuple[str, ...]:
    """Returns facts that suffice for what happens in a world, whatever all others are.

    None of them can be left out; which set of this kind it is depends on the order.

    Args:
        worlds: All worlds there can be.
        outcomes: What happens in each.
        world: The world in question, one of them.
        order: All facts, those that are rather to be left out first.

    >>> worlds = [{"light": l, "car": c} for l in ("green", "red") for c in ("yes", "no")]
    >>> does = ["stop", "go", "stop", "stop"]
    >>> reliance(worlds, does, {"light": "red", "car": "no"}, ("car", "light"))
    ('light',)
    >>> reliance(worlds, does, {"light": "green", "car": "no"}, ("car", "light"))
    ('car', 'light')
    """
    agrees = {f: np.array([w[f] == world[f] for w in worlds]) for f in order}
    here = outcomes[next(i for i, w in enumerate(worlds) if w == world)]
    differs = np.array([o != here for o in outcomes])
    kept = list(order)
    for fact in order:
        others = [agrees[f] for f in kept if f != fact]
        if not (differs & np.all(others, axis=0) if others else differs).any():
            kept.remove(fact)
    return tuple(kept)


def _information(
    options: Sequence[Hashable], outcomes: Sequence[Hashable], weights: Sequence[float]
) -> float:
    both = _sums(list(zip(options, outcomes, strict=True)), weights)
    first, second = _sums(options, weights), _sums(outcomes, weights)
    total = 0.0
    for option, outcome in set(zip(options, outcomes, strict=True)):
        p = both[option, outcome]
        if p > 0:
            total += p * log2(p / (first[option] * second[outcome]))
    return total


def _sums(keys: Sequence[Hashable], weights: Sequence[float]) -> Mapping[Hashable, float]:
    sums: dict[Hashable, float] = {}
    for key, weight in zip(keys, weights, strict=True):
        sums[key] = sums.get(key, 0.0) + weight
    return sums
