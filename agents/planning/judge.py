"""Judging proposed plans: which rules they obey, whether they reach the goal, and why not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from surefoot.agents.planning.base import CROSSING, ENVIRONMENTS, PlanningContext
from surefoot.agents.planning.labels import judge_trace, labels
from surefoot.agents.planning.place import (
    closed,
    driving_rules,
    goal_at,
    rules_at,
    way_of,
    world_at,
)
from surefoot.agents.planning.reading import read_program, read_steps
from surefoot.agents.planning.table import ground_of
from surefoot.core.errors import InputError
from surefoot.envs.tabletop.state import Facts
from surefoot.pddl import GroundTask, Plan
from surefoot.pddl.validator import malformed, validate
from surefoot.pddl.verdict import Status
from surefoot.verification.planchecking.checking import PlanChecker, PlanVerdict
from surefoot.verification.planchecking.feedback import explain, repair_prompt
from surefoot.verification.planchecking.worldmodel import WorldModel
from surefoot.verification.programs.statements import Program
from surefoot.verification.rules import RuleBook, load_rulebook

GOAL = "reach-the-goal"
"""Name of the goal among the rules; it is reported apart from them."""


@dataclass(frozen=True, slots=True)
class PlanOutcome:
    """What became of one plan.

    Attributes:
        readable: Whether it could be read.
        rules: For each rule that applies, whether every run obeys it; empty if unreadable.
        reaches_goal: Whether every run reaches the goal.
        reason: One line on what is wrong first; empty if nothing is.
    """

    readable: bool
    rules: Mapping[str, bool]
    reaches_goal: bool
    reason: str = ""

    @property
    def obeys(self) -> bool:
        """Whether it can be read and obeys all rules."""
        return self.readable and all(self.rules.values())

    @property
    def good(self) -> bool:
        """Whether it obeys all rules and reaches the goal."""
        return self.obeys and self.reaches_goal

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of the rules that some run breaks."""
        return tuple(name for name, held in self.rules.items() if not held)

    def grade(self, rules: Collection[str] | None = None) -> int:
        """Ranks plans: 2 obeys and reaches the goal, 1 obeys only, 0 breaks a rule, -1 unreadable.

        Args:
            rules: Only these rules count; all unless given.
        """
        if not self.readable:
            return -1
        if not all(held for name, held in self.rules.items() if rules is None or name in rules):
            return 0
        return 2 if self.reaches_goal else 1


@cache
def table_rules() -> RuleBook:
    """Returns the rulebook ``tabletop``."""
    return load_rulebook("tabletop")


def rule_names(env: str) -> tuple[str, ...]:
    """Returns the names of an environment's rules, without the goal.

    Raises:
        InputError: There is no such environment.
    """
    check_env(env)
    book = driving_rules() if env == CROSSING else table_rules()
    return tuple(rule.name for rule in book.rules if rule.name != GOAL)


def check_env(env: str) -> None:
    """Raises an error that names the environments if there is no such one.

    Raises:
        InputError: There is no such environment.
    """
    if env not in ENVIRONMENTS:
        raise InputError(f"unknown environment '{env}'; there are {', '.join(ENVIRONMENTS)}")


def judge(context: PlanningContext, text: str, facts: Facts | None = None) -> PlanOutcome:
    """Judges a plan.

    A driving program is model-checked in :func:`~surefoot.agents.planning.place.world_at`, so
    that the verdict covers all traffic there can be; a tabletop plan is executed in one state.

    Args:
        context: What the planner got.
        text: The plan as written.
        facts: On the tabletop the state in which it starts; that of the context unless given.

    Raises:
        InputError: The context cannot be used. An unreadable plan is a verdict and no error.
    """
    check_env(context.env)
    if context.env == CROSSING:
        return _judge_program(context.task, text.strip())
    try:
        plan = read_steps(text)
    except InputError as error:
        return PlanOutcome(False, {}, False, error.message)
    return judge_steps(ground_of(context, facts), plan)


@lru_cache(100_000)
def _judge_program(task: str, text: str) -> PlanOutcome:
    try:
        program = read_program(text)
        checker = PlanChecker(closed(program), world_at(task))
        verdicts = {rule.name: checker.check(rule).holds for rule in rules_at(task)}
        reached = checker.check(goal_at(task)).holds
    except InputError as error:
        return PlanOutcome(False, {}, False, error.message)
    broken = [name for name, held in verdicts.items() if not held]
    reason = f"breaks {', '.join(broken)}" if broken else ""
    if not reason and not reached:
        reason = f"does not get to '{way_of(task).replace('_', ' ')}' in every run"
    return PlanOutcome(True, verdicts, reached, reason)


def check_program(
    task: str, program: Program, situations: Sequence[Collection[str]] = ()
) -> tuple[PlanVerdict, WorldModel]:
    """Checks a driving program against the rules of its place and the goal.

    Args:
        task: The task.
        program: The plan, without what the vehicle does after it.
        situations: What may be true at first, for each world that perception leaves; everything
            that can be at the place unless given.

    Returns:
        The verdicts, the goal's last, and the world they were found in.

    Raises:
        InputError: The program is too large for the check.
    """
    world = world_at(task)
    if situations:
        world = world.starting(situations)
    checker = PlanChecker(closed(program), world)
    found = tuple(map(checker.check, (*rules_at(task), goal_at(task))))
    return PlanVerdict(found, checker.controller), world


def judge_steps(
    ground: GroundTask,
    plan: Plan,
    *,
    unsure: Collection[str] = (),
    person_near: bool = False,
) -> PlanOutcome:
    """Judges a tabletop plan by executing it in the task's first state.

    Execution ends at the first step that cannot be done; that step is still on the trace, so that
    a rule it breaks is named.

    Args:
        ground: The task.
        plan: The plan.
        unsure: Things whose place perception does not single out.
        person_near: Whether a person is within reach of the arm.
    """
    verdict = validate(ground, plan)
    trace = []
    state = set(ground.initial)
    for number, step in enumerate(plan.steps, 1):
        facts = ground.facts(state)
        if malformed(ground, step, number) is not None:
            break
        trace.append(labels(ground, facts, step, unsure=unsure, person_near=person_near))
        action = ground.ground(step)
        if not action.applicable(state):
            break
        action.apply(state)
    facts = ground.facts(state)
    trace.append(labels(ground, facts, None, unsure=unsure, person_near=person_near))
    rules = judge_trace(table_rules(), trace)
    rules.pop(GOAL, None)
    reason = verdict.first_error.message if verdict.first_error is not None else ""
    if not reason and verdict.status is Status.GOAL_UNMET:
        reason = f"at the end it does not hold: {', '.join(verdict.unmet_goals)}"
    broken = [name for name, held in rules.items() if not held]
    if broken:
        reason = f"breaks {', '.join(broken)}" + (f"; {reason}" if reason else "")
    return PlanOutcome(True, rules, verdict.valid, reason)


def feedback(context: PlanningContext, text: str) -> str:
    """Returns what to tell a planner whose plan is not good; empty if it is good.

    Of a driving program it holds the shortest ways to break each rule and checked suggestions.

    Raises:
        InputError: The context cannot be used.
    """
    found = judge(context, text)
    if found.good:
        return ""
    if not found.readable:
        return f"The plan cannot be read: {found.reason}. Write the whole plan again."
    if context.env != CROSSING:
        lines = [f"The plan is not good: {found.reason}."]
        lines += [
            f"Rule '{name}' says: {table_rules().rule(name).meaning}"
            for name in (*found.broken, *([] if found.reaches_goal else [GOAL]))
        ]
        return "\n".join([*lines, "Write the whole plan again."])
    program = read_program(text)
    verdict, world = check_program(context.task, program)
    return repair_prompt(program, explain(closed(program), world, verdict))
