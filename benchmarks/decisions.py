"""Figures of decisions on simulators with known truth: bounds, views, thresholds, the router.

Run from the root of the repository: ``python -m benchmarks.decisions``. About half a minute.
"""

from __future__ import annotations

import warnings

import numpy as np

from surefoot.calibration.decisions.belief import fit_dependence, fuse_running
from surefoot.calibration.decisions.confidence import perception_nonconformity, u_p
from surefoot.calibration.decisions.risk import Procedure, risk_threshold
from surefoot.calibration.decisions.router import AggregateRouter, Router, calibrate_router
from surefoot.calibration.decisions.stopping import (
    StoppedPolicy,
    UntilSure,
    calibrate_any_time,
    keep_most_confident,
    largest_misses,
    replace_until_single,
)
from tests.calibration.decision_support import look
from tests.calibration.test_confidence import classify
from tests.calibration.test_risk import GRID, cases, risk_above, smallest_by_eye
from tests.calibration.test_router import simulate

ALPHA, DELTA = 0.1, 0.1


def bounds() -> None:
    """P(act and wrong) and P(wrong | act) at u_p >= 0.9: 400 calibration cases, 200 times."""
    print("u_p >= 0.9          accuracy  acts   P(act, wrong)  P(wrong | act)  ECE of u_p")
    rng = np.random.default_rng(0)
    for signal, sharpness in ((0.6, 1.0), (1.2, 1.0), (1.2, 3.0), (1.8, 4.0), (2.5, 1.0)):
        rows = []
        for _ in range(200):
            given, truth = classify(rng, 800, signal, sharpness)
            score = u_p(perception_nonconformity(given[:400], truth[:400]), given[400:])
            right = given[400:].argmax(axis=1) == truth[400:]
            act = score >= 0.9
            tenth = np.minimum((score * 10).astype(int), 9)
            gap = np.abs(np.bincount(tenth, score - right)).sum() / 400
            rows.append((right.mean(), act.mean(), (act & ~right).mean(), gap))
        accuracy, acts, errors, gap = np.mean(rows, axis=0)
        name = f"signal {signal}, x{sharpness:.0f}"
        print(
            f"{name:<18}  {accuracy:.3f}     {acts:.3f}  {errors:.3f}          "
            f"{errors / acts:.3f}           {gap:.3f}"
        )


def views() -> None:
    """Coverage, set size and views at stop: 1,000 + 1,000 episodes, 400 times."""
    rng = np.random.default_rng(0)
    first, truth = look(rng, 5_000)
    dependence = fit_dependence(first, truth)
    one, policy = StoppedPolicy(UntilSure(2), 1), StoppedPolicy(UntilSure(0.8), 6)
    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(400):
        seen, truth = look(rng, 2_000)
        beliefs, rows = fuse_running(seen, dependence=dependence), np.arange(1_000)
        new, answers = seen[1_000:], truth[1_000:]
        single = one.calibrate(seen[:1_000], truth[:1_000], ALPHA)
        stopped = policy.calibrate(beliefs[:1_000], truth[:1_000], ALPHA).sets(beliefs[1_000:])
        always = calibrate_any_time(beliefs[:1_000], truth[:1_000], ALPHA)
        at = rows, stopped.views - 1
        replaced = replace_until_single(new, single.threshold)
        kept = keep_most_confident(new, single.threshold)
        for name, sets, taken in (
            ("one view", single.sets(new).sets, np.ones(1)),
            ("re-observe and replace", replaced.sets, replaced.views),
            ("keep the most confident of 6", kept.sets, kept.views),
            ("fused, stopped policy calibrated", stopped.sets, stopped.views),
            ("fused, largest score over views", always.sets(beliefs[1_000:])[at], stopped.views),
            (
                "... a label once out stays out",
                always.sets(beliefs[1_000:], intersect=True)[at],
                stopped.views,
            ),
        ):
            covered = sets[rows, answers].mean()
            found.setdefault(name, []).append((covered, sets.sum(axis=1).mean(), taken.mean()))
    print(f"\ntarget 0.9, dependence {dependence:.2f}        coverage  size  views")
    for name, figures in found.items():
        coverage, size, taken = np.mean(figures, axis=0)
        print(f"{name:<34}  {coverage:.3f}     {size:.2f}  {taken:.1f}")


def gate() -> None:
    """Looking again until u_p >= 0.9, where one view in twelve misleads."""
    rng, rows = np.random.default_rng(0), np.arange(1_000)
    gates: dict[str, list[tuple[float, float]]] = {}
    for _ in range(100):
        seen, truth = look(rng, 2_000, mislead=0.08)
        new = seen[1_000:]
        wrong = new.argmax(axis=2) != truth[1_000:, None]
        for name, scores in (
            ("scores of single views", perception_nonconformity(seen[:1_000, 0], truth[:1_000])),
            ("largest scores over views", largest_misses(seen[:1_000], truth[:1_000])),
        ):
            act = u_p(scores, new.reshape(-1, 6)).reshape(1_000, 6) >= 0.9
            stop = act.argmax(axis=1)
            gates.setdefault(name, []).append(
                ((act & wrong)[:, 0].mean(), (act & wrong)[rows, stop].mean())
            )
    print("\nu_p >= 0.9, P(act, wrong)   one view   looking again, up to 6")
    for name, errors in gates.items():
        print(f"{name:<26}  {np.mean(errors, axis=0)[0]:.3f}      {np.mean(errors, axis=0)[1]:.3f}")


@np.errstate(all="ignore")
def thresholds() -> None:
    """P(violation | act) <= 0.1 with confidence 0.9, 300 calibrations; one could act on 0.4."""
    from mapie.risk_control import BinaryClassificationController

    def by_mapie(name: str, confidence: np.ndarray, bad: np.ndarray) -> float | None:
        controller = BinaryClassificationController(
            lambda x: np.column_stack([1 - x[:, 0], x[:, 0]]),
            "precision",
            target_level=1 - ALPHA,
            confidence_level=1 - DELTA,
            fwer_method=name,
        )
        controller.calibrate(confidence[:, None], (~bad).astype(int))
        return controller.best_predict_param

    ways = {
        "smallest by eye": lambda c, b: smallest_by_eye(c, b),
        "fixed sequence, all confidences": lambda c, b: risk_threshold(c, b, ALPHA).threshold,
        **{
            f"{method.value}, grid of 100, {starts} starts": (
                lambda c, b, m=method, s=starts: (
                    risk_threshold(c, b, ALPHA, method=m, grid=GRID, starts=s).threshold
                )
            )
            for method, starts in (
                (Procedure.FIXED_SEQUENCE, 1),
                (Procedure.FIXED_SEQUENCE, 5),
                (Procedure.HOLM, 1),
                (Procedure.BONFERRONI, 1),
            )
        },
        "MAPIE fixed_sequence": lambda c, b: by_mapie("fixed_sequence", c, b),
        "MAPIE bonferroni_holm": lambda c, b: by_mapie("bonferroni_holm", c, b),
    }
    for n in (500, 1_000):
        print(f"\n{n} calibration cases                   risk above 0.1  none found  acts")
        for name, way in ways.items():
            rng = np.random.default_rng(0)
            found = [way(*cases(rng, n)) for _ in range(300)]
            above = np.mean([t is not None and risk_above(t) > ALPHA for t in found])
            none = np.mean([t is None or t > 1 for t in found])
            acts = np.mean([0.0 if t is None else 1 - min(1, max(0, t)) for t in found])
            print(f"{name:<38}    {above:.3f}           {none:.3f}       {acts:.3f}")


def router() -> None:
    """Two causes, each met with its own remedy or with more views."""
    print("\nblurred  careless  router: looks repairs acts   aggregate: looks acts")
    rng = np.random.default_rng(0)
    ours, theirs = Router(0.85, 0.85), AggregateRouter(0.85 * 0.85)
    for blurred in (0.0, 1.0):
        for careless in (0.0, 1.0):
            episodes = simulate(rng, 10_000, blurred=blurred, careless=careless)
            mine = ours.replay(episodes.seen, episodes.planned)
            other = theirs.replay(episodes.seen * episodes.planned[..., 0])
            print(
                f"{blurred:.0f}        {careless:.0f}                 {mine.views.mean():.2f}  "
                f"{mine.repairs.mean():.2f}    {mine.acted.mean():.2f}              "
                f"{other.views.mean():.2f}  {other.acted.mean():.2f}"
            )
    grid = np.linspace(0.5, 0.98, 13).tolist()
    truth = simulate(rng, 50_000)
    for n in (300, 1_000):
        acts, failures = [], 0
        for seed in range(100):
            few = simulate(rng, n)
            found = calibrate_router(
                few.seen, few.planned, few.bad, 0.14, DELTA, grid_p=grid, grid_d=grid, seed=seed
            )
            replay = found.router.replay(truth.seen, truth.planned)
            acts.append(replay.acted.mean())
            bad = truth.bad[replay.acted, replay.views[replay.acted], replay.repairs[replay.acted]]
            failures += len(bad) > 0 and bad.mean() > 0.14
        print(f"{n} episodes, 169 pairs: acts {np.mean(acts):.3f}, risk above 0.14 {failures}/100")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    bounds()
    views()
    gate()
    thresholds()
    router()
