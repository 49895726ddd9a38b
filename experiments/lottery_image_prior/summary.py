"""Figures of the study: means over images, and differences to the dense network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from surefoot.experiments.lottery_image_prior.config import ImagePriorConfig
from surefoot.results.statistics import mean_interval

Records = Mapping[str, Mapping[str, Any]]
RULES = ("oracle", "held-out", "discrepancy", "last")
"""Rules in the order of the page."""


def by_scene(records: Records, task: str) -> dict[str, list[Mapping[str, Any]]]:
    """Groups the records of a task by image; seeds of one image are not independent cases."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for key, record in records.items():
        kind, scene, _ = key.split("/")
        if kind == task:
            found.setdefault(scene, []).append(record)
    return found


def task_summary(records: Records, task: str) -> dict[str, Any]:
    """Sums up a task.

    Returns:
        ``rows``: one for each way and level with ``sparsity``, ``weights``, the number
        ``refused``, and for each rule ``psnr`` and ``against`` (difference to the dense network
        on the same image), both with intervals over images. ``peers``: PSNR by name.
    """
    scenes = by_scene(records, task)
    ways = dict.fromkeys(
        (row["way"], row["level"]) for each in scenes.values() for r in each for row in r["rows"]
    )
    names = dict.fromkeys(n for each in scenes.values() for r in each for n in r["peers"])
    return {
        "rows": [_row(scenes, way, level) for way, level in sorted(ways, key=_order)],
        "peers": {
            name: mean_interval(
                [_mean([r["peers"][name] for r in each]) for each in scenes.values()]
            )
            for name in names
        },
    }


def _order(way: tuple[str, int]) -> tuple[bool, bool, int]:
    """Sort key: the dense network first, the decoder last, the others by level."""
    return way[0] != "dense", way[0] == "deep decoder", way[1]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _of(record: Mapping[str, Any], way: str, level: int) -> Mapping[str, Any] | None:
    return next(
        (r for r in record["rows"] if (r["way"], r["level"]) == (way, level) and "stops" in r), None
    )


def _row(
    scenes: Mapping[str, Sequence[Mapping[str, Any]]], way: str, level: int, stops: str = "stops"
) -> dict[str, Any]:
    found: dict[str, list[float]] = {}
    against: dict[str, list[float]] = {}
    steps: dict[str, list[float]] = {}
    done: list[Mapping[str, Any]] = []
    refused = 0
    for each in scenes.values():
        pairs = [(_of(r, way, level), _of(r, "dense", 0)) for r in each]
        both = [(a, b) for a, b in pairs if a is not None and b is not None]
        refused += len(pairs) - len(both)
        done += [a for a, _ in both]
        for rule in RULES:
            if both and rule in both[0][0][stops]:
                values = [(a[stops][rule], b[stops][rule]) for a, b in both]
                found.setdefault(rule, []).append(_mean([a["psnr"] for a, _ in values]))
                steps.setdefault(rule, []).append(_mean([a["step"] for a, _ in values]))
                against.setdefault(rule, []).append(
                    _mean([a["psnr"] - b["psnr"] for a, b in values])
                )
    return {
        "way": way,
        "level": level,
        "refused": refused,
        "sparsity": _mean([r["sparsity"] for r in done]) if done else None,
        "weights": round(_mean([r["weights"] for r in done])) if done else None,
        "rules": {
            rule: {
                "psnr": mean_interval(found[rule]),
                "step": _mean(steps[rule]),
                "against": None if way == "dense" else mean_interval(against[rule]),
            }
            for rule in found
        },
    }


def overfit_summary(records: Records) -> dict[str, Any]:
    """Summarises overfitting, for the ways that were fitted for too many steps.

    Returns:
        ``rows`` as in :func:`task_summary`, with rules that see all steps, and ``curves``: mean
        PSNR over images by step, of each of these ways.
    """
    scenes = by_scene(records, "denoise")
    curves: dict[tuple[str, int], list[list[list[float]]]] = {}
    for each in scenes.values():
        found: dict[tuple[str, int], list[list[list[float]]]] = {}
        for row in (row for r in each for row in r["rows"] if row.get("curve")):
            found.setdefault((row["way"], row["level"]), []).append(row["curve"])
        for way, some in found.items():
            curves.setdefault(way, []).append(_mean_curve(some))
    order = sorted(curves, key=_order)
    return {
        "rows": [_row(scenes, *way, "long") for way in order],
        "curves": {way[0]: _mean_curve(curves[way]) for way in order},
    }


def _mean_curve(curves: Sequence[Sequence[Sequence[float]]]) -> list[list[float]]:
    return [[p[0][0], _mean([x[1] for x in p])] for p in zip(*curves, strict=True)]


def ticket_against_random(
    records: Records, study: ImagePriorConfig, stops: str = "stops"
) -> dict[str, Any]:
    """Returns the PSNR of clean tickets less that of layer-wise random masks, in dB.

    Args:
        records: What :func:`~.work.judge` returned.
        study: The study.
        stops: ``stops`` for the steps of the task, ``long`` for all that were done.

    Returns:
        A mean with its interval over images for each rule, at the sparsest level.
    """
    found: dict[str, list[float]] = {}
    for each in by_scene(records, "denoise").values():
        pairs = [
            (_of(r, "clean", study.rounds), _of(r, "layer-random", study.rounds)) for r in each
        ]
        for rule in RULES:
            values = [
                a[stops][rule]["psnr"] - b[stops][rule]["psnr"]
                for a, b in pairs
                if a is not None and b is not None
            ]
            if values:
                found.setdefault(rule, []).append(_mean(values))
    return {rule: mean_interval(values) for rule, values in found.items()}
