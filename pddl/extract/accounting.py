"""Accounts for what a clause says: names what no argument and no action takes up."""

from __future__ import annotations

import re

from surefoot.pddl.extract import doubts
from surefoot.pddl.extract.drafts import Draft
from surefoot.pddl.extract.mentions import PREPOSITIONS, Ref
from surefoot.pddl.extract.vocabulary import TaskVocabulary
from surefoot.pddl.extract.words import FILLERS

ACTOR = re.compile(
    r"(?:^|[:,] ?|\b(?:then|next|finally|first|now|afterwards|and|that) )"
    r"(?:the|our|your|this) (?!same|other|next|following|above|plan|goal|step)[a-z]+"
    r"(?: (?:arm|robot|hand|agent|then|now|next|first|finally|will|should|must|also))*$"
)
"""A subject that the domain has no object for: ``the mechanic opens …``."""


LOCATIVE = frozenset("on onto in into inside at from to over under".split())
_SURFACES = frozenset("table floor ground surface counter shelf".split())
"""Where things are put down when the domain has no object for it."""


def _misplaced(vocabulary: TaskVocabulary, refs: list[Ref], draft: Draft, first: int) -> bool:
    """Returns whether a preposition introduces an object where another argument belongs.

    ``Drop ball4 in rgripper1`` says where the ball goes, and no gripper is a place.
    """
    reading = draft.readings[0]
    roles = vocabulary.words[reading.action].roles
    names = [p.name[1:] for p in vocabulary.task.domain.actions[reading.action].parameters]
    return any(
        reading.slots[names.index(roles[ref.preposition])] is None
        for ref in refs
        if ref.start >= first and ref.exact and ref.preposition in roles
    )


def _idle_subject(refs: list[Ref], first: int) -> bool:
    """Returns whether what acts is named once more in another part: ``room1: go from room1``."""
    lead = {o for r in refs if r.end <= first and r.exact and not r.preposition for o in r.objects}
    return any(r.start >= first and r.exact and lead.intersection(r.objects) for r in refs)


def _agent_as_object(vocabulary: TaskVocabulary, refs: list[Ref], start: int, draft: Draft) -> bool:
    """Returns whether the one that acts stands where the thing acted on should.

    ``Drop hoist0 on area2`` says what is dropped, and it is no crate.
    """
    agents = vocabulary.task.objects_by_type.get(vocabulary.lexicon.agent or "", ())
    own = [r for r in refs if r.start >= start]
    if not own or own[0].preposition or not own[0].exact:
        return False
    alone = len(own) == 1 or bool(own[1].preposition)
    reading = draft.readings[0]
    types = [p.types for p in vocabulary.task.domain.actions[reading.action].parameters]
    said = [t for t, slot in zip(types, reading.slots, strict=False) if slot is not None]
    missing = [t for t, slot in zip(types, reading.slots, strict=False) if slot is None]
    if all(t in said for t in missing):
        return False  # 'Move hoist0 to area2': what acts is what moves
    return alone and set(own[0].objects) <= set(agents) and bool(own[0].objects)


_WORD = re.compile(r"[a-z][a-z'-]*|\d+(?:[-.]\d+)*")
_PLACES = frozenset(PREPOSITIONS)


def unaccounted(
    vocabulary: TaskVocabulary,
    text: str,
    first: int,
    start: int,
    end: int,
    refs: list[Ref],
    draft: Draft,
) -> tuple[str, ...]:
    """Names what a clause says beside its action and the objects that were found in it."""
    rest = text[:end]
    for ref in reversed(refs):
        rest = rest[: ref.start] + " " * (ref.end - ref.start) + rest[ref.end :]
    codes: set[str] = set()
    words = _WORD.findall(rest[start:])
    complete = all(s is not None and s.options for r in draft.readings[:1] for s in r.slots)
    for at, word in enumerate(words):
        plain = word.removesuffix("'s")
        if plain in FILLERS or plain in _PLACES or plain.endswith("ly"):
            continue
        if plain in vocabulary.plain_words:
            continue
        before = [w for w in words[:at] if w not in ("the", "a", "an", "its", "his", "their")]
        placed = bool(before) and before[-1] in _PLACES
        roles = vocabulary.words[draft.readings[0].action].roles
        if placed and plain in _SURFACES and before[-1] not in roles:
            continue
        named = placed or re.search(r"\d|_", word) is not None or word in vocabulary.last_words
        codes.add(doubts.VAGUE if named and not complete else doubts.WORDS)
    clashes = any(r.clash for r in draft.readings)
    if not complete and clashes and _misplaced(vocabulary, refs, draft, first):
        codes.add(doubts.VAGUE)
    if not complete and _idle_subject(refs, first):
        codes.add(doubts.VAGUE)
    if not complete and _agent_as_object(vocabulary, refs, start, draft):
        codes.add(doubts.VAGUE)
    if ACTOR.search(text[:first].strip()) and not complete:
        codes.add(doubts.VAGUE)  # somebody acts who is no object of the task
    if any(r.label for r in refs):
        codes.add(doubts.UNDEFINED)
    if any(r.extra for r in draft.readings):
        codes.add(doubts.ADJUNCT)
        known = vocabulary.words[draft.readings[0].action].roles
        if not complete and any(
            r.start >= first
            and (
                r.preposition in LOCATIVE
                or (not known and r.preposition not in ("", "using", "with"))
            )
            for r in refs
        ):
            codes.add(doubts.VAGUE)  # a place is named that is none of the arguments
    if any(r.misfit is not None and r.misfit.options for r in draft.readings):
        codes.add(doubts.MISFIT)
    return tuple(sorted(codes))
