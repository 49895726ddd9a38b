"""Charts as inline SVG: no script, nothing loaded, light and dark.

Widths are percentages of the page, heights and texts are pixels, so that a chart stays
legible on a narrow screen. Colours are those of Okabe and Ito (told apart by colour-blind
readers); every series has a marker shape and every kind of bar a letter as well.
Colours come from CSS variables that :data:`~surefoot.results.svg.CHART_CSS` sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from surefoot.results.statistics import Interval
from surefoot.results.svg import (
    CHART_CSS,
    axis,
    chart,
    colour_of,
    figures,
    group_label,
    legend,
    marker,
    plot,
    row_label,
)

__all__ = ["CHART_CSS", "BarRow", "Category", "ForestRow", "forest_plot", "stacked_bars"]


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One rate of a forest plot.

    Attributes:
        group: Rows with the same group stand together under its name.
        series: Name shown by colour and shape, such as a model.
        successes: Number of successes.
        n: Number of trials; 0 if nothing was tried.
        interval: Interval of the rate, ``None`` if ``n`` is 0.
        reference: Another value in [0, 1] to compare with, drawn as a hollow marker.
    """

    group: str
    series: str
    successes: int
    n: int
    interval: Interval | None
    reference: float | None = None


def forest_plot(rows: Sequence[ForestRow], *, title: str, reference_name: str = "reference") -> str:
    """Draws rates with their intervals.

    Args:
        rows: Grouped in order of first appearance.
        title: Description of the chart for screen readers.
        reference_name: Name of the hollow markers.

    Returns:
        HTML: a legend and an ``<svg>`` element.
    """
    names = {name: i for i, name in enumerate(dict.fromkeys(row.series for row in rows))}
    digits = max((len(str(row.n)) for row in rows), default=1)
    parts: list[str] = []
    y = 0.0
    for group in dict.fromkeys(row.group for row in rows):
        parts.append(group_label(group, y + 15))
        y += 24
        for row in rows:
            if row.group == group:
                parts.append(_forest_row(row, names[row.series], y, digits, reference_name))
                y += 22
        y += 8
    items = [
        (f'<g transform="translate(10 10)">{marker(i, 0, 0)}</g>', name)
        for name, i in names.items()
    ]
    if any(row.reference is not None for row in rows):
        hollow = marker(0, 0, 0, hollow=True, colour="currentColor")
        items.append((f'<g transform="translate(10 10)">{hollow}</g>', reference_name))
    return legend(items) + chart(title, y + 20, axis(0, y) + "".join(parts))


def _forest_row(row: ForestRow, index: int, y: float, digits: int, reference_name: str) -> str:
    middle = y + 9.5
    count, text, marks = "", "not run", ""
    if row.n and row.interval is not None:
        low, high, rate = row.interval.low, row.interval.high, row.successes / row.n
        count = f"{row.successes:\u2007>{digits}}/{row.n:\u2007<{digits}}"
        text = f"{rate * 100:.0f}\u2009% [{low * 100:.0f}, {high * 100:.0f}]"
        marks = (
            f'<line x1="{low:.2%}" x2="{high:.2%}" y1="{middle:g}" y2="{middle:g}" '
            f'style="stroke:{colour_of(index)}" stroke-width="2.5" stroke-linecap="round"/>'
        ) + marker(index, rate, middle)
    hint = " ".join(f"{row.group}, {row.series}: {count} {text}".split())
    if row.reference is not None:
        hint += f"; {reference_name} {row.reference * 100:.0f}\u2009%"
        marks += marker(index, row.reference, middle, hollow=True)
    inner = f"<title>{escape(hint)}</title>{marks}"
    return f"<g>{row_label(row.series, y)}{plot(inner)}{figures(count, text, y + 14)}</g>"


@dataclass(frozen=True, slots=True)
class Category:
    """One category of stacked bars.

    Attributes:
        name: Name in the legend.
        code: One or two characters that stand in the bars.
        colour: One of :data:`~surefoot.results.svg.COLOURS`.
        strength: Opacity of the colour in (0, 1], to tell related categories apart.
    """

    name: str
    code: str
    colour: str
    strength: float = 1.0

    @property
    def style(self) -> str:
        """CSS that fills a shape with the category's colour."""
        return f"fill:var(--{self.colour});fill-opacity:{self.strength:g}"

    @property
    def ink(self) -> str:
        """CSS that fills text on the category's colour."""
        return "fill:#0b0d0f" if self.strength > 0.6 else "fill:currentColor"


@dataclass(frozen=True, slots=True)
class BarRow:
    """One stacked bar.

    Attributes:
        group: Rows with the same group stand together under its name.
        label: Name of the bar.
        counts: Number of cases by category name.
        figure: Text after the bar; ``""`` for the number of cases.
    """

    group: str
    label: str
    counts: Mapping[str, int]
    figure: str = ""


def stacked_bars(rows: Sequence[BarRow], categories: Sequence[Category], *, title: str) -> str:
    """Draws the composition of each row as a bar of full length.

    Args:
        rows: Grouped in order of first appearance.
        categories: In the order of the segments; counts of other names are left out.
        title: Description of the chart for screen readers.

    Returns:
        HTML: a legend of the categories that occur, and an ``<svg>`` element.
    """
    parts: list[str] = []
    y = 0.0
    for group in dict.fromkeys(row.group for row in rows):
        parts.append(group_label(group, y + 15))
        y += 24
        for row in rows:
            if row.group == group:
                parts.append(_bar(row, categories, y))
                y += 24
        y += 8
    items = [
        (
            f'<rect width="20" height="20" rx="3" style="{c.style}"/>'
            f'<text x="10" y="14.5" style="{c.ink}">{escape(c.code)}</text>',
            c.name,
        )
        for c in categories
        if any(row.counts.get(c.name) for row in rows)
    ]
    return legend(items) + chart(title, y + 20, axis(0, y) + "".join(parts))


def _bar(row: BarRow, categories: Sequence[Category], y: float) -> str:
    total = sum(row.counts.get(c.name, 0) for c in categories)
    parts: list[str] = []
    start = 0
    for category in categories:
        count = row.counts.get(category.name, 0)
        if not count:
            continue
        share = count / total
        hint = escape(f"{row.group}, {row.label}: {category.name} {count} of {total}")
        text = f"{category.code}\u2009{count}" if share >= 0.17 else category.code
        if share < 0.025 * (len(category.code) + 1):
            text = ""
        parts.append(
            f'<g><title>{hint}</title><rect x="{start / total:.3%}" y="{y + 1:g}" '
            f'width="{share:.3%}" height="19" style="{category.style};stroke:var(--paper,#fff)"/>'
            f'<text class="code" x="{(start + count / 2) / total:.3%}" y="{y + 15:g}" '
            f'style="{category.ink}">{escape(text)}</text></g>'
        )
        start += count
    text = row.figure or (f"n = {total}" if total else "not run")
    return row_label(row.label, y + 1) + plot("".join(parts)) + figures("", text, y + 15)
