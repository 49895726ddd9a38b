"""Steps as the text states them, before the state of the world is consulted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from surefoot.pddl.extract.mentions import Ref
from surefoot.pddl.extract.vocabulary import TaskVocabulary
from surefoot.pddl.extract.words import FILLERS
from surefoot.pddl.language.model import ROOT_TYPE, Action

Options = tuple[str, ...]
"""The objects that a piece of text may mean; empty if it names none that exists."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What the text says of one argument.

    Attributes:
        options: The objects it may mean.
        label: A name of the text's own (``shot glass a``), or ``""``.
        each: If several steps are meant (``the wrench and the jack``, ``all balls``), what
            the text says of this argument in each of them.
        text: The words.
    """

    options: Options
    label: str = ""
    each: tuple[Options, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class StepReading:
    """One way to read a step: an action with what the text says of its arguments.

    Attributes:
        action: Action name.
        slots: One per parameter, ``None`` where the text is silent.
        misfit: Text of an object that the action cannot take, if the text names one.
        named: How many of the text's objects this reading uses.
        strict: Whether the arguments were given as a full positional list.
        clash: How many prepositions introduce an object that their role cannot take.
        extra: How many known objects the text adds that are no argument (``with ball1``).
    """

    action: str
    slots: tuple[Slot | None, ...]
    misfit: Slot | None = None
    named: int = 0
    strict: bool = False
    clash: int = 0
    extra: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """A step of the text.

    Attributes:
        readings: Ways to read it, best first; empty if no action of the domain matches.
        text: The words it was read from.
        first_line: 1-based first line in the answer.
        last_line: 1-based last line.
        focus: Objects that the surrounding text (a heading, a loop round) is about.
        agent: The acting object named by the surrounding text, if any.
        conditional: Whether it is only meant where needed (``if not already open``).
        doubts: What makes its reading doubtful, as codes of ``surefoot.pddl.extract.doubts``.
        invented: Name and arguments as stated, if it is formal and its action does not exist.
    """

    readings: tuple[StepReading, ...]
    text: str
    first_line: int
    last_line: int
    focus: tuple[str, ...] = ()
    agent: str | None = None
    conditional: bool = False
    doubts: tuple[str, ...] = ()
    invented: tuple[str, ...] = ()

    @property
    def actions(self) -> frozenset[str]:
        """The actions that the draft may mean."""
        return frozenset(r.action for r in self.readings)


def fixed(draft: Draft) -> bool:
    """Returns whether a step names every argument."""
    return bool(draft.readings) and all(
        slot is not None and len(slot.options) <= 1 for slot in draft.readings[0].slots
    )


def says(draft: Draft) -> bool:
    """Returns whether a step is more than the name of an action."""
    if not draft.readings:
        return True
    return any(r.misfit is not None or any(r.slots) or not r.slots for r in draft.readings)


def noted(draft: Draft, code: str) -> Draft:
    """Returns a step with one more doubt."""
    return draft if code in draft.doubts else replace(draft, doubts=(*draft.doubts, code))


def read_arguments(
    vocabulary: TaskVocabulary, action: str, refs: Sequence[Ref], start: StepReading | None = None
) -> StepReading:
    """Distributes the objects of a sentence over an action's parameters.

    A preposition with a role decides first, then type and order. Every mention is accounted
    for: it becomes an argument, an adjunct that is counted, or the reading's misfit.

    Args:
        vocabulary: The task's words.
        action: Action name.
        refs: Objects of the sentence in text order.
        start: What is known already; its arguments stay as they are.
    """
    schema = vocabulary.task.domain.actions[action]
    roles = vocabulary.words[action].roles
    names = [p.name[1:] for p in schema.parameters]
    slots: list[Slot | None] = list(start.slots) if start else [None] * len(names)
    misfit = start.misfit if start else None
    used = start.named if start else 0
    clash = start.clash if start else 0
    extra = start.extra if start else 0
    previous: tuple[int, Ref] | None = None
    for ref in refs:
        if _repeats_noun(ref, refs):
            continue
        if not ref.objects and not ref.exact:  # scenery: 'on the table'
            if ref.preposition in roles and slots[names.index(roles[ref.preposition])] is None:
                misfit = misfit or Slot((), text=ref.text)
            continue
        index = None
        if ref.preposition in roles:
            wanted = names.index(roles[ref.preposition])
            if slots[wanted] is None and _takes(vocabulary, schema, wanted, ref):
                index = wanted
            clash += index is None
        if index is None and ref.preposition in ("from", "to"):
            index = _of_pair(vocabulary, schema, slots, ref)
        if index is None:
            reserved = {names.index(r) for p, r in roles.items() if p != ref.preposition}
            open_slots = [i for i, slot in enumerate(slots) if slot is None]
            open_slots.sort(key=lambda i: i in reserved)
            index = next((i for i in open_slots if _takes(vocabulary, schema, i, ref)), None)
        if index is not None:
            slots[index] = _slot(_fitting(vocabulary, schema, index, ref), ref)
            previous = (index, ref)
            used += 1
        elif previous is not None and _coordinate(previous[1], ref):
            index = previous[0]
            slot = slots[index]
            options = _fitting(vocabulary, schema, index, ref)
            if slot is not None and options != slot.options and (options or ref.unknown):
                first = slot.each or (slot.options,)
                added = tuple((o,) for o in options) if ref.many else (options,)
                slots[index] = replace(slot, each=(*first, *added))
                previous = (index, ref)
            elif not options:
                misfit = misfit or Slot(ref.objects, ref.label, text=_bare(ref))
        elif _said_already(slots, ref):
            if ref.preposition not in ("", "of", "by", "for") and None in slots:
                misfit = misfit or Slot(ref.objects, text=_bare(ref))
        elif ref.objects and _accompanies(ref, roles, names, slots):
            extra += 1
        else:
            misfit = misfit or Slot(ref.objects, ref.label, text=_bare(ref))
    return StepReading(action, tuple(slots), misfit, used, clash=clash, extra=extra)


def _repeats_noun(ref: Ref, refs: Sequence[Ref]) -> bool:
    """Returns whether a bare noun only introduces a name: ``its level from l0 to l1``."""
    if ref.exact or ref.many or ref.label or not ref.objects:
        return False
    return any(other.exact and set(other.objects) & set(ref.objects) for other in refs)


def _of_pair(
    vocabulary: TaskVocabulary, schema: Action, slots: Sequence[Slot | None], ref: Ref
) -> int | None:
    """Returns the parameter for *from X* or *to Y* where exactly two take such an object."""
    pair = [i for i in range(len(slots)) if _takes(vocabulary, schema, i, ref)]
    if len(pair) != 2:
        return None
    index = pair[0 if ref.preposition == "from" else 1]
    return index if slots[index] is None else None


def _accompanies(
    ref: Ref, roles: Mapping[str, str], names: Sequence[str], slots: Sequence[Slot | None]
) -> bool:
    """Returns whether a known object is no argument: ``using the jack``, ``on hub 1``.

    A preposition that should introduce an argument still missing does not accompany.
    """
    if ref.preposition in roles:
        return slots[names.index(roles[ref.preposition])] is not None
    return bool(ref.preposition) or not ref.exact


def _said_already(slots: Sequence[Slot | None], ref: Ref) -> bool:
    said = [s.options for s in slots if s is not None]
    said += [options for s in slots if s is not None for options in s.each]
    if ref.unknown:
        return any(s is not None and not s.options and s.text == _bare(ref) for s in slots)
    return any(set(options) & set(ref.objects) for options in said)


def open_places(vocabulary: TaskVocabulary, reading: StepReading, ref: Ref) -> list[int]:
    """Returns the parameters still open that accept a named object."""
    schema = vocabulary.task.domain.actions[reading.action]
    if not ref.exact or not ref.objects or ref.preposition:
        return []
    return [
        i
        for i, slot in enumerate(reading.slots)
        if slot is None and _takes(vocabulary, schema, i, ref)
    ]


def _takes(vocabulary: TaskVocabulary, schema: Action, index: int, ref: Ref) -> bool:
    """Returns whether a parameter accepts a mention; an unknown name goes by its kind."""
    if not ref.unknown:
        return bool(_fitting(vocabulary, schema, index, ref))
    return bool(ref.like) and bool(_accepted(vocabulary, schema, index, ref.like))


def _bare(ref: Ref) -> str:
    return re.sub(r"^(?:the|an?) ", "", ref.text[ref.skip :].strip())


def _slot(options: Options, ref: Ref) -> Slot:
    each = tuple((option,) for option in options) if ref.many else ()
    return Slot(options, ref.label, each, ref.text if options else _bare(ref))


def _coordinate(earlier: Ref, ref: Ref) -> bool:
    """Returns whether two objects stand side by side (``the wrench, jack and pump``)."""
    return not ref.preposition and 0 <= ref.start - earlier.end <= 6


def positional_reading(
    vocabulary: TaskVocabulary, action: str, refs: list[Ref | None], texts: list[str]
) -> StepReading:
    """Reads a formal argument list.

    A list of full length is taken as it stands; a shorter one is spread over the
    parameters in order, by type. A name that the task lacks stays in it.
    """
    schema = vocabulary.task.domain.actions[action]
    inner = [
        _inner(vocabulary, text) if ref is None or ref.unknown else [ref]
        for ref, text in zip(refs, texts, strict=True)
    ]
    refs = [
        found[0] if len(found) == 1 else None if found else ref
        for found, ref in zip(inner, refs, strict=True)
    ]
    slots: list[Slot | None] = [
        _slot(ref.objects, ref) if ref and ref.objects else Slot((), text=text.strip())
        for ref, text in zip(refs, texts, strict=True)
    ]
    if len(slots) >= len(schema.parameters):
        return StepReading(action, tuple(slots), None, len(slots), strict=True)
    if None in refs and any(len(found) > 1 for found in inner):
        # 'loosen(nut_on_hub)' names two objects in one
        return read_arguments(vocabulary, action, [ref for found in inner for ref in found])
    known = [ref for ref in refs if ref is not None]
    if len(known) == len(refs) and not any(ref.unknown for ref in known):
        aligned = _align(vocabulary, schema, known)
        if aligned is not None:
            return StepReading(action, aligned, None, len(refs))
    reading = read_arguments(vocabulary, action, known)
    missing = next((s for s, ref in zip(slots, refs, strict=True) if ref is None), None)
    return replace(reading, misfit=reading.misfit or missing)


def _inner(vocabulary: TaskVocabulary, text: str) -> list[Ref]:
    """Reads ``nut_on_hub``: what an argument's words name, if they name nothing else."""
    spaced = text.replace("_", " ").replace("-", " ")
    found = vocabulary.refs(spaced)
    if spaced == text or any(not r.objects for r in found):
        return []
    rest = spaced
    for ref in reversed(found):
        rest = rest[: ref.start] + " " + rest[ref.end :]
    return found if all(w in FILLERS for w in re.findall(r"[a-z\d]+", rest)) else []


def _align(
    vocabulary: TaskVocabulary, schema: Action, refs: list[Ref]
) -> tuple[Slot | None, ...] | None:
    slots: list[Slot | None] = [None] * len(schema.parameters)
    at = 0
    for ref in refs:
        while at < len(slots) and not _fitting(vocabulary, schema, at, ref):
            at += 1
        if at == len(slots):
            return None
        options = _fitting(vocabulary, schema, at, ref)
        slots[at] = _slot(options, ref)
        at += 1
    return tuple(slots)


def _fitting(vocabulary: TaskVocabulary, schema: Action, index: int, ref: Ref) -> Options:
    """Returns the objects of a ref that a parameter accepts."""
    return _accepted(vocabulary, schema, index, ref.objects)


def _accepted(
    vocabulary: TaskVocabulary, schema: Action, index: int, objects: tuple[str, ...]
) -> Options:
    task = vocabulary.task
    types = schema.parameters[index].types
    if types == (ROOT_TYPE,) and ROOT_TYPE not in task.domain.types:
        return objects
    allowed = task.objects_of(types)
    return tuple(o for o in objects if o in allowed)


def merge(first: Draft, second: Draft) -> Draft | None:
    """Combines two statements of one step, or returns ``None`` if they differ.

    ``Unstack b6 from b3`` and ``unstack(b6, b3)`` are one step; what one leaves out the
    other fills in.
    """
    readings: list[StepReading] = []
    for a in first.readings:
        for b in second.readings:
            joined = merge_readings(a, b) if a.action == b.action else None
            if joined is not None:
                readings.append(joined)
    if not readings:
        return None
    return replace(
        first,
        readings=tuple(readings),
        first_line=min(first.first_line, second.first_line),
        last_line=max(first.last_line, second.last_line),
        text=first.text if len(first.text) >= len(second.text) else second.text,
        doubts=first.doubts + tuple(d for d in second.doubts if d not in first.doubts),
    )


def merge_readings(a: StepReading, b: StepReading) -> StepReading | None:
    """Combines two readings of one action, or returns ``None`` if they differ."""
    if a.strict or b.strict:
        strict = a if a.strict else b
        other = b if a.strict else a
        if other.misfit is not None and not other.misfit.options:
            return None  # 'Robot 9 picks …' is not what pick(robot1, …) says
        if len(strict.slots) != len(other.slots):
            return strict
        joined = _compatible(strict.slots, other.slots)
        return None if joined is None else replace(strict, slots=joined)
    slots = _compatible(a.slots, b.slots)
    if slots is None:
        return None
    return StepReading(
        a.action,
        slots,
        a.misfit or b.misfit,
        max(a.named, b.named),
        extra=max(a.extra, b.extra),
    )


def _compatible(
    a: tuple[Slot | None, ...], b: tuple[Slot | None, ...]
) -> tuple[Slot | None, ...] | None:
    slots: list[Slot | None] = []
    for left, right in zip(a, b, strict=True):
        if left is None or right is None:
            slots.append(left or right)
            continue
        common = tuple(o for o in left.options if o in right.options)
        if not common and (left.options or right.options):
            return None
        narrow = left if len(left.options) <= len(right.options) else right
        slots.append(replace(narrow, options=common or narrow.options))
    return tuple(slots)
