"""Any OpenAI-compatible server, asked by the chat or the responses interface.

What the server does wrong (429 and 5xx after the retries, a torn or unreadable answer, a
silence longer than the timeout, no connection) is a ``SERVER_ERROR``, never the model's
failure. The key comes from the environment and is redacted from every message.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import islice
from typing import Any

from surefoot.core.chat import Completion, Message, OptionRequest, OptionScores, Request, Usage
from surefoot.core.config import without_credentials
from surefoot.core.errors import HarnessError, ModelRefusedError
from surefoot.models.backends.asking import Asker
from surefoot.models.backends.decisions import decide
from surefoot.models.backends.pacing import Pace
from surefoot.models.options import ModelOptions
from surefoot.models.prices import Price, make_price, read_prices
from surefoot.models.protocol import Capabilities, OptionScorer


class OpenAIModel(OptionScorer):
    """A model behind an OpenAI-compatible server.

    Args:
        model: Its name on the server.
        options: Settings.
        price: Price per million tokens, if known.
        settings: Settings by name, over ``options``.
    """

    def __init__(
        self,
        model: str,
        options: ModelOptions | None = None,
        *,
        price: Price | None = None,
        **settings: Any,
    ) -> None:
        given = options.model_dump(exclude_unset=True) if options is not None else {}
        options = ModelOptions(**{**given, **settings})
        self.name = f"openai:{model}"
        self.options = options
        place = without_credentials(options.base_url) if options.base_url else "default"
        self.identity = f"openai {options.api} {place} {model}{_content(options)}"
        self._model = model
        self._price = price
        self._asker = Asker(model, options)
        self._seen: Capabilities | None = None
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        options = self.options
        return f"OpenAIModel({self._model!r}, {options.execution() | options.content()!r})"

    def capabilities(self) -> Capabilities:
        """Probes the server's capabilities once; see :mod:`surefoot.models.probe`."""
        from surefoot.models.probe import probe

        with self._guard:
            if self._seen is None:
                seen = probe(lambda request: self._complete(request, probing=True))
                self._seen = replace(seen, decisions=self._decides())
            return self._seen

    def _decides(self) -> bool:
        request = Request((Message("user", "Is water wet? Answer yes or no."),))
        try:
            return decide(self._asker.client, self._model, request, ("yes", "no")) is not None
        except Exception:  # a server without this interface may fail in any way
            return False

    @property
    def pace(self) -> Pace:
        """When the server may be asked."""
        return self._asker.pace

    @property
    def direct_options(self) -> bool:
        """Whether the server gives probabilities of answers when asked for them."""
        return self.options.option_method == "auto" and self.capabilities().decisions

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Asks up to ``concurrency`` requests at a time.

        Raises:
            ModelRefusedError: The server will answer none of them; raised after the answers
                that came.
        """
        if any(r.schema is not None or r.top_logprobs for r in requests):
            self.capabilities()
        pool = ThreadPoolExecutor(self.options.concurrency)
        stopped: ModelRefusedError | None = None
        waiting = iter(enumerate(requests))
        running: dict[Future[Completion], int] = {}
        try:
            while True:
                # The next request starts when an answer has been taken, so that a kill loses
                # no more answers than there are requests at a time.
                room = self.options.concurrency - len(running) if stopped is None else 0
                for i, request in islice(waiting, room):
                    running[pool.submit(self._complete, request)] = i
                if not running:
                    break
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    i = running.pop(future)
                    try:
                        found = future.result()
                    except ModelRefusedError as error:
                        stopped = stopped or error
                    else:
                        yield i, found
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        if stopped is not None:
            raise stopped

    def score_batch(
        self, requests: Sequence[Request], options: Sequence[Sequence[str]]
    ) -> list[OptionScores]:
        """Scores answers by the decisions interface, else as :mod:`surefoot.models.choosing`.

        Raises:
            HarnessError: The server failed.
        """
        from surefoot.models.choosing import choose_listed

        found: dict[int, OptionScores] = {}
        if self.direct_options:
            with ThreadPoolExecutor(self.options.concurrency) as pool:
                decided = pool.map(self._decided, requests, options)
                found = {i: scores for i, scores in enumerate(decided) if scores is not None}
        rest = [i for i in range(len(requests)) if i not in found]
        asked = [
            OptionRequest(requests[i].messages, tuple(options[i]), seed=requests[i].seed)
            for i in rest
        ]
        found |= dict(zip(rest, choose_listed(self, asked, self.options), strict=True))
        return [found[i] for i in range(len(requests))]

    def score(self, request: Request, options: Sequence[str]) -> OptionScores:
        """Scores answers to one request; see :meth:`score_batch`.

        Raises:
            HarnessError: The server failed.
        """
        return self.score_batch([request], [options])[0]

    def _decided(self, request: Request, options: Sequence[str]) -> OptionScores | None:
        try:
            decided = decide(self._asker.client, self._model, request, options)
        except Exception as error:
            raise HarnessError(f"{self.name}: {self._asker.scrub(error)}") from None
        return None if decided is None else replace(decided, usage=self._priced(decided.usage))

    def _priced(self, usage: Usage) -> Usage:
        return replace(usage, cost=self._price.of(usage) if self._price else None)

    def _complete(self, request: Request, probing: bool = False) -> Completion:
        """Asks once, with retries; a probe sends everything, whatever was seen before."""
        seen = Capabilities(structured=True, logprobs=True) if probing else self._seen
        seen = seen or Capabilities()
        found = self._asker.ask(
            request,
            schema=request.schema is not None and seen.structured,
            logprobs=bool(request.top_logprobs) and seen.logprobs,
            probing=probing,
        )
        return replace(found, usage=self._priced(found.usage))


def _content(options: ModelOptions) -> str:
    """Returns the settings that answers depend on and requests do not show."""
    import json

    shown = ("api", "temperature", "max_tokens", "planner_time_s")
    found = {
        k: v for k, v in options.content().items() if k not in shown and not k.startswith("option_")
    }
    return f" {json.dumps(found, sort_keys=True)}" if found else ""


def make(argument: str, options: ModelOptions) -> OpenAIModel:
    """Makes the model of a name on the server that the settings name."""
    prices = read_prices(options.prices) if options.prices is not None else {}
    price = make_price(options.price) if options.price else prices.get(argument)
    return OpenAIModel(argument, options, price=price)
