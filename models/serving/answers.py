"""Answers in the shapes of OpenAI's interfaces for conversations and for texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surefoot.models.serving.rows import AnswerChunk, TokenScore


@dataclass(frozen=True, slots=True)
class ResponseHeader:
    """Fields common to all parts of an answer.

    Attributes:
        chat: Whether it answers a conversation.
        id: Its id.
        created: Seconds since 1970.
        model: Name of the model.
        scored: Whether log-probabilities were asked for.
    """

    chat: bool
    id: str
    created: int
    model: str
    scored: bool

    def _with(self, what: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        kind = f"chat.completion{what}" if self.chat else "text_completion"
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }

    def whole(self, last: AnswerChunk, scores: Sequence[TokenScore]) -> dict[str, Any]:
        """Returns an answer in one piece."""
        choice = self._choice(scores, last.finish)
        if self.chat:
            choice["message"] = {"role": "assistant", "content": last.whole, "refusal": None}
        else:
            choice["text"] = last.whole
        return {**self._with("", [choice]), "usage": _usage(last)}

    def opening(self) -> dict[str, Any]:
        """Returns the first part of a streamed conversation, which only names the role."""
        choice = self._choice((), "")
        return self._with(".chunk", [{**choice, "delta": {"role": "assistant", "content": ""}}])

    def part(self, piece: AnswerChunk) -> dict[str, Any]:
        """Returns a part of a streamed answer."""
        choice = self._choice(piece.scores, piece.finish)
        if self.chat:
            choice["delta"] = {"content": piece.text} if piece.text else {}
        else:
            choice["text"] = piece.text
        return self._with(".chunk", [choice])

    def usage(self, last: AnswerChunk) -> dict[str, Any]:
        """Returns the part of a streamed answer with the token counts."""
        return {**self._with(".chunk", []), "usage": _usage(last)}

    def _choice(self, scores: Sequence[TokenScore], finish: str) -> dict[str, Any]:
        told = None
        if self.scored:
            told = _chat_scores(scores) if self.chat else _text_scores(scores)
        return {"index": 0, "logprobs": told, "finish_reason": finish or None}


def _usage(last: AnswerChunk) -> dict[str, int]:
    return {
        "prompt_tokens": last.read,
        "completion_tokens": last.written,
        "total_tokens": last.read + last.written,
    }


def _chat_scores(scores: Sequence[TokenScore]) -> dict[str, Any]:
    def told(token: str, value: float) -> dict[str, Any]:
        return {"token": token, "logprob": value, "bytes": list(token.encode())}

    return {
        "content": [
            {**told(s.token, s.logprob), "top_logprobs": [told(t, v) for t, v in s.top]}
            for s in scores
        ],
        "refusal": None,
    }


def _text_scores(scores: Sequence[TokenScore]) -> dict[str, Any]:
    return {
        "tokens": [s.token for s in scores],
        "token_logprobs": [s.logprob for s in scores],
        "top_logprobs": [dict(s.top) for s in scores],
    }
