"""Model checking by hand: shapes of counterexamples, ends, fairness, refusals."""

from __future__ import annotations

from itertools import pairwise, product
from random import Random

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import parse
from surefoot.verification.formulas.semantics import evaluate
from surefoot.verification.modelchecking.models import CheckStatus, ModelChecker, check_model
from surefoot.verification.modelchecking.systems import (
    TransitionSystem,
    from_arrays,
    from_callables,
)
from surefoot.verification.modelchecking.witness import WitnessKind, folded
from tests.verification.systems_support import (
    paths,
    random_formula,
    random_system,
    successors,
    word_of,
)

GRID = 30


def grid(hazards: set[tuple[int, int]], goal: tuple[int, int]) -> TransitionSystem:
    """A robot that goes up, down, left or right, or stays, on a square of cells."""

    def moves(cell: tuple[int, int]) -> list[tuple[int, int]]:
        x, y = cell
        near = [(x, y), (x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)]
        return [c for c in near if 0 <= c[0] < GRID and 0 <= c[1] < GRID]

    def label(cell: tuple[int, int]) -> set[str]:
        facts = {"hazard": cell in hazards, "goal": cell == goal}
        return {name for name, true in facts.items() if true}

    return from_callables(
        [(0, 0)], moves, label, names=["hazard", "goal"], describe=lambda c: f"at {c[0]}, {c[1]}"
    )


def test_the_nearest_hazard_is_reported() -> None:
    system = grid({(9, 5), (25, 3), (29, 29)}, (3, 3))
    verdict = check_model(system, parse("G !hazard"))
    assert verdict.witness is not None
    assert verdict.witness.kind is WitnessKind.PREFIX
    assert len(verdict.witness) == 15
    assert verdict.witness.shortest
    assert verdict.witness.lines()[0] == "1. at 0, 0"
    assert verdict.witness.lines()[-1] == "15. at 9, 5"


def test_liveness_needs_fairness() -> None:
    system = grid(set(), (3, 3))
    verdict = check_model(system, parse("F goal"))
    assert verdict.witness is not None
    assert (len(verdict.witness.prefix), len(verdict.witness.loop)) == (0, 1)
    assert verdict.witness.lines()[-1] == "then again from step 1, for ever"
    assert check_model(system, parse("F goal"), fairness=[parse("G F goal")]).holds
    with pytest.raises(InputError, match="no run of the model meets the fairness"):
        check_model(system, parse("F goal"), fairness=[parse("G F hazard")])


def test_strong_fairness() -> None:
    # 0 chooses between 1 and itself; a fair choice takes each edge that is offered again and again
    system = from_arrays(
        ("choose", "there"),
        np.array([[1, 0], [0, 1]], bool),
        np.array([0, 0, 1]),
        np.array([0, 1, 1]),
        [0],
    )
    assert not check_model(system, parse("F there")).holds
    assert check_model(system, parse("F there"), fairness=[parse("G F choose -> G F there")]).holds


def test_a_rule_that_is_never_triggered() -> None:
    system = grid(set(), (3, 3))
    verdict = check_model(system, parse("G(hazard -> F goal)"))
    assert verdict.status is CheckStatus.VACUOUS
    assert verdict.holds
    assert verdict.triggered is False
    assert check_model(system, parse("G(X X hazard -> goal)")).status is CheckStatus.VACUOUS
    assert check_model(system, parse("G(goal -> !hazard)")).status is CheckStatus.SATISFIED
    assert check_model(system, parse("G !hazard")).triggered is None


def test_triggers_count_only_on_runs_that_count() -> None:
    # state 1 is labelled but lies on no run; state 2 only on runs that are not fair
    labels = np.array([[1, 0], [0, 1], [0, 1]], bool)
    system = from_arrays(("home", "odd"), labels, np.arange(3), np.arange(3), [0])
    assert check_model(system, parse("G(odd -> home)")).status is CheckStatus.VACUOUS
    both = system.starting([0, 2])
    assert check_model(both, parse("G(odd -> F odd)")).status is CheckStatus.SATISFIED
    fair = check_model(both, parse("G(odd -> F odd)"), fairness=[parse("G F home")])
    assert fair.status is CheckStatus.VACUOUS


def test_runs_that_end_against_all_of_them() -> None:
    rng = Random(5)
    kinds = set()
    for _ in range(150):
        system = random_system(rng, rng.randint(2, 5), ends=0.4)
        formula = random_formula(rng)
        try:
            verdict = check_model(system, formula, finite=True)
        except InputError as error:
            assert "no run of the model ends" in error.message  # noqa: PT017
            continue
        assert system.final is not None
        ended = [p for n in range(1, 7) for p in paths(system, n) if system.final[p[-1]]]
        bad = [p for p in ended if not evaluate(formula, word_of(system, p))]
        if verdict.witness is None:
            assert not bad, f"{formula}"
            continue
        kinds.add(verdict.witness.kind)
        run = [s.state for s in verdict.witness.steps]
        assert run[0] in system.initial
        assert all(t in successors(system, s) for s, t in pairwise(run))
        whole = verdict.witness.kind is WitnessKind.ENDED
        longer = [run] if whole else [p for p in ended if p[: len(run)] == run]
        assert all(not evaluate(formula, word_of(system, p)) for p in longer)
        assert all(len(p) >= len(run) for p in bad)
    assert kinds == {WitnessKind.PREFIX, WitnessKind.ENDED}


def test_ending_and_unending_runs_together() -> None:
    # 0 -> 0 | 1, and 1 is where a run may end
    labels = np.array([[0], [1]], bool)
    system = from_arrays(
        ("done",), labels, np.array([0, 0]), np.array([0, 1]), [0], final=np.array([False, True])
    )
    assert check_model(system, parse("F done"), finite=True).holds
    both = check_model(system, parse("F done"))
    assert both.witness is not None
    assert both.witness.kind is WitnessKind.LASSO
    assert check_model(system, parse("G(done -> X 0)")).holds
    assert not check_model(system, parse("G(done -> X[!] 1)")).holds


def test_deep_models_take_the_compiled_search() -> None:
    size = 5_000
    labels = np.zeros((size, 1), bool)
    labels[-1] = True
    chain = from_arrays(("end",), labels, np.arange(size), np.append(np.arange(1, size), 0), [0])
    verdict = check_model(chain, parse("G !end"))
    assert verdict.witness is not None
    assert [s.state for s in verdict.witness.steps] == list(range(size))
    around = check_model(chain, parse("F G !end"))
    assert around.witness is not None
    assert len(around.witness) == size
    assert check_model(chain, parse("G F end")).holds


def test_stuttering_and_stuck_states() -> None:
    labels = np.array([[0], [1]], bool)
    system = from_arrays(("end",), labels, np.array([0]), np.array([1]), [0])
    with pytest.raises(InputError, match="in 1 of the model's states, first in: end; give"):
        check_model(system, parse("F end"))
    assert check_model(system, parse("F G end"), stutter=True).holds
    assert check_model(system, parse("F end"), finite=True).holds
    unreachable = system.starting([1]).stuttering()
    assert check_model(unreachable, parse("G end")).holds


def test_bad_models_are_one_line() -> None:
    labels = np.zeros((2, 1), bool)
    none = np.array([], int)
    with pytest.raises(InputError, match="the model has no transitions"):
        check_model(from_arrays(("a",), labels, none, none, [0]), parse("G a"))
    with pytest.raises(InputError, match="no initial state"):
        from_arrays(("a",), labels, none, none, [])
    with pytest.raises(InputError, match="numbers from 0 to 1"):
        from_arrays(("a",), labels, np.array([0]), np.array([2]), [0])
    with pytest.raises(InputError, match="one row per state and one column per"):
        from_arrays(("a", "b"), labels, none, none, [0])
    with pytest.raises(InputError, match="equally long"):
        from_arrays(("a",), labels, none, np.array([0]), [0])
    loops = from_arrays(("a",), labels, np.arange(2), np.arange(2), [0])
    with pytest.raises(InputError, match=r"does not tell 'b'; it tells: a"):
        check_model(loops, parse("G b"))
    with pytest.raises(InputError, match="more than 1,000 states"):
        from_callables([0], lambda n: [n + 1], lambda n: (), limit=1_000)
    with pytest.raises(InputError, match="labelled 'x'"):
        from_callables([0], lambda n: [n], lambda n: {"x"}, names=["a"])
    with pytest.raises(InputError, match="no initial state"):
        from_callables([], lambda n: [n], lambda n: ())
    huge = from_arrays(("a",), np.zeros((1_000_000, 1), bool), np.arange(10), np.arange(10), [0])
    chain = "G(a -> " + "X(" * 7 + "a" + ")" * 8
    with pytest.raises(InputError, match="make the model coarser or the rule simpler"):
        ModelChecker(huge).check(parse(chain))


def test_folding_keeps_the_word() -> None:
    for size in range(1, 6):
        for run in product((0, 1), repeat=size):
            for cut in range(size):
                prefix, loop = folded(run[:cut], run[cut:])
                assert loop
                long = 40
                before = (list(run[:cut]) + list(run[cut:]) * long)[:long]
                assert (prefix + loop * long)[:long] == before
                assert len(prefix) + len(loop) <= size
    assert folded([0, 1, 2, 1, 2], [1, 2, 1, 2]) == ([0], [1, 2])
