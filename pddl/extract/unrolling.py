"""Unrolls the loops of a block of steps and tells whether one passage repeats another."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from surefoot.pddl.extract.drafts import Draft, merge
from surefoot.pddl.extract.loops import (
    done_index,
    exchange,
    index_of,
    interpolate,
    mentions,
    named_objects,
    unroll,
)
from surefoot.pddl.extract.structure import ELLIPSIS, Block, Entry, ListedStep, LoopMark
from surefoot.pddl.extract.vocabulary import TaskVocabulary


def expand(vocabulary: TaskVocabulary, block: Block) -> list[Draft]:
    """Unrolls the loops of a block.

    A loop whose rounds are not determined leaves a draft without readings, marked by the
    text ``unexpandable: …``.
    """
    entries = block.entries
    result: list[Draft] = []
    looped: set[int] = set()  # entries that a loop has unrolled already
    index = 0
    while index < len(entries):
        entry = entries[index]
        index += 1
        if isinstance(entry, ListedStep):
            result.append(entry.draft)
            continue
        later = [e.draft for e in entries[index:] if isinstance(e, ListedStep)]
        rounds = list(entry.loop.indices)
        if entry.forward and entry.loop.first is None:
            body = [
                e.draft for e in entries[index : index + entry.length] if isinstance(e, ListedStep)
            ]
            if body and entry.replaces:
                del result[-entry.replaces :]
            elif entry.replaces and not entry.inline:
                continue  # the title above says it all
            named = named_objects(body or later) & set(entry.loop.objects)
            if len({index_of(o) or o for o in named}) > 1:
                continue  # the rounds are written out below
            looped.update(range(index, index + entry.length))
            index += entry.length
            body = body or list(entry.inline)
            done = done_index(body, entry.loop)
        elif ELLIPSIS.fullmatch(entry.loop.text):
            between = interpolate(vocabulary, result[-1], later[0]) if result and later else None
            if between is not None:
                result.extend(between)
                continue
            body, rounds, done = result, [], None
        else:
            body, used = _ranged(entries, index, entry)
            if entry.loop.swaps and body and not any(at >= index for at in used):
                result.extend(exchange(body, entry.loop.swaps))
                continue
            if entry.single:
                body = body[-1:]
            if used and looped.issuperset(used):
                continue  # says again what a loop above has said
            ahead = [at for at in used if at >= index]
            done = done_index(body, entry.loop)
            if ahead:
                looped.update(ahead)
                index = max(ahead) + 1
            else:
                rounds = [i for i in rounds if i != (done or rounds[0])]
                if any(mentions(later, i) for i in rounds):
                    continue  # announces rounds that are written out below
        if body and rounds:
            result.extend(unroll(vocabulary, body, rounds, done))
        elif body or not later:
            result.append(Draft((), f"unexpandable: {entry.loop.text}", entry.line, entry.line))
    return result


def _ranged(entries: Sequence[Entry], index: int, mark: LoopMark) -> tuple[list[Draft], list[int]]:
    """Finds the body of a loop by its step numbers, or takes all steps before it.

    Returns:
        The body and the places of its entries (none where no numbers were given).
    """
    loop = mark.loop
    if loop.first is None or loop.last is None:
        return [e.draft for e in entries[: index - 1] if isinstance(e, ListedStep)], []
    inside = [
        (at, e.draft)
        for at, e in enumerate(entries)
        if isinstance(e, ListedStep)
        and e.ordinal is not None
        and loop.first <= e.ordinal <= loop.last
        and e.indent <= mark.indent
    ]
    return [draft for _, draft in inside], [at for at, _ in inside]


def signature(draft: Draft) -> tuple[str, ...]:
    """What a step is, for telling whether a passage repeats an earlier one."""
    if not draft.readings:
        return (draft.text,)
    reading = draft.readings[0]
    exact = sorted(s.options[0] for s in reading.slots if s is not None and len(s.options) == 1)
    return (min(draft.actions), *exact, *draft.focus)


def stated(block: Block) -> list[Draft]:
    """Returns the steps of a block as they are written, loops not unrolled."""
    return [e.draft for e in block.entries if isinstance(e, ListedStep)]


def _agrees(first: Draft, second: Draft) -> bool:
    """Returns whether two statements may be of one step."""
    if not first.readings or not second.readings:
        return first.text == second.text
    return merge(first, second) is not None


def repeats(earlier: Sequence[Draft], later: Sequence[Draft]) -> bool:
    """Returns whether a passage states an earlier plan once more.

    Most of its actions must follow the earlier ones in order, and the objects that both
    name must agree: a second round for another object is no repetition.
    """
    if not earlier or not later:
        return False
    if len(earlier) == len(later) > 1 and all(map(_agrees, earlier, later)):
        return True
    a = [signature(d) for d in earlier]
    b = [signature(d) for d in later]
    matcher = SequenceMatcher(None, [s[0] for s in a], [s[0] for s in b], autojunk=False)
    same = conflicts = 0
    for start_a, start_b, size in matcher.get_matching_blocks():
        for left, right in zip(
            a[start_a : start_a + size], b[start_b : start_b + size], strict=True
        ):
            same += 1
            objects = set(left[1:]), set(right[1:])
            conflicts += not (objects[0] <= objects[1] or objects[1] <= objects[0])
    return same >= 0.6 * len(a) and same >= 0.6 * len(b) and conflicts <= 0.25 * same
