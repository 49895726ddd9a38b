"""Says ground actions in one wording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language.model import ROOT_TYPE, PlanStep
from surefoot.pddl.writing.model import Split, WrittenStep
from surefoot.pddl.writing.phrases import DomainWords, Phrase
from surefoot.pddl.writing.spelling import Roster, Spelling, plain


@dataclass(frozen=True)
class Wording:
    """How a step is said.

    Attributes:
        name: Its name in styles.
        split: What it is for.
        kind: Whether it writes calls or English.
        say: Says a step in one line, without a full stop.
        spell: Spells names of objects.
        omits: Which arguments it leaves out where the state allows one completion only:
            none, any that the phrase can do without, or the last ones.
        aliases: Draws other names for some objects, which the answer defines first.
        legend: Defines them, given names and aliases.
        synonyms: The bank whose phrases it uses in place of the usual ones, ``""`` for none.
    """

    name: str
    split: Split
    kind: Literal["call", "prose"]
    say: Callable[[WrittenStep, Speaker], str]
    spell: Spelling = plain
    omits: Literal["none", "any", "last"] = "none"
    aliases: Callable[[Speaker], dict[str, str]] | None = None
    legend: Callable[[dict[str, str]], str] | None = None
    synonyms: str = ""


class Speaker:
    """Names objects and says steps.

    Args:
        ground: The task.
        words: The words of its domain.
        wording: How steps are said.
        rng: Draws variations.

    Attributes:
        legend: What defines the answer's own names, ``""`` if it has none.
        aliases: Those names by object.
        shared_verbs: Verbs of several actions, which only their arguments tell apart.
    """

    def __init__(
        self, ground: GroundTask, words: DomainWords, wording: Wording, rng: Random
    ) -> None:
        self.ground, self.words, self.wording, self.rng = ground, words, wording, rng
        self.roster = Roster(ground.task.objects)
        self._phrases = words.phrases
        if wording.synonyms:
            self._phrases = {**words.phrases, **words.synonyms[wording.synonyms]}
        verbs = Counter(phrase.verb.text for phrase in self._phrases.values())
        self.shared_verbs = {verb for verb, count in verbs.items() if count > 1}
        self._spell = wording.spell if self.roster.fits(wording.spell) else plain
        self.aliases: dict[str, str] = {}
        self.legend = ""
        if wording.aliases is not None and wording.legend is not None:
            self.aliases = wording.aliases(self)
            self.legend = wording.legend(self.aliases)

    def name(self, thing: str) -> str:
        """Returns an object's name as the answer writes it, or that of one that does not exist."""
        said = self.aliases.get(thing) or self._spell(thing, self.roster)
        # in English, a lone small letter reads as a word
        return said.upper() if len(said) == 1 and self.wording.kind == "prose" else said

    def names(self, step: PlanStep) -> tuple[str, ...]:
        """Returns the names of all arguments."""
        return tuple(map(self.name, step.args))

    def phrase(self, item: WrittenStep) -> Phrase:
        """Returns the phrase of a step's action; one that does not exist takes over another's."""
        found = self._phrases[item.origin or item.step.action]
        return found.with_verb(item.step.action) if item.origin else found

    def keys(self, action: str) -> tuple[str, ...]:
        """Returns what arguments are called: their parameter's name, or its type if that is short.

        An action that does not exist has none.
        """
        schema = self.ground.task.domain.actions.get(action)
        if schema is None:
            return ()
        names = [p.name.lstrip("?") for p in schema.parameters]
        types = [p.types[0] for p in schema.parameters]
        keys = [
            kind if len(name) < 3 and kind != ROOT_TYPE and types.count(kind) == 1 else name
            for name, kind in zip(names, types, strict=True)
        ]
        return tuple(keys if len(set(keys)) == len(keys) else names)

    def actor(self, item: WrittenStep) -> str:
        """Returns who acts if a step names somebody, else ``""``."""
        return self.phrase(item).actor(self.names(item.step), item.omitted, "")

    def title(self, item: WrittenStep) -> str:
        """Returns a short title; one that names another step says all of it."""
        if item.title is not None:
            other = WrittenStep(item.title)
            phrase, names = self.phrase(other), self.names(item.title)
            actor = phrase.actor(names, frozenset(), "")
            verb = phrase.verb.third if actor else phrase.verb.text
            return first_upper(f"{actor} {verb}{phrase.tail(names, frozenset())}".strip())
        phrase = self.phrase(item)
        target = phrase.target.format(*self.names(item.step))
        return first_upper(f"{phrase.verb.text} {target}".strip())


def first_upper(text: str) -> str:
    """Returns a text with its first letter in upper case."""
    return text[:1].upper() + text[1:]
