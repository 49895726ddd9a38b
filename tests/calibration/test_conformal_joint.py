"""Joint sets over scenes and sequence sets over episodes, with the naive ways beside them."""

from __future__ import annotations

import numpy as np
import pytest

from surefoot.calibration.conformal.facts import FactArrays
from surefoot.calibration.conformal.joint import (
    JointConformal,
    JointMethod,
    all_covered,
    worlds,
)
from surefoot.calibration.conformal.scores import Score
from surefoot.calibration.conformal.sequences import (
    Acceptance,
    SequenceConformal,
    SequenceMethod,
    simple_sets,
    step_scores,
    steps_covered,
)
from surefoot.calibration.quantiles import rank
from surefoot.core.errors import InputError
from tests.calibration import simulators as sim

N_CAL, N_TEST, SPLITS, ALPHA = 200, 250, 300, 0.1
Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def resplit_scenes(pool: sim.Cases, method: JointMethod, rng: np.random.Generator) -> Array:
    """Scenes of which all facts are covered, in each of many splits of one pool."""
    covered = np.empty(SPLITS, dtype=np.intp)
    for at in range(SPLITS):
        order = rng.permutation(len(pool))
        cal, test = pool[order[:N_CAL]], pool[order[N_CAL:]]
        made = JointConformal.calibrate(
            FactArrays.dense(cal.probabilities), cal.labels, ALPHA, method
        )
        facts = FactArrays.dense(test.probabilities)
        covered[at] = all_covered(facts, made.sets(facts), test.labels).sum()
    return covered


@pytest.fixture(scope="module")
def pool() -> sim.Cases:
    return sim.scenes(np.random.default_rng(1), N_CAL + N_TEST)


def test_all_facts_of_a_scene_are_covered_as_promised(pool: sim.Cases) -> None:
    rng = np.random.default_rng(2)
    covered = resplit_scenes(pool, JointMethod.MAX, rng)
    k = rank(N_CAL, ALPHA)
    assert sim.law_p_value(covered, N_CAL, N_TEST, k, rng) > 1e-3
    error = covered.std() / N_TEST / np.sqrt(SPLITS)
    assert abs(covered.mean() / N_TEST - k / (N_CAL + 1)) < 4 * error


def test_per_fact_sets_fail_jointly_and_bonferroni_overpays(pool: sim.Cases) -> None:
    rng = np.random.default_rng(3)
    mean = {m: resplit_scenes(pool, m, rng).mean() / N_TEST for m in JointMethod}
    assert mean[JointMethod.PER_FACT] < 0.6
    assert mean[JointMethod.BONFERRONI] > 0.9
    facts = FactArrays.dense(pool.probabilities)
    size = {
        m: JointConformal.calibrate(facts, pool.labels, ALPHA, m).sets(facts).sum(1).mean()
        for m in JointMethod
    }
    assert size[JointMethod.PER_FACT] < size[JointMethod.MAX] < size[JointMethod.BONFERRONI]


@pytest.mark.parametrize("score", list(Score))
def test_single_facts_are_split_conformal(score: Score) -> None:
    from surefoot.calibration.conformal.split import SplitConformal

    cases = sim.classifier(np.random.default_rng(4), 150)
    facts = FactArrays.dense(cases.probabilities[:, None])
    expected = SplitConformal.calibrate(cases.probabilities, cases.labels, ALPHA, score)
    for method in JointMethod:
        made = JointConformal.calibrate(facts, cases.labels, ALPHA, method, score)
        assert (made.sets(facts) == expected.sets(cases.probabilities)).all()


@pytest.mark.parametrize("method", list(JointMethod))
@pytest.mark.parametrize("score", list(Score))
def test_layout_and_order_do_not_matter(method: JointMethod, score: Score) -> None:
    rng = np.random.default_rng(5)
    cases = sim.scenes(rng, 80, facts=5)
    dense = FactArrays.dense(cases.probabilities)
    flat = cases.probabilities.reshape(-1, 6)
    names = np.repeat([f"scene-{at:03}" for at in range(80)], 5)
    order = rng.permutation(400)
    shuffled = FactArrays.flat(names[order], flat[order])
    ragged = FactArrays.ragged(cases.probabilities.tolist())
    first = JointConformal.calibrate(dense, cases.labels, ALPHA, method, score)
    expected = first.sets(dense)
    for facts, where in ((shuffled, order), (ragged, np.arange(400))):
        labels = cases.labels.reshape(-1)[where]
        made = JointConformal.calibrate(facts, labels, ALPHA, method, score)
        assert made.threshold(5) == first.threshold(5)
        found = made.sets(facts)
        assert (found == expected[where]).all()
        covered = all_covered(facts, found, labels)
        assert (covered == all_covered(dense, expected, cases.labels)).all()


def test_ragged_scenes_with_different_options() -> None:
    rng = np.random.default_rng(6)
    mean = []
    for _ in range(200):
        scenes, labels = [], []
        for _ in range(60):
            kinds = rng.integers(1, 5, rng.integers(0, 6))
            answers = [sim.classifier(rng, 1, classes=int(k)) for k in kinds]
            scenes.append([a.probabilities[0] for a in answers])
            labels.append([int(a.labels[0]) for a in answers])
        cut = 40
        cal, test = FactArrays.ragged(scenes[:cut]), FactArrays.ragged(scenes[cut:])
        truth = [y for scene in labels[cut:] for y in scene]
        made = JointConformal.calibrate(cal, [y for s in labels[:cut] for y in s], 0.25)
        sets = made.sets(test)
        assert test.options is not None
        assert not (sets & (np.arange(sets.shape[1]) >= test.options[:, None])).any()
        covered = all_covered(test, sets, truth)
        assert covered[test.sizes == 0].all()
        mean.append(covered.mean())
    assert np.mean(mean) > 0.75 - 4 * np.std(mean) / np.sqrt(200)


def test_few_scenes_and_both_ends_of_alpha() -> None:
    cases = sim.scenes(np.random.default_rng(7), 12, facts=3)
    facts = FactArrays.dense(cases.probabilities)
    for n in (0, 1, 8):
        part = FactArrays.dense(cases.probabilities[:n])
        assert JointConformal.calibrate(part, cases.labels[:n], 0.1).sets(facts).all()
    assert JointConformal.calibrate(facts, cases.labels, 0.0).sets(facts).all()
    assert not JointConformal.calibrate(facts, cases.labels, 1.0).sets(facts).any()
    empty = FactArrays.ragged([[], []])
    assert len(empty) == 0
    assert all_covered(empty, np.empty((0, 1), np.bool_), []).tolist() == [True, True]


def test_malformed_facts_are_refused() -> None:
    with pytest.raises(InputError, match="fact 1 of scene 0"):
        FactArrays.ragged([[[0.5, 0.5], [0.5, 0.6]]])
    with pytest.raises(InputError, match="behind its last"):
        FactArrays.flat([0], [[0.5, 0.5]], [1])
    with pytest.raises(InputError, match="1 facts, but scenes"):
        FactArrays.flat([0, 1], [[0.5, 0.5]])
    with pytest.raises(InputError, match="scenes x facts"):
        FactArrays.dense([[0.5, 0.5]])
    with pytest.raises(InputError, match="NaN"):
        FactArrays.dense([[[np.nan, 0.5]]])
    facts = FactArrays.ragged([[[1.0], [0.5, 0.5]]])
    with pytest.raises(InputError, match="has 1 options"):
        JointConformal.calibrate(facts, [1, 0], 0.1)
    with pytest.raises(InputError, match="do not belong"):
        all_covered(facts, np.ones((1, 2), np.bool_), [0, 0])


def test_worlds_are_all_combinations() -> None:
    table = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]], dtype=bool)
    found = worlds(table)
    assert found.count == 4
    assert found.listed is not None
    assert set(found.listed) == {(0, 1, 2), (0, 2, 2), (1, 1, 2), (1, 2, 2)}
    many = worlds(np.ones((60, 10)))
    assert (many.count, many.listed) == (10**60, None)
    nothing = worlds([[False, False], [True, True]])
    assert nothing.count == 0
    assert nothing.listed is not None
    assert list(nothing.listed) == []
    assert worlds(np.ones((2, 2)), cap=3).listed is None
    with pytest.raises(InputError, match="row of options"):
        worlds([True])


def test_the_true_world_is_among_those_left(pool: sim.Cases) -> None:
    cal, test = pool[:N_CAL], pool[N_CAL:]
    made = JointConformal.calibrate(FactArrays.dense(cal.probabilities), cal.labels, ALPHA)
    sets = made.sets(FactArrays.dense(test.probabilities)).reshape(N_TEST, 8, 6)
    covered = all_covered(FactArrays.dense(test.probabilities), sets.reshape(-1, 6), test.labels)
    for at in range(20):
        found = worlds(sets[at], cap=500_000)
        if found.listed is not None:
            assert (tuple(test.labels[at].tolist()) in set(found.listed)) == covered[at]


# --- Sequences ------------------------------------------------------------------------------


def resplit_episodes(
    pool: sim.Episodes,
    rng: np.random.Generator,
    acceptance: Acceptance,
    method: SequenceMethod = SequenceMethod.WORST_STEP,
) -> Array:
    covered = np.empty(SPLITS, dtype=np.intp)
    for at in range(SPLITS):
        order = rng.permutation(len(pool.acceptable))
        cal, test = order[:N_CAL], order[N_CAL:]
        made = SequenceConformal.calibrate(
            FactArrays.dense(pool.probabilities[cal]),
            pool.acceptable[cal],
            ALPHA,
            acceptance=acceptance,
            method=method,
        )
        steps = FactArrays.dense(pool.probabilities[test])
        sets = made.sets(steps.probabilities)
        covered[at] = steps_covered(steps, sets, pool.acceptable[test], acceptance).sum()
    return covered


@pytest.mark.parametrize("acceptance", list(Acceptance))
@pytest.mark.parametrize("further", [0.0, 0.3])
def test_all_steps_of_an_episode_are_covered(acceptance: Acceptance, further: float) -> None:
    rng = np.random.default_rng(8)
    pool = sim.sequences(rng, N_CAL + N_TEST, acceptable=further)
    covered = resplit_episodes(pool, rng, acceptance)
    k = rank(N_CAL, ALPHA)
    assert sim.law_p_value(covered, N_CAL, N_TEST, k, rng) > 1e-3
    assert abs(covered.mean() / N_TEST - k / (N_CAL + 1)) < 4 * covered.std() / N_TEST / 17


def test_per_step_and_simple_sets_fail_and_bonferroni_overpays() -> None:
    rng = np.random.default_rng(9)
    pool = sim.sequences(rng, N_CAL + N_TEST)
    naive = resplit_episodes(pool, rng, Acceptance.ANY, SequenceMethod.PER_STEP)
    careful = resplit_episodes(pool, rng, Acceptance.ANY, SequenceMethod.BONFERRONI)
    assert naive.mean() / N_TEST < 0.75
    assert careful.mean() / N_TEST > 0.9
    # An over-confident model, taken at its word.
    hard = sim.sequences(rng, 2000, signal=1.5)
    hard = sim.Episodes(sim.softmax(3 * np.log(hard.probabilities)), hard.acceptable)
    steps = FactArrays.dense(hard.probabilities)
    sets = simple_sets(steps.probabilities, 1 - ALPHA / 5)
    assert steps_covered(steps, sets, hard.acceptable).mean() < 0.8


def test_the_score_is_knownos_smallest_confidence() -> None:
    pool = sim.sequences(np.random.default_rng(10), 30)
    made = SequenceConformal.calibrate(FactArrays.dense(pool.probabilities), pool.acceptable, ALPHA)
    confidence = (pool.probabilities * pool.acceptable).max(axis=2)
    assert np.allclose(made.scores, 1 - confidence.min(axis=1), rtol=0, atol=1e-15)


def test_sets_are_causal() -> None:
    pool = sim.sequences(np.random.default_rng(11), 50, acceptable=0.2)
    steps = FactArrays.dense(pool.probabilities)
    made = SequenceConformal.calibrate(steps, pool.acceptable, ALPHA)
    alone = [made.sets(pool.probabilities[0, at : at + 1])[0] for at in range(5)]
    assert (np.array(alone) == made.sets(steps.probabilities)[:5]).all()


def act(
    rng: np.random.Generator, n: int, horizon: int, threshold: float | None
) -> tuple[Array, Array, Array]:
    """Episodes in which what is done changes what is seen next.

    Without a threshold, the most trusted acceptable answer is executed (calibration). With one,
    the robot executes the only member of its set, or a person picks the most trusted acceptable
    member; where there is none, the episode has failed.
    """
    classes = 5
    difficulty, good = np.zeros(n), np.ones(n, dtype=bool)
    seen, acceptable = [], []
    for _ in range(horizon):
        right = np.arange(classes) == rng.integers(0, classes, n)[:, None]
        right |= rng.random((n, classes)) < 0.25
        logits = rng.standard_normal((n, classes)) + right * (3.5 - difficulty)[:, None]
        p = sim.softmax(1.5 * logits)
        done = np.where(right, p, -1).argmax(1)
        if threshold is not None:
            sets = 1 - p <= threshold
            alone = sets.sum(1) == 1
            done = np.where(alone, p.argmax(1), done)
            good &= np.where(alone, right[np.arange(n), done], (sets & right).any(1))
        # Low-numbered answers lead to harder steps.
        difficulty = np.where(done < 2, difficulty + 0.5, np.maximum(difficulty - 0.3, 0))
        seen.append(p)
        acceptable.append(right)
    return np.stack(seen, 1), np.stack(acceptable, 1), good


def test_success_where_acting_changes_what_comes_next() -> None:
    rng = np.random.default_rng(12)
    succeeded = np.empty(SPLITS, dtype=np.intp)
    for at in range(SPLITS):
        p, good, _ = act(rng, N_CAL, 5, None)
        made = SequenceConformal.calibrate(FactArrays.dense(p), good, ALPHA)
        succeeded[at] = act(rng, N_TEST, 5, made.threshold)[2].sum()
    # Succeeding is exactly being covered at every step, so the law is the same.
    assert sim.law_p_value(succeeded, N_CAL, N_TEST, rank(N_CAL, ALPHA), rng) > 1e-3


def test_ragged_episodes_and_hopeless_steps() -> None:
    steps = FactArrays.ragged([[[0.6, 0.4]], [[0.1, 0.7, 0.2], [0.9, 0.1]]])
    good = [[1, 0, 0], [0, 1, 1], [0, 0, 0]]
    scores = [step_scores(steps, good, how) for how in Acceptance]
    assert np.allclose(scores, [[0.4, 0.3, np.inf], [0.4, 0.8, np.inf]])
    made = SequenceConformal.calibrate(steps, good, 0.5)
    assert made.threshold == np.inf
    sets = steps.keep_options(made.sets(steps.probabilities))
    assert steps_covered(steps, sets, good).tolist() == [True, False]
    assert made.horizon == 2


def test_malformed_episodes_are_refused() -> None:
    steps = FactArrays.dense([[[0.5, 0.5]] * 3])
    with pytest.raises(InputError, match="acceptable answers of shape"):
        SequenceConformal.calibrate(steps, [[1, 0]], 0.1)
    with pytest.raises(InputError, match="true or false"):
        SequenceConformal.calibrate(steps, [[2, 0]] * 3, 0.1)
    with pytest.raises(InputError, match="more than the horizon"):
        SequenceConformal.calibrate(steps, [[1, 0]] * 3, 0.1, horizon=2)
    with pytest.raises(InputError, match="do not belong"):
        steps_covered(steps, np.ones((2, 2), np.bool_), [[1, 0]] * 3)


def test_simple_sets_at_both_ends() -> None:
    rows = [[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]]
    assert simple_sets(rows, 0.0).sum() == 0
    assert simple_sets(rows, 1.0).sum(1).tolist() == [3, 1]
    assert simple_sets(rows, 0.8).sum(1).tolist() == [2, 1]
