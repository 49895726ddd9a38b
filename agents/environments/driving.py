"""A driving program that has been adopted: judged, stepped, and shielded by its rules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np

from surefoot.agents.environments.base import PlanVerification
from surefoot.agents.perception.crossing_facts import CLOSED, LIGHT, NO_LIGHT, propositions_of
from surefoot.agents.perception.questions import NO, YES, Answers
from surefoot.agents.planning.base import CROSSING, PlanningContext
from surefoot.agents.planning.judge import feedback
from surefoot.agents.planning.place import (
    DRIVES,
    IDLE,
    closed,
    driving_rules,
    goal_at,
    rules_at,
    world_at,
)
from surefoot.agents.planning.reading import read_program
from surefoot.verification import Monitor, Rule
from surefoot.verification.monitoring.monitor import RuleStatus
from surefoot.verification.planchecking.worlds import check_in_worlds
from surefoot.verification.programs.controller import ENDED, compile_program
from surefoot.verification.programs.statements import Program
from surefoot.verification.rules import Severity

LINE, ON_CROSSING, PAST = "at the line", "on the crossing", "past the crossing"
"""Where the vehicle is, as it knows from its wheels."""

_GREEN = frozenset({"green_light", "green_left"})

WAYS = frozenset(DRIVES.values())
"""The actions that drive."""


def rules_that_count(task: str) -> tuple[Rule, ...]:
    """Returns the rules of a place but for those of low severity, which are only reported."""
    return tuple(r for r in rules_at(task) if r.severity is not Severity.LOW)


def possible_at(task: str, world: Answers) -> bool:
    """Whether answers fit the place: at a light there is no stop sign, at a sign no light.

    Facts that are not asked on the crossing itself count as fitting.
    """
    lights = task.endswith(LIGHT)
    light = world.get(LIGHT, CLOSED if lights else NO_LIGHT)
    sign = world.get("stop_sign", NO if lights else YES)
    return (light != NO_LIGHT) == lights and (sign == YES) != lights


class RunningProgram:
    """A program under way.

    Args:
        context: What the planner got.
        text: The program.
        where: Tells where the vehicle is.

    Attributes:
        text: The program.
        line: Line that was carried out last, from 1; 0 before the first.

    Raises:
        InputError: The program cannot be read.
    """

    def __init__(self, context: PlanningContext, text: str, where: Callable[[], str]) -> None:
        self.text = text
        self._context = context
        self._where = where
        self._program = read_program(text)
        self._controller = compile_program(closed(self._program))
        self._at = 0
        self.line = 0
        self._begun = ""
        self._entered: frozenset[str] = frozenset()  # the light that counts from then on
        self._shield = Monitor(rules_that_count(context.task), driving_rules().propositions)

    def judge(self, worlds: Sequence[Answers]) -> PlanVerification:
        """Model-checks the program from every world; traffic is free afterwards."""
        situations = tuple(propositions_of(w) for w in worlds)
        broken = _broken(self._context.task, self._program, situations)
        good = ~np.any(list(broken.values()), axis=0)
        names = tuple(name for name, flags in broken.items() if flags.any())
        return PlanVerification(good, names, self._feedback if names else "")

    @cached_property
    def _feedback(self) -> str:
        return feedback(self._context, self.text)

    def choices(self, worlds: Sequence[Answers]) -> list[str | None]:
        """Returns the program's action for what each world shows.

        An action that drives lasts until the crossing is past; then the vehicle stands.
        """
        place = self._where()
        if place != LINE or self._begun:
            action = IDLE if place == PAST or not self._begun else self._begun
            return [action] * len(worlds)
        held = [propositions_of(w) for w in worlds]
        columns = {
            name: np.array([name in one for one in held]) for name in self._controller.observations
        }
        chosen = self._controller.decide(self._at, columns, len(worlds))
        return [IDLE if at == ENDED else self._controller.actions(int(at))[0] for at in chosen]

    def allowed(self, action: str, world: Answers) -> bool:
        """Whether the rules allow an action there; standing always is."""
        if action == IDLE:
            return True
        return self._shield.allows(self._held(world) | {action})

    def advance(self, action: str, world: Answers) -> None:
        """Step the program, or continue to drive."""
        held = self._held(world)
        self._shield.step(held | {action})
        if self._begun or self._where() == PAST:
            return
        columns = {n: np.array([n in held]) for n in self._controller.observations}
        at = int(self._controller.decide(self._at, columns, 1)[0])
        if action in WAYS:
            self._begun, self._entered = action, held & _GREEN
            self.line = 0 if at == ENDED else self._controller.instructions[at].line
            return
        if at != ENDED and self._controller.actions(at)[0] == action:
            self.line = self._controller.instructions[at].line
            self._at = self._controller.after(at)

    def _held(self, world: Answers) -> frozenset[str]:
        return propositions_of(world) | self._entered

    @property
    def state(self) -> str:
        """The line that comes next, or what is being driven."""
        if self._begun:
            return f"{self._begun}, {self._where()}"
        if self._at == ENDED or self._at >= len(self._controller.instructions):
            return "at its end"
        return f"line {self._controller.instructions[self._at].line}"


@lru_cache(4096)
def _broken(
    task: str, program: Program, situations: tuple[frozenset[str], ...]
) -> dict[str, np.ndarray]:
    rules = (*rules_that_count(task), goal_at(task))
    found = check_in_worlds(closed(program), rules, world_at(task), situations)
    return {r.name: v.broken for r, v in zip(rules, found, strict=True)}


def driving_context(
    task: str,
    instruction: str,
    world: Answers,
    undecided: dict[str, tuple[str, ...]],
    history: Sequence[tuple[str, str]],
) -> PlanningContext:
    """Returns what a planner of driving programs knows."""
    return PlanningContext(
        CROSSING, task, instruction, dict(world), undecided, history=tuple(history)
    )


class DrivingAgentEnv(ABC):
    """What all environments at a crossing have in common.

    See :class:`~surefoot.agents.environments.base.AgentEnv`.

    Args:
        task: The task.
        seed: The seed.
        instruction: The task in English.
    """

    name: str = CROSSING
    pause: str | None = IDLE
    moving: bool = True

    def __init__(self, task: str, seed: int, instruction: str) -> None:
        self.task, self.seed, self.instruction = task, seed, instruction
        self._monitor = Monitor(rules_that_count(task), driving_rules().propositions)

    @abstractmethod
    def where(self) -> str:
        """Returns where the vehicle is, as it knows from its wheels."""

    @abstractmethod
    def trace(self) -> Sequence[frozenset[str]]:
        """Returns the true labels of every decision step so far."""

    def possible(self, world: Answers) -> bool:
        """Whether answers fit the place."""
        return possible_at(self.task, world)

    def context(
        self,
        world: Answers,
        undecided: Mapping[str, tuple[str, ...]],
        history: Sequence[tuple[str, str]] = (),
    ) -> PlanningContext:
        """What a planner knows."""
        return driving_context(self.task, self.instruction, world, dict(undecided), history)

    def adopt(self, text: str) -> RunningProgram:
        """Reads a program."""
        return RunningProgram(self.context({}, {}), text, self.where)

    def watch(self) -> tuple[RuleStatus, ...]:
        """The rules of the place on the true labels of every step so far."""
        for names in self.trace()[self._monitor.steps :]:
            self._monitor.step(names)
        return self._monitor.status
