"""The words of domains by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from surefoot.pddl.domains import DOMAINS, get_domain
from surefoot.pddl.language.model import Atom
from surefoot.pddl.writing import (
    domain_words,
    held_out_words,
    validation2_words,
    validation_words,
)
from surefoot.pddl.writing.phrases import DomainWords, FactDescriber, read_phrases

_TABLES = {
    **domain_words.PHRASES,
    **validation_words.OWN_PHRASES,
    **validation2_words.OWN_PHRASES,
    **held_out_words.OWN_PHRASES,
}
_SYNONYMS = {
    "validation": validation_words.SYNONYMS,
    "validation2": validation2_words.SYNONYMS,
    "held-out": held_out_words.SYNONYMS,
}
"""Banks of other phrases, as wordings name them."""
_ACTORS = {
    **domain_words.ACTORS,
    **validation_words.ACTORS,
    **validation2_words.ACTORS,
    **held_out_words.ACTORS,
}


@cache
def words_of(domain: str) -> DomainWords:
    """Returns the words of a domain: one that ships, or one of the writer's own.

    Args:
        domain: Its name.
    """
    synonyms = {name: read_phrases(bank.get(domain, "")) for name, bank in _SYNONYMS.items()}
    return DomainWords(
        _ACTORS.get(domain, "the robot"),
        read_phrases(_TABLES[domain]),
        synonyms,
        _describer(domain),
    )


def _describer(domain: str) -> FactDescriber:
    if domain not in DOMAINS.names():
        return lambda facts: [f"({' '.join(f)})" for f in facts]
    describer = get_domain(domain).describer

    def described(facts: Sequence[tuple[str, ...]]) -> list[str]:
        return [s.rstrip(".") for s in describer.facts(Atom(f[0], f[1:]) for f in facts)]

    return described
