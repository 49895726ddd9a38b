"""OpenAI's decisions interface: a probability for each of the given answers."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from surefoot.core.chat import Message, OptionScores, Request, Usage
from surefoot.models.images import data_url

if TYPE_CHECKING:
    from openai import OpenAI

_MAX_CHOICES = 255


def decide(
    client: OpenAI, model: str, request: Request, options: Sequence[str]
) -> OptionScores | None:
    """Asks which of several answers is right.

    Only the probabilities are used: the interface's ``confidence`` is another quantity.

    Args:
        client: The client.
        model: Name of the model.
        request: The conversation; its last turn asks the question.
        options: 2 to 255 different answers.

    Returns:
        The scores; ``None`` if the model declines or answers for other options.

    Raises:
        Exception: Whatever the client raises.
    """
    if not 2 <= len(options) <= _MAX_CHOICES:
        return None
    begun = perf_counter()
    question: Any = {
        "type": "choice",
        "instructions": "Choose the right answer to the last message.",
        "choices": [{"value": option} for option in options],
    }
    told: Any = [_message(m) for m in request.messages]
    reply = client.decisions.create(input=told, model=model, questions=[question])
    answer = reply.answers[0] if reply.answers else None
    found = {p.value: p.probability for p in getattr(answer, "probabilities", ())}
    if set(found) != set(options) or not sum(found.values()) > 0:
        return None
    total = sum(found.values())
    usage = Usage(reply.usage.input_tokens, reply.usage.output_tokens, perf_counter() - begun, None)
    return OptionScores(tuple(options), tuple(found[o] / total for o in options), "decision", usage)


def _message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts = [{"type": "input_image", "image_url": data_url(i)} for i in message.images]
    return {"role": message.role, "content": [*parts, {"type": "input_text", "text": message.text}]}
