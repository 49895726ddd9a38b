"""What a structure is, and helpers that several of them use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from surefoot.pddl.writing.model import Said, Split

Render = Callable[[Sequence[Said], Random], str]


@dataclass(frozen=True)
class Structure:
    """How steps are laid out.

    Attributes:
        name: Its name in styles.
        split: What it is for.
        render: Lays steps out; the generator draws variations.
        takes: Which wordings fit: all, those that write calls, or those that write English.
        titled: Whether steps have a title beside what they name.
        lines: Whether each step's text stands in a line, so that it can be denied.
        once: Whether it states the plan only once, so that cutting it off cuts the plan off.
        remarks: Whether it writes remarks below steps.
    """

    name: str
    split: Split
    render: Render
    takes: Literal["any", "call", "prose"]
    titled: bool = False
    lines: bool = False
    once: bool = True
    remarks: bool = False


def remark_below(said: Said, indent: str = "   ") -> str:
    """Returns a step's remark as a line of its own, or ``""``."""
    return f"\n{indent}{said.remark}" if said.remark else ""


def sexpr(said: Said) -> str:
    """Writes *(pick robot1 ball1 room1)*."""
    return f"({' '.join([said.action, *said.args])})"


def fenced(text: str, language: str = "") -> str:
    """Puts a text in a code block."""
    return f"```{language}\n{text}\n```"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Writes a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def closed(text: str) -> str:
    """Returns a sentence with a full stop."""
    return text if text.endswith((".", "!")) else f"{text}."


def runs(saids: Sequence[Said], rng: Random) -> list[list[Said]]:
    """Cuts steps into two or more consecutive parts, one where there are too few."""
    if len(saids) < 4:
        return [list(saids)]
    count = rng.randint(2, max(2, min(4, len(saids) // 2)))
    cuts = sorted(rng.sample(range(1, len(saids)), count - 1))
    return [list(saids[a:b]) for a, b in zip([0, *cuts], [*cuts, len(saids)], strict=True)]
