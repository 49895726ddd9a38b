"""Builds and checks the same models with Surefoot and with Spot's Kripke structures in one run.

Two models of 100,000 states: a random one with 590,000 edges, and a square of cells on which a
robot moves to neighbours or stays. Both sides build from the same Python callables, both check
the same rules; the automaton of a rule is made before the clock starts on both sides. Spot's
check is ``k.intersecting_run(negation)``. Prints seconds of processor time, the best of several,
verdicts and lengths of the counterexamples, and the ratio.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import spot

from surefoot.verification import parse
from surefoot.verification.modelchecking.models import ModelChecker
from surefoot.verification.modelchecking.systems import from_callables

STATES, SIDE, REPEATS = 100_000, 316, 3
NAMES = ("a", "b", "goal", "hazard")
RULES = (
    "G !(a & b & hazard)",  # holds, safety
    "G(goal -> !hazard)",  # holds, safety
    "G !hazard",  # violated, safety
    "G(a -> X X !hazard)",  # violated, safety
    "G(hazard -> F goal)",  # violated, liveness
    "F goal",  # violated, liveness
    "G F a",  # violated on the square
    "G(goal -> F(a | !a))",  # holds, trivially
    "(G F goal) -> F goal",  # holds, liveness
    "G(X a -> F !hazard)",  # liveness
)

Model = tuple[
    Callable[[], Iterable[int]], Callable[[int], Iterable[int]], Callable[[int], frozenset[str]]
]


def random_model() -> Model:
    """Every state has five or six successors; few states are hazards, and none of them a goal."""
    rng = Random(7)
    edges = [[rng.randrange(STATES) for _ in range(6 if i % 10 else 5)] for i in range(STATES)]
    labels = []
    for _ in range(STATES):
        facts = {n for n in ("a", "b") if rng.random() < 0.5}
        place = rng.random()
        if place < 0.0001:
            facts = {"hazard", "a"}
        elif place < 0.01:
            facts.add("goal")
        labels.append(frozenset(facts))
    return lambda: [0], edges.__getitem__, labels.__getitem__


def square() -> Model:
    """A robot on SIDE x SIDE cells, one hazard far from the corner where it starts."""

    def moves(cell: int) -> list[int]:
        x, y = cell % SIDE, cell // SIDE
        near = [cell]
        if x > 0:
            near.append(cell - 1)
        if x < SIDE - 1:
            near.append(cell + 1)
        if y > 0:
            near.append(cell - SIDE)
        if y < SIDE - 1:
            near.append(cell + SIDE)
        return near

    def label(cell: int) -> frozenset[str]:
        if cell == 200 * SIDE + 160:
            return frozenset({"hazard"})
        if cell == SIDE * SIDE - 1:
            return frozenset({"goal"})
        return frozenset({"a"} if cell % 7 else {"b"})

    return lambda: [0], moves, label


def spot_model(model: Model) -> Any:
    """The usual way to build a Kripke structure from callables."""
    initial, successors, label = model
    graph = spot.make_kripke_graph(spot.make_bdd_dict())
    bits = {n: spot.buddy.bdd_ithvar(graph.register_ap(n)) for n in NAMES}
    letters: dict[frozenset[str], Any] = {}
    number: dict[int, int] = {}
    todo: list[int] = []

    def visit(state: int) -> int:
        if state not in number:
            facts = label(state)
            if facts not in letters:
                letter = spot.buddy.bddtrue
                for name, bit in bits.items():
                    letter &= bit if name in facts else -bit
                letters[facts] = letter
            number[state] = graph.new_state(letters[facts])
            todo.append(state)
        return number[state]

    graph.set_init_state(visit(*initial()))
    for state in todo:
        for target in successors(state):
            graph.new_edge(number[state], visit(target))
    return graph


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Returns the least processor time of some repeats, and the result."""
    best, result = float("inf"), None
    for _ in range(REPEATS):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return best, result


def compare(title: str, model: Model) -> tuple[float, float]:
    """Prints one model's table; returns the sums of both sides."""
    initial, successors, label = model
    ours, system = timed(lambda: from_callables(initial(), successors, label, names=NAMES))
    theirs, graph = timed(lambda: spot_model(model))
    print(f"{title}: {system.states:,} states, {system.edges:,} edges")
    print(f"  {'':26} surefoot    spot  ratio  verdict and length of the counterexample")
    print(f"  {'build':26} {ours:8.3f} {theirs:7.3f} {theirs / ours:6.2f}")
    sums = [ours, theirs]
    for text in RULES:
        formula = parse(text)
        ModelChecker(from_callables([0], lambda s: [s], lambda s: (), names=NAMES)).check(formula)
        negation = spot.translate(spot.formula(f"!({text})"), dict=graph.get_dict())
        mine, verdict = timed(lambda f=formula: ModelChecker(system).check(f))
        yours, run = timed(lambda n=negation: graph.intersecting_run(n))
        assert verdict.holds == (run is None), text
        said = "holds"
        if run is not None:
            proven = "" if verdict.witness.shortest else " (not proven shortest)"
            said = f"violated, {len(verdict.witness)}{proven} against {spot_length(run)}"
        print(f"  {text:26} {mine:8.3f} {yours:7.3f} {yours / mine:6.2f}  {said}")
        sums[0] += mine
        sums[1] += yours
    print(f"  {'all together':26} {sums[0]:8.3f} {sums[1]:7.3f} {sums[1] / sums[0]:6.2f}\n")
    return sums[0], sums[1]


def spot_length(run: Any) -> int:
    """Steps of the counterexample, loop once."""
    return len(list(run.prefix)) + len(list(run.cycle))


def main() -> None:
    """Compares both on both models."""
    pairs = [compare("random", random_model()), compare("square", square())]
    ours, theirs = (sum(column) for column in zip(*pairs, strict=True))
    print(f"Surefoot {ours:.2f} s, Spot {theirs:.2f} s: {theirs / ours:.2f} times as fast")


if __name__ == "__main__":
    main()
