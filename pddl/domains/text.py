"""Describes facts and conditions of a PDDL problem in plain English.

A domain supplies one :class:`PredicatePhrase` per predicate; everything here follows from them, so
that no fact can be left out by accident.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from surefoot.core.errors import InputError
from surefoot.pddl.language import (
    Atom,
    Conjunction,
    Disjunction,
    Exists,
    Forall,
    Formula,
    Implication,
    Negation,
    TypedName,
)


@dataclass(frozen=True, slots=True)
class PredicatePhrase:
    """How a predicate is worded.

    Attributes:
        fact: The true fact, with ``{0}``, ``{1}`` … for the arguments.
        negated: The same fact being false.
        many: Several facts that differ in one argument only; that argument's place
            receives a list. Empty: such facts are stated one by one.
        joined: Which argument ``many`` lists.
    """

    fact: str
    negated: str
    many: str = ""
    joined: int = 0


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sorts ``b2`` before ``b10``."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(p)) if p.isdigit() else (1, p) for p in parts)


def atom_key(atom: Atom) -> tuple[object, ...]:
    """Sorts atoms of one predicate by their arguments, numbers in order."""
    return tuple(natural_key(arg) for arg in atom.args)


def listing(names: Iterable[str], word: str = "and") -> str:
    """Joins names as ``a, b and c``."""
    items = list(names)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


class DomainDescriber:
    """Describes facts and conditions of one domain.

    Args:
        phrases: A phrase for every predicate; their order is that of the description.
        kinds: What the objects of a type are called, in the plural.
    """

    def __init__(self, phrases: Mapping[str, PredicatePhrase], kinds: Mapping[str, str]) -> None:
        self.phrases = phrases
        self.kinds = kinds

    def facts(self, atoms: Iterable[Atom]) -> list[str]:
        """Returns true facts as sentences, grouped where the phrases allow it."""
        by_name: dict[str, list[Atom]] = {}
        for atom in atoms:
            self.phrase(atom)
            by_name.setdefault(atom.predicate, []).append(atom)
        sentences: list[str] = []
        for name, phrase in self.phrases.items():
            found = sorted(by_name.get(name, ()), key=atom_key)
            if phrase.many:
                sentences.extend(self._groups(found, phrase))
            else:
                sentences.extend(_sentence(phrase.fact, atom.args) for atom in found)
        return sentences

    def goal(self, formula: Formula) -> list[str]:
        """Returns a goal as sentences that must all hold."""
        parts = formula.children if isinstance(formula, Conjunction) else (formula,)
        atoms = [p for p in parts if isinstance(p, Atom) and p.predicate != "="]
        others = [p for p in parts if not isinstance(p, Atom) or p.predicate == "="]
        return self.facts(atoms) + [self._condition(other) for other in others]

    def clause(self, formula: Formula) -> str:
        """Returns any condition as a clause without a full stop."""
        match formula:
            case Atom("=", (left, right)):
                return f"{left} is the same object as {right}"
            case Atom(args=args):
                return self.phrase(formula).fact.format(*args)
            case Negation(Atom("=", (left, right))):
                return f"{left} is not the same object as {right}"
            case Negation(Atom(args=args) as atom):
                return self.phrase(atom).negated.format(*args)
            case Negation(child):
                return f"it is not true that ({self.clause(child)})"
            case Conjunction(()):
                return "nothing is demanded"
            case Conjunction(children):
                return " and ".join(f"({self.clause(child)})" for child in children)
            case Disjunction(()):
                return "the impossible is demanded"
            case Disjunction(children):
                clauses = " or ".join(f"({self.clause(child)})" for child in children)
                return f"at least one of these holds: {clauses}"
            case Implication(premise, conclusion):
                return f"if ({self.clause(premise)}), then ({self.clause(conclusion)})"
            case Forall(variables, child):
                return f"for every choice of {self._variables(variables)}: {self.clause(child)}"
            case Exists(variables, child):
                return f"for some choice of {self._variables(variables)}: {self.clause(child)}"

    def phrase(self, atom: Atom) -> PredicatePhrase:
        """Returns the phrase of an atom's predicate.

        Raises:
            InputError: There is none.
        """
        if atom.predicate not in self.phrases:
            raise InputError(f"cannot describe {atom} in words: it belongs to another domain")
        return self.phrases[atom.predicate]

    def _condition(self, formula: Formula) -> str:
        match formula:
            case Negation(Atom(args=args) as atom) if atom.predicate != "=":
                return _sentence(self.phrase(atom).negated, args)
        return f"{self.clause(formula)}."

    def _groups(self, atoms: Iterable[Atom], phrase: PredicatePhrase) -> list[str]:
        groups: dict[tuple[str, ...], list[Atom]] = {}
        for atom in atoms:
            at = phrase.joined
            groups.setdefault(atom.args[:at] + atom.args[at + 1 :], []).append(atom)
        sentences: list[str] = []
        for key in sorted(groups, key=lambda names: [natural_key(name) for name in names]):
            group = groups[key]
            if len(group) == 1:
                sentences.append(_sentence(phrase.fact, group[0].args))
                continue
            args = list(group[0].args)
            args[phrase.joined] = listing(atom.args[phrase.joined] for atom in group)
            sentences.append(_sentence(phrase.many, args))
        return sentences

    def _variables(self, variables: Iterable[TypedName]) -> str:
        return listing(
            f"{v.name} among the {listing((self.kinds.get(t, t) for t in v.types), 'or')}"
            for v in variables
        )


def _sentence(template: str, args: Iterable[str]) -> str:
    """Fills a phrase; object names keep their case, words begin a sentence in upper case."""
    text = template.format(*args)
    return f"{text if template.startswith('{') else text[0].upper() + text[1:]}."
