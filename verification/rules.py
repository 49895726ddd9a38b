"""Rules and rulebooks: formulas with meaning and severity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surefoot.core.errors import InputError
from surefoot.core.registry import Registry
from surefoot.core.wording import place, problem
from surefoot.core.yaml_files import node_at, read_yaml
from surefoot.verification.formulas.parser import FormulaError, nearest, parse
from surefoot.verification.formulas.syntax import Formula
from surefoot.verification.grounding import (
    MAX_NAMES,
    Template,
    check_objects,
    fill,
    ground_phrases,
    ground_text,
    read_template,
)
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
        phrases: How plans in English may say them.
        templates: Observations and actions with parameters, by name.
        steps_per_second: Steps in a second; None if that is not stated.

    Raises:
        InputError: There is no rule, a name is used twice, or a rule uses a proposition that
            is not declared.
    """

    name: str
    rules: tuple[Rule, ...]
    propositions: Mapping[str, str] = field(default_factory=dict)
    observations: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    templates: Mapping[str, Template] = field(default_factory=dict)
    steps_per_second: float | None = None

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
    meaning: str = ""
    """The same in plain language."""
    for_each: dict[str, str] = Field(default_factory=dict)
    """Variables of the formula, with the kinds of their objects: one rule for each choice."""
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
    objects: dict[str, tuple[str, ...]] | tuple[str, ...] = ()
    """Objects by kind, or a list of one kind, for names with parameters."""
    phrases: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """How plans in English may say a name, or with '!name' that it does not hold."""
    steps_per_second: float | None = Field(default=None, gt=0)
    """Steps in a second, for 'for 3 seconds' in plans."""
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
    try:
        return _grounded(entry, root, str(path))
    except InputError as error:
        if error.file is None:
            error.file = str(path)
        raise


def _grounded(entry: _BookEntry, root: yaml.Node, file: str) -> RuleBook:
    kinds = entry.objects if isinstance(entry.objects, dict) else {"object": entry.objects}
    kinds = {kind: names for kind, names in kinds.items() if names}
    check_objects(kinds)
    templates: dict[str, Template] = {}
    phrases: dict[str, tuple[str, ...]] = {}
    grounded: list[dict[str, str]] = []
    for declared in (entry.observations, entry.actions):
        names: dict[str, str] = {}
        for key, meaning in declared.items():
            template = read_template(key, kinds)
            if template is None:
                names[key] = meaning
                continue
            if template.name in templates:
                raise InputError(f"'{template.name}' is declared twice; rename one")
            templates[template.name] = template
            for name, values in template.groundings():
                names[name] = fill(meaning, values)
                spoken = (*template.phrases(), *([meaning] if meaning else []))
                phrases[name] = tuple(fill(text, values) for text in spoken)
                if len(names) > MAX_NAMES:
                    raise InputError(
                        f"'{key}' has more than {MAX_NAMES:,} groundings; declare fewer objects"
                    )
        grounded.append(names)
    for name, said in ground_phrases(entry.phrases, templates).items():
        phrases[name] = (*phrases.get(name, ()), *said)
    observations, actions = grounded
    words = observations | actions
    rules = []
    for i, rule in enumerate(entry.rules):
        node = node_at(root, ("rules", i, "formula"))
        for values in _choices(rule, kinds):
            suffix = f"({', '.join(values.values())})" if values else ""
            formula = _formula(rule, words, node, file, templates, values)
            meaning = fill(rule.meaning, values)
            rules.append(Rule(rule.name + suffix, formula, meaning, rule.severity, rule.timing))
    return RuleBook(
        entry.name,
        tuple(rules),
        words,
        tuple(observations),
        tuple(actions),
        phrases,
        templates,
        entry.steps_per_second,
    )


def _choices(rule: _RuleEntry, kinds: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, str]]:
    """Yields the objects that the variables of a rule stand for; different ones differ."""
    for name, kind in rule.for_each.items():
        if kind not in kinds:
            raise InputError(
                f"rule '{rule.name}': unknown kind '{kind}' of '{name}'{nearest(kind, kinds)}"
            )
    for values in product(*(kinds[kind] for kind in rule.for_each.values())):
        if len(set(values)) == len(values):
            yield dict(zip(rule.for_each, values, strict=True))


def _formula(
    rule: _RuleEntry,
    words: Mapping[str, str],
    node: yaml.Node,
    file: str,
    templates: Mapping[str, Template],
    values: Mapping[str, str],
) -> Formula:
    line = node.start_mark.line + 1
    try:
        text = ground_text(rule.formula, templates, values)
    except InputError as error:
        raise InputError(f"rule '{rule.name}': {error.message}", file=file, line=line) from None
    try:
        formula = parse(text, words)
    except FormulaError as error:
        style = getattr(node, "style", None)
        column = None
        same = text == rule.formula
        if same and node.start_mark.line == node.end_mark.line and style not in ("|", ">"):
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
