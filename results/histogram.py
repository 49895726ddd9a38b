"""Histograms as plain SVG, with an expected law, a band and a mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from surefoot.results.svg import chart, colour_of, legend

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 760, 260, 52, 44, 12, 16


@dataclass(frozen=True, slots=True)
class HistogramBar:
    """One bar.

    Attributes:
        low: Left end on the horizontal axis.
        high: Right end, above ``low``.
        count: Number of cases.
        expected: Number expected by a law, ``None`` if there is no law.
        label: Text below the bar, if bars are categories.
    """

    low: float
    high: float
    count: float
    expected: float | None = None
    label: str = ""


def histogram(
    bars: Sequence[HistogramBar],
    *,
    title: str,
    x: str,
    y: str,
    counted: str = "measured",
    law: str = "expected",
    band: tuple[float, float] | None = None,
    mark: float | None = None,
) -> str:
    """Draws bars, the law as a line over them, a band and a mark on the horizontal axis.

    Args:
        bars: From left to right.
        title: Description of the chart for screen readers.
        x: Label of the horizontal axis with its unit.
        y: Label of the vertical axis with its unit.
        counted: Name of the bars.
        law: Name of the line.
        band: Part of the horizontal axis that is shaded.
        mark: Position of a dashed line.

    Returns:
        HTML: a legend where there is a law, and an ``<svg>`` element; a note without bars.
    """
    if not bars:
        return '<p class="soft">Nothing to draw.</p>'
    low, high = bars[0].low, bars[-1].high
    most = max(max(b.count, b.expected or 0) for b in bars) or 1.0
    bottom = _HEIGHT - _BOTTOM

    def across(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def down(value: float) -> float:
        return _TOP + (1 - value / most) * (bottom - _TOP)

    parts: list[str] = []
    if band is not None:
        left, right = across(band[0]), across(band[1])
        parts.append(
            f'<rect x="{left:.1f}" y="{_TOP}" width="{max(right - left, 1):.1f}" '
            f'height="{bottom - _TOP}" style="fill:var(--grey);fill-opacity:.22"/>'
        )
    parts.extend(_level(share * most, down(share * most)) for share in (0.0, 0.5, 1.0))
    for bar in bars:
        left, right = across(bar.low), across(bar.high)
        name = bar.label or f"{bar.low:.4g} to {bar.high:.4g}"
        hint = f"{name}: {bar.count:g}"
        if bar.expected is not None:
            hint += f", {law} {bar.expected:.3g}"
        parts.append(
            f'<rect x="{left + 0.5:.1f}" y="{down(bar.count):.1f}" '
            f'width="{max(right - left - 1, 1):.1f}" height="{bottom - down(bar.count):.1f}" '
            f'style="fill:{colour_of(0)};fill-opacity:.75"><title>{escape(hint)}</title></rect>'
        )
        if bar.label:
            parts.append(_text((left + right) / 2, bottom + 16, bar.label))
    if any(bar.expected is not None for bar in bars):
        path = "".join(
            f"{'L' if i else 'M'}{across(b.low):.1f} {down(b.expected or 0):.1f}"
            f"H{across(b.high):.1f}"
            for i, b in enumerate(bars)
        )
        parts.append(f'<path d="{path}" style="fill:none;stroke:{colour_of(1)};stroke-width:2"/>')
    if mark is not None:
        parts.append(
            f'<line x1="{across(mark):.1f}" x2="{across(mark):.1f}" y1="{_TOP - 6}" '
            f'y2="{bottom}" style="stroke:currentColor;stroke-width:1.5;stroke-dasharray:5 4"/>'
        )
    if not bars[0].label:
        parts.extend(
            _text(across(value), bottom + 16, f"{value:.3g}")
            for value in (low + share * (high - low) for share in (0, 0.25, 0.5, 0.75, 1))
        )
    parts.append(_text((_LEFT + _WIDTH) / 2, _HEIGHT - 6, x))
    parts.append(
        f'<text class="note" transform="translate(9 {(_TOP + bottom) / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(y)}</text>'
    )
    inner = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%">{"".join(parts)}</svg>'
    return _names(bars, counted, law) + chart(title, _HEIGHT, inner)


def _names(bars: Sequence[HistogramBar], counted: str, law: str) -> str:
    if all(bar.expected is None for bar in bars):
        return ""
    return legend(
        [
            (f'<rect y="2" width="20" height="16" style="fill:{colour_of(0)}"/>', counted),
            (f'<rect y="8" width="20" height="4" style="fill:{colour_of(1)}"/>', law),
        ]
    )


def _level(value: float, y: float) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="note" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>'
    )


def _text(x: float, y: float, text: str) -> str:
    return f'<text class="note" x="{x:.1f}" y="{y:.0f}" text-anchor="middle">{escape(text)}</text>'
