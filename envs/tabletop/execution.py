"""Plans carried out step by step, with every fact compared after every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from surefoot.envs.skills import SkillResult
from surefoot.envs.tabletop.skills import Skills
from surefoot.envs.tabletop.state import Facts
from surefoot.pddl import GroundTask, Plan, PlanStep, Task
from surefoot.pddl.conditions import holds
from surefoot.pddl.language import Atom


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step of a plan did.

    Attributes:
        step: The action.
        result: What became of the skill.
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
    """A plan carried out.

    Attributes:
        reports: One a step, as far as it went.
        reached: Whether the goal holds at the end, in the world.
    """

    reports: tuple[StepReport, ...]
    reached: bool

    @property
    def mismatch(self) -> StepReport | None:
        """The first step after which the world was not as predicted."""
        return next((report for report in self.reports if not report.agrees), None)


def successor(ground: GroundTask, facts: Facts, step: PlanStep) -> Facts:
    """Returns the facts that the domain predicts after an action, applicable or not."""
    state = {ground.number(f.predicate, *f.args) for f in facts}
    ground.ground(step).apply(state)
    return ground.facts(state)


def goal_holds(ground: GroundTask, facts: Facts) -> bool:
    """Tells whether a task's goal holds."""
    return holds(ground.goal, {ground.number(f.predicate, *f.args) for f in facts})


def goal_share(ground: GroundTask, facts: Facts) -> float:
    """Returns the share of the goal's conditions that hold, from 0 to 1."""
    return ground.goal_fraction({ground.number(f.predicate, *f.args) for f in facts})


def steps_of(skills: Skills, plan: Plan) -> Iterator[StepReport]:
    """Carries out a plan, yielding a report after every step."""
    facts = skills.facts()
    for step in plan.steps:
        predicted = successor(skills.ground, facts, step)
        result = skills.run(step)
        facts = skills.facts()
        yield StepReport(step, result, facts, predicted - facts, facts - predicted)


def execute(
    skills: Skills, plan: Plan, *, stop: Callable[[StepReport], bool] | None = None
) -> Execution:
    """Carries out a plan until its end or until a report says stop.

    Args:
        skills: The robot's skills in its world.
        plan: The plan; its steps must name objects of the task.
        stop: Asked after every step; by default the first mismatch stops.
    """
    reports: list[StepReport] = []
    for report in steps_of(skills, plan):
        reports.append(report)
        if (not report.agrees) if stop is None else stop(report):
            break
    return Execution(tuple(reports), goal_holds(skills.ground, skills.facts()))


def goals(task: Task) -> tuple[Atom, ...]:
    """Returns the conditions of a goal that is a conjunction of facts."""
    children = getattr(task.problem.goal, "children", ())
    return tuple(child for child in children if isinstance(child, Atom))
