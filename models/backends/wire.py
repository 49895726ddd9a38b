"""What is sent to OpenAI-compatible servers and what comes back, as plain JSON data.

Servers differ in what they add to the interface; what is read here is what any of them sends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from surefoot.core.chat import Message, ReplyStatus, Request, TokenAlternatives, Usage
from surefoot.core.thinking import TAGS, split_reply
from surefoot.models.images import data_url
from surefoot.models.options import ModelOptions

_LEAST = 16
"""Least limit on tokens that the responses interface takes."""

CHAT, RESPONSES = "chat", "responses"

SAMPLING = (
    "temperature",
    "seed",
    "top_p",
    "stop",
    "reasoning_effort",
    "reasoning",
)
"""Entries of requests that change answers; a server that refuses one makes a deviation."""


class UnreadableReplyError(Exception):
    """A reply that is none of the interface's."""


class TornReplyError(UnreadableReplyError):
    """A stream that ended before its answer did; another try may succeed."""


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """A reply in parts.

    Attributes:
        status: ``ANSWERED``, ``CUT`` or ``REFUSED``.
        text: The answer, without thinking.
        thinking: What was thought.
        alternatives: The first tokens with their alternatives.
        usage: Tokens.
    """

    status: ReplyStatus
    text: str
    thinking: str
    alternatives: tuple[TokenAlternatives, ...]
    usage: Usage


def body_of(
    api: str, model: str, request: Request, options: ModelOptions, *, schema: bool, logprobs: bool
) -> dict[str, Any]:
    """Returns the body of a request.

    Args:
        api: ``chat`` or ``responses``.
        model: Name of the model on the server.
        request: What to ask.
        options: Settings.
        schema: Whether the server is given the schema of the answer.
        logprobs: Whether it is asked for log-probabilities.
    """
    messages = _with_role(request.messages, options.system_role)
    body: dict[str, Any] = {"model": model}
    given: dict[str, Any] = {"temperature": request.temperature, "top_p": options.top_p}
    shape = {"name": "answer", "schema": dict(request.schema or {}), "strict": True}
    if api == CHAT:
        body["messages"] = [_chat_message(m) for m in messages]
        body[options.token_limit] = request.max_tokens
        given |= {
            "seed": request.seed if options.seed else None,
            "stop": list(options.stop) or None,
            "reasoning_effort": options.reasoning_effort or None,
        }
        if schema:
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        if logprobs:
            body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    else:
        body["input"] = [_response_message(m) for m in messages]
        least = _LEAST if logprobs else 1
        body |= {"max_output_tokens": max(least, request.max_tokens), "store": False}
        if options.reasoning_effort:
            given["reasoning"] = {"effort": options.reasoning_effort}
        if schema:
            body["text"] = {"format": {"type": "json_schema", **shape}}
        if logprobs:
            body["include"] = ["message.output_text.logprobs"]
            body["top_logprobs"] = request.top_logprobs
    body |= {name: value for name, value in given.items() if value is not None}
    stream = options.stream and not logprobs  # a few tokens need no stream
    body["stream"] = stream  # some servers stream unless told not to
    if stream and api == CHAT:
        body["stream_options"] = {"include_usage": True}
    return {**body, **options.extra_body}


def _with_role(messages: tuple[Message, ...], role: str) -> tuple[Message, ...]:
    if role == "system":
        return messages
    if role == "developer":
        return tuple(replace(m, role=role) if m.role == "system" else m for m in messages)
    told = "\n\n".join(m.text for m in messages if m.role == "system")
    rest = [m for m in messages if m.role != "system"]
    if told and rest:
        rest[0] = replace(rest[0], text=f"{told}\n\n{rest[0].text}")
    return tuple(rest)


def _chat_message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": data_url(i)}} for i in message.images
    ]
    return {"role": message.role, "content": [*parts, {"type": "text", "text": message.text}]}


def _response_message(message: Message) -> dict[str, Any]:
    if message.role == "assistant":
        return {"role": "assistant", "content": message.text}
    parts: list[dict[str, Any]] = [
        {"type": "input_image", "image_url": data_url(i), "detail": "auto"} for i in message.images
    ]
    return {"role": message.role, "content": [*parts, {"type": "input_text", "text": message.text}]}


def joined_chat(lines: Iterable[str]) -> dict[str, Any]:
    """Joins a stream of the chat interface to the reply that it would be in one piece.

    Raises:
        UnreadableReplyError: It is no such stream, or breaks off.
    """
    texts: dict[str, list[str]] = {"content": [], "reasoning_content": [], "refusal": []}
    logprobs: list[Any] = []
    finish: str | None = None
    usage: Any = None
    done = False
    for data in _events(lines):
        if data is None:
            done = True
            break
        _raise_error(data)
        usage = data.get("usage") or usage
        for choice in data.get("choices") or ():
            delta = choice.get("delta")
            if not isinstance(delta, dict):
                raise UnreadableReplyError("a stream without 'delta'")
            content, thought = _content(delta.get("content"))
            texts["content"].append(content)
            texts["reasoning_content"].append(_thought(delta) + thought)
            texts["refusal"].append(delta.get("refusal") or "")
            logprobs += (choice.get("logprobs") or {}).get("content") or []
            finish = choice.get("finish_reason") or finish
    if finish is None and not done:
        raise TornReplyError("the stream broke off")
    if finish is None and not any(map(any, texts.values())):
        raise UnreadableReplyError("the stream ended without an answer")
    message = {name: "".join(parts) for name, parts in texts.items()}
    choice = {"message": message, "finish_reason": finish, "logprobs": {"content": logprobs}}
    return {"choices": [choice], "usage": usage}


def last_response(lines: Iterable[str]) -> dict[str, Any]:
    """Returns the reply at the end of a stream of the responses interface.

    Raises:
        UnreadableReplyError: It is no such stream, or breaks off.
    """
    for data in _events(lines):
        if data is None:
            break
        if data.get("type") == "error":
            raise UnreadableReplyError(f"the server reports {data.get('message') or data}")
        _raise_error(data)
        found = data.get("response")
        if isinstance(found, dict) and data.get("type") in (
            "response.completed",
            "response.incomplete",
            "response.failed",
        ):
            return found
    raise TornReplyError("the stream broke off")


def _events(lines: Iterable[str]) -> Iterable[dict[str, Any] | None]:
    """Yields the data of server-sent events, ``None`` at the marked end."""
    for line in lines:
        if not line.startswith("data:"):
            continue  # names of events, comments that keep a connection open, blank lines
        text = line[5:].strip()
        if text == "[DONE]":
            yield None
            continue
        try:
            data = json.loads(text)
        except ValueError:
            raise UnreadableReplyError("a line of the stream is not JSON") from None
        if not isinstance(data, dict):
            raise UnreadableReplyError("a line of the stream is no object")
        yield data


def _raise_error(data: Mapping[str, Any]) -> None:
    error = data.get("error")
    if error:
        message = error.get("message") if isinstance(error, dict) else error
        raise UnreadableReplyError(f"the server reports {message}")


def read_chat(data: Any, options: ModelOptions, limit: int) -> ParsedReply:
    """Reads a reply of the chat interface.

    Args:
        data: The reply, plain JSON data.
        options: Settings.
        limit: Maximum number of tokens that was asked for.

    Raises:
        UnreadableReplyError: It is no such reply.
    """
    if not isinstance(data, dict):
        raise UnreadableReplyError("the reply is no object")
    _raise_error(data)
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise UnreadableReplyError("the reply has no 'choices'")
    choice = choices[0]
    message = choice.get("message")
    if not isinstance(message, dict):
        raise UnreadableReplyError("the reply has no 'message'")
    content, thought = _content(message.get("content"))
    thought = "\n\n".join(t for t in (_thought(message), thought) if t)
    refusal = message.get("refusal") or ""
    finish = choice.get("finish_reason")
    usage = _chat_usage(data.get("usage") or {})
    listed = (choice.get("logprobs") or {}).get("content") or ()
    if finish == "content_filter" or refusal:
        text = content or refusal
        return ParsedReply(ReplyStatus.REFUSED, text, thought, _alternatives(listed), usage)
    cut = finish in ("length", "max_tokens")
    return _split(content, thought, cut, listed, usage, options, limit)


def read_response(data: Any, options: ModelOptions, limit: int) -> ParsedReply:
    """Reads a reply of the responses interface; see :func:`read_chat`."""
    if not isinstance(data, dict):
        raise UnreadableReplyError("the reply is no object")
    _raise_error(data)
    if not isinstance(data.get("output"), list):
        raise UnreadableReplyError("the reply has no 'output'")
    texts: list[str] = []
    thoughts: list[str] = []
    refusals: list[str] = []
    listed: list[Any] = []
    for item in data["output"]:
        parts = item.get("content") or ()
        if item.get("type") == "reasoning":
            shown = [p.get("text") or "" for p in parts]
            thoughts += shown or [p.get("text") or "" for p in item.get("summary") or ()]
            continue
        for part in parts:
            refusals.append(part.get("refusal") or "")
            if part.get("type") in ("output_text", "text"):
                texts.append(part.get("text") or "")
                listed += part.get("logprobs") or []
    reason = (data.get("incomplete_details") or {}).get("reason") or ""
    usage = _response_usage(data.get("usage") or {})
    thought = "\n\n".join(t for t in thoughts if t)
    refusal = "".join(refusals)
    if refusal or reason == "content_filter":
        text = "".join(texts) or refusal
        return ParsedReply(ReplyStatus.REFUSED, text, thought, _alternatives(listed), usage)
    if data.get("status") == "failed":
        raise UnreadableReplyError("the server reports a failure")
    cut = reason == "max_output_tokens"
    return _split("".join(texts), thought, cut, listed, usage, options, limit)


def _split(
    content: str,
    thought: str,
    cut: bool,
    listed: Iterable[Any],
    usage: Usage,
    options: ModelOptions,
    limit: int,
) -> ParsedReply:
    """Separates thinking that stands in the text, and sees where an answer was cut.

    Some servers call an answer complete that has as many tokens as were allowed.
    """
    cut = cut or usage.completion_tokens >= limit
    text, more = separate(content, options.thinking_tags, opened=options.thinking_open)
    thinking = "\n\n".join(t for t in (thought.strip(), more) if t)
    status = ReplyStatus.CUT if cut else ReplyStatus.ANSWERED
    return ParsedReply(status, text, thinking, _alternatives(listed), usage)


def separate(
    text: str, tags: tuple[tuple[str, str], ...] = (), *, opened: bool = False
) -> tuple[str, str]:
    """Returns the answer in a text and the thinking in it.

    Args:
        text: What a model wrote.
        tags: Further opening and closing marks of thinking.
        opened: Whether the prompt opened the thinking, so that a text without its closing mark
            holds no answer yet.
    """
    if opened and text.strip():
        known = [*tags, *TAGS]
        low = text.lower()
        if not any(close.lower() in low for _, close in known):
            return "", text.strip()
    parts = split_reply(text, tags)
    if parts.finished and not parts.thinking and parts.answer == text.strip():
        return text, ""
    return (parts.answer if parts.finished else ""), parts.thinking


def _content(value: Any) -> tuple[str, str]:
    """Returns text and thinking of a content, which may be a list of parts (Mistral)."""
    if value is None:
        return "", ""
    if isinstance(value, str):
        return value, ""
    if not isinstance(value, list):
        raise UnreadableReplyError("the reply's 'content' is no text")
    texts: list[str] = []
    thoughts: list[str] = []
    for part in value:
        if part.get("type") == "thinking":
            thoughts.append(_content(part.get("thinking"))[0])
        else:
            texts.append(part.get("text") or "")
    return "".join(texts), "".join(thoughts)


def _thought(message: Mapping[str, Any]) -> str:
    for name in ("reasoning_content", "reasoning"):
        value = message.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _alternatives(listed: Iterable[Any]) -> tuple[TokenAlternatives, ...]:
    found = []
    for entry in listed:
        top = entry.get("top_logprobs") or [entry]
        values = {t["token"]: float(t["logprob"]) for t in top if t.get("logprob") is not None}
        found.append(TokenAlternatives(str(entry.get("token") or ""), values))
    return tuple(found)


def _chat_usage(usage: Mapping[str, Any]) -> Usage:
    read, written = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    thought = _count(usage.get("completion_tokens_details"), "reasoning_tokens")
    cached = _count(usage.get("prompt_tokens_details"), "cached_tokens")
    cached = cached or _count(usage, "prompt_cache_hit_tokens")
    # Some servers count thinking beside the answer, not within it.
    if thought and _count(usage, "total_tokens") == read + written + thought:
        written += thought
    return Usage(read, written, cached_tokens=cached, reasoning_tokens=min(thought, written))


def _response_usage(usage: Mapping[str, Any]) -> Usage:
    written = _count(usage, "output_tokens")
    return Usage(
        _count(usage, "input_tokens"),
        written,
        cached_tokens=_count(usage.get("input_tokens_details"), "cached_tokens"),
        reasoning_tokens=min(
            written, _count(usage.get("output_tokens_details"), "reasoning_tokens")
        ),
    )


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, Mapping) else None
    return int(value) if isinstance(value, int | float) and value > 0 else 0
