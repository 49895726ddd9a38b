"""Interfaces of policies and of environments for the episode runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import gymnasium

from surefoot.envs.cameras.camera import Frame
from surefoot.envs.episodes.outcome import EpisodeOutcome
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.simulation.client import Simulation

Env = gymnasium.Env[dict[str, Any], Any]


class Policy(Protocol):
    """Chooses actions in one episode.

    A policy may use only ``observation`` and ``info``, or read the true state from ``env``.

    Attributes:
        reason: Why it gave up, once :meth:`act` has returned ``None``.
    """

    reason: str

    def begin(self, env: Env, observation: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        """Called when an episode begins."""
        ...

    def act(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> int | None:
        """Returns the next action, or ``None`` if there is nothing more to do."""
        ...


@runtime_checkable
class AccountingPolicy(Policy, Protocol):
    """A policy that reports more about an episode than its actions.

    Attributes:
        foreground: Whether it needs the terminal, for example to ask a person; its episodes then
            run one after the other in this process.
    """

    foreground: bool

    def keep(self, folder: Path, name: str) -> None:
        """Called before an episode begins, with the folder for its files.

        Args:
            folder: The run folder.
            name: Name of the episode's files.
        """
        ...

    def end(
        self, info: Mapping[str, Any], outcome: EpisodeOutcome, reason: str
    ) -> tuple[EpisodeOutcome, str]:
        """Returns outcome and reason of the episode, given those of the environment."""
        ...

    def extra(self) -> dict[str, Any]:
        """Returns further entries of the record; plain JSON data."""
        ...

    def pages(self, folder: Path, records: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Writes the missing pages on single episodes of a finished run.

        Args:
            folder: The run folder.
            records: Its records.

        Returns:
            Paths relative to the folder, by key.
        """
        ...


PolicyMaker = Callable[..., Policy]
"""Creates a policy for an environment by name, with options if the run has any."""


class EnvAdapter(Protocol):
    """Adapts one environment to the episode runner.

    Attributes:
        name: Its name.
        summary: One line that describes it.
        max_steps: Default limit of skills per episode.
    """

    name: str
    summary: str
    max_steps: int

    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks."""
        ...

    def task_lines(self) -> list[tuple[str, str]]:
        """Names of the tasks with a one-line description of each."""
        ...

    def skill_lines(self) -> list[tuple[str, str]]:
        """Names of the skills with a one-line description of each."""
        ...

    def difficulty(self, text: str) -> str:
        """Checks a difficulty and returns it in full; ``""`` gives the default.

        Raises:
            InputError: There is no such difficulty.
        """
        ...

    def adapted(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Fills in a perturbation's arguments that depend on the size of the world."""
        ...

    def make(self, task: str, difficulty: str, faults: Faults, size: int) -> Env:
        """Makes the environment; its images are ``size`` pixels wide and high."""
        ...

    def scripted(self) -> Policy:
        """Makes the policy that knows the true state."""
        ...

    def action_name(self, env: Env, action: int) -> str:
        """Returns the name of an action."""
        ...

    def simulation(self, env: Env) -> Simulation:
        """Returns the physics of the episode under way."""
        ...

    def film(self, env: Env) -> Frame:
        """Takes a frame for the video; it must not disturb the episode."""
        ...

    def facts(self, env: Env) -> tuple[str, ...]:
        """Facts that hold now, for captions."""
        ...

    def monitor(self, env: Env) -> tuple[str, ...]:
        """Monitored conditions with their states, for captions."""
        ...

    def seconds(self, env: Env) -> float:
        """Simulated seconds of the episode so far."""
        ...

    def judge(self, env: Env) -> tuple[EpisodeOutcome, str, float]:
        """Returns outcome, reason, and the fraction of the goal that holds at the end."""
        ...

    def extra(self, env: Env) -> dict[str, Any]:
        """Further entries of the record; plain JSON data."""
        ...
