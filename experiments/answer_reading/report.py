"""The study's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from surefoot.results.manifest import current_versions
from surefoot.results.page import render_page

_TITLES = {
    "structure": "By structure",
    "wording": "By wording",
    "extras": "By what else the answer says",
    "domain": "By domain",
    "naming": "By naming of objects",
    "style": "By style",
}


def render_study(summary: Mapping[str, Any]) -> str:
    """Returns the page.

    Args:
        summary: What ``summary.json`` holds.
    """
    study = summary["study"]
    return render_page(
        "answer_reading.html.j2",
        package="surefoot.experiments.answer_reading",
        title="How well answers are read",
        meta={
            "reader": study["reader"],
            "answers of each split": f"{study['right']} right, {study['damaged']} damaged",
            "seed": str(study["seed"]),
            **current_versions(),
        },
        splits=[_split(name, found) for name, found in summary["splits"].items()],
    )


def _split(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "exact": _rate(found["exact"]),
        "falsely_valid": _rate(found["falsely_valid"]),
        "damaged_exact": _rate(found["damaged_exact"]),
        "damages": _rows(found["falsely_valid_by"]),
        "damages_exact": _rows(found["damaged_exact_by"]),
        "tables": [
            {"title": _TITLES[key], "rows": _rows(rows)} for key, rows in found["exact_by"].items()
        ],
    }


def _rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"name": r["name"], "cells": [f"{r['count']}", f"{r['n']}", str(r["styles"]), _rate(r)]}
        for r in rows
    ]


def _rate(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "–"
    low, high = found["interval"]
    return f"{100 * found['rate']:.2f} [{100 * low:.2f}, {100 * high:.2f}]"
