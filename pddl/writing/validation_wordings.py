"""Wordings for validation."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase

from surefoot.pddl.renaming.names import split_index
from surefoot.pddl.writing.model import Split, WrittenStep
from surefoot.pddl.writing.speaker import Speaker, Wording, first_upper
from surefoot.pddl.writing.spelling import Roster, plain, upper
from surefoot.pddl.writing.wordings import call, third_person


def hashed(name: str, roster: Roster) -> str:
    """Spells *Robot #1*."""
    stem, index = split_index(name)
    words = stem.strip("_-")
    if len(words) < 3 or not index.isdigit():
        return name
    return f"{words.replace('-', ' ').replace('_', ' ').capitalize()} #{index}"


def capitalised(name: str, roster: Roster) -> str:
    """Spells *Robot1*."""
    return first_upper(name)


def italic(name: str, roster: Roster) -> str:
    """Spells in italics."""
    return f"*{name}*"


def quoted(name: str, roster: Roster) -> str:
    """Spells *"robot1"*."""
    return f'"{name}"'


def hyphenated(name: str, roster: Roster) -> str:
    """Spells *robot-1*."""
    stem, index = split_index(name)
    return f"{stem}-{index}" if index and len(stem) > 2 and stem[-1].isalpha() else name


def gerund(item: WrittenStep, speaker: Speaker) -> str:
    """Says *Robot 1 picking up ball1*, or *Picking up …*."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, "")
    said = f"{phrase.verb.gerund}{phrase.tail(names, item.omitted)}"
    return first_upper(f"{actor} {said}".strip())


def future(item: WrittenStep, speaker: Speaker) -> str:
    """Says *Robot1 will pick up ball1*."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, speaker.words.actor)
    return first_upper(f"{actor} will {phrase.verb.text}{phrase.tail(names, item.omitted)}")


def causative(item: WrittenStep, speaker: Speaker) -> str:
    """Says *Have robot1 pick up ball1*, or *We pick up …* where nobody is named."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, "")
    said = f"{phrase.verb.text}{phrase.tail(names, item.omitted)}"
    if actor:
        return f"{speaker.rng.choice(('Have', 'Let'))} {actor} {said}"
    return f"We {said}"


def past(item: WrittenStep, speaker: Speaker) -> str:
    """Says *robot1 picked up ball1*."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, speaker.words.actor)
    return first_upper(f"{actor} {phrase.verb.past}{phrase.tail(names, item.omitted)}")


def dashed_gloss(item: WrittenStep, speaker: Speaker) -> str:
    """Says *`pick` – robot1 picks up ball1*."""
    return f"`{item.step.action}` – {third_person(item, speaker)}"


def title_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *Pick(Robot1, Ball1)*."""
    return first_upper(call(item, speaker))


def upper_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *PICK(ROBOT1, BALL1)*."""
    said = call(item, speaker)
    action = item.step.action
    return f"{action.upper()}{said[len(action) :]}"


def colon_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *pick: robot1, ball1, room1*."""
    names = [n for i, n in enumerate(speaker.names(item.step)) if i not in item.omitted]
    return f"{item.step.action}: {', '.join(names)}"


def letter_aliases(speaker: Speaker) -> dict[str, str]:
    """Draws letters for the objects of one kind, from *P* on."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for name, types in speaker.ground.task.objects.items():
        kinds.setdefault(types, []).append(name)
    fitting = [names for names in kinds.values() if 1 < len(names) <= 8]
    if not fitting:
        return {}
    start = ascii_uppercase.index("P")
    found = dict(zip(speaker.rng.choice(fitting), ascii_uppercase[start:], strict=False))
    taken = {name.lower() for name in speaker.roster.names}
    return found if taken.isdisjoint(a.lower() for a in found.values()) else {}


def let_legend(aliases: Mapping[str, str]) -> str:
    """Defines *Let P be robot1 and Q be robot2*."""
    if not aliases:
        return ""
    return f"Let {' and '.join(f'{alias} be {name}' for name, alias in aliases.items())}."


_VAL = Split.VALIDATION
WORDINGS = (
    Wording("title-call", _VAL, "call", title_call, capitalised),
    Wording("upper-call", _VAL, "call", upper_call, upper),
    Wording("colon-call", _VAL, "call", colon_call),
    Wording("short-call", _VAL, "call", call, plain, "last"),
    Wording("quoted-call", _VAL, "call", call, quoted),
    Wording("gerund-italic", _VAL, "prose", gerund, italic),
    Wording("future-capitalised", _VAL, "prose", future, capitalised, synonyms="validation"),
    Wording("causative-hashed", _VAL, "prose", causative, hashed, synonyms="validation"),
    Wording("past", _VAL, "prose", past, hyphenated),
    Wording("dashed-gloss", _VAL, "prose", dashed_gloss),
    Wording("brief-synonyms", _VAL, "prose", third_person, plain, "any", synonyms="validation"),
    Wording(
        "letters",
        _VAL,
        "prose",
        third_person,
        plain,
        "none",
        letter_aliases,
        let_legend,
    ),
)
"""Wordings for validation."""
