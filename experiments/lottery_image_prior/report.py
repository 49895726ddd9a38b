"""The study's page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from math import ceil, floor
from typing import Any

from surefoot.experiments.lottery_image_prior.charts import decibels, sparsity_chart
from surefoot.experiments.lottery_image_prior.sensed_page import sensing_page
from surefoot.experiments.lottery_image_prior.summary import RULES
from surefoot.results.lines import Curve, line_chart
from surefoot.results.manifest import current_versions
from surefoot.results.page import render_page, trusted

WAYS = {
    "dense": "dense",
    "clean": "ticket of the true picture",
    "observed": "ticket of what was observed",
    "one-shot": "pruned at once",
    "random": "random over all weights",
    "layer-random": "random, as many in each layer as the ticket",
    "snip": "SNIP",
    "other picture": "ticket of another true picture",
    "several others": "ticket of all other true pictures (of their mean)",
    "deep decoder": "deep decoder",
}
"""Names of ways on the page."""
TITLES = {"denoise": "Noise", "inpaint": "Unknown pixels", "sr": "Enlarging"}


def render_study(summary: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """Returns the page.

    Args:
        summary: What ``summary.json`` holds.
        pictures: PNG files of the true images, by name.
    """
    study, tasks = summary["study"], summary.get("tasks", {})
    overfit, sensing = summary.get("overfit"), summary.get("sensing")
    meta = {"versions": ", ".join(f"{k} {v}" for k, v in current_versions().items())}
    if tasks:
        meta = {
            "pictures": f"{len(study['scenes'])} of {study['size']} x {study['size']} pixels",
            "seeds": ", ".join(map(str, study["seeds"])),
            "steps": ", ".join(f"{n} for {t}" for t, n in study["steps"].items()),
            "sparsity by round": ", ".join(f"{100 * s:.1f} %" for s in summary["sparsity"]),
            **meta,
        }
    return render_page(
        "lottery_image_prior.html.j2",
        package="surefoot.experiments.lottery_image_prior",
        title="What tickets of untrained networks restore",
        meta=meta,
        against=_rules(summary.get("against_random", {})),
        gap=_gap(tasks),
        pictures=[
            (n, f"data:image/png;base64,{base64.b64encode(p).decode()}")
            for n, p in pictures.items()
        ],
        tasks=[_task(TITLES[task], found) for task, found in tasks.items()],
        levels=trusted(_levels(tasks["denoise"])) if overfit else "",
        overfit=None
        if overfit is None
        else {
            "chart": trusted(_overfit(overfit)),
            "long": study["long"],
            "task": _task("", {**overfit, "peers": {}}),
            "against": _rules(summary["against_random_long"]),
        },
        sensing=None if sensing is None else sensing_page(sensing, study["sensing"]),
    )


def _rules(found: Mapping[str, Any]) -> dict[str, str]:
    return {rule: decibels(value) for rule, value in found.items()}


def way_name(way: str) -> str:
    """Returns the name of a way on the page."""
    return WAYS.get(way, way.replace("other task", "ticket of another task"))


def _gap(tasks: Mapping[str, Any]) -> dict[str, str]:
    """Returns what the dense network loses when held-out stopping replaces the oracle, by task."""
    found = {}
    for task, part in tasks.items():
        rules = next(r for r in part["rows"] if r["way"] == "dense")["rules"]
        lost = rules["oracle"]["psnr"]["mean"] - rules["held-out"]["psnr"]["mean"]
        found[TITLES[task].lower()] = f"{lost:.2f}"
    return found


def _task(title: str, found: Mapping[str, Any]) -> dict[str, Any]:
    rules = [r for r in RULES if any(r in row["rules"] for row in found["rows"])]
    return {
        "title": title,
        "rules": rules,
        "rows": [
            {
                "way": way_name(row["way"]),
                "sparsity": "–" if row["sparsity"] is None else f"{100 * row['sparsity']:.0f} %",
                "weights": "–" if row["weights"] is None else f"{row['weights']:,}",
                "refused": row["refused"],
                "cells": [
                    (decibels(cell["psnr"]), decibels(cell["against"]), f"{cell['step']:.0f}")
                    if (cell := row["rules"].get(rule))
                    else ("–", "–", "–")
                    for rule in rules
                ],
            }
            for row in found["rows"]
        ],
        "peers": {name: decibels(value) for name, value in found["peers"].items()},
    }


def _levels(found: Mapping[str, Any]) -> str:
    """Draws PSNR at the oracle stop against sparsity, all ways from the dense network on."""
    rows = found["rows"]
    dense = next(r for r in rows if r["way"] == "dense")
    curves = {}
    for way in ("clean", "observed", "one-shot", "random", "layer-random", "snip"):
        mine = [r for r in rows if r["way"] == way and r["rules"]]
        each = [dense, *sorted(mine, key=lambda r: r["sparsity"])]
        curves[way_name(way)] = [(r["sparsity"], r["rules"]["oracle"]["psnr"]) for r in each]
    return sparsity_chart("PSNR at the oracle stop by sparsity", curves)


def _overfit(found: Mapping[str, Any]) -> str:
    curves = [
        Curve(way_name(way), [(p[0], p[1]) for p in points])
        for way, points in found["curves"].items()
    ]
    values = [y for c in curves for _, y in c.points]
    return line_chart(
        curves,
        title="PSNR by step",
        x="steps",
        y="dB",
        top=ceil(max(values)),
        bottom=floor(min(values)),
        log_x=True,
    )
