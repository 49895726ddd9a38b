"""Rules and rulebooks: a formula, what it means, how bad it is to break it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from surefoot.results.errors import InputError
from surefoot.verification.automata import MAX_PROPOSITIONS
from surefoot.verification.parser import FormulaError, nearest, parse
from surefoot.verification.syntax import Formula

BOOKS = Path(__file__).parent / "books"
"""Folder of the rulebooks that come with Surefoot."""

MAX_BYTES = 2**20
"""Largest rulebook that is read."""


class Severity(StrEnum):
    """How bad it is to break a rule."""

    LOW = "low"
    """A matter of style."""
    MEDIUM = "medium"
    """Time or effort is lost."""
    HIGH = "high"
    """Something may break, or a traffic rule is broken."""
    CRITICAL = "critical"
    """Somebody may be hurt."""


class Timing(StrEnum):
    """When a controller's action answers an observation.

    It matters where a controller is run against a world; a recorded trace is judged as it is.
    """

    SENSE_THEN_ACT = "sense-then-act"
    """In the same step."""
    DELAYED = "one-step-delay"
    """In the next step."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: Short and unique in its book.
        formula: What must hold, of every trace on its own.
        meaning: The same in plain language.
        severity: How bad it is to break it.
        timing: Which steps of a controller it speaks of.
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
        name: Name of the book.
        rules: At least one.
        propositions: What each proposition means.
        observations: Those that the world decides.
        actions: Those that the robot decides.

    Raises:
        InputError: There is no rule, a name stands twice, or a rule uses a proposition that
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
        """Returns the rule of a name.

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
    """Short and unique in the book."""
    formula: str
    """Formula in Spot's grammar."""
    meaning: str = Field(min_length=1)
    """The same in plain language."""
    severity: Severity = Severity.MEDIUM
    """How bad it is to break it."""
    timing: Timing = Timing.SENSE_THEN_ACT
    """Which steps of a controller it speaks of."""


class _BookEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=80)
    """Name of the book."""
    observations: dict[str, str] = Field(default_factory=dict)
    """What the world decides: proposition and meaning."""
    actions: dict[str, str] = Field(default_factory=dict)
    """What the robot decides: proposition and meaning."""
    rules: tuple[_RuleEntry, ...]
    """The rules."""


def builtin_rulebooks() -> list[str]:
    """Returns the names of the rulebooks that come with Surefoot."""
    return sorted(path.stem for path in BOOKS.glob("*.yaml"))


def load_rulebook(source: str | Path) -> RuleBook:
    """Reads a rulebook.

    Args:
        source: A YAML file, or the name of a rulebook that comes with Surefoot.

    Returns:
        The book, all formulas parsed against the declared propositions.

    Raises:
        InputError: It cannot be read; a formula that cannot be is a
            :class:`~surefoot.verification.parser.FormulaError` with its line.
    """
    path = Path(source)
    known = builtin_rulebooks()
    if isinstance(source, str) and source in known:
        path = BOOKS / f"{source}.yaml"
    elif not path.suffix and not path.exists():
        raise InputError(f"there is no rulebook '{source}'{nearest(str(source), known)}")
    data, root = _read_yaml(path)
    try:
        entry = _BookEntry.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        line = _mark(root, first["loc"]).start_mark.line + 1
        raise InputError(f"{place}: {first['msg']}", file=str(path), line=line) from None
    words = entry.observations | entry.actions
    rules = []
    for i, rule in enumerate(entry.rules):
        node = _mark(root, ("rules", i, "formula"))
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
            f"rule '{rule.name}': {error.message}", error.text, error.at,
            file=file, line=line, file_column=column,
        ) from None  # fmt: skip
    if len(formula.propositions) > MAX_PROPOSITIONS:
        raise InputError(
            f"rule '{rule.name}' has {len(formula.propositions)} propositions; at most "
            f"{MAX_PROPOSITIONS} can be compiled: split it into several rules",
            file=file,
            line=line,
        )
    return formula


def _read_yaml(path: Path) -> tuple[Any, yaml.Node]:
    """Reads a YAML file; returns its content and the tree with the place of everything."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError("the rulebook is larger than 1 MiB; split it", file=str(path))
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, yaml.SafeLoader)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the rulebook: {reason}", file=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("not a text file (expected UTF-8 YAML)", file=str(path)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(f"not valid YAML: {error.problem}", file=str(path), line=line) from None
    except (yaml.YAMLError, RecursionError):
        raise InputError("not valid YAML, or nested too deeply", file=str(path)) from None
    if not isinstance(root, yaml.MappingNode):
        raise InputError("expected 'name:', 'rules:' and so on at the top", file=str(path))
    _refuse_repeats(root, str(path))
    try:
        return yaml.safe_load(text), root
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(f"not valid YAML: {error.problem}", file=str(path), line=line) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise InputError("not valid YAML, or nested too deeply", file=str(path)) from None


def _refuse_repeats(root: yaml.Node, file: str) -> None:
    """Refuses aliases (a few lines of them can stand for gigabytes) and repeated keys."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        line = node.start_mark.line + 1
        if id(node) in seen:
            raise InputError("aliases (*name) are not read; write it out", file=file, line=line)
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            continue
        if isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
            continue
        keys: set[Any] = set()
        for key, value in node.value:
            if key.value.__hash__ and key.value in keys:
                place = key.start_mark.line + 1
                raise InputError(f"'{key.value}' stands twice; delete one", file=file, line=place)
            if isinstance(key, yaml.ScalarNode):
                keys.add(key.value)
            stack.append(value)


def _mark(root: yaml.Node, place: tuple[int | str, ...]) -> yaml.Node:
    """Returns the node at a place, or the nearest one above it that there is."""
    node = root
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = next((v for k, v in node.value if k.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            found = node.value[part] if part < len(node.value) else None
        else:
            found = None
        if found is None:
            break
        node = found
    return node
