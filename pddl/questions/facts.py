"""The facts and actions that a question may ask about, and what is true of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from random import Random

from surefoot.pddl.language import Negation, Plan, PlanStep, Task
from surefoot.pddl.language.model import Effect, ForallEffect, When
from surefoot.pddl.questions.sample import SampledSpace, after
from surefoot.pddl.questions.space import State, StateSpace
from surefoot.pddl.renaming import Renaming
from surefoot.pddl.successors import StateView
from surefoot.pddl.validator import validate

_MAX_ITEMS = 20_000
_DETOURS = 5


@dataclass(frozen=True)
class Topic:
    """What one question asks for.

    Attributes:
        ask: The question for one item, with ``{}`` in the item's place.
        choose: The question over a choice of items.
        list_all: The question for all items, or for one.
        setting: What is stated before the question.
        right: Items of which it is true.
        wrong: Items of which it is not.
        whole: Whether every item is in one of the two, so that any answer can be marked.
    """

    ask: str
    choose: str
    list_all: str
    setting: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    whole: bool = True


@dataclass(frozen=True)
class Universe:
    """A task with its state space, and all fitting facts and actions.

    Attributes:
        space: The whole space, or a part of it.
        plan: A valid plan.
        renaming: Names under which all is told, ``None`` for its own.
    """

    space: StateSpace | SampledSpace
    plan: Plan
    renaming: Renaming | None = None

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
    def changing(self) -> tuple[str, ...]:
        """Predicates that some action changes."""
        return changing_predicates(self.space.ground.task)

    @cached_property
    def facts(self) -> tuple[int, ...]:
        """All facts of predicates that some action changes, with fitting arguments."""
        task = self.space.ground.task
        return tuple(
            self.space.ground.number(name, *args)
            for name in self.changing
            for args in islice(
                product(
                    *(
                        sorted(task.objects_of(p.types))
                        for p in task.domain.predicates[name].parameters
                    )
                ),
                _MAX_ITEMS,
            )
        )

    def told(self, state: int) -> str:
        """Describes a state."""
        facts = self.say_facts(self.space.states[state])
        return f"Facts that are true now, and no others: {' '.join(facts)}"

    def pick(self, rng: Random) -> int:
        """Draws a state."""
        return rng.randrange(len(self.space.states))

    def say(self, step: PlanStep) -> str:
        """Returns an action as PDDL."""
        plan = Plan((step,))
        return str((self.renaming.apply_plan(plan) if self.renaming else plan).steps[0])

    def say_steps(self, steps: Iterable[PlanStep]) -> tuple[str, ...]:
        """Returns actions as PDDL, in the order of their own names."""
        return tuple(map(self.say, sorted(steps, key=str)))

    def say_facts(self, facts: Iterable[int]) -> tuple[str, ...]:
        """Returns facts as PDDL, in the order of their own names."""
        atoms = sorted(self.space.ground.facts(facts), key=str)
        if self.renaming is not None:
            atoms = list(map(self.renaming.apply_atom, atoms))
        return tuple(map(str, atoms))

    def number_steps(self, steps: Iterable[PlanStep]) -> str:
        """Lists a plan with the numbers of its steps."""
        return "\n".join(f"{n}. {self.say(s)}" for n, s in enumerate(steps, 1))

    def run(self, steps: Iterable[PlanStep]) -> list[State]:
        """Returns the states through which steps lead from the start."""
        ground = self.space.ground
        states = [frozenset(ground.initial)]
        for step in steps:
            states.append(after(ground.ground(step), states[-1]))
        return states


def changing_predicates(task: Task) -> tuple[str, ...]:
    """Returns the predicates that some action changes, sorted."""
    return tuple(sorted({n for a in task.domain.actions.values() for n in _changed(a.effects)}))


def _changed(effects: tuple[Effect, ...]) -> set[str]:
    found: set[str] = set()
    for effect in effects:
        match effect:
            case When(_, inner) | ForallEffect(_, inner):
                found |= _changed(inner)
            case Negation(child):
                found.add(getattr(child, "predicate", "="))
            case _:
                found.add(getattr(effect, "predicate", ""))
    return found - {"", "="}


def applicability(u: Universe, rng: Random) -> Topic:
    """Which actions can be taken in a state."""
    state = u.pick(rng)
    can = {a.step for a, _ in u.space.out(state)}
    return Topic(
        "Can the action {} be taken now?",
        "Which of these actions can be taken now?",
        "List all actions that can be taken now.",
        u.told(state),
        u.say_steps(can),
        u.say_steps(s for s in u.steps if s not in can),
    )


def progression(u: Universe, rng: Random) -> Topic:
    """What is true after an action."""
    state = rng.choice([i for i in range(len(u.space.states)) if u.space.out(i)])
    action, then = rng.choice(u.space.out(state))
    return Topic(
        "Is the fact {} true afterwards?",
        "Which of these facts is true afterwards?",
        "List all facts that become true, having been false before.",
        f"{u.told(state)}\nNow the action {u.say(action.step)} is taken.",
        u.say_facts(then - u.space.states[state]),
        u.say_facts(f for f in u.facts if f not in then),
    )


def reachability(u: Universe, rng: Random) -> Topic:
    """Which facts can never become true."""
    state = u.pick(rng)
    possible, open_ = u.space.facts_ahead(state)
    return Topic(
        "Is it impossible that the fact {} ever becomes true, whatever is done?",
        "Which of these facts can never become true, whatever is done?",
        "Name one fact that can never become true, whatever is done.",
        u.told(state),
        u.say_facts(f for f in u.facts if f not in open_),
        u.say_facts(f for f in u.facts if f in possible),
        all(f in possible for f in u.facts if f in open_),
    )


def action_reachability(u: Universe, rng: Random) -> Topic:
    """Which actions can never be taken."""
    state = u.pick(rng)
    possible, open_ = u.space.steps_ahead(state)
    return Topic(
        "Is it impossible that the action {} can ever be taken, whatever is done before?",
        "Which of these actions can never be taken, whatever is done before?",
        "Name one action that can never be taken, whatever is done before.",
        u.told(state),
        u.say_steps(s for s in u.steps if s not in open_),
        u.say_steps(s for s in u.steps if s in possible),
        possible == open_,
    )


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
    return Topic(
        "Is step {} the first step of this plan that cannot be executed?",
        "Which step of this plan is the first that cannot be executed?",
        "Give the number of the first step that cannot be executed.",
        f"A plan:\n{u.number_steps(steps)}",
        (str(first),) if first else (),
        tuple(str(n) for n in range(1, len(steps) + 1) if n != first),
    )


def execution(u: Universe, rng: Random) -> Topic:
    """What is true after a plan (PlanBench's plan execution); static facts are not asked."""
    steps = list(u.plan.steps[: rng.randrange(len(u.plan.steps)) + 1])
    states = u.run(steps)
    for _ in range(rng.randrange(3)):
        out = list(StateView(u.space.ground, states[-1]).actions())
        if out:
            action = rng.choice(out)
            steps.append(action.step)
            states.append(after(action, states[-1]))
    once = {f for s in states for f in s} - states[-1]
    false = [f for f in u.facts if f not in states[-1]]
    lost = [f for f in false if f in once]
    new = u.renaming.predicates if u.renaming else {}
    names = ", ".join(new.get(p, p) for p in u.changing)
    return Topic(
        "Is the fact {} true at the end?",
        "Which of these facts is true at the end?",
        f"List all facts of these predicates that are true at the end: {names}.",
        f"From the start these actions are executed:\n{u.number_steps(steps)}",
        u.say_facts(f for f in u.facts if f in states[-1]),
        u.say_facts(lost if len(lost) >= 3 else false),
    )


def justification(u: Universe, rng: Random) -> Topic:
    """Which steps a valid plan can do without: single ones, or two in a row."""
    steps = list(u.plan.steps)
    detour = _detour(u, rng)
    if detour is not None:
        k, there, back = detour
        steps[k:k] = [there, back]
    width = rng.choice((1, 2))
    idle = [
        n
        for n in range(len(steps) - width + 1)
        if validate(u.space.ground, Plan((*steps[:n], *steps[n + width :]))).valid
    ]
    numbers = [str(n + 1) for n in range(len(steps) - width + 1)]
    right = tuple(str(n + 1) for n in idle)
    wrong = tuple(n for n in numbers if n not in right)
    setting = f"A valid plan:\n{u.number_steps(steps)}"
    if width == 1:
        return Topic(
            "If step {} alone is left out, is the plan still valid?",
            "Which of these steps can be left out alone, with the plan still valid?",
            "Give the numbers of all steps that can be left out alone, with the plan still valid.",
            setting,
            right,
            wrong,
        )
    return Topic(
        "If step {} and the step right after it are left out together, is the plan still valid?",
        "Which of these steps can be left out together with the step right after it, with the "
        "plan still valid?",
        "Give the numbers of all steps that can be left out together with the step right after "
        "them, with the plan still valid.",
        setting,
        right,
        wrong,
    )


def _detour(u: Universe, rng: Random) -> tuple[int, PlanStep, PlanStep] | None:
    """Two steps that lead away from a state of the plan and back."""
    ground = u.space.ground
    states = u.run(u.plan.steps)
    for k in rng.sample(range(len(states)), min(_DETOURS, len(states))):
        out = list(StateView(ground, states[k]).actions())
        for there in rng.sample(out, min(_DETOURS, len(out))):
            away = after(there, states[k])
            back = [b for b in StateView(ground, away).actions() if after(b, away) == states[k]]
            if back and away != states[k]:
                return k, there.step, rng.choice(back).step
    return None


def landmarks(u: Universe, rng: Random) -> Topic:
    """Which facts every plan makes true on its way."""
    asked = [f for f in u.facts if f not in u.space.states[0]]
    right, wrong = u.space.landmarks(asked)
    return Topic(
        "Is the fact {} true at some point of every plan that reaches the goal?",
        "Which of these facts is true at some point of every plan that reaches the goal?",
        "Name one fact, not true at the start, that is true at some point of every plan that "
        "reaches the goal.",
        u.told(0),
        u.say_facts(right),
        u.say_facts(wrong),
        len(right) + len(wrong) == len(asked),
    )


def next_action(u: Universe, rng: Random) -> Topic | None:
    """With which action an optimal plan can begin."""
    if not u.space.open_states:
        return None
    state = rng.choice(u.space.open_states)
    best = u.space.best_steps(state)
    return Topic(
        "Can an optimal plan for the goal begin with the action {} now?",
        "With which of these actions can an optimal plan for the goal begin now?",
        "Name one action with which an optimal plan for the goal can begin now.",
        u.told(state),
        u.say_steps(best),
        u.say_steps({a.step for a, _ in u.space.out(state)} - best),
    )


Maker = Callable[[Universe, Random], Topic | None]
