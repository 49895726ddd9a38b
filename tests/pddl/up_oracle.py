"""unified-planning as an independent judge of plans."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from unified_planning.engines.plan_validator import SequentialPlanValidator
from unified_planning.engines.results import ValidationResultStatus
from unified_planning.exceptions import UPTypeError
from unified_planning.io import PDDLReader
from unified_planning.plans import ActionInstance, SequentialPlan
from unified_planning.shortcuts import get_environment

from surefoot.pddl.language import Plan, Task, write_domain, write_problem

ENV = get_environment()
ENV.error_used_name = False  # real files name an action like a predicate
ENV.credits_stream = None


@dataclass(frozen=True)
class Opinion:
    """What the oracle says: valid or not, and the 1-based step that fails, if one does."""

    valid: bool
    failing: int | None


class Oracle:
    """unified-planning's validator on one task."""

    def __init__(self, domain_text: str, problem_text: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.problem = PDDLReader(ENV).parse_problem_string(domain_text, problem_text)
        self.validator = SequentialPlanValidator()

    @classmethod
    def of(cls, task: Task) -> Oracle:
        """Hands over a task in the way our writer puts it down."""
        return cls(write_domain(task.domain), write_problem(task.problem))

    def cost(self, plan: Plan) -> float:
        """Returns the metric's value of a valid plan."""
        made = [ActionInstance(self.problem.action(step.action)) for step in plan.steps]
        result = self.validator.validate(self.problem, SequentialPlan(made, ENV))
        (value,) = result.metric_evaluations.values()
        return float(value)

    def judge(self, plan: Plan) -> Opinion:
        """Validates a plan whose names exist; ill-typed arguments are invalid."""
        made = []
        ill_typed = None
        for number, step in enumerate(plan.steps, start=1):
            action = self.problem.action(step.action)
            objects = [self.problem.object(name) for name in step.args]
            terms = tuple(ENV.expression_manager.ObjectExp(o) for o in objects)
            try:
                made.append(ActionInstance(action, terms))
            except (UPTypeError, AssertionError):  # what comes before it may still fail first
                ill_typed = number
                break
        result = self.validator.validate(self.problem, SequentialPlan(made, ENV))
        failing = next(
            (n for n, a in enumerate(made, start=1) if a is result.inapplicable_action), ill_typed
        )
        valid = result.status is ValidationResultStatus.VALID and ill_typed is None
        return Opinion(valid, failing)
