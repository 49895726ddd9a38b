"""Structures for development."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from random import Random

from surefoot.pddl.writing.layout import (
    Structure,
    closed,
    fenced,
    remark_below,
    runs,
    sexpr,
    table,
)
from surefoot.pddl.writing.model import Said, Split


def numbered(saids: Sequence[Said], rng: Random) -> str:
    """Numbers steps, with one of the usual marks."""
    mark = rng.choice(("{}. ", "{}) ", "({}) ", "**{}.** "))
    return "\n".join(f"{mark.format(s.number)}{s.text}{remark_below(s)}" for s in saids)


def bullets(saids: Sequence[Said], rng: Random) -> str:
    """Writes a list without numbers."""
    mark = rng.choice(("- ", "* ", "• "))
    end = rng.choice(("", "."))
    return "\n".join(f"{mark}{s.text}{end}{remark_below(s, '  ')}" for s in saids)


def sexprs(saids: Sequence[Said], rng: Random) -> str:
    """Writes a plan as planners do, numbered now and then."""
    counted = rng.random() < 0.3
    return "\n".join(f"{s.number}. {sexpr(s)}" if counted else sexpr(s) for s in saids)


def fenced_pddl(saids: Sequence[Said], rng: Random) -> str:
    """Writes a plan as planners do, in a block marked as PDDL or Lisp."""
    lines = [sexpr(s) for s in saids]
    if rng.random() < 0.3:
        lines = [f"{line}  ; step {n}" for n, line in enumerate(lines, start=1)]
    return fenced("\n".join(lines), rng.choice(("pddl", "pddl", "lisp")))


def parameter_table(saids: Sequence[Said], rng: Random) -> str:
    """Writes a table with one column for all parameters."""
    head = rng.choice((("Step", "Action", "Parameters"), ("#", "Action", "Arguments")))
    code = rng.random() < 0.4
    rows = [
        [str(s.number), f"`{s.action}`" if code else s.action, ", ".join(s.args)] for s in saids
    ]
    return table(head, rows)


def json_arguments(saids: Sequence[Said], rng: Random) -> str:
    """Writes a JSON list of actions with lists of arguments."""
    key = rng.choice(("args", "arguments", "parameters"))
    data: object = [{"action": s.action, key: list(s.args)} for s in saids]
    if rng.random() < 0.3:
        data = {"plan": data}
    return fenced(json.dumps(data, indent=2), "json")


def yaml_list(saids: Sequence[Said], rng: Random) -> str:
    """Writes a YAML list."""
    key = rng.choice(("args", "parameters"))
    flow = rng.random() < 0.5
    lines = ["plan:"]
    for s in saids:
        lines.append(f"  - action: {s.action}")
        if flow:
            lines.append(f"    {key}: [{', '.join(s.args)}]")
        else:
            lines += [f"    {key}:", *(f"      - {a}" for a in s.args)]
    return fenced("\n".join(lines), "yaml")


def python_tuples(saids: Sequence[Said], rng: Random) -> str:
    """Writes a Python list of tuples."""
    rows = [f"    ({', '.join(repr(p) for p in [s.action, *s.args])})," for s in saids]
    return fenced("\n".join(["plan = [", *rows, "]"]), "python")


def titled_bullets(saids: Sequence[Said], rng: Random) -> str:
    """Numbers bold titles, with action and parameters in nested bullets."""
    code = rng.random() < 0.6

    def name(text: str) -> str:
        return f"`{text}`" if code else text

    parts = []
    for s in saids:
        args = ", ".join(map(name, s.args))
        parts.append(
            f"{s.number}. **{s.title}**\n   - **Action:** {name(s.action)}\n"
            f"   - **Parameters:** {args}{remark_below(s, '   - ')}"
        )
    return "\n\n".join(parts)


def step_headings(saids: Sequence[Said], rng: Random) -> str:
    """Gives each step a heading, with the step itself below."""
    mark = rng.choice(("### Step {}: {}", "**Step {}: {}**", "#### Step {}: {}"))
    return "\n\n".join(
        f"{mark.format(s.number, s.title)}\n{s.text}{remark_below(s, '')}" for s in saids
    )


def phases(saids: Sequence[Said], rng: Random) -> str:
    """Puts steps in sections whose headings look like steps; numbers run on or begin again."""
    again = rng.random() < 0.5
    word = rng.choice(("Phase", "Step", "Part"))
    parts = []
    for number, part in enumerate(runs(saids, rng), start=1):
        args = Counter(a for s in part for a in s.args)
        about = max(args, key=lambda a: (args[a], a)) if args else "the rest"
        goal = rng.choice(("Take care of", "Handle", "Deal with", "Work on"))
        lines = [f"**{word} {number}: {goal} {about}**", ""]
        lines += [
            f"{i if again else s.number}. {s.text}{remark_below(s)}"
            for i, s in enumerate(part, start=1)
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def one_line(saids: Sequence[Said], rng: Random) -> str:
    """Writes several numbered steps in each line."""
    each = rng.choice((3, 5, len(saids)))
    told = [f"{s.number}. {s.text}" for s in saids]
    return "\n".join(" ".join(told[i : i + each]) for i in range(0, len(told), each))


def latex_list(saids: Sequence[Said], rng: Random) -> str:
    """Writes a LaTeX list."""
    form = rng.choice((r"\texttt{{{}}}", r"\text{{{}}}", "{}"))
    lines = [rf"\item {form.format(s.text)}".replace("_", r"\_") for s in saids]
    return "\n".join([r"\begin{enumerate}", *lines, r"\end{enumerate}"])


def stamps(saids: Sequence[Said], rng: Random) -> str:
    """Writes a plan with time stamps, as temporal planners do."""
    form = rng.choice(("{0}.000: {1}", "{0}.000: {1}  [1.000]", "t={0}: {1}", "{0}: {1}"))
    return "\n".join(form.format(s.number - 1, sexpr(s)) for s in saids)


def paragraph(saids: Sequence[Said], rng: Random) -> str:
    """Writes one paragraph."""
    links = ("Then", "Next", "After that", "Afterwards")
    told = []
    for s in saids:
        link = rng.choice(links)
        if s.number == 1:
            link = "First"
        elif s.number == len(saids):
            link = "Finally"
        told.append(closed(f"{link}, {lower_start(s.text, s.args)}"))
    return " ".join(told)


def lower_start(text: str, names: Sequence[str]) -> str:
    """Returns a sentence to go on behind a comma; the given names keep their case."""
    named = any(text.startswith(name) for name in names)
    return text if named or not text[0].isalpha() else text[0].lower() + text[1:]


def told_twice(saids: Sequence[Said], rng: Random) -> str:
    """Explains the plan, then repeats it as code."""
    code = fenced("\n".join(sexpr(s) for s in saids))
    link = rng.choice(("In PDDL syntax, the plan is:", "Summary of the complete plan:"))
    return f"{numbered(saids, rng)}\n\n{link}\n\n{code}"


def loop(saids: Sequence[Said], rng: Random) -> str:
    """Numbers steps, with one part told as a repetition of the one before; ``""`` if none is."""
    for length in range(min(12, len(saids) // 2), 1, -1):
        for at in range(len(saids) - 2 * length + 1):
            first, second = saids[at : at + length], saids[at + length : at + 2 * length]
            changes = _changes(first, second)
            if changes is None:
                continue
            told = " and ".join(f"{new} in place of {old}" for old, new in changes.items())
            lines = [s.text for s in saids[: at + length]]
            lines.append(f"Repeat steps {at + 1}-{at + length}" + (f" with {told}" if told else ""))
            lines += [s.text for s in saids[at + 2 * length :]]
            return "\n".join(f"{n}. {line}" for n, line in enumerate(lines, start=1))
    return ""


def _changes(first: Sequence[Said], second: Sequence[Said]) -> dict[str, str] | None:
    """Returns what to put in place of what so that one part becomes the other, if that works."""
    found: dict[str, str] = {}
    for a, b in zip(first, second, strict=True):
        if a.action != b.action or len(a.args) != len(b.args):
            return None
        for old, new in zip(a.args, b.args, strict=True):
            if found.setdefault(old, new) != new:
                return None
    changed = {old: new for old, new in found.items() if old != new}
    # one name that is both replaced and a replacement could be read in two ways
    return changed if len(changed) <= 3 and found.keys().isdisjoint(changed.values()) else None


_DEV = Split.DEVELOPMENT
STRUCTURES = (
    Structure("numbered", _DEV, numbered, "any", lines=True, remarks=True),
    Structure("bullets", _DEV, bullets, "any", lines=True, remarks=True),
    Structure("sexprs", _DEV, sexprs, "call"),
    Structure("fenced-pddl", _DEV, fenced_pddl, "call"),
    Structure("parameter-table", _DEV, parameter_table, "call"),
    Structure("json-arguments", _DEV, json_arguments, "call"),
    Structure("yaml", _DEV, yaml_list, "call"),
    Structure("python-tuples", _DEV, python_tuples, "call"),
    Structure("titled-bullets", _DEV, titled_bullets, "call", titled=True, remarks=True),
    Structure("step-headings", _DEV, step_headings, "any", titled=True, lines=True, remarks=True),
    Structure("phases", _DEV, phases, "call", lines=True, remarks=True),
    Structure("one-line", _DEV, one_line, "call", lines=True),
    Structure("latex-list", _DEV, latex_list, "any", lines=True),
    Structure("stamps", _DEV, stamps, "call"),
    Structure("paragraph", _DEV, paragraph, "prose", lines=True),
    Structure("loop", _DEV, loop, "call", once=False),
    Structure("told-twice", _DEV, told_twice, "any", once=False, remarks=True),
)
"""Structures for development."""
