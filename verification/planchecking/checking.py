"""Checks plans against a rulebook in a world: one verdict per rule, shortest counterexamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surefoot.core.errors import InputError
from surefoot.verification.modelchecking.models import CheckStatus, ModelVerdict
from surefoot.verification.planchecking.plan_product import PlanProduct, multiply
from surefoot.verification.planchecking.worldmodel import WorldModel
from surefoot.verification.programs.controller import Controller, compile_program
from surefoot.verification.programs.statements import Program
from surefoot.verification.rules import Rule, RuleBook, Timing


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """Verdict on one rule.

    Attributes:
        rule: The rule.
        timing: The timing that was assumed.
        result: The verdict on all runs of the plan in the world.
        product: The product of plan and world that was checked.
        controller: The plan as a finite machine.
    """

    rule: Rule
    timing: Timing
    result: ModelVerdict
    product: PlanProduct
    controller: Controller

    @property
    def holds(self) -> bool:
        """Whether all runs obey the rule."""
        return self.result.holds


@dataclass(frozen=True, slots=True)
class PlanVerdict:
    """Verdicts on all rules.

    Attributes:
        rules: One verdict per rule, in the order of the rulebook.
        controller: The plan as a finite machine.
    """

    rules: tuple[RuleVerdict, ...]
    controller: Controller

    @property
    def holds(self) -> bool:
        """Whether all rules hold."""
        return all(verdict.holds for verdict in self.rules)

    @property
    def violated(self) -> tuple[RuleVerdict, ...]:
        """The rules that some run breaks."""
        return tuple(verdict for verdict in self.rules if not verdict.holds)

    @property
    def vacuous(self) -> tuple[RuleVerdict, ...]:
        """The rules whose condition never arises."""
        return tuple(v for v in self.rules if v.result.status is CheckStatus.VACUOUS)


class PlanChecker:
    """Checks rules on a plan in a world.

    All runs are checked: those that the plan ends (by LTLf) and those that never end (by LTL,
    under the world's fairness assumptions).

    Args:
        plan: A program or its machine.
        world: The world; it decides observations, the plan decides actions.
        timing: When actions respond to observations; None for the timing of each rule.

    Raises:
        InputError: The plan uses an observation that the world does not have.
    """

    def __init__(
        self, plan: Program | Controller, world: WorldModel, *, timing: Timing | None = None
    ) -> None:
        self.controller = compile_program(plan) if isinstance(plan, Program) else plan
        self.world = world
        self._timing = timing
        for name in self.controller.observations:
            if name not in world.observations:
                raise InputError(f"the plan looks at '{name}', which the world does not tell")
        self._products: dict[tuple[frozenset[str], Timing], PlanProduct] = {}

    def check(self, rule: Rule) -> RuleVerdict:
        """Checks one rule.

        Raises:
            InputError: A product that is too large, or a world without a next step.
        """
        timing = self._timing or rule.timing
        product = self.product(rule, timing)
        result = product.checker.check(rule.formula)
        return RuleVerdict(rule, timing, result, product, self.controller)

    def product(self, rule: Rule, timing: Timing) -> PlanProduct:
        """Returns the product with the part of the world that the plan and the rule refer to."""
        names = set(rule.formula.propositions) | set(self.controller.observations)
        names |= {n for f in self.world.fairness for n in f.propositions}
        world = self.world.over(names)
        key = frozenset(world.observations), timing
        if key not in self._products:
            self._products[key] = multiply(self.controller, world, timing, self.world.fairness)
        return self._products[key]


def check_plan(
    plan: Program | Controller,
    book: RuleBook,
    world: WorldModel,
    *,
    timing: Timing | None = None,
    rules: Sequence[Rule] | None = None,
) -> PlanVerdict:
    """Checks a plan against a rulebook.

    Args:
        plan: A program or its machine.
        book: The rules.
        world: The world in which it is executed.
        timing: When actions respond to observations; None for the timing of each rule.
        rules: Names of the rules to check; all by default.

    Raises:
        InputError: See :class:`PlanChecker`.
    """
    checker = PlanChecker(plan, world, timing=timing)
    chosen = book.rules if rules is None else rules
    return PlanVerdict(tuple(map(checker.check, chosen)), checker.controller)
