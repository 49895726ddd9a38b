"""What the page says of generators and random rows."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

from surefoot.experiments.lotteryprior.sensed import DENSE
from surefoot.results.lines import Curve, line_chart
from surefoot.results.page import trusted
from surefoot.results.statistics import Interval
from surefoot.sparsity.lottery.priors.study import LINEAR

_CURVES = {"generator": "tickets", "layer-random": "by chance, as many in each layer",
           "random": "by chance over all weights"}  # fmt: skip


def decibels(found: Mapping[str, Any] | None) -> str:
    """Writes a mean in dB with its interval; a dash where there is none."""
    if found is None:
        return "–"
    text = f"{found['mean']:.2f}"
    if found["interval"] is None:
        return text
    low, high = found["interval"]
    return f"{text} [{low:.2f}, {high:.2f}]"


def sensing_page(found: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the page shows of generators.

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
                "round": part["round"], "rows": part["rows"], "kind": _CURVES[part["kind"]],
                "ahead": decibels(part["ahead"]),
            }
            for part in found["chance"]
        ],
    }  # fmt: skip


def _named(prior: str) -> str:
    if prior == LINEAR:
        return "linear guess"
    if prior == DENSE:
        return "dense generator"
    kind, _, number = prior.rpartition("-")
    return f"round {int(number)}: {'ticket' if kind == 'generator' else _CURVES[kind]}"


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
    curves = []
    for kind, name in _CURVES.items():
        mine = [r for r in rows if r["prior"].rpartition("-")[0] == kind and r["prior"] != DENSE]
        each = [*dense, *sorted(mine, key=lambda r: r["sparsity"])]
        curves.append(
            Curve(
                name,
                [(r["sparsity"], r["psnr"]["mean"]) for r in each],
                [Interval(*i) for r in each if (i := r["psnr"]["interval"])],
            )
        )
    values = [y for c in curves for _, y in c.points]
    values += [end for c in curves for i in c.intervals for end in (i.low, i.high)]
    return line_chart(
        curves, title="PSNR by sparsity of the generator", x="share of weights gone", y="dB",
        top=ceil(max(values)), bottom=floor(min(values)),
    )  # fmt: skip
