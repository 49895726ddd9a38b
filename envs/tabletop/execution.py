"""Execution of plans step by step, with all facts compared after every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from surefoot.envs.skills import SkillResult
from surefoot.envs.tabletop.skills import Skills
from surefoot.envs.tabletop.state import Facts, goal_holds, successor
from surefoot.pddl import Plan
from surefoot.pddl.language import PlanStep


@dataclass(frozen=True, slots=True)
class StepReport:
    """Result of one step of a plan.

    Attributes:
        step: The action.
        result: Result of the skill.
        facts: Facts that hold afterwards, from physics.
        missing: Predicted facts that do not hold.
        unexpected: Facts that hold without being predicted.
    """

    step: PlanStep
    result: SkillResult
    facts: Facts
    missing: Facts
    unexpected: Facts

    @property
    def agrees(self) -> bool:
        """Whether the world is as the domain predicts."""
        return not self.missing and not self.unexpected

    def __str__(self) -> str:
        if self.agrees:
            return f"{self.step}: as predicted"
        parts = [f"{self.step}: {self.result.status}"]
        if self.result.reason:
            parts.append(self.result.reason)
        parts += [f"missing {fact}" for fact in sorted(map(str, self.missing))]
        parts += [f"unexpected {fact}" for fact in sorted(map(str, self.unexpected))]
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Execution:
    """An executed plan.

    Attributes:
        reports: One per executed step.
        reached: Whether the goal holds at the end, in the world.
    """

    reports: tuple[StepReport, ...]
    reached: bool

    @property
    def mismatch(self) -> StepReport | None:
        """The first step after which the world was not as predicted."""
        return next((report for report in self.reports if not report.agrees), None)


def steps_of(skills: Skills, plan: Plan) -> Iterator[StepReport]:
    """Executes a plan and yields a report after every step."""
    facts = skills.facts()
    for step in plan.steps:
        predicted = successor(skills.ground, facts, step)
        result = skills.run(step)
        facts = skills.facts()
        yield StepReport(step, result, facts, predicted - facts, facts - predicted)


def execute(
    skills: Skills, plan: Plan, *, stop: Callable[[StepReport], bool] | None = None
) -> Execution:
    """Executes a plan until its end or until ``stop`` returns true.

    Args:
        skills: The robot's skills in its world.
        plan: The plan; its steps must name objects of the task.
        stop: Called after every step; by default the first mismatch stops.
    """
    reports: list[StepReport] = []
    for report in steps_of(skills, plan):
        reports.append(report)
        if (not report.agrees) if stop is None else stop(report):
            break
    return Execution(tuple(reports), goal_holds(skills.ground, skills.facts()))
