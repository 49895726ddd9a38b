"""The words of domains by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from surefoot.pddl.domains import DOMAINS, get_domain
from surefoot.pddl.language.model import Atom
from surefoot.pddl.writing import domain_words, held_out_words
from surefoot.pddl.writing.phrases import DomainWords, FactDescriber, read_phrases


@cache
def words_of(domain: str) -> DomainWords:
    """Returns the words of a domain: one that ships, or one of the writer's own.

    Args:
        domain: Its name.
    """
    synonyms = read_phrases(held_out_words.SYNONYMS.get(domain, ""))
    table = domain_words.PHRASES.get(domain)
    actors = {**domain_words.ACTORS, **held_out_words.ACTORS}
    return DomainWords(
        actors.get(domain, "the robot"),
        synonyms if table is None else read_phrases(table),
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
