"""Figures of the study, each with an interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from surefoot.results.power import cluster_bootstrap
from surefoot.results.statistics import compare_paired, wilson

Records = Mapping[str, Mapping[str, Any]]


def arm_rows(records: Records, base: str, seed: int = 0) -> list[dict[str, Any]]:
    """Returns a row for each arm over the same worlds.

    Args:
        records: Worlds with all arms.
        base: The arm that the others are compared with.
        seed: Seed of the bootstrap.
    """
    names = list(next(iter(records.values()))["arms"]) if records else []
    good: dict[str, dict[Hashable, bool]] = {
        arm: {key: r["arms"][arm]["outcome"] == "success" for key, r in records.items()}
        for arm in names
    }
    tests = {(t.first, t.second): t for t in compare_paired(good) if base in (t.first, t.second)}
    rows = []
    for arm in names:
        played = [r["arms"][arm] for r in records.values()]
        row = _row(arm, played)
        if arm != base and base in good:
            differences = [
                [float(good[arm][k]) - float(good[base][k])] for k in sorted(good[arm], key=str)
            ]
            test = tests.get((base, arm)) or tests.get((arm, base))
            row["difference"] = float(np.mean(differences))
            row["difference95"] = cluster_bootstrap(differences, seed)
            row["p"] = test.adjusted if test is not None else 1.0
        rows.append(row)
    return rows


def _row(arm: str, played: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    ran = [p for p in played if "rules" in p]
    acted = [p for p in ran if p["acted"]]
    decisions = sum(p["decisions"] for p in ran)
    calls = Counter(state for p in ran for state in p["rules"].values())
    return {
        "arm": arm,
        "n": len(played),
        "success": _rate(sum(p["outcome"] == "success" for p in played), len(played)),
        "goal": _rate(sum(bool(p["success"]) for p in played), len(played)),
        "all_rules": _rate(sum("broken" not in p["rules"].values() for p in ran), len(ran)),
        "called_rules": _rate(calls["kept"], calls["kept"] + calls["broken"]),
        "acted": _rate(len(acted), len(ran)),
        "violation_given_act": _rate(
            sum("broken" in p["rules"].values() for p in acted), len(acted)
        ),
        "covered": _rate(
            sum(p["first_covered"] is True for p in ran),
            sum(p["first_covered"] is not None for p in ran),
        ),
        "help_decisions": _rate(sum(min(p["asked"], p["decisions"]) for p in ran), decisions),
        "help_episodes": _rate(sum(p["asked"] > 0 for p in ran), len(ran)),
        "asked": _mean([p["asked"] for p in ran]),
        "looks": _mean([p["looks"] for p in ran]),
        "repairs": _mean([p["repairs"] for p in ran]),
        "seconds": _mean([p["seconds"] for p in ran]),
        "outcomes": dict(Counter(p["outcome"] for p in played).most_common()),
    }


def _rate(successes: int, n: int) -> dict[str, Any]:
    interval = wilson(successes, n) if n else None
    return {
        "successes": successes,
        "n": n,
        "rate": successes / n if n else None,
        "interval": [interval.low, interval.high] if interval else None,
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 3) if values else None


def rule_rows(records: Records, arms: Sequence[str]) -> list[dict[str, Any]]:
    """Returns for each rule and arm how often it was kept and broken where it was called for."""
    rules: dict[str, dict[str, Counter[str]]] = {}
    for r in records.values():
        for arm in arms:
            for rule, state in r["arms"].get(arm, {}).get("rules", {}).items():
                rules.setdefault(rule, {}).setdefault(arm, Counter())[state] += 1
    return [
        {
            "rule": rule,
            "arms": {
                arm: _rate(c["kept"], c["kept"] + c["broken"]) | {"idle": c["idle"]}
                for arm, c in by_arm.items()
            },
        }
        for rule, by_arm in sorted(rules.items())
    ]


def variability_rows(
    records: Records, base: str, seed: int = 0, draws: int = 2000
) -> list[dict[str, Any]]:
    """Returns how much runs of the same scene differ, by arm.

    Of each scene the variance over its runs is taken, of success (0 or 1) and of the share of
    the called-for rules that were kept; then the mean over scenes, and the ratio to the base
    with a bootstrap over scenes. The standard deviation is the root of the mean variance.
    """
    scenes: dict[str, dict[str, dict[str, list[float]]]] = {}
    for key, r in records.items():
        scene = key.rpartition("/")[0]
        for arm, p in r["arms"].items():
            kept = [s for s in p.get("rules", {}).values() if s != "idle"]
            rate = kept.count("kept") / len(kept) if kept else 1.0
            runs = scenes.setdefault(scene, {}).setdefault(arm, {"success": [], "rules": []})
            runs["success"].append(float(p["outcome"] == "success"))
            runs["rules"].append(rate)
    names = sorted(scenes)  # whatever the order in which episodes ended
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(names), (draws, len(names))) if names else np.zeros((0, 0), int)
    arms = list(scenes[names[0]]) if names else []
    variances = {
        (arm, what): np.array([np.var(scenes[s][arm][what], ddof=1) for s in names])
        for arm in arms
        for what in ("success", "rules")
    }
    rows = []
    for arm in arms:
        row: dict[str, Any] = {"arm": arm, "scenes": len(names)}
        for what in ("success", "rules"):
            mine, theirs = variances[arm, what], variances[base, what]
            row[what] = {
                "variance": float(mine.mean()),
                "sd": sqrt(float(mine.mean())),
                "variance_change": _change(mine.mean(), theirs.mean()),
                "variance_change95": _interval(mine, theirs, picks, root=False),
                "sd_change": _change(sqrt(mine.mean()), sqrt(theirs.mean())),
                "sd_change95": _interval(mine, theirs, picks, root=True),
            }
        rows.append(row)
    return rows


def _change(mine: float, theirs: float) -> float | None:
    return float(mine / theirs - 1) if theirs > 0 else None


def _interval(
    mine: np.ndarray[Any, Any],
    theirs: np.ndarray[Any, Any],
    picks: np.ndarray[Any, Any],
    *,
    root: bool,
) -> list[float] | None:
    top, below = mine[picks].mean(axis=1), theirs[picks].mean(axis=1)
    fine = below > 0
    if not fine.any():
        return None
    ratio = top[fine] / below[fine]
    changes = (np.sqrt(ratio) if root else ratio) - 1
    return [float(q) for q in np.quantile(changes, [0.025, 0.975])]
