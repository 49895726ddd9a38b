"""What the episode runner asks of policies, and of environments: to make, film and judge them."""

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

    A policy may keep to ``observation`` and ``info``, or ask ``env`` for the truth.

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
    """A policy that has more to say about an episode than its actions.

    Attributes:
        foreground: Whether it needs the terminal, as where it asks a person; its episodes then
            run one after the other in this process.
    """

    foreground: bool

    def keep(self, folder: Path, name: str) -> None:
        """Called before an episode begins, with the place for files about it.

        Args:
            folder: The run folder.
            name: Name of the episode's files.
        """
        ...

    def end(
        self, info: Mapping[str, Any], outcome: EpisodeOutcome, reason: str
    ) -> tuple[EpisodeOutcome, str]:
        """Returns how the episode ended, given what the environment says."""
        ...

    def extra(self) -> dict[str, Any]:
        """Returns what else the record keeps; plain JSON data."""
        ...

    def pages(self, folder: Path, records: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Writes the pages on single episodes that a finished run lacks.

        Args:
            folder: The run folder.
            records: Its records.

        Returns:
            Addresses relative to the folder, by key.
        """
        ...


PolicyMaker = Callable[..., Policy]
"""Makes a policy for an environment by name, with options if the run has any."""


class EnvAdapter(Protocol):
    """One environment, seen by the episode runner.

    Attributes:
        name: Its name.
        summary: What it is, in one line.
        max_steps: Skills that suit an episode.
    """

    name: str
    summary: str
    max_steps: int

    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks."""
        ...

    def task_lines(self) -> list[tuple[str, str]]:
        """Names of the tasks with one line on each."""
        ...

    def skill_lines(self) -> list[tuple[str, str]]:
        """Names of the skills with one line on each."""
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
        """Returns what an action is called."""
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
        """What is watched, with its state, for captions."""
        ...

    def seconds(self, env: Env) -> float:
        """Simulated seconds of the episode so far."""
        ...

    def judge(self, env: Env) -> tuple[EpisodeOutcome, str, float]:
        """Returns how a finished episode ended, why, and the share of the goal that holds."""
        ...

    def extra(self, env: Env) -> dict[str, Any]:
        """What else a record keeps; plain JSON data."""
        ...
