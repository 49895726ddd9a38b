"""What stands in the way of reading a sentence, and how to say it."""

from __future__ import annotations

import re

from surefoot.verification.formulas.parser import nearest
from surefoot.verification.programs.phrases import parse_condition
from surefoot.verification.programs.vocabulary import PlanVocabulary

_CONDITION = re.compile(
    r"(?:^| )(?:if|unless|while|until|once|as soon as|when) (?P<what>.+?)(?= , | : | then |$)"
)
MAX_NAMES = 8
"""Most names that a message lists."""


def reason(text: str, vocabulary: PlanVocabulary, *, condition: bool = False) -> str:
    """Returns what in a sentence is not understood and what the rulebook has instead.

    Args:
        text: The sentence in lower case.
        vocabulary: Names and phrases.
        condition: Whether the words are a condition, and not a whole sentence.
    """
    if condition:
        return _unknown(text, vocabulary)
    if re.search(r"\bfor \w+ (?:seconds?|secs?|s)\b", text):
        return "how many steps is a second? write 'for N steps'"
    for found in _CONDITION.finditer(text):
        if parse_condition(found["what"], vocabulary) is None:
            return _unknown(found["what"], vocabulary)
    return (
        "write 'if C, A', 'otherwise, A', 'wait until C', 'go to step N' with the rulebook's "
        "words, or add phrases in a world (--world)" + _near(text, vocabulary.actions)
    )


def _unknown(words: str, vocabulary: PlanVocabulary) -> str:
    said = words[:60]
    parts = re.split(r"(?: ,)? (?:and|or|but) | , ", words)
    if len(parts) > 1 and all(parse_condition(part, vocabulary) is not None for part in parts):
        return (
            f"'{said}' has two readings; write each part as a clause of its own, as in 'there is "
            "no A and there is no B', and do not mix 'and' with 'or'"
        )
    names = ", ".join(n.replace("_", " ") for n in vocabulary.observations[:MAX_NAMES])
    near = _near(words, vocabulary.observations)
    return f"'{said}' is no condition of this rulebook{near}; it has: {names or 'none'}"


def _near(words: str, names: tuple[str, ...]) -> str:
    hint = nearest(words.replace(" ", "_"), names)
    return hint if "did you mean" in hint else ""
