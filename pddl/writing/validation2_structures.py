"""More structures for validation: other marks, tables, data formats and logs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from surefoot.pddl.writing.layout import Structure, closed, fenced, remark_below, runs, sexpr, table
from surefoot.pddl.writing.model import Said, Split
from surefoot.pddl.writing.structures import lower_start

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ROMANS = ((50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_KEYCAP = "\ufe0f\u20e3"


def number_word(number: int) -> str:
    """Returns *twenty-one* for 21, up to 99."""
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")


def roman(number: int) -> str:
    """Returns *xiv* for 14, up to 89."""
    found = ""
    for value, letters in _ROMANS:
        count, number = divmod(number, value)
        found += letters * count
    return found


def spelled_steps(saids: Sequence[Said], rng: Random) -> str:
    """Writes *Step one: …*."""
    mark = rng.choice(("Step {}: {}", "**Step {}:** {}", "*Step {}* — {}"))
    return "\n\n".join(
        f"{mark.format(number_word(s.number).capitalize(), s.text)}{remark_below(s, '')}"
        for s in saids
    )


def checklist(saids: Sequence[Said], rng: Random) -> str:
    """Writes a task list."""
    mark = rng.choice(("- [ ] {1}", "- [x] {1}", "- [ ] **{0}.** {1}", "☐ {1}", "✅ {1}"))
    return "\n".join(f"{mark.format(s.number, s.text)}{remark_below(s, '  ')}" for s in saids)


def keycaps(saids: Sequence[Said], rng: Random) -> str:
    """Numbers steps with emoji."""

    def mark(number: int) -> str:
        return "🔟" if number == 10 else "".join(d + _KEYCAP for d in str(number))

    return "\n".join(f"{mark(s.number)} {s.text}{remark_below(s)}" for s in saids)


def roman_list(saids: Sequence[Said], rng: Random) -> str:
    """Numbers steps with Roman numerals."""
    mark = rng.choice(("{}. {}", "({}) {}", "{}) {}"))
    upper = rng.random() < 0.4
    return "\n".join(
        f"{mark.format(roman(s.number).upper() if upper else roman(s.number), s.text)}"
        f"{remark_below(s)}"
        for s in saids
    )


def decimal_list(saids: Sequence[Said], rng: Random) -> str:
    """Numbers steps 1.1, 1.2, 2.1 below headings of stages."""
    mark = rng.choice(("### {}. Part {}", "**{}. Part {}**", "## {} – Part {}"))
    parts = []
    for number, part in enumerate(runs(saids, rng), start=1):
        lines = [mark.format(number, number_word(number)), ""]
        lines += [f"{number}.{i} {s.text}{remark_below(s)}" for i, s in enumerate(part, start=1)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def described_table(saids: Sequence[Said], rng: Random) -> str:
    """Writes a table of actions in PDDL beside what they mean in English."""
    head = rng.choice((("Step", "Action", "Description"), ("#", "PDDL action", "What happens")))
    rows = [[str(s.number), f"`{sexpr(s)}`", s.title] for s in saids]
    return table(head, rows)


def text_table(saids: Sequence[Said], rng: Random) -> str:
    """Writes a table with the whole step in one column."""
    head = rng.choice((("Step", "Action"), ("No.", "What to do"), ("Time", "Action")))
    bold = rng.random() < 0.4
    rows = [[f"**{s.number}**" if bold else str(s.number), s.text] for s in saids]
    return table(head, rows)


def commented_pddl(saids: Sequence[Said], rng: Random) -> str:
    """Writes a plan as planners do, with a comment above each step."""
    mark = rng.choice(("; Step {}: {}", "; {}. {}", ";; {1}"))
    gap = rng.choice(("\n", "\n\n"))
    lines = [f"{mark.format(s.number, s.title)}\n{sexpr(s)}" for s in saids]
    return fenced(gap.join(lines), rng.choice(("", "pddl", "lisp")))


def python_strings(saids: Sequence[Said], rng: Random) -> str:
    """Writes a Python list of strings, with a loop that carries them out."""
    name = rng.choice(("plan", "actions", "steps"))
    lines = [f"{name} = ["]
    lines += [f'    "{" ".join([s.action, *s.args])}",  # {s.number}' for s in saids]
    lines += ["]", "", f"for action in {name}:", "    execute(action)"]
    return fenced("\n".join(lines), "python")


def json_described(saids: Sequence[Said], rng: Random) -> str:
    """Writes a JSON object of numbered steps, with a description beside each action."""
    key = rng.choice(("description", "explanation", "comment"))
    if rng.random() < 0.5:
        data: object = {f"step_{s.number}": {"action": sexpr(s), key: s.title} for s in saids}
    else:
        data = {
            "plan": [{"step": s.number, "action": sexpr(s), key: s.title} for s in saids],
            "length": len(saids),
        }
    return fenced(json.dumps(data, indent=2, ensure_ascii=False), "json")


def tool_calls(saids: Sequence[Said], rng: Random) -> str:
    """Writes each step as a model's call of a tool."""
    key = rng.choice(("arguments", "parameters"))
    parts = []
    for s in saids:
        call = json.dumps({"name": s.action, key: dict(zip(s.keys, s.args, strict=False))})
        parts.append(f"<tool_call>\n{call}\n</tool_call>")
    return "\n".join(parts)


def tagged(saids: Sequence[Said], rng: Random) -> str:
    """Puts steps between tags, as prompts ask for it."""
    start, end = rng.choice(
        (("<plan>", "</plan>"), ("<answer>", "</answer>"), ("[PLAN]", "[PLAN END]"))
    )
    return "\n".join([start, *(s.text for s in saids), end])


def fields(saids: Sequence[Said], rng: Random) -> str:
    """Writes each step as a heading with one bullet for each parameter."""
    head = rng.choice(("### Step {}", "**Step {}**", "**Action {}**"))
    label = rng.choice(("Action", "Operator"))
    parts = []
    for s in saids:
        lines = [head.format(s.number), f"- {label}: {s.action}"]
        lines += [f"- {k}: {a}" for k, a in zip(s.keys, s.args, strict=False)]
        parts.append("\n".join(lines) + remark_below(s, "- "))
    return "\n\n".join(parts)


def semicolons(saids: Sequence[Said], rng: Random) -> str:
    """Writes all steps in one line."""
    before, join, after = rng.choice(
        (("Plan: ", "; ", "."), ("[", ", ", "]"), ("⟨", ", ", "⟩"), ("π = (", ", ", ")"))
    )
    return f"{before}{join.join(s.text for s in saids)}{after}"


def equations(saids: Sequence[Said], rng: Random) -> str:
    """Names actions a₁, a₂, … as in a paper."""
    mark = rng.choice(("$a_{{{}}}$: {}", "- $a_{{{}}}$ = {}", "a_{} = {}", "a{} := {}"))
    return "\n".join(mark.format(s.number, s.text) for s in saids)


def csv_lines(saids: Sequence[Said], rng: Random) -> str:
    """Writes comma-separated values under a header."""
    width = max(len(s.args) for s in saids)
    lines = [",".join(["step", "action", *(f"arg{i}" for i in range(1, width + 1))])]
    for s in saids:
        lines.append(",".join([str(s.number), s.action, *s.args, *[""] * (width - len(s.args))]))
    return fenced("\n".join(lines), "csv")


def code_below_titles(saids: Sequence[Said], rng: Random) -> str:
    """Gives each step a title in English, with a code block of its own below."""
    mark = rng.choice(("**Step {}: {}**", "{}. **{}**", "### {}. {}"))
    parts = []
    for s in saids:
        title = mark.format(s.number, s.title)
        parts.append(f"{title}\n{fenced(sexpr(s))}{remark_below(s, '')}")
    return "\n\n".join(parts)


def observations(saids: Sequence[Said], rng: Random) -> str:
    """Writes actions with what is observed after each, as agents log them."""
    numbered = rng.random() < 0.6
    seen = rng.choice(("Success.", "Done.", "The action was executed.", "OK"))
    parts = []
    for s in saids:
        mark = f" {s.number}" if numbered else ""
        parts.append(f"Action{mark}: {s.text}\nObservation{mark}: {s.remark or seen}")
    return rng.choice(("\n", "\n\n")).join(parts)


def chained(saids: Sequence[Said], rng: Random) -> str:
    """Writes a few long sentences whose clauses are joined by *then*."""
    join = rng.choice(("; then ", ", then ", "; next, "))
    parts = []
    for part in runs(saids, rng):
        first, *rest = part
        clauses = [first.text, *(lower_start(s.text, (*s.args, "I ")) for s in rest)]
        parts.append(closed(join.join(clauses)))
    return "\n".join(parts)


def titles_then_lines(saids: Sequence[Said], rng: Random) -> str:
    """Numbers bold titles, with the step itself in a bullet below."""
    label = rng.choice(("", "Action: ", "*Action:* "))
    return "\n".join(
        f"{s.number}. **{s.title}**\n   - {label}{s.text}{remark_below(s, '   - ')}" for s in saids
    )


# comments of code and descriptions beside an action's field are no titles: what they say has no
# force against the code, so that a contradiction leaves the plan as it is
_VAL = Split.VALIDATION
STRUCTURES = (
    Structure("spelled-steps", _VAL, spelled_steps, "any", lines=True, remarks=True),
    Structure("checklist", _VAL, checklist, "any", lines=True, remarks=True),
    Structure("keycaps", _VAL, keycaps, "any", lines=True, remarks=True),
    Structure("roman-list", _VAL, roman_list, "any", lines=True, remarks=True),
    Structure("decimal-list", _VAL, decimal_list, "any", lines=True, remarks=True),
    Structure("described-table", _VAL, described_table, "call", titled=True),
    Structure("text-table", _VAL, text_table, "any", lines=True),
    Structure("commented-pddl", _VAL, commented_pddl, "call"),
    Structure("python-strings", _VAL, python_strings, "call"),
    Structure("json-described", _VAL, json_described, "call"),
    Structure("tool-calls", _VAL, tool_calls, "call"),
    Structure("tagged", _VAL, tagged, "any", lines=True),
    Structure("fields", _VAL, fields, "call", remarks=True),
    Structure("semicolons", _VAL, semicolons, "call", lines=True),
    Structure("equations", _VAL, equations, "call", lines=True),
    Structure("csv", _VAL, csv_lines, "call"),
    Structure("code-below-titles", _VAL, code_below_titles, "call", titled=True, remarks=True),
    Structure("observations", _VAL, observations, "any", lines=True, remarks=True),
    Structure("chained", _VAL, chained, "prose", lines=True),
    Structure(
        "titles-then-lines", _VAL, titles_then_lines, "any", titled=True, lines=True, remarks=True
    ),
)
"""More structures for validation."""
