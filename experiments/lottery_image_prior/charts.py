"""PSNR as text and over sparsity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor
from typing import Any

from surefoot.results.lines import Curve, line_chart
from surefoot.results.statistics import Interval


def decibels(found: Mapping[str, Any] | None) -> str:
    """Formats a mean in dB with its interval; a dash where there is none."""
    if found is None:
        return "–"
    text = f"{found['mean']:.2f}"
    if found["interval"] is None:
        return text
    low, high = found["interval"]
    return f"{text} [{low:.2f}, {high:.2f}]"


def sparsity_chart(
    title: str, curves: Mapping[str, Sequence[tuple[float, Mapping[str, Any]]]]
) -> str:
    """Draws PSNR against sparsity.

    Args:
        title: What is drawn.
        curves: By name: sparsities, increasing, with PSNR as
            :func:`~surefoot.results.statistics.mean_interval` gives it.
    """
    drawn = [
        Curve(
            name,
            [(sparsity, found["mean"]) for sparsity, found in points],
            [Interval(*i) for _, found in points if (i := found["interval"])],
        )
        for name, points in curves.items()
    ]
    values = [y for c in drawn for _, y in c.points]
    values += [end for c in drawn for i in c.intervals for end in (i.low, i.high)]
    return line_chart(
        drawn,
        title=title,
        x="fraction of weights pruned",
        y="dB",
        top=ceil(max(values)),
        bottom=floor(min(values)),
    )
