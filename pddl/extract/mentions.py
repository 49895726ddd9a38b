"""Finds everything in a text that mentions an object: by name, by description, or in vain.

A mention is bound to what it says. ``Robot 9`` in a task with two robots is a mention of an
object that does not exist; it is kept as such and never replaced by one that would fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from surefoot.pddl.extract.lexicon import Lexicon
from surefoot.pddl.extract.words import COLOURS, NUMBERS, ORDINALS
from surefoot.pddl.language.model import Task

PREPOSITIONS = (
    "from",
    "to",
    "onto",
    "on",
    "into",
    "in",
    "inside",
    "with",
    "using",
    "use",
    "uses",
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
    "via",
    "carrying",
    "holding",
)
_ALL = (
    r"(?:all(?: of)?(?: the)?|each(?: of the)?|every|both(?: of the)?|remaining|the remaining"
    r"|the other|other)"
)
LOOP_VARIABLES = frozenset("hijknxy")
"""Letters that stand for a loop's index (``hub x``), not for a name."""
_NO_NAMES = frozenset(
    """
    step steps phase part parts option plan action actions round stage line row col column level
    time iteration approach method solution table section case figure o gpt p t example problem
    version note point
    """.split()
)
"""Words that carry a number without naming an object (``step2``)."""
_AFTER_LETTER = re.compile(
    r"\s*(?:$|[.,;:)\]}\"'`!?]|(?:and|or|then|"
    + "|".join(PREPOSITIONS)
    + r"|next|first|onto|so|because|is|as|which)\b)"
)
"""What follows a block called ``a``, but not the article."""
_LETTER_NAMES = frozenset("ai")
SPLIT_NAME = re.compile(r"[-_ ]+")


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
        like: Objects of the same noun or stem; they say what kind of thing an unknown name is.
    """

    start: int
    end: int
    objects: tuple[str, ...]
    exact: bool
    many: bool
    label: str
    preposition: str
    text: str
    like: tuple[str, ...] = ()

    @property
    def skip(self) -> int:
        """Number of characters before the mention proper: its preposition."""
        match = re.match(r"(?:" + "|".join(PREPOSITIONS) + r")\s+(?:top of\s+)?", self.text)
        return match.end() if match and self.preposition else 0

    @property
    def unknown(self) -> bool:
        """Whether it names something that the task does not have."""
        return self.exact and not self.objects


class ObjectNames:
    """The ways in which a text may mention the objects of one task.

    Args:
        task: The task.
        lexicon: Extra words of its domain.
        actions: Squashed names of actions and phrases, which are no objects.
    """

    def __init__(self, task: Task, lexicon: Lexicon, actions: Iterable[str]) -> None:
        self._task = task
        self._lexicon = lexicon
        self._actions = frozenset(actions)
        self._by_name = {squash(name): name for name in task.objects}
        self.by_noun: dict[str, dict[str, tuple[str, ...]]] = {}
        for noun, index, name in self._groups():
            members = self.by_noun.setdefault(noun, {})
            if name not in members.get(index, ()):
                members[index] = (*members.get(index, ()), name)
        self._squashed = {squash(noun): members for noun, members in self.by_noun.items()}
        self._stems: dict[str, tuple[str, ...]] = {}
        for name in task.objects:
            stem = re.match(r"[a-z]+", name)
            if stem:
                self._stems[stem.group()] = (*self._stems.get(stem.group(), ()), name)
        self._regex = self._compile()

    def refs(self, text: str) -> list[Ref]:
        """Finds everything that mentions objects, in text order."""
        found = [self._interpret(match) for match in self._regex.finditer(text)]
        return [ref for ref in found if ref is not None]

    def named(self, text: str) -> Ref | None:
        """Reads a piece of text that should be one object, as an argument list has it."""
        text = text.strip().strip("'\"?")
        exact = self._by_name.get(squash(text))
        if exact is not None and not re.search(r"\d[-_ ]+\d", text + exact):
            return Ref(0, len(text), (exact,), True, False, "", "", text)
        for ref in self.refs(text):
            if (
                ref.end == len(text)
                and not ref.preposition
                and re.fullmatch(r"(?:the|an?)?\s*", text[: ref.start])
            ):
                return ref
        return self._by_words(text)

    def spelled(self, text: str) -> str | None:
        """Returns the object whose name a text is, however its words are joined."""
        return self._by_name.get(squash(text))

    def members_of(self, noun: str) -> tuple[str, ...]:
        """Returns the objects that a noun may mean, none if it is no noun of the task."""
        key = " ".join(SPLIT_NAME.split(noun.lower().strip()))
        members = None
        for form in (key, key.removesuffix("s"), key.removesuffix("es")):
            members = members or self.by_noun.get(form) or self._squashed.get(squash(form))
        return tuple(o for group in (members or {}).values() for o in group)

    def _by_words(self, text: str) -> Ref | None:
        """Reads an identifier whose words are shuffled: ``wheel_intact_3``, ``tyre_flat_i``."""
        words = re.findall(r"[a-z]+|\d+", text)
        index = next((w for w in reversed(words) if w.isdigit()), "")
        rest = {w for w in words if len(w) > 1 and not w.isdigit()}
        fitting = [n for n in self.by_noun if rest and set(n.split()) == rest]
        if not fitting:
            return None
        members = self.by_noun[fitting[0]]
        everyone = tuple(o for group in members.values() for o in group)
        objects = members.get(index, ()) if index else everyone
        exact = bool(index) or len(objects) == 1
        return Ref(0, len(text), objects, exact, False, "", "", text, everyone)

    def _groups(self) -> list[tuple[str, str, str]]:
        """Lists (noun, index, object) for every way to name an object by a noun."""
        groups: list[tuple[str, str, str]] = []
        objects = self._task.objects
        for group in self._lexicon.groups:
            pattern = re.compile(
                re.escape(group.objects.lower()).replace(r"\{n\}", r"(?P<n>\d+(?:-\d+)*|[a-z])")
            )
            for name in objects:
                match = pattern.fullmatch(name)
                if match:
                    index = match.groupdict().get("n") or ""
                    groups.extend((noun.lower(), index, name) for noun in group.nouns)
        covered = {name for _, _, name in groups}
        for kind, names in self._task.objects_by_type.items():
            noun = " ".join(SPLIT_NAME.split(kind))
            if kind != "object":
                groups.extend((noun, _number(name, kind), name) for name in names)
        for name in objects:  # stems: 'ball3' is a 'ball', even where its type is 'object'
            match = re.fullmatch(r"([a-z]+(?:[-_][a-z]+)*)[-_]?(\d+(?:[-_]\d+)*)", name)
            if match and name not in covered and len(match.group(1)) > 1:
                stem = " ".join(SPLIT_NAME.split(match.group(1)))
                groups.append((stem, match.group(2).replace("_", "-"), name))
        return groups

    def _compile(self) -> re.Pattern[str]:
        names = sorted(self._task.objects, key=len, reverse=True)
        literal = "|".join(_name_pattern(name) for name in names) or r"(?!)"
        nouns = sorted(self.by_noun, key=len, reverse=True)
        nouns = [*nouns, *(n.lower() for n in self._lexicon.scenery)]
        noun = "|".join(re.escape(n).replace(r"\ ", r"[ _-]?") for n in nouns) or r"(?!)"
        ordinal = "|".join(ORDINALS)
        preposition = "|".join(PREPOSITIONS)
        number = "|".join(NUMBERS)
        return re.compile(
            rf"(?:(?<![\w-])(?P<prep>{preposition})\s+(?:top of\s+)?)?"
            r"(?:(?<![\w-])(?P<det>the|a|an|its|your|their|any|one|another)\s+)?"
            rf"(?:(?<![\w-])(?P<all>{_ALL})\s+(?:the\s+)?(?:(?:\d+|{number})\s+)?)?"
            rf"(?:(?<![\w-])(?P<ord>{ordinal}|\d+(?:st|nd|rd|th))\s+)?"
            r"(?:(?<![\w-])(?:"
            rf"(?:(?:{noun})\s+\(?)?(?P<name>{literal})(?!\w|-\w)(?:\s+(?:{noun})(?![\w-]))?"
            rf"|(?P<noun>(?:{noun}))(?P<plural>e?s)?"
            r"(?:(?<=\w)(?:[ _#-]{0,2}|\s+(?:no\.?|number|nr\.?)\s*)"
            rf"(?P<index>\d+(?:[-_,]\s?\d+)*|[a-z](?!\w|'|-\w))|\s+(?P<word>{number})(?![\w-])"
            r"|\s?\((?P<paren>\d+(?:-\d+)*)\))?(?!\w)"
            r"|(?P<odd>[a-z]+(?:[-_][a-z]+)*[-_]?\d+(?:[-_]\d+)*[a-z]?"
            r"|[a-z]+(?:_[a-z\d]+)+)(?![\w-])"
            r"))(?:'s)?"
        )

    def _interpret(self, match: re.Match[str]) -> Ref | None:
        name = match.group("name")
        preposition = match.group("prep") or ""
        preposition = "using" if preposition in ("use", "uses") else preposition
        if name is not None:
            if name in _LETTER_NAMES and not self._stands_alone(match):
                return None
            more = self._number_behind(match)
            if match.group("ord") or more:
                like = self._stems.get(re.sub(r"\d.*", "", name), ())
                found = _ref(match, (), exact=True, preposition=preposition, like=like)
                return replace(found, end=found.end + len(more), text=found.text + more)
            return _ref(match, (self._by_name[squash(name)],), exact=True, preposition=preposition)
        odd = match.group("odd")
        if odd is not None:
            stem = re.match(r"[a-z]+", odd)
            if (stem and stem.group() in _NO_NAMES) or squash(odd) in self._actions:
                return None
            by_words = self._by_words(odd) if "_" in odd or "-" in odd else None
            objects = by_words.objects if by_words is not None else ()
            exact = by_words is None or by_words.exact
            like = self._stems.get(stem.group() if stem else "", ())
            return _ref(match, objects, exact=exact, preposition=preposition, like=like)
        return self._described(match, preposition)

    @staticmethod
    def _number_behind(match: re.Match[str]) -> str:
        """Returns the number behind a name that makes it another one: ``Lounge 9``."""
        if match.group("name")[-1:].isdigit():
            return ""
        found = re.match(r"[ #]{1,2}\d+(?![\w-])(?!\.\d)", match.string[match.end() :])
        return found.group() if found else ""

    @staticmethod
    def _stands_alone(match: re.Match[str]) -> bool:
        """Tells a block called ``a`` from the article."""
        if re.search(r"[a-z]{2,}\s+\(?[ai]$", match.group()) and match.group("prep") is None:
            return True  # 'block a'
        return bool(_AFTER_LETTER.match(match.string, match.end()))

    def _described(self, match: re.Match[str], preposition: str) -> Ref | None:
        noun = match.group("noun")
        key = re.sub(r"[ _-]+", " ", noun)
        members = self.by_noun.get(key) or self._squashed.get(squash(noun), {})
        index = match.group("index") or match.group("paren")
        if match.group("word"):
            index = str(NUMBERS[match.group("word")])
        everyone = tuple(dict.fromkeys(o for group in members.values() for o in group))
        whole = squash(noun + (index or ""))
        if whole in self._by_name:
            return _ref(match, (self._by_name[whole],), exact=True, preposition=preposition)
        label = ""
        exact = False
        plural = bool(match.group("plural"))
        every = match.group("all") or ""
        many = bool(every) and not (every.endswith("other") and not plural)
        objects: tuple[str, ...]
        if not members:
            objects = ()  # scenery
        elif index is not None:
            known = members.get(re.sub(r"[_,]\s?", "-", index))
            if known is not None:
                objects = known
            elif index.isalpha():
                if index in _LETTER_NAMES and not re.search(r"[ _-][ai]$", match.group()):
                    return None
                if index in _LETTER_NAMES and not _AFTER_LETTER.match(match.string, match.end()):
                    # 'put block a robot …' is no name; the noun alone is meant
                    return _ref(match, everyone, preposition=preposition)
                lettered = any(len(i) == 1 and i.isalpha() for i in members)
                objects = () if lettered else everyone
                exact = lettered
                label = "" if index in LOOP_VARIABLES else f"{key} {index}"
            else:
                objects, exact = (), True
        elif match.group("ord") is not None:
            number = ORDINALS.get(match.group("ord")) or int(re.sub(r"\D", "", match.group("ord")))
            objects, exact = members.get(str(number), ()), True
            if not objects and not any(i.isdigit() for i in members):
                objects = everyone[number - 1 : number]
        else:
            objects = self._coloured(match, everyone)
            exact = bool(everyone) and not objects
            many = many or (plural and len(objects) > 1)
        exact = exact or len(objects) == 1
        return _ref(
            match,
            objects,
            exact=exact,
            many=many and not exact,
            label=label,
            preposition=preposition,
            like=everyone,
        )

    def _coloured(self, match: re.Match[str], everyone: tuple[str, ...]) -> tuple[str, ...]:
        """Narrows ``red crate`` to the objects that carry the colour in their names."""
        at = match.start("noun")
        before = re.search(r"([a-z]+)[ -]$", match.string[:at])
        colour = before.group(1) if before else ""
        if colour not in COLOURS or colour in self._by_name:
            return everyone
        return tuple(o for o in everyone if colour in re.split(r"[-_\d]+", o))


def _ref(
    match: re.Match[str],
    objects: tuple[str, ...],
    *,
    exact: bool = False,
    many: bool = False,
    label: str = "",
    preposition: str = "",
    like: tuple[str, ...] = (),
) -> Ref:
    text = match.group().strip()
    return Ref(match.start(), match.end(), objects, exact, many, label, preposition, text, like)


def squash(name: str) -> str:
    """Returns a name without case, blanks, dashes and underscores."""
    return re.sub(r"[-_ ]+", "", name.lower())


def _number(name: str, kind: str) -> str:
    """Returns what tells a name from others of its type: ``3`` of ``ball3``, ``a`` of ``rooma``."""
    match = re.search(r"\d+(?:[-_]\d+)*$", name)
    if match:
        return match.group().replace("_", "-")
    rest = squash(name).removeprefix(squash(kind))
    return rest if len(rest) == 1 else f"={name}"


def _name_pattern(name: str) -> str:
    parts = [re.escape(part) for part in re.findall(r"[a-z]+|\d+|[^a-z\d\s_-]+", name)]
    separators = re.findall(r"[-_]+", name)
    joined = parts[0] if parts else re.escape(name)
    for part in parts[1:]:
        between_digits = joined[-1].isdigit() and part[0].isdigit()
        joined += (r"[-_ ]" if between_digits and separators else r"[-_ ]?") + part
    return joined
