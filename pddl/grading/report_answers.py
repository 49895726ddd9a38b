"""The report's part for one answer: its text beside the steps that were read from it.

Built with plain string joins: a template would cost more per line than the line itself.
All text of answers is untrusted and escaped here.
"""

from __future__ import annotations

import re
from html import escape

from surefoot.pddl.extract.readers import DEFAULT_READER
from surefoot.pddl.grading.display import CATEGORIES, tone
from surefoot.pddl.grading.records import SOLVED, AnswerOutcome, AnswerRecord, StepRecord

MAX_CHARS = 100_000
"""Longest text of one answer that is shown."""

MAX_STEPS = 1000
"""Most steps of one answer that are shown."""

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, among them those that reverse the direction of text."""

_PREFIX = re.compile(r"step \d+ \(.*?\): ")


def plain(text: str) -> str:
    """Escapes untrusted text; control characters become a visible replacement."""
    return escape(_HIDDEN.sub("\ufffd", text) if _HIDDEN.search(text) else text)


def reason(message: str) -> str:
    """Returns a step's error message without the step that it starts with."""
    return _PREFIX.sub("", message, count=1)


def verdict_line(record: AnswerRecord) -> str:
    """Returns the outcome of an answer in a few words (plain text)."""
    words = CATEGORIES[record.kind].name
    if record.first_error is not None:
        return f"{words} at step {record.first_error} of {len(record.steps)}"
    return words


def cost_line(record: AnswerRecord) -> str:
    """Sets the plan's cost against what is known of the optimum (plain text)."""
    lower, upper = record.lower, record.upper
    if lower is None and upper is None:
        known = "optimal cost unknown"
    elif lower == upper:
        known = f"optimal cost {lower:g}"
    else:
        low = f"{lower:g}" if lower is not None else "0"
        high = f"{upper:g}" if upper is not None else "∞"
        known = f"optimal cost in [{low}, {high}]"
    if record.bounds_method and (lower is not None or upper is not None):
        known += f" ({record.bounds_method})"
    return f"{record.cost:g}; {known}" if record.cost is not None else known


def answer_html(record: AnswerRecord, anchor: str) -> str:
    """Builds the collapsible part of one answer.

    Args:
        record: The graded answer.
        anchor: The element's id.
    """
    category = CATEGORIES[record.kind]
    sample = f" sample {record.sample}" if record.sample else ""
    search = plain(
        f"{record.task} {record.model}{sample} {category.name} {record.kind} {record.paper}"
    )
    head = (
        f'<b class="{tone(record.kind)}">{escape(category.code)}</b> '
        f"<strong>{plain(record.task)}</strong> {plain(record.model + sample)} "
        f'<span class="soft">{plain(verdict_line(record))}</span>'
    )
    return (
        f'<details class="answer" id="{anchor}" data-text="{search}"><summary>{head}</summary>'
        f"{_facts(record)}"
        f'<div class="pair"><section><h4>Answer</h4>{_text(record)}</section>'
        f"<section><h4>Steps read from it</h4>{_steps(record)}</section></div></details>\n"
    )


def _facts(record: AnswerRecord) -> str:
    rows = [("outcome", f"{record.kind} (paper: {record.paper})")]
    if record.kind is AnswerOutcome.DOUBTFUL:
        rows.append(("doubtful", record.detail))
        if record.read_as:
            rows.append(("read as", f"{record.read_as}, if the reading is right"))
        if record.second_reading:
            rows.append(("second reader", f"not accepted: {record.second_reading}"))
    elif record.detail:
        rows.append(("first error" if record.first_error else "detail", record.detail))
    if any(literal not in record.detail for literal in record.literals):
        name = "not satisfied" if record.first_error else "unmet goals"
        shown = " ".join(record.literals[:12])
        more = len(record.literals) - 12
        rows.append((name, shown + (f" and {more} more" if more > 0 else "")))
    if record.sub_label:
        rows.append(("diagnosis", record.sub_label.replace("_", " ")))
    if record.steps:
        count = len(record.steps)
        rows.append(("executable", f"first {record.executable_prefix} of {count} steps"))
        rows.append(
            ("goal", f"{record.goal_fraction * 100:.0f} % of its conditions hold after them")
        )
    if record.kind in SOLVED or record.upper is not None or record.lower is not None:
        rows.append(("cost", cost_line(record)))
    if record.form:
        found = f"{record.form}, confidence {record.confidence:.2f}"
        if len(record.candidates) > 1:
            plans = (f"{role} (lines {a}–{b}, {n} steps)" for role, a, b, n in record.candidates)
            found += "; candidates: " + ", ".join(plans)
        rows.append(("extraction", found))
    if record.reader != DEFAULT_READER:
        rows.append(("read by", record.reader))
    if record.heuristic:
        rows.append(("note", "rests on reading in the text whether the goal is claimed"))
    cells = "".join(f"<dt>{name}</dt><dd>{plain(text)}</dd>" for name, text in rows)
    return f'<dl class="facts">{cells}</dl>'


def text_of_lines(record: AnswerRecord, first: int, last: int) -> str:
    """Returns a few lines of an answer, without control characters (plain text)."""
    lines = record.answer[:MAX_CHARS].splitlines()[first - 1 : min(last, first + 2)]
    return _HIDDEN.sub("\ufffd", " ".join(line.strip() for line in lines))[:300]


def _text(record: AnswerRecord) -> str:
    lines = record.answer[:MAX_CHARS].splitlines()
    if not lines:
        return '<p class="soft">The answer is empty.</p>'
    used = {n for s in record.steps for n in range(s.first_line, s.last_line + 1)}
    failing: range = range(0)
    why = ""
    if record.first_error is not None and record.first_error <= len(record.steps):
        step = record.steps[record.first_error - 1]
        failing = range(step.first_line, step.last_line + 1)
        why = f"<p>✗ step {record.first_error}: {plain(reason(step.error or record.detail))}</p>"
    items: list[str] = []
    for number, line in enumerate(lines, start=1):
        if number in failing:
            last = number == min(failing[-1], len(lines))
            items.append(f'<li class="e">{plain(line)}{why if last else ""}</li>')
        elif number in used:
            items.append(f'<li class="s">{plain(line)}</li>')
        else:
            items.append(f"<li>{plain(line)}</li>")
    cut = len(record.answer) - MAX_CHARS
    more = f'<p class="soft">{cut} more characters are not shown.</p>' if cut > 0 else ""
    return f'<ol class="text">{"".join(items)}</ol>{more}'


def _steps(record: AnswerRecord) -> str:
    if not record.steps:
        return '<p class="soft">None.</p>'
    items = [
        _step(step, first=number == record.first_error)
        for number, step in enumerate(record.steps[:MAX_STEPS], start=1)
    ]
    cut = len(record.steps) - MAX_STEPS
    more = f'<p class="soft">{cut} more steps are not shown.</p>' if cut > 0 else ""
    return f'<ol class="steps">{"".join(items)}</ol>{more}'


def _step(step: StepRecord, *, first: bool) -> str:
    source = "" if step.source == "stated" else f", {plain(step.source)}"
    line = f"{plain(step.action)} <small>{step.first_line}{source}</small>"
    if not step.error:
        return f"<li>{line}</li>"
    style = "e" if first else "w"
    return f'<li class="{style}">{line}<p>{plain(reason(step.error))}</p></li>'
