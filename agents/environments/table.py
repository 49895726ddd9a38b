"""The tabletop as an agent meets it: in physics, and without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from surefoot.agents.environments.base import ActionResult, EpisodeEnd, PlanVerification, RgbImage
from surefoot.agents.perception.questions import Answers, FactQuestion
from surefoot.agents.perception.tabletop_facts import (
    canonical,
    state_of,
    tabletop_questions,
    tabletop_truth,
)
from surefoot.agents.planning.base import TABLETOP, PlanningContext
from surefoot.agents.planning.judge import feedback, judge, table_rules
from surefoot.agents.planning.labels import labels
from surefoot.agents.planning.reading import read_steps
from surefoot.envs.tabletop.actions import Actions
from surefoot.envs.tabletop.state import Facts, goal_fraction, goal_holds, successor
from surefoot.pddl import Plan
from surefoot.pddl.language import PlanStep
from surefoot.verification import Monitor, Rule
from surefoot.verification.monitoring.monitor import RuleStatus
from surefoot.verification.rules import Severity

GOAL_RULE = "reach-the-goal"
"""Judged as the goal and not as a rule."""


class Table(Protocol):
    """What :class:`TableAgentEnv` needs of a simulated table, with physics or without."""

    @property
    def actions(self) -> Actions:
        """The numbered actions of the episode."""
        ...

    def facts(self) -> Facts:
        """The true facts."""
        ...

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Does an action by number."""
        ...

    def close(self) -> None:
        """Release all resources."""
        ...


class TableCamera(Protocol):
    """The camera over the table."""

    def views(self) -> tuple[str, ...]:
        """All viewpoints, the present one first."""
        ...

    def cost(self, view: str) -> float:
        """Seconds of moving there."""
        ...

    def look(self, view: str) -> RgbImage:
        """Moves there and takes an image."""
        ...

    def seconds(self) -> float:
        """Simulated seconds of the episode so far."""
        ...


def rules_that_count() -> tuple[Rule, ...]:
    """Returns the rules of the table but for the goal and those of low severity."""
    return tuple(
        r for r in table_rules().rules if r.severity is not Severity.LOW and r.name != GOAL_RULE
    )


class RunningSteps:
    """A list of steps under way.

    Args:
        env: Where it is carried out.
        text: The plan.

    Raises:
        InputError: It cannot be read.
    """

    def __init__(self, env: TableAgentEnv, text: str) -> None:
        self.text = text
        self._env = env
        self._plan: Plan = read_steps(text)
        self._next = 0

    def judge(self, worlds: Sequence[Answers]) -> PlanVerification:
        """Executes the plan in every world, and judges its trace by the rules."""
        found = [self.wrong(world) for world in worlds]
        good = np.array([not wrong for wrong in found], np.bool_)
        broken = dict.fromkeys(name for wrong in found for name in wrong)
        first = next((w for w, wrong in zip(worlds, found, strict=True) if wrong), None)
        words = feedback(self._env.context(first, {}), self.text) if first is not None else ""
        return PlanVerification(good, tuple(broken), words)

    def wrong(self, world: Answers) -> tuple[str, ...]:
        """Returns the rules that count and are broken in a world, and ``goal`` if it is missed."""
        context = self._env.context(world, {})
        found = judge(context, self.text, state_of(self._env.scene, world).facts)
        counted = {r.name for r in rules_that_count()}
        bad = [name for name in found.broken if name in counted]
        return tuple(bad if found.reaches_goal else [*bad, "goal"])

    def choices(self, worlds: Sequence[Answers]) -> list[str | None]:
        """Returns the next step, the same whatever the world."""
        steps = self._plan.steps
        step = str(steps[self._next]) if self._next < len(steps) else None
        return [step] * len(worlds)

    def allowed(self, action: str, world: Answers) -> bool:
        """Everything that :meth:`judge` let pass is allowed."""
        return True

    def advance(self, action: str, world: Answers) -> None:
        """Goes to the next step."""
        self._next += 1

    @property
    def line(self) -> int:
        """The step that was carried out last, from 1; 0 before the first."""
        return self._next

    @property
    def state(self) -> str:
        """How far it is."""
        return f"step {self._next} of {len(self._plan.steps)}"


class TableAgentEnv:
    """See :class:`~surefoot.agents.environments.base.AgentEnv`.

    Twins (blocks that look the same) are called by where they are when the agent looks; the
    environment knows which block that is.

    Args:
        env: An environment after its reset.
        camera: Its camera.
        info: What the reset returned.
    """

    name: str = TABLETOP
    pause: str | None = None
    moving: bool = False

    def __init__(self, env: Table, camera: TableCamera, info: Mapping[str, Any]) -> None:
        self._env, self._camera = env, camera
        self.task, self.seed = str(info["task"]), int(info["seed"])
        self.instruction = str(info["instruction"])
        self.scene = env.actions.instance.scene
        goal = env.actions.instance.task.problem.goal
        self._goal = tuple(map(str, getattr(goal, "children", (goal,))))
        self._objects = tuple(o.name for o in env.actions.instance.task.problem.objects)
        self._monitor = Monitor(rules_that_count(), table_rules().propositions)
        self._real = self._names()
        self._before: Facts = env.facts()
        self._trace: list[frozenset[str]] = []

    def questions(self, view: str) -> tuple[FactQuestion, ...]:
        """Where every block is, and whether boxes are open."""
        return tuple(tabletop_questions(self.scene))

    def views(self) -> tuple[str, ...]:
        """The ring of viewpoints, the present one first."""
        return self._camera.views()

    def cost(self, view: str) -> float:
        """Seconds of moving the camera."""
        return self._camera.cost(view)

    def look(self, view: str) -> RgbImage:
        """Moves the camera and takes an image; fixes which twin is called what."""
        image = self._camera.look(view)
        self._real = self._names()
        return image

    def truth(self) -> dict[str, str]:
        """The true answers."""
        return tabletop_truth(self.scene, self._env.facts())

    def possible(self, world: Answers) -> bool:
        """Whether the places of all blocks fit together."""
        return state_of(self.scene, world).consistent

    def context(
        self,
        world: Answers,
        undecided: Mapping[str, tuple[str, ...]],
        history: Sequence[tuple[str, str]] = (),
    ) -> PlanningContext:
        """What a planner knows."""
        return PlanningContext(
            TABLETOP,
            self.task,
            self.instruction,
            dict(world),
            dict(undecided),
            self._goal,
            self._objects,
            tuple(history),
        )

    def adopt(self, text: str) -> RunningSteps:
        """Reads a plan."""
        return RunningSteps(self, text)

    def number(self, action: str) -> int:
        """Returns the environment's number of an action of a plan; -1 if it has none.

        The rules take notice of it, on the true facts.
        """
        step = self._step(action)
        self._before = self._env.facts()
        self._trace.append(labels(self._env.actions.ground, self._before, step))
        self._monitor.step(self._trace[-1])
        try:
            return self._env.actions.number(step)
        except ValueError:
            return -1

    def done(self, action: str, info: Mapping[str, Any]) -> ActionResult:
        """Compares the world with what the action should have done."""
        good = info["status"] == "done"
        after = self._env.facts()
        if not good:
            return ActionResult(
                action, False, str(info["reason"]), str(info["reason"]) or "it failed"
            )
        expected = successor(self._env.actions.ground, self._before, self._step(action))
        wrong = [f"missing {f}" for f in sorted(map(str, expected - after))]
        wrong += [f"unexpected {f}" for f in sorted(map(str, after - expected))]
        return ActionResult(action, not wrong, "; ".join(wrong), "; ".join(wrong))

    def do(self, action: str) -> ActionResult:
        """Runs the skill of an action."""
        return self.done(action, self._env.step(self.number(action))[4])

    def watch(self) -> tuple[RuleStatus, ...]:
        """The rules on the true facts."""
        return self._monitor.status

    def trace(self) -> Sequence[frozenset[str]]:
        """The labels of every action so far, when it began."""
        return self._trace

    def end(self) -> EpisodeEnd:
        """How the episode stands; a reached goal ends it."""
        ground, facts = self._env.actions.ground, self._env.facts()
        good, fraction = goal_holds(ground, facts), goal_fraction(ground, facts)
        return EpisodeEnd(
            good, good, "" if good else f"{fraction:.0%} of the goal's facts hold", fraction
        )

    def seconds(self) -> float:
        """Simulated seconds so far."""
        return self._camera.seconds()

    def close(self) -> None:
        """Ends the environment."""
        self._env.close()

    def _names(self) -> dict[str, str]:
        """Returns the real block of every canonical name."""
        found = canonical(self.scene, self._env.facts())
        return {called: real for real, called in found.items()}

    def _step(self, action: str) -> PlanStep:
        head, *names = action.strip("()").split()
        return PlanStep(head, tuple(self._real.get(n, n) for n in names))
