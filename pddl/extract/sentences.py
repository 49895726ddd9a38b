"""Reads the steps that one line of text states."""

from __future__ import annotations

import re
from dataclasses import replace

from surefoot.pddl.extract.drafts import (
    Draft,
    StepReading,
    merge,
    positional_reading,
    read_arguments,
)
from surefoot.pddl.extract.vocabulary import PhraseHit, Ref, TaskVocabulary

_CALL = re.compile(r"(?<![\w-])([a-z][a-z_-]*[a-z])\s?\(([^()]{0,300})\)")
_SEXPR = re.compile(r"\(\s*([a-z][\w-]*)((?:\s+[\w?-]+)*)\s*\)")
_SPLIT = re.compile(r"(;|:(?=\s|$)|\.(?=\s|$)|\s-\s|[()]|,?\s\bthen\b\s|,\s+while\b)")
_PREFIX_WORDS = frozenset(
    """
    the a an then now next finally first lastly again also and please robot arm agent you i we
    it he she they will should must can would need needs to use uses using with in on from at of
    its your his their my our left right hand gripper arms hands action perform performs execute
    executes do does step by after that once immediately start begin starts let lets let's us
    another simultaneously same time meanwhile both have having proceed go ahead current room
    tile position subsequently afterwards here clean empty other optionally optional
    """.split()
)
_CONNECTOR = re.compile(r"[\s,]*(?:and|then|and then|&|before|followed by|also|plus|it|,)*[\s,]*")
_CONDITIONAL = re.compile(
    r"\bif (?:it is |it's |they are )?(?:not already|needed|necessary|not yet)\b"
)
_PURPOSE = re.compile(
    r"(?:in order )?to [^,.;:]*,? (?:we|you|i|one|it) (?:\w+ )?(?:needs?|must|have to)\b"
)
"""``To serve x we need y first``: says what for, not what is done."""
_STATE_WORDS = re.compile(
    r"\b(?:is|are|now|becomes?|contains?|has|have|remains?|was|were|will|needs?|should|so|since"
    r"|because|which|that|assuming|if)\b"
)
_DESCRIPTION = re.compile(
    r"(?:you|we|i) have (?!to\b)|there (?:is|are)\b|[^()]*\b(?:can|may|must) (?:only|not|never)\b"
)
"""``You have five clean glasses``, ``robots can only paint up``: what is so, not what is done."""
_DROPPED = re.compile(
    r"\b(?:skip(?:ped|ping)?|not allowed|cannot (?:move|paint|be|do)|can't|not required"
    r"|unnecessary|not necessary|no effect|stay put|not possible|is blocked|not needed|invalid)\b"
)


def read_steps(vocabulary: TaskVocabulary, text: str, number: int) -> list[Draft]:
    """Reads the steps that a line states, in order.

    The line must open with an action (after its subject or a place); what follows a colon,
    a full stop or a dash explains that action and may only fill in what it leaves out.

    Args:
        vocabulary: The task's words.
        text: Clean text of the line.
        number: 1-based line number.
    """
    if _PURPOSE.match(text) or _DESCRIPTION.match(text):
        return []
    formal = _formal_calls(vocabulary, text, number)
    if formal:
        return formal
    drafts = _spoken(vocabulary, text, number)
    if _CONDITIONAL.search(text):
        return [replace(draft, conditional=True) for draft in drafts]
    return drafts


def _spoken(vocabulary: TaskVocabulary, text: str, number: int) -> list[Draft]:
    pieces = _SPLIT.split(text)
    drafts: list[Draft] = []
    depth = 0
    separator = lead = ""
    for index, piece in enumerate(pieces):
        if index % 2:
            separator = piece.strip()
            depth += {"(": 1, ")": -1}.get(separator, 0)
            continue
        piece = piece.strip(" ,\"'")
        if not piece:
            continue
        if not drafts:
            stated = _clause(vocabulary, f"{lead} {piece}".strip(), number)
            if not stated and not _heads(vocabulary, piece):
                return []  # a sentence that does not open with an action
            lead = f"{lead} {piece}"  # "robot2: paint up": the subject of what follows
            drafts = stated
            if len(drafts) > 1 and not any(_says(d) for d in drafts):
                return []  # a list of action names
            continue
        stated = _clause(vocabulary, piece, number)
        if not stated:
            if (separator in ("(", ":", "-") or depth > 0) and not _STATE_WORDS.search(piece):
                drafts[-1] = _fill(vocabulary, drafts[-1], piece)
            continue
        joined = merge(drafts[-1], stated[0])
        if joined is not None:
            drafts[-1] = joined
        elif (separator == ";" or "then" in separator) and depth <= 0:
            drafts.extend(stated)
    return drafts


def _says(draft: Draft) -> bool:
    return any(slot is not None for reading in draft.readings for slot in reading.slots)


def dropped(text: str) -> bool:
    """Returns whether a line takes its own step back (``cannot move there; skip``)."""
    return bool(_DROPPED.search(text))


def _formal_calls(vocabulary: TaskVocabulary, text: str, number: int) -> list[Draft]:
    drafts: list[Draft] = []
    end = 0
    for match in [*_SEXPR.finditer(text), *_CALL.finditer(text)]:
        name, inner = match.groups()
        action = vocabulary.action_named(name)
        if action is None or match.start() < end:
            continue
        before = text[: match.start()] if not drafts else text[end : match.start()]
        if drafts and not re.fullmatch(r"[\s,;]*(?:and|then|and then)?[\s,;]*", before):
            continue
        if not drafts and not _heads(vocabulary, before):
            break
        texts = [
            t
            for t in (
                re.split(r"\s*,\s*", inner) if "," in inner or match.re is _CALL else inner.split()
            )
            if t.strip()
        ]
        refs = [vocabulary.object_named(t) for t in texts]
        reading = positional_reading(vocabulary, action, refs, texts)
        if not reading.strict and before.strip():
            subject = [r for r in vocabulary.refs(before) if r.exact]
            reading = _with_refs(vocabulary, reading, subject)
        drafts.append(Draft((reading,), match.group(), number, number))
        end = match.end()
    return drafts


def _heads(vocabulary: TaskVocabulary, prefix: str) -> bool:
    """Returns whether a clause may still begin after this prefix: a subject, a place, no verb."""
    rest = prefix
    for ref in reversed(vocabulary.refs(prefix)):
        rest = rest[: ref.start] + " " + rest[ref.end :]
    words = re.findall(r"[a-z']+|[:?]", rest.replace('"', " "))
    return all(word in _PREFIX_WORDS or word == ":" for word in words)


def _clause(vocabulary: TaskVocabulary, text: str, number: int) -> list[Draft]:
    hits = vocabulary.phrases(text)
    if not hits:
        return []
    refs = vocabulary.refs(text)
    hits = [h for h in hits if not _inside_object(h, refs)]
    if not hits or not _heads(vocabulary, text[: hits[0].start]):
        return []
    accepted = [hits[0]]
    for hit in hits[1:]:
        between = _without_refs(text, accepted[-1].end, hit.start, refs)
        if _CONNECTOR.fullmatch(between) and between.strip():
            accepted.append(hit)
    drafts: list[Draft] = []
    subject = [r for r in refs if r.end <= accepted[0].start]
    for index, hit in enumerate(accepted):
        end = accepted[index + 1].start if index + 1 < len(accepted) else len(text)
        own = [r for r in refs if _verb_end(text, hit) <= r.start < end]
        if not own and index + 1 < len(accepted):  # "clean and empty the shaker"
            own = [r for r in refs if r.start >= _verb_end(text, accepted[index + 1])]
        word = text[hit.start : hit.end]
        tells = subject and word in vocabulary.task.domain.predicates
        if tells and (not own or word.endswith("ing")):
            continue  # "shot glass 4: empty" and "left hand: holding shot1" tell a state
        draft = _draft(vocabulary, hit, subject, own, text[hit.start : end].strip(" ,"), number)
        if draft is not None:
            drafts.append(draft)
    return drafts


def _verb_end(text: str, hit: PhraseHit) -> int:
    """End of a phrase's first word: 'empty shaker' may be followed by more of the object."""
    return hit.start + len(re.split(r"[ _-]", text[hit.start : hit.end], maxsplit=1)[0])


def _inside_object(hit: PhraseHit, refs: list[Ref]) -> bool:
    return any(
        (ref.start <= hit.start and hit.end <= ref.end and not ref.text.startswith(ref.preposition))
        or (ref.start < hit.start and hit.end <= ref.end)
        for ref in refs
    )


def _without_refs(text: str, start: int, end: int, refs: list[Ref]) -> str:
    inner = text[start:end]
    for ref in reversed(refs):
        if start <= ref.start and ref.end <= end:
            inner = inner[: ref.start - start] + " " + inner[ref.end - start :]
    return inner


def _draft(
    vocabulary: TaskVocabulary,
    hit: PhraseHit,
    subject: list[Ref],
    own: list[Ref],
    text: str,
    number: int,
) -> Draft | None:
    readings: list[StepReading] = []
    for action, phrase in hit.readings:
        reading = read_arguments(vocabulary, action, own)
        reading = _with_refs(vocabulary, reading, subject)
        implied = [vocabulary.object_named(text) for text in phrase.implies.values()]
        reading = _with_refs(vocabulary, reading, [ref for ref in implied if ref is not None])
        names = [p.name[1:] for p in vocabulary.task.domain.actions[action].parameters]
        if all(reading.slots[names.index(need)] is not None for need in phrase.needs):
            earlier = next((r for r in readings if r.action == action), None)
            if earlier is None:
                readings.append(reading)
    if not readings:
        return None
    return Draft(_best(readings), text, number, number)


def _best(readings: list[StepReading]) -> tuple[StepReading, ...]:
    """Keeps the readings that account for most of the text."""

    def rank(reading: StepReading) -> tuple[bool, int, int]:
        return (reading.misfit is not None, reading.clash, -reading.named)

    top = min(map(rank, readings))
    return tuple(r for r in readings if rank(r) == top)


def _with_refs(vocabulary: TaskVocabulary, reading: StepReading, refs: list[Ref]) -> StepReading:
    """Fills open arguments from objects outside the clause proper (subject, parenthesis)."""
    if not refs or reading.strict:
        return reading
    other = read_arguments(vocabulary, reading.action, refs)
    slots = list(reading.slots)
    named = reading.named
    for index, slot in enumerate(other.slots):
        if slots[index] is None and slot is not None:
            slots[index] = slot
            named += 1
    return replace(reading, slots=tuple(slots), named=named)


def _fill(vocabulary: TaskVocabulary, draft: Draft, text: str) -> Draft:
    refs = vocabulary.refs(text)
    if not refs:
        return draft
    readings = tuple(_with_refs(vocabulary, reading, refs) for reading in draft.readings)
    return replace(draft, readings=_best(list(readings)))
