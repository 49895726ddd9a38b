"""Results of the study: means over seeds with intervals, and the published claims."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from surefoot.experiments.imp_receptive_fields.config import ReceptiveFieldsConfig
from surefoot.experiments.imp_receptive_fields.work import (
    CLONE,
    DATA,
    IMP,
    KINDS,
    ONE_SHOT,
    ORDERS,
    RANDOM,
)
from surefoot.results.statistics import mean_interval

MEASURES = ("accuracy", "locality", "shuffled", "participation", "kurtosis", "kept", "pruned")
"""Measures reported for each training."""

Runs = Sequence[Mapping[str, Any]]


def mean_of(values: Sequence[float | None]) -> dict[str, Any] | None:
    """Returns the mean of what is known, see :func:`~.mean_interval`; ``None`` without any."""
    known = [v for v in values if v is not None]
    return mean_interval(known) if known else None


def case_summary(runs: Mapping[str, Runs]) -> dict[str, Any]:
    """Puts the seeds of a case together.

    Args:
        runs: What :func:`~.work.run_job` gave, by kind of data.

    Returns:
        ``rows``, one for each kind, order and round; ``going``, the cavity by the round in which
        weights are pruned, by kind; and ``claims``.
    """
    rows = []
    for kind in KINDS:
        for order in ORDERS:
            for number in sorted(
                {r["round"] for run in runs[kind] for r in run["rows"] if r["order"] == order}
            ):
                found = [_row(run, order, number) for run in runs[kind]]
                rows.append(
                    {
                        "kind": kind,
                        "order": order,
                        "round": number,
                        "left": 1 - float(np.mean([r["sparsity"] for r in found])),
                    }
                    | {m: mean_of([r[m] for r in found]) for m in MEASURES}
                )
    return {
        "rows": rows,
        "going": {
            kind: [
                mean_of(values) for values in zip(*(r["going"] for r in runs[kind]), strict=True)
            ]
            for kind in KINDS
        },
        "claims": claims(runs),
    }


def _row(run: Mapping[str, Any], order: str, number: int) -> Mapping[str, Any]:
    (found,) = [r for r in run["rows"] if (r["order"], r["round"]) == (order, number)]
    return dict(found)


def _last(run: Mapping[str, Any], order: str) -> Mapping[str, Any]:
    return _row(run, order, max(r["round"] for r in run["rows"] if r["order"] == order))


Test = Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[bool, tuple[float, ...]]]


def _rises(measure: str) -> Test:
    def test(data: Mapping[str, Any], _: Mapping[str, Any]) -> tuple[bool, tuple[float, ...]]:
        first, last = _row(data, IMP, 0)[measure], _last(data, IMP)[measure]
        return last > first, (first, last)

    return test


def _every_round(data: Mapping[str, Any], _: Any) -> tuple[bool, tuple[float, ...]]:
    values = [r["kurtosis"] for r in data["rows"] if r["order"] == IMP]
    steps = [b - a for a, b in itertools.pairwise(values)]
    return min(steps) > 0, (min(steps),)


def _above(other: str) -> Test:
    def test(data: Mapping[str, Any], _: Any) -> tuple[bool, tuple[float, ...]]:
        own, theirs = _last(data, IMP)["kurtosis"], _last(data, other)["kurtosis"]
        return own > theirs, (own, theirs)

    return test


def _clone_stays(_: Any, clone: Mapping[str, Any]) -> tuple[bool, tuple[float, ...]]:
    first, last = _row(clone, IMP, 0)["locality"], _last(clone, IMP)["locality"]
    return last < first + 0.1, (first, last)


def _more_than_clone(measure: str) -> Test:
    def test(data: Mapping[str, Any], clone: Any) -> tuple[bool, tuple[float, ...]]:
        own, theirs = _last(data, IMP)[measure], _last(clone, IMP)[measure]
        return own > theirs, (own, theirs)

    return test


def _cavity_of_kept(data: Mapping[str, Any], _: Any) -> tuple[bool, tuple[float, ...]]:
    row = _last(data, IMP)
    return abs(row["kept"]) > 5 * abs(row["pruned"]), (row["kept"], row["pruned"])


def _cavity_by_order(data: Mapping[str, Any], _: Any) -> tuple[bool, tuple[float, ...]]:
    # Weights pruned first against those pruned last, and these against those that remain.
    first, *_rest, last, stay = (abs(v) for v in data["going"])
    return first < last < stay, (first, last, stay)


def _cavity_of_clone(data: Mapping[str, Any], clone: Any) -> tuple[bool, tuple[float, ...]]:
    own, theirs = _last(data, IMP)["kept"], _last(clone, IMP)["kept"]
    return abs(theirs) < 0.1 * abs(own), (own, theirs)


_CLAIMS: tuple[tuple[str, str, Test], ...] = (
    ("pruning makes fields more local", "paper, v1 to v3: dense, last round", _rises("locality")),
    ("it makes them sparser within (IPR x D)", "paper: dense, last round", _rises("participation")),
    ("it raises kurtosis", "v3, 'increases': dense, last round", _rises("kurtosis")),
    ("it raises kurtosis in every round", "v1, 'maximizes': least step", _every_round),
    ("its kurtosis ends above that of one-shot", "paper: IMP, one-shot", _above(ONE_SHOT)),
    ("its kurtosis ends above that of random masks", "control: IMP, random", _above(RANDOM)),
    (
        "Gaussian data do not make fields local",
        "paper, 'necessary': clone dense, last round; a gain below 0.1",
        _clone_stays,
    ),
    (
        "fields end more local on data than on the clone",
        "weaker form: data, clone",
        _more_than_clone("locality"),
    ),
    (
        "weights that stay have a cavity, those that go have none",
        "paper: stay, go; 5 times",
        _cavity_of_kept,
    ),
    (
        "weights go in the order of their cavity in the dense model",
        "paper: first to go, last to go, stay",
        _cavity_by_order,
    ),
    ("the cavity vanishes on the clone", "control: data, clone; below a tenth", _cavity_of_clone),
)


def claims(runs: Mapping[str, Runs]) -> list[dict[str, Any]]:
    """Counts in how many seeds each claim holds.

    Args:
        runs: See :func:`case_summary`.

    Returns:
        Rows with ``name``, ``source``, ``n``, ``holds`` and ``median`` of the compared values.
    """
    found = []
    for name, source, test in _CLAIMS:
        results = [test(d, c) for d, c in zip(runs[DATA], runs[CLONE], strict=True)]
        found.append(
            {
                "name": name,
                "source": source,
                "n": len(results),
                "holds": sum(bool(held) for held, _ in results),
                "median": [float(v) for v in np.median([v for _, v in results], axis=0)],
            }
        )
    return found


def perception_summary(
    study: ReceptiveFieldsConfig, found: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Compares a trained first layer with the same layer at initialisation.

    Args:
        study: Gives the seeds.
        found: Diagnoses by ``trained`` and seed.

    Returns:
        For each measure ``trained`` and ``drawn`` (mean and range over seeds), ``None`` if a part
        is missing.
    """
    drawn = [found[str(s)] for s in study.seeds if str(s) in found]
    if "trained" not in found or not drawn:
        return None
    measures: dict[str, Callable[[Mapping[str, Any]], float]] = {
        "locality": lambda f: f["summary"]["locality"],
        "its shuffle null": lambda f: f["summary"]["shuffled"],
        "units more local than 95 % of their shuffles": lambda f: f["summary"]["local_units"],
        "participation": lambda f: f["summary"]["participation"],
        "kurtosis": lambda f: f["summary"]["kurtosis"],
        "kurtosis on the clone": lambda f: f["summary"]["clone_kurtosis"],
        "kurtosis, weights dealt out anew": lambda f: f["dealt"]["mean"],
        "kurtosis at one contrast": lambda f: f["even"]["kurtosis"],
        "cavity": lambda f: f["summary"]["cavity"]["kept"],
    }
    return {
        name: {
            "trained": float(of(found["trained"])),
            "drawn": float(np.mean([of(d) for d in drawn])),
            "low": float(min(of(d) for d in drawn)),
            "high": float(max(of(d) for d in drawn)),
        }
        for name, of in measures.items()
    }
