"""Sends requests to an OpenAI-compatible server until they are answered or hopeless."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from surefoot.core.chat import Completion, ReplyStatus, Request, Usage
from surefoot.core.config import without_credentials
from surefoot.core.errors import InputError, ModelRefusedError
from surefoot.models.backends.pacing import Pace
from surefoot.models.backends.refusals import Cause, RequestError, read_refusal
from surefoot.models.backends.wire import (
    CHAT,
    SAMPLING,
    ParsedReply,
    TornReplyError,
    UnreadableReplyError,
    body_of,
    joined_chat,
    last_response,
    read_chat,
    read_response,
)
from surefoot.models.options import ModelOptions
from surefoot.results.structured import read_json

if TYPE_CHECKING:
    from openai import OpenAI

_LONGEST_WAIT_S = 60.0
_CHARS = 4
"""Characters of a token, roughly."""
_FEW = 5
"""Alternatives of a token that every server gives that gives any."""
_LOGPROBS = frozenset({"logprobs", "top_logprobs", "include"})
_TOKEN_LIMITS: Mapping[str, Literal["max_tokens", "max_completion_tokens"]] = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
"""The two names of the limit on tokens, each with the other."""


class AnswerTimeError(Exception):
    """An answer took longer than is allowed for the whole of it."""


class Asker:
    """Asks one model on one server; methods may be called from several threads.

    Args:
        model: Name of the model on the server.
        options: Settings.
    """

    def __init__(self, model: str, options: ModelOptions) -> None:
        self._model = model
        self._options = options
        self._left_out: set[str] = set()
        self._token_limit: Literal["max_tokens", "max_completion_tokens"] = options.token_limit
        self._top_logprobs = 20
        self._role = options.system_role
        self._made: OpenAI | None = None
        self._guard = threading.Lock()
        self._stopped = ""
        self._random = Random(0)
        self.pace = Pace(
            options.concurrency, options.requests_per_minute, options.tokens_per_minute
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        """Settings that the server refused by name and that are not sent any more."""
        with self._guard:
            found = sorted(n for n in self._left_out if n in SAMPLING or n in self._extra)
            return (
                *found,
                *(["developer role"] if self._role != self._options.system_role else []),
            )

    @property
    def _extra(self) -> Mapping[str, Any]:
        return self._options.extra_body

    @property
    def client(self) -> OpenAI:
        """The client, made at the first use."""
        with self._guard:
            if self._made is None:
                import httpx2
                from openai import OpenAI

                options = self._options
                silence = options.timeout_s
                self._made = OpenAI(
                    api_key=os.environ.get(options.key_env) or "none",
                    base_url=options.base_url,
                    timeout=httpx2.Timeout(silence, connect=min(5.0, silence)),
                    max_retries=0,  # the pace must hear of every refusal
                    default_headers={k: _from_environment(v) for k, v in options.headers.items()},
                    default_query=(
                        {"api-version": options.api_version} if options.api_version else None
                    ),
                )
            return self._made

    def ask(
        self, request: Request, *, schema: bool, logprobs: bool, probing: bool = False
    ) -> Completion:
        """Asks once, with retries after failures that may pass.

        Args:
            request: What to ask.
            schema: Whether the server is given the schema of the answer.
            logprobs: Whether it is asked for log-probabilities.
            probing: Whether a refusal says something of this request alone.

        Raises:
            ModelRefusedError: The server will answer none of the model's requests.
        """
        begun = time.perf_counter()
        limit = request.max_tokens
        failures = 0
        while True:
            if self._stopped and not probing:
                raise ModelRefusedError(self._stopped)
            asked = replace(request, max_tokens=limit)
            body = self._body(asked, schema, logprobs)
            mark = self.pace.begin(self._size(request))
            taken: int | None = None
            try:
                reply = self._send(body, limit)
                taken = reply.usage.prompt_tokens + reply.usage.completion_tokens
                return self._completion(reply, request, begun)
            except Exception as error:  # the client raises many kinds; none is the model's failure
                message = self.scrub(error)
                refusal = self._reading(error, body)
                wait = self._wait(error, failures)
            finally:
                self.pace.end(mark, taken)
            seconds = Usage(seconds=time.perf_counter() - begun)
            cause = refusal.cause
            if cause is Cause.NO_ROOM and refusal.room < limit:
                limit = refusal.room
                continue
            if cause is Cause.SETTING:
                self._leave_out(refusal.names)
                if self._body(asked, schema, logprobs) != body:
                    continue  # another thread may have left it out already
            if cause is Cause.ROLE:
                self._role = "system"
                continue  # the request that was refused had the other role
            if cause in (Cause.TOO_LONG, Cause.NO_ROOM):
                return Completion(ReplyStatus.CUT, usage=seconds, message=message)
            if cause is Cause.FILTERED:
                return Completion(ReplyStatus.REFUSED, usage=seconds, message=message)
            if cause in (Cause.STOP, Cause.SETTING, Cause.ROLE):
                if probing:
                    return Completion(ReplyStatus.SERVER_ERROR, usage=seconds, message=message)
                self._stopped = self._stopped or message
                raise ModelRefusedError(self._stopped)
            if cause is Cause.UNREADABLE or failures >= self._options.retries:
                return Completion(ReplyStatus.SERVER_ERROR, usage=seconds, message=message)
            failures += 1
            if cause is Cause.BUSY:
                self.pace.refused(wait)
            else:
                time.sleep(wait)

    def _body(self, request: Request, schema: bool, logprobs: bool) -> dict[str, Any]:
        request = replace(request, top_logprobs=min(request.top_logprobs, self._top_logprobs))
        options = self._options
        if (self._token_limit, self._role) != (options.token_limit, options.system_role):
            options = options.model_copy(
                update={"token_limit": self._token_limit, "system_role": self._role}
            )
        body = body_of(options.api, self._model, request, options, schema=schema, logprobs=logprobs)
        with self._guard:
            return {k: v for k, v in body.items() if k not in self._left_out}

    def _size(self, request: Request) -> int:
        return sum(len(m.text) for m in request.messages) // _CHARS + request.max_tokens

    def _leave_out(self, names: Iterable[str]) -> None:
        """Notes what is refused."""
        with self._guard:
            for name in names:
                if name in _TOKEN_LIMITS:
                    other = _TOKEN_LIMITS[name]
                    if other not in self._left_out:
                        self._token_limit = other
                        self._left_out.add(name)
                elif name == "top_logprobs" and self._top_logprobs > _FEW:
                    self._top_logprobs = _FEW
                elif name in _LOGPROBS:
                    self._left_out |= _LOGPROBS
                elif name != "max_output_tokens":
                    self._left_out.add(name)

    def _send(self, body: Mapping[str, Any], limit: int) -> ParsedReply:
        api = self._options.api
        create: Any
        if api == CHAT:
            create = self.client.chat.completions.with_streaming_response.create
            required = {"model": body["model"], "messages": body["messages"]}
        else:
            create = self.client.responses.with_streaming_response.create
            required = {"model": body["model"], "input": body["input"]}
        rest = {k: v for k, v in body.items() if k not in required}
        deadline = time.monotonic() + self._options.answer_s
        with create(**required, extra_body=rest) as response:
            if "text/event-stream" in response.headers.get("content-type", ""):
                if not body.get("stream"):
                    raise UnreadableReplyError("the server streams, which it was not asked to")
                lines = _until(deadline, response.iter_lines())
                data = joined_chat(lines) if api == CHAT else last_response(lines)
            else:
                data = _parsed(response.read())
        if api == CHAT:
            return read_chat(data, self._options, limit)
        return read_response(data, self._options, limit)

    def _completion(self, reply: ParsedReply, request: Request, begun: float) -> Completion:
        parsed = read_json(reply.text, request.schema) if request.schema is not None else None
        first = reply.alternatives[0].logprobs if reply.alternatives else {}
        usage = replace(reply.usage, seconds=time.perf_counter() - begun)
        return Completion(
            reply.status,
            reply.text,
            parsed,
            first,
            usage,
            thinking=reply.thinking,
            alternatives=reply.alternatives if request.top_logprobs else (),
            left_out=self.left_out,
        )

    def _reading(self, error: Exception, body: Mapping[str, Any]) -> RequestError:
        from openai import APIStatusError

        if isinstance(error, InputError):
            return RequestError(Cause.STOP)
        if isinstance(error, APIStatusError):
            return read_refusal(error.status_code, error.body, str(error), body)
        if isinstance(error, TornReplyError):
            return RequestError(Cause.TROUBLE)
        final = isinstance(error, UnreadableReplyError | AnswerTimeError)
        return RequestError(Cause.UNREADABLE if final else Cause.TROUBLE)

    def _wait(self, error: Exception, failures: int) -> float:
        """Returns seconds until the next try: what the server asks for, else more each time."""
        told = _retry_after(getattr(getattr(error, "response", None), "headers", None))
        if told is not None:
            return min(told, _LONGEST_WAIT_S)
        return min(0.5 * 2.0**failures, 8.0) * (1 - 0.25 * self._random.random())

    def scrub(self, error: Exception) -> str:
        """Returns an error in one line, without keys."""
        message = f"{type(error).__name__}: {error}"
        body = getattr(error, "body", None)
        if body and " - " not in message:
            message += f" - {body if isinstance(body, str) else json.dumps(body, default=str)}"
        message = " ".join(message.split())
        secrets = [os.environ.get(self._options.key_env)]
        for value in self._options.headers.values():
            secrets.append(_from_environment(value, missing_ok=True))
        for secret in secrets:
            if secret:
                message = message.replace(secret, "[key]")
        address = self._options.base_url
        if address and without_credentials(address) != address:
            message = message.replace(address, without_credentials(address))
        return message[:300]


def _until(deadline: float, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if time.monotonic() > deadline:
            raise AnswerTimeError("the answer took longer than 'answer_s'")
        yield line


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise UnreadableReplyError("the reply is not JSON") from None


def _from_environment(value: str, missing_ok: bool = False) -> str:
    if not value.startswith("env:"):
        return value
    found = os.environ.get(value[4:])
    if found is None and not missing_ok:
        raise InputError(f"the environment variable {value[4:]} of 'headers' is not set")
    return found or ""


def _retry_after(headers: Any) -> float | None:
    if headers is None:
        return None
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) / unit)
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except (TypeError, ValueError):
            continue
    return None
