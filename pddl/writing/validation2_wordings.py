"""More wordings for validation: spellings of calls, and other voices."""

from __future__ import annotations

from collections.abc import Mapping

from surefoot.pddl.renaming.names import split_index
from surefoot.pddl.writing.model import Split, WrittenStep
from surefoot.pddl.writing.speaker import Speaker, Wording, first_upper
from surefoot.pddl.writing.spelling import Roster, plain
from surefoot.pddl.writing.validation2_structures import number_word
from surefoot.pddl.writing.wordings import stated_names, third_person


def bold_code(name: str, roster: Roster) -> str:
    """Spells **`robot1`**."""
    return f"**`{name}`**"


def curly(name: str, roster: Roster) -> str:
    """Spells “robot1”."""
    return f"“{name}”"


def underscored(name: str, roster: Roster) -> str:
    """Spells *robot_1*."""
    stem, index = split_index(name)
    return f"{stem}_{index}" if index and len(stem) > 2 and stem[-1].isalpha() else name


def small_words(name: str, roster: Roster) -> str:
    """Spells *robot 1* and *cutting board*."""
    stem, index = split_index(name)
    words = stem.replace("_", " ").replace("-", " ").strip()
    return f"{words} {index}".strip() if len(words) > 2 else name


def number_words(name: str, roster: Roster) -> str:
    """Spells *robot one*."""
    stem, index = split_index(name)
    if len(stem) > 2 and stem.isalpha() and index.isdigit() and int(index) < 20:
        return f"{stem} {number_word(int(index))}"
    return name


def snake_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *pick_up(robot1, ball1)*."""
    return f"{item.step.action.replace('-', '_')}({', '.join(stated_names(item, speaker))})"


def camel_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *pickUp(robot1, ball1)*."""
    first, *rest = item.step.action.replace("_", "-").split("-")
    action = "".join([first, *map(first_upper, rest)])
    return f"{action}({', '.join(stated_names(item, speaker))})"


def coded_sexpr(item: WrittenStep, speaker: Speaker) -> str:
    """Says *(pick robot1 ball1)* as code."""
    return f"`({' '.join([item.step.action, *stated_names(item, speaker)])})`"


def comma_words(item: WrittenStep, speaker: Speaker) -> str:
    """Says ***pick** robot1, ball1*."""
    return f"**{item.step.action}** {', '.join(stated_names(item, speaker))}"


def square_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *pick[robot1, ball1]*."""
    return f"{item.step.action}[{', '.join(stated_names(item, speaker))}]"


def bindings(item: WrittenStep, speaker: Speaker) -> str:
    """Says *pick with ?r = robot1, …*; an action without known parameters has plain arguments."""
    keys, names = speaker.keys(item.step.action), speaker.names(item.step)
    if len(keys) != len(names):
        return f"{item.step.action} with {', '.join(names)}"
    schema = speaker.ground.task.domain.actions[item.step.action]
    given = [
        f"{p.name} = {n}"
        for i, (p, n) in enumerate(zip(schema.parameters, names, strict=True))
        if i not in item.omitted
    ]
    return f"{item.step.action} with {', '.join(given)}"


def method_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *robot1.pick(ball1, room1)*, or a plain call where nobody is named."""
    names = stated_names(item, speaker)
    action = item.step.action.replace("-", "_")
    if names and speaker.phrase(item).subject == 0 and 0 not in item.omitted:
        return f"{names[0]}.{action}({', '.join(names[1:])})"
    return f"{action}({', '.join(names)})"


def use_to(item: WrittenStep, speaker: Speaker) -> str:
    """Says *Use robot1 to pick up ball1*, or *Now pick up …* where nobody is named."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, "")
    said = f"{phrase.verb.text}{phrase.tail(names, item.omitted)}"
    return f"Use {actor} to {said}" if actor else f"Now {said}"


def bracketed_actor(item: WrittenStep, speaker: Speaker) -> str:
    """Says *[robot1] Pick up ball1*."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, "")
    said = first_upper(f"{phrase.verb.text}{phrase.tail(names, item.omitted)}")
    return f"[{actor}] {said}" if actor else said


def duty(item: WrittenStep, speaker: Speaker) -> str:
    """Says *robot1 should pick up ball1*, or *You should pick up …*."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, "you")
    return first_upper(f"{actor} should {phrase.verb.text}{phrase.tail(names, item.omitted)}")


def first_person(item: WrittenStep, speaker: Speaker) -> str:
    """Says *I tell robot1 to pick up ball1*, or *I pick up …*."""
    phrase, names = speaker.phrase(item), speaker.names(item.step)
    actor = phrase.actor(names, item.omitted, "")
    said = f"{phrase.verb.text}{phrase.tail(names, item.omitted)}"
    return f"I tell {actor} to {said}" if actor else f"I {said}"


def with_call(item: WrittenStep, speaker: Speaker) -> str:
    """Says *robot1 picks up ball1: `(pick robot1 ball1)`*."""
    said = " ".join([item.step.action, *stated_names(item, speaker)])
    return f"{third_person(item, speaker)}: `({said})`"


def initials(speaker: Speaker) -> dict[str, str]:
    """Draws *rb1* for *robot1*: two letters and the number, for all things that are numbered."""
    found: dict[str, str] = {}
    taken = {name.lower() for name in speaker.roster.names}
    for name in speaker.roster.names:
        stem, index = split_index(name)
        consonants = [c for c in stem[1:] if c.isalpha() and c not in "aeiou"]
        alias = f"{stem[:1]}{''.join(consonants[:1])}{index}".lower()
        if len(stem) > 3 and index.isdigit() and alias not in taken:
            found[name] = alias
            taken.add(alias)
    return found


def listed_legend(aliases: Mapping[str, str]) -> str:
    """Defines aliases in a list."""
    if not aliases:
        return ""
    return "\n".join(["Notation:", *(f"- {alias} = {name}" for name, alias in aliases.items())])


_VAL = Split.VALIDATION
WORDINGS = (
    Wording("snake-call", _VAL, "call", snake_call),
    Wording("camel-call", _VAL, "call", camel_call),
    Wording("coded-sexpr", _VAL, "call", coded_sexpr),
    Wording("comma-words", _VAL, "call", comma_words),
    Wording("square-call", _VAL, "call", square_call, underscored),
    Wording("bindings", _VAL, "call", bindings),
    Wording("method-call", _VAL, "call", method_call),
    Wording("initials", _VAL, "call", snake_call, plain, "none", initials, listed_legend),
    Wording("use-to", _VAL, "prose", use_to, bold_code),
    Wording("bracketed-actor", _VAL, "prose", bracketed_actor, synonyms="validation2"),
    Wording("duty", _VAL, "prose", duty, small_words),
    Wording("first-person", _VAL, "prose", first_person, number_words, synonyms="validation2"),
    Wording("with-call", _VAL, "prose", with_call),
    Wording("curly-synonyms", _VAL, "prose", third_person, curly, synonyms="validation2"),
    Wording("brief-duty", _VAL, "prose", duty, plain, "any"),
)
"""More wordings for validation."""
