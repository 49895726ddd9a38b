"""Learns the names that an answer defines itself: ``robot1 (R1)``, ``Let A be robot2``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from surefoot.pddl.extract.mentions import LOOP_VARIABLES
from surefoot.pddl.extract.vocabulary import TaskVocabulary
from surefoot.pddl.extract.words import FILLERS

_SHORT = (
    r"(?:[A-Za-z]{1,4}[-_]?\d{1,3}(?:[-_]\d{1,3}){0,3}[a-z]?|[A-Z]{1,3}[a-z]?(?![\w-])"
    r"|[A-Z][a-z]{1,9}(?![\w-]))"
)
_NAME = r"(?:[A-Za-z][\w-]*(?:[ ]#?(?:[A-Za-z]\b|\d+(?:-\d+)*))?)"
_QUOTE = r"[*_`\"'“”]{0,3}"
_BEHIND = re.compile(rf"(?P<name>{_NAME}){_QUOTE}\s*\({_QUOTE}(?P<alias>{_SHORT}){_QUOTE}\)")
_BEFORE = re.compile(
    rf"(?<![\w(-])(?P<alias>{_SHORT}){_QUOTE}\s*\({_QUOTE}(?P<name>{_NAME}){_QUOTE}\)"
)
_LET = re.compile(
    rf"\b[Ll]et(?:'s)?\s+(?:call\s+)?{_QUOTE}(?P<alias>{_SHORT}){_QUOTE}\s+"
    rf"(?:be|denote|represent|stand for|mean|refer to)\s+(?:the\s+)?{_QUOTE}(?P<name>{_NAME})"
)
_LET_MORE = re.compile(
    rf"(?<=\S)(?:,|;|\s+and)\s+(?:let\s+)?{_QUOTE}(?P<alias>{_SHORT}){_QUOTE}\s+"
    rf"(?:be|denote|represent|stand for|mean|refer to)\s+(?:the\s+)?{_QUOTE}(?P<name>{_NAME})"
)
_CALL = re.compile(
    rf"\b(?:call|denote|label|name|abbreviate|write|refer to|use)\s+(?:the\s+)?{_QUOTE}"
    rf"(?P<name>{_NAME}){_QUOTE}\s+(?:as|by|with|to)?\s*{_QUOTE}(?P<alias>{_SHORT}){_QUOTE}(?![\w-])"
)
_FOR = re.compile(
    rf"(?<![\w-]){_QUOTE}(?P<alias>{_SHORT}){_QUOTE}\s*(?:=|:=|≡|stands for|denotes|represents"
    rf"|means|refers to|is short for)\s*(?:the\s+)?{_QUOTE}(?P<name>{_NAME}){_QUOTE}(?![\w(])"
)
_AS = re.compile(
    rf"(?<![\w-]){_QUOTE}(?P<name>{_NAME}){_QUOTE}\s*(?:=|:=|≡|as|called|named|denoted(?: by| as)?"
    rf"|labell?ed(?: as)?|abbreviated(?: as| to)?|aka|a\.k\.a\.|hereafter|→|->|=>)\s*"
    rf"{_QUOTE}(?P<alias>{_SHORT}){_QUOTE}(?![\w(-])"
)
_LISTED = re.compile(
    rf"(?m)^\s*(?:[-*•]\s+)?{_QUOTE}(?P<alias>{_SHORT}){_QUOTE}\s*(?::|–|—|-|→|->|=>)\s*"
    rf"{_QUOTE}(?P<name>{_NAME}){_QUOTE}[.,;]?\s*$"
)
_LISTED_BACK = re.compile(
    rf"(?m)^\s*(?:[-*•]\s+)?{_QUOTE}(?P<name>{_NAME}){_QUOTE}\s*(?::|–|—|-|→|->|=>)\s*"
    rf"{_QUOTE}(?P<alias>{_SHORT}){_QUOTE}[.,;]?\s*$"
)
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_GROUP = re.compile(
    rf"(?P<noun>[A-Za-z][\w-]*(?: [A-Za-z][\w-]*)?){_QUOTE}\s*(?:\(|:\s*){_QUOTE}"
    rf"(?P<list>{_SHORT}(?:(?:,\s*(?:and\s+)?|\s+and\s+){_SHORT})+){_QUOTE}\)?"
)
"""``Shot glasses (SG1, SG2, SG3)``."""
_FORMS = (_BEHIND, _BEFORE, _LET, _LET_MORE, _CALL, _FOR, _AS, _LISTED, _LISTED_BACK)
_EXPLICIT = (_LET, _LET_MORE, _CALL, _FOR, _AS)
"""Forms in which a longer word (``Alice``) is a name for certain."""


@dataclass
class Aliases:
    """The names that an answer defines.

    Attributes:
        objects: Object by alias, as written.
        clashing: Aliases that the answer gives to several objects; they mean none.
    """

    objects: dict[str, str] = field(default_factory=dict)
    clashing: set[str] = field(default_factory=set)

    def apply(self, text: str) -> str:
        """Returns a text with the aliases replaced by the objects that they name."""
        if not self.objects:
            return text
        keys = {**{a.lower(): o for a, o in self.objects.items() if re.search(r"\d", a)}}
        keys.update(self.objects)
        words = "|".join(map(re.escape, sorted(keys, key=len, reverse=True)))
        return re.sub(rf"(?<![\w-])(?:{words})(?![\w-]|'[a-z])", lambda m: self._one(m, keys), text)

    @staticmethod
    def _one(match: re.Match[str], keys: dict[str, str]) -> str:
        word = match.group()
        if word == "A":
            before, after = match.string[: match.start()], match.string[match.end() :]
            starts = not before.strip() or before.rstrip()[-1:] in ".!?:"
            if (
                starts
                and re.match(r"\s[a-z]{3,}", after)
                and not re.match(
                    r"\s(?:from|into|onto|with|picks|moves|goes|takes|drops|puts)\b", after
                )
            ):
                return word  # the article that begins a sentence
        return keys[word]


def learn_aliases(vocabulary: TaskVocabulary, text: str) -> Aliases:
    """Finds the names that an answer gives to the task's objects.

    Args:
        vocabulary: The task's words.
        text: The answer, in its own case.
    """
    found = Aliases()
    for alias, name in _definitions(vocabulary, text):
        known = found.objects.get(alias)
        if known is not None and known != name:
            found.clashing.add(alias)
        found.objects.setdefault(alias, name)
    for alias in found.clashing:
        del found.objects[alias]
    return found


def _definitions(vocabulary: TaskVocabulary, text: str) -> Iterator[tuple[str, str]]:
    yield from _listed(vocabulary, text)
    for form in _FORMS:
        for match in form.finditer(text):
            alias, said = match.group("alias"), match.group("name")
            if form not in _EXPLICIT and re.fullmatch(r"[A-Z][a-z]+", alias):
                continue  # 'robot1 (Start)' is a remark
            if form not in (_LET, _LET_MORE) and alias.lower() in LOOP_VARIABLES:
                continue
            name = _object(vocabulary, said, from_end=form in (_BEHIND, _AS, _LISTED_BACK))
            if name is not None and _is_new(vocabulary, alias):
                yield alias, name


def _listed(vocabulary: TaskVocabulary, text: str) -> Iterator[tuple[str, str]]:
    """Reads the names that an answer lists behind a noun, by their numbers or in order."""
    for match in _GROUP.finditer(text):
        names = re.findall(_SHORT, match.group("list"))
        words = match.group("noun").lower().split()
        nouns = (" ".join(words), words[-1])
        members = next((m for n in nouns if (m := vocabulary.objects.members_of(n))), ())
        if not members or not all(_is_new(vocabulary, name) for name in names):
            continue
        numbered = {_digits(member): member for member in members}
        if all(_digits(name) in numbered and _digits(name) for name in names):
            yield from ((name, numbered[_digits(name)]) for name in names)
        elif len(names) == len(members) and "".join(names).lower() == _ALPHABET[: len(names)]:
            yield from zip(names, members, strict=True)


def _digits(name: str) -> str:
    match = re.search(r"\d+$", name)
    return match.group() if match else ""


def _object(vocabulary: TaskVocabulary, said: str, *, from_end: bool) -> str | None:
    """Returns the one object that a phrase names, or the one at its end or beginning."""
    words = said.lower().replace("#", "").split()
    for size in range(len(words), 0, -1):
        piece = " ".join(words[-size:] if from_end else words[:size])
        ref = vocabulary.object_named(piece)
        if ref is not None and ref.exact and len(ref.objects) == 1:
            return ref.objects[0]
    return None


def _is_new(vocabulary: TaskVocabulary, alias: str) -> bool:
    """Returns whether a word may be a name of the answer's own."""
    low = alias.lower()
    if low in vocabulary.task.objects or (low in FILLERS and low != "a") or alias == "I":
        return False
    return vocabulary.action_named(low) is None and not vocabulary.phrases(low)
