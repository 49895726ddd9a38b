"""Pieces that the charts share: colours, axis, row labels and markers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

COLOURS = ("blue", "orange", "green", "purple", "amber", "sky", "grey")
"""Names of the chart colours; series take them in this order."""

_LIGHT = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f8790")
_DARK = ("#4aa8e0", "#f0803c", "#2dc79b", "#dd9bc0", "#f0b93a", "#8fd0f5", "#99a2ab")


def _variables(values: Sequence[str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in zip(COLOURS, values, strict=True))


CHART_CSS = (
    f":root{{{_variables(_LIGHT)}}}"
    f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(_DARK)}}}}}"
    "svg.chart{display:block;overflow:visible;font:13px/1 system-ui,sans-serif;"
    "fill:currentColor;font-variant-numeric:tabular-nums}"
    "svg.chart .grid{stroke:currentColor;stroke-opacity:.16}"
    "svg.chart .note{fill-opacity:.72;font-size:12px}"
    "svg.chart .group{font-weight:600}"
    "svg.chart .code{font-size:12px;text-anchor:middle}"
    "ul.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0 0 10px;padding:0;list-style:none;"
    "font-size:13px}"
    "ul.legend svg{width:20px;height:20px;margin-right:5px;vertical-align:-5px;overflow:visible}"
    "ul.legend text{font:12px system-ui,sans-serif;text-anchor:middle}"
    "@media (max-width:640px){svg.chart .count{display:none}}"
)
"""Style that a page with charts needs once; colours are CSS variables, light and dark."""

LABELS, PLOT = 26, 46
"""Percent of the width for the labels and for the plot; the rest holds the figures."""

_SHAPES = (
    '<circle r="5"{0}/>',
    '<rect x="-4.5" y="-4.5" width="9" height="9"{0}/>',
    '<path d="M0-6.5 6.5 0 0 6.5-6.5 0z"{0}/>',
    '<path d="M0-6 6 4.5H-6z"{0}/>',
    '<path d="M0 6-6-4.5H6z"{0}/>',
    '<path d="M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2z"{0}/>',
)


def colour_of(index: int) -> str:
    """Returns the CSS colour of a series."""
    return f"var(--{COLOURS[index % len(COLOURS)]})"


def marker(index: int, rate: float, y: float, *, hollow: bool = False, colour: str = "") -> str:
    """Draws the marker of a series.

    Args:
        index: Number of the series; decides shape and colour.
        rate: Horizontal place in [0, 1].
        y: Middle in pixels.
        hollow: Whether only a larger outline is drawn.
        colour: CSS colour, if not that of the series.
    """
    colour = colour or colour_of(index)
    style = f' style="fill:{colour}"'
    if hollow:
        style = (
            f' transform="scale(1.7)" vector-effect="non-scaling-stroke" '
            f'style="fill:none;stroke:{colour};stroke-width:1.6"'
        )
    shape = _SHAPES[index % len(_SHAPES)].format(style)
    return f'<svg x="{rate:.2%}" y="{y:g}" overflow="visible">{shape}</svg>'


def chart(title: str, height: float, content: str) -> str:
    """Wraps a chart's content; its width is that of the page."""
    return (
        f'<svg class="chart" role="img" aria-label="{escape(title)}" width="100%" '
        f'height="{height:g}"><title>{escape(title)}</title>{content}</svg>'
    )


def plot(content: str) -> str:
    """Puts content into the plot's column, where 0 % to 100 % is the axis."""
    return f'<svg x="{LABELS}%" width="{PLOT}%" overflow="visible">{content}</svg>'


def axis(top: float, bottom: float) -> str:
    """Draws the grid from 0 to 100 % and its labels below ``bottom`` (pixels)."""
    return plot(
        "".join(
            f'<line class="grid" x1="{x}%" x2="{x}%" y1="{top:g}" y2="{bottom:g}"/>'
            f'<text class="note" x="{x}%" y="{bottom + 15:g}" text-anchor="middle">{x}'
            f"{'&#8201;%' if x == 100 else ''}</text>"
            for x in (0, 25, 50, 75, 100)
        )
    )


def group_label(text: str, y: float) -> str:
    """Writes the name of a group of rows at the baseline ``y`` (pixels)."""
    return f'<text y="{y:g}" class="group">{escape(text)}</text>'


def row_label(text: str, y: float) -> str:
    """Writes a row's name, cut off at the end of its column; ``y`` is the row's top."""
    return (
        f'<svg y="{y:g}" width="{LABELS - 1.5}%" height="20"><text x="12" y="14">'
        f"<title>{escape(text)}</title>{escape(text)}</text></svg>"
    )


def figures(count: str, text: str, y: float) -> str:
    """Writes a row's figures; the count gives way on narrow screens."""
    inner = f'<tspan class="count">{escape(count)}&#8195;</tspan>' if count else ""
    return f'<text x="{LABELS + PLOT + 3.5}%" y="{y:g}" class="note">{inner}{escape(text)}</text>'


def legend(items: Sequence[tuple[str, str]]) -> str:
    """Builds an HTML list from pairs of SVG content (20 x 20 pixels) and name."""
    rows = (
        f'<li><svg viewBox="0 0 20 20" aria-hidden="true">{symbol}</svg>{escape(name)}</li>'
        for symbol, name in items
    )
    return f'<ul class="legend">{"".join(rows)}</ul>'
