"""A Pareto plot as inline SVG: loss of compressed models against their cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from surefoot.results.svg import chart, colour_of, legend, marker

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 760, 320, 64, 46, 12, 20


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """One model.

    Attributes:
        name: Its name in the legend.
        cost: Its cost, on the horizontal axis; less is better.
        loss: Its loss, on the vertical axis; less is better.
    """

    name: str
    cost: float
    loss: float


def front_of(points: Sequence[ParetoPoint]) -> list[ParetoPoint]:
    """Returns the Pareto-optimal points, sorted by cost."""
    found: list[ParetoPoint] = []
    for point in sorted(points, key=lambda p: (p.cost, p.loss)):
        if not found or point.loss < found[-1].loss:
            found.append(point)
    return found


def pareto_plot(points: Sequence[ParetoPoint], *, title: str, x: str, y: str) -> str:
    """Draws points and the Pareto front.

    Args:
        points: The models; the first two are drawn larger.
        title: What the chart shows, for screen readers.
        x: Label of the horizontal axis with its unit.
        y: Label of the vertical axis with its unit.

    Returns:
        HTML: a legend and an ``<svg>`` element.
    """
    across, down = _range([p.cost for p in points]), _range([p.loss for p in points])

    def place(cost: float, loss: float) -> tuple[float, float]:
        a = (cost - across[0]) / (across[1] - across[0])
        b = (loss - down[0]) / (down[1] - down[0])
        return (
            _LEFT + a * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - b * (_HEIGHT - _BOTTOM - _TOP),
        )

    line = "".join(
        f"{'L' if i else 'M'}{a:.1f} {b:.1f}"
        for i, (a, b) in enumerate(place(p.cost, p.loss) for p in front_of(points))
    )
    marks = "".join(
        f'<g transform="translate({a:.1f} {b:.1f})"><title>{escape(p.name)}: {p.cost:.4g}, '
        f"{p.loss:.4g}</title>{marker(i, 0, 0)}</g>"
        for i, (p, (a, b)) in enumerate((p, place(p.cost, p.loss)) for p in points)
    )
    inner = (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%" height="{_HEIGHT}">'
        + _axes(across, down, x, y)
        + f'<path d="{line}" style="fill:none;stroke:{colour_of(6)};stroke-width:1.5"/>'
        + marks
        + "</svg>"
    )
    symbols = [
        (f'<g transform="translate(10 10)">{marker(i, 0, 0)}</g>', p.name)
        for i, p in enumerate(points)
    ]
    return legend(symbols) + chart(title, _HEIGHT, inner)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Returns the limits of an axis: from zero if that is close, otherwise with a margin."""
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return (0.0 if 0 <= low <= high / 2 else low - room), high + room


def _axes(across: tuple[float, float], down: tuple[float, float], x: str, y: str) -> str:
    parts = []
    for i in range(5):
        share = i / 4
        left = _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
        top = _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)
        cost = across[0] + share * (across[1] - across[0])
        loss = down[0] + share * (down[1] - down[0])
        parts.append(
            f'<line class="grid" x1="{left:.1f}" x2="{left:.1f}" y1="{_TOP}" '
            f'y2="{_HEIGHT - _BOTTOM}"/><line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
            f'y1="{top:.1f}" y2="{top:.1f}"/>'
            f'<text class="note" x="{left:.1f}" y="{_HEIGHT - _BOTTOM + 16}" '
            f'text-anchor="middle">{cost:.3g}</text>'
            f'<text class="note" x="{_LEFT - 8}" y="{top + 4:.1f}" text-anchor="end">'
            f"{loss:.3g}</text>"
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text class="note" x="{middle:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(x)}'
        f'</text><text class="note" transform="translate(13 {_HEIGHT / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(y)}</text>'
    )
    return "".join(parts)
