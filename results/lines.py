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
        title: Description of the chart for screen readers.
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

    if log_x:
        across = [10.0**e for e in range(int(low), int(high) + 1)]
    else:
        # From 0 to 1 these are fractions rather than counts.
        counts = high - low > 1 and all(map(_whole, values))
        across = round_ticks(low, high, 1.0 if counts else 0.0)
    parts = [_grid(across, round_ticks(bottom, top), place, x, y)]
    for index, curve in enumerate(curves):
        parts.append(_line(curve, index, place, steps, 10**high if log_x else high))
    symbols = [
        (f'<rect y="8" width="20" height="4" style="fill:{colour_of(i)}"/>', c.name)
        for i, c in enumerate(curves)
    ]
    inner = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%">{"".join(parts)}</svg>'
    return legend(symbols) + chart(title, _HEIGHT, inner)


def round_ticks(low: float, high: float, least: float = 0.0) -> list[float]:
    """Returns round numbers in a range for the marks of an axis, eight or fewer apart.

    A step that meets both ends in four to eight intervals is preferred.

    Args:
        low: Lower end.
        high: Upper end, above the lower.
        least: Least step; 1 if only whole numbers are meaningful.

    >>> round_ticks(0, 1)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    >>> round_ticks(0, 0.832)
    [0.0, 0.2, 0.4, 0.6, 0.8]
    """
    span = high - low
    power = floor(log10(span / 8))
    # A quarter is a round step for fractions only: 2.5 is odd for counts.
    steps = [
        float(f"{digit}e{power + more}")
        for more in (0, 1)
        for digit in ((1, 2, 2.5, 5) if power + more < 0 else (1, 2, 5))
    ]
    fitting = [s for s in [*steps, float(f"1e{power + 2}")] if s >= max(least, 0.999 * span / 8)]

    def meets(step: float) -> bool:
        whole = all(abs(end / step - round(end / step)) < 1e-6 for end in (low, high))
        return whole and span / step > 3.5

    met = [step for step in fitting if meets(step)]
    step = met[-1] if met else (fitting or [least])[0]
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)] or [low]


def _whole(value: float) -> bool:
    return float(value).is_integer()


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


def _grid(across: Sequence[float], up: Sequence[float], place: Place, x: str, y: str) -> str:
    parts: list[str] = []
    for value in up:
        down = place(across[0], value)[1]
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 16}" y1="{down:.1f}" '
            f'y2="{down:.1f}"/><text class="note" x="{_LEFT - 8}" y="{down + 4:.1f}" '
            f'text-anchor="end">{value:g}</text>'
        )
    for tick in across:
        at = place(tick, 0)[0]
        parts.append(
            f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" '
            f'y2="{_HEIGHT - _BOTTOM}"/><text class="note" x="{at:.1f}" '
            f'y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{tick:g}</text>'
        )
    middle = (_LEFT + _WIDTH) / 2
    parts.append(
        f'<text class="note" x="{middle:.0f}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(x)}'
        f'</text><text class="note" transform="translate(13 {_HEIGHT / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(y)}</text>'
    )
    return "".join(parts)
