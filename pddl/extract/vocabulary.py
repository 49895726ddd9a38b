"""Finds the words of one task in text: actions by phrase, objects by name or description."""

from __future__ import annotations

import re
from dataclasses import dataclass

from surefoot.pddl.extract.lexicon import ActionPhrase, ActionWords, Lexicon
from surefoot.pddl.language.model import Task

_ORDINALS = {
    word: n
    for n, word in enumerate(
        """
        first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
        thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
        """.split(),
        start=1,
    )
}
_PREPOSITIONS = (
    "from",
    "to",
    "onto",
    "on",
    "into",
    "in",
    "inside",
    "with",
    "using",
    "by",
    "at",
    "off",
    "of",
    "over",
    "above",
    "below",
    "under",
    "underneath",
    "through",
    "towards",
    "toward",
    "for",
)
_ALL = r"(?:all(?: of)?(?: the)?|each(?: of the)?|every|both|remaining|the remaining|the other)"
_VARIABLES = frozenset("hijknxy")
"""Letters that stand for a loop's index (``hub x``), not for a name."""
_NUMBER = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_SPLIT_NAME = re.compile(r"[-_ ]+")


@dataclass(frozen=True, slots=True)
class Ref:
    """A piece of text that mentions objects.

    Attributes:
        start: Offset of its first character.
        end: Offset behind its last character.
        objects: The objects it may mean; empty if it names one that does not exist, or
            something that is no object of the task at all (then ``exact`` is false).
        exact: Whether it names one object.
        many: Whether it means all of ``objects`` in turn (``each tyre``, ``both balls``).
        label: A name of the text's own for a member of a group (``shot glass a``).
        preposition: The preposition before it, or ``""``.
        text: The words.
    """

    start: int
    end: int
    objects: tuple[str, ...]
    exact: bool
    many: bool
    label: str
    preposition: str
    text: str


@dataclass(frozen=True, slots=True)
class PhraseHit:
    """A piece of text that mentions an action."""

    start: int
    end: int
    readings: tuple[tuple[str, ActionPhrase], ...]
    """Candidate actions, each with the phrase that was met."""


class TaskVocabulary:
    """The words of one task, compiled.

    Args:
        task: The task whose actions and objects are looked for.
        lexicon: Extra words of its domain.
    """

    def __init__(self, task: Task, lexicon: Lexicon) -> None:
        self.task = task
        self.lexicon = lexicon
        self.words = {
            name: lexicon.actions.get(name, ActionWords()) for name in task.domain.actions
        }
        self._phrases = self._collect_phrases()
        self._phrase_regex = _alternation(
            [_verb_pattern(phrase) for phrase in self._phrases], r"(?<![\w-])", r"(?![\w])"
        )
        self._phrase_patterns = [
            (re.compile(_verb_pattern(p) + r"\Z"), readings)
            for p, readings in self._phrases.items()
        ]
        self._groups = self._collect_groups()
        self._object_regex = self._compile_objects()

    def phrases(self, text: str) -> list[PhraseHit]:
        """Finds action phrases, the longest first at each place, not overlapping."""
        hits: list[PhraseHit] = []
        for match in self._phrase_regex.finditer(text):
            found = match.group()
            readings = tuple(
                reading
                for pattern, all_readings in self._phrase_patterns
                if pattern.match(found)
                for reading in all_readings
            )
            hits.append(PhraseHit(match.start(), match.end(), readings))
        return hits

    def action_named(self, name: str) -> str | None:
        """Returns the action that a formal name such as ``Put_Down`` means, if any."""
        key = _squash(name)
        for action in self.task.domain.actions:
            if _squash(action) == key:
                return action
        return None

    def ignored(self, text: str) -> bool:
        """Returns whether a line speaks of something the lexicon calls no step."""
        return any(re.search(rf"\b{re.escape(word)}", text) for word in self.lexicon.ignore)

    def refs(self, text: str) -> list[Ref]:
        """Finds everything that mentions objects, in text order."""
        found: list[Ref] = []
        for match in self._object_regex.finditer(text):
            ref = self._interpret(match)
            if ref is not None:
                found.append(ref)
        return found

    def object_named(self, text: str) -> Ref | None:
        """Reads a piece of text that should be one object, as an argument list has it."""
        text = text.strip().strip("'\"")
        for ref in self.refs(text):
            if ref.start <= 4 and ref.end == len(text):
                return ref
        return self._by_words(text)

    def _by_words(self, text: str) -> Ref | None:
        """Reads an identifier whose words are shuffled: ``wheel_intact_3``, ``tyre_flat_i``."""
        words = re.findall(r"[a-z]+|\d+", text)
        index = next((w for w in reversed(words) if w.isdigit()), "")
        rest = {w for w in words if len(w) > 1 and not w.isdigit()}
        fitting = [n for n in self._by_noun if rest and set(n.split()) == rest]
        if not fitting:
            return None
        members = self._by_noun[fitting[0]]
        objects = members.get(index) or tuple(o for group in members.values() for o in group)
        return Ref(0, len(text), objects, len(objects) == 1, False, "", "", text)

    def _collect_phrases(self) -> dict[str, list[tuple[str, ActionPhrase]]]:
        table: dict[str, list[tuple[str, ActionPhrase]]] = {}
        for action, words in self.words.items():
            own = " ".join(_SPLIT_NAME.split(action))
            for phrase in (ActionPhrase(text=own), *words.phrases):
                key = " ".join(_SPLIT_NAME.split(phrase.text.lower()))
                readings = table.setdefault(key, [])
                if (action, phrase) not in readings:
                    readings.append((action, phrase))
        return table

    def _collect_groups(self) -> list[tuple[str, str, str]]:
        """Lists (noun, index, object) for every way to name an object by a noun."""
        groups: list[tuple[str, str, str]] = []
        objects = self.task.objects
        for group in self.lexicon.groups:
            pattern = re.compile(
                re.escape(group.objects.lower()).replace(r"\{n\}", r"(?P<n>\d+(?:-\d+)*|[a-z])")
            )
            for name in objects:
                match = pattern.fullmatch(name)
                if match:
                    index = match.groupdict().get("n") or ""
                    groups.extend((noun.lower(), index, name) for noun in group.nouns)
        covered = {name for _, _, name in groups}
        for kind, names in self.task.objects_by_type.items():
            noun = " ".join(_SPLIT_NAME.split(kind))
            if kind != "object":
                groups.extend((noun, _number(name), name) for name in names)
        for name in objects:  # stems: 'ball3' is a 'ball', even where its type is 'object'
            match = re.fullmatch(r"([a-z]{2,})[-_]?(\d+(?:-\d+)*)", name)
            if match and name not in covered:
                groups.append((match.group(1), match.group(2), name))
        return groups

    def _compile_objects(self) -> re.Pattern[str]:
        self._by_name = {_squash(name): name for name in self.task.objects}
        names = sorted(self.task.objects, key=len, reverse=True)
        literal = "|".join(_name_pattern(name) for name in names) or r"(?!)"
        self._by_noun: dict[str, dict[str, tuple[str, ...]]] = {}
        for noun, index, name in self._groups:
            members = self._by_noun.setdefault(noun, {})
            if name not in members.get(index, ()):
                members[index] = (*members.get(index, ()), name)
        nouns = sorted(self._by_noun, key=len, reverse=True)
        nouns = [*nouns, *(n.lower() for n in self.lexicon.scenery)]
        noun = "|".join(re.escape(n).replace(r"\ ", r"[ _-]?") for n in nouns) or r"(?!)"
        ordinal = "|".join(_ORDINALS)
        preposition = "|".join(_PREPOSITIONS)
        return re.compile(
            rf"(?:(?<!\w)(?P<prep>{preposition})\s+(?:top of\s+)?)?"
            r"(?:(?<!\w)(?P<det>the|a|an|its|your|their|any|one|another)\s+)?"
            rf"(?:(?<!\w)(?P<all>{_ALL})\s+(?:the\s+)?(?:(?:\d+|{_NUMBER})\s+)?)?"
            rf"(?:(?<!\w)(?P<ord>{ordinal}|\d+(?:st|nd|rd|th))\s+)?"
            r"(?:(?<![\w-])(?:"
            rf"(?:(?:{noun})\s+\(?)?(?P<name>{literal})(?!\w|-\d)(?:\s+(?:{noun})(?![\w-]))?"
            rf"|(?P<noun>(?:{noun}))(?P<plural>e?s)?"
            r"(?:(?<=\w)[ _#-]{0,2}(?P<index>\d+(?:[-_,]\s?\d+)*|[a-z](?!\w|'))"
            r"|\s?\((?P<paren>\d+(?:-\d+)*)\))?(?!\w)"
            r"))(?:'s)?"
        )

    def _interpret(self, match: re.Match[str]) -> Ref | None:
        noun, name = match.group("noun"), match.group("name")
        preposition = match.group("prep") or ""
        objects: tuple[str, ...]
        label = ""
        exact = False
        many = bool(match.group("all"))
        if name is not None:
            objects, exact = (self._by_name[_squash(name)],), True
        else:
            key = re.sub(r"[ _-]+", " ", noun)
            members = self._by_noun.get(key) or next(
                (m for n, m in self._by_noun.items() if _squash(n) == _squash(noun)), {}
            )
            index = match.group("index") or match.group("paren")
            ordinal = match.group("ord")
            everyone = tuple(dict.fromkeys(o for group in members.values() for o in group))
            whole = _squash(noun + (index or ""))
            if whole in self._by_name:
                objects = (self._by_name[whole],)
            elif index is not None and re.sub(r"[_,]\s?", "-", index) in members:
                objects = members[re.sub(r"[_,]\s?", "-", index)]
            elif index is not None and index.isalpha():
                if index == "a" and not re.search(r"[ _-]a$", match.group()):
                    return None
                objects = everyone
                label = "" if index in _VARIABLES else f"{key} {index}"
            elif index is not None:
                objects, exact = (), True
            elif ordinal is not None:
                number = _ORDINALS.get(ordinal) or int(re.sub(r"\D", "", ordinal))
                objects = members.get(str(number), everyone[number - 1 : number] or everyone)
            else:
                objects = everyone
                many = many or (bool(match.group("plural")) and len(objects) > 1)
            exact = exact or len(objects) == 1
        return Ref(
            match.start(),
            match.end(),
            objects,
            exact,
            many and not exact,
            label,
            preposition,
            match.group().strip(),
        )


def _number(name: str) -> str:
    match = re.search(r"\d+(?:[-_]\d+)*$", name)
    return match.group().replace("_", "-") if match else f"={name}"


def _squash(name: str) -> str:
    return re.sub(r"[-_ ]+", "", name.lower())


def _name_pattern(name: str) -> str:
    parts = [re.escape(part) for part in re.findall(r"[a-z]+|\d+|[^a-z\d\s_-]+", name)]
    separators = re.findall(r"[-_]+", name)
    joined = parts[0] if parts else re.escape(name)
    for part in parts[1:]:
        between_digits = joined[-1].isdigit() and part[0].isdigit()
        joined += (r"[-_]" if between_digits and separators else r"[-_ ]?") + part
    return joined


def _verb_pattern(phrase: str) -> str:
    """Regex for a phrase whose first word may be inflected (picks, picking)."""
    verb, *rest = phrase.split()
    if verb.endswith("e"):
        forms = rf"{re.escape(verb[:-1])}(?:e|es|ing)"
    elif verb.endswith("y"):
        forms = rf"{re.escape(verb[:-1])}(?:y|ies|ying)"
    else:
        forms = rf"{re.escape(verb)}(?:e?s|{re.escape(verb[-1])}?ing)?"
    return r"[ _-]?".join([forms, *map(re.escape, rest)])


def _alternation(patterns: list[str], before: str, after: str) -> re.Pattern[str]:
    ordered = sorted(patterns, key=len, reverse=True)
    return re.compile(f"{before}(?:{'|'.join(ordered) or '(?!)'}){after}")
