"""Model checking: whether every run of a transition system obeys a rule, with counterexamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.verification.formulas.propositional import is_propositional, truth
from surefoot.verification.formulas.syntax import Always, Formula, Implies, Not
from surefoot.verification.modelchecking.fairness import FairSystem, fair_system, plain_product
from surefoot.verification.modelchecking.lassos import find_violations, some_lasso
from surefoot.verification.modelchecking.product import Product, moves_of_table
from surefoot.verification.modelchecking.search import Wanted, explore, starts_that_reach
from surefoot.verification.modelchecking.shortest import shortest_lasso
from surefoot.verification.modelchecking.systems import TransitionSystem
from surefoot.verification.modelchecking.witness import Witness, WitnessKind, folded, witness_of
from surefoot.verification.translation.automata import compile_ltlf
from surefoot.verification.translation.components import can_reach
from surefoot.verification.translation.prefixes import BadPrefixes, bad_prefixes


class CheckStatus(StrEnum):
    """Outcome of a rule; ``vacuous`` means satisfied, but its condition never arises."""

    SATISFIED = "satisfied"
    VACUOUS = "vacuous"
    VIOLATED = "violated"


@dataclass(frozen=True, slots=True)
class ModelVerdict:
    """Whether all runs of a model satisfy a formula.

    Attributes:
        formula: The formula.
        status: Its outcome.
        triggered: Whether the condition of a rule ``G (condition -> ...)`` arises on some run;
            None for formulas of another form.
        witness: A run that breaks the rule; None unless violated.
    """

    formula: Formula
    status: CheckStatus
    triggered: bool | None
    witness: Witness | None

    @property
    def holds(self) -> bool:
        """Whether the formula is satisfied, vacuously or not."""
        return self.status is not CheckStatus.VIOLATED


def check_model(
    system: TransitionSystem,
    formula: Formula,
    *,
    fairness: Sequence[Formula] = (),
    finite: bool = False,
    stutter: bool = False,
) -> ModelVerdict:
    """Checks one formula; for several use one :class:`ModelChecker`.

    Args:
        system: The model.
        formula: LTL for infinite runs, LTLf for runs that end.
        fairness: Assumptions on the infinite runs, in LTL.
        finite: Whether to consider only runs that end.
        stutter: Whether states without successors repeat for ever.

    Raises:
        InputError: See :class:`ModelChecker`.
    """
    checker = ModelChecker(system, fairness=fairness, finite=finite, stutter=stutter)
    return checker.check(formula)


class ModelChecker:
    """Checks formulas on one model.

    Runs that are considered: without ``system.final``, all infinite ones. With it, also the
    finite ones that end in a final state; these are checked by LTLf. With ``finite`` only the
    latter; a model without ``final`` ends in its states without successors.

    Args:
        system: The model.
        fairness: Assumptions on the infinite runs, in LTL.
        finite: Whether to consider only runs that end.
        stutter: Whether states without successors repeat for ever.

    Raises:
        InputError: A run gets stuck where it may not end, no run is considered, or none is fair.
    """

    def __init__(
        self,
        system: TransitionSystem,
        *,
        fairness: Sequence[Formula] = (),
        finite: bool = False,
        stutter: bool = False,
    ) -> None:
        if not system.edges and not stutter and not finite and system.final is None:
            raise InputError(
                "the model has no transitions; give it some, or let its runs end or stutter"
            )
        self.system = system.stuttering() if stutter else system
        self._fairness = tuple(fairness)
        self._infinite = not finite
        self._final = self.system.final
        if finite and self._final is None:
            self._final = self.system.deadlocks
        stuck = self.system.deadlocks & self._reached
        if self._final is not None:
            stuck &= ~self._final
        if stuck.any() and not finite:
            raise InputError(
                f"nothing can follow in {int(stuck.sum()):,} of the model's states, first in: "
                f"{self.system.words(int(np.argmax(stuck)))}; "
                f"give them successors, or let runs end or stutter there"
            )
        if finite and not (self._final & self._reached).any():  # type: ignore[operator]
            raise InputError("no run of the model ends; check its infinite runs instead")

    @cached_property
    def _reached(self) -> NDArray[np.bool_]:
        return explore(plain_product(self.system)).reached

    @cached_property
    def fair(self) -> FairSystem:
        """The model's infinite runs under the assumptions."""
        ends = self._final is not None and bool((self._final & self._reached).any())
        return fair_system(self.system, self._fairness, needed=not ends)

    @cached_property
    def _may_end(self) -> NDArray[np.bool_]:
        """Shape [states]: whether some run from the state ends."""
        assert self._final is not None
        return can_reach(self.system.sources(), self.system.targets, self._final)

    @property
    def relevant(self) -> NDArray[np.bool_]:
        """Shape [states]: whether the state lies on a run that is considered."""
        lies = np.zeros(self.system.states, np.bool_)
        if self._final is not None:
            lies |= self._may_end & self._reached
        if self._infinite:
            lies[self.fair.origin[self.fair.live]] = True
        return lies

    def check(self, formula: Formula) -> ModelVerdict:
        """Checks a formula.

        Args:
            formula: The formula.

        Returns:
            The verdict; of several ways to break the rule, the witness is the shortest (see
            :class:`~surefoot.verification.modelchecking.witness.Witness` for what is guaranteed).

        Raises:
            InputError: An unknown proposition, or a formula or product that is too large.
        """
        witness = self.violation(formula)
        triggered = self._triggered(formula)
        if witness is not None:
            return ModelVerdict(formula, CheckStatus.VIOLATED, triggered, witness)
        status = CheckStatus.VACUOUS if triggered is False else CheckStatus.SATISFIED
        return ModelVerdict(formula, status, triggered, None)

    def holds(self, formula: Formula) -> bool:
        """Returns whether all considered runs satisfy a formula; cheaper than a witness."""
        return self._ended(formula) is None and not self._breaks_unending(formula)

    def breaking(self, formula: Formula) -> NDArray[np.bool_]:
        """Returns from which initial states some run breaks a formula, in one search.

        Returns:
            Shape [k], in the order of ``system.initial``.
        """
        broken = np.zeros(self.system.states, np.bool_)
        if self._final is not None:
            product, wanted = self._ends(formula)
            nodes = np.arange(product.nodes)
            starts = starts_that_reach(product, wanted(nodes))
            broken[product.state(starts)] = True
        if self._infinite:
            broken[self.fair.origin[self._starts_unending(formula)]] = True
        return broken[self.system.initial]

    def _starts_unending(self, formula: Formula) -> NDArray[np.int64]:
        """Returns the initial states of the fair model from which an endless run breaks a rule."""
        found = [np.zeros(0, np.int64)]
        monitor = bad_prefixes(formula)
        if monitor is not None and monitor.bad >= 0:
            product = self._monitored(monitor)
            live = np.repeat(self.fair.live, product.moves.places)
            bad = (monitor.table == monitor.bad).ravel()[product.row(np.arange(product.nodes))]
            found.append(product.state(starts_that_reach(product, bad & live, live)))
        if monitor is None or not monitor.complete:
            violations = find_violations(self.fair, formula)
            if violations is not None:
                product = violations.product
                starts = starts_that_reach(product, violations.component >= 0)
                found.append(product.state(starts))
        return np.concatenate(found)

    def doomed(self, formula: Formula) -> NDArray[np.bool_]:
        """Returns the states in which a violation becomes inevitable on some run.

        Returns:
            Shape [states].
        """
        found = np.zeros(self.system.states, np.bool_)
        if self._final is not None:
            automaton = compile_ltlf(formula)
            product, _ = self._ends(formula)
            nodes = np.flatnonzero(explore(product).reached)
            after = automaton.table.ravel()[product.row(nodes)]
            now = automaton.verdicts[product.place(nodes)]
            turns = (automaton.verdicts[after] == -1) & (now != -1)
            found[product.state(nodes[turns])] = True
            found &= self._may_end
        monitor = bad_prefixes(formula) if self._infinite else None
        if monitor is not None and monitor.bad >= 0:
            product = self._monitored(monitor)
            live = np.repeat(self.fair.live, product.moves.places)
            nodes = np.flatnonzero(explore(product, within=live).reached)
            turns = monitor.table.ravel()[product.row(nodes)] == monitor.bad
            turns &= product.place(nodes) != monitor.bad
            found[self.fair.origin[product.state(nodes[turns])]] = True
        return found

    def violation(self, formula: Formula) -> Witness | None:
        """Returns a shortest run that breaks a formula, or None."""
        found = [w for w in (self._ended(formula), self._unending(formula)) if w is not None]
        return min(found, key=len, default=None)

    def _ended(self, formula: Formula) -> Witness | None:
        """Checks the runs that end."""
        if self._final is None:
            return None
        product, wanted = self._ends(formula)
        found = explore(product, wanted)
        if found.found is None:
            return None
        path = [n // product.moves.places for n in found.path(found.found)]
        automaton = compile_ltlf(formula)
        after = int(automaton.table.ravel()[product.row(np.asarray([found.found]))[0]])
        kind = WitnessKind.PREFIX if automaton.verdicts[after] == -1 else WitnessKind.ENDED
        return witness_of(self.system, kind, path, shortest=True)

    def _ends(self, formula: Formula) -> tuple[Product, Wanted]:
        """Returns the product with the automaton of finite runs, and its violating nodes."""
        assert self._final is not None
        automaton = compile_ltlf(formula)
        final, may_end = self._final, self._may_end
        system, letters = self.system, self.system.letters(automaton.propositions)
        hopeless = automaton.verdicts[automaton.table] == -1
        short = ~automaton.accepting[automaton.table]
        product = Product(
            system, letters, moves_of_table(automaton.table), (int(automaton.initial),)
        )

        def wanted(nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
            state = product.state(nodes)
            place, letter = product.place(nodes), letters[state]
            ends: NDArray[np.bool_] = short[place, letter] & final[state]
            ends |= hopeless[place, letter] & may_end[state]
            return ends

        return product, wanted

    def _monitored(self, monitor: BadPrefixes) -> Product:
        letters = self.fair.system.letters(monitor.propositions)
        return Product(self.fair.system, letters, moves_of_table(monitor.table))

    def _bad_prefix(self, formula: Formula) -> tuple[list[int] | None, bool]:
        """Returns a shortest bad prefix of an infinite run, and whether that suffices."""
        monitor = bad_prefixes(formula)
        if monitor is None:
            return None, False
        if monitor.bad < 0:
            return None, monitor.complete
        fair, product = self.fair, self._monitored(monitor)
        bad = (monitor.table == monitor.bad).ravel()
        live = None if fair.live.all() else np.repeat(fair.live, product.moves.places)
        found = explore(product, lambda nodes: bad[product.row(nodes)], within=live)
        if found.found is None:
            return None, monitor.complete
        return [n // product.moves.places for n in found.path(found.found)], True

    def _breaks_unending(self, formula: Formula) -> bool:
        if not self._infinite:
            return False
        path, complete = self._bad_prefix(formula)
        if path is not None or complete:
            return path is not None
        return find_violations(self.fair, formula) is not None

    def _unending(self, formula: Formula) -> Witness | None:
        """Checks the runs that never end."""
        if not self._infinite:
            return None
        path, complete = self._bad_prefix(formula)
        if path is not None:
            states = self.fair.origin[path].tolist()
            return witness_of(self.system, WitnessKind.PREFIX, states, shortest=True)
        violations = None if complete else find_violations(self.fair, formula)
        if violations is None:
            return None
        lasso = folded(*some_lasso(self.fair, violations, candidates=1))
        lasso, proven = shortest_lasso(self.fair, formula, lasso)
        if not proven:
            other = folded(*some_lasso(self.fair, violations))
            lasso = min(lasso, other, key=lambda pair: len(pair[0]) + len(pair[1]))
        return witness_of(self.system, WitnessKind.LASSO, *lasso, shortest=proven)

    def _triggered(self, formula: Formula) -> bool | None:
        if not (isinstance(formula, Always) and isinstance(formula.child, Implies)):
            return None
        condition = formula.child.left
        if is_propositional(condition):
            return bool((truth(condition, self.system) & self.relevant).any())
        return not self.holds(Always(Not(condition)))
