"""Rows of a batch that are generated together, each with its own settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import LogitsProcessor, StoppingCriteria, TopPLogitsWarper

from surefoot.models.backends.sampling import SeededDraws
from surefoot.models.serving.asks import ServingRequest

_UNFINISHED = "\ufffd"
"""Decoding of bytes that are not a complete character yet."""

_COLD = 1e-4
"""Temperatures up to this are as good as 0, and too small to divide by."""


@dataclass(frozen=True, slots=True)
class TokenScore:
    """Scores of a generated token.

    Attributes:
        token: Its text.
        logprob: Natural log-probability, before temperature and top_p.
        top: The likeliest tokens with theirs.
    """

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerChunk:
    """A part of an answer.

    Attributes:
        text: New text.
        scores: Scores of the tokens that were written since the piece before.
        finish: ``stop``, ``length``, ``cancelled``, or ``""`` while it continues.
        whole: At the end the whole text.
        read: At the end the tokens of the prompt.
        written: At the end the tokens written, without the mark of the end.
    """

    text: str = ""
    scores: tuple[TokenScore, ...] = ()
    finish: str = ""
    whole: str = ""
    read: int = 0
    written: int = 0


@dataclass(slots=True)
class Row:
    """One answer in the making.

    Attributes:
        ask: What was asked.
        limit: Most tokens.
        read: Tokens of the prompt.
        deliver: Takes the pieces.
        cancelled: Whether the request was cancelled.
    """

    ask: ServingRequest
    limit: int
    read: int
    deliver: Callable[[AnswerChunk], None]
    cancelled: Callable[[], bool]
    tokens: list[int] = field(default_factory=list)
    scores: list[TokenScore] = field(default_factory=list)
    text: str = ""
    sent: int = 0
    anchor: int = 0
    done: bool = False

    def take(self, token: int, score: TokenScore | None, tokenizer: Any, ends: set[int]) -> None:
        """Takes the next token."""
        if self.cancelled():
            self._finish("cancelled", tokenizer)
            return
        if token in ends:
            self._finish("stop", tokenizer)
            return
        self.tokens.append(token)
        if score is not None:
            self.scores.append(score)
        self._read(tokenizer)
        if (at := self._stop()) >= 0:
            self._finish("stop", tokenizer, self.text[:at])
        elif len(self.tokens) >= self.limit:
            self._finish("length", tokenizer)
        else:
            self._send(self.text[: len(self.text) - self._held_back()], "")

    def fail(self, tokenizer: Any) -> None:
        """Ends the row where it is."""
        if not self.done:
            self._finish("cancelled", tokenizer)

    def _read(self, tokenizer: Any) -> None:
        """Decodes the last tokens only, behind one that is known, so that time stays linear."""
        before = tokenizer.decode(self.tokens[self.anchor : -1], skip_special_tokens=True)
        after = tokenizer.decode(self.tokens[self.anchor :], skip_special_tokens=True)
        if after.startswith(before):
            self.text += after[len(before) :]
        else:  # an unfinished character became a whole one
            self.text = self.text.removesuffix(before) + after
        if len(self.tokens) - self.anchor > 16 and not after.endswith(_UNFINISHED):
            self.anchor = len(self.tokens) - 4
            head = tokenizer.decode(self.tokens[self.anchor :], skip_special_tokens=True)
            if head.startswith(_UNFINISHED) or not self.text.endswith(head):
                self.anchor = 0

    def _stop(self) -> int:
        found = [at for stop in self.ask.stop if (at := self.text.find(stop)) >= 0]
        return min(found, default=-1)

    def _held_back(self) -> int:
        """Returns how many characters at the end could yet become something else."""
        most = 0
        for stop in self.ask.stop:
            for n in range(min(len(stop) - 1, len(self.text)), 0, -1):
                if self.text.endswith(stop[:n]):
                    most = max(most, n)
                    break
        if self.text.endswith(_UNFINISHED):
            most = max(most, len(self.text) - len(self.text.rstrip(_UNFINISHED)))
        return most

    def _finish(self, why: str, tokenizer: Any, text: str | None = None) -> None:
        self.done = True
        if text is None:
            text = tokenizer.decode(self.tokens, skip_special_tokens=True)
        self._send(text, why)

    def _send(self, text: str, finish: str) -> None:
        new = text[self.sent :]
        if not (new or finish):
            return
        self.sent = max(self.sent, len(text))
        scores, self.scores = tuple(self.scores), []
        written = len(self.tokens)
        self.deliver(
            AnswerChunk(new, scores, finish, text, self.read, written)
            if finish
            else AnswerChunk(new, scores)
        )


class RowSampler(LogitsProcessor):
    """Draws for rows with different temperatures, and stores log-probabilities.

    A row of temperature 0, or of next to nothing, is left as it is. Draws are those of
    :class:`~surefoot.models.backends.sampling.SeededDraws`: the same seed gives what it gives
    without a server.

    Attributes:
        logprobs: Log-probabilities ``[rows, vocabulary]`` of the last step, if any row wants them.
    """

    def __init__(self, asks: Sequence[ServingRequest]) -> None:
        self._asks = asks
        self._draws = [
            SeededDraws([a.seed or 0], a.temperature) if a.temperature > _COLD else None
            for a in asks
        ]
        self._tops = [TopPLogitsWarper(a.top_p) if a.top_p < 1 else None for a in asks]
        self._keeps = any(a.top_logprobs is not None for a in asks)
        self.logprobs: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Adds noise to scores ``[rows, vocabulary]``."""
        if self._keeps:
            self.logprobs = torch.log_softmax(scores.float(), -1)
        if not any(self._draws):
            return scores
        found = scores.clone()
        for i, (draw, top) in enumerate(zip(self._draws, self._tops, strict=True)):
            if draw is None:
                continue
            row = scores[i : i + 1]
            if top is not None:
                kept = top(input_ids[i : i + 1], row / self._asks[i].temperature)
                row = row.masked_fill(kept == float("-inf"), float("-inf"))
            found[i : i + 1] = draw(input_ids[i : i + 1], row)
        return found


class RowObserver(StoppingCriteria):
    """Hands every row its tokens as they come, and ends rows.

    Args:
        rows: The rows.
        draws: Where log-probabilities lie.
        tokenizer: Makes texts of tokens.
        ends: Tokens that end an answer.
    """

    def __init__(
        self, rows: Sequence[Row], draws: RowSampler, tokenizer: Any, ends: set[int]
    ) -> None:
        self._rows, self._draws = rows, draws
        self._tokenizer, self._ends = tokenizer, ends

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.BoolTensor:
        """Returns for each row whether it is done, ``[rows]``."""
        for i, token in enumerate(input_ids[:, -1].tolist()):
            row = self._rows[i]
            if not row.done:
                row.take(token, self._score(i, token, row.ask), self._tokenizer, self._ends)
        done = torch.tensor([row.done for row in self._rows], device=input_ids.device)
        return torch.BoolTensor(done) if done.device.type == "cpu" else done  # type: ignore[return-value]

    def _score(self, i: int, token: int, ask: ServingRequest) -> TokenScore | None:
        if ask.top_logprobs is None or self._draws.logprobs is None:
            return None
        of = self._draws.logprobs[i]
        decode = self._tokenizer.decode
        top: tuple[tuple[str, float], ...] = ()
        if ask.top_logprobs:
            values, ids = of.topk(min(ask.top_logprobs, len(of)))
            top = tuple(
                (decode([t]), v) for v, t in zip(values.tolist(), ids.tolist(), strict=True)
            )
        return TokenScore(decode([token]), float(of[token]), top)
