"""Figures and page of a study of looking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from surefoot.agents.sensing.study_config import StudyConfig, scene_seeds
from surefoot.calibration.arrays import Floats
from surefoot.calibration.quantiles import rank
from surefoot.results.figures import with_interval
from surefoot.results.lines import Curve, line_chart
from surefoot.results.manifest import current_versions
from surefoot.results.page import render_page, trusted
from surefoot.results.statistics import compare_paired, wilson

MEANS = {
    "looks": "looks taken",
    "seconds": "seconds of moving",
    "bits": "entropy of a fact, bits",
    "size": "options of a fact",
}
"""Figures that are means over scenes, in words."""

FRACTIONS = {
    "covered": "facts relied on in their sets",
    "single": "facts relied on decided",
    "right": "right acts",
    "wrong": "wrong acts",
}
"""Figures that are fractions of scenes, in words."""

RESAMPLES = 2000
"""Resamples of a bootstrap interval."""

RESPLITS = 500
"""Random re-splits of scenes that coverage is measured over."""

_DROPS = ("bits", "size", "seconds")
_BINS = 4

Tried = Mapping[int, Mapping[str, Any]]


def summarise(
    config: StudyConfig, scores: Mapping[str, Sequence[float]], tried: Tried
) -> dict[str, Any]:
    """Returns all figures, plain JSON data.

    A scene that was lost has no sets and counts as one without a right act. Scenes in which the
    goal holds already are left out.

    Args:
        config: What was studied.
        scores: For every strategy with a budget, such as ``sweep-2``, the scores that its sets are
            calibrated by.
        tried: By seed how the agent did each way, ``lost`` or ``idle``.
    """
    scenes = {seed: r for seed, r in tried.items() if "idle" not in r}
    good = {seed: r for seed, r in scenes.items() if "lost" not in r}
    ways = list(scores)
    cells = [_cell(way, good, len(scenes)) for way in ways]
    for cell, way in zip(cells, ways, strict=True):
        both = [*scores[way], *(r[way]["score"] for r in good.values() if not r[way]["waits"])]
        cell["resplits"] = resplit(np.array(both), len(scores[way]), config.alpha)
    return {
        "env": config.env,
        "alpha": config.alpha,
        "perturb": list(config.perturb),
        "planner": config.planner,
        "scenes": len(scenes),
        "lost": len(scenes) - len(good),
        "idle": len(tried) - len(scenes),
        "calibrated": {"policy": config.policy, "sets": len(scene_seeds(config).sets)},
        "ways": cells,
        "pairs": _pairs(config, ways, good),
        "need": _need(config, good),
    }


def bootstrap(values: Floats, seed: int = 0, confidence: float = 0.95) -> tuple[float, float]:
    """Returns the percentile interval of a mean.

    Args:
        values: ``[n]``, n at least 1.
        seed: Seed of the resamples.
        confidence: Fraction of resamples within.
    """
    rng = np.random.default_rng(seed)
    means = values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def resplit(scores: Floats, calibrate: int, alpha: float, seed: int = 0) -> dict[str, float]:
    """Returns coverage at stop over random re-splits of scenes, beside the law it should follow.

    With scores that have no ties, the number of covered new scenes is beta-binomial
    (Angelopoulos, Bates 2023, section 3.2); ties can only add to it. Re-splits of the same scenes
    are not independent of each other, so that their spread is compared and not tested.

    Args:
        scores: ``[n]`` of all scenes in which the agent would act.
        calibrate: How many of them calibrate.
        alpha: Allowed fraction of misses.
        seed: Seed of the splits.

    Returns:
        ``mean``, ``low`` and ``high`` (5 and 95 %) of the fraction that is covered, the same of the
        law as ``law_mean``, ``law_low`` and ``law_high``, and ``ties``, the fraction of scores that
        equal the largest one.
    """
    from scipy.stats import betabinom

    rng = np.random.default_rng(seed)
    rest, at = len(scores) - calibrate, rank(calibrate, alpha)
    if rest < 1 or not 1 <= at <= calibrate:
        return {}
    coverages = []
    for _ in range(RESPLITS):
        mixed = rng.permutation(scores)
        threshold = np.partition(mixed[:calibrate], at - 1)[at - 1]
        coverages.append(float((mixed[calibrate:] <= threshold).mean()))
    law = betabinom(rest, at, calibrate + 1 - at)
    texts = {
        "mean": np.mean(coverages),
        "low": np.quantile(coverages, 0.05),
        "high": np.quantile(coverages, 0.95),
        "law_mean": law.mean() / rest,
        "law_low": law.ppf(0.05) / rest,
        "law_high": law.ppf(0.95) / rest,
        "ties": (scores == scores.max()).mean(),
    }
    return {name: round(float(value), 4) for name, value in texts.items()}


def _value(record: Mapping[str, Any], figure: str) -> float:
    return float(len(record["views"]) - 1 if figure == "looks" else record[figure])


def _cell(way: str, good: Tried, scenes: int) -> dict[str, Any]:
    strategy, _, looks = way.rpartition("-")
    found: dict[str, Any] = {"strategy": strategy, "budget": int(looks), "n": scenes}
    records = [r[way] for r in good.values()]
    for figure in MEANS:
        values = np.array([_value(r, figure) for r in records])
        if len(values):
            found[figure] = [round(float(values.mean()), 4), *_rounded(bootstrap(values))]
    for figure in FRACTIONS:
        n = scenes if figure in ("right", "wrong") else len(records)
        count = sum(bool(r[figure]) for r in records)
        if n:
            interval = wilson(count, n)
            found[figure] = [count, n, *_rounded((interval.low, interval.high))]
    return found


def _pairs(config: StudyConfig, ways: Sequence[str], good: Tried) -> list[dict[str, Any]]:
    """Compares entropy, or the last strategy, with the others scene by scene at every budget."""
    best = "entropy" if "entropy" in config.strategies else config.strategies[-1]
    found = []
    for budget in config.budgets:
        names = [f"{s}-{budget}" for s in config.strategies if f"{s}-{budget}" in ways]
        outcomes = {n: {seed: bool(r[n]["right"]) for seed, r in good.items()} for n in names}
        mine = f"{best}-{budget}"
        for pair in compare_paired(outcomes):  # type: ignore[arg-type]
            if mine not in (pair.first, pair.second):
                continue
            other = pair.second if pair.first == mine else pair.first
            ahead, behind = pair.only_first, pair.only_second
            if pair.second == mine:
                ahead, behind = behind, ahead
            row: dict[str, Any] = {
                "first": mine,
                "second": other,
                "n": pair.n,
                "only_first": ahead,
                "only_second": behind,
                "p": round(pair.p_value, 5),
                "adjusted": round(pair.adjusted, 5),
            }
            for figure in _DROPS:
                differ = np.array(
                    [_value(r[mine], figure) - _value(r[other], figure) for r in good.values()]
                )
                row[figure] = [round(float(differ.mean()), 4), *_rounded(bootstrap(differ))]
            found.append(row)
    return found


def _need(config: StudyConfig, good: Tried) -> dict[str, list[dict[str, float]]]:
    """Returns by strategy, at the largest budget, the looks by uncertainty after the first."""
    found: dict[str, list[dict[str, float]]] = {}
    most = max(config.budgets)
    for strategy in config.strategies if most else ():
        records = sorted(
            (r[f"{strategy}-{most}"] for r in good.values()), key=lambda r: r["first_bits"]
        )
        parts = [p for p in np.array_split(np.arange(len(records)), _BINS) if len(p)]
        found[strategy] = [
            {
                "bits": round(float(np.mean([records[i]["first_bits"] for i in part])), 4),
                "looks": round(float(np.mean([len(records[i]["views"]) - 1 for i in part])), 3),
                "n": len(part),
            }
            for part in parts
        ]
    return found


def _rounded(pair: tuple[float, float]) -> tuple[float, float]:
    return round(pair[0], 4), round(pair[1], 4)


def render_report(config: StudyConfig, summary: Mapping[str, Any]) -> str:
    """Builds the page.

    Args:
        config: What was studied.
        summary: Its figures.

    Returns:
        A complete HTML document that loads nothing.
    """
    cells = summary["ways"]
    charts = [
        (words, trusted(_chart(cells, config.strategies, figure, words)))
        for figure, words in (MEANS | FRACTIONS).items()
        if any(figure in c for c in cells)
    ]
    need = [
        Curve(name, [(round(row["bits"], 2), row["looks"]) for row in _increasing(rows)])
        for name, rows in summary["need"].items()
    ]
    top = max((y for c in need for _, y in c.points), default=1.0)
    wrong = ", ".join(f"{p['name']} {p.get('severity', '')}" for p in config.perturb)
    return render_page(
        "sensing.html.j2",
        package="surefoot.agents.sensing",
        title=f"Looking again: {config.env}",
        summary=summary,
        facts={
            "stage": config.env,
            "perception": config.perception,
            "planner": config.planner,
            "what goes wrong with images": wrong or "nothing",
            "scenes": f"{summary['scenes']} tried, {summary['lost']} of them lost; calibrated on "
            f"{summary['calibrated']['policy']} (policy) and "
            f"{summary['calibrated']['sets']} (sets)",
            "level": f"alpha {config.alpha:g}",
            "versions": ", ".join(f"{n} {v}" for n, v in current_versions().items()),
        },
        charts=charts,
        need=trusted(
            line_chart(
                need,
                title="Looks by uncertainty",
                x="mean entropy after the first look, bits",
                y="looks taken",
                top=_end(top),
            )
        ),
        rows=[_row(c) for c in cells],
        names=[*MEANS.values(), *FRACTIONS.values()],
        pairs=[_pair_row(p) for p in summary["pairs"]],
    )


def _increasing(rows: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    return sorted(rows, key=lambda row: row["bits"])


def _chart(
    cells: Sequence[Mapping[str, Any]], strategies: Sequence[str], figure: str, words: str
) -> str:
    curves = []
    for strategy in strategies:
        points = [
            (float(c["budget"]), _middle(c, figure))
            for c in cells
            if c["strategy"] in (strategy, "none") and figure in c
        ]
        curves.append(Curve(strategy, sorted(points)))
    top = 1.0 if figure in FRACTIONS else _end(max(y for c in curves for _, y in c.points))
    return line_chart(curves, title=words, x="most looks", y=words, top=top)


def _end(largest: float) -> float:
    """Returns an end for an axis whose quarters have short names."""
    scale = 10.0 ** np.floor(np.log10(max(largest, 1e-3)))
    return float(next(e for e in (1.2, 2, 4, 8, 12) if e * scale >= largest) * scale)


def _middle(cell: Mapping[str, Any], figure: str) -> float:
    found = cell[figure]
    return found[0] / found[1] if figure in FRACTIONS else found[0]  # type: ignore[no-any-return]


def _row(cell: Mapping[str, Any]) -> dict[str, Any]:
    texts = []
    for figure in MEANS:
        mean, low, high = cell.get(figure, (0, 0, 0))
        texts.append(with_interval(mean, low, high))
    for figure in FRACTIONS:
        count, n, low, high = cell.get(figure, (0, 0, 0, 1))
        texts.append(f"{count}/{n} [{100 * low:.0f}, {100 * high:.0f}] %")
    over = cell["resplits"]
    law = (
        f"{over['mean']:.3f} [{over['low']:.2f}, {over['high']:.2f}]; law {over['law_mean']:.3f} "
        f"[{over['law_low']:.2f}, {over['law_high']:.2f}]"
        if over
        else "too few scenes"
    )
    return {"way": cell["strategy"], "budget": cell["budget"], "cells": texts, "law": law}


def _pair_row(pair: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "names": f"{pair['first']} against {pair['second']}",
        "acts": f"{pair['only_first']} : {pair['only_second']} of {pair['n']}",
        "p": f"{pair['p']:.3g} ({pair['adjusted']:.3g})",
    }
    for figure in _DROPS:
        mean, low, high = pair[figure]
        found[figure] = with_interval(mean, low, high, "+.2f")
    return found
