"""One thread that generates queued requests, batch by batch."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from time import perf_counter
from typing import Any, Protocol

from surefoot.core.chat import Request
from surefoot.models.backends.hf import HFModel
from surefoot.models.serving.asks import ApiError, ServingRequest
from surefoot.models.serving.rows import AnswerChunk, Row, RowObserver, RowSampler

QUEUE = 256
"""Most requests that wait; further ones are asked to retry."""


class GenerationObserver(Protocol):
    """Follows generation with a model, such as to load experts that are not all in memory."""

    def begins(self, ids: Any, mask: Any) -> None:
        """Called with the tokens ``[rows, tokens]`` that are read next, and their mask."""
        ...

    def kind_of(self, ids: Any) -> int:
        """Returns a number for prompts ``[1, tokens]`` that go well together with their like."""
        ...

    def choose(self, waiting: Sequence[tuple[int, float]], size: int, now: float) -> list[int]:
        """Returns which requests come next, at most ``size`` of them and at least one.

        Args:
            waiting: Kind of each, and when it came, in the order in which they came.
            size: Most requests in a batch.
            now: The time, by the same clock as the arrival times.
        """
        ...

    def counts(self) -> Mapping[str, float]:
        """Returns figures to be published, by name."""
        ...

    def close(self) -> None:
        """Ends what it has running."""
        ...


@dataclass(slots=True, eq=False)
class QueuedRequest:
    """A request in the queue.

    Attributes:
        ask: What is asked.
        deliver: Called by the engine's thread with every piece, or with an error, which
            is then the last call. A piece with ``finish`` is the last one too.
        came: When it was queued, by the performance counter.
        kind: The attendant's classification, once known.
    """

    ask: ServingRequest
    deliver: Callable[[AnswerChunk | ApiError], None]
    came: float = field(default_factory=perf_counter)
    kind: int | None = None
    _gone: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Cancels the request: no more tokens are generated for it."""
        self._gone.set()

    @property
    def cancelled(self) -> bool:
        """Whether the request was cancelled."""
        return self._gone.is_set()


class Engine:
    """Generates with one model.

    Requests that wait when a batch ends make up the next, in the order in which they came unless
    an attendant chooses among more of them than a batch holds; one with images is a batch of
    its own. What a row says does not depend on its batch, up to rounding.

    Args:
        model: The model.
        batch: Most requests in a batch.
        queue: Most requests that wait.
        attendant: Looks after the model, if it needs that.
        seed: Requests that bring no seed get this one, the next one, and so on.
    """

    def __init__(
        self,
        model: HFModel,
        *,
        batch: int = 8,
        queue: int = QUEUE,
        attendant: GenerationObserver | None = None,
        seed: int = 0,
    ) -> None:
        self.model = model
        self._batch = batch
        self._most = queue
        self._attendant = attendant
        self._seeds = count(seed)
        self._waiting: deque[QueuedRequest] = deque()
        self._running: list[QueuedRequest] = []
        self._changed = threading.Condition()
        self._closed = False
        self._counts = dict.fromkeys(
            (
                "requests",
                "failed",
                "cancelled",
                "batches",
                "prompt_tokens",
                "completion_tokens",
                "generating_s",
            ),
            0.0,
        )
        self._thread = threading.Thread(target=self._work, name="generator", daemon=True)
        self._thread.start()

    def submit(
        self, ask: ServingRequest, deliver: Callable[[AnswerChunk | ApiError], None]
    ) -> QueuedRequest:
        """Queues a request.

        Raises:
            ApiError: The queue is full or the engine is closed.
        """
        ticket = QueuedRequest(ask, deliver)
        with self._changed:
            if self._closed:
                raise ApiError("the server is stopping", status=503)
            if len(self._waiting) >= self._most:
                raise ApiError("the server is busy; try again later", status=429, code="busy")
            if ask.seed is None:
                ticket.ask = replace(ask, seed=next(self._seeds))
            self._waiting.append(ticket)
            self._changed.notify()
        return ticket

    def counts(self) -> dict[str, float]:
        """Returns counts so far, with the figures of the attendant."""
        with self._changed:
            found = {**self._counts, "waiting": len(self._waiting), "running": len(self._running)}
        return {**found, **(self._attendant.counts() if self._attendant is not None else {})}

    def cancel_all(self) -> None:
        """Cancels everything that waits or runs, and takes nothing more."""
        with self._changed:
            self._closed = True
            for ticket in (*self._waiting, *self._running):
                ticket.cancel()
            self._changed.notify_all()

    def close(self) -> None:
        """Cancels everything and waits for the thread to end; may be called again."""
        self.cancel_all()
        self._thread.join()
        if self._attendant is not None:
            self._attendant.close()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed and not self._waiting:
                    return
                waiting = list(self._waiting)
            chosen = self._next(waiting)
            with self._changed:
                for ticket in chosen:
                    self._waiting.remove(ticket)
                self._running = chosen
            begun = perf_counter()
            with suppress(RuntimeError):  # the listener's loop has ended
                self._answer(chosen)
            with self._changed:
                self._counts["generating_s"] += perf_counter() - begun
                self._counts["batches"] += 1
                self._running = []

    def _next(self, waiting: Sequence[QueuedRequest]) -> list[QueuedRequest]:
        """Returns the next batch; only the engine's thread takes tickets away."""
        if self._attendant is not None and len(waiting) > self._batch:
            for ticket in waiting:
                if ticket.kind is None:
                    ticket.kind = self._kind_of(ticket)
            told = [(ticket.kind or 0, ticket.came) for ticket in waiting]
            with suppress(Exception):  # then it is the order in which they came
                chosen = self._attendant.choose(told, self._batch, perf_counter())
                waiting = [waiting[i] for i in chosen] or waiting
        found: list[QueuedRequest] = []
        for ticket in waiting[: self._batch]:
            sees = any(m.images for m in ticket.ask.messages)
            if sees and found:
                break
            found.append(ticket)
            if sees:
                break
        return found

    def _kind_of(self, ticket: QueuedRequest) -> int:
        """Asks the attendant; an unreadable request is reported later, to its client."""
        ask = ticket.ask
        if self._attendant is None or ticket.cancelled or any(m.images for m in ask.messages):
            return -1
        try:
            prompt = ask.prompt
            if prompt is None:
                prompt = self.model.prompt(Request(ask.messages))
            return self._attendant.kind_of(self.model.encode([prompt])["input_ids"])
        except Exception:
            return -1

    def _answer(self, tickets: Sequence[QueuedRequest]) -> None:
        """Answers a batch; an error is delivered to its clients."""
        rows: list[Row] = []
        owners: list[QueuedRequest] = []
        prompts: list[str] = []
        for ticket in tickets:
            if ticket.cancelled:
                self._count("cancelled")
                ticket.deliver(AnswerChunk(finish="cancelled"))
                continue
            try:
                prompt, row = self._prepared(ticket)
            except ApiError as error:
                self._count("failed")
                ticket.deliver(error)
                continue
            except Exception as error:
                self._count("failed")
                ticket.deliver(_broken(error))
                continue
            rows.append(row)
            owners.append(ticket)
            prompts.append(prompt)
        if not rows:
            return
        try:
            self._generate(rows, prompts)
        except Exception as error:
            for row, ticket in zip(rows, owners, strict=True):
                if not row.done:
                    self._count("failed")
                    ticket.deliver(_broken(error))
            return
        for row in rows:
            row.fail(self.model.tokenizer)  # none is left without an end

    def _prepared(self, ticket: QueuedRequest) -> tuple[str, Row]:
        """Returns the prompt and an empty row of a request."""
        ask = ticket.ask
        request = Request(ask.messages)
        if any(m.images for m in ask.messages) and not self.model.capabilities().images:
            raise ApiError("this model does not look at images", code="unsupported_content")
        prompt = ask.prompt if ask.prompt is not None else self._told(request)
        images = [i for m in ask.messages for i in m.images]
        try:
            read = int(self.model.encode([prompt], images)["attention_mask"].sum())
        except OSError:  # what the image library says of bytes that are no image
            raise ApiError("an image cannot be read", code="invalid_image") from None
        room = self.model.positions
        if read < 1:
            raise ApiError("the prompt has no tokens", param="messages")
        if read >= room:
            raise ApiError(
                f"the prompt has {read} tokens, the model takes {room} with its answer",
                code="context_length_exceeded",
            )
        own = self.model.notes.max_new_tokens or room
        limit = min(ask.max_tokens or own, own, room - read)

        def deliver(piece: AnswerChunk) -> None:
            if piece.finish:
                self._count("cancelled" if piece.finish == "cancelled" else "requests")
                self._count("prompt_tokens", piece.read)
                self._count("completion_tokens", piece.written)
            ticket.deliver(piece)

        return prompt, Row(ask, limit, read, deliver, lambda: ticket.cancelled)

    def _told(self, request: Request) -> str:
        from jinja2 import TemplateError

        try:
            return self.model.prompt(request)
        except TemplateError as error:
            reason = " ".join(str(error).split())[:200]
            raise ApiError(
                f"the model's form of conversations refuses this one: {reason}", param="messages"
            ) from None

    def _generate(self, rows: Sequence[Row], prompts: Sequence[str]) -> None:
        import torch

        model = self.model
        images = [i for row in rows for m in row.ask.messages for i in m.images]
        inputs = model.encode(prompts, images)
        if self._attendant is not None:
            self._attendant.begins(inputs["input_ids"], inputs["attention_mask"])
        draws = RowSampler([row.ask for row in rows])
        watching = RowObserver(rows, draws, model.tokenizer, model.ends)
        processors: Any = [draws]
        stops: Any = [watching]
        with torch.inference_mode():
            model.network.generate(
                **inputs,
                max_new_tokens=max(row.limit for row in rows),
                pad_token_id=model.tokenizer.pad_token_id,
                logits_processor=processors,
                stopping_criteria=stops,
                do_sample=False,
                use_cache=True,
            )

    def _count(self, name: str, by: float = 1) -> None:
        with self._changed:
            self._counts[name] += by


def _broken(error: Exception) -> ApiError:
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return ApiError(f"generation failed: {reason}", status=500)
