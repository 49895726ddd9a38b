"""Counterexamples as SVG: one column per step, one row per proposition."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from surefoot.core.errors import InputError
from surefoot.results.svg import CHART_CSS
from surefoot.verification.modelchecking.witness import Witness, WitnessKind

MAX_STEPS = 60
"""Most steps that are drawn; of a longer run only the last ones."""

_CELL, _ROW, _TOP = 34, 24, 64

_STYLE = (
    CHART_CSS + "svg.witness{font:13px/1 system-ui,sans-serif;fill:currentColor;color:#15191d;"
    "background:var(--paper,#fff)}"
    "@media screen and (prefers-color-scheme:dark){svg.witness{color:#e8eaed;"
    "background:var(--paper,#15191d)}}"
    "svg.witness .off{fill:none;stroke:currentColor;stroke-opacity:.25}"
    "svg.witness .on{fill:var(--blue)}"
    "svg.witness .act{fill:var(--green)}"
    "svg.witness .bad{fill:none;stroke:var(--orange);stroke-width:2.5}"
    "svg.witness .loop{fill:none;stroke:currentColor;stroke-width:1.3}"
    "svg.witness .end{text-anchor:end}"
    "svg.witness .middle{text-anchor:middle}"
    "svg.witness .strong{font-weight:600}"
)
"""Style of a standalone drawing; a page may set ``--paper``."""


def draw_witness(
    witness: Witness,
    *,
    title: str,
    observations: Sequence[str] = (),
    actions: Sequence[str] = (),
) -> str:
    """Draws a counterexample as a time line.

    Filled cells are true: circles are observations, squares are actions. A frame marks the step at
    which the rule is broken, a bracket the steps that repeat for ever.

    Args:
        witness: The counterexample.
        title: Title, such as the rule's name.
        observations: Rows to draw first; by default those that are true at some step.
        actions: Rows to draw below, as squares.

    Returns:
        A self-contained SVG document.

    Raises:
        InputError: The loop has more than 60 steps.
    """
    if len(witness.loop) > MAX_STEPS:
        raise InputError(
            f"the counterexample goes around {len(witness.loop)} steps; at most {MAX_STEPS} are "
            f"drawn"
        )
    steps = witness.steps
    skipped = max(0, len(steps) - MAX_STEPS)
    shown = steps[skipped:]
    seen = dict.fromkeys(name for step in steps for name in step.facts)
    rows = [(n, False) for n in observations or [n for n in seen if n not in actions]]
    rows += [(n, True) for n in actions if n in seen]
    left = 24 + 7.3 * max((len(name) for name, _ in rows), default=8)
    height = _TOP + _ROW * len(rows) + 58
    width = max(left + _CELL * len(shown) + 60, 40 + 7.4 * min(len(title), 110))
    parts = [f'<text x="20" y="24" class="strong">{escape(title[:110])}</text>']
    for i in range(len(shown)):
        x = left + _CELL * (i + 0.5)
        parts.append(
            f'<text class="middle note" x="{x:g}" y="{_TOP - 12}">{skipped + i + 1}</text>'
        )
    for j, (name, acts) in enumerate(rows):
        y = _TOP + _ROW * (j + 0.5)
        said = escape(name.replace("_", " "))
        parts.append(f'<text class="end" x="{left - 8:g}" y="{y + 4:g}">{said}</text>')
        parts += [
            _cell(left + _CELL * (i + 0.5), y, name in step.facts, acts)
            for i, step in enumerate(shown)
        ]
    bottom = _TOP + _ROW * len(rows)
    parts.append(_ending(witness, left, bottom, len(shown), skipped))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="witness" role="img" '
        f'aria-label="{escape(title)}" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style>{''.join(parts)}</svg>\n"
    )


def _cell(x: float, y: float, true: bool, acts: bool) -> str:
    kind = ("act" if acts else "on") if true else "off"
    if acts:
        return f'<rect class="{kind}" x="{x - 7:g}" y="{y - 7:g}" width="14" height="14"/>'
    return f'<circle class="{kind}" cx="{x:g}" cy="{y:g}" r="7"/>'


def _ending(witness: Witness, left: float, bottom: float, shown: int, skipped: int) -> str:
    """Frames the last step, or draws a bracket under the loop, with an explanation."""
    start = len(witness.prefix) - skipped if witness.loop else shown - 1
    x, end = left + _CELL * start, left + _CELL * shown
    if witness.kind is WitnessKind.LASSO:
        said = "these steps repeat for ever"
        mark = f'<path class="loop" d="M{end - 6:g} {bottom + 4:g}v10H{x + 6:g}v-10m-4 5 4-5 4 5"/>'
    else:
        ends = witness.kind is WitnessKind.ENDED
        said = "the plan ends here" if ends else "here the rule is broken"
        mark = (
            f'<rect class="bad" x="{x + 1:g}" y="{_TOP - 28:g}" width="{_CELL - 2}" '
            f'height="{bottom - _TOP + 32:g}" rx="5"/>'
        )
    return f'{mark}<text class="note" x="{left:g}" y="{bottom + 36:g}">{said}</text>'
