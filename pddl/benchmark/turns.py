"""Turns of conversations as records: texts by their hashes, and rounds that can be taken again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from surefoot.core.chat import Message, ReplyStatus, Usage
from surefoot.pddl.language import parse_plan
from surefoot.pddl.planner import PlanReply
from surefoot.results.transcripts import Transcripts


def turn_of(
    messages: Sequence[Message], answer: str, thinking: str, transcripts: Transcripts
) -> dict[str, Any]:
    """Stores what was asked and answered and returns where it is, plain JSON data.

    Args:
        messages: The conversation up to the question; none where nothing was told.
        answer: The answer.
        thinking: What was thought before it.
        transcripts: Where texts are stored.
    """
    texts = [m.text for m in messages]
    *asked, said, thought = transcripts.keep([*texts, answer, thinking])
    prompt = [{"role": m.role, "sha256": key} for m, key in zip(messages, asked, strict=True)]
    turn: dict[str, Any] = {"prompt": prompt, "answer": said}
    if thinking:
        turn["thinking"] = thought
    return turn


def round_to_json(reply: PlanReply, turn: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a round of an unfinished episode as plain JSON data."""
    plan = None if reply.plan is None else [str(step) for step in reply.plan.steps]
    return {
        "turn": dict(turn),
        "status": reply.status.value,
        "plan": plan,
        "usage": asdict(reply.usage),
        "message": reply.message,
        "lower": reply.lower,
        "left_out": list(reply.left_out),
    }


def round_from_json(data: Mapping[str, Any], texts: Mapping[str, str]) -> PlanReply | None:
    """Returns the reply of a stored round, ``None`` if a text of it was not stored."""
    turn, plan = data["turn"], data["plan"]
    text, thinking = texts.get(turn["answer"]), texts.get(turn.get("thinking", ""), "")
    if text is None:
        return None
    return PlanReply(
        ReplyStatus(data["status"]),
        text,
        None if plan is None else parse_plan("\n".join(plan)),
        Usage(**data["usage"]),
        data["message"],
        data["lower"],
        thinking,
        tuple(data["left_out"]),
    )
