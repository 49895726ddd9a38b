"""An animated SVG of attention among the three signals and their contributions over training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from surefoot.results.svg import colour_of

_SECONDS = 12
_CELL, _LEFT, _TOP = 62, 110, 40
_BAR_X, _BAR, _HALF = 430, 46, 110
_FRAMES = 80
_NAMES = 3


def animated(trace: Mapping[str, Any], signals: Sequence[str]) -> str:
    """Draws a trace.

    Left the change of each score since the start, of a key (row) for a query (column): orange for
    more attention, blue for less, against the largest change of the run. Right the three G. Both
    loop after twelve seconds; time runs with the square root of the steps, since most happens
    early.

    Args:
        trace: A trace as JSON.
        signals: Names of the three signals.

    Returns:
        An ``<svg>`` element.
    """
    chosen = _chosen(len(trace["steps"]))
    start = trace["scores"][0]
    shifts = [
        [[trace["scores"][t][k][q] - start[k][q] for q in range(_NAMES)] for k in range(_NAMES)]
        for t in chosen
    ]
    most = max((abs(v) for frame in shifts for row in frame for v in row), default=0.0) or 1.0
    parts = [_text(_LEFT, 16, "change of attention scores"), _text(_BAR_X - 10, 16, "G")]
    for k in range(_NAMES):
        parts.append(_text(_LEFT - 8, _TOP + _CELL * (k + 0.55), signals[k], "end"))
        parts.append(_text(_LEFT + _CELL * (k + 0.5), _TOP - 8, signals[k], "middle", 11))
        for q in range(_NAMES):
            values = [frame[k][q] / most for frame in shifts]
            parts.append(_cell(_LEFT + _CELL * q, _TOP + _CELL * k, values))
    gs = [trace["contributions"][t] for t in chosen]
    top = max((abs(v) for frame in gs for v in frame), default=0.0) or 1.0
    zero = _TOP + _HALF
    for i in range(_NAMES):
        parts.append(_bar(_BAR_X + i * (_BAR + 14), zero, [g[i] / top for g in gs], i))
        parts.append(
            _text(_BAR_X + i * (_BAR + 14) + _BAR / 2, zero + _HALF + 14, signals[i], "middle", 11)
        )
    parts.append(
        f'<line class="grid" x1="{_BAR_X - 8}" x2="{_BAR_X + 190}" y1="{zero}" y2="{zero}"/>'
    )
    parts.append(_text(_BAR_X - 14, _TOP + 4, f"{top:.1f}", "end", 11))
    parts.append(_text(_BAR_X - 14, zero + 4, "0", "end", 11))
    parts.append(_text(_LEFT, _TOP + 3 * _CELL + 20, f"largest change {most:.2g}", "start", 11))
    parts.append(_clock([trace["steps"][t] for t in chosen]))
    return (
        '<svg class="chart" role="img" aria-label="Attention scores and contributions over time" '
        f'viewBox="0 0 640 {zero + _HALF + 40}" width="100%">{"".join(parts)}</svg>'
    )


def _chosen(count: int) -> list[int]:
    """Returns the indices of the frames, denser at the start."""
    found = sorted({round((count - 1) * (i / (_FRAMES - 1)) ** 2) for i in range(_FRAMES)})
    return found if count > 1 else [0]


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 13) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="font-size:{size}px">'
        f"{escape(text)}</text>"
    )


def _animate(name: str, values: Sequence[str]) -> str:
    if len(values) < 2:
        return ""
    return (
        f'<animate attributeName="{name}" dur="{_SECONDS}s" repeatCount="indefinite" '
        f'values="{";".join(values)}"/>'
    )


def _cell(x: float, y: float, values: Sequence[float]) -> str:
    """A square in which a colour grows; its last state is what shows without animation."""
    shape = f'x="{x}" y="{y}" width="{_CELL - 4}" height="{_CELL - 4}"'
    parts = [f'<rect {shape} style="fill:none;stroke:currentColor;stroke-opacity:.25"/>']
    for colour, sign in ((1, 1), (0, -1)):
        opacity = [f"{max(0.0, sign * v):.3f}" for v in values]
        parts.append(
            f'<rect {shape} style="fill:{colour_of(colour)}" fill-opacity="{opacity[-1]}">'
            f"{_animate('fill-opacity', opacity)}</rect>"
        )
    return "".join(parts)


def _bar(x: float, zero: float, values: Sequence[float], colour: int) -> str:
    tops = [f"{zero - max(0.0, v) * _HALF:.1f}" for v in values]
    heights = [f"{abs(v) * _HALF:.1f}" for v in values]
    return (
        f'<rect x="{x}" width="{_BAR}" y="{tops[-1]}" height="{heights[-1]}" '
        f'style="fill:{colour_of(colour)}">{_animate("y", tops)}{_animate("height", heights)}'
        "</rect>"
    )


def _clock(steps: Sequence[int]) -> str:
    """Shows the step: one text per frame, of which one at a time is visible."""
    count = len(steps)
    parts = []
    for i, step in enumerate(steps):
        shown = ["0"] * count
        shown[i] = "1"
        parts.append(
            f'<text x="{_BAR_X + 190}" y="16" text-anchor="end" opacity="{int(i == count - 1)}">'
            f"step {step}"
            f'<animate attributeName="opacity" dur="{_SECONDS}s" repeatCount="indefinite" '
            f'calcMode="discrete" values="{";".join(shown)}"/></text>'
        )
    return "".join(parts)
