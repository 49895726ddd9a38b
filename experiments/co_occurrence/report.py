"""The study's tables and its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from surefoot.experiments.co_occurrence.animation import animated
from surefoot.results.lines import Curve, line_chart
from surefoot.results.manifest import current_versions
from surefoot.results.page import render_page, trusted

Runs = Sequence[Mapping[str, Any]]

_ALIKE = 5.0
"""Difference of final losses, in per cent, below which two runs count as equal."""


def check_rows(learned: Runs, frozen: Runs) -> list[dict[str, Any]]:
    """Counts in how many seeds each prediction holds.

    Args:
        learned: Runs in which attention learns.
        frozen: The same with attention frozen at initialisation.

    Returns:
        A row for each prediction: ``name``, ``source``, ``bound``, ``n``, ``holds``, ``frozen``
        (seeds in which it holds with frozen attention; ``None`` where it is about attention) and
        ``median`` of the measured values.
    """
    rows: dict[str, dict[str, Any]] = {}
    for run in learned:
        for check in run["checks"]:
            row = rows.setdefault(
                check["name"],
                {k: check[k] for k in ("name", "source", "bound", "attention")}
                | {"holds": 0, "n": len(learned), "values": []},
            )
            row["holds"] += check["holds"]
            row["values"].append(check["value"])
    for row in rows.values():
        row["median"] = [float(v) for v in np.median(np.array(row.pop("values")), axis=0)]
        row["frozen"] = (
            None
            if row["attention"]
            else sum(
                check["holds"]
                for run in frozen
                for check in run["checks"]
                if check["name"] == row["name"]
            )
        )
    return list(rows.values())


def render_study(summary: Mapping[str, Any], cases: Mapping[str, Mapping[str, Runs]]) -> str:
    """Returns the page.

    Args:
        summary: What ``summary.json`` holds.
        cases: Runs by case, ``learned`` and ``frozen``.
    """
    seeds = summary["study"]["seeds"]
    apart = 100 * max(map(_apart, summary["cases"].values()))
    return render_page(
        "co_occurrence.html.j2",
        package="surefoot.experiments.co_occurrence",
        title="How attention learns that two words stand together",
        meta={
            "seeds": ", ".join(map(str, seeds)),
            "versions": ", ".join(f"{k} {v}" for k, v in current_versions().items()),
        },
        apart=f"{apart:.2g}",
        verdict=verdict(apart),
        assumption=assumption([case["warning"] for case in summary["cases"].values()]),
        cases=[
            _case(name, summary["cases"][name], kinds["learned"], kinds["frozen"])
            for name, kinds in cases.items()
        ],
    )


def verdict(apart: float) -> str:
    """Returns what the frozen control allows one to conclude.

    Args:
        apart: Largest difference that it makes to the final loss, in per cent.
    """
    if apart < _ALIKE:
        return (
            "what is shown here is the direction in which attention learns, and no capability "
            "that it adds"
        )
    return "so attention does matter here to how well it is learned, in one case at least"


def assumption(warnings: Sequence[str]) -> str:
    """Returns in which cases the paper's assumption on nL and d fails.

    Args:
        warnings: What each case warns of, empty where it holds.
    """
    failing = sum(map(bool, warnings))
    if failing == len(warnings):
        return "fails in every case here"
    return f"fails in {failing} of {len(warnings)} cases here" if failing else "holds here"


def _apart(case: Mapping[str, Any]) -> float:
    """Returns the largest relative difference that frozen attention makes to the final loss."""
    pairs = zip(case["final_loss"]["learned"], case["final_loss"]["frozen"], strict=True)
    return max(abs(float(a) - float(b)) / float(b) for a, b in pairs)


def _case(name: str, case: Mapping[str, Any], learned: Runs, frozen: Runs) -> dict[str, Any]:
    first, control = learned[0], frozen[0]
    return {
        "name": name,
        "warning": case["warning"],
        "repeated": f"{100 * first['repeated']:.0f}",
        "checks": [
            {
                **row,
                "found": ", ".join(f"{v:.3g}" for v in row["median"]),
                "seeds": f"{row['holds']} of {row['n']}",
                "control": "–" if row["frozen"] is None else f"{row['frozen']} of {row['n']}",
            }
            for row in case["checks"]
        ],
        "losses": {
            kind: f"{np.mean(values):.5f} (of single seeds {min(values):.5f} to {max(values):.5f})"
            for kind, values in case["final_loss"].items()
        },
        "animation": trusted(animated(first["trace"], first["signals"])),
        "plots": [
            (title, trusted(_plot(run["trace"], first["signals"], part)))
            for part, title in (
                ("group_losses", "Losses"),
                ("contributions", "G of the signals"),
                ("scores", "Change of attention scores, thousandths"),
            )
            for run, title in ((first, title), (control, f"{title}, attention frozen"))
        ],
    }


def _plot(trace: Mapping[str, Any], signals: Sequence[str], part: str) -> str:
    # Steps on a logarithmic axis, since most happens early; the start has no logarithm.
    steps = trace["steps"][1:]
    values = np.array(trace[part])
    if part == "scores":
        values = 1000 * (values - values[0])
        pairs = ((0, 1), (1, 0), (2, 0), (2, 1))
        named = {f"{signals[k]} for {signals[q]}": values[1:, k, q] for k, q in pairs}
    elif part == "contributions":
        named = {name: values[1:, i] for i, name in enumerate(signals)}
    else:
        kinds = ("both signals", "only the first", "only the second", "neither")
        named = {name: values[1:, i] for i, name in enumerate(kinds)}
    low = min(0.0, *(float(v.min()) for v in named.values()))
    high = max(float(v.max()) for v in named.values())
    curves = [Curve(name, list(zip(steps, v.tolist(), strict=True))) for name, v in named.items()]
    return line_chart(
        curves, title=part, x="steps", y="", top=high, bottom=low, log_x=True, steps=True
    )
