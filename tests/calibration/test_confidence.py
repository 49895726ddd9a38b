"""u_p and u_d: what they are, what they bound, what they do not."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from numpy.typing import NDArray

from surefoot.calibration.decisions import (
    belief,
    confidence,
    risk,
    router,
    satisfaction,
    stopping,
)
from surefoot.calibration.decisions.confidence import (
    decision_nonconformity,
    perception_nonconformity,
    released_u_d,
    released_u_p,
    u_d,
    u_p,
    yes_probability,
)
from surefoot.calibration.quantiles import conformal_quantile
from surefoot.core.errors import InputError

Array = NDArray[np.float64]


def classify(
    rng: np.random.Generator, n: int, signal: float, sharpness: float, classes: int = 6
) -> tuple[Array, NDArray[np.intp]]:
    truth = rng.integers(classes, size=n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), truth] += signal
    odds = np.exp(sharpness * logits)
    return odds / odds.sum(axis=1, keepdims=True), truth


@pytest.mark.parametrize("module", [belief, confidence, risk, router, satisfaction, stopping])
def test_the_examples_in_the_docstrings(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_the_formulas_against_a_count_by_hand() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(37).round(1)  # many ties
    rows = rng.dirichlet(np.ones(4), size=50)
    rows[0], rows[1] = [0.5, 0.5, 0, 0], [1, 0, 0, 0]
    said = rng.random(50).round(1)
    for at, row in enumerate(rows):
        rival = 1 - sorted(row)[-2]
        below = sum(1 for s in scores if s < rival)
        assert released_u_p(scores, [row])[0] == below / 37
        assert u_p(scores, [row])[0] == below / 38
        under = sum(1 for s in scores if s < said[at])
        assert released_u_d(scores, [said[at]])[0] == under / 37
        assert u_d(scores, [said[at]])[0] == under / 38


def test_with_two_answers_u_d_is_u_p_of_the_answer_yes() -> None:
    rng = np.random.default_rng(2)
    yes, scores = rng.uniform(0.5, 1, size=40), rng.random(20)
    rows = np.column_stack([yes, 1 - yes])
    assert u_d(scores, yes) == pytest.approx(u_p(scores, rows))
    assert released_u_d(scores, yes) == pytest.approx(released_u_p(scores, rows))


def test_u_p_is_the_level_up_to_which_the_set_has_one_label() -> None:
    rng = np.random.default_rng(3)
    rows, truth = classify(rng, 60, 2.0, 1.0)
    scores = perception_nonconformity(rows, truth)
    new, _ = classify(rng, 200, 2.0, 1.0)
    score = u_p(scores, new)
    for alpha in (0.051, 0.112, 0.203, 0.305, 0.5):
        single = (1 - new <= conformal_quantile(scores, alpha)).sum(axis=1) <= 1
        assert (single == (score >= 1 - alpha)).all()


def test_what_acting_above_t_bounds_and_what_it_does_not() -> None:
    """Defect 1: P(act and wrong) <= 1 - t always; P(wrong | act) is above it."""
    t, n, repetitions = 0.9, 400, 200
    rng = np.random.default_rng(4)
    joint, among_acts, calibration_error = [], [], []
    for signal, sharpness in ((0.6, 1.0), (1.2, 1.0), (1.2, 3.0), (1.8, 4.0), (2.5, 1.0)):
        acts, errors, gaps = [], [], []
        for _ in range(repetitions):
            rows, truth = classify(rng, 2 * n, signal, sharpness)
            scores = perception_nonconformity(rows[:n], truth[:n])
            score = u_p(scores, rows[n:])
            right = rows[n:].argmax(axis=1) == truth[n:]
            act = score >= t
            acts.append(act.mean())
            errors.append((act & ~right).mean())
            tenth = np.minimum((score * 10).astype(int), 9)
            sums = np.bincount(tenth, score - right, minlength=10)
            gaps.append(np.abs(sums).sum() / n)
        joint.append(np.mean(errors))
        among_acts.append(np.mean(errors) / np.mean(acts))
        calibration_error.append(np.mean(gaps))
        standard_error = np.std(errors) / np.sqrt(repetitions)
        assert joint[-1] <= 1 - t + 3 * standard_error
    assert min(joint) < 0.01
    assert max(joint) > 0.07  # it uses what it may
    assert sum(share > 1.1 * (1 - t) for share in among_acts) >= 3  # not bounded by 1 - t
    assert max(calibration_error) > 0.1  # nor is u a probability of being right


def test_the_released_form_misses_its_bound_by_the_missing_one() -> None:
    """A model whose truth is always the second label: every act is wrong."""
    rng = np.random.default_rng(5)
    n, repetitions, t = 9, 20_000, 0.95
    rival = rng.uniform(0.05, 0.45, size=(repetitions, n + 1))
    released = corrected = 0
    for second in rival:
        scores = 1 - second[:n]
        row = [[1 - second[n], second[n]]]
        released += released_u_p(scores, row)[0] >= t
        corrected += u_p(scores, row)[0] >= t
    assert corrected == 0
    # By ranks exactly 1/10, twice the 1 - t that is claimed.
    assert released / repetitions == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / repetitions))


def judge(rng: np.random.Generator, n: int) -> tuple[Array, NDArray[np.bool_]]:
    """A planner that mostly knows when its plans break a rule, and says a firm "no"."""
    satisfied = rng.random(n) < 0.5
    yes = 1 / (1 + np.exp(-np.where(satisfied, 2.5, -2.5) - 1.5 * rng.normal(size=n)))
    return yes, satisfied


def test_a_confident_no_passes_the_released_gate_and_not_the_corrected_one() -> None:
    rng = np.random.default_rng(6)
    t, n = 0.9, 300
    released, joint, given = [], [], []
    for _ in range(200):
        yes, satisfied = judge(rng, 2 * n)
        said, truth = yes[n:], satisfied[n:]
        scores = decision_nonconformity(yes[:n], satisfied[:n])
        first_token = np.maximum(said, 1 - said)  # whichever answer it was
        released.append(((released_u_d(scores, first_token) >= t) & ~truth).mean())
        joint.append(((u_d(scores, said) >= t) & ~truth).mean())
        among = u_d(yes[:n][~satisfied[:n]], said) >= t
        given.append((among & ~truth).sum() / (~truth).sum())
    assert np.mean(released) > 3 * (1 - t)
    for found in (joint, given):
        assert np.mean(found) <= 1 - t + 3 * np.std(found) / np.sqrt(len(found))
    assert np.mean(given) > 0.08  # it uses what it may
    assert u_d(scores, [0.001])[0] < 0.1 < 0.9 < released_u_d(scores, [0.999])[0]


def test_shuffled_labels_cost_acts_but_not_the_bound() -> None:
    rng = np.random.default_rng(7)
    errors, acts = [], []
    for _ in range(200):
        rows, truth = classify(rng, 400, 3.0, 2.0)
        truth = rng.permutation(truth)
        score = u_p(perception_nonconformity(rows[:200], truth[:200]), rows[200:])
        act = score >= 0.9
        acts.append(act.mean())
        errors.append((act & (rows[200:].argmax(axis=1) != truth[200:])).mean())
    assert np.mean(errors) <= 0.1 + 3 * np.std(errors) / np.sqrt(200)
    assert np.mean(acts) < 0.2


def test_edges() -> None:
    none: list[float] = []
    assert u_p(none, [[0.9, 0.1]]).tolist() == [0.0]
    assert u_d(none, [0.9]).tolist() == [0.0]
    assert u_p([0.5], [[1.0], [1.0]]).tolist() == [1.0, 1.0]  # one label: nothing to mistake
    assert released_u_p([0.5], [[1.0]]).tolist() == [1.0]
    assert u_p([0.5], np.empty((0, 3))).tolist() == []
    assert u_p(np.zeros(9), [[0.6, 0.4]]).tolist() == [0.9]
    assert u_p([0.6] * 9, [[0.6, 0.4]]).tolist() == [0.0]  # ties count against it
    for released in (
        lambda: released_u_p(none, [[0.9, 0.1]]),
        lambda: released_u_d(none, [0.9]),
    ):
        with pytest.raises(InputError, match="no calibration scores"):
            released()
    for bad in ([0.5, np.nan], [1.2], [-0.1]):
        with pytest.raises(InputError, match=r"P\(yes\)"):
            u_d([0.5], bad)
    with pytest.raises(InputError, match="NaN"):
        u_p([np.nan], [[0.9, 0.1]])
    with pytest.raises(InputError, match="sum to"):
        u_p([0.5], [[0.9, 0.2]])


def test_the_probability_of_yes_is_of_the_two_answers_only() -> None:
    assert yes_probability(np.log([0.3, 0.0001]), np.log([0.1, 0.0003])) == pytest.approx(
        [0.75, 0.25]
    )
    assert yes_probability([-2000.0, -np.inf], [-2001.0, -3.0]) == pytest.approx(
        [0.731, 0], abs=1e-3
    )
    with pytest.raises(InputError, match="impossible"):
        yes_probability([-1.0, -np.inf], [-1.0, -np.inf])
    with pytest.raises(InputError, match="of no"):
        yes_probability([-1.0], [-1.0, -2.0])
