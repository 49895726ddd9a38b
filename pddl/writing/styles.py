"""The styles: sensible combinations of structures, wordings and extras."""

from __future__ import annotations

from functools import cache

from surefoot.pddl.writing import (
    extras,
    held_out_extras,
    held_out_structures,
    held_out_styles,
    held_out_wordings,
    structures,
    validation2_extras,
    validation2_structures,
    validation2_wordings,
    validation_extras,
    validation_structures,
    validation_styles,
    validation_wordings,
    wordings,
)
from surefoot.pddl.writing.damages import DAMAGES
from surefoot.pddl.writing.extras import StyleExtra
from surefoot.pddl.writing.layout import Structure
from surefoot.pddl.writing.model import AnswerStyle, Split
from surefoot.pddl.writing.speaker import Wording

STRUCTURES: dict[str, Structure] = {
    s.name: s
    for s in (
        *structures.STRUCTURES,
        *validation_structures.STRUCTURES,
        *validation2_structures.STRUCTURES,
        *held_out_structures.STRUCTURES,
    )
}
"""All structures by name."""
WORDINGS: dict[str, Wording] = {
    w.name: w
    for w in (
        *wordings.WORDINGS,
        *validation_wordings.WORDINGS,
        *validation2_wordings.WORDINGS,
        *held_out_wordings.WORDINGS,
    )
}
"""All wordings by name."""
EXTRAS: dict[str, StyleExtra] = {
    e.name: e
    for e in (
        *extras.EXTRAS,
        *validation_extras.EXTRAS,
        *validation2_extras.EXTRAS,
        *held_out_extras.EXTRAS,
    )
}
"""All extras by name."""

_DEVELOPMENT = """
    numbered/call numbered/coded-call/intro/outro numbered/keywords/intro numbered/bare-words
    numbered/imperative/reached numbered/third-person-spaced/restated/outro
    numbered/passive-code/intro numbered/brief-bold/glossary numbered/gloss/intro/outro
    numbered/ordinals numbered/abbreviated-call/intro numbered/call/thinking/intro
    numbered/imperative/withdrawn-draft numbered/coded-call/withdrawn-draft/outro
    bullets/call/intro bullets/imperative/outro bullets/third-person-spaced bullets/brief-bold
    bullets/passive-code/check-marks bullets/coded-call/glossary
    sexprs/call sexprs/call/intro/outro sexprs/call/thinking sexprs/abbreviated-call/intro
    fenced-pddl/call/intro fenced-pddl/call/withdrawn-draft/outro fenced-pddl/call/restated
    parameter-table/call/intro parameter-table/coded-call/restated/outro
    parameter-table/abbreviated-call
    json-arguments/call json-arguments/call/intro/outro json-arguments/call/thinking
    yaml/call yaml/call/intro/outro python-tuples/call/intro python-tuples/call/thinking
    titled-bullets/call/intro/outro titled-bullets/coded-call/reached titled-bullets/call/glossary
    titled-bullets/call/withdrawn-draft
    step-headings/coded-call/intro step-headings/imperative
    step-headings/third-person-spaced/reached
    step-headings/call/thinking/outro
    phases/call/intro phases/coded-call/check-marks phases/keywords/outro
    one-line/call one-line/bare-words/intro latex-list/call latex-list/imperative/outro
    stamps/call/intro stamps/call/thinking
    paragraph/imperative paragraph/third-person-spaced/intro paragraph/passive-code/outro
    paragraph/ordinals/intro paragraph/brief-bold
    loop/call/intro loop/coded-call/outro loop/bare-words
    told-twice/imperative/intro told-twice/coded-call/reached told-twice/third-person-spaced/outro
"""


_TABLES = {
    Split.DEVELOPMENT: _DEVELOPMENT,
    Split.VALIDATION: validation_styles.TABLE,
    Split.HELD_OUT: held_out_styles.TABLE,
}


def _read(table: str, split: Split) -> list[AnswerStyle]:
    rows = (name.split("/") for name in table.split())
    return [
        AnswerStyle(structure, wording, tuple(rest), split) for structure, wording, *rest in rows
    ]


def can_show(style: AnswerStyle, damage: str) -> bool:
    """Returns whether a style has what a damage needs, such as titles beside steps.

    Args:
        style: The style.
        damage: Name of a damage.
    """
    structure, wording = STRUCTURES[style.structure], WORDINGS[style.wording]
    return {
        "": True,
        "call": wording.kind == "call",
        "lines": structure.lines,
        "title": structure.titled,
        "legend": wording.aliases is not None,
        "once": structure.once,
    }[DAMAGES[damage].needs]


@cache
def styles(split: Split | str) -> tuple[AnswerStyle, ...]:
    """Returns the styles of a split.

    Args:
        split: ``development``, ``validation`` or ``held-out``.
    """
    chosen = Split(split)
    return tuple(_read(_TABLES[chosen], chosen))
