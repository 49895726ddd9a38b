"""Structures that readers are only measured on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from random import Random
from string import ascii_lowercase, ascii_uppercase

from surefoot.pddl.writing.layout import Structure, closed, fenced, remark_below, runs, sexpr, table
from surefoot.pddl.writing.model import Said, Split


def turns(saids: Sequence[Said], rng: Random) -> str:
    """Writes *Action 1: …* with one of several words."""
    word = rng.choice(("Action", "Move", "Turn"))
    mark = rng.choice(("{} {}: {}", "**{} {}:** {}", "- **{} {}:** {}", "[{} {}] {}"))
    return "\n".join(f"{mark.format(word, s.number, s.text)}{remark_below(s, '  ')}" for s in saids)


def fractions(saids: Sequence[Said], rng: Random) -> str:
    """Writes *[1/12] …*."""
    mark = rng.choice(("[{}/{}] {}", "({}/{}) {}", "Step {} of {}: {}"))
    return "\n".join(f"{mark.format(s.number, len(saids), s.text)}{remark_below(s)}" for s in saids)


def _ordinal(number: int) -> str:
    teen = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def ordinal_lines(saids: Sequence[Said], rng: Random) -> str:
    """Writes *1st action: …*."""
    mark = rng.choice(("{} action: {}", "**{} step** – {}", "- {}: {}"))
    return "\n".join(
        f"{mark.format(_ordinal(s.number), s.text)}{remark_below(s, '  ')}" for s in saids
    )


def lettered_list(saids: Sequence[Said], rng: Random) -> str:
    """Writes *a) …*; ``""`` where there are more steps than letters."""
    if len(saids) > len(ascii_lowercase):
        return ""
    mark = rng.choice(("{}) {}", "({}) {}", "{}. {}"))
    return "\n".join(
        f"{mark.format(letter, s.text)}{remark_below(s)}"
        for letter, s in zip(ascii_lowercase, saids, strict=False)
    )


def lettered_stages(saids: Sequence[Said], rng: Random) -> str:
    """Numbers steps A1, A2, B1 below headings of stages."""
    mark = rng.choice(("### Stage {}", "**Stage {}**", "Stage {}:"))
    parts = []
    for letter, part in zip(ascii_uppercase, runs(saids, rng), strict=False):
        lines = [mark.format(letter)]
        lines += [f"- {letter}{i}: {s.text}{remark_below(s)}" for i, s in enumerate(part, start=1)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def html_list(saids: Sequence[Said], rng: Random) -> str:
    """Writes an HTML list."""
    lines = [f"  <li>{escape(s.text, quote=False)}</li>" for s in saids]
    told = "\n".join(["<ol>", *lines, "</ol>"])
    return fenced(told, "html") if rng.random() < 0.5 else told


def json_lines(saids: Sequence[Said], rng: Random) -> str:
    """Writes one JSON object in each line."""
    key = rng.choice(("args", "arguments", "params"))
    lines = [
        json.dumps({"step": s.number, "action": s.action, key: list(s.args)}, ensure_ascii=False)
        for s in saids
    ]
    return fenced("\n".join(lines), rng.choice(("json", "jsonl", "")))


def json_arrays(saids: Sequence[Said], rng: Random) -> str:
    """Writes a JSON list of lists."""
    rows = [f"  {json.dumps([s.action, *s.args], ensure_ascii=False)}" for s in saids]
    told = "[\n" + ",\n".join(rows) + "\n]"
    return fenced(told, "json") if rng.random() < 0.6 else told


def aligned_columns(saids: Sequence[Said], rng: Random) -> str:
    """Writes columns that are aligned by spaces, in a block of code."""
    width = max(len("Action"), *(len(s.action) for s in saids)) + 2
    lines = [f"{'Step':<6}{'Action':<{width}}Arguments", f"{'----':<6}{'------':<{width}}---------"]
    lines += [f"{s.number:<6}{s.action:<{width}}{', '.join(s.args)}" for s in saids]
    return fenced("\n".join(lines), rng.choice(("", "text")))


def effect_table(saids: Sequence[Said], rng: Random) -> str:
    """Writes a table with the whole step in one column and what is left to say in another."""
    head = rng.choice((("#", "Action", "Comment"), ("Step", "Action", "Remark")))
    fill = rng.choice(("ok", "–", "✓"))
    return table(head, [[str(s.number), s.text, s.remark or fill] for s in saids])


def piped_fields(saids: Sequence[Said], rng: Random) -> str:
    """Writes *1. Action: pick | robot: robot1 | …*."""
    join = rng.choice((" | ", "; "))
    lines = []
    for s in saids:
        given = [f"{k}: {a}" for k, a in zip(s.keys, s.args, strict=False)]
        lines.append(f"{s.number}. {join.join([f'Action: {s.action}', *given])}{remark_below(s)}")
    return "\n".join(lines)


def argument_bullets(saids: Sequence[Said], rng: Random) -> str:
    """Numbers names of actions, with a bullet for each argument."""
    keyed = rng.random() < 0.6
    parts = []
    for s in saids:
        lines = [f"{s.number}. **{s.action}**"]
        for key, arg in zip(s.keys, s.args, strict=False):
            lines.append(f"   - {key}: {arg}" if keyed else f"   - {arg}")
        parts.append("\n".join(lines))
    return "\n".join(parts)


def flowchart(saids: Sequence[Said], rng: Random) -> str:
    """Draws a flowchart in Mermaid, one box for each step."""
    lines = ["flowchart TD"]
    lines += [f'    S{s.number}["{" ".join([s.action, *s.args])}"]' for s in saids]
    lines.append("    " + " --> ".join(f"S{s.number}" for s in saids))
    return fenced("\n".join(lines), "mermaid")


def console(saids: Sequence[Said], rng: Random) -> str:
    """Writes commands as typed at a prompt."""
    prompt = rng.choice(("$ ", "> ", ">>> "))
    return fenced("\n".join(f"{prompt}{' '.join([s.action, *s.args])}" for s in saids))


def indented_code(saids: Sequence[Said], rng: Random) -> str:
    """Introduces each step by a sentence, with the step as indented code below."""
    intro = rng.choice(("{}. {}:", "**{}.** {}:"))
    return "\n\n".join(
        f"{intro.format(s.number, s.title)}\n\n    {sexpr(s)}{remark_below(s, '')}" for s in saids
    )


def ranges(saids: Sequence[Said], rng: Random) -> str:
    """Writes *Steps 1–4:* with these steps as sentences in one line."""
    parts = []
    for part in runs(saids, rng):
        first, last = part[0].number, part[-1].number
        head = f"Step {first}" if first == last else f"Steps {first}–{last}"
        parts.append(f"**{head}:** {' '.join(closed(s.text) for s in part)}")
    return "\n\n".join(parts)


def reasoned_answer(saids: Sequence[Said], rng: Random) -> str:
    """Explains the steps, then gives the answer once more between marks."""
    start, end = rng.choice((("<answer>", "</answer>"), ("BEGIN PLAN", "END PLAN")))
    lines = [f"- {s.text}{remark_below(s, '  ')}" for s in saids]
    return "\n".join([*lines, "", start, *(sexpr(s) for s in saids), end])


_OUT = Split.HELD_OUT
STRUCTURES = (
    Structure("turns", _OUT, turns, "any", lines=True, remarks=True),
    Structure("fractions", _OUT, fractions, "any", lines=True, remarks=True),
    Structure("ordinal-lines", _OUT, ordinal_lines, "any", lines=True, remarks=True),
    Structure("lettered-list", _OUT, lettered_list, "any", lines=True, remarks=True),
    Structure("lettered-stages", _OUT, lettered_stages, "any", lines=True, remarks=True),
    Structure("html-list", _OUT, html_list, "any", lines=True),
    Structure("json-lines", _OUT, json_lines, "call"),
    Structure("json-arrays", _OUT, json_arrays, "call"),
    Structure("aligned-columns", _OUT, aligned_columns, "call"),
    Structure("effect-table", _OUT, effect_table, "any", lines=True, remarks=True),
    Structure("piped-fields", _OUT, piped_fields, "call", remarks=True),
    Structure("argument-bullets", _OUT, argument_bullets, "call"),
    # the boxes state the whole plan before the arrows join them, so a cut need not cut the plan
    Structure("flowchart", _OUT, flowchart, "call", once=False),
    Structure("console", _OUT, console, "call"),
    Structure("indented-code", _OUT, indented_code, "call", titled=True, remarks=True),
    Structure("ranges", _OUT, ranges, "prose", lines=True),
    Structure("reasoned-answer", _OUT, reasoned_answer, "any", once=False, remarks=True),
)
"""Structures that readers are only measured on."""
