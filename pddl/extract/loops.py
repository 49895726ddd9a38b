"""Unrolls the loops of a text (``repeat steps 4 to 16 for the remaining hubs``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from surefoot.pddl.extract.drafts import Draft, Slot, StepReading
from surefoot.pddl.extract.vocabulary import TaskVocabulary

_RANGE = re.compile(
    r"steps?\s+(?P<first>\d+)\s*(?:-|to|through|until|and)\s*(?:steps?\s+)?(?P<last>\d+)"
)
MAX_ROUNDS = 1000
"""Most rounds of a loop that says only how many times it runs."""

_TIMES = re.compile(r"\b(\d{1,6}) times\b")
_SPAN = re.compile(r"(?P<first>\d+)\s*(?:-|to|through|and)\s*(?:\w+\s+)?(?P<last>\d+)")


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop as its line states it.

    Attributes:
        text: The line.
        first: First step number of its body, where given.
        last: Last step number of its body, where given.
        indices: Object indices that it runs over, in order; empty if not determined.
        objects: All objects that its line names.
        swaps: Objects that take the place of others in its body (``with b2 in place of b1``).
    """

    text: str
    first: int | None
    last: int | None
    indices: tuple[str, ...]
    objects: tuple[str, ...]
    swaps: tuple[tuple[str, str], ...] = ()


_SWAPS = (
    re.compile(
        r"(?:with|using|for|and|,)\s+(?P<new>[^,;]+?)\s+(?:in place of|instead of|in lieu of"
        r"|replacing|substituted for)\s+(?P<old>[^,;]+?)(?=,|;|\.?$|\s+and\s)"
    ),
    re.compile(
        r"(?:replac(?:e|ing)|substitut(?:e|ing)|swap(?:ping)?|and|,)\s+(?P<old>[^,;]+?)\s+"
        r"(?:with|by)\s+(?P<new>[^,;]+?)(?=,|;|\.?$|\s+and\s)"
    ),
)


def _swaps(vocabulary: TaskVocabulary, text: str) -> tuple[tuple[str, str], ...]:
    """Reads which objects take the place of which; nothing if any of them is unclear."""
    for pattern in _SWAPS:
        pairs: list[tuple[str, str]] = []
        for match in pattern.finditer(text):
            new = [r for r in vocabulary.refs(match.group("new")) if r.exact]
            old = [r for r in vocabulary.refs(match.group("old")) if r.exact]
            if len(new) != 1 or len(old) != 1 or not old[0].objects:
                continue
            pairs.append((old[0].objects[0], new[0].objects[0] if new[0].objects else new[0].text))
        if pairs:
            return tuple(pairs)
    return ()


def read_loop(vocabulary: TaskVocabulary, text: str) -> Loop:
    """Reads what a loop line says of its body and of the objects that it runs over."""
    span = _RANGE.search(text)
    first = int(span.group("first")) if span else None
    last = int(span.group("last")) if span else None
    rest = text if span is None else text[: span.start()] + " " + text[span.end() :]
    indices: list[str] = []
    for ref in vocabulary.refs(rest):
        own = [i for i in map(index_of, ref.objects) if i]
        if len(own) > 1 and not ref.many and not re.search(r"s\b|each|every|all", ref.text):
            continue  # "the hub" in a loop speaks of the current one
        indices.extend(i for i in own if i not in indices)
    among = _SPAN.search(rest)
    if among is not None and among.group("last") in {*map(index_of, vocabulary.task.objects)}:
        low, high = int(among.group("first")), int(among.group("last"))
        indices = [str(i) for i in range(low, high + 1)]
    times = _TIMES.search(text)
    if not indices and times is not None:
        indices = [str(i) for i in range(1, min(int(times.group(1)), MAX_ROUNDS) + 1)]
    objects = tuple(o for ref in vocabulary.refs(rest) for o in ref.objects)
    swaps = _swaps(vocabulary, rest) if re.search(r"place|instead|replac|substitut", rest) else ()
    return Loop(text, first, last, tuple(indices), objects, swaps)


def index_of(name: str) -> str:
    """Returns the trailing number of an object's name, or ``""``."""
    match = re.search(r"(\d+)$", name)
    return match.group(1) if match else ""


def done_index(body: Sequence[Draft], loop: Loop) -> str | None:
    """Returns the index that a body's wording speaks of: that of the loop's own objects in it."""
    stems = {stem_of(o) for o in loop.objects}
    own = {index_of(o) for o in named_objects(body) if stem_of(o) in stems} - {""}
    if len(own) == 1:
        return next(iter(own))
    return next(
        (i for i in sorted(own & set(loop.indices)) or sorted(loop.indices) if mentions(body, i)),
        None,
    )


def stem_of(name: str) -> str:
    """Returns an object's name without its trailing number."""
    return re.sub(r"\d+$", "", name)


def mentions(drafts: Sequence[Draft], index: str) -> bool:
    """Returns whether a draft names, exactly, an object with this index."""
    return any(
        slot is not None and len(slot.options) == 1 and index_of(slot.options[0]) == index
        for draft in drafts
        for reading in draft.readings
        for slot in reading.slots
    )


def named_objects(drafts: Sequence[Draft]) -> set[str]:
    """Returns the objects that drafts name exactly."""
    return {
        slot.options[0]
        for draft in drafts
        for reading in draft.readings
        for slot in reading.slots
        if slot is not None and len(slot.options) == 1
    }


def interpolate(vocabulary: TaskVocabulary, before: Draft, after: Draft) -> list[Draft] | None:
    """Fills in an ellipsis between ``fetch tyre 2`` and ``fetch tyre 19``.

    Returns:
        The steps in between, or ``None`` if the two do not count upwards.
    """
    if not before.readings or not after.readings or before.actions != after.actions:
        return None
    low = {index_of(o) for o in named_objects([before])} - {""}
    high = {index_of(o) for o in named_objects([after])} - {""}
    if len(low) != 1 or len(high) != 1:
        return None
    start, stop = next(iter(low)), next(iter(high))
    if int(start) >= int(stop):
        return None
    between = [str(i) for i in range(int(start) + 1, int(stop))]
    return unroll(vocabulary, [before], between, start)


def unroll(
    vocabulary: TaskVocabulary, body: Sequence[Draft], indices: Sequence[str], done: str | None
) -> list[Draft]:
    """Repeats a body for each index.

    Args:
        vocabulary: The task's words.
        body: Steps of one round.
        indices: Indices of the rounds.
        done: Index that the body's own wording speaks of, if any; its objects are
            replaced by those of the round, except acting objects and those that stand in
            the body with several indices (rooms to go between).
    """
    seen: dict[str, set[str]] = {}
    for name in named_objects(body):
        seen.setdefault(stem_of(name), set()).add(index_of(name))
    agents = vocabulary.task.objects_by_type.get(vocabulary.lexicon.agent or "", ())
    fixed = {stem for stem, found in seen.items() if len(found) > 1}
    fixed |= {stem_of(name) for name in agents}
    names = set(vocabulary.task.objects)
    result: list[Draft] = []
    for index in indices:
        focus = tuple(sorted(n for n in names if index_of(n) == index))
        for draft in body:
            readings = tuple(_shift(r, done, index, names, fixed) for r in draft.readings)
            result.append(replace(draft, readings=readings, focus=focus))
    return result


def exchange(body: Sequence[Draft], swaps: Sequence[tuple[str, str]]) -> list[Draft]:
    """Returns a body with objects exchanged; one that the task lacks stays as it is called."""
    table = dict(swaps)

    def one(slot: Slot | None) -> Slot | None:
        if slot is None or len(slot.options) != 1 or slot.options[0] not in table:
            return slot
        return replace(slot, options=(table[slot.options[0]],))

    return [
        replace(
            draft,
            readings=tuple(
                replace(r, slots=tuple(one(slot) for slot in r.slots)) for r in draft.readings
            ),
        )
        for draft in body
    ]


def _shift(
    reading: StepReading, done: str | None, index: str, names: set[str], fixed: set[str]
) -> StepReading:
    slots: list[Slot | None] = []
    for slot in reading.slots:
        if slot is not None and len(slot.options) == 1 and done is not None:
            name = slot.options[0]
            moved = re.sub(r"\d+$", index, name)
            if index_of(name) == done and moved in names and stem_of(name) not in fixed:
                slot = replace(slot, options=(moved,))
        slots.append(slot)
    return replace(reading, slots=tuple(slots))
