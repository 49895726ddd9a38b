"""Changed tasks that are asked beside the plan of an earlier one; after PlanBench.

Valmeekam et al., PlanBench (arXiv 2206.10498), section 4: plan reuse, replanning, robustness
to goal reformulation. A changed task is drawn from its instance and a seed, and comes with
a plan that solves it by construction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from surefoot.pddl.benchmark.config import BenchJob
from surefoot.pddl.conditions import holds
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Atom, Conjunction, Formula, Plan, PlanStep, Task
from surefoot.pddl.questions import changing_predicates
from surefoot.pddl.questions.sample import after
from surefoot.pddl.questions.space import State
from surefoot.pddl.successors import StateView
from surefoot.pddl.validator import validate

_SHOCKS = 40
"""Tries to find a change of state that calls for another plan."""

_WAYS = 400
"""States that the search for a way back to the plan may visit."""


@dataclass(frozen=True)
class Variant:
    """A changed task and the earlier one.

    Attributes:
        earlier: The task that is shown solved.
        plan: Its plan.
        task: The task that is asked.
        witness: A plan that solves it.
        done: Steps of ``plan`` that have been executed when the shock comes; 0 without one.
        lost: Facts that the shock made false.
        gained: Facts that it made true.
    """

    earlier: Task
    plan: Plan
    task: Task
    witness: Plan
    done: int = 0
    lost: tuple[Atom, ...] = ()
    gained: tuple[Atom, ...] = ()


def make_variant(job: BenchJob, task: Task, plan: Plan, seed: int) -> Variant | None:
    """Changes a task.

    Args:
        job: How; neither ``PLAN`` nor ``QUESTIONS``.
        task: The task.
        plan: A valid plan for it.
        seed: Seed of what is drawn.

    Returns:
        The variant; ``None`` where there is none (one goal cannot be shuffled, say).
    """
    rng = Random(f"{seed} {job} {task.name}")
    ground = GroundTask(task)
    states = [frozenset(ground.initial)]
    for step in plan.steps:
        states.append(after(ground.ground(step), states[-1]))
    if job is BenchJob.REUSE:
        return _reuse(ground, plan, states, rng)
    if job is BenchJob.REPLAN:
        return _replan(ground, plan, states, rng)
    own = _conjuncts(task.problem.goal)
    if job is BenchJob.REFORMULATE_SHUFFLED:
        told = list(own)
        for _ in range(_SHOCKS):
            rng.shuffle(told)
            if told != own:
                return Variant(task, plan, _with_goal(task, told), plan)
        return None
    rest = [a for a in _changing(ground, states[-1]) if a not in own]
    if job is BenchJob.REFORMULATE_FULL:
        return Variant(task, plan, _with_goal(task, [*own, *rest]), plan) if rest else None
    if rest:
        return Variant(_with_goal(task, [*own, *rest]), plan, task, plan)
    return _part(ground, plan, own, rng)


def _reuse(ground: GroundTask, plan: Plan, states: list[State], rng: Random) -> Variant | None:
    """Asks for what became true up to some step before the end and is still so there."""
    lengths = list(range(1, len(plan)))
    rng.shuffle(lengths)
    for length in [*lengths, len(plan)]:
        new = _changing(ground, states[length] - states[0])
        if length and new:
            part = Plan(plan.steps[:length])
            return Variant(ground.task, plan, _with_goal(ground.task, new), part)
    return None


def _part(ground: GroundTask, plan: Plan, own: list[Formula], rng: Random) -> Variant | None:
    """Where the goal already is the whole final state: asks for a part that is not true yet."""
    for _ in range(_SHOCKS):
        kept = [g for g in own if rng.random() < 0.5]
        if not kept or len(kept) == len(own):
            continue
        asked = _with_goal(ground.task, kept)
        if not holds(GroundTask(asked).goal, GroundTask(asked).initial):
            return Variant(ground.task, plan, asked, plan)
    return None


def _replan(ground: GroundTask, plan: Plan, states: list[State], rng: Random) -> Variant | None:
    """Takes a foreign action in the middle of the plan, so that its rest no longer works.

    Legal actions keep the state a possible one; a way back to some later state of the plan,
    found by a small search, shows that the task can still be solved.
    """
    for _ in range(_SHOCKS):
        if len(plan) < 1:
            return None
        done = rng.randrange(1, len(plan)) if len(plan) > 1 else 0
        state = states[done]
        for _ in range(rng.randrange(1, 4)):
            actions = list(StateView(ground, state).actions())
            if actions:
                state = after(rng.choice(actions), state)
        if state == states[done] or holds(ground.goal, state):
            continue
        asked = _with_start(ground, state)
        if validate(asked, Plan(plan.steps[done:])).valid:
            continue
        way = _way_back(ground, plan, states, done, state)
        if way is not None:
            lost, gained = states[done] - state, state - states[done]
            return Variant(
                ground.task,
                plan,
                asked,
                way,
                done,
                tuple(_sorted(ground.facts(lost))),
                tuple(_sorted(ground.facts(gained))),
            )
    return None


def _way_back(
    ground: GroundTask, plan: Plan, states: list[State], done: int, start: State
) -> Plan | None:
    """Searches in breadth for a state of the plan, then follows the plan from there."""
    last = {state: k for k, state in enumerate(states)}
    ways: dict[State, tuple[PlanStep, ...]] = {start: ()}
    queue = [start]
    for state in queue:
        if state in last:
            return Plan((*ways[state], *plan.steps[last[state] :]))
        if len(ways) > _WAYS:
            return None
        for action in StateView(ground, state).actions():
            following = after(action, state)
            if following not in ways:
                ways[following] = (*ways[state], action.step)
                queue.append(following)
    return None


def _changing(ground: GroundTask, state: Iterable[int]) -> list[Atom]:
    names = changing_predicates(ground.task)
    return _sorted(a for a in ground.facts(state) if a.predicate in names)


def _sorted(atoms: Iterable[Atom]) -> list[Atom]:
    return sorted(atoms, key=str)


def _conjuncts(goal: Formula) -> list[Formula]:
    if isinstance(goal, Conjunction):
        return [part for child in goal.children for part in _conjuncts(child)]
    return [goal]


def _with_goal(task: Task, goal: Iterable[Formula]) -> Task:
    return replace(task, problem=replace(task.problem, goal=Conjunction(tuple(goal))))


def _with_start(ground: GroundTask, state: State) -> Task:
    task = ground.task
    return replace(task, problem=replace(task.problem, init=ground.facts(state)))
