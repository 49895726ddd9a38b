"""Whole conversations of a bench: samples for other programs, and a page to read them on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from surefoot.core.files import write_atomic
from surefoot.pddl.grading.report_answers import plain
from surefoot.results.page import render_page, trusted
from surefoot.results.transcripts import read_texts

CONVERSATIONS_NAME = "conversations.html"

MAX_SHOWN = 2000
"""Most conversations on the page; ``surefoot export`` writes all."""

_CHARS = 20_000
"""Longest text that is shown."""


def samples(
    records: Mapping[str, Mapping[str, Any]], texts: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Yields every episode of a run with all that was said in it, plain JSON data.

    Args:
        records: Records of the run by key.
        texts: Its texts by their hashes.
    """
    for key, record in records.items():
        graded, given = record.get("graded"), record.get("given")
        rounds = []
        for attempt in record.get("attempts", ()):
            turn = attempt.get("turn")
            row: dict[str, Any] = {
                "outcome": attempt["kind"],
                "usage": {k: v for k, v in attempt.items() if k in _USAGE},
            }
            if turn is not None:
                row["prompt"] = [
                    {"role": m["role"], "text": texts.get(m["sha256"])} for m in turn["prompt"]
                ]
                row["answer"] = texts.get(turn["answer"])
                row["thinking"] = texts.get(turn.get("thinking", ""), "")
            rounds.append(row)
        outcome = graded["kind"] if graded else given["outcome"] if given else None
        found: dict[str, Any] = {"key": key, "case": record.get("case"), "outcome": outcome}
        found["rounds"] = rounds
        if given and "method" in given:
            found["scores"] = {
                k: given[k] for k in ("probabilities", "method", "mass") if k in given
            }
        yield found


_USAGE = (
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "seconds",
    "cost",
    "cached",
)


def write_conversations(
    folder: Path, records: Mapping[str, Mapping[str, Any]], meta: Mapping[str, str]
) -> bool:
    """Writes ``conversations.html``: every turn of every episode, with what was thought.

    Returns:
        Whether there is anything to show.

    Raises:
        InputError: The file cannot be written.
    """
    texts = read_texts(folder)
    shown: list[str] = []
    count = 0
    for sample in samples(records, texts):
        if any("prompt" in r for r in sample["rounds"]):
            count += 1
            if count <= MAX_SHOWN:
                shown.append(_conversation(sample))
    if not count:
        return False
    page = render_page(
        "conversations.html.j2",
        package="surefoot.pddl.benchmark",
        title="Conversations of the bench",
        meta=meta,
        count=count,
        hidden=count - len(shown),
        parts=trusted("".join(shown)),
    )
    write_atomic(folder / CONVERSATIONS_NAME, page)
    return True


def _conversation(sample: Mapping[str, Any]) -> str:
    """Builds the collapsible part of one episode; all texts are escaped."""
    told = 0
    parts: list[str] = []
    for number, row in enumerate(sample["rounds"], start=1):
        prompt = row.get("prompt", [])
        # a later round repeats the earlier turns
        new = prompt[told:] if len(prompt) > told else prompt
        told = len(prompt) + 1
        parts += [_text(m["role"], m["text"]) for m in new]
        if row.get("thinking"):
            parts.append(_text(f"thinking {number}", row["thinking"]))
        parts.append(_text(f"answer {number}: {row['outcome']}", row.get("answer")))
    outcome = str(sample["outcome"]).replace("_", " ")
    return (
        f'<details class="answer"><summary><strong>{plain(sample["key"])}</strong> '
        f'<span class="soft">{escape(outcome)}</span></summary>{"".join(parts)}</details>\n'
    )


def _text(title: str, text: str | None) -> str:
    if text is None:
        shown = '<p class="soft">Not stored.</p>'
    else:
        more = len(text) - _CHARS
        cut = f'<p class="soft">{more} more characters are not shown.</p>' if more > 0 else ""
        shown = f"<pre>{plain(text[:_CHARS])}</pre>{cut}"
    return f'<section class="turn"><h4>{plain(title)}</h4>{shown}</section>'
