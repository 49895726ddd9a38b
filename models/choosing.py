"""Probabilities of given answers, from any language model.

The question lists the answers as letters, or names the words that may be said, and the model's
first token decides: its log-probabilities, folded over case, blanks and marks, are the score of
each answer. What falls on anything else is told as missing ``mass``; where too much is missing
the question is ``unscored`` and not renormalised. Models without log-probabilities are asked
several times, or for the probabilities themselves. Answers are listed in several orders and the
scores averaged, since models prefer some places of a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite
from string import ascii_uppercase

from surefoot.core.chat import (
    Completion,
    Message,
    OptionRequest,
    OptionScores,
    ReplyStatus,
    Request,
    TokenAlternatives,
    Usage,
)
from surefoot.core.errors import HarnessError, InputError
from surefoot.core.thinking import TAGS
from surefoot.models.options import ModelOptions
from surefoot.models.protocol import OptionScorer, TextModel
from surefoot.results.structured import read_json

_WORDS = frozenset({"yes", "no", "true", "false"})
"""Answers that are asked for as words."""

_TOKENS = 4
"""Tokens of an answer that are looked at: a letter, and marks before it."""

_SMOOTHING = 0.5
"""Added to each answer's count (Jeffreys), since what was not drawn is not impossible."""

_MARKS = re.compile(r"[\s*_`'\"()\[\]{}.,:;!?#<>\-–—▁Ġ]+")
_BEFORE = r"^\W*(?:(?:the\s+)?(?:final\s+|correct\s+)?answer\s*(?:is|:)?)?\W*"
_LABEL = re.compile(_BEFORE + r"([a-z])(?:[\s*_`'\"]*[).:,]|\W*$)", re.IGNORECASE)
_WORD = re.compile(_BEFORE + r"([a-z]+)\b", re.IGNORECASE)
_SLACK = 0.05
"""By how much stated probabilities may miss 1 in sum."""


def scores_directly(model: object) -> bool:
    """Whether a model has a way of its own to score answers, without a list of letters.

    Models that were trained on given prompts do, and so do servers with an interface for it.
    """
    if not isinstance(model, OptionScorer):
        return False
    return bool(getattr(model, "direct_options", True))


def can_choose(model: object) -> bool:
    """Whether a model can be asked for probabilities of given answers."""
    return isinstance(model, OptionScorer | TextModel)


def choose(
    model: object, requests: Sequence[OptionRequest], options: ModelOptions
) -> list[OptionScores]:
    """Returns how likely a model finds the answers of each request.

    Args:
        model: A :class:`TextModel` or an :class:`OptionScorer`.
        requests: The questions.
        options: Settings, of which those that begin with ``option_`` are used.

    Raises:
        HarnessError: The model could not be asked.
    """
    if isinstance(model, OptionScorer) and scores_directly(model):
        asked = [Request(r.messages, 16, 0.0, r.seed) for r in requests]
        return model.score_batch(asked, [r.options for r in requests])
    if not isinstance(model, TextModel):
        raise HarnessError("the model gives no probabilities of answers")
    return choose_listed(model, requests, options)


def choose_listed(
    model: TextModel, requests: Sequence[OptionRequest], options: ModelOptions
) -> list[OptionScores]:
    """Returns scores by letters or words; see :func:`choose`."""
    if not requests:
        return []
    method = options.option_method
    forms = [_forms(r, options.option_orders) for r in requests]
    if method == "stated":
        return _stated(model, requests, forms, options)
    seen = model.capabilities()
    if method == "sampled" or (method == "auto" and not seen.logprobs):
        return _sampled(model, requests, forms, options)
    found = _by_logprobs(model, requests, forms, options, seen.top_logprobs)
    left = [i for i, scores in enumerate(found) if scores is None]
    if method == "auto" and left:
        again = _sampled(model, [requests[i] for i in left], [forms[i] for i in left], options)
    else:
        again = [_unscored(requests[i], "logprobs", 0.0, Usage(), options) for i in left]
    settled = dict(zip(left, again, strict=True))
    return [scores if scores is not None else settled[i] for i, scores in enumerate(found)]


@dataclass(frozen=True, slots=True)
class _Form:
    """A question with its answers in one order.

    Attributes:
        messages: The conversation.
        labels: What is to be answered, in the order of the list.
        texts: What the labels stand for.
        places: For each label the index of its answer in the request.
    """

    messages: tuple[Message, ...]
    labels: tuple[str, ...]
    texts: tuple[str, ...]
    places: tuple[int, ...]


def _forms(request: OptionRequest, orders: int) -> list[_Form]:
    messages, texts = request.messages, request.options
    if request.unlisted is not None:
        messages, texts = request.unlisted.messages, request.unlisted.texts
    if not 2 <= len(texts) <= len(ascii_uppercase):
        raise InputError(f"a question needs 2 to {len(ascii_uppercase)} answers, not {len(texts)}")
    letters = all(len(t) == 1 and t.isalpha() for t in texts)
    words = letters or all(t.casefold() in _WORDS for t in texts)
    found = []
    for order in _orders(len(texts), orders):
        listed = tuple(texts[i] for i in order)
        if words:
            labels = listed
            said = f"{', '.join(listed[:-1])} or {listed[-1]}"
            what = "letter" if letters else "word"
            more = f"Answer with one {what} and nothing else: {said}."
        else:
            labels = tuple(ascii_uppercase[: len(listed)])
            rows = "\n".join(f"{a}) {t}" for a, t in zip(labels, listed, strict=True))
            more = f"Options:\n{rows}\nAnswer with the letter of one option and nothing else."
        last = messages[-1]
        asked = replace(last, text=f"{last.text}\n\n{more}")
        found.append(_Form((*messages[:-1], asked), labels, listed, order))
    return found


def _orders(count: int, orders: int) -> list[tuple[int, ...]]:
    """Returns different orders: as given, reversed, then rotations of these."""
    given = tuple(range(count))
    found = [turn[k:] + turn[:k] for k in range(count) for turn in (given, tuple(reversed(given)))]
    return list(dict.fromkeys(found))[:orders]


def _by_logprobs(
    model: TextModel,
    requests: Sequence[OptionRequest],
    forms: Sequence[Sequence[_Form]],
    options: ModelOptions,
    top: int,
) -> list[OptionScores | None]:
    """Returns scores; ``None`` of a question that the model began to think about."""
    asked = [
        Request(form.messages, _TOKENS, 0.0, request.seed, top_logprobs=top)
        for request, own in zip(requests, forms, strict=True)
        for form in own
    ]
    answers = dict(model.generate(asked))
    found: list[OptionScores | None] = []
    at = 0
    for request, own in zip(requests, forms, strict=True):
        got = [answers[at + i] for i in range(len(own))]
        at += len(own)
        failed = _failure(request, "logprobs", got)
        if failed is not None:
            found.append(failed)
        elif any(c.thinking or not c.alternatives or _opens(c.alternatives) for c in got):
            found.append(None)
        else:
            masses = [label_masses(c.alternatives, f.labels) for c, f in zip(got, own, strict=True)]
            found.append(_joined(request, own, masses, "logprobs", _usage(got), options))
    return found


def label_masses(alternatives: Iterable[TokenAlternatives], labels: Sequence[str]) -> list[float]:
    """Returns the probability that an answer begins with each label.

    Args:
        alternatives: The first tokens with their alternatives.
        labels: Letters or words.

    Returns:
        Lower bounds, since only the likeliest tokens are known; they sum to 1 at most.
    """
    masses = [0.0] * len(labels)
    weight = 1.0
    for position in alternatives:
        for token, logprob in position.logprobs.items():
            label = _label_of(folded(token), labels)
            if label is not None:
                masses[label] += weight * exp(min(0.0, logprob))
        before = position.logprobs.get(position.token)
        if folded(position.token) or before is None:
            break
        weight *= exp(min(0.0, before))  # a mark or a blank before the label
    total = sum(masses)
    return [m / total for m in masses] if total > 1 else masses


def folded(token: str) -> str:
    """Returns a token without case, blanks and marks.

    >>> [folded(t) for t in ("A", " A", "A)", "(A)", "**A**", "a", "▁Yes,")]
    ['a', 'a', 'a', 'a', 'a', 'a', 'yes']
    """
    return _MARKS.sub("", token).casefold()


def _label_of(said: str, labels: Sequence[str]) -> int | None:
    if not said:
        return None
    for i, label in enumerate(labels):
        if said == label.casefold():
            return i
    if len(said) < 2:
        return None
    beginning = [i for i, label in enumerate(labels) if label.casefold().startswith(said)]
    return beginning[0] if len(beginning) == 1 else None


def _opens(alternatives: Sequence[TokenAlternatives]) -> bool:
    """Whether an answer begins with thinking."""
    text = "".join(a.token for a in alternatives).strip().casefold()
    marks = [*(opening for opening, _ in TAGS), "<|channel|>"]
    return bool(text) and any(text.startswith(m) or m.startswith(text) for m in marks)


def _sampled(
    model: TextModel,
    requests: Sequence[OptionRequest],
    forms: Sequence[Sequence[_Form]],
    options: ModelOptions,
) -> list[OptionScores]:
    draws = options.option_samples
    heat = None if options.temperature is None else options.temperature or 1.0
    asked = [
        Request(own[i % len(own)].messages, options.max_tokens, heat, request.seed + i)
        for request, own in zip(requests, forms, strict=True)
        for i in range(draws)
    ]
    answers = dict(model.generate(asked))
    found = []
    for row, (request, own) in enumerate(zip(requests, forms, strict=True)):
        got = [answers[row * draws + i] for i in range(draws)]
        failed = _failure(request, "sampled", got)
        if failed is not None:
            found.append(failed)
            continue
        counts = [0] * len(request.options)
        for i, completion in enumerate(got):
            if completion.status is ReplyStatus.REFUSED:
                continue
            form = own[i % len(own)]
            label = read_label(completion.text, form.labels, form.texts)
            if label is not None:
                counts[form.places[label]] += 1
        read, usage = sum(counts), _usage(got)
        if read / draws < options.option_floor or not read:
            found.append(_unscored(request, "sampled", read / draws, usage, options))
            continue
        total = read + _SMOOTHING * len(counts)
        shares = tuple((c + _SMOOTHING) / total for c in counts)
        found.append(OptionScores(request.options, shares, "sampled", usage, mass=read / draws))
    return found


def read_label(text: str, labels: Sequence[str], texts: Sequence[str]) -> int | None:
    """Reads which answer a text gives.

    A letter that is a word of a sentence ('A red block') is none; the words of an answer are
    taken for its letter.

    Args:
        text: The answer, without thinking.
        labels: Letters or words.
        texts: What they stand for.

    Returns:
        Index of the label, ``None`` if the text gives none or is not clear.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    for line in lines[:1] + lines[-1:]:
        for i, label in enumerate(labels):
            match = (_LABEL if len(label) == 1 else _WORD).match(line)
            if match is not None and match[1].casefold() == label.casefold():
                return i
    whole = folded(text)
    same = [i for i, t in enumerate(texts) if folded(t) == whole]
    return same[0] if len(same) == 1 else None


def _stated(
    model: TextModel,
    requests: Sequence[OptionRequest],
    forms: Sequence[Sequence[_Form]],
    options: ModelOptions,
) -> list[OptionScores]:
    asked = [
        Request(
            _asking_for_numbers(form), options.max_tokens, options.temperature, request.seed, schema
        )
        for request, own in zip(requests, forms, strict=True)
        for form in own
        for schema in (_numbers_schema(form.labels),)
    ]
    answers = dict(model.generate(asked))
    found = []
    at = 0
    for request, own in zip(requests, forms, strict=True):
        got = [answers[at + i] for i in range(len(own))]
        at += len(own)
        failed = _failure(request, "stated", got)
        if failed is not None:
            found.append(failed)
            continue
        masses = [_numbers(c, f.labels) for c, f in zip(got, own, strict=True)]
        found.append(_joined(request, own, masses, "stated", _usage(got), options))
    return found


def _asking_for_numbers(form: _Form) -> tuple[Message, ...]:
    *before, last = form.messages
    question = last.text.rpartition("\nAnswer with")[0] or last.text
    shape = json.dumps(dict.fromkeys(form.labels, 0.0)).replace("0.0", "…")
    told = (
        f"{question}\nHow likely is each of these answers? Answer with one JSON object and "
        f"nothing else, with a probability from 0 to 1 for each: {shape}"
    )
    return (*before, replace(last, text=told))


def _numbers_schema(labels: Sequence[str]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {label: {"type": "number"} for label in labels},
        "required": list(labels),
        "additionalProperties": False,
    }


def _numbers(completion: Completion, labels: Sequence[str]) -> list[float]:
    data = completion.parsed
    if data is None:
        data = read_json(completion.text, _numbers_schema(labels))
    values = [float(data[label]) for label in labels] if isinstance(data, dict) else []
    total = sum(values)
    if not values or not all(isfinite(v) and v >= 0 for v in values) or total > 1 + _SLACK:
        return [0.0] * len(labels)
    return [v / total for v in values] if total >= 1 - _SLACK else values


def _joined(
    request: OptionRequest,
    forms: Sequence[_Form],
    masses: Sequence[Sequence[float]],
    method: str,
    usage: Usage,
    options: ModelOptions,
) -> OptionScores:
    """Averages the scores over orders."""
    mean = [0.0] * len(request.options)
    for form, own in zip(forms, masses, strict=True):
        for place, mass in zip(form.places, own, strict=True):
            mean[place] += mass / len(forms)
    total = sum(mean)
    if total < options.option_floor or total <= 0:
        return _unscored(request, method, total, usage, options)
    return OptionScores(
        request.options, tuple(m / total for m in mean), method, usage, mass=min(1.0, total)
    )


def _unscored(
    request: OptionRequest, method: str, mass: float, usage: Usage, options: ModelOptions
) -> OptionScores:
    message = (
        f"only {mass:.0%} of what the model would say names one of the answers; "
        f"'option_floor' asks for {options.option_floor:.0%}"
    )
    return OptionScores(request.options, (), method, usage, ReplyStatus.UNSCORED, message, mass)


def _failure(request: OptionRequest, method: str, got: Sequence[Completion]) -> OptionScores | None:
    for completion in got:
        if completion.status is ReplyStatus.SERVER_ERROR:
            status, message = ReplyStatus.SERVER_ERROR, completion.message
            return OptionScores(request.options, (), method, _usage(got), status, message, 0.0)
    return None


def _usage(got: Iterable[Completion]) -> Usage:
    total: Usage | None = None
    for completion in got:
        total = completion.usage if total is None else total + completion.usage
    return total or Usage()
