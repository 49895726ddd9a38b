"""Model checking against Spot's product, a naive judge of words, and exhaustive search."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from surefoot.verification.formulas.syntax import (
    Always,
    And,
    Eventually,
    False_,
    Formula,
    Implies,
    Prop,
)
from surefoot.verification.modelchecking.models import check_model
from surefoot.verification.modelchecking.shortest import Loops
from surefoot.verification.modelchecking.systems import TransitionSystem, from_arrays
from surefoot.verification.modelchecking.witness import Witness, WitnessKind
from surefoot.verification.translation.tableau import tight_negation
from tests.verification.spot_oracle import load_spot
from tests.verification.systems_support import (
    NAMES,
    lasso_satisfies,
    paths,
    random_formula,
    random_system,
    spot_holds,
    successors,
    word_of,
)


@lru_cache(maxsize=100_000)
def is_bad_prefix(formula: str, word: tuple[tuple[str, ...], ...]) -> bool:
    """Whether Spot finds no infinite word that starts so and satisfies the formula."""
    spot = load_spot()
    text = "1"
    for letter in reversed(word):
        here = " & ".join(n if n in letter else f"!{n}" for n in NAMES)
        text = f"{here} & X({text})"
    return spot.translate(spot.formula(f"({formula}) & {text}")).is_empty()


def states(witness: Witness) -> list[int]:
    return [step.state for step in witness.steps]


def assert_is_run(system: TransitionSystem, witness: Witness) -> None:
    run = states(witness)
    assert run[0] in system.initial
    for source, target in pairwise(run):
        assert target in successors(system, source)
    if witness.loop:
        assert run[len(witness.prefix)] in successors(system, run[-1])
    assert [s.facts for s in witness.steps] == word_of(system, run)


def shorter_lasso(
    system: TransitionSystem, formula: Formula, below: int, recurring: Formula | None = None
) -> list[int] | None:
    """A violating lasso with fewer states, by trying them all."""
    for size in range(1, below):
        for path in paths(system, size):
            word = word_of(system, path)
            for loop in range(size):
                if path[loop] not in successors(system, path[-1]):
                    continue
                if recurring is not None and not lasso_satisfies(recurring, word, loop):
                    continue
                if not lasso_satisfies(formula, word, loop):
                    return path
    return None


@pytest.mark.parametrize("block", range(4))
def test_verdicts_and_witnesses_on_random_systems(block: int) -> None:
    rng = Random(100 + block)
    violated = lassos = proven = 0
    for _ in range(90):
        system = random_system(rng, rng.randint(2, 6))
        formula = random_formula(rng)
        verdict = check_model(system, formula)
        assert verdict.holds == spot_holds(system, formula), f"{formula}"
        if verdict.holds:
            continue
        violated += 1
        witness = verdict.witness
        assert witness is not None
        assert_is_run(system, witness)
        word = tuple(word_of(system, states(witness)))
        if witness.kind is WitnessKind.PREFIX:
            assert is_bad_prefix(str(formula), word)
            for path in paths(system, len(witness) - 1) if len(witness) > 1 else ():
                assert not is_bad_prefix(str(formula), tuple(word_of(system, path)))
        else:
            lassos += 1
            assert not lasso_satisfies(formula, word, len(witness.prefix))
            proven += witness.shortest
            for path in (p for size in (1, 2, 3) for p in paths(system, size)):
                assert not is_bad_prefix(str(formula), tuple(word_of(system, path)))
            if len(witness) <= 7:
                assert shorter_lasso(system, formula, len(witness)) is None or not witness.shortest
    assert violated > 30
    assert lassos > 8
    assert proven == lassos


def test_tight_automata_judge_lassos_by_runs_of_the_same_shape() -> None:
    rng = Random(300)
    violated = 0
    for _ in range(1_500):
        formula = random_formula(rng)
        size = rng.randint(1, 5)
        loop = rng.randrange(size)
        after = np.array([*range(1, size), loop])
        labels = np.array([[rng.random() < 0.5 for _ in NAMES] for _ in range(size)])
        lasso = from_arrays(NAMES, labels, np.arange(size), after, [0])
        word = word_of(lasso, range(size))
        tableau = tight_negation(formula)
        assert tableau is not None
        loops = Loops(lasso, tableau, np.zeros((0, size), bool), 10_000)
        found = [(d, way) for d, e in loops.entries() if (way := loops.loop(e, 2 * size))]
        expected = not lasso_satisfies(formula, word, loop)
        assert bool(found) == expected, f"{formula} on {word}, loop at {loop}"
        if expected:
            assert min(distance for distance, _ in found) == loop
            assert {len(way) for _, way in found} == {size - loop}
        violated += expected
    assert 500 < violated < 1_000


@pytest.mark.parametrize("block", range(2))
def test_fairness_on_random_systems(block: int) -> None:
    rng = Random(200 + block)
    unfair = lassos = 0
    for _ in range(100):
        system = random_system(rng, rng.randint(2, 6))
        formula = random_formula(rng, rng.choice([2, 3]))
        weak = Always(Eventually(rng.choice([Prop("a"), Prop("b")])))
        strong = Implies(Always(Eventually(Prop("b"))), Always(Eventually(Prop("c"))))
        assumptions = rng.choice([(weak,), (strong,), (weak, strong)])
        together = And(assumptions)
        if spot_holds(system, Implies(together, False_())):
            unfair += 1
            continue
        verdict = check_model(system, formula, fairness=assumptions)
        assert verdict.holds == spot_holds(system, Implies(together, formula)), f"{formula}"
        witness = verdict.witness
        if witness is None:
            continue
        assert_is_run(system, witness)
        run = states(witness)
        word = word_of(system, run)
        if witness.kind is WitnessKind.PREFIX:
            assert is_bad_prefix(str(formula), tuple(word))
            onwards = system.starting([run[-1]])
            assert not spot_holds(onwards, Implies(together, False_()))
            continue
        lassos += 1
        assert lasso_satisfies(together, word, len(witness.prefix))
        assert not lasso_satisfies(formula, word, len(witness.prefix))
        if witness.shortest and len(witness) <= 7:
            assert shorter_lasso(system, formula, len(witness), together) is None
    assert 0 < unfair < 50
    assert lassos > 3
