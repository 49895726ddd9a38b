"""Adapter of the tabletop for the episode runner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from surefoot.core.errors import InputError
from surefoot.envs.cameras.camera import Frame, Lens, render
from surefoot.envs.episodes.outcome import EpisodeOutcome
from surefoot.envs.episodes.protocol import Env, Policy
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.env import FRONT, TabletopEnv
from surefoot.envs.tabletop.state import Facts, goal_fraction, goal_holds, successor
from surefoot.envs.tabletop.tasks import DIFFICULTIES, TASKS, list_tasks
from surefoot.pddl import Plan, Task
from surefoot.pddl.language import PlanStep

PERSISTENCE = 3
"""Attempts of the scripted policy at one action from one state before it gives up."""

PLANNING_SECONDS = 60.0
"""Wall-clock seconds for each plan."""

_SKILLS = {
    "pick": "take a block off the table, a pad or a plate",
    "put-down": "put it on the table",
    "place": "put it on a pad or a plate",
    "stack": "put it on another block",
    "unstack": "take it off another block",
    "put-in": "put it into a bin, bowl or open box",
    "take-out": "take it out of one",
    "open-lid": "take a box's lid off and lay it aside",
    "close-lid": "put it on again",
    "home": "move the hand out of the camera's view",
    "push": "push a block left, right, away or near",
    "look": "move the camera to a viewpoint",
}


class PlanningPolicy:
    """Plans with Fast Downward from the true facts and replans when they are not as predicted.

    Attributes:
        reason: Why it gave up.
    """

    reason = ""

    def begin(self, env: Env, observation: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        """Called when an episode begins."""
        self.reason = ""
        self._env = _inner(env)
        self._plan: list[PlanStep] = []
        self._predicted: Facts | None = None
        self._tried: dict[tuple[Facts, PlanStep], int] = {}

    def act(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> int | None:
        """Returns the number of the next action of a plan."""
        facts = self._env.facts()
        if not self._plan or facts != self._predicted:
            found = self._solve(facts)
            if found is None:
                return None
            self._plan = list(found.steps)
        if not self._plan:
            self.reason = "nothing to do, though the goal does not hold"
            return None
        step = self._plan.pop(0)
        tried = self._tried.get((facts, step), 0)
        if tried == PERSISTENCE:
            self.reason = f"{step} failed {PERSISTENCE} times"
            return None
        self._tried[facts, step] = tried + 1
        self._predicted = successor(self._env.actions.ground, facts, step)
        return self._env.actions.number(step)

    def _solve(self, facts: Facts) -> Plan | None:
        from surefoot.pddl.reference import FD_FF, Limits

        task = self._env.actions.instance.task
        now = Task(task.domain, replace(task.problem, init=facts), task.name)
        result = FD_FF.solve(now, Limits(seconds=PLANNING_SECONDS))
        if result.plan is None:
            why = result.message or result.status.value.replace("_", " ")
            self.reason = f"no plan from here: {why}"
        return result.plan


class TabletopAdapter:
    """See :class:`~surefoot.envs.episodes.protocol.EnvAdapter`."""

    name = "tabletop"
    summary = "a Panda arm with blocks, pads, plates, bowls, bins and boxes with lids"
    max_steps = 80

    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks."""
        return tuple(TASKS)

    def task_lines(self) -> list[tuple[str, str]]:
        """Names of the tasks with a one-line description of each."""
        return list(list_tasks())

    def skill_lines(self) -> list[tuple[str, str]]:
        """Names of the skills with a one-line description of each."""
        return list(_SKILLS.items())

    def difficulty(self, text: str) -> str:
        """Checks a difficulty; ``medium`` by default."""
        if text and text not in DIFFICULTIES:
            raise InputError(
                f"no tabletop difficulty '{text}'; there are {', '.join(DIFFICULTIES)}"
            )
        return text or "medium"

    def adapted(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Returns the specification unchanged: the defaults suit the size of a table."""
        return spec

    def make(self, task: str, difficulty: str, faults: Faults, size: int) -> Env:
        """Makes the environment."""
        env: Env = TabletopEnv(task, difficulty, size, faults=faults)
        return env

    def scripted(self) -> Policy:
        """Makes the policy that plans from the true facts."""
        return PlanningPolicy()

    def action_name(self, env: Env, action: int) -> str:
        """Returns the name of an action."""
        return _inner(env).actions.names[action]

    def simulation(self, env: Env) -> Simulation:
        """Returns the physics of the episode under way."""
        return _inner(env).world.simulation

    def film(self, env: Env) -> Frame:
        """Takes a frame from the front."""
        simulation = self.simulation(env)
        return render(simulation.api, FRONT, Lens(), simulation.time)

    def facts(self, env: Env) -> tuple[str, ...]:
        """Facts that hold now."""
        return tuple(sorted(map(str, _inner(env).facts())))

    def monitor(self, env: Env) -> tuple[str, ...]:
        """Whether the arm has collided with something."""
        hits = _inner(env).skills.collisions
        if not hits:
            return ("no collision: holds",)
        return (f"no collision: violated ({hits[0][1]} at {hits[0][0]:.1f} s)",)

    def seconds(self, env: Env) -> float:
        """Simulated seconds of the episode so far."""
        return self.simulation(env).time

    def judge(self, env: Env) -> tuple[EpisodeOutcome, str, float]:
        """Judges by the goal's facts."""
        inner = _inner(env)
        facts, ground = inner.facts(), inner.actions.ground
        fraction = goal_fraction(ground, facts)
        if goal_holds(ground, facts):
            return EpisodeOutcome.SUCCESS, "", fraction
        reason = f"{fraction:.0%} of the goal's facts hold"
        return EpisodeOutcome.OUT_OF_STEPS, reason, fraction

    def extra(self, env: Env) -> dict[str, Any]:
        """Collisions, and the facts at the end."""
        hits = _inner(env).skills.collisions
        return {
            "collisions": [{"what": name, "time": round(time, 3)} for time, name in hits],
            "facts": list(self.facts(env)),
        }


def _inner(env: Env) -> TabletopEnv:
    inner = env.unwrapped
    assert isinstance(inner, TabletopEnv)
    return inner
