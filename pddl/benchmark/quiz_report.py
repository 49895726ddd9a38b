"""Questions on the bench's pages: a section of the overview, and a page with every answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from surefoot.core.files import write_atomic
from surefoot.pddl.benchmark.quiz_summary import (
    OUTCOMES,
    QuizCell,
    QuizEpisode,
    quiz_cells,
    quiz_names,
)
from surefoot.pddl.grading.report_answers import plain
from surefoot.results.charts import BarRow, Category, ForestRow, forest_plot, stacked_bars
from surefoot.results.figures import rate, whole_percent
from surefoot.results.page import render_page, trusted

QUESTIONS_NAME = "questions.html"

_CATEGORIES = dict(
    zip(
        OUTCOMES,
        (
            Category("right", "✓", "green"),
            Category("wrong", "✗", "orange"),
            Category("no answer made out", "?", "sky"),
            Category("breaks off", "…", "blue"),
            Category("declined", "R", "grey"),
            Category("no probabilities made out", "U", "purple"),
        ),
        strict=True,
    )
)
_SHOWN = 40
"""Most items of an answer that are shown."""

_CHARS = 20_000


def quiz_section(episodes: Sequence[QuizEpisode], summary: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the template ``quiz.html.j2`` shows."""
    cells = quiz_cells(episodes, quiz_names(episodes))
    kinds = {c.kind: c.kind.replace("_", " ") or "all kinds" for c in cells}
    forest = [
        ForestRow(kinds[c.kind], c.contestant, c.right, c.n, c.interval, c.chance)
        for c in cells
        if not c.form
    ]
    bars = [
        BarRow(
            c.form or "all forms",
            c.contestant,
            {_CATEGORIES[k].name: v for k, v in c.outcomes.items()},
        )
        for c in cells
        if not c.kind
    ]
    return {
        "forest": trusted(
            forest_plot(
                forest,
                title="Share of right answers by kind, with Wilson intervals",
                reference_name="chance",
            )
        ),
        "bars": trusted(stacked_bars(bars, list(_CATEGORIES.values()), title="Answers by form")),
        "rows": [quiz_row(c) for c in cells if c.form],
        "scored": [
            {
                **s,
                "brier": f"{s['brier']:.3f}",
                "brier_uniform": f"{s['brier_uniform']:.3f}",
                "ece": f"{s['ece']:.3f}",
            }
            for s in summary["scored"]
        ],
        "missing": _missing(summary["missing"]),
        "answers": QUESTIONS_NAME,
    }


def quiz_row(cell: QuizCell) -> dict[str, str]:
    """Formats a cell for tables."""
    low, high = cell.interval.low, cell.interval.high
    unread = sum(count for k, count in cell.outcomes.items() if k not in ("right", "wrong"))
    return {
        "contestant": cell.contestant,
        "kind": cell.kind.replace("_", " ") or "all",
        "form": cell.form or "all",
        "n": str(cell.n),
        "right": str(cell.right),
        "rate": rate(cell.right, cell.n, low, high),
        "chance": whole_percent(cell.chance),
        "unread": str(unread),
    }


def _missing(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line a domain and size: how many questions there are not, of which kinds."""
    places: dict[tuple[str, Any], list[Mapping[str, Any]]] = {}
    for row in rows:
        places.setdefault((row["domain"], row["size"]), []).append(row)
    lines = []
    for (domain, size), found in places.items():
        name = f"{domain} {size}" if size is not None else domain
        kinds = "; ".join(f"{r['kind']} {r['form']} {r['missing']}" for r in found)
        lines.append(f"{name}: {sum(r['missing'] for r in found)} ({kinds})".replace("_", " "))
    return lines


def write_questions(folder: Path, episodes: Sequence[QuizEpisode], meta: Mapping[str, str]) -> None:
    """Writes ``questions.html``: each question with the answer given and the right one.

    Raises:
        InputError: The file cannot be written.
    """
    names = quiz_names(episodes)
    parts = [_answer(e, name) for e, name in zip(episodes, names, strict=True)]
    page = render_page(
        "questions.html.j2",
        package="surefoot.pddl.benchmark",
        title="Questions of the bench",
        meta=meta,
        count=len(parts),
        parts=trusted("".join(parts)),
    )
    write_atomic(folder / QUESTIONS_NAME, page)


def _answer(e: QuizEpisode, name: str) -> str:
    """Builds the collapsible part of one question; all text of answers is escaped."""
    category = _CATEGORIES[e.given["outcome"]]
    tone = "good" if e.right else "bad"
    kind = f"{e.asked['kind']} {e.asked['form']}".replace("_", " ")
    said = e.given["parsed"]
    rows = [
        (
            "right answer" if len(e.asked["answers"]) == 1 or e.asked["every"] else "right answers",
            _items(e.asked["answers"]),
        ),
        ("read from the answer", _items(said) if said is not None else "nothing"),
        ("chance of a guess", f"{e.asked['chance']:.2g}"),
    ]
    shares = e.given.get("probabilities")
    if shares:
        told = ", ".join(f"{option} {share:.3f}" for option, share in shares.items())
        mass = e.given.get("mass", 1.0)
        covered = "" if mass > 0.995 else f", {mass:.0%} of what it would say"
        rows.append(("probabilities", f"{told} ({e.given['method']}{covered})"))
    elif e.given["outcome"] == "unscored":
        rows.append(("probabilities", f"none: {e.given.get('message', '')}"))
    cells = "".join(f"<dt>{what}</dt><dd>{plain(text)}</dd>" for what, text in rows)
    text = e.given["text"][:_CHARS]
    answer = f"<pre>{plain(text)}</pre>" if text else '<p class="soft">Nothing was written.</p>'
    return (
        f'<details class="answer"><summary><b class="{tone}">{escape(category.code)}</b> '
        f"<strong>{plain(e.case.task)}</strong> {plain(kind)} {plain(name)} "
        f'<span class="soft">{escape(category.name)}</span></summary>'
        f'<dl class="facts">{cells}</dl><div class="pair"><section><h4>Question</h4>'
        f"<pre>{plain(e.asked['text'])}</pre></section><section><h4>Answer</h4>{answer}</section>"
        "</div></details>\n"
    )


def _items(items: Sequence[str]) -> str:
    more = len(items) - _SHOWN
    return " ".join(items[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
