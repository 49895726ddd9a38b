"""Reads steps in formal writing: calls, s-expressions, bare names, and named arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from surefoot.pddl.extract import doubts
from surefoot.pddl.extract.drafts import (
    Draft,
    Slot,
    StepReading,
    merge_readings,
    positional_reading,
    read_arguments,
)
from surefoot.pddl.extract.mentions import PREPOSITIONS, Ref, squash
from surefoot.pddl.extract.vocabulary import TaskVocabulary
from surefoot.pddl.extract.words import FILLERS

_CALL = re.compile(r"(?<![\w-])([a-z][a-z_\d-]*[a-z\d])(\s?)\(([^()]{0,300})\)")
_SEXPR = re.compile(r"\(\s*([a-z][\w-]*)((?:\s+[\w?'\"-]+)*)\s*\)")
_NAMED = re.compile(r"^\s*\??([a-z][\w -]*?)\s*[=:]\s*(.+)$")
_ORIGIN = frozenset("from source origin start src initial old current departure begin".split())
_TARGET = frozenset("to destination target dest goal end new into onto arrival".split())
_NOTHING = frozenset(("", "-", "none", "n/a", "na", "null", "–", "—"))


@dataclass(frozen=True, slots=True)
class Call:
    """A step as a formal writing has it.

    Attributes:
        name: Name of the action, or words that name it.
        args: Positional arguments.
        named: Arguments with the key or column that they stand under.
        line: 1-based line.
        text: The step as written.
    """

    name: str
    args: tuple[str, ...]
    named: tuple[tuple[str, str], ...]
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A call found in a line.

    Attributes:
        start: Offset of its first character.
        end: Offset behind its last character.
        draft: Its reading; without readings if no action has its name.
    """

    start: int
    end: int
    draft: Draft


def find_calls(vocabulary: TaskVocabulary, text: str, number: int) -> list[Found]:
    """Finds calls (``pick(robot1, ball1)``) and s-expressions of a line, in order.

    Args:
        vocabulary: The task's words.
        text: Clean text of the line.
        number: 1-based line number.
    """
    found: list[Found] = []
    if "(" not in text:
        return found
    read_to = 0
    for match in sorted(
        [*_SEXPR.finditer(text), *_CALL.finditer(text)], key=lambda m: (m.start(), -m.end())
    ):
        if match.start() < read_to:
            continue
        call = _call_of(vocabulary, match, text, number)
        if vocabulary.action_named(match.group(1)) is not None:
            read_to = match.end()  # a gloss behind an action is no step either
        if call is not None:
            found.append(Found(match.start(), match.end(), call))
    return found


def _call_of(
    vocabulary: TaskVocabulary, match: re.Match[str], text: str, number: int
) -> Draft | None:
    is_call = match.re is _CALL
    name, inner = match.group(1), match.group(3 if is_call else 2)
    texts = [
        t.strip()
        for t in (inner.split(",") if "," in inner or is_call else inner.split())
        if t.strip()
    ]
    action = vocabulary.action_named(name)
    if texts and all(t.startswith("?") for t in texts) and "=" not in inner:
        return None  # '(move ?from ?to)' is the action's signature
    actor = re.search(r"([a-z][\w-]*)\.$", text[: match.start()])
    if is_call and actor is not None and vocabulary.object_named(actor.group(1)) is not None:
        texts = [actor.group(1), *texts]  # 'robot1.move(room1, room2)'
    if not is_call and "," not in inner:
        texts = _joined(vocabulary, texts)
    if not is_call and any(
        t in FILLERS or t in PREPOSITIONS for t in texts if t not in vocabulary.task.objects
    ):
        return None  # '(move from room1 to room2)' is a sentence
    if action is None:
        return _unknown_call(vocabulary, match, name, texts, text, number)
    if not texts and vocabulary.task.domain.actions[action].parameters and text != match.group():
        return None  # '(move)' in a sentence is a remark
    if is_call and match.group(2):
        if _is_gloss(vocabulary, texts, text[match.end() :]) or any(
            " " in t and vocabulary.object_named(t) is None for t in texts
        ):
            return None  # 'paint down (paints tile 1)' is a sentence
        end = match.start() + len(name)
        if any(h.start < match.start() < h.end == end for h in vocabulary.phrases(text[:end])):
            return None
    call = _split_named(name, texts, number, match.group())
    return read_call(vocabulary, call)


def _joined(vocabulary: TaskVocabulary, words: list[str]) -> list[str]:
    """Puts names together that are written with blanks: ``(pick a plate 2)``."""
    result: list[str] = []
    at = 0
    while at < len(words):
        size = 1
        if words[at] not in vocabulary.task.objects:
            size = next(
                (
                    n
                    for n in (4, 3, 2)
                    if len(words[at : at + n]) == n
                    and vocabulary.objects.spelled("-".join(words[at : at + n])) is not None
                ),
                1,
            )
        name = "-".join(words[at : at + size])
        result.append(vocabulary.objects.spelled(name) or name if size > 1 else name)
        at += size
    return result


def _unknown_call(
    vocabulary: TaskVocabulary,
    match: re.Match[str],
    name: str,
    texts: list[str],
    text: str,
    number: int,
) -> Draft | None:
    """Keeps a formal step whose action does not exist, where it stands by itself."""
    domain = vocabulary.task.domain
    if squash(name) in {squash(p) for p in domain.predicates} or not texts:
        return None
    if vocabulary.object_named(name) is not None or name in FILLERS:
        return None
    alone = not text[: match.start()].strip(" -:,;") and not text[match.end() :].strip(" .,;")
    refs = [vocabulary.object_named(t) for t in texts]
    if not alone or not any(ref is not None and ref.objects for ref in refs):
        return None
    if match.re is _CALL and match.group(2) and " " in match.group(3).replace(", ", ","):
        return None  # 'room1 (robot1 is here)'
    return Draft((), match.group(), number, number, invented=(name, *texts))


def _is_gloss(vocabulary: TaskVocabulary, texts: list[str], rest: str) -> bool:
    """Tells ``pick (Load): robot1 picks …`` from ``pick (ball1)``."""
    plain = all(re.fullmatch(r"[a-z][a-z' -]*", t) and not vocabulary.refs(t) for t in texts)
    return plain and (bool(rest.strip(" .:-")) or all(vocabulary.phrases(t) for t in texts))


def _split_named(name: str, texts: Sequence[str], line: int, text: str) -> Call:
    args: list[str] = []
    named: list[tuple[str, str]] = []
    for piece in texts:
        match = _NAMED.match(piece)
        if match:
            named.append((match.group(1).strip(), match.group(2).strip()))
        else:
            args.append(piece)
    return Call(name, tuple(args), tuple(named), line, text)


def bare_call(vocabulary: TaskVocabulary, text: str, number: int) -> Draft | None:
    """Reads ``pick robot1 ball1 room1 rgripper1``: a name and its arguments, nothing else."""
    words = text.strip(" .;()").split()
    action = vocabulary.action_named(words[0]) if len(words) > 1 else None
    args = [w.strip(",") for w in words[1:]]
    if action is None or not all(is_name(vocabulary, a) for a in args):
        return None
    if all(w.startswith("?") for w in text.strip(" .;()").split()[1:]):
        return None
    parameters = vocabulary.task.domain.actions[action].parameters
    if len(args) != len(parameters):
        return None
    return read_call(vocabulary, Call(action, tuple(args), (), number, text))


def is_name(vocabulary: TaskVocabulary, word: str) -> bool:
    """Returns whether a word is an object's name, or could be that of one that is missing."""
    if word in vocabulary.task.objects:
        return True
    if vocabulary.action_named(word) is not None:
        return False
    if word in FILLERS or word in PREPOSITIONS or not re.fullmatch(r"[a-z\d_-]+", word):
        return False
    if len(word) == 1 and any(len(name) == 1 for name in vocabulary.task.objects):
        return True
    return bool(re.search(r"\d|_", word)) or vocabulary.object_named(word) is not None


_COLON_CALL = re.compile(r"^([a-z][a-z_\d-]*[a-z\d])\s*(?::|-|–|=>|→)\s+(\S.*)$")


_BINDINGS = re.compile(
    r"^(.*?)\s*(?:with|where|using|:|-|,|\{|\()?\s*(\??[a-z][\w-]*\s*(?:=|:=|->)\s*\S.*)$"
)


def bindings(vocabulary: TaskVocabulary, text: str, number: int) -> Draft | None:
    """Reads ``pick with ?r = robot1, ?obj = ball1``: a name and what its parameters are."""
    match = _BINDINGS.match(text.strip(" .;)}"))
    if match is None or vocabulary.action_named(match.group(1).strip()) is None:
        return None
    pairs = [_NAMED.match(p) for p in re.split(r"\s*(?:[,;]|\band\b)\s*", match.group(2)) if p]
    if not all(pairs):
        return None
    named = tuple((m.group(1).strip(), m.group(2).strip()) for m in pairs if m)
    return read_call(vocabulary, Call(match.group(1).strip(), (), named, number, text))


def colon_call(vocabulary: TaskVocabulary, text: str, number: int) -> Draft | None:
    """Reads ``pick: robot1, ball1, room1``: an action's name, and nothing but names behind it."""
    match = _COLON_CALL.match(text.strip(" .;"))
    action = vocabulary.action_named(match.group(1)) if match else None
    if match is None or action is None:
        return None
    args = [a for a in re.split(r"\s*[,;]\s*|\s+", match.group(2).strip("()[] ")) if a]
    if not all(is_name(vocabulary, a) for a in args):
        return None
    return read_call(vocabulary, Call(action, tuple(args), (), number, text))


def read_call(vocabulary: TaskVocabulary, call: Call) -> Draft:
    """Binds the arguments of a formal step, positional and named.

    Returns:
        A draft without readings if the call's name is no action of the domain.
    """
    action = vocabulary.action_named(call.name)
    if action is None:
        hits = vocabulary.phrases(call.name)
        whole = next((h for h in hits if h.start == 0 and h.end == len(call.name)), None)
        actions = list(dict.fromkeys(a for a, _ in whole.readings)) if whole else []
        if not actions:
            args = (*call.args, *(value for _, value in call.named))
            text = call.text if args else call.name
            said = (call.name, *args) if " " not in call.name else ()
            codes = () if said else (doubts.INVENTED,)
            return Draft((), text, call.line, call.line, doubts=codes, invented=said)
    else:
        actions = [action]
    empty = tuple(
        StepReading(a, (None,) * len(vocabulary.task.domain.actions[a].parameters)) for a in actions
    )
    draft = Draft(empty, call.text, call.line, call.line)
    return complete(vocabulary, draft, call.args, call.named)


def complete(
    vocabulary: TaskVocabulary,
    draft: Draft,
    args: Sequence[str],
    named: Sequence[tuple[str, str]] = (),
) -> Draft:
    """Adds formal arguments to a step: a list, or arguments under keys.

    What is formal counts where it differs from what the step says so far; the difference is
    noted as a contradiction.

    Args:
        vocabulary: The task's words.
        draft: The step.
        args: Positional arguments.
        named: Arguments with their keys.
    """
    found = [_complete(vocabulary, r, args, named) for r in draft.readings]
    if not found:  # an action that does not exist keeps its arguments
        name = draft.invented[:1] or ((draft.text,) if " " not in draft.text else ())
        return replace(draft, invented=(*name, *args)) if name else draft
    best = min(_penalty(reading, codes) for reading, codes in found)
    kept = [(r, codes) for r, codes in found if _penalty(r, codes) == best]
    codes = dict.fromkeys((*draft.doubts, *(code for _, own in kept for code in own)))
    return replace(draft, readings=tuple(r for r, _ in kept), doubts=tuple(codes))


def _penalty(reading: StepReading, codes: Sequence[str]) -> tuple[int, int]:
    unknown = sum(s is not None and not s.options for s in reading.slots)
    unknown += (reading.misfit is not None) + (doubts.CONTRADICTION in codes)
    return (unknown, -reading.named)


def _complete(
    vocabulary: TaskVocabulary,
    reading: StepReading,
    args: Sequence[str],
    named: Sequence[tuple[str, str]],
) -> tuple[StepReading, tuple[str, ...]]:
    codes: list[str] = []
    if args:
        texts = [t.strip("'\" ") for t in args]
        refs = [vocabulary.object_named(t) for t in texts]
        formal = positional_reading(vocabulary, reading.action, refs, texts)
        joined = merge_readings(formal, reading)
        if joined is None:
            codes.append(doubts.CONTRADICTION)
        reading = joined or formal
    slots = list(reading.slots)
    keyed: list[Slot | None] = [None] * len(slots)
    loose: list[Ref] = []
    misfit = reading.misfit
    for key, value in named:
        text = value.strip("'\" ")
        if text in _NOTHING:
            continue
        ref = vocabulary.object_named(text)
        index = parameter_for(vocabulary, reading.action, key, keyed, ref)
        if index is not None:
            slot = Slot(ref.objects if ref is not None else (), text=text)
            known = slots[index]
            if known is not None and set(known.options).isdisjoint(slot.options):
                codes.append(doubts.CONTRADICTION)
            slots[index] = keyed[index] = slot
        elif ref is not None:
            codes.append(doubts.KEYED)
            loose.append(ref)
        elif not reading.strict:
            misfit = misfit or Slot((), text=text)
    if not named:
        return reading, tuple(codes)
    count = sum(s is not None for s in slots)
    start = replace(reading, slots=tuple(slots), misfit=misfit, named=count)
    reading = read_arguments(vocabulary, reading.action, loose, start)
    if len(loose) > reading.named - count and reading.misfit is None:
        # what stands under a key is an argument, even if it is one that nothing takes
        reading = replace(reading, misfit=Slot(loose[-1].objects, text=loose[-1].text))
    full = all(slot is not None for slot in reading.slots) and reading.misfit is None
    return replace(reading, strict=full), tuple(dict.fromkeys(codes))


def parameter_for(
    vocabulary: TaskVocabulary,
    action: str,
    key: str,
    slots: Sequence[Slot | None],
    ref: Ref | None = None,
) -> int | None:
    """Returns the open parameter that a key or a column speaks of, ``None`` if it names none.

    A parameter's own name decides first, then a preposition with a role, then words for
    origin and target, then the noun of a type.

    Args:
        vocabulary: The task's words.
        action: Action name.
        key: ``from``, ``robot``, ``target room``, ``arg 1`` or a parameter's name.
        slots: Arguments bound so far.
        ref: The object under that key, if it is one.
    """
    parameters = vocabulary.task.domain.actions[action].parameters
    names = [p.name[1:] for p in parameters]
    roles = vocabulary.words[action].roles
    key = key.strip().lower().strip("?")
    choices = [c.strip() for c in re.split(r"/|\bor\b|,", key)]
    key = next((c for c in choices if c in roles), key)  # a column 'From / On'
    words = re.split(r"[\s_/-]+", key)
    is_open = [slot is None for slot in slots]

    def free(index: int) -> int | None:
        return index if is_open[index] else None

    for exact in (key, squash(key)):
        if exact in names:
            return free(names.index(exact))
    if key in roles:
        return free(names.index(roles[key]))
    numbered = re.fullmatch(r"(?:arg|argument|param|parameter|object|obj)[ _-]?(\d)", key)
    if numbered and 1 <= int(numbered.group(1)) <= len(names):
        return free(int(numbered.group(1)) - 1)
    for kinds, role in ((_ORIGIN, "from"), (_TARGET, "to")):
        if not kinds.intersection(words):
            continue
        if role in roles:
            return free(names.index(roles[role]))
        fitting = [i for i, name in enumerate(names) if role in re.split(r"[\W_]+", name)]
        if len(fitting) == 1:
            return free(fitting[0])
        pairs = [
            i
            for i, p in enumerate(parameters)
            if sum(q.types == p.types for q in parameters) == 2
            and ref is not None
            and set(ref.objects) & set(vocabulary.task.objects_of(p.types))
        ]
        if len(pairs) == 2:
            return free(pairs[0 if role == "from" else 1])
    if any(word in roles for word in words):
        return free(names.index(roles[next(word for word in words if word in roles)]))
    noun = re.sub(r"[\s_-]*\d+$", "", key)
    members = vocabulary.objects.members_of(noun)
    if ref is not None and ref.objects and not set(ref.objects) & set(members):
        members = ()
    for index, parameter in enumerate(parameters):
        allowed = set(vocabulary.task.objects_of(parameter.types))
        if is_open[index] and members and allowed.intersection(members):
            same = [
                i
                for i, p in enumerate(parameters)
                if is_open[i] and set(vocabulary.task.objects_of(p.types)).intersection(members)
            ]
            return index if len(same) == 1 or key[-1:].isdigit() else None
    return None
