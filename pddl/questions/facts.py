"""The facts and actions that a question may ask about, and what is true of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from random import Random

from surefoot.pddl.language import Not, Plan, PlanStep
from surefoot.pddl.language.model import Effect, ForallEffect, When
from surefoot.pddl.questions.space import StateSpace
from surefoot.pddl.validator import validate

_MAX_ITEMS = 20_000


@dataclass(frozen=True)
class Topic:
    """What one question asks for.

    Attributes:
        ask: The question for one item, with ``{}`` in the item's place.
        choose: The question over a choice of items.
        list_all: The question for all items.
        setting: What is told before the question.
        right: Items of which it is true.
        wrong: Items of which it is not.
    """

    ask: str
    choose: str
    list_all: str
    setting: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class Universe:
    """A task with its state space, and all fitting facts and actions."""

    space: StateSpace
    plan: Plan

    @cached_property
    def steps(self) -> tuple[PlanStep, ...]:
        """All actions with arguments of fitting types."""
        task = self.space.ground.task
        return tuple(
            PlanStep(name, args)
            for name, action in task.domain.actions.items()
            for args in islice(
                product(*(sorted(task.objects_of(p.types)) for p in action.parameters)), _MAX_ITEMS
            )
        )

    @cached_property
    def facts(self) -> tuple[int, ...]:
        """All facts of predicates that some action changes, with fitting arguments."""
        task = self.space.ground.task
        changing = {n for a in task.domain.actions.values() for n in _changed(a.effects)}
        return tuple(
            self.space.ground.number(name, *args)
            for name in sorted(changing)
            for args in islice(
                product(
                    *(sorted(task.objects_of(p.types))
                      for p in task.domain.predicates[name].parameters)
                ),
                _MAX_ITEMS,
            )
        )  # fmt: skip

    def told(self, state: int) -> str:
        """Tells a state."""
        facts = sorted(map(str, self.space.ground.facts(self.space.states[state])))
        return f"Facts that are true now, and no others: {' '.join(facts)}"

    def name(self, fact: int) -> str:
        """Returns a fact as PDDL."""
        return f"({' '.join(self.space.ground.atoms[fact])})"


def _changed(effects: tuple[Effect, ...]) -> set[str]:
    found: set[str] = set()
    for effect in effects:
        match effect:
            case When(_, inner) | ForallEffect(_, inner):
                found |= _changed(inner)
            case Not(child):
                found.add(getattr(child, "predicate", "="))
            case _:
                found.add(getattr(effect, "predicate", ""))
    return found - {"", "="}


def applicability(u: Universe, rng: Random) -> Topic:
    """Which actions can be taken in a state."""
    state = rng.randrange(len(u.space.states))
    can = {a.step for a, _ in u.space.edges[state]}
    return Topic(
        "Can the action {} be taken now?", "Which of these actions can be taken now?",
        "List all actions that can be taken now.", u.told(state),
        tuple(map(str, sorted(can, key=str))), tuple(str(s) for s in u.steps if s not in can),
    )  # fmt: skip


def progression(u: Universe, rng: Random) -> Topic:
    """What is true after an action."""
    state, action, after = _move(u, rng)
    before, then = u.space.states[state], u.space.states[after]
    return Topic(
        "Is the fact {} true afterwards?", "Which of these facts is true afterwards?",
        "List all facts that become true, having been false before.",
        f"{u.told(state)}\nNow the action {action} is taken.",
        tuple(u.name(f) for f in sorted(then - before)),
        tuple(u.name(f) for f in u.facts if f not in then),
    )  # fmt: skip


def reachability(u: Universe, rng: Random) -> Topic:
    """Which facts can never become true."""
    state = rng.randrange(len(u.space.states))
    can = {f for i in u.space.reachable(state) for f in u.space.states[i]}
    return Topic(
        "Is it impossible that the fact {} ever becomes true, whatever is done?",
        "Which of these facts can never become true, whatever is done?",
        "Name one fact that can never become true, whatever is done.", u.told(state),
        tuple(u.name(f) for f in u.facts if f not in can),
        tuple(u.name(f) for f in u.facts if f in can),
    )  # fmt: skip


def action_reachability(u: Universe, rng: Random) -> Topic:
    """Which actions can never be taken."""
    state = rng.randrange(len(u.space.states))
    can = {a.step for i in u.space.reachable(state) for a, _ in u.space.edges[i]}
    return Topic(
        "Is it impossible that the action {} can ever be taken, whatever is done before?",
        "Which of these actions can never be taken, whatever is done before?",
        "Name one action that can never be taken, whatever is done before.", u.told(state),
        tuple(str(s) for s in u.steps if s not in can),
        tuple(str(s) for s in u.steps if s in can),
    )  # fmt: skip


def validation(u: Universe, rng: Random) -> Topic:
    """At which step a damaged plan fails first."""
    steps = list(u.plan.steps)
    where = rng.randrange(len(steps))
    if rng.random() < 0.5:
        del steps[where]
    else:
        steps.insert(where, rng.choice(u.steps))
    verdict = validate(u.space.ground, Plan(tuple(steps)))
    first = verdict.first_error.step if verdict.first_error else None
    listed = "\n".join(f"{n}. {s}" for n, s in enumerate(steps, 1))
    return Topic(
        "Is step {} the first step of this plan that cannot be executed?",
        "Which step of this plan is the first that cannot be executed?",
        "Give the number of the first step that cannot be executed.", f"A plan:\n{listed}",
        (str(first),) if first else (),
        tuple(str(n) for n in range(1, len(steps) + 1) if n != first),
    )  # fmt: skip


def justification(u: Universe, rng: Random) -> Topic:
    """Which single steps a valid plan can do without."""
    steps = list(u.plan.steps)
    state, moves = 0, []
    for step in steps:
        moves.append(state)
        state = next(j for a, j in u.space.edges[state] if a.step == step)
    detours = [
        (k, a.step, b.step) for k, i in enumerate(moves) for a, j in u.space.edges[i]
        for b, back in u.space.edges[j] if back == i and j != i
    ]  # fmt: skip
    if detours:
        k, there, back = rng.choice(detours)
        steps[k:k] = [there, back]
    idle = [
        n for n in range(len(steps))
        if validate(u.space.ground, Plan((*steps[:n], *steps[n + 1 :]))).valid
    ]  # fmt: skip
    listed = "\n".join(f"{n}. {s}" for n, s in enumerate(steps, 1))
    return Topic(
        "If step {} alone is left out, is the plan still valid?",
        "Which of these steps can be left out alone, with the plan still valid?",
        "Give the numbers of all steps that can be left out alone, with the plan still valid.",
        f"A valid plan:\n{listed}", tuple(str(n + 1) for n in idle),
        tuple(str(n + 1) for n in range(len(steps)) if n not in idle),
    )  # fmt: skip


def landmarks(u: Universe, rng: Random) -> Topic:
    """Which facts every plan makes true on its way."""
    skip = u.space.states[0]
    asked = [f for f in u.facts if f not in skip]
    right = [f for f in asked if u.space.is_landmark(f)]
    wrong = [f for f in asked if f not in right]
    return Topic(
        "Is the fact {} true at some point of every plan that reaches the goal?",
        "Which of these facts is true at some point of every plan that reaches the goal?",
        "Name one fact, not true at the start, that is true at some point of every plan that "
        "reaches the goal.", u.told(0),
        tuple(u.name(f) for f in right), tuple(u.name(f) for f in wrong),
    )  # fmt: skip


def next_action(u: Universe, rng: Random) -> Topic:
    """With which action an optimal plan can begin."""
    open_states = [
        i for i, d in enumerate(u.space.distances) if 0 < d < float("inf")
    ]  # fmt: skip
    state = rng.choice(open_states)
    best = u.space.best_steps(state)
    others = [a.step for a, _ in u.space.edges[state] if a.step not in best]
    return Topic(
        "Can an optimal plan for the goal begin with the action {} now?",
        "With which of these actions can an optimal plan for the goal begin now?",
        "Name one action with which an optimal plan for the goal can begin now.", u.told(state),
        tuple(map(str, sorted(best, key=str))), tuple(map(str, sorted(others, key=str))),
    )  # fmt: skip


def _move(u: Universe, rng: Random) -> tuple[int, PlanStep, int]:
    states = [i for i, out in enumerate(u.space.edges) if out]
    state = rng.choice(states)
    action, after = rng.choice(u.space.edges[state])
    return state, action.step, after


Maker = Callable[[Universe, Random], Topic]
