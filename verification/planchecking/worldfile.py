"""World models as YAML files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surefoot.core.errors import InputError
from surefoot.core.wording import place, problem
from surefoot.core.yaml_files import node_at, read_yaml
from surefoot.verification.formulas.parser import nearest, parse
from surefoot.verification.formulas.syntax import Formula, Not, Prop
from surefoot.verification.planchecking.worldmodel import (
    WorldModel,
    at_most_one,
    constant,
    exactly_one,
    persistent,
)
from surefoot.verification.rules import RuleBook

WORLDS = Path(__file__).parents[1] / "worlds"
"""Folder of the built-in worlds."""


class _Until(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    until: str
    """The observation, once true, stays true until this holds."""


class _WorldEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=80)
    """Name of the world."""
    initial: dict[str, bool] = Field(default_factory=dict)
    """Values at the first step; observations that are not named are unconstrained."""
    bits: dict[str, Literal["free", "constant", "persistent"] | _Until] = Field(
        default_factory=dict
    )
    """Behaviour of observations; free (any value at every step) by default."""
    one_of: tuple[tuple[str, ...], ...] = ()
    """Groups of observations of which exactly one is always true."""
    at_most_one: tuple[tuple[str, ...], ...] = ()
    """Groups of observations of which never two are true."""
    always: tuple[str, ...] = ()
    """Formulas without temporal operators that hold at every step."""
    changes: tuple[str, ...] = ()
    """Formulas from one step to the next, with X before observations; may mention actions."""
    fairness: tuple[str, ...] = ()
    """Assumptions on the infinite runs, in LTL."""
    idle: str | None = None
    """Action that is taken while a plan waits."""
    phrases: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Additional phrases for names (or for '!name') in English plans."""
    names: dict[str, str] = Field(default_factory=dict)
    """Names that plans in JSON and Python use, with those of the rulebook (or '!name')."""


def builtin_worlds() -> list[str]:
    """Returns the names of the built-in worlds."""
    return sorted(path.stem for path in WORLDS.glob("*.yaml"))


def free_world(book: RuleBook) -> WorldModel:
    """Returns the world in which every observation is free from the first step on."""
    return WorldModel(book.observations, book.actions)


def load_world(source: str | Path, book: RuleBook) -> WorldModel:
    """Reads a world.

    Args:
        source: A YAML file, or the name of a built-in world.
        book: The rulebook that declares its observations and actions.

    Raises:
        InputError: It cannot be read; the message names file and line.
    """
    path = Path(source)
    known = builtin_worlds()
    if isinstance(source, str) and source in known:
        path = WORLDS / f"{source}.yaml"
    elif not path.suffix and not path.exists():
        raise InputError(f"there is no world '{source}'{nearest(str(source), known)}")
    data, root = read_yaml(path, "world", "'name:', 'initial:'")
    try:
        entry = _WorldEntry.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        line = node_at(root, first["loc"]).start_mark.line + 1
        message = f"{place(first['loc'])}: {problem(first)}"
        raise InputError(message, file=str(path), line=line) from None

    def formulas(key: str) -> tuple[Formula, ...]:
        made = []
        for i, text in enumerate(getattr(entry, key)):
            try:
                made.append(parse(text, (*book.observations, *book.actions)))
            except InputError as error:
                line = node_at(root, (key, i)).start_mark.line + 1
                raise InputError(f"{key}: {error.message}", file=str(path), line=line) from None
        return tuple(made)

    try:
        return WorldModel(
            observations=book.observations,
            actions=book.actions,
            initial=tuple(
                Prop(name) if value else Not(Prop(name)) for name, value in entry.initial.items()
            ),
            always=(
                *formulas("always"),
                *map(exactly_one, entry.one_of),
                *map(at_most_one, (g for g in entry.at_most_one if len(g) > 1)),
            ),
            changes=(*formulas("changes"), *_behaviours(entry, book)),
            fairness=formulas("fairness"),
            idle=entry.idle,
            phrases=entry.phrases,
            names=entry.names,
        )
    except InputError as error:
        if error.file is None:
            error.file = str(path)
        raise


def _behaviours(entry: _WorldEntry, book: RuleBook) -> list[Formula]:
    made: list[Formula] = []
    for name, kind in entry.bits.items():
        if name not in book.observations:
            raise InputError(f"unknown observation '{name}'{nearest(name, book.observations)}")
        if kind == "constant":
            made.append(constant(name))
        elif kind == "persistent":
            made.append(persistent(name))
        elif isinstance(kind, _Until):
            made.append(persistent(name, parse(kind.until, book.observations)))
    return made
