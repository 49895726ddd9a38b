"""Fairness assumptions: the infinite runs that are considered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.verification.formulas.propositional import is_propositional, truth
from surefoot.verification.formulas.syntax import Always, Eventually, Formula
from surefoot.verification.modelchecking.product import Product, moves_of_table
from surefoot.verification.modelchecking.search import explore
from surefoot.verification.modelchecking.systems import TransitionSystem, from_arrays
from surefoot.verification.translation.automata import compile_buchi
from surefoot.verification.translation.components import can_reach, good_components
from surefoot.verification.translation.prefixes import moves_of


@dataclass(frozen=True, eq=False)
class FairSystem:
    """A model with the conditions that its fair infinite runs meet.

    Attributes:
        system: The model, multiplied with the automata of assumptions that need memory.
        origin: Shape [states]: the state of the original model that each state stands for.
        marks: Shape [conditions, states]: a fair run visits each kind infinitely often.
        live: Shape [states]: whether the state is reachable and some fair run starts from it.
        model: The original model.
        recurring: Shape [k, states of the original model]: the ``c`` of assumptions ``G F c``.
        general: The other assumptions.
    """

    system: TransitionSystem
    origin: NDArray[np.int64]
    marks: NDArray[np.bool_]
    live: NDArray[np.bool_]
    model: TransitionSystem
    recurring: NDArray[np.bool_]
    general: tuple[Formula, ...]


def recurring(formula: Formula) -> Formula | None:
    """Returns ``c`` if the formula is ``G F c`` and ``c`` has no temporal operator."""
    if isinstance(formula, Always) and isinstance(formula.child, Eventually):
        inner = formula.child.child
        return inner if is_propositional(inner) else None
    return None


def fair_system(
    system: TransitionSystem, fairness: Sequence[Formula], *, needed: bool = True
) -> FairSystem:
    """Restricts the infinite runs of a model to those that meet all assumptions.

    ``G F c`` becomes a mark on states (generalized Büchi acceptance); any other assumption,
    such as strong fairness ``G F a -> G F b``, a product with its automaton.

    Args:
        system: The model.
        fairness: The assumptions, in LTL.
        needed: Whether such a run must exist.

    Raises:
        InputError: No infinite run meets them, or a proposition is unknown.
    """
    model = system
    inner = [recurring(assumption) for assumption in fairness]
    simple = [truth(c, model) for c in inner if c is not None]
    general = tuple(a for a, c in zip(fairness, inner, strict=True) if c is None)
    first = np.array(simple, np.bool_).reshape(len(simple), model.states)
    origin, marks = np.arange(model.states), first
    for assumption in general:
        system, origin, marks = _with_memory(system, origin, marks, assumption)
    sources = system.sources()
    reached = explore(plain_product(system)).reached
    component = good_components(
        sources[reached[sources]], system.targets[reached[sources]], marks, system.states
    )
    live = can_reach(sources, system.targets, component >= 0) & reached
    if needed and fairness and not live[system.initial].any():
        raise InputError("no run of the model meets the fairness assumptions; weaken them")
    return FairSystem(system, origin, marks, live, model, first, general)


def plain_product(system: TransitionSystem) -> Product:
    """The model with an automaton that accepts everything, for plain reachability."""
    letters = np.zeros(system.states, np.int32)
    return Product(system, letters, moves_of_table(np.zeros((1, 1), np.int32)))


def _with_memory(
    system: TransitionSystem,
    origin: NDArray[np.int64],
    marks: NDArray[np.bool_],
    assumption: Formula,
) -> tuple[TransitionSystem, NDArray[np.int64], NDArray[np.bool_]]:
    automaton = compile_buchi(assumption)
    letters = system.letters(automaton.propositions)
    product = Product(system, letters, moves_of(automaton), (automaton.initial,))
    nodes = np.flatnonzero(explore(product).reached)
    number = np.full(product.nodes, -1, np.int64)
    number[nodes] = np.arange(len(nodes))
    which, targets = product.step(nodes)
    state = product.state(nodes)
    describe = system.describe
    grown = from_arrays(
        system.names,
        system.labels[state],
        which,
        number[targets],
        number[product.initial],
        describe=None if describe is None else lambda i: describe(int(state[i])),
    )
    accepting = automaton.accepting[product.place(nodes)]
    return grown, origin[state], np.vstack([marks[:, state], accepting[None]])
