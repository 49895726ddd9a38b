"""English sentences for ground actions, from one line of a table for each action."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

_PARTICIPLES = {
    "do": "done",
    "drive": "driven",
    "fly": "flown",
    "get": "got",
    "go": "gone",
    "hold": "held",
    "lay": "laid",
    "leave": "left",
    "make": "made",
    "put": "put",
    "set": "set",
    "shake": "shaken",
    "shut": "shut",
    "spin": "spun",
    "take": "taken",
    "undo": "undone",
}
_PASTS = {
    **_PARTICIPLES,
    "do": "did",
    "drive": "drove",
    "fly": "flew",
    "go": "went",
    "shake": "shook",
    "take": "took",
    "undo": "undid",
}
_DOUBLED = {"chop", "drop", "get", "grab", "put", "set", "shut", "spin", "step", "transfer"}
_PLACE = re.compile(r"\{(\d+)\}")
_NOUN = re.compile(r"(\w+) \{(\d+)\}")
_END = re.compile(r"(up |over )?(to|into|onto|in|on|at|towards)\b")


@dataclass(frozen=True)
class Verb:
    """A verb with the particle behind it, such as *pick up*."""

    text: str

    @property
    def _parts(self) -> tuple[str, str]:
        head, _, particle = self.text.partition(" ")
        return head, f" {particle}" if particle else ""

    @property
    def third(self) -> str:
        """The third person: *picks up*."""
        head, particle = self._parts
        if head.endswith(("s", "sh", "ch", "x", "o", "z")):
            return f"{head}es{particle}"
        if re.search(r"[^aeiou]y$", head):
            return f"{head[:-1]}ies{particle}"
        return f"{head}s{particle}"

    @property
    def gerund(self) -> str:
        """The form in *-ing*: *picking up*."""
        head, particle = self._parts
        if head in _DOUBLED:
            return f"{head}{head[-1]}ing{particle}"
        return f"{head[:-1] if re.search('[^eo]e$', head) else head}ing{particle}"

    @property
    def past(self) -> str:
        """The simple past: *picked up*."""
        return self._past(_PASTS)

    @property
    def participle(self) -> str:
        """The past participle: *picked up*."""
        return self._past(_PARTICIPLES)

    def _past(self, irregular: dict[str, str]) -> str:
        head, particle = self._parts
        if head in irregular:
            return f"{irregular[head]}{particle}"
        if head.endswith("e"):
            return f"{head}d{particle}"
        if re.search(r"[^aeiou]y$", head):
            return f"{head[:-1]}ied{particle}"
        return f"{head}{head[-1] if head in _DOUBLED else ''}ed{particle}"


@dataclass(frozen=True)
class Phrase:
    """How an action is said.

    Attributes:
        subject: Place of the argument that acts; ``None`` if it is whoever the domain is about.
        verb: What is done.
        target: What it is done to, with ``{0}``, ``{1}`` … for arguments; may be empty.
        rest: Further parts; one is left out where all its arguments are.
    """

    subject: int | None
    verb: Verb
    target: str
    rest: tuple[str, ...]

    def places(self) -> tuple[int, ...]:
        """Returns the places of arguments that can be left out, the most dispensable first.

        Nobody leaves out what is acted on, or where something ends up.
        """
        parts = [part for part in reversed(self.rest) if not _END.match(part)]
        if not self.target and len(parts) == len(self.rest):
            parts = parts[:-1]
        found = [int(p) for part in parts for p in _PLACE.findall(part)]
        return (*found, *(() if self.subject is None else (self.subject,)))

    def interchangeable(self) -> list[tuple[int, int]]:
        """Returns pairs of places that are joined by *and*, so that their order says nothing."""
        told = " ".join([self.target, *self.rest])
        return [(int(a), int(b)) for a, b in re.findall(r"\{(\d+)\},? and \{(\d+)\}", told)]

    def tail(self, names: Sequence[str], omitted: Set[int]) -> str:
        """Returns target and further parts, with a space in front unless empty."""
        parts = [self.target] if self.target else []
        for part in self.rest:
            places = {int(p) for p in _PLACE.findall(part)}
            if not places or not places <= omitted:
                parts.append(part)

        def once(found: re.Match[str]) -> str:
            name = names[int(found[2])]
            return name if re.match(rf"{found[1]}\b", name, re.IGNORECASE) else found[0]

        # "block {0}" with "Block #1" is "Block #1"
        return "".join(f" {_NOUN.sub(once, part).format(*names)}" for part in parts).rstrip(",")

    def actor(self, names: Sequence[str], omitted: Set[int], default: str) -> str:
        """Returns the subject."""
        if self.subject is None or self.subject in omitted:
            return default
        return names[self.subject]

    def with_verb(self, verb: str) -> Phrase:
        """Returns the phrase with another verb."""
        return Phrase(self.subject, Verb(verb), self.target, self.rest)


def read_phrases(table: str) -> dict[str, Phrase]:
    """Reads a table of phrases.

    Args:
        table: Lines ``ACTION: SUBJECT | VERB | TARGET | PART | …`` with ``-`` for none; a line
            that begins with ``|`` belongs to the one before.
    """
    found = {}
    for line in filter(None, map(str.strip, re.sub(r"\s*\n\s*\|", " |", table).splitlines())):
        action, _, said = line.partition(": ")
        subject, verb, target, *rest = map(str.strip, said.split(" | "))
        found[action] = Phrase(
            None if subject == "-" else int(subject.strip("{}")),
            Verb(verb),
            "" if target == "-" else target,
            tuple(rest),
        )
    return found


FactDescriber = Callable[[Sequence[tuple[str, ...]]], list[str]]
"""Describes facts, given as predicate and arguments, as clauses without a full stop."""


@dataclass(frozen=True)
class DomainWords:
    """The words of a domain.

    Attributes:
        actor: Who acts where no argument does.
        phrases: Phrases by action.
        synonyms: Other phrases by action, for each bank of them.
        facts: Describes facts.
    """

    actor: str
    phrases: dict[str, Phrase]
    synonyms: dict[str, dict[str, Phrase]]
    facts: FactDescriber
