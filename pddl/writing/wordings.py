"""Wordings for development: calls of several kinds, and English in several voices."""

from __future__ import annotations

from collections.abc import Mapping

from surefoot.pddl.renaming.names import split_index
from surefoot.pddl.writing.model import Split, WrittenStep
from surefoot.pddl.writing.speaker import Speaker, Wording, first_upper
from surefoot.pddl.writing.spelling import bold, code, ordinal, plain, spaced


def stated_names(item: WrittenStep, speaker: Speaker) -> list[str]:
    """Returns the names of the arguments that are not left out."""
    return [n for i, n in enumerate(speaker.names(item.step)) if i not in item.omitted]


def call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *pick(robot1, ball1, room1)*."""
    return f"{item.step.action}({', '.join(stated_names(item, speaker))})"


def coded_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says a call as code."""
    return f"`{call(item, speaker)}`"


def keyword_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *pick(robot=robot1, …)*; an action without known parameters has plain arguments."""
    keys = speaker.keys(item.step.action)
    names = speaker.names(item.step)
    if len(keys) != len(names):
        return call(item, speaker)
    given = [f"{k}={n}" for i, (k, n) in enumerate(zip(keys, names, strict=True))]
    return (
        f"{item.step.action}({', '.join(g for i, g in enumerate(given) if i not in item.omitted)})"
    )


def words_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *pick robot1 ball1 room1*."""
    return " ".join([item.step.action, *stated_names(item, speaker)])


def imperative(item: WrittenStep, speaker: Speaker) -> str:
    """Says *robot1: pick up ball1 in room1*, or *Pick up …* where nobody is named."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, "")
    said = first_upper(f"{phrase.verb.text}{phrase.tail(names, item.omitted)}")
    return f"{actor}: {said}" if actor else said


def third_person(item: WrittenStep, speaker: Speaker) -> str:
    """Says *robot1 picks up ball1 in room1*."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, speaker.words.actor)
    return first_upper(f"{actor} {phrase.verb.third}{phrase.tail(names, item.omitted)}")


def passive(item: WrittenStep, speaker: Speaker) -> str:
    """Says *ball1 is picked up by robot1 in room1*; what has no object stays active."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    if not phrase.target or "{" not in phrase.target:
        return third_person(item, speaker)
    actor = phrase.actor(names, item.omitted, "")
    target = phrase.target.format(*names)
    rest = phrase.tail(names, item.omitted).removeprefix(f" {target}")
    by = f" by {actor}" if actor else ""
    return first_upper(f"{target} is {phrase.verb.participle}{by}{rest}")


def gloss(item: WrittenStep, speaker: Speaker) -> str:
    """Says *pick (Pick up): robot1 picks up ball1 in room1*, with the action in bold."""
    verb = first_upper(speaker.phrase(item).verb.text)
    return f"**{item.step.action}** ({verb}): {third_person(item, speaker)}"


def short_aliases(speaker: Speaker) -> dict[str, str]:
    """Draws *R1* for *robot1* for one or two kinds of objects that are numbered."""
    stems: dict[str, list[str]] = {}
    for name in speaker.roster.names:
        stem, index = split_index(name)
        if len(stem) > 2 and index:
            stems.setdefault(stem, []).append(name)
    chosen = speaker.rng.sample(sorted(stems), min(2, len(stems)))
    found: dict[str, str] = {}
    taken = {name.lower() for name in speaker.roster.names}
    for stem in chosen:
        letters = "".join(part[0] for part in stem.replace("_", "-").split("-") if part).upper()
        made = {name: letters + split_index(name)[1] for name in stems[stem]}
        if taken.isdisjoint(alias.lower() for alias in made.values()):
            found |= made
            taken |= {alias.lower() for alias in made.values()}
    return found


def bracket_legend(aliases: Mapping[str, str]) -> str:
    """Defines *robot1 (R1), robot2 (R2)*."""
    if not aliases:
        return ""
    return f"Abbreviations: {', '.join(f'{n} ({a})' for n, a in aliases.items())}."


_DEV = Split.DEVELOPMENT
WORDINGS = (
    Wording("call", _DEV, "call", call),
    Wording("coded-call", _DEV, "call", coded_call),
    Wording("keywords", _DEV, "call", keyword_call),
    Wording("bare-words", _DEV, "call", words_call),
    Wording("abbreviated-call", _DEV, "call", call, plain, "none", short_aliases, bracket_legend),
    Wording("imperative", _DEV, "prose", imperative),
    Wording("third-person-spaced", _DEV, "prose", third_person, spaced),
    Wording("passive-code", _DEV, "prose", passive, code),
    Wording("brief-bold", _DEV, "prose", imperative, bold, "any"),
    Wording("gloss", _DEV, "prose", gloss),
    Wording("ordinals", _DEV, "prose", third_person, ordinal),
)
"""Wordings for development."""
