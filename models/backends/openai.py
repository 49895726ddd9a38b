"""Any OpenAI-compatible server, asked by the chat or the responses interface.

What the server does wrong (429 and 5xx after the retries, a torn or unreadable answer, a
silence longer than the timeout, no connection) is a ``SERVER_ERROR``, never the model's
failure. The key comes from the environment and is redacted from every message.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from math import exp
from time import perf_counter
from typing import TYPE_CHECKING, Any

from surefoot.core.chat import Completion, Message, OptionScores, ReplyStatus, Request, Usage
from surefoot.core.errors import HarnessError
from surefoot.models.backends.decisions import decide
from surefoot.models.images import data_url
from surefoot.models.options import ModelOptions
from surefoot.models.prices import Price, read_prices
from surefoot.models.protocol import Capabilities, OptionScorer
from surefoot.results.structured import read_json

if TYPE_CHECKING:
    from openai import OpenAI

_SAMPLES = 20
"""Answers drawn where option scores must be estimated from frequencies."""


class OpenAIModel(OptionScorer):
    """A model behind an OpenAI-compatible server.

    Args:
        model: Its name on the server.
        base_url: Address of the server; ``None`` for the client's default.
        api: ``chat`` or ``responses``.
        key_env: Environment variable that holds the key; may be unset for local servers.
        timeout_s: Longest silence in seconds.
        retries: Retries after 408, 409, 429, 5xx and connection errors; waits as long
            as the server's ``Retry-After`` says.
        concurrency: Requests at a time.
        price: Price per million tokens, if known.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api: str = "chat",
        key_env: str = "OPENAI_API_KEY",
        timeout_s: float = 120.0,
        retries: int = 4,
        concurrency: int = 8,
        price: Price | None = None,
    ) -> None:
        self.name = f"openai:{model}"
        self.identity = f"openai {api} {base_url or 'default'} {model}"
        self._model = model
        self._base_url = base_url
        self._api = api
        self._key_env = key_env
        self._timeout = timeout_s
        self._retries = retries
        self._concurrency = concurrency
        self._price = price
        self._made: OpenAI | None = None
        self._seen: Capabilities | None = None
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        return f"OpenAIModel({self._model!r}, base_url={self._base_url!r}, api={self._api!r})"

    @property
    def _client(self) -> OpenAI:
        if self._made is None:
            import httpx2
            from openai import OpenAI

            self._made = OpenAI(
                api_key=os.environ.get(self._key_env) or "none",
                base_url=self._base_url,
                timeout=httpx2.Timeout(self._timeout, connect=min(5.0, self._timeout)),
                max_retries=self._retries,
            )
        return self._made

    def capabilities(self) -> Capabilities:
        """Probes the server's capabilities once; see :mod:`surefoot.models.probe`."""
        from surefoot.models.probe import probe

        with self._guard:
            if self._seen is None:
                seen = probe(lambda request: self._complete(request, trust=True))
                self._seen = replace(seen, decisions=self._decides())
            return self._seen

    def _decides(self) -> bool:
        request = Request((Message("user", "Is water wet? Answer yes or no."),))
        try:
            return decide(self._client, self._model, request, ("yes", "no")) is not None
        except Exception:  # a server without this interface may fail in any way
            return False

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Asks up to ``concurrency`` requests at a time."""
        if any(r.schema is not None for r in requests):
            self.capabilities()
        _ = self._client
        pool = ThreadPoolExecutor(self._concurrency)
        try:
            running = {pool.submit(self._complete, r): i for i, r in enumerate(requests)}
            for future in as_completed(running):
                yield running[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def score_batch(
        self, requests: Sequence[Request], options: Sequence[Sequence[str]]
    ) -> list[OptionScores]:
        """Scores answers to up to ``concurrency`` requests at a time; see :meth:`score`.

        Raises:
            HarnessError: The server failed, or no draw named an option.
        """
        self.capabilities()
        with ThreadPoolExecutor(self._concurrency) as pool:
            return list(pool.map(self.score, requests, options))

    def score(self, request: Request, options: Sequence[str]) -> OptionScores:
        """Scores answers by the decisions interface, else by log-probabilities, else by sampling.

        Options must differ in their first token (letters do) for the second way to be used.

        Raises:
            HarnessError: The server failed, or no draw named an option.
        """
        seen = self.capabilities()
        if seen.decisions:
            try:
                decided = decide(self._client, self._model, request, options)
            except Exception as error:
                raise HarnessError(f"{self.name}: {self._scrub(error)}") from None
            if decided is not None:
                return replace(decided, usage=self._priced(decided.usage))
        if seen.logprobs:
            asked = replace(request, max_tokens=1, top_logprobs=20)
            completion = self._complete(asked)
            found = _by_first_token(completion.first_logprobs, options)
            if found is not None:
                return OptionScores(tuple(options), found, "logprobs", completion.usage)
        draws = [replace(request, temperature=1.0, seed=request.seed + i) for i in range(_SAMPLES)]
        counts = [0] * len(options)
        used = Usage(cost=0.0)
        for _, completion in self.generate(draws):
            if completion.status is ReplyStatus.SERVER_ERROR:
                raise HarnessError(f"{self.name}: {completion.message}")
            used = used + completion.usage
            said = completion.text.strip()
            for i, option in enumerate(options):
                if said == option or said.startswith((option + ".", option + ")", option + " ")):
                    counts[i] += 1
                    break
        if not sum(counts):
            raise HarnessError(f"{self.name}: none of {_SAMPLES} answers names an option")
        shares = tuple(c / sum(counts) for c in counts)
        return OptionScores(tuple(options), shares, "sampled", used)

    def _priced(self, usage: Usage) -> Usage:
        price = self._price
        read, written = usage.prompt_tokens, usage.completion_tokens
        return replace(usage, cost=price.of(read, written) if price else None)

    def _complete(self, request: Request, trust: bool = False) -> Completion:
        """Asks once, with the client's retries; ``trust`` sends options before any probe."""
        start = perf_counter()
        try:
            ask = self._chat if self._api == "chat" else self._responses
            status, text, logprobs, read, written = ask(request, trust)
        except Exception as error:  # the client raises many kinds; none is the model's failure
            seconds = perf_counter() - start
            return Completion(
                ReplyStatus.SERVER_ERROR, usage=Usage(seconds=seconds), message=self._scrub(error)
            )
        parsed = read_json(text, request.schema) if request.schema is not None else None
        usage = self._priced(Usage(read, written, perf_counter() - start))
        return Completion(status, text, parsed, logprobs, usage)

    def _extra(self, request: Request, trust: bool) -> dict[str, Any]:
        seen = Capabilities(structured=True, logprobs=True) if trust else self._seen
        seen = seen or Capabilities()
        extra: dict[str, Any] = {}
        if request.schema is not None and seen.structured:
            extra["schema"] = {"name": "answer", "schema": dict(request.schema), "strict": True}
        if request.top_logprobs and seen.logprobs:
            extra["top_logprobs"] = request.top_logprobs
        return extra

    def _chat(self, request: Request, trust: bool) -> tuple[Any, ...]:
        extra = self._extra(request, trust)
        options: dict[str, Any] = {}
        if "schema" in extra:
            options["response_format"] = {"type": "json_schema", "json_schema": extra["schema"]}
        if "top_logprobs" in extra:
            options |= {"logprobs": True, "top_logprobs": extra["top_logprobs"]}
        reply = self._client.chat.completions.create(
            model=self._model,
            messages=[_chat_message(m) for m in request.messages],
            max_completion_tokens=request.max_tokens,
            temperature=request.temperature,
            seed=request.seed,
            **options,
        )
        choice = reply.choices[0]
        text = choice.message.content or ""
        if choice.finish_reason == "content_filter" or choice.message.refusal:
            status, text = ReplyStatus.REFUSED, text or choice.message.refusal or ""
        else:
            status = ReplyStatus.CUT if choice.finish_reason == "length" else ReplyStatus.ANSWERED
        first = choice.logprobs.content if choice.logprobs else None
        logprobs = {t.token: t.logprob for t in first[0].top_logprobs} if first else {}
        usage = reply.usage
        read, written = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        return status, text, logprobs, read, written

    def _responses(self, request: Request, trust: bool) -> tuple[Any, ...]:
        extra = self._extra(request, trust)
        options: dict[str, Any] = {}
        if "schema" in extra:
            options["text"] = {"format": {"type": "json_schema", **extra["schema"]}}
        if "top_logprobs" in extra:
            options |= {
                "include": ["message.output_text.logprobs"],
                "top_logprobs": extra["top_logprobs"],
            }
        reply = self._client.responses.create(
            model=self._model,
            input=[_response_message(m) for m in request.messages],
            max_output_tokens=request.max_tokens,
            temperature=request.temperature,
            store=False,
            stream=False,  # some servers stream unless told not to
            **options,
        )
        refusals = ""
        logprobs: dict[str, float] = {}
        for item in reply.output:
            for part in getattr(item, "content", None) or ():
                refusals += getattr(part, "refusal", None) or ""
                first = (getattr(part, "logprobs", None) or [None])[0]
                if first is not None and not logprobs:
                    logprobs = {t.token: t.logprob for t in first.top_logprobs}
        reason = reply.incomplete_details.reason if reply.incomplete_details else ""
        status = ReplyStatus.ANSWERED
        if refusals or reason == "content_filter":
            status = ReplyStatus.REFUSED
        elif reason == "max_output_tokens":
            status = ReplyStatus.CUT
        elif reply.error is not None:
            raise HarnessError(f"the server reports {reply.error.message}")
        usage = reply.usage
        read, written = (usage.input_tokens, usage.output_tokens) if usage else (0, 0)
        return status, reply.output_text or refusals, logprobs, read, written

    def _scrub(self, error: Exception) -> str:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        key = os.environ.get(self._key_env)
        return (message.replace(key, "[key]") if key else message)[:300]


def _chat_message(message: Message) -> Any:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": data_url(i)}} for i in message.images
    ]
    return {"role": message.role, "content": [*parts, {"type": "text", "text": message.text}]}


def _response_message(message: Message) -> Any:
    if message.role == "assistant":
        return {"role": "assistant", "content": message.text}
    parts: list[dict[str, Any]] = [
        {"type": "input_image", "image_url": data_url(i), "detail": "auto"} for i in message.images
    ]
    return {"role": message.role, "content": [*parts, {"type": "input_text", "text": message.text}]}


def _by_first_token(logprobs: Any, options: Sequence[str]) -> tuple[float, ...] | None:
    masses = [
        sum(exp(v) for t, v in logprobs.items() if t.strip() and option.startswith(t.strip()))
        for option in options
    ]
    firsts = {option[:1] for option in options}
    if len(firsts) < len(options) or not sum(masses):
        return None
    return tuple(m / sum(masses) for m in masses)


def make(argument: str, options: ModelOptions) -> OpenAIModel:
    """Makes the model of a name on the server that the settings name."""
    prices = read_prices(options.prices) if options.prices is not None else {}
    return OpenAIModel(
        argument,
        base_url=options.base_url,
        api=options.api,
        key_env=options.key_env,
        timeout_s=options.timeout_s,
        retries=options.retries,
        concurrency=options.concurrency,
        price=prices.get(argument),
    )
