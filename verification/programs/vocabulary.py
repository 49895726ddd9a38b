"""The words that plans may use: names of observations and actions, and phrases for them.

Phrases have an order: 'from the hall to the kitchen' is not 'from the kitchen to the hall'. Only
articles, forms of 'to be' and the endings of plurals do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import nearest, parse
from surefoot.verification.formulas.propositional import is_propositional
from surefoot.verification.formulas.syntax import Formula, Not, Prop
from surefoot.verification.grounding import Template, ground_phrases, ground_text
from surefoot.verification.rules import RuleBook

ARTICLES = frozenset("a an the".split())
"""Words before a noun that do not distinguish phrases."""

COPULAS = frozenset("is are be".split())
"""Forms of 'to be' that do not distinguish phrases: 'light is green' is 'light green'."""

_CONTRACTIONS = (
    (re.compile(r"\bcan'?t\b|\bcannot\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"(?<=[a-z])n't\b"), " not"),
    (re.compile(r"\b(isn|aren|doesn|don)t\b"), r"\1 not"),
    (re.compile(r"\b(there|it|that|here)'s\b"), r"\1 is"),
    (re.compile(r"\b(there|you|we|they)'re\b"), r"\1 are"),
)
_CUT_SHORT = {"isn": "is", "aren": "are", "doesn": "does", "don": "do"}
_TOKEN = re.compile(r"[^\W_]+|,|[^\w\s]", re.UNICODE)
_SILENT = frozenset("\"'“”‘’`*-_")
"""Characters that separate or decorate words and say nothing."""

_DOUBLED = re.compile(r"[^aeiou][aeiou][^aeiouwxy]$")
"""Verbs such as 'stop', whose last letter is doubled in 'stopping'."""

Key = tuple[str, ...]
"""The significant words of a phrase, in order."""


def tokens(text: str) -> list[str]:
    """Returns words and other characters, in lower case and with contractions written out.

    Commas stay; characters that no phrase has, such as '<' or '(', stay too, so that text with
    them is not taken for text without.
    """
    text = text.lower().replace("’", "'").replace("–", "-").replace("—", ",")
    for pattern, full in _CONTRACTIONS:
        text = pattern.sub(full, text)
    found = (_CUT_SHORT.get(word, word) for word in _TOKEN.findall(text))
    return [word for word in found if word not in _SILENT]


def key_of(words: Iterable[str]) -> Key:
    """Returns the significant words, in order and in the singular."""
    return tuple(singular(w) for w in words if w not in ARTICLES and w not in COPULAS)


def singular(word: str) -> str:
    """Drops the ``s`` of a plural; words such as 'across' stay."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "su" else word


def gerunds(verb: str) -> tuple[str, ...]:
    """Returns how the form in '-ing' of a verb may be spelled."""
    forms = [verb + "ing"]
    if verb.endswith("e") and not verb.endswith("ee"):
        forms = [verb[:-1] + "ing"]
    elif _DOUBLED.search(verb):
        forms.append(verb + verb[-1] + "ing")
    return tuple(forms)


@dataclass(frozen=True)
class PlanVocabulary:
    """Names and phrases.

    Attributes:
        observations: Propositions that a condition may use.
        actions: Propositions that a plan may make true.
        phrases: Additional phrases for a name. Entries of ``!name`` are phrases for its negation,
            such as 'red light' for ``!green_light``.
        steps_per_second: Steps in a second, for 'for 3 seconds'; None if that is not stated.
        templates: Observations and actions with parameters, by name.
        names: Names that plans in JSON and Python use, with those of the rulebook, or with
            '!name' for an observation that does not hold.

    Raises:
        InputError: Phrases for an unknown name, or a phrase without a word that counts.
    """

    observations: tuple[str, ...]
    actions: tuple[str, ...]
    phrases: Mapping[str, Iterable[str]] = field(default_factory=dict)
    steps_per_second: float | None = None
    templates: Mapping[str, Template] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = (*self.observations, *self.actions)
        for key, name in self.names.items():
            of = self.observations if name.startswith("!") else known
            if name.removeprefix("!") not in of:
                raise InputError(f"names: '{key}' stands for unknown '{name}'{nearest(name, of)}")
            if key in known and key != name:
                raise InputError(f"names: '{key}' is a name of the rulebook; choose another")
        meaning: dict[Key, dict[tuple[str, bool], str]] = {}
        doing: dict[Key, dict[str, str]] = {}
        own = {name: [name.replace("_", " ")] for name in known}
        for key, phrases in (*own.items(), *self.phrases.items()):
            name, true = (key[1:], False) if key.startswith("!") else (key, True)
            if name not in known:
                raise InputError(f"phrases for unknown '{name}'{nearest(name, known)}")
            for phrase in phrases:
                words = key_of(tokens(phrase))
                if not words:
                    raise InputError(f"the phrase {phrase!r} for '{name}' has no word that counts")
                meaning.setdefault(words, {}).setdefault((name, true), phrase)
                if name in self.actions and true:
                    for form in gerunds(words[0]):
                        doing.setdefault((form, *words[1:]), {}).setdefault(name, phrase)
        object.__setattr__(self, "_meaning", meaning)
        object.__setattr__(self, "_doing", doing)
        seen = {
            word
            for key, names in meaning.items()
            if any(name in self.observations for name, _ in names)
            for word in key
        }
        object.__setattr__(self, "_words", frozenset(seen))
        every = {word for key in meaning for word in key}
        object.__setattr__(self, "_all_words", frozenset(every))
        object.__setattr__(self, "_longest", max(map(len, meaning), default=0))

    def look_up(self, words: Sequence[str]) -> tuple[str, bool] | None:
        """Returns the name that words stand for in this order, and whether they say it is true.

        Raises:
            InputError: The words are a phrase for two names.
        """
        meaning: dict[Key, dict[tuple[str, bool], str]] = self._meaning  # type: ignore[attr-defined]
        found = meaning.get(key_of(words))
        if found is None:
            return None
        if len(found) > 1:
            (first, _), (second, _) = list(found)[:2]
            phrase = next(iter(found.values()))
            raise InputError(
                f"the phrase {phrase!r} stands for '{first}' and '{second}'; give them phrases "
                "that differ, or write the plan as JSON or Python"
            )
        return next(iter(found))

    def find(self, phrase: str) -> tuple[str, bool] | None:
        """Returns the name that a phrase stands for, and whether it says that it is true.

        Raises:
            InputError: It stands for two names.
        """
        return self.look_up(tokens(phrase))

    def act(self, words: Sequence[str]) -> str | None:
        """Returns the action that words command, or None.

        Raises:
            InputError: The words are a phrase for two names.
        """
        found = self.look_up(words)
        return found[0] if found and found[1] and found[0] in self.actions else None

    def acting(self, words: Sequence[str]) -> str | None:
        """Returns the action that words such as 'turning right' name, or None."""
        doing: dict[Key, dict[str, str]] = self._doing  # type: ignore[attr-defined]
        found = doing.get(key_of(words), {})
        return next(iter(found)) if len(found) == 1 else None

    def senses(self, phrase: str) -> bool:
        """Whether a phrase, such as 'the traffic light', refers to observations only."""
        words: frozenset[str] = self._words  # type: ignore[attr-defined]
        key = key_of(tokens(phrase))
        found = self.look_up(key)
        acts = found is not None and found[0] in self.actions
        return bool(key) and set(key) <= words and not acts

    def touches(self, phrase: str) -> bool:
        """Whether a phrase has any word of the vocabulary."""
        words: frozenset[str] = self._all_words  # type: ignore[attr-defined]
        small = {"to", "from", "of", "in", "on", "at", "and", "by", "with", "for"}
        return bool((set(key_of(tokens(phrase))) & words) - small)

    def action(self, name: str, **place: object) -> str:
        """Checks the name of an action.

        Args:
            name: The name.
            place: File, line and column for the message.

        Raises:
            InputError: It is not an action.
        """
        name = self.names.get(name, self.grounded(name))
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
        name = self.grounded(name)
        if name in self.observations:
            return name
        what = "is an action" if name in self.actions else "is not an observation"
        hint = nearest(name, self.observations)
        raise InputError(f"{name[:60]!r} {what} of this rulebook{hint}", **place)  # type: ignore[arg-type]

    def proposition(self, name: str, **place: object) -> Formula:
        """Returns the observation of a name, which may be one of :attr:`names`.

        Raises:
            InputError: It is none.
        """
        mapped = self.names.get(name, name)
        found = Prop(self.observation(mapped.removeprefix("!"), **place))
        return Not(found) if mapped.startswith("!") else found

    def grounded(self, text: str) -> str:
        """Puts names in the place of calls with objects, such as ``on(red, blue)``.

        Raises:
            InputError: An unknown object, or a wrong number of arguments.
        """
        return ground_text(text, self.templates, {})

    def condition(self, text: str) -> Formula:
        """Reads a condition over observations in the grammar of formulas.

        Raises:
            InputError: It cannot be parsed, or has a temporal operator.
        """
        mapped = {key: name for key, name in self.names.items() if key not in self.actions}
        text = re.sub(r"\w+", lambda word: _quoted(mapped.get(word[0], word[0])), text)
        formula = parse(self.grounded(text), self.observations)
        if not is_propositional(formula):
            raise InputError(f"the condition '{text}' looks into the future; use observations only")
        return formula


def _quoted(name: str) -> str:
    return f"(!{name[1:]})" if name.startswith("!") else name


def vocabulary_of(
    book: RuleBook,
    phrases: Mapping[str, Iterable[str]] | None = None,
    names: Mapping[str, str] | None = None,
) -> PlanVocabulary:
    """Returns the vocabulary of a rulebook.

    Args:
        book: The rulebook.
        phrases: Additional phrases for its names.
        names: What plans in JSON and Python call them.
    """
    said = dict(book.phrases)
    for name, texts in ground_phrases(phrases or {}, book.templates).items():
        said[name] = (*said.get(name, ()), *texts)
    return PlanVocabulary(
        book.observations, book.actions, said, book.steps_per_second, book.templates, names or {}
    )
