"""The page's part on generators and random rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot.experiments.lottery_image_prior.charts import decibels, sparsity_chart
from surefoot.results.page import trusted
from surefoot.sparsity.lottery.priors.study import LINEAR
from surefoot.sparsity.lottery.priors.tickets import DENSE, KINDS

_NAMES = "tickets", "random, as many in each layer", "random over all weights"
_CURVES = dict(zip(KINDS, _NAMES, strict=True))


def sensing_page(found: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the page's data on generators.

    Args:
        found: What :func:`~.sensed.sensing_summary` gave.
        settings: The settings of this part.
    """
    return {
        "settings": settings,
        "chart": trusted(_chart(found["clean"], settings["rows"])),
        "clean": [_row(_named(row["prior"]), row) for row in found["clean"]],
        "spoiled": [
            _row("linear guess" if row["prior"] == LINEAR else f"generator, {row['way']}", row)
            for row in found["spoiled"]
            # Linear guesses do not depend on the way.
            if row["prior"] != LINEAR or row["way"] == found["spoiled"][0]["way"]
        ],
        "chance": [
            {
                "round": part["round"],
                "rows": part["rows"],
                "kind": _CURVES[part["kind"]],
                "ahead": decibels(part["ahead"]),
            }
            for part in found["chance"]
        ],
    }


def _named(prior: str) -> str:
    if prior == LINEAR:
        return "linear guess"
    if prior == DENSE:
        return "dense generator"
    kind, _, number = prior.rpartition("-")
    return f"round {int(number)}: {'ticket' if kind == KINDS[0] else _CURVES[kind]}"


def _row(name: str, row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "name": name,
        "rows": str(row["rows"]),
        "sparsity": "–" if row["sparsity"] is None else f"{100 * row['sparsity']:.1f} %",
        "psnr": decibels(row["psnr"]),
        "ahead": decibels(row["ahead"]),
        "seconds": f"{row['seconds']['mean']:.1f}",
    }


def _chart(clean: list[Mapping[str, Any]], counts: list[int]) -> str:
    """Draws PSNR against sparsity at the middle number of rows, all from the dense one on."""
    rows = [r for r in clean if r["rows"] == counts[len(counts) // 2] and r["prior"] != LINEAR]
    dense = [r for r in rows if r["prior"] == DENSE]
    curves = {}
    for kind, name in _CURVES.items():
        mine = [r for r in rows if r["prior"].rpartition("-")[0] == kind and r["prior"] != DENSE]
        each = [*dense, *sorted(mine, key=lambda r: r["sparsity"])]
        curves[name] = [(r["sparsity"], r["psnr"]) for r in each]
    return sparsity_chart("PSNR by sparsity of the generator", curves)
