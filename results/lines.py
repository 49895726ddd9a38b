"""Line charts as plain SVG: cactus plots, learning curves, success by round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from surefoot.results.statistics import Interval
from surefoot.results.svg import chart, colour_of, legend

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 760, 300, 52, 44, 10

Place = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Curve:
    """One series.

    Attributes:
        name: Name in the legend.
        points: Pairs (x, y), x increasing.
        intervals: The interval of each y, or nothing.
    """

    name: str
    points: Sequence[tuple[float, float]]
    intervals: Sequence[Interval] = ()


def line_chart(
    curves: Sequence[Curve],
    *,
    title: str,
    x: str,
    y: str,
    top: float,
    bottom: float = 0.0,
    log_x: bool = False,
    steps: bool = False,
) -> str:
    """Draws curves over a common axis.

    Args:
        curves: The series.
        title: What the chart shows, for screen readers.
        x: Label of the horizontal axis with its unit.
        y: Label of the vertical axis with its unit.
        top: Upper end of the vertical axis.
        bottom: Its lower end.
        log_x: Whether the horizontal axis is logarithmic; all x must then be positive.
        steps: Whether y keeps its value until the next point.

    Returns:
        HTML: a legend and an ``<svg>`` element; a note if there is no point at all.
    """
    values = [px for curve in curves for px, _ in curve.points]
    if not values:
        return '<p class="soft">Nothing to draw.</p>'
    scale = log10 if log_x else float
    low, high = scale(min(values)), scale(max(values))
    if log_x:
        low, high = floor(low), ceil(high)
    if low == high:
        high = low + 1
    top = top if top > bottom else bottom + 1

    def place(px: float, py: float) -> tuple[float, float]:
        share = (scale(px) - low) / (high - low)
        across = _LEFT + share * (_WIDTH - _LEFT - 16)
        return across, _TOP + (1 - (py - bottom) / (top - bottom)) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_grid(low, high, (bottom, top), log_x, place, x, y)]
    for index, curve in enumerate(curves):
        parts.append(_line(curve, index, place, steps, 10**high if log_x else high))
    symbols = [
        (f'<rect y="8" width="20" height="4" style="fill:{colour_of(i)}"/>', c.name)
        for i, c in enumerate(curves)
    ]
    inner = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%">{"".join(parts)}</svg>'
    return legend(symbols) + chart(title, _HEIGHT, inner)


def ceiling(value: float) -> float:
    """Returns a round number not below a value above zero, for the end of an axis.

    >>> ceiling(0.87), ceiling(37)
    (1.0, 40.0)
    """
    step = 1.0
    while step * 10 <= value:
        step *= 10
    while step > value:
        step /= 10
    return next(step * n for n in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10) if step * n >= value)


def _line(curve: Curve, index: int, place: Place, steps: bool, end: float) -> str:
    if not curve.points:
        return ""
    path: list[str] = []
    previous: tuple[float, float] | None = None
    for px, py in curve.points:
        across, down = place(px, py)
        if previous is None:
            path.append(f"M{across:.1f} {down:.1f}")
        elif steps:
            path.append(f"H{across:.1f}V{down:.1f}")
        else:
            path.append(f"L{across:.1f} {down:.1f}")
        previous = across, down
    if steps:
        path.append(f"H{place(end, 0)[0]:.1f}")
    dots = "".join(
        f'<circle cx="{place(px, py)[0]:.1f}" cy="{place(px, py)[1]:.1f}" r="3" '
        f'style="fill:{colour_of(index)}"><title>{escape(curve.name)}: {px:g}, {py:g}</title>'
        "</circle>"
        for px, py in curve.points
        if not steps or len(curve.points) <= 60
    )
    bars = "".join(
        f'<path d="M{place(px, i.low)[0]:.1f} {place(px, i.low)[1]:.1f}V'
        f'{place(px, i.high)[1]:.1f}" style="stroke:{colour_of(index)};stroke-width:1.5"/>'
        for (px, _), i in zip(curve.points, curve.intervals, strict=False)
    )
    return (
        f'<path d="{"".join(path)}" style="fill:none;stroke:{colour_of(index)};stroke-width:2"/>'
        + bars
        + dots
    )


def _grid(
    low: float, high: float, ends: tuple[float, float], log_x: bool, place: Place, x: str, y: str
) -> str:
    parts: list[str] = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        value = ends[0] + share * (ends[1] - ends[0])
        down = place(10**low if log_x else low, value)[1]
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 16}" y1="{down:.1f}" '
            f'y2="{down:.1f}"/><text class="note" x="{_LEFT - 8}" y="{down + 4:.1f}" '
            f'text-anchor="end">{value:g}</text>'
        )
    if log_x:
        ticks = [10.0**e for e in range(int(low), int(high) + 1)]
    else:
        # Shares get quarters, counts whole numbers.
        step = max(1, round((high - low) / 10)) if high - low > 1 else (high - low) / 4
        ticks = [low + i * step for i in range(int((high - low) / step + 1e-9) + 1)]
    for tick in ticks:
        across = place(tick, 0)[0]
        parts.append(
            f'<line class="grid" x1="{across:.1f}" x2="{across:.1f}" y1="{_TOP}" '
            f'y2="{_HEIGHT - _BOTTOM}"/><text class="note" x="{across:.1f}" '
            f'y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{tick:g}</text>'
        )
    middle = (_LEFT + _WIDTH) / 2
    parts.append(
        f'<text class="note" x="{middle:.0f}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(x)}'
        f'</text><text class="note" transform="translate(13 {_HEIGHT / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(y)}</text>'
    )
    return "".join(parts)
