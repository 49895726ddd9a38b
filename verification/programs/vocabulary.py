"""The words that plans may use: names of observations and actions, and phrases for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import nearest, parse
from surefoot.verification.formulas.propositional import is_propositional
from surefoot.verification.formulas.syntax import Formula
from surefoot.verification.rules import RuleBook

FILLERS = frozenset(
    "a an the there is are be any you your we it its see sees seen observe observes observed "
    "detect detected visible present currently still now in at on of that this these has have "
    "been coming comes approaching which"
    "".split()
)
"""Words that do not distinguish phrases."""

Bag = frozenset[str]
"""The significant words of a phrase, in any order."""


def bag(phrase: str) -> Bag:
    """Returns the significant words of a phrase, in lower case and the singular."""
    words = re.findall(r"[a-z0-9]+", phrase.lower())
    return frozenset(singular(word) for word in words if word not in FILLERS)


def singular(word: str) -> str:
    """Drops the ``s`` of a plural; words such as 'across' stay."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "su" else word


@dataclass(frozen=True)
class PlanVocabulary:
    """Names and phrases.

    Attributes:
        observations: Propositions that a condition may use.
        actions: Propositions that a plan may make true.
        phrases: Additional phrases for a name. Entries of ``!name`` are phrases for its negation,
            such as 'red light' for ``!green_light``.

    Raises:
        InputError: A phrase has two meanings, or an unknown name.
    """

    observations: tuple[str, ...]
    actions: tuple[str, ...]
    phrases: Mapping[str, Iterable[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = (*self.observations, *self.actions)
        meaning: dict[Bag, tuple[str, bool]] = {}
        own = {name: [name.replace("_", " ")] for name in known}
        for key, phrases in (*own.items(), *self.phrases.items()):
            name, true = (key[1:], False) if key.startswith("!") else (key, True)
            if name not in known:
                raise InputError(f"phrases for unknown '{name}'{nearest(name, known)}")
            for phrase in phrases:
                words = bag(phrase)
                if not words:
                    raise InputError(f"the phrase {phrase!r} for '{name}' has no word that counts")
                if meaning.setdefault(words, (name, true)) != (name, true):
                    other = meaning[words][0]
                    raise InputError(f"the phrase {phrase!r} stands for '{other}' and '{name}'")
        object.__setattr__(self, "_meaning", meaning)
        seen = [words for words, (name, _) in meaning.items() if name in self.observations]
        object.__setattr__(self, "_words", frozenset().union(*seen))

    def find(self, phrase: str) -> tuple[str, bool] | None:
        """Returns the name that a phrase stands for, and whether it says that it is true."""
        meaning: dict[Bag, tuple[str, bool]] = self._meaning  # type: ignore[attr-defined]
        return meaning.get(bag(phrase))

    def senses(self, phrase: str) -> bool:
        """Whether a phrase, such as 'the traffic light', refers to observations only."""
        words: Bag = self._words  # type: ignore[attr-defined]
        found = self.find(phrase)
        acts = found is not None and found[0] in self.actions
        return bool(bag(phrase)) and bag(phrase) <= words and not acts

    def action(self, name: str, **place: object) -> str:
        """Checks the name of an action.

        Args:
            name: The name.
            place: File, line and column for the message.

        Raises:
            InputError: It is not an action.
        """
        if name in self.actions:
            return name
        what = "is an observation" if name in self.observations else "is not an action"
        hint = nearest(name, self.actions)
        raise InputError(f"{name[:60]!r} {what} of this rulebook{hint}", **place)  # type: ignore[arg-type]

    def observation(self, name: str, **place: object) -> str:
        """Checks the name of an observation.

        Raises:
            InputError: It is none.
        """
        if name in self.observations:
            return name
        what = "is an action" if name in self.actions else "is not an observation"
        hint = nearest(name, self.observations)
        raise InputError(f"{name[:60]!r} {what} of this rulebook{hint}", **place)  # type: ignore[arg-type]

    def condition(self, text: str) -> Formula:
        """Reads a condition over observations in the grammar of formulas.

        Raises:
            InputError: It cannot be parsed, or has a temporal operator.
        """
        formula = parse(text, self.observations)
        if not is_propositional(formula):
            raise InputError(f"the condition '{text}' looks into the future; use observations only")
        return formula


def vocabulary_of(
    book: RuleBook, phrases: Mapping[str, Iterable[str]] | None = None
) -> PlanVocabulary:
    """Returns the vocabulary of a rulebook.

    Args:
        book: The rulebook.
        phrases: Additional phrases for its names.
    """
    return PlanVocabulary(book.observations, book.actions, phrases or {})
