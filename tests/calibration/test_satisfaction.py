"""Calibrated P(plan satisfies the rules): against isotonic regression, and on real verdicts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from surefoot.calibration.decisions.risk import risk_threshold
from surefoot.calibration.decisions.satisfaction import calibrate_satisfaction
from surefoot.core.errors import InputError

Array = NDArray[np.float64]


def by_definition(confidence: Array, satisfied: Array, new: float) -> list[float]:
    """Isotonic regression with the new plan added as broken, then as satisfying."""
    found = []
    for verdict in (0, 1):
        fit = IsotonicRegression().fit(
            np.append(confidence, new), np.append(satisfied, verdict).astype(float)
        )
        found.append(float(fit.predict([new])[0]))
    return found


@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.filterwarnings("error")
def test_the_interval_is_that_of_the_definition(decimals: int | None) -> None:
    rng = np.random.default_rng(11)
    for trial in range(120):
        confidence = rng.random(int(rng.integers(1, 30)))
        satisfied = rng.random(len(confidence)) < confidence
        if trial % 10 == 0:
            satisfied[:] = trial % 20 == 0  # all the same
        new = np.concatenate([rng.random(4), [0, 1, confidence.min(), confidence.max()]])
        found = calibrate_satisfaction(confidence, satisfied, decimals=decimals)
        if decimals is not None:
            confidence, new = confidence.round(decimals), new.round(decimals)
        wanted = [by_definition(confidence, satisfied, float(x)) for x in new]
        both = found.interval(new)
        assert both == pytest.approx(np.array(wanted), abs=1e-9)
        merged = found.probability(new)
        assert ((both[:, 0] - 1e-9 <= merged) & (merged <= both[:, 1] + 1e-9)).all()


def plans(rng: np.random.Generator, n: int) -> tuple[Array, NDArray[np.bool_]]:
    """An overconfident planner: says 0.9 where 0.6 is true."""
    truth = rng.uniform(0.05, 0.95, size=n)
    odds = np.log(truth / (1 - truth)) * 2.5 + 0.8
    return 1 / (1 + np.exp(-odds)), rng.random(n) < truth


def calibration_error(probability: Array, verdicts: NDArray[np.bool_]) -> float:
    tenth = np.minimum((probability * 10).astype(int), 9)
    return float(np.abs(np.bincount(tenth, probability - verdicts)).sum() / len(verdicts))


@pytest.mark.parametrize("n", [1_000, 20_000])  # exact, and rounded
def test_the_probability_is_calibrated_where_the_confidence_is_not(n: int) -> None:
    rng = np.random.default_rng(12)
    confidence, satisfied = plans(rng, n)
    found = calibrate_satisfaction(confidence, satisfied)
    assert found.decimals == (None if n < 2_000 else 3)
    new, verdicts = plans(rng, 40_000)
    assert calibration_error(new, verdicts) > 0.1
    assert calibration_error(found.probability(new), verdicts) < 0.03
    both = found.interval(new)
    assert np.diff(both, axis=1).mean() < (0.08 if n < 2_000 else 0.03)


def test_the_probability_that_the_verdict_selects_is_unbiased() -> None:
    """What is guaranteed: E[Y - p_Y] = 0, in small samples too, over calibration and new plan."""
    rng = np.random.default_rng(13)
    gaps, widths = [], []
    for _ in range(1_500):
        confidence, satisfied = plans(rng, 13)
        found = calibrate_satisfaction(confidence[:12], satisfied[:12])
        both = found.interval(confidence[12:])[0]
        gaps.append(satisfied[12] - both[int(satisfied[12])])
        widths.append(both[1] - both[0])
    assert abs(np.mean(gaps)) < 3.3 * np.std(gaps) / np.sqrt(len(gaps))
    assert np.mean(widths) > 0.2  # with 12 plans much is unknown, and the interval says so


def test_shuffled_verdicts_give_the_base_rate() -> None:
    rng = np.random.default_rng(14)
    confidence, satisfied = plans(rng, 4_000)
    found = calibrate_satisfaction(confidence, rng.permutation(satisfied))
    middle = found.probability(np.linspace(0.1, 0.9, 9))
    assert np.abs(middle - satisfied.mean()).max() < 0.1


def test_edges() -> None:
    none = calibrate_satisfaction([], [])
    assert none.n == 0
    assert none.interval([0.3]).tolist() == [[0.0, 1.0]]
    assert none.probability([0.3]).tolist() == [0.5]
    assert none.u_d([0.3]).tolist() == none.u_d_among_violations([0.3]).tolist() == [0.0]
    one = calibrate_satisfaction([0.5], [True])
    assert one.interval([0.5, 0.4, 0.6]).tolist() == [[0.5, 1.0], [0.0, 1.0], [0.5, 1.0]]
    assert one.interval([]).shape == (0, 2)
    assert one.u_d_among_violations([0.99]).tolist() == [0.0]
    for call in (
        lambda: calibrate_satisfaction([0.5, np.nan], [True, False]),
        lambda: calibrate_satisfaction([1.5], [True]),
        lambda: calibrate_satisfaction([0.5], [True, False]),
        lambda: calibrate_satisfaction([0.5], [2]),
        lambda: one.interval([np.nan]),
    ):
        with pytest.raises(InputError):
            call()


def test_verdicts_of_the_real_verifier_on_driving_plans() -> None:
    """No labels by hand: plans of a noisy planner, checked by the verifier on the driving rules."""
    from surefoot.verification import check_plan, load_rulebook, load_world, parse_program
    from surefoot.verification.programs.vocabulary import vocabulary_of

    book = load_rulebook("driving")
    world = load_world("driving", book)
    words = vocabulary_of(book, world.phrases)
    rules = [
        book.rule(name)
        for name in ("straight-on-green-only", "no-left-into-oncoming", "no-right-into-traffic")
    ]
    guards = ["green_light", "not pedestrian", "not opposite_car", "not car_from_left"]
    checked = {}
    for action, kept in product(
        ("go_straight", "turn_left", "turn_right"), product((0, 1), repeat=4)
    ):
        tests = [guard for guard, used in zip(guards, kept, strict=True) if used]
        test = " and ".join(tests) or "True"
        text = f"while True:\n    if {test}:\n        {action}()\n    else:\n        stop()\n"
        program = parse_program(text, words, form="python", idle="stop")
        checked[action, kept] = check_plan(program, book, world, rules=rules).holds
    verdicts = np.array(list(checked.values()))
    # By the rules: straight needs green; left, no oncoming car; right, neither of the others.
    assert [
        {"go_straight": g, "turn_left": o, "turn_right": p & c}[action] == held
        for (action, (g, p, o, c)), held in checked.items()
    ] == [True] * 48

    rng = np.random.default_rng(15)
    drawn = verdicts[rng.integers(len(verdicts), size=4_000)]
    odds = np.where(drawn, 2.0, -1.0) + 1.5 * rng.normal(size=len(drawn))
    yes = 1 / (1 + np.exp(-odds))
    found = calibrate_satisfaction(yes[:500], drawn[:500])
    assert calibration_error(found.probability(yes[500:]), drawn[500:]) < 0.06
    gate = risk_threshold(yes[:500], ~drawn[:500], alpha=0.1)
    acts = gate.act(yes[500:])
    assert acts.mean() > 0.15
    assert (~drawn[500:])[acts].mean() < 0.1
    assert ((found.u_d(yes[500:]) >= 0.9) & ~drawn[500:]).mean() < 0.12
