"""Strict parsing of clients' requests: unsupported fields are refused, never ignored."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surefoot.core.chat import Message
from surefoot.core.wording import problem

_TOP = 20
"""Most alternatives of a token, as with OpenAI."""


Given = TypeVar("Given", bound=BaseModel)


class ApiError(Exception):
    """An error response in OpenAI's format.

    Args:
        message: One line.
        status: HTTP status.
        param: The parameter that it is about, if any.
        code: A word for programs.
    """

    def __init__(
        self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        kind = "server_error" if status >= 500 else "invalid_request_error"
        self.body: dict[str, Any] = {
            "error": {"message": message, "type": kind, "param": param, "code": code}
        }


@dataclass(frozen=True, slots=True)
class ServingRequest:
    """One thing to be generated.

    Attributes:
        messages: The conversation, empty if ``prompt`` is given.
        prompt: A text to be completed as it is, ``None`` for a conversation.
        max_tokens: Most tokens, ``None`` for as many as the model takes.
        temperature: 0 for the likeliest answer.
        top_p: Probability mass that is drawn from, above 0.
        seed: Seed of the draws, ``None`` for any.
        stop: Texts before which the answer ends.
        top_logprobs: Alternatives to report of each token, ``None`` for no log-probabilities.
        stream: Whether the answer is sent as it is made.
        tell_usage: Whether a stream ends with the numbers of tokens.
    """

    messages: tuple[Message, ...] = ()
    prompt: str | None = None
    max_tokens: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    stream: bool = False
    tell_usage: bool = False


class _StreamOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")
    include_usage: bool = False
    include_obfuscation: bool = False


class _Format(BaseModel):
    model_config = ConfigDict(extra="allow")
    type: str


class _Common(BaseModel):
    """What both interfaces take; fields with a fixed value are taken only with it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    user: str | None = None


class _Chat(_Common):
    messages: list[dict[str, Any]] = Field(min_length=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=_TOP)
    response_format: _Format | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    functions: list[Any] | None = None
    function_call: Any = None
    audio: Any = None
    modalities: list[str] | None = None


class _Text(_Common):
    prompt: str | list[Any]
    logprobs: int | None = Field(default=None, ge=0, le=_TOP)
    echo: bool | None = None
    best_of: int | None = None
    suffix: str | None = None


def read_chat(body: bytes) -> tuple[str, ServingRequest]:
    """Reads the body of ``/v1/chat/completions``.

    Returns:
        The model that is asked for, and what is asked.

    Raises:
        ApiError: Something is wrong or not supported.
    """
    given = _validated(_Chat, body)
    _refuse_common(given)
    for name in ("tools", "functions"):
        if getattr(given, name):
            raise _unsupported(name, "this server calls no tools")
    if given.tool_choice not in (None, "none") or given.function_call not in (None, "none"):
        raise _unsupported("tool_choice", "this server calls no tools")
    if given.response_format is not None and given.response_format.type != "text":
        raise _unsupported("response_format", "this server enforces no form of answers")
    if given.audio is not None or (given.modalities or ["text"]) != ["text"]:
        raise _unsupported("modalities", "this server answers with text only")
    if given.store:
        raise _unsupported("store", "this server keeps no answers")
    if given.top_logprobs is not None and not given.logprobs:
        raise ApiError("top_logprobs needs logprobs to be true", param="top_logprobs")
    if given.max_tokens is not None and given.max_completion_tokens is not None:
        raise ApiError("give max_completion_tokens or max_tokens, not both", param="max_tokens")
    most = given.max_completion_tokens or given.max_tokens
    messages = tuple(_message(m, i) for i, m in enumerate(given.messages))
    logprobs = (given.top_logprobs or 0) if given.logprobs else None
    return given.model, _ask(given, messages=messages, max_tokens=most, top_logprobs=logprobs)


def read_text(body: bytes) -> tuple[str, ServingRequest]:
    """Reads the body of ``/v1/completions``; see :func:`read_chat`."""
    given = _validated(_Text, body)
    _refuse_common(given)
    prompt = given.prompt
    if isinstance(prompt, list):
        if len(prompt) != 1 or not isinstance(prompt[0], str):
            raise _unsupported("prompt", "this server takes one text, not several and no tokens")
        prompt = prompt[0]
    if not prompt:
        raise ApiError("the prompt is empty", param="prompt")
    if given.echo:
        raise _unsupported("echo", "this server does not repeat the prompt")
    if given.suffix:
        raise _unsupported("suffix", "this server does not fill in")
    if given.best_of not in (None, 1):
        raise _unsupported("best_of", "this server gives one answer")
    # 16 tokens by default, as in OpenAI's legacy interface
    most = given.max_tokens or 16
    return given.model, _ask(given, prompt=prompt, max_tokens=most, top_logprobs=given.logprobs)


def _ask(
    given: _Common,
    *,
    max_tokens: int | None,
    top_logprobs: int | None,
    messages: tuple[Message, ...] = (),
    prompt: str | None = None,
) -> ServingRequest:
    stop = [given.stop] if isinstance(given.stop, str) else given.stop or []
    if len(stop) > 4 or not all(stop):
        raise ApiError("stop takes up to 4 texts, none of them empty", param="stop")
    if given.stream_options is not None and not given.stream:
        raise ApiError("stream_options needs stream to be true", param="stream_options")
    usage = given.stream_options is not None and given.stream_options.include_usage
    return ServingRequest(
        messages,
        prompt,
        max_tokens,
        1.0 if given.temperature is None else given.temperature,
        1.0 if given.top_p is None else given.top_p,
        given.seed,
        tuple(stop),
        top_logprobs,
        bool(given.stream),
        usage,
    )


def _refuse_common(given: _Common) -> None:
    if given.n not in (None, 1):
        raise _unsupported("n", "this server gives one answer")
    for name in ("presence_penalty", "frequency_penalty"):
        if getattr(given, name):
            raise _unsupported(name, "this server has no penalties")
    if given.logit_bias:
        raise _unsupported("logit_bias", "this server does not change log-probabilities")


def _unsupported(name: str, why: str) -> ApiError:
    return ApiError(f"{name} is not supported: {why}", param=name, code="unsupported_parameter")


def _validated(kind: type[Given], body: bytes) -> Given:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError("the body of the request is not JSON") from None
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(p) for p in first["loc"]) or None
        if first["type"] == "extra_forbidden":
            message, code = f"{name} is not a parameter of this server", "unsupported_parameter"
            raise ApiError(message, param=name, code=code) from None
        raise ApiError(f"{name or 'body'}: {problem(first)}", param=name) from None


_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}


def _message(given: dict[str, Any], index: int) -> Message:
    place = f"messages.{index}"
    role = given.get("role")
    if role not in _ROLES:
        raise ApiError(f"{place}: role must be one of {', '.join(_ROLES)}", param=place)
    for name, value in given.items():
        if name not in ("role", "content", "name", "refusal") and value:
            raise _unsupported(f"{place}.{name}", "this server reads role and content only")
    content = given.get("content")
    if isinstance(content, str):
        return Message(_ROLES[role], content)
    if not isinstance(content, list):
        raise ApiError(f"{place}: content must be a text or a list of parts", param=place)
    texts, images = _parts(content, place)
    return Message(_ROLES[role], "".join(texts), tuple(images))


def _parts(content: Sequence[Any], place: str) -> tuple[list[str], list[bytes]]:
    texts: list[str] = []
    images: list[bytes] = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif kind == "image_url" and isinstance(part.get("image_url"), dict):
            images.append(_image(part["image_url"].get("url"), place))
        else:
            raise ApiError(
                f"{place}: a part of the content is no text and no image_url",
                param=place,
                code="unsupported_content",
            )
    return texts, images


def _image(url: Any, place: str) -> bytes:
    if not isinstance(url, str) or not url.startswith("data:image/") or ";base64," not in url:
        raise ApiError(
            f"{place}: images come as data URLs in base64; this server fetches none",
            param=place,
            code="unsupported_content",
        )
    try:
        return base64.b64decode(url.partition(";base64,")[2], validate=True)
    except (binascii.Error, ValueError):
        raise ApiError(f"{place}: the image is not base64", param=place) from None
