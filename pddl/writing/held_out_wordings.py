"""Wordings that readers are only measured on."""

from __future__ import annotations

from collections.abc import Mapping

from surefoot.pddl.renaming.names import split_index
from surefoot.pddl.writing.model import Split, WrittenStep
from surefoot.pddl.writing.speaker import Speaker, Wording, first_upper
from surefoot.pddl.writing.spelling import Roster, plain
from surefoot.pddl.writing.wordings import call, imperative, stated_names, third_person


def single_quoted(name: str, roster: Roster) -> str:
    """Spells *'robot1'*."""
    return f"'{name}'"


def title_dashed(name: str, roster: Roster) -> str:
    """Spells *Robot-1*."""
    stem, index = split_index(name)
    if not stem.isalpha() or len(stem) < 2:
        return name
    return f"{first_upper(stem)}-{index}" if index.isdigit() else first_upper(name)


def with_number(name: str, roster: Roster) -> str:
    """Spells *robot number 1*."""
    stem, index = split_index(name)
    word = stem.strip("_-")
    # nobody speaks of level number 2, nor puts it so beside an abbreviation
    counted = len(word) > 3 and word.isalpha() and index.isdigit() and word != "level"
    return f"{word} number {index}" if counted else name


def italic_code(name: str, roster: Roster) -> str:
    """Spells *`robot1`* in italics."""
    return f"*`{name}`*"


def labelled_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *pick(r: robot1, …)*; an action without known parameters has plain arguments."""
    keys, names = speaker.keys(item.step.action), speaker.names(item.step)
    if len(keys) != len(names):
        return call(item, speaker)
    given = [f"{k}: {n}" for k, n in zip(keys, names, strict=True)]
    kept = [g for i, g in enumerate(given) if i not in item.omitted]
    return f"{item.step.action}({', '.join(kept)})"


def bold_sexpr(item: WrittenStep, speaker: Speaker) -> str:
    """Says *(pick robot1 ball1)* in bold."""
    return f"**({' '.join([item.step.action, *stated_names(item, speaker)])})**"


def bare_commas(item: WrittenStep, speaker: Speaker) -> str:
    """Says *pick robot1, ball1, room1*, with the action as code."""
    return f"`{item.step.action}` {', '.join(stated_names(item, speaker))}"


def spread_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *PICK robot1 ball1 room1*, with only the action in upper case."""
    return " ".join([item.step.action.upper(), *stated_names(item, speaker)])


def string_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *pick("robot1", "ball1")* as code."""
    names = ", ".join(f'"{n}"' for n in stated_names(item, speaker))
    return f"`{item.step.action}({names})`"


def explained_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *`pick robot1 ball1`: robot1 picks up ball1*."""
    said = " ".join([item.step.action, *stated_names(item, speaker)])
    return f"`{said}`: {third_person(item, speaker)}"


def imperative_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *robot1: Pick up ball1 [pick robot1 ball1]*."""
    said = " ".join([item.step.action, *stated_names(item, speaker)])
    return f"{imperative(item, speaker)} [{said}]"


def can_now(item: WrittenStep, speaker: Speaker) -> str:
    """Says *robot1 can now pick up ball1*, or *We can now pick up …*."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, "we")
    return first_upper(f"{actor} can now {phrase.verb.text}{phrase.tail(names, item.omitted)}")


def needs_to(item: WrittenStep, speaker: Speaker) -> str:
    """Says *robot1 needs to pick up ball1*."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, speaker.words.actor)
    return first_upper(f"{actor} needs to {phrase.verb.text}{phrase.tail(names, item.omitted)}")


def instruct(item: WrittenStep, speaker: Speaker) -> str:
    """Says *Instruct robot1 to pick up ball1*, or *Pick up …* where nobody is named."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, "")
    said = f"{phrase.verb.text}{phrase.tail(names, item.omitted)}"
    return f"Instruct {actor} to {said}" if actor else first_upper(said)


def let_us(item: WrittenStep, speaker: Speaker) -> str:
    """Says *Let's have robot1 pick up ball1*, or *Let's pick up …*."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, "")
    said = f"{phrase.verb.text}{phrase.tail(names, item.omitted)}"
    return f"Let's have {actor} {said}" if actor else f"Let's {said}"


def progressive(item: WrittenStep, speaker: Speaker) -> str:
    """Says *robot1 is picking up ball1*."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, "")
    tail = phrase.tail(names, item.omitted)
    if not actor:
        return first_upper(f"{phrase.verb.text}{tail}")
    return first_upper(f"{actor} is {phrase.verb.gerund}{tail}")


def capital_codes(speaker: Speaker) -> dict[str, str]:
    """Draws *RO1* for *robot1*: two letters and the number, for the kind with most objects."""
    stems: dict[str, list[str]] = {}
    for name in speaker.roster.names:
        stem, index = split_index(name)
        word = stem.strip("_-")
        if len(word) > 3 and word.isalpha() and index.isdigit():
            stems.setdefault(word, []).append(name)
    found: dict[str, str] = {}
    taken = {name.lower() for name in speaker.roster.names}
    for word, names in sorted(stems.items(), key=lambda s: -len(s[1])):
        made = {name: f"{word[:2].upper()}{split_index(name)[1]}" for name in names}
        if taken.isdisjoint(alias.lower() for alias in made.values()):
            found |= made
            taken |= {alias.lower() for alias in made.values()}
    return found


def write_legend(aliases: Mapping[str, str]) -> str:
    """Defines *I will write RO1 for robot1, RO2 for robot2*."""
    if not aliases:
        return ""
    told = ", ".join(f"{alias} for {name}" for name, alias in aliases.items())
    return f"For brevity, I will write {told}."


_OUT = Split.HELD_OUT
WORDINGS = (
    Wording("labelled-call", _OUT, "call", labelled_call),
    Wording("bold-sexpr", _OUT, "call", bold_sexpr),
    Wording("bare-commas", _OUT, "call", bare_commas, title_dashed),
    Wording("spread-call", _OUT, "call", spread_call),
    Wording("string-call", _OUT, "call", string_call),
    Wording("capital-codes", _OUT, "call", call, plain, "none", capital_codes, write_legend),
    Wording("explained-call", _OUT, "prose", explained_call),
    Wording("imperative-call", _OUT, "prose", imperative_call, synonyms="held-out"),
    Wording("can-now", _OUT, "prose", can_now, single_quoted, synonyms="held-out"),
    Wording("needs-to", _OUT, "prose", needs_to, with_number, synonyms="held-out"),
    Wording("instruct", _OUT, "prose", instruct, italic_code),
    Wording("let-us", _OUT, "prose", let_us, title_dashed, synonyms="held-out"),
    Wording("progressive", _OUT, "prose", progressive),
    Wording("brief-needs", _OUT, "prose", needs_to, plain, "any"),
)
"""Wordings that readers are only measured on."""
