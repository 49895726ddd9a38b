"""Conditions in English: phrases of the vocabulary with 'no', 'not', 'and', 'or'.

Where English has two readings there is none here: mixed 'and' and 'or', 'no A and B', 'A or B is
not there'. 'No A or B' and 'there isn't an A or a B' mean neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from surefoot.verification.formulas.syntax import And, Formula, Not, Or, Prop
from surefoot.verification.programs.vocabulary import (
    ARTICLES,
    COPULAS,
    PlanVocabulary,
    key_of,
    tokens,
)

_NEGATIONS = frozenset({"no", "not", "without"})
_ADVERBS = frozenset("still currently already now".split())
_SEE = "(?:see|sees|detect|detects|observe|observes|spot|spots|notice|notices)"
_WHO = "(?:you|we|it|the (?:robot|car|vehicle|arm|camera))"
_FRAME = re.compile(
    rf"^(?:there (?:is|are)|{_WHO} (?:can )?{_SEE}|{_WHO} (?P<do>do not|does not|can not) {_SEE})"
    r"(?P<not> not(?: yet)?)?(?: (?=\w)|$)"
)
"""What introduces something that is seen."""

_SEEN = re.compile(
    r" (?:is|are) (?:(?:still|currently|now) )?"
    r"(?:visible|present|detected|seen|observed|there|in sight|in view|approaching|coming)$"
)
"""A predicate that only says that something is seen."""

_COMING = re.compile(r" (?:(?:that|which) (?:is |are )?)?(?:coming|comes|come|approaching) from ")
_GONE = re.compile(r" (?:is|are|has|have) (?:now )?(?:gone|absent)$")
_BECOMES = re.compile(
    r" (?:has turned|have turned|turns|turn|has become|becomes|become|changes to) "
)
_COPULA = re.compile(r" (?:is|are) ")
_NEVER_FIRST = frozenset({"left", "right"})
"""'The car is left' does not say that the left car is there."""


class _Form(Enum):
    """How a part of a condition is built, which decides what a negation reaches."""

    NOUN = "a car"
    SEEN = "a car is visible"
    CLAUSE = "the light is green"
    FRAMED = "there is a car"


@dataclass(frozen=True, slots=True)
class _Part:
    """A phrase of a condition.

    Attributes:
        name: The observation.
        true: Whether the phrase says that it holds.
        form: How it is built.
        by_verb: Negated by a verb, as 'is not' and 'do not see', and not by 'no'.
        negated: Negated by a word of its own; 'red light' is not.
        article: Begins with an article.
    """

    name: str
    true: bool
    form: _Form
    by_verb: bool
    negated: bool
    article: bool

    @property
    def formula(self) -> Formula:
        """The phrase on its own."""
        return Prop(self.name) if self.true else Not(Prop(self.name))


def parse_condition(text: str, vocabulary: PlanVocabulary) -> Formula | None:
    """Reads a condition.

    Args:
        text: Lower-case English without punctuation around it.
        vocabulary: Phrases that it may use.

    Returns:
        The condition, or None if it is not understood or has two readings.
    """
    words = " ".join(tokens(text)).strip(" ,")
    words = re.sub(
        r"^(?:that|(?:it is true|it is the case|you find|you see) that|the moment) ", "", words
    )
    nor = re.match(
        r"^(?P<frame>there (?:is|are) |you see )?neither (.+?)(?P<rest>(?: nor .+)+)$", words
    )
    if nor:
        return _neither(words[nor.start(2) :], vocabulary)
    words = re.sub(r"^(there (?:is|are)|you (?:can )?see) (both|either) ", r"\2 \1 ", words)
    both = re.match(r"^(both|either) ", words)
    if both:
        words = words[both.end() :]
        if len(re.findall(rf" {'and' if both[1] == 'both' else 'or'} ", words)) != 1:
            return None
        if (" or " in words and both[1] == "both") or (" and " in words and both[1] == "either"):
            return None
    whole = _part(words, vocabulary)
    if whole is not None:
        return None if both else whole.formula
    joints = {"and" if joint == "but" else joint for joint in re.findall(r" (and|or|but) ", words)}
    if len(joints) != 1:
        return None
    parts = [_part(p, vocabulary) for p in re.split(r"(?: ,)? (?:and|or|but) | , ", words)]
    read = [part for part in parts if part is not None]
    if len(read) < len(parts):
        return None
    return _joined(read, alternatives=joints == {"or"})


def _neither(text: str, vocabulary: PlanVocabulary) -> Formula | None:
    read = []
    for piece in re.split(r"(?: ,)? nor ", text):
        part = _part(piece, vocabulary)
        if part is None or part.negated or part.form is _Form.FRAMED:
            return None
        read.append(part)
    if any(part.form is not _Form.NOUN for part in read[:-1]):
        return None
    return And(tuple(Not(part.formula) for part in read))


def _joined(parts: list[_Part], *, alternatives: bool) -> Formula | None:
    """Joins the phrases of a condition if their negations reach the same words in all readings."""
    first, rest = parts[0], parts[1:]
    formulas = tuple(part.formula for part in parts)
    bare = [part.form is _Form.NOUN and not part.negated for part in parts]
    for at, part in enumerate(parts[:-1]):
        if part.negated and any(bare[at + 1 :]):
            # 'no A or B', 'there is not an A or a B': neither; everything else has two readings
            verb = part.by_verb and part.form is _Form.FRAMED
            noun = not part.by_verb and part.form in (_Form.NOUN, _Form.FRAMED)
            plain = noun and not any(other.article for other in rest)
            if at or not alternatives or not all(bare[1:]) or not (verb or plain):
                return None
            return And((first.formula, *(Not(other.formula) for other in rest)))
    for at, part in enumerate(parts):
        earlier = parts[:at]
        if part.form in (_Form.SEEN, _Form.CLAUSE) and any(bare[:at]) and part.negated:
            return None  # 'a person or a car is not there'
        if any(p.negated and not p.by_verb and p.form is not _Form.CLAUSE for p in earlier):
            framed = first.form is _Form.FRAMED
            if part.form is _Form.SEEN and not part.negated and not (framed and part.article):
                return None  # 'no person or car is visible'
            if part.form is _Form.CLAUSE and not part.negated and not part.article:
                return None
            if part.form is _Form.NOUN and part.negated and alternatives:
                return None  # 'no person or no car'
    return Or(formulas) if alternatives else And(formulas)


def _part(text: str, vocabulary: PlanVocabulary) -> _Part | None:
    """Reads one phrase with its negation."""
    frame = _FRAME.match(text)
    form = _Form.FRAMED if frame else _Form.NOUN
    by_verb = bool(frame and (frame["do"] or frame["not"]))
    rest = text[frame.end() :] if frame else text
    negated = by_verb
    rest = re.sub(r"\bno longer\b|\bnot yet\b", "not", rest)
    after = re.sub(r" (?:anymore|any more|any longer)$", "", rest)
    late, rest = after != rest, after
    words = [word for word in rest.split() if word not in _ADVERBS]
    at = [i for i, word in enumerate(words) if word in _NEGATIONS]
    if len(at) + by_verb > 1 or (at and at[0] + 1 == len(words)):
        return None
    if at:
        place, word = at[0], words[at[0]]
        behind_copula = place > 0 and words[place - 1] in COPULAS and word == "not"
        if place and not behind_copula:
            return None
        if {"any", "some"} & set(words[:place]):
            return None  # 'any car is not visible'
        by_verb = by_verb or word == "not"
        negated = True
        del words[place]
    if (late and not negated) or ("some" in words and negated):
        return None
    if "any" in words[1:] or "some" in words[1:]:
        return None
    if words and words[0] in ("any", "some"):
        words = words[1:]
    found, kind = _atom(" ".join(words), vocabulary)
    if found is None:
        return None
    if kind is not _Form.NOUN and form is _Form.NOUN:
        form = kind
    name, true = found
    if kind is _Form.SEEN and _GONE.search(" " + " ".join(words)):
        if negated:
            return None
        negated = by_verb = True
    article = bool(words) and words[0] in ARTICLES
    return _Part(name, true != negated, form, by_verb, negated, article)


def _atom(text: str, vocabulary: PlanVocabulary) -> tuple[tuple[str, bool] | None, _Form]:
    """Reads a phrase without negation."""
    text = _COMING.sub(" from ", text)
    text = re.sub(r" (?:that|which) (?:is|are) ", " ", text)
    text = re.sub(r" (?:has|have) been ", " is ", text)
    has_verb = _COPULA.search(text) is not None
    exact = _observed(text, vocabulary)
    if exact is not None:
        return exact, _Form.CLAUSE if has_verb or _BECOMES.search(text) else _Form.NOUN
    for ending in (_SEEN, _GONE):
        if ending.search(text):
            return _observed(ending.sub("", text), vocabulary), _Form.SEEN
    text = _BECOMES.sub(" is ", text)
    exact = _observed(text, vocabulary)
    if exact is None and len(halves := _COPULA.split(text)) == 2:
        subject, said = key_of(halves[0].split()), key_of(halves[1].split())
        if len(said) == 1 and said[0] not in _NEVER_FIRST:  # 'the light is green': a green light
            exact = _observed(" ".join((*said, *subject)), vocabulary)
    return exact, _Form.CLAUSE


def _observed(text: str, vocabulary: PlanVocabulary) -> tuple[str, bool] | None:
    found = vocabulary.look_up(text.split())
    return found if found is not None and found[0] in vocabulary.observations else None
