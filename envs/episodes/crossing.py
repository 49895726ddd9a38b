"""Adapter of the crossing for the episode runner."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from surefoot.core.errors import InputError, MissingDependencyError
from surefoot.envs.cameras.camera import Frame
from surefoot.envs.crossing.env import CrossingEnv
from surefoot.envs.crossing.expert import drive
from surefoot.envs.crossing.labels import NAMES, observe
from surefoot.envs.crossing.skills import ACTION_NAMES
from surefoot.envs.crossing.tasks import TASKS, check_difficulty
from surefoot.envs.crossing.world import CrossingWorld
from surefoot.envs.episodes.outcome import EpisodeOutcome
from surefoot.envs.episodes.protocol import Env, Policy
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.simulation.client import Simulation
from surefoot.verification import Monitor, Rule, load_rulebook
from surefoot.verification.monitoring.monitor import MonitorVerdict, RuleStatus

FOG_DISTANCE = 12.0
"""Metres over which fog's severity is defined here: about the width of the crossing."""

_SKILLS = {
    "stop": "brake and stand",
    "straight": "drive; at the line straight over the crossing",
    "left": "drive; at the line turn left",
    "right": "drive; at the line turn right",
    "wait": "stand until an observation changes",
}


class _Expert:
    """Drives by the true state."""

    reason = ""

    def begin(self, env: Env, observation: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        self._env = env

    def act(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> int | None:
        return int(drive(_world(self._env)))


class CrossingAdapter:
    """See :class:`~surefoot.envs.episodes.protocol.EnvAdapter`."""

    name = "crossing"
    summary = "a small car at street crossings with lights, signs, cars and people"
    max_steps = 240

    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks."""
        return TASKS

    def task_lines(self) -> list[tuple[str, str]]:
        """Names of the tasks with a one-line description of each."""
        lines = []
        for name in TASKS:
            turn, _, kind = name.partition("-at-")
            way = "straight on" if turn == "straight" else f"turn {turn}"
            lines.append(
                (name, f"{way} at a {'traffic light' if kind == 'light' else 'stop sign'}")
            )
        return lines

    def skill_lines(self) -> list[tuple[str, str]]:
        """Names of the skills with a one-line description of each."""
        return [(name, _SKILLS[name]) for name in ACTION_NAMES]

    def difficulty(self, text: str) -> str:
        """Checks the amount of traffic, from 0 to 1; 0.5 by default."""
        try:
            value = float(text or 0.5)
        except ValueError:
            raise InputError(
                f"the crossing's difficulty is a number from 0 to 1, not '{text}'"
            ) from None
        check_difficulty(value)
        return f"{value:g}"

    def adapted(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Sets the distance of fog to the size of the crossing."""
        return {**spec, "distance": FOG_DISTANCE} if spec.get("distance", 0) == 1.0 else spec

    def make(self, task: str, difficulty: str, faults: Faults, size: int) -> Env:
        """Makes the environment."""
        env: Env = CrossingEnv(task, float(difficulty), size=size, faults=faults)
        return env

    def scripted(self) -> Policy:
        """Makes the driver that knows the true state and obeys the rules."""
        return _Expert()

    def action_name(self, env: Env, action: int) -> str:
        """Returns the name of an action."""
        return ACTION_NAMES[action]

    def simulation(self, env: Env) -> Simulation:
        """Returns the physics of the episode under way."""
        return _world(env).simulation

    def film(self, env: Env) -> Frame:
        """Takes a frame from behind the car."""
        return _world(env).look("chase", 320, 320)

    def facts(self, env: Env) -> tuple[str, ...]:
        """Propositions of the driving rules that are true now."""
        now = observe(_world(env).situation())
        return tuple(name for name, true in zip(NAMES, now, strict=False) if true)

    def monitor(self, env: Env) -> tuple[str, ...]:
        """Whether the car has touched something, and the driving rules broken for good."""
        world = _world(env)
        hits = world.log.collisions
        state = "no collision: holds"
        if hits:
            state = f"no collision: violated ({hits[0]} at {hits[0].time:.1f} s)"
        broken = [s.rule.name for s in _watched(world) if s.verdict is MonitorVerdict.FALSE]
        return (state, *(f"{name}: violated" for name in broken))

    def seconds(self, env: Env) -> float:
        """Simulated seconds of the episode so far."""
        return _world(env).time

    def judge(self, env: Env) -> tuple[EpisodeOutcome, str, float]:
        """Returns how the world says the episode ended."""
        found = _world(env).outcome()
        if found is None:
            return EpisodeOutcome.OUT_OF_STEPS, "not over the crossing in time", 0.0
        if found.value == "goal":
            return EpisodeOutcome.SUCCESS, "", 1.0
        hits = _world(env).log.collisions
        return EpisodeOutcome.FAILED, f"collision with {hits[0]}" if hits else found.value, 0.0

    def extra(self, env: Env) -> dict[str, Any]:
        """Collisions, broken driving rules, and the labels of every decision step."""
        world = _world(env)
        log = world.log
        return {
            "broken_rules": [s.rule.name for s in _watched(world) if not s.if_ended],
            "collisions": [
                {"what": str(c), "time": round(c.time, 3), "speed": round(c.speed, 3)}
                for c in log.collisions
            ],
            "labels": [sorted(names) for names in log.names()],
        }


def _watched(world: CrossingWorld) -> tuple[RuleStatus, ...]:
    """Returns the state of the driving rules that apply here; empty if Spot is not installed."""
    rules = tuple(r for r in _driving_rules() if world.scene.rule_applies(r.name))
    try:
        monitor = Monitor(rules)
    except MissingDependencyError:
        return ()
    for names in world.log.names():
        monitor.step(names)
    return monitor.status


@cache
def _driving_rules() -> tuple[Rule, ...]:
    return load_rulebook("driving").rules


def _world(env: Env) -> CrossingWorld:
    inner = env.unwrapped
    assert isinstance(inner, CrossingEnv)
    return inner.world
