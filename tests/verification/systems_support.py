"""Random systems and formulas, a naive judge of lassos, and Spot's product, for the tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import numpy as np

from surefoot.verification.formulas.syntax import (
    Always,
    And,
    Eventually,
    Formula,
    Iff,
    Implies,
    Next,
    Not,
    Or,
    Prop,
    Release,
    StrongNext,
    StrongRelease,
    True_,
    Until,
    WeakUntil,
    Xor,
)
from surefoot.verification.modelchecking.systems import TransitionSystem, from_arrays
from tests.verification.spot_oracle import load_spot

NAMES = ("a", "b", "c")


def random_system(rng: Random, states: int, *, ends: float = 0.0) -> TransitionSystem:
    """Every state has one to three successors, or with a chance none, and then a run may end."""
    sources, targets, final = [], [], [rng.random() < ends for _ in range(states)]
    if ends and not any(final):
        final[-1] = True
    for state in range(states):
        if final[state] and rng.random() < 0.5:
            continue
        for target in rng.sample(range(states), min(states, rng.randint(1, 3))):
            sources.append(state)
            targets.append(target)
    labels = np.array([[rng.random() < 0.5 for _ in NAMES] for _ in range(states)])
    starts = rng.sample(range(states), rng.randint(1, min(2, states)))
    return from_arrays(
        NAMES,
        labels,
        np.array(sources, int),
        np.array(targets, int),
        starts,
        final=np.array(final) if ends else None,
    )


def random_formula(rng: Random, depth: int = 3) -> Formula:
    if depth == 0 or rng.random() < 0.15:
        return rng.choice([Prop(n) for n in NAMES] + [True_()] * (rng.random() < 0.1))
    kind = rng.choice(
        [Not, And, Or, Implies, Iff, Xor, Next, StrongNext]
        + [Eventually, Always] * 3
        + [Until, WeakUntil, Release, StrongRelease]
    )
    left = random_formula(rng, depth - 1)
    if kind in (Not, Next, StrongNext, Eventually, Always):
        return kind(left)
    right = random_formula(rng, depth - 1)
    return kind((left, right)) if kind in (And, Or) else kind(left, right)


def lasso_satisfies(formula: Formula, word: Sequence[Sequence[str]], loop: int) -> bool:
    """Judges the word whose letters from place ``loop`` on repeat for ever, by its definition."""
    size = len(word)
    after = [*range(1, size), loop]

    def orbit(place: int) -> list[int]:
        seen = []
        for _ in range(2 * size):
            seen.append(place)
            place = after[place]
        return seen

    def at(f: Formula, i: int) -> bool:
        match f:
            case True_():
                return True
            case Prop(name):
                return name in word[i]
            case Not(g):
                return not at(g, i)
            case And(parts):
                return all(at(g, i) for g in parts)
            case Or(parts):
                return any(at(g, i) for g in parts)
            case Implies(g, h):
                return not at(g, i) or at(h, i)
            case Iff(g, h):
                return at(g, i) == at(h, i)
            case Xor(g, h):
                return at(g, i) != at(h, i)
            case Next(g) | StrongNext(g):
                return at(g, after[i])
            case Eventually(g):
                return any(at(g, j) for j in orbit(i))
            case Always(g):
                return all(at(g, j) for j in orbit(i))
            case Until(g, h):
                way = orbit(i)
                return any(at(h, j) and all(at(g, k) for k in way[:n]) for n, j in enumerate(way))
            case WeakUntil(g, h):
                return at(Until(g, h), i) or at(Always(g), i)
            case Release(g, h):
                return not at(Until(Not(g), Not(h)), i)
            case StrongRelease(g, h):
                return at(Until(h, And((g, h))), i)
        raise AssertionError(f)

    return at(formula, 0)


def successors(system: TransitionSystem, state: int) -> list[int]:
    return system.targets[system.offsets[state] : system.offsets[state + 1]].tolist()


def paths(system: TransitionSystem, size: int) -> Iterator[list[int]]:
    """All runs of so many states."""
    stack = [[s] for s in system.initial.tolist()]
    while stack:
        path = stack.pop()
        if len(path) == size:
            yield path
        else:
            stack += [[*path, t] for t in successors(system, path[-1])]


def word_of(system: TransitionSystem, path: Sequence[int]) -> list[tuple[str, ...]]:
    return [system.facts(s) for s in path]


def spot_kripke(system: TransitionSystem) -> Any:
    """The model in Spot, with a first state that has a proposition of its own."""
    spot = load_spot()
    import buddy  # pyright: ignore[reportMissingImports]

    graph = spot.make_kripke_graph(spot.make_bdd_dict())
    bits = [buddy.bdd_ithvar(graph.register_ap(n)) for n in (*system.names, "start_")]
    for row in system.labels.tolist():
        label = buddy.bdd_nithvar(buddy.bdd_var(bits[-1]))
        for bit, true in zip(bits, row, strict=False):
            label &= bit if true else -bit
        graph.new_state(label)
    first = graph.new_state(bits[-1])
    for state in range(system.states):
        for target in successors(system, state):
            graph.new_edge(state, target)
    for target in system.initial.tolist():
        graph.new_edge(first, target)
    graph.set_init_state(first)
    return graph


def spot_holds(system: TransitionSystem, formula: Formula) -> bool:
    """Spot's verdict on all infinite runs of the model."""
    spot = load_spot()
    graph = spot_kripke(system)
    negation = spot.formula(f"X!({formula})")
    return spot.translate(negation, dict=graph.get_dict()).intersecting_run(graph) is None
