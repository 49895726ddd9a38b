"""Separates what a model thought from what it answered.

Reasoning models put their thinking in front of the answer, marked in one of a dozen ways. It
is no part of the answer: it should not be graded, read as a plan, or sent back in later turns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TAGS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<seed:think>", "</seed:think>"),
    ("[think]", "[/think]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|start_thinking|>", "<|end_thinking|>"),
    ("<unused94>thought", "<unused95>"),
)
"""Opening and closing marks of thinking, lower case; they are met in any case."""

ANSWER_TAGS: tuple[tuple[str, str], ...] = (
    ("<answer>", "</answer>"),
    ("<final_answer>", "</final_answer>"),
    ("<response>", "</response>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|start_response|>", "<|end_response|>"),
)
"""Marks round an answer; without text of their own."""

_CHANNEL = re.compile(
    r"(?:<\|start\|>\s*\w*\s*)?<\|channel\|>\s*(?P<name>\w+)[^<]*<\|message\|>"
    r"(?P<body>.*?)(?P<end><\|(?:end|return|call)\|>|(?=<\|(?:start|channel)\|>)|\Z)",
    re.DOTALL,
)
"""Channels of the harmony format (gpt-oss); only ``final`` is the answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's reply, taken apart.

    Attributes:
        thinking: What was thought, without its marks; blocks are joined by a blank line.
        answer: What was answered, without marks and outer blank space.
        finished: False if the thinking was never closed, so that there is no answer yet.
        visible: The reply with everything but the answer blanked out, line by line, so that
            line numbers of the reply stay right.
    """

    thinking: str
    answer: str
    finished: bool
    visible: str


def split_reply(text: str, tags: Sequence[tuple[str, str]] = ()) -> Reply:
    """Takes a reply apart.

    A closing mark without an opening one closes what stands before it: the templates of some
    models open the thinking in the prompt. Marks in code spans are ordinary text.

    Args:
        text: The reply as the model sent it.
        tags: Further opening and closing marks of thinking.

    Returns:
        Thinking and answer. Never fails on any text.
    """
    if not any(mark in text for mark in ("<", "[", "◁")) and not tags:
        return Reply("", text.strip(), True, text)
    if "<|channel|>" in text:
        return _channels(text)
    hidden, finished = _thinking_spans(text, [*TAGS, *((a.lower(), b.lower()) for a, b in tags)])
    thinking = [_bare(text[inner[0] : inner[1]]) for _, inner in hidden]
    spans = [outer for outer, _ in hidden]
    outside = _blank(text, spans)
    outside, kept = _answer_only(outside)
    return Reply(
        "\n\n".join(t for t in thinking if t), _bare(_cut(outside, kept)), finished, outside
    )


Span = tuple[int, int]


def _thinking_spans(
    text: str, tags: Sequence[tuple[str, str]]
) -> tuple[list[tuple[Span, Span]], bool]:
    """Finds (outer, inner) spans of thinking, and whether the last of them is closed."""
    marks = sorted({mark for pair in tags for mark in pair}, key=len, reverse=True)
    opening = dict(tags)
    closing = {close for _, close in tags}
    found: list[tuple[Span, Span]] = []
    open_at: tuple[int, int, str] | None = None
    for match in re.finditer("|".join(map(re.escape, marks)), text, re.IGNORECASE):
        mark = match.group().lower()
        if _in_code(text, match.start(), match.end()):
            continue
        if open_at is not None:
            if mark == open_at[2]:
                found.append(((open_at[0], match.end()), (open_at[1], match.start())))
                open_at = None
        elif mark in opening:
            open_at = (match.start(), match.end(), opening[mark])
        elif mark in closing:
            if found and not text[match.end() :].strip():
                found.append(((match.start(), match.end()), (match.end(), match.end())))
            else:  # opened in the prompt: everything up to here is thinking
                found = [((0, match.end()), (0, match.start()))]
    if open_at is not None:
        found.append(((open_at[0], len(text)), (open_at[1], len(text))))
    return found, open_at is None


def _in_code(text: str, start: int, end: int) -> bool:
    return text[start - 1 : start] == "`" and text[end : end + 1] == "`"


def _answer_only(text: str) -> tuple[str, Span]:
    """Blanks everything outside the last marked answer, if one is marked."""
    low = text.lower()
    best: tuple[int, int, int] | None = None
    for start_mark, end_mark in ANSWER_TAGS:
        at = low.rfind(start_mark)
        if at < 0 or _in_code(text, at, at + len(start_mark)):
            continue
        inner = at + len(start_mark)
        end = low.find(end_mark, inner)
        end = len(text) if end < 0 else end
        if text[inner:end].strip() and (best is None or inner > best[0]):
            best = (inner, end, at)
    if best is None:
        return text, (0, len(text))
    inner, end, _ = best
    # what stands behind the answer stays visible: it may take the answer back
    tag = re.compile(r"</?[\w|]+>").match(text, end)
    return _blank(text, [(0, inner), (end, tag.end() if tag else end)]), (inner, end)


def _channels(text: str) -> Reply:
    thinking: list[str] = []
    answers: list[tuple[Span, str]] = []
    closed = True
    for match in _CHANNEL.finditer(text):
        body = match.span("body")
        if match.group("name") == "final":
            answers.append((body, match.group("body")))
        else:
            thinking.append(_bare(match.group("body")))
        closed = bool(match.group("end")) or match.group("name") == "final"
    if not answers:
        return Reply("\n\n".join(thinking), "", closed, _blank(text, [(0, len(text))]))
    start, end = answers[-1][0]
    visible = _blank(text, [(0, start), (end, len(text))])
    return Reply("\n\n".join(thinking), _bare(answers[-1][1]), True, visible)


def _blank(text: str, spans: Sequence[Span]) -> str:
    """Replaces spans by blank space; line ends stay."""
    for start, end in spans:
        text = text[:start] + re.sub(r"[^\r\n]", " ", text[start:end]) + text[end:]
    return text


def _cut(text: str, span: Span) -> str:
    return text[span[0] : span[1]]


def _bare(text: str) -> str:
    return text.strip()
