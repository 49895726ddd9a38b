"""The report of a compression as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.results.manifest import current_versions
from surefoot.results.statistics import mcnemar_exact, wilson

if TYPE_CHECKING:
    from surefoot.sparsity.report.layers import LayerRecord

REPORT_NAME, PAGE_NAME = "compression_report.json", "report.html"
"""Names of the report files."""

Scorer = Callable[[Path], Mapping[str, bool]]
"""Evaluates a model folder on tasks; returns for each, by name, whether it was solved."""

LABELS = {
    "dense": "whole matrices; readable by any program",
    "masked": "quality only: zeros are stored in dense tensors, no runtime here benefits from them",
    "pack-quantized": "integers in the format of compressed-tensors; smaller on disk, "
    "unpacked to floats by transformers before the first use",
    "low-rank": "pairs of factors; readable by Surefoot (merge them for other programs)",
}
"""Description of the formats of artifacts."""

_FORMAT = 1
_RESAMPLES = 2000
"""Bootstrap resamples of the tasks."""


@dataclass(frozen=True)
class Totals:
    """Sums over a model.

    Attributes:
        targets: Weights of the layers that are compressed.
        kept: Stored values that replace them.
        nonzero: Stored values that are not zero.
        parameters_before: Parameters of the whole model, tied ones counted once.
        parameters_after: The same after compression, including zeros of masks.
        bytes_before: Bytes of the weight files.
        bytes_after: The same after compression.
    """

    targets: int
    kept: int
    nonzero: int
    parameters_before: int
    parameters_after: int
    bytes_before: int
    bytes_after: int

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data, with derived fractions."""
        return {
            "targets": self.targets,
            "kept": self.kept,
            "nonzero": self.nonzero,
            "sparsity": 1 - self.nonzero / self.targets,
            "parameters_before": self.parameters_before,
            "parameters_after": self.parameters_after,
            "bytes_before": self.bytes_before,
            "bytes_after": self.bytes_after,
        }


def totals_of(
    records: Sequence[LayerRecord],
    parameters: int,
    bytes_before: int,
    bytes_after: int,
    dropped: int = 0,
) -> Totals:
    """Sums the figures of layers.

    Args:
        records: Figures of all targets.
        parameters: Parameters of the whole model before.
        bytes_before: Bytes of its files with weights.
        bytes_after: The same after.
        dropped: Parameters of dropped blocks.
    """
    targets = sum(r.size for r in records)
    kept = sum(r.parameters for r in records)
    return Totals(
        targets,
        kept,
        sum(r.nonzero for r in records),
        parameters,
        parameters - dropped - targets + kept,
        bytes_before,
        bytes_after,
    )


def task_figures(before: Mapping[str, bool], after: Mapping[str, bool]) -> dict[str, Any]:
    """Compares what a model solved before and after compression, task by task.

    The retention, solved after over solved before, has a percentile interval from 2000
    resamples of the tasks; both rates have Wilson intervals, and the difference an exact
    McNemar test.

    Raises:
        InputError: The two were not evaluated on the same tasks, or on none.
    """
    if before.keys() != after.keys() or not before:
        raise InputError("both models have to be evaluated on the same tasks, at least one")
    names = sorted(before)
    pairs = np.array([(before[n], after[n]) for n in names], dtype=np.int64)
    n, (solved, kept) = len(names), pairs.sum(0).tolist()
    draws = np.random.default_rng(0).integers(0, n, (_RESAMPLES, n))
    sums = pairs[draws].sum(1)
    ratios = sums[:, 1] / np.maximum(sums[:, 0], 1)
    low, high = np.quantile(ratios[sums[:, 0] > 0], [0.025, 0.975]) if solved else (0.0, 0.0)
    one, other = wilson(solved, n), wilson(kept, n)
    return {
        "n": n,
        "before": solved,
        "after": kept,
        "before_interval": [one.low, one.high],
        "after_interval": [other.low, other.high],
        "retention": kept / solved if solved else None,
        "retention_interval": [float(low), float(high)] if solved else None,
        "p_value": mcnemar_exact(
            int((pairs[:, 0] > pairs[:, 1]).sum()), int((pairs[:, 0] < pairs[:, 1]).sum())
        ),
    }


def make_report(
    *,
    identity: Mapping[str, Any],
    model: str,
    recipe: Mapping[str, Any],
    artifact: str,
    notes: Sequence[str],
    totals: Totals,
    plan: Mapping[str, float | None],
    shortened: Mapping[str, Any] | None,
    losses: Mapping[str, float],
    calibration: Mapping[str, Any] | None,
    recovery: Mapping[str, Any] | None,
    tasks: Mapping[str, Any] | None,
    measured: Mapping[str, Any] | None,
    layers: Sequence[LayerRecord],
) -> dict[str, Any]:
    """Returns a report as plain JSON data."""
    return {
        "format": _FORMAT,
        "identity": dict(identity),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(),
        "model": model,
        "recipe": dict(recipe),
        "artifact": {"format": artifact, "label": LABELS[artifact]},
        "notes": list(notes),
        "totals": totals.to_json(),
        "plan": dict(plan),
        "shortened": dict(shortened) if shortened is not None else None,
        "losses": dict(losses),
        "calibration": dict(calibration) if calibration is not None else None,
        "recovery": dict(recovery) if recovery is not None else None,
        "tasks": dict(tasks) if tasks is not None else None,
        "measured": dict(measured) if measured is not None else None,
        "layers": [layer.to_json() for layer in layers],
    }


def write_report(report: Mapping[str, Any], folder: Path) -> None:
    """Writes ``compression_report.json``."""
    text = json.dumps(report, indent=1, allow_nan=False) + "\n"
    write_atomic(folder / REPORT_NAME, text)


def read_report(folder: Path) -> dict[str, Any]:
    """Reads ``compression_report.json``.

    Raises:
        InputError: There is no report, or a damaged one.
    """
    path = folder / REPORT_NAME
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError("no compressed model here", file=str(folder)) from None
    except (OSError, ValueError):
        raise InputError("not a readable report", file=str(path)) from None
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise InputError("a report of another version", file=str(path))
    return data


def siblings_of(folder: Path, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the reports of other compressions of the same model in sibling folders."""
    found = []
    for path in sorted(folder.resolve().parent.glob(f"*/{REPORT_NAME}")):
        if path.parent == folder.resolve():
            continue
        try:
            other = read_report(path.parent)
        except InputError:
            continue
        if other["identity"].get("source") == report["identity"]["source"]:
            found.append(other)
    return found


def _versions() -> dict[str, str]:
    found = dict(current_versions())
    for name in ("torch", "transformers", "safetensors", "compressed-tensors"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
