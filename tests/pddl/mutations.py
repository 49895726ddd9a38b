"""Damages plans in the ways that planners and language models do."""

from __future__ import annotations

from random import Random

from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, PlanStep
from surefoot.pddl.successors import StateView
from surefoot.pddl.validator import malformed


def mutate(ground: GroundTask, plan: Plan, rng: Random) -> Plan:
    """Applies one to three random changes; names and argument counts stay right."""
    steps = list(plan.steps)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        kind = rng.randrange(7)
        at = rng.randrange(len(steps)) if steps else 0
        if kind == 0 and steps:
            del steps[at]
        elif kind == 1 and steps:
            steps.insert(rng.randrange(len(steps) + 1), steps[at])
        elif kind == 2 and len(steps) > 1:
            other = rng.randrange(len(steps))
            steps[at], steps[other] = steps[other], steps[at]
        elif kind == 3 and steps:
            steps[at] = other_argument(ground, steps[at], rng)
        elif kind == 4 and steps:
            del steps[at:]
        elif kind == 5:
            steps.insert(at, random_step(ground, rng))
        else:
            steps[at:at] = applicable(ground, steps[:at], rng)
    return Plan(tuple(steps))


def other_argument(ground: GroundTask, step: PlanStep, rng: Random) -> PlanStep:
    """Replaces an argument, one time in eight by an object of any type."""
    if not step.args:
        return step
    schema = ground.task.domain.actions[step.action]
    at = rng.randrange(len(step.args))
    fitting = sorted(ground.fits(schema.parameters[at].types))
    pool = list(ground.task.objects) if rng.random() < 0.125 else fitting
    return PlanStep(step.action, (*step.args[:at], rng.choice(pool), *step.args[at + 1 :]))


def random_step(ground: GroundTask, rng: Random) -> PlanStep:
    """Draws an action with fitting arguments."""
    schemas = [
        s
        for s in ground.task.domain.actions.values()
        if all(ground.fits(p.types) for p in s.parameters)
    ]
    schema = rng.choice(schemas)
    return PlanStep(
        schema.name, tuple(rng.choice(sorted(ground.fits(p.types))) for p in schema.parameters)
    )


def applicable(ground: GroundTask, before: list[PlanStep], rng: Random) -> list[PlanStep]:
    """Draws an action that is applicable after the given steps, if they can be executed."""
    state = set(ground.initial)
    for step in before:
        if malformed(ground, step, 1) is not None or not ground.ground(step).applicable(state):
            return []
        ground.ground(step).apply(state)
    found = [action.step for action in StateView(ground, state).actions()]
    return [rng.choice(found)] if found else []
