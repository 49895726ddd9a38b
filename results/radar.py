"""Radar charts as inline SVG: one polygon per series over axes from 0 to 100 %."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import cos, pi, sin

from surefoot.results.svg import chart, colour_of, legend

_WIDTH, _SIZE, _RADIUS, _MARGIN = 560, 340, 118, 26
_RINGS = (0.25, 0.5, 0.75, 1.0)
_DASHES = ("", "7 4", "2 3", "9 3 2 3")


@dataclass(frozen=True)
class RadarSeries:
    """One polygon.

    Attributes:
        name: Name in the legend.
        values: A value in [0, 1] by axis; a missing one is a gap, never a zero.
    """

    name: str
    values: Mapping[str, float | None]


def radar_chart(axes: Sequence[str], series: Sequence[RadarSeries], *, title: str) -> str:
    """Draws series over common axes, the first axis upwards and the others clockwise.

    Args:
        axes: At least three names.
        series: The series, distinguished by colour and line pattern.
        title: Description of the chart for screen readers.

    Returns:
        HTML: a legend and an ``<svg>`` element.

    Raises:
        ValueError: There are fewer than three axes.
    """
    if len(axes) < 3:
        raise ValueError("a radar chart needs at least three axes")
    parts = [_web(axes)]
    for index, one in enumerate(series):
        parts.append(_polygon(axes, one, index))
    symbols = [
        (
            f'<path d="M0 10H20" style="stroke:{colour_of(i)};stroke-width:3" '
            f'stroke-dasharray="{_DASHES[i % len(_DASHES)]}"/>',
            one.name,
        )
        for i, one in enumerate(series)
    ]
    drawn = "".join(parts)
    inner = f'<svg viewBox="0 0 {_WIDTH} {_SIZE}" width="100%" height="{_SIZE}">{drawn}</svg>'
    return legend(symbols) + chart(title, _SIZE, inner)


def _place(index: int, count: int, share: float) -> tuple[float, float]:
    angle = 2 * pi * index / count - pi / 2
    return _WIDTH / 2 + cos(angle) * share * _RADIUS, _SIZE / 2 + sin(angle) * share * _RADIUS


def _web(axes: Sequence[str]) -> str:
    count = len(axes)
    parts = []
    for ring in _RINGS:
        corners = " ".join("{:.1f},{:.1f}".format(*_place(i, count, ring)) for i in range(count))
        across, down = _place(0, count, ring)
        parts.append(
            f'<polygon class="grid" points="{corners}" style="fill:none"/>'
            f'<text class="note" x="{across + 4:.1f}" y="{down + 4:.1f}">{100 * ring:.0f}</text>'
        )
    for i, name in enumerate(axes):
        (across, down), (x, y) = _place(i, count, 1), _place(i, count, 1 + _MARGIN / _RADIUS)
        side = "middle" if abs(x - _WIDTH / 2) < 5 else "start" if x > _WIDTH / 2 else "end"
        parts.append(
            f'<line class="grid" x1="{_WIDTH / 2:g}" y1="{_SIZE / 2:g}" x2="{across:.1f}" '
            f'y2="{down:.1f}"/>'
            f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="{side}">{escape(name)}</text>'
        )
    return "".join(parts)


def _polygon(axes: Sequence[str], one: RadarSeries, index: int) -> str:
    """Joins neighbouring values; where one is missing the line breaks."""
    count, colour = len(axes), colour_of(index)
    values = [one.values.get(name) for name in axes]
    places = [None if v is None else _place(i, count, v) for i, v in enumerate(values)]
    lines = []
    for i, here in enumerate(places):
        there = places[(i + 1) % count]
        if here is not None and there is not None:
            lines.append("M{:.1f} {:.1f}L{:.1f} {:.1f}".format(*here, *there))
    style = f"fill:none;stroke:{colour};stroke-width:2.5"
    dots = "".join(
        f'<circle cx="{p[0]:.1f}" cy="{p[1]:.1f}" r="4" style="fill:{colour}"><title>'
        f"{escape(one.name)}: {escape(name)} {100 * v:.0f}\u2009%</title></circle>"
        for name, v, p in zip(axes, values, places, strict=True)
        if v is not None and p is not None
    )
    dash = f' stroke-dasharray="{_DASHES[index % len(_DASHES)]}"' if index % len(_DASHES) else ""
    return f'<path d="{"".join(lines)}" style="{style}"{dash}/>{dots}'
