"""Conditions in English: phrases of the vocabulary with 'no', 'not', 'and', 'or'.

Ambiguous conditions are refused: mixed 'and' and 'or', or 'no A and B'.
"""

from __future__ import annotations

import re

from surefoot.verification.formulas.syntax import And, Formula, Not, Or, Prop
from surefoot.verification.programs.vocabulary import PlanVocabulary

NEGATIONS = frozenset("no not isnt arent without absent gone cleared".split())
"""Words that negate a phrase."""

_VERBS = frozenset("is are there see sees seen".split())
"""Words that show that a phrase is independent after 'no A or'."""

_ARTICLES = frozenset("the a an".split())


def parse_condition(text: str, vocabulary: PlanVocabulary) -> Formula | None:
    """Reads a condition.

    Args:
        text: Lower-case English without punctuation around it.
        vocabulary: Phrases that it may use.

    Returns:
        The condition, or None if it is not understood or has two readings.
    """
    text = re.sub(r"^(?:both|either|that|you see that)\s+", "", text.strip())
    text = re.sub(r"^neither (.+?) nor (.+)$", r"no \1 and no \2", text)
    whole = _atom(text, vocabulary)
    if whole is not None:
        return whole
    joints = {joint[1] for joint in re.finditer(r" (and|or) ", text)}
    if len(joints) != 1:
        return None
    alternatives = joints == {"or"}
    parts = re.split(r",? (?:and|or) |, ", text)
    atoms = [_atom(part, vocabulary) for part in parts]
    if any(atom is None for atom in atoms):
        return None
    read = tuple(atom for atom in atoms if atom is not None)
    dependent = [_depends(part) for part in parts[1:]]
    if not _negates(parts[0]) or not any(dependent):
        return Or(read) if alternatives else And(read)
    spreads = alternatives and all(dependent) and not any(map(_has_article, parts[1:]))
    return And((read[0], *map(Not, read[1:]))) if spreads else None


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.replace("'", "").replace("’", ""))


def _negates(text: str) -> bool:
    """Whether a phrase negates what follows, as 'no' or 'without'."""
    return any(word in ("no", "without") for word in _words(text))


def _depends(text: str) -> bool:
    """Whether a phrase has neither a verb nor a negation of its own."""
    return not any(word in NEGATIONS or word in _VERBS for word in _words(text))


def _has_article(text: str) -> bool:
    """'No A or a B': is there no B?"""
    return _words(text)[:1] != [] and _words(text)[0] in _ARTICLES


def _atom(text: str, vocabulary: PlanVocabulary) -> Formula | None:
    words = _words(text)
    rest = [word for word in words if word not in NEGATIONS]
    found = vocabulary.find(" ".join(rest))
    if found is None or found[0] not in vocabulary.observations:
        return None
    positive = found[1] == ((len(words) - len(rest)) % 2 == 0)
    return Prop(found[0]) if positive else Not(Prop(found[0]))
