"""Automata as SVG: states in layers, edges with codes that a list below explains."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from math import hypot
from string import ascii_uppercase
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.results.svg import CHART_CSS
from surefoot.verification.translation.automata import Automaton
from surefoot.verification.translation.guards import guard_of

MAX_DRAWN = 40
"""Most states that are drawn; larger drawings are unreadable."""

_ACROSS, _DOWN, _RADIUS, _LINE = 170, 120, 22, 19
_WRAP = 100
"""Characters in a line of the list."""

_STYLE = (
    CHART_CSS + "svg.automaton{font:13px/1 system-ui,sans-serif;fill:currentColor;color:#15191d;"
    "background:var(--paper,#fff)}"
    "@media screen and (prefers-color-scheme:dark){svg.automaton{color:#e8eaed;"
    "background:var(--paper,#15191d)}}"
    "svg.automaton .state{fill:var(--paper,#fff);stroke:currentColor;stroke-width:1.5}"
    "@media screen and (prefers-color-scheme:dark){svg.automaton .state,svg.automaton .tag"
    "{fill:var(--paper,#15191d)}}"
    "svg.automaton .yes{stroke:var(--green);stroke-width:2.5}"
    "svg.automaton .no{stroke:var(--orange);stroke-width:2.5;stroke-dasharray:5 3}"
    "svg.automaton .edge{fill:none;stroke:currentColor;stroke-width:1.3;stroke-opacity:.75}"
    "svg.automaton .tag{fill:var(--paper,#fff)}"
    "svg.automaton text.middle{text-anchor:middle}"
    "svg.automaton .strong{font-weight:600}"
)
"""Style of a standalone drawing; a page may set ``--paper``."""

_Point = tuple[float, float]


def draw_automaton(automaton: Automaton, *, title: str) -> str:
    """Draws a rule's automaton.

    A double ring means that a trace that ends there satisfies the rule; green (solid) that every
    continuation does, orange (dashed) that none does.

    Args:
        automaton: The automaton.
        title: Title, such as the rule's text.

    Returns:
        A self-contained SVG document.

    Raises:
        InputError: It has more than 40 states.
    """
    count = len(automaton.table)
    if count > MAX_DRAWN:
        raise InputError(f"the automaton has {count} states; at most {MAX_DRAWN} are drawn")
    places = _places(automaton)
    edges = _edges(automaton)
    bottom = max(y for _, y in places) + 45
    width = max(x for x, _ in places) + 80
    parts, lines, y = [], [], bottom + 20.0
    for i, (source, target) in enumerate(edges):
        code = _code(i)
        guard = str(guard_of(automaton.propositions, edges[source, target]))
        parts.append(_edge(places, source, target, code, guard, (target, source) in edges))
        for j, piece in enumerate(wrap(guard, _WRAP) or [guard]):
            lead = f'<tspan class="strong">{code}</tspan>' if j == 0 else ""
            lines.append(f'<text x="20" y="{y:g}">{lead}</text>' if lead else "")
            lines.append(f'<text x="48" y="{y:g}">{escape(piece)}</text>')
            y += _LINE
            width = max(width, 60 + 7.2 * len(piece))
    width = max(width, 40 + 7.2 * min(len(title), _WRAP))
    states = "".join(_state(automaton, s, *place) for s, place in enumerate(places))
    first = places[automaton.initial]
    entry = _arrow((first[0] - 50, first[1]), (first[0] - _RADIUS - 3, first[1]))
    heading = escape(title if len(title) <= _WRAP else title[: _WRAP - 1] + "…")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="automaton" role="img" '
        f'aria-label="{escape(title)}" width="{width:.0f}" height="{y:.0f}" '
        f'viewBox="0 0 {width:.0f} {y:.0f}"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style>"
        f'<text x="20" y="24" class="strong">{heading}</text>'
        f"{entry}{''.join(parts)}{states}{''.join(lines)}</svg>\n"
    )


def _edges(automaton: Automaton) -> dict[tuple[int, int], NDArray[np.bool_]]:
    """Returns the letters of each pair of connected states."""
    return {
        (source, int(target)): automaton.table[source] == target
        for source in range(len(automaton.table))
        for target in np.unique(automaton.table[source])
    }


def _places(automaton: Automaton) -> list[_Point]:
    """Places every state to the right of those that are nearer to the start."""
    distance = {automaton.initial: 0}
    queue = [automaton.initial]
    for state in queue:
        for target in np.unique(automaton.table[state]).tolist():
            if target not in distance:
                distance[target] = distance[state] + 1
                queue.append(target)
    layers: defaultdict[int, list[int]] = defaultdict(list)
    for state in queue:
        layers[distance[state]].append(state)
    tallest = max(map(len, layers.values()))
    places = [(0.0, 0.0)] * len(automaton.table)
    for layer, members in layers.items():
        top = 115 + _DOWN * (tallest - len(members)) / 2
        for row, state in enumerate(members):
            places[state] = (90.0 + _ACROSS * layer, top + _DOWN * row)
    return places


def _code(index: int) -> str:
    return ascii_uppercase[index % 26] + (str(index // 26) if index >= 26 else "")


def _state(automaton: Automaton, state: int, x: float, y: float) -> str:
    verdict = int(automaton.verdicts[state])
    kind = {1: " yes", -1: " no"}.get(verdict, "")
    says = {1: "satisfied for good", -1: "broken for good", 0: "open"}[verdict]
    ending = "satisfies" if automaton.accepting[state] else "does not satisfy"
    inner = ""
    if automaton.accepting[state]:
        inner = f'<circle class="state{kind}" cx="{x:g}" cy="{y:g}" r="{_RADIUS - 4}"/>'
    return (
        f"<g><title>state {state}: {says}; a trace that ends here {ending}</title>"
        f'<circle class="state{kind}" cx="{x:g}" cy="{y:g}" r="{_RADIUS}"/>{inner}'
        f'<text class="middle" x="{x:g}" y="{y + 4.5:g}">{state}</text></g>'
    )


def _edge(
    places: list[_Point], source: int, target: int, code: str, guard: str, returns: bool
) -> str:
    (x1, y1), (x2, y2) = places[source], places[target]
    if source == target:
        left, right, top = x1 - 13, x1 + 13, y1 - _RADIUS
        path = f"M{left:g} {top + 4:g}C{left - 16:g} {top - 36:g} {right + 16:g} {top - 36:g} "
        path += f"{right:g} {top + 1:g}"
        return _labelled(path, (right, top + 2), (right + 8, top - 26), (x1, top - 27), code, guard)
    length = hypot(x2 - x1, y2 - y1)
    along = (x2 - x1) / length, (y2 - y1) / length
    across = -along[1], along[0]
    spans = max(abs(x2 - x1) / _ACROSS, abs(y2 - y1) / _DOWN)
    bend = 46 * spans if spans > 1.01 else 34 if x1 == x2 else 26 if returns else 0
    middle = (x1 + x2) / 2 + across[0] * bend, (y1 + y2) / 2 + across[1] * bend
    start, end = _towards((x1, y1), middle, _RADIUS), _towards((x2, y2), middle, _RADIUS + 3)
    path = (
        f"M{start[0]:.1f} {start[1]:.1f}Q{middle[0]:.1f} {middle[1]:.1f} {end[0]:.1f} {end[1]:.1f}"
    )
    tag = (
        start[0] / 4 + middle[0] / 2 + end[0] / 4,
        start[1] / 4 + middle[1] / 2 + end[1] / 4,
    )
    return _labelled(path, end, middle, tag, code, guard)


def _labelled(path: str, tip: _Point, came_from: _Point, tag: _Point, code: str, guard: str) -> str:
    return (
        f'<g><title>{code}: {escape(guard)}</title><path class="edge" d="{path}"/>'
        f"{_head(came_from, tip)}"
        f'<circle class="tag" cx="{tag[0]:.1f}" cy="{tag[1]:.1f}" r="9"/>'
        f'<text class="middle strong" x="{tag[0]:.1f}" y="{tag[1] + 4.5:.1f}">{code}</text></g>'
    )


def _towards(a: _Point, b: _Point, distance: float) -> _Point:
    length = hypot(b[0] - a[0], b[1] - a[1])
    return a[0] + (b[0] - a[0]) / length * distance, a[1] + (b[1] - a[1]) / length * distance


def _arrow(a: _Point, b: _Point) -> str:
    return f'<path class="edge" d="M{a[0]:g} {a[1]:g}L{b[0]:g} {b[1]:g}"/>{_head(a, b)}'


def _head(a: _Point, b: _Point) -> str:
    """Draws an arrow's head that points from a to b, with its tip at b."""
    back = _towards(b, a, 9)
    across = (b[1] - back[1]) * 0.45, (back[0] - b[0]) * 0.45
    return (
        f'<path d="M{b[0]:.1f} {b[1]:.1f}L{back[0] + across[0]:.1f} {back[1] + across[1]:.1f} '
        f'{back[0] - across[0]:.1f} {back[1] - across[1]:.1f}z"/>'
    )
