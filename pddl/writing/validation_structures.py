"""Structures for validation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from random import Random
from xml.sax.saxutils import quoteattr

from surefoot.pddl.writing.layout import Structure, closed, fenced, remark_below, runs, sexpr, table
from surefoot.pddl.writing.model import Said, Split


def fenced_plain(saids: Sequence[Said], rng: Random) -> str:
    """Writes steps in a block without a language."""
    counted = rng.random() < 0.5
    return fenced("\n".join(f"{s.number}. {s.text}" if counted else s.text for s in saids))


def arguments_below(saids: Sequence[Said], rng: Random) -> str:
    """Numbers names of actions, with arguments in the line below."""
    label = rng.choice(("", "Parameters: ", "with "))
    form = rng.choice(("{}. {}", "{}. **{}**", "{}. `{}`"))
    return "\n".join(
        f"{form.format(s.number, s.action)}\n   {label}{', '.join(s.args)}{remark_below(s)}"
        for s in saids
    )


def argument_columns(saids: Sequence[Said], rng: Random) -> str:
    """Writes a table with a column for each place of an argument."""
    width = max(len(s.args) for s in saids)
    label = rng.choice(("Arg", "Parameter", "Argument"))
    head = ["Step", "Action", *(f"{label} {i}" for i in range(1, width + 1))]
    dash = rng.choice(("", "-", "—"))
    return table(
        head,
        [[str(s.number), s.action, *s.args, *[dash] * (width - len(s.args))] for s in saids],
    )


def named_columns(saids: Sequence[Said], rng: Random) -> str:
    """Writes a table with a column for each name of an argument, such as From and To."""
    keys = list(dict.fromkeys(k for s in saids for k in s.keys))
    dash = rng.choice(("", "-", "–"))
    rows = []
    for s in saids:
        known = dict(zip(s.keys, s.args, strict=False))
        rows.append([str(s.number), s.action, *(known.get(k, dash) for k in keys)])
    return table(["Step", "Action", *(k.capitalize() for k in keys)], rows)


def json_keys(saids: Sequence[Said], rng: Random) -> str:
    """Writes a JSON list of actions with named arguments."""
    nested = rng.random() < 0.4
    data: list[dict[str, object]] = []
    for s in saids:
        args = dict(zip(s.keys, s.args, strict=False))
        data.append({"action": s.action, **({"parameters": args} if nested else args)})
    if rng.random() < 0.4:
        data = [{"step": i, **d} for i, d in enumerate(data, start=1)]
    return fenced(json.dumps(data, indent=rng.choice((None, 2))), "json")


def json_strings(saids: Sequence[Said], rng: Random) -> str:
    """Writes a JSON list of steps as strings."""
    told = [sexpr(s) if rng.random() < 0.5 else f"{s.action} {' '.join(s.args)}" for s in saids]
    data: object = {"steps": told} if rng.random() < 0.4 else told
    return json.dumps(data, indent=2)


def python_calls(saids: Sequence[Said], rng: Random) -> str:
    """Writes a small program of calls."""
    prefix = rng.choice(("", "env.", "planner."))
    lines = [
        f"{prefix}{s.action.replace('-', '_')}({', '.join(f'{a!r}' for a in s.args)})"
        for s in saids
    ]
    return fenced("\n".join(lines), "python")


def xml_steps(saids: Sequence[Said], rng: Random) -> str:
    """Writes XML with arguments as elements or attributes."""
    nested = rng.random() < 0.5
    lines = ["<plan>"]
    for s in saids:
        if nested:
            args = "".join(f"<param>{a}</param>" for a in s.args)
            lines.append(f'  <step id="{s.number}"><action>{s.action}</action>{args}</step>')
        else:
            given = " ".join(f"{k}={quoteattr(a)}" for k, a in zip(s.keys, s.args, strict=False))
            lines.append(f"  <action name={quoteattr(s.action)} {given}/>")
    return fenced("\n".join([*lines, "</plan>"]), "xml")


def nested_list(saids: Sequence[Said], rng: Random) -> str:
    """Nests steps as bullets below numbered stages."""
    parts = []
    for number, part in enumerate(runs(saids, rng), start=1):
        lines = [f"{number}. {rng.choice(('Stage', 'Block', 'Segment'))} {number}:"]
        lines += [f"   - {s.text}{remark_below(s, '     ')}" for s in part]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def boxed(saids: Sequence[Said], rng: Random) -> str:
    """Boxes the whole plan, as for a result in mathematics."""
    join = rng.choice(("; ", r",\; ", r" \rightarrow "))
    told = join.join(rf"\text{{{sexpr(s)}}}".replace("_", r"\_") for s in saids)
    return rf"\[\boxed{{{told}}}\]"


def definitions(saids: Sequence[Said], rng: Random) -> str:
    """Writes a list of terms with their explanation below."""
    return "\n".join(f"Step {s.number}\n: {s.text}{remark_below(s, '  ')}" for s in saids)


def dashed_steps(saids: Sequence[Said], rng: Random) -> str:
    """Writes *Step 1 - …*, with one of several marks."""
    mark = rng.choice(("Step {} - {}", "**Step {}** – {}", "Step {}. {}", "STEP {}: {}", "S{}: {}"))
    return "\n".join(f"{mark.format(s.number, s.text)}{remark_below(s)}" for s in saids)


def arrows(saids: Sequence[Said], rng: Random) -> str:
    """Joins all steps by arrows."""
    return rng.choice((" → ", " -> ", " ⇒ ")).join(s.text for s in saids)


def actor_sections(saids: Sequence[Said], rng: Random) -> str:
    """Writes a section for each run of steps by the same actor, in the order of execution."""
    intro = "The sections below are carried out strictly in the order in which they are listed."
    parts = [intro]
    for actor, group in groupby(saids, key=lambda s: s.actor):
        lines = [f"**{actor or 'All actions'}**"]
        lines += [f"{s.number}. {s.text}{remark_below(s)}" for s in group]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def story(saids: Sequence[Said], rng: Random) -> str:
    """Writes short sentences, a few to the paragraph."""
    parts = [" ".join(closed(s.text) for s in part) for part in runs(saids, rng)]
    return "\n\n".join(parts)


def quoted_lines(saids: Sequence[Said], rng: Random) -> str:
    """Writes steps as a block quote."""
    return "\n".join(f"> {s.number}. {s.text}" for s in saids)


def titled_lines(saids: Sequence[Said], rng: Random) -> str:
    """Puts a title and the step itself in each line."""
    mark = rng.choice(("{}. **{}** → {}", "{}. {} – {}", "{}. *{}*: {}"))
    return "\n".join(f"{mark.format(s.number, s.title, s.text)}{remark_below(s)}" for s in saids)


_VAL = Split.VALIDATION
STRUCTURES = (
    Structure("fenced-plain", _VAL, fenced_plain, "any", lines=True),
    Structure("arguments-below", _VAL, arguments_below, "call", remarks=True),
    Structure("argument-columns", _VAL, argument_columns, "call"),
    Structure("named-columns", _VAL, named_columns, "call"),
    Structure("json-keys", _VAL, json_keys, "call"),
    Structure("json-strings", _VAL, json_strings, "call"),
    Structure("python-calls", _VAL, python_calls, "call"),
    Structure("xml", _VAL, xml_steps, "call"),
    Structure("nested-list", _VAL, nested_list, "any", lines=True, remarks=True),
    Structure("boxed", _VAL, boxed, "call"),
    Structure("definitions", _VAL, definitions, "any", lines=True, remarks=True),
    Structure("dashed-steps", _VAL, dashed_steps, "any", lines=True, remarks=True),
    Structure("arrows", _VAL, arrows, "call", lines=True),
    Structure("actor-sections", _VAL, actor_sections, "any", lines=True, remarks=True),
    Structure("titled-lines", _VAL, titled_lines, "call", titled=True, lines=True, remarks=True),
    Structure("story", _VAL, story, "prose", lines=True),
    Structure("quoted-lines", _VAL, quoted_lines, "any", lines=True),
)
"""Structures for validation."""
