"""Rules and rulebooks: formulas with meaning and severity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surefoot.core.errors import InputError
from surefoot.core.registry import Registry
from surefoot.core.wording import place, problem
from surefoot.core.yaml_files import node_at, read_yaml
from surefoot.verification.formulas.parser import FormulaError, nearest, parse
from surefoot.verification.formulas.syntax import Formula
from surefoot.verification.translation.automata import MAX_PROPOSITIONS

BOOKS = Path(__file__).parent / "books"
"""Folder of the built-in rulebooks."""


class Severity(StrEnum):
    """Severity of breaking a rule."""

    LOW = "low"
    """A matter of style."""
    MEDIUM = "medium"
    """Time or effort is wasted."""
    HIGH = "high"
    """Something may break, or a traffic rule is broken."""
    CRITICAL = "critical"
    """A person may be hurt."""


class Timing(StrEnum):
    """When a controller's action responds to an observation.

    It matters if a controller is run in a world; a recorded trace is checked as it is.
    """

    SENSE_THEN_ACT = "sense-then-act"
    """In the same step."""
    DELAYED = "one-step-delay"
    """In the next step."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: Short and unique in its rulebook.
        formula: The formula that every trace must satisfy.
        meaning: The same in plain language.
        severity: Severity of breaking it.
        timing: The timing of controllers that it refers to.
    """

    name: str
    formula: Formula
    meaning: str = ""
    severity: Severity = Severity.MEDIUM
    timing: Timing = Timing.SENSE_THEN_ACT


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Rules over one declared vocabulary.

    Attributes:
        name: Name of the rulebook.
        rules: At least one.
        propositions: Meaning of each proposition.
        observations: Those that the world decides.
        actions: Those that the robot decides.

    Raises:
        InputError: There is no rule, a name is used twice, or a rule uses a proposition that
            is not declared.
    """

    name: str
    rules: tuple[Rule, ...]
    propositions: Mapping[str, str] = field(default_factory=dict)
    observations: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.rules:
            raise InputError(f"rulebook '{self.name}' has no rules; add one under 'rules:'")
        names = [rule.name for rule in self.rules]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"rulebook '{self.name}' has two rules called '{twice}'; rename one")
        both = set(self.observations) & set(self.actions)
        if both:
            raise InputError(
                f"'{min(both)}' is declared both as an observation and as an action; rename one"
            )
        for rule in self.rules:
            for name in rule.formula.propositions:
                if name not in self.propositions:
                    raise InputError(
                        f"rule '{rule.name}': unknown proposition '{name}'"
                        f"{nearest(name, self.propositions)}"
                    )

    def rule(self, name: str) -> Rule:
        """Returns a rule by name.

        Raises:
            InputError: There is none.
        """
        for rule in self.rules:
            if rule.name == name:
                return rule
        known = [rule.name for rule in self.rules]
        raise InputError(f"rulebook '{self.name}' has no rule '{name}'{nearest(name, known)}")


class _RuleEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=80)
    """Short and unique in the rulebook."""
    formula: str
    """Formula in Spot's grammar."""
    meaning: str = Field(min_length=1)
    """The same in plain language."""
    severity: Severity = Severity.MEDIUM
    """Severity of breaking it."""
    timing: Timing = Timing.SENSE_THEN_ACT
    """The timing of controllers that it refers to."""


class _BookEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=80)
    """Name of the rulebook."""
    observations: dict[str, str] = Field(default_factory=dict)
    """Propositions that the world decides, with their meaning."""
    actions: dict[str, str] = Field(default_factory=dict)
    """Propositions that the robot decides, with their meaning."""
    rules: tuple[_RuleEntry, ...]
    """The rules."""


RULEBOOKS: Registry[str | Path | RuleBook] = Registry("rulebooks", "rulebook")
"""Rulebooks by name: each a YAML file, or a loaded rulebook."""

for _book, _summary in {
    "driving": "fifteen published rules for driving across a crossing",
    "tabletop": "sixteen rules for a robot arm at a table",
}.items():
    RULEBOOKS.builtin(_book, f"surefoot.verification.rules:{_book.upper()}", _summary)

DRIVING, TABLETOP = BOOKS / "driving.yaml", BOOKS / "tabletop.yaml"
"""Files of the built-in rulebooks."""


def load_rulebook(source: str | Path) -> RuleBook:
    """Reads a rulebook.

    Args:
        source: A YAML file, or the name of a rulebook in :data:`RULEBOOKS`.

    Returns:
        The book, all formulas parsed against the declared propositions.

    Raises:
        InputError: It cannot be read; a formula that cannot be is a
            :class:`~surefoot.verification.formulas.parser.FormulaError` with its line.
    """
    path = Path(source)
    if isinstance(source, str) and source in RULEBOOKS:
        found = RULEBOOKS.get(source)
        if isinstance(found, RuleBook):
            return found
        path = Path(found)
    elif not path.suffix and not path.exists():
        raise InputError(RULEBOOKS.unknown(str(source)))
    data, root = read_yaml(path, "rulebook", "'name:', 'rules:'")
    try:
        entry = _BookEntry.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        line = node_at(root, first["loc"]).start_mark.line + 1
        message = f"{place(first['loc'])}: {problem(first)}"
        raise InputError(message, file=str(path), line=line) from None
    words = entry.observations | entry.actions
    rules = []
    for i, rule in enumerate(entry.rules):
        node = node_at(root, ("rules", i, "formula"))
        formula = _formula(rule, words, node, str(path))
        rules.append(Rule(rule.name, formula, rule.meaning, rule.severity, rule.timing))
    try:
        return RuleBook(
            entry.name, tuple(rules), words, tuple(entry.observations), tuple(entry.actions)
        )
    except InputError as error:
        raise InputError(error.message, file=str(path)) from None


def _formula(rule: _RuleEntry, words: Mapping[str, str], node: yaml.Node, file: str) -> Formula:
    line = node.start_mark.line + 1
    try:
        formula = parse(rule.formula, words)
    except FormulaError as error:
        style = getattr(node, "style", None)
        column = None
        if node.start_mark.line == node.end_mark.line and style not in ("|", ">"):
            column = node.start_mark.column + bool(style) + error.at
        raise FormulaError(
            f"rule '{rule.name}': {error.message}",
            error.text,
            error.at,
            file=file,
            line=line,
            file_column=column,
        ) from None
    if len(formula.propositions) > MAX_PROPOSITIONS:
        raise InputError(
            f"rule '{rule.name}' has {len(formula.propositions)} propositions; at most "
            f"{MAX_PROPOSITIONS} can be compiled: split it into several rules",
            file=file,
            line=line,
        )
    return formula
