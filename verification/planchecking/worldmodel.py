"""Worlds in which a plan is checked: initial observations and how they can change.

By default every observation is free: at every step it has any value. A world file restricts that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import nearest
from surefoot.verification.formulas.propositional import Truth, evaluate_boolean, is_propositional
from surefoot.verification.formulas.syntax import (
    And,
    Formula,
    Iff,
    Implies,
    Next,
    Not,
    Or,
    Prop,
    StrongNext,
)

MAX_BITS = 12
"""Most observations that one rule and one plan use, with those they depend on."""

MAX_PAIRS = 2**22
"""Most pairs of successive situations."""


@dataclass(frozen=True)
class WorldModel:
    """A model of what a robot may observe.

    Attributes:
        observations: The propositions that the world decides.
        actions: The propositions that the robot decides; changes may depend on them.
        initial: Facts that hold at the first step; other observations have any value.
        always: Formulas without temporal operators that hold at every step.
        changes: Constraints from one step to the next: formulas with ``X`` before observations,
            such as ``pick -> X !hand_empty``.
        fairness: Assumptions on the infinite runs, in LTL over observations and actions.
        idle: Action that the robot takes while it waits; None for none.
        phrases: Additional phrases for names in English plans.
        names: Names that plans in JSON and Python use, with those of the rulebook.
        first: Explicit initial situations, each the set of true observations; empty for all that
            ``initial`` and ``always`` allow.

    Raises:
        InputError: A name is unknown, or a formula is not allowed there.
    """

    observations: tuple[str, ...]
    actions: tuple[str, ...] = ()
    initial: tuple[Formula, ...] = ()
    always: tuple[Formula, ...] = ()
    changes: tuple[Formula, ...] = ()
    fairness: tuple[Formula, ...] = ()
    idle: str | None = None
    phrases: Mapping[str, Iterable[str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    first: tuple[frozenset[str], ...] = ()

    def __post_init__(self) -> None:
        for formula in (*self.initial, *self.always):
            self._check(formula, self.observations, "hold at one step")
        for formula in self.changes:
            self._check(_flat(formula), [*self._both, *self.actions], "look one step ahead")
        for formula in self.fairness:
            for name in formula.propositions:
                self._known(name, (*self.observations, *self.actions))
        for name in frozenset().union(*self.first):
            self._known(name, self.observations)
        if self.idle is not None and self.idle not in self.actions:
            raise InputError(f"unknown action '{self.idle}'{nearest(self.idle, self.actions)}")

    @property
    def _both(self) -> list[str]:
        return [name + tick for name in self.observations for tick in ("", "'")]

    @staticmethod
    def _known(name: str, known: Collection[str]) -> None:
        if name not in known:
            plain = [k for k in known if not k.endswith("'")]
            raise InputError(f"the world has no proposition '{name}'{nearest(name, plain)}")

    def _check(self, formula: Formula, known: Collection[str], what: str) -> None:
        for name in formula.propositions:
            self._known(name, known)
        if not is_propositional(formula):
            raise InputError(f"'{formula}' must {what}; it looks further")

    def starting(self, situations: Sequence[Collection[str]]) -> WorldModel:
        """Returns the world with explicit initial situations.

        Args:
            situations: For each, the observations that are true.
        """
        return replace(self, first=tuple(frozenset(s) for s in situations))

    def over(self, names: Iterable[str]) -> WorldModel:
        """Returns the world restricted to some observations and those that they depend on.

        The others vary independently, so leaving them out changes no verdict about these.
        """
        kept = set(names) & set(self.observations)
        seen = set(self.observations)
        links = [seen & set(f.propositions) for f in (*self.initial, *self.always)]
        links += [seen & {n.removesuffix("'") for n in _flat(f).propositions} for f in self.changes]
        grown = True
        while grown:
            before = len(kept)
            for link in links:
                if link & kept:
                    kept |= link
            grown = len(kept) > before
        inside = kept.__contains__

        def about(formulas: tuple[Formula, ...]) -> tuple[Formula, ...]:
            return tuple(
                f
                for f in formulas
                if any(inside(n.removesuffix("'")) for n in _flat(f).propositions)
                or not set(_flat(f).propositions) - set(self.actions)
            )

        return replace(
            self,
            observations=tuple(filter(inside, self.observations)),
            initial=about(self.initial),
            always=about(self.always),
            changes=about(self.changes),
            fairness=(),
            first=tuple(dict.fromkeys(s & kept for s in self.first)),
        )

    @cached_property
    def situations(self) -> NDArray[np.bool_]:
        """Shape [situations, observations]: all combinations of values that ``always`` allows.

        Raises:
            InputError: There are too many observations, or no situation is allowed.
        """
        count = len(self.observations)
        if count > MAX_BITS:
            raise InputError(
                f"{count} observations are too many to check together (at most {MAX_BITS}): "
                f"{', '.join(self.observations)}; constrain fewer of them jointly"
            )
        rows = (np.arange(1 << count)[:, None] >> np.arange(count) & 1).astype(np.bool_)
        allowed = self._holds(self.always, rows)
        if not allowed.any():
            raise InputError("no situation satisfies what the world says about every step")
        return rows[allowed]

    def columns(self, rows: NDArray[np.bool_] | None = None, tick: str = "") -> dict[str, Truth]:
        """Returns the values of each observation, one for each situation."""
        rows = self.situations if rows is None else rows
        return {name + tick: rows[:, i] for i, name in enumerate(self.observations)}

    def _holds(self, formulas: tuple[Formula, ...], rows: NDArray[np.bool_]) -> Truth:
        columns = self.columns(rows)
        found = np.ones(len(rows), np.bool_)
        for formula in formulas:
            found &= evaluate_boolean(formula, columns.__getitem__)
        return found

    def starts(self) -> NDArray[np.int64]:
        """Returns the numbers of the initial situations, ascending.

        Raises:
            InputError: There is none.
        """
        allowed = self._holds(self.initial, self.situations)
        if self.first:
            numbers = self.numbers(self.first)
            chosen = np.zeros(len(allowed), np.bool_)
            chosen[numbers[numbers >= 0]] = True
            allowed &= chosen
        if not allowed.any():
            raise InputError("no situation satisfies what the world says about the first step")
        return np.flatnonzero(allowed)

    def numbers(self, situations: Sequence[Collection[str]]) -> NDArray[np.int64]:
        """Returns the numbers of situations given by their true observations; -1 if impossible."""
        weights = 1 << np.arange(len(self.observations))
        place = np.full(1 << len(self.observations), -1, np.int64)
        place[self.situations @ weights] = np.arange(len(self.situations))
        where = {name: int(w) for name, w in zip(self.observations, weights, strict=True)}
        codes = [sum(where[n] for n in s if n in where) for s in situations]
        return place[np.asarray(codes, np.int64)]

    def follows(self, taken: Collection[str] = ()) -> NDArray[np.bool_]:
        """Returns which situation can follow which while some actions are taken.

        Args:
            taken: The actions of the earlier step.

        Returns:
            Shape [situations, situations].

        Raises:
            InputError: Too many situations.
        """
        count = len(self.situations)
        if count * count > MAX_PAIRS:
            raise InputError(
                f"the {len(self.observations)} observations that the plan and a rule depend on "
                f"have {count:,} situations; at most {int(MAX_PAIRS**0.5):,} can be checked: "
                f"look at fewer, or constrain them"
            )
        columns: dict[str, Truth] = {
            **{name: c[:, None] for name, c in self.columns().items()},
            **{name: c[None, :] for name, c in self.columns(tick="'").items()},
            **{name: np.asarray(name in taken) for name in self.actions},
        }
        found = np.ones((count, count), np.bool_)
        for formula in self.changes:
            found &= evaluate_boolean(_flat(formula), columns.__getitem__)
        return found


def _flat(formula: Formula, ticked: bool = False) -> Formula:
    """Writes ``X p`` as the proposition ``p'``; a nested ``X`` stays and is refused later."""
    if isinstance(formula, Prop):
        return Prop(formula.name + "'") if ticked else formula
    if isinstance(formula, Next | StrongNext) and not ticked:
        return _flat(formula.child, ticked=True)
    return formula.rebuilt(tuple(_flat(part, ticked) for part in formula.operands))


def constant(name: str) -> Formula:
    """An observation that never changes."""
    return Iff(Prop(name), Next(Prop(name)))


def persistent(name: str, until: Formula | None = None) -> Formula:
    """An observation that stays true once it is (until something holds)."""
    holds = Prop(name) if until is None else And((Prop(name), Not(until)))
    return Implies(holds, Next(Prop(name)))


def at_most_one(names: Sequence[str]) -> Formula:
    """No two of some observations are true together."""
    return And(tuple(Not(And((Prop(a), Prop(b)))) for a, b in combinations(names, 2)))


def exactly_one(names: Sequence[str]) -> Formula:
    """One of some observations is true, and no two are."""
    return And((Or(tuple(map(Prop, names))), at_most_one(names)))
