"""The words of one task: its actions by phrase, its objects by name or description."""

from __future__ import annotations

import re
from dataclasses import dataclass

from surefoot.pddl.extract.lexicon import ActionPhrase, ActionWords, Lexicon
from surefoot.pddl.extract.mentions import SPLIT_NAME, ObjectNames, Ref, squash
from surefoot.pddl.extract.words import PARTICLES, verb_pattern
from surefoot.pddl.language.model import Task


@dataclass(frozen=True, slots=True)
class PhraseHit:
    """A piece of text that mentions an action."""

    start: int
    end: int
    readings: tuple[tuple[str, ActionPhrase], ...]
    """Candidate actions, each with the phrase that was met."""

    def gerund(self, text: str) -> bool:
        """Returns whether the action is in its -ing form in a text."""
        return text[self.start : self.end].split()[0].endswith("ing")


class TaskVocabulary:
    """The words of one task, compiled.

    Args:
        task: The task whose actions and objects are looked for.
        lexicon: Extra words of its domain.
        past: Whether past forms name steps too (``ball1 is picked up``).
    """

    def __init__(self, task: Task, lexicon: Lexicon, *, past: bool = False) -> None:
        self.task = task
        self.lexicon = lexicon
        self.past = past
        self.words = {
            name: lexicon.actions.get(name, ActionWords()) for name in task.domain.actions
        }
        self._by_squashed = {squash(action): action for action in reversed(task.domain.actions)}
        self._phrases = self._collect_phrases()
        self._phrase_regex = _alternation(
            [verb_pattern(phrase, past) for phrase in self._phrases], r"(?<![\w-])", r"(?![\w])"
        )
        self._phrase_patterns = [
            (re.compile(verb_pattern(p, past)), readings) for p, readings in self._phrases.items()
        ]
        self._particle_verbs = [
            (re.compile(verb_pattern(words[0], past)), words[1], readings)
            for words, readings in ((p.split(), r) for p, r in self._phrases.items())
            if len(words) == 2 and words[1] in PARTICLES
        ]
        self._known_phrases: dict[str, tuple[tuple[str, ActionPhrase], ...]] = {}
        known = {squash(phrase) for phrase in self._phrases}
        self.objects = ObjectNames(task, lexicon, {*self._by_squashed, *known})
        self.plain_words = frozenset(
            word
            for text in (*self._phrases, *task.domain.types, *lexicon.ignore)
            for word in re.findall(r"[a-z]+", text.lower())
        )
        """Words of actions and types, which name no object by themselves."""
        self.last_words = frozenset(noun.split()[-1] for noun in self.objects.by_noun)
        """Last words of the nouns that objects go by (``hand`` of *left hand*)."""
        self._past: TaskVocabulary | None = None

    def with_past(self) -> TaskVocabulary:
        """Returns the same words with past forms of verbs, compiled once."""
        if self._past is None:
            self._past = TaskVocabulary(self.task, self.lexicon, past=True)
        return self._past

    def phrases(self, text: str) -> list[PhraseHit]:
        """Finds action phrases, the longest first at each place, not overlapping."""
        return [
            PhraseHit(
                match.start(),
                match.end(),
                self._readings(text, match.start(), match.end())
                + self._with_particle(match.group(), text[match.end() :]),
            )
            for match in self._phrase_regex.finditer(text)
        ]

    def _with_particle(self, verb: str, rest: str) -> tuple[tuple[str, ActionPhrase], ...]:
        """Returns readings of a verb whose particle stands apart: ``take the lid off``."""
        found: list[tuple[str, ActionPhrase]] = []
        for base, particle, readings in self._particle_verbs:
            behind = re.match(rf"[^,;:.()]{{1,60}}?\b{particle}\b", rest)
            if behind is not None and base.fullmatch(verb):
                found += readings
        return tuple(found)

    def _readings(self, text: str, start: int, end: int) -> tuple[tuple[str, ActionPhrase], ...]:
        # a past form may depend on the word before it ('is left'), so that belongs to the key
        key = text[max(0, start - 5) : end]
        if key not in self._known_phrases:
            self._known_phrases[key] = tuple(
                reading
                for pattern, readings in self._phrase_patterns
                if pattern.fullmatch(text, start, end)
                for reading in readings
            )
        return self._known_phrases[key]

    def action_named(self, name: str) -> str | None:
        """Returns the action that a formal name such as ``Put_Down`` means, if any."""
        return self._by_squashed.get(squash(name))

    def ignored(self, text: str) -> bool:
        """Returns whether a line speaks of something the lexicon calls no step."""
        return any(re.search(rf"\b{re.escape(word)}", text) for word in self.lexicon.ignore)

    def refs(self, text: str) -> list[Ref]:
        """Finds everything that mentions objects, in text order."""
        return self.objects.refs(text)

    def object_named(self, text: str) -> Ref | None:
        """Reads a piece of text that should be one object, as an argument list has it."""
        return self.objects.named(text)

    def _collect_phrases(self) -> dict[str, list[tuple[str, ActionPhrase]]]:
        table: dict[str, list[tuple[str, ActionPhrase]]] = {}
        for action, words in self.words.items():
            own = " ".join(SPLIT_NAME.split(action))
            for phrase in (ActionPhrase(text=own), *words.phrases):
                key = " ".join(SPLIT_NAME.split(phrase.text.lower()))
                readings = table.setdefault(key, [])
                if (action, phrase) not in readings:
                    readings.append((action, phrase))
        firsts = [SPLIT_NAME.split(action)[0] for action in self.words]
        for action in self.words:  # 'close' for close-lid, 'load' for load-truck
            verb, *more = SPLIT_NAME.split(action)
            told_apart = firsts.count(verb) == 1 or (more and more[0] not in PARTICLES)
            if more and told_apart and len(verb) > 2:
                readings = table.setdefault(verb, [])
                if (action, ActionPhrase(text=verb)) not in readings:
                    readings.append((action, ActionPhrase(text=verb)))
        return table


def _alternation(patterns: list[str], before: str, after: str) -> re.Pattern[str]:
    ordered = sorted(patterns, key=len, reverse=True)
    return re.compile(f"{before}(?:{'|'.join(ordered) or '(?!)'}){after}")
