"""Figures of the study: means over pictures, and differences to the dense network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from surefoot.experiments.lotteryprior.config import Study
from surefoot.results.statistics import mean_interval

Records = Mapping[str, Mapping[str, Any]]
RULES = ("oracle", "held-out", "discrepancy", "last")
"""Rules in the order of the page."""


def by_scene(records: Records, task: str) -> dict[str, list[Mapping[str, Any]]]:
    """Groups the records of a task by picture; seeds of one picture are no independent cases."""
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
        on the same picture), both with intervals over pictures. ``peers``: PSNR by name.
    """
    scenes = by_scene(records, task)
    ways = dict.fromkeys(
        (row["way"], row["level"]) for each in scenes.values() for r in each for row in r["rows"]
    )
    names = dict.fromkeys(n for each in scenes.values() for r in each for n in r["peers"])
    return {
        "rows": [_row(scenes, way, level) for way, level in sorted(ways, key=_order)],
        "peers": {
            name: mean_interval([_mean([r["peers"][name] for r in each])
                                 for each in scenes.values()])
            for name in names
        },
    }  # fmt: skip


def _order(way: tuple[str, int]) -> tuple[bool, bool, int]:
    """The dense network first, the decoder last, the others by level."""
    return way[0] != "dense", way[0] == "deep decoder", way[1]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _of(record: Mapping[str, Any], way: str, level: int) -> Mapping[str, Any] | None:
    return next(
        (r for r in record["rows"] if (r["way"], r["level"]) == (way, level) and "stops" in r), None
    )


def _row(scenes: Mapping[str, Sequence[Mapping[str, Any]]], way: str, level: int) -> dict[str, Any]:
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
            if both and rule in both[0][0]["stops"]:
                values = [(a["stops"][rule], b["stops"][rule]) for a, b in both]
                found.setdefault(rule, []).append(_mean([a["psnr"] for a, _ in values]))
                steps.setdefault(rule, []).append(_mean([a["step"] for a, _ in values]))
                against.setdefault(rule, []).append(
                    _mean([a["psnr"] - b["psnr"] for a, b in values])
                )
    return {
        "way": way, "level": level, "refused": refused,
        "sparsity": _mean([r["sparsity"] for r in done]) if done else None,
        "weights": round(_mean([r["weights"] for r in done])) if done else None,
        "rules": {
            rule: {
                "psnr": mean_interval(found[rule]), "step": _mean(steps[rule]),
                "against": None if way == "dense" else mean_interval(against[rule]),
            }
            for rule in found
        },
    }  # fmt: skip


def overfit_summary(records: Records, study: Study) -> dict[str, Any]:
    """Sums up what too many steps do to the dense network and the sparsest clean ticket.

    Returns:
        ``curves``: mean PSNR by step; ``best`` and ``last`` with intervals; ``against``:
        the ticket's last PSNR less the dense network's, over pictures.
    """
    scenes = by_scene(records, "denoise")
    ways = {"dense": 0, "clean": study.rounds}
    curves: dict[str, list[list[list[float]]]] = {way: [] for way in ways}
    for each in scenes.values():
        for way, level in ways.items():
            long = [row["curve"] for r in each if (row := _of(r, way, level)) is not None]
            if long:
                curves[way].append(
                    [[p[0][0], _mean([x[1] for x in p])] for p in zip(*long, strict=True)]
                )
    lasts = {way: [c[-1][1] for c in all_] for way, all_ in curves.items()}
    return {
        "curves": {
            way: [[p[0][0], _mean([x[1] for x in p])] for p in zip(*all_, strict=True)]
            for way, all_ in curves.items()
        },
        "best": {way: mean_interval([max(x[1] for x in c) for c in all_])
                 for way, all_ in curves.items()},
        "last": {way: mean_interval(values) for way, values in lasts.items()},
        "against": mean_interval(
            [a - b for a, b in zip(lasts["clean"], lasts["dense"], strict=True)]
        ),
    }  # fmt: skip


def ticket_against_random(records: Records, study: Study) -> dict[str, Any]:
    """Returns by how much clean tickets beat masks by chance of the same layers, in dB.

    Returns:
        A mean with its interval over pictures for each rule, at the sparsest level.
    """
    found: dict[str, list[float]] = {}
    for each in by_scene(records, "denoise").values():
        pairs = [
            (_of(r, "clean", study.rounds), _of(r, "layer-random", study.rounds)) for r in each
        ]
        for rule in RULES:
            values = [
                a["stops"][rule]["psnr"] - b["stops"][rule]["psnr"]
                for a, b in pairs
                if a is not None and b is not None
            ]
            if values:
                found.setdefault(rule, []).append(_mean(values))
    return {rule: mean_interval(values) for rule, values in found.items()}
