"""Episode options and info shared by the simulator and its symbolic twin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefoot.core.errors import InputError
from surefoot.envs.skills import SkillResult
from surefoot.envs.tabletop.actions import Actions
from surefoot.envs.tabletop.state import Facts, attributes, goal_fraction, hidden_in
from surefoot.envs.tabletop.tasks import DIFFICULTIES, TASKS

OPTIONS = ("task", "difficulty")
"""Options of ``reset``."""


@dataclass(frozen=True, slots=True)
class EpisodeChoice:
    """Task and difficulty of the episodes that an environment draws.

    Attributes:
        task: Name of the task.
        difficulty: Its difficulty.
    """

    task: str
    difficulty: str

    @staticmethod
    def checked(task: str, difficulty: str) -> EpisodeChoice:
        """Returns a choice.

        Raises:
            InputError: There is no such task or difficulty.
        """
        if task not in TASKS:
            raise InputError(f"no tabletop task {task!r}; there are {', '.join(TASKS)}")
        if difficulty not in DIFFICULTIES:
            raise InputError(f"no difficulty {difficulty!r}; there are {', '.join(DIFFICULTIES)}")
        return EpisodeChoice(task, difficulty)


def check_options(choice: EpisodeChoice, options: Mapping[str, Any] | None) -> EpisodeChoice:
    """Updates a choice with the options of a reset.

    Raises:
        InputError: There is no such option, task or difficulty.
    """
    options = options or {}
    for name in options:
        if name not in OPTIONS:
            raise InputError(f"no option {name!r}; there are {', '.join(OPTIONS)}")
    return EpisodeChoice.checked(
        options.get("task", choice.task), options.get("difficulty", choice.difficulty)
    )


def episode_seed(seed: int | None, rng: np.random.Generator) -> int:
    """Returns the seed of the next scene: the given one, or a random one."""
    return int(rng.integers(2**31)) if seed is None else seed


def episode_info(actions: Actions, facts: Facts) -> dict[str, Any]:
    """Returns the info after a reset."""
    instance = actions.instance
    return {
        "task": instance.kind,
        "difficulty": instance.difficulty,
        "seed": instance.seed,
        "instruction": instance.instruction,
        "actions": actions.names,
        "facts": tuple(sorted(map(str, facts))),
        "action_mask": actions.mask(facts),
        "attributes": attributes(instance.scene),
        "hidden": hidden_in(facts),
        "goal_share": goal_fraction(actions.ground, facts),
    }


def step_info(actions: Actions, facts: Facts, result: SkillResult) -> dict[str, Any]:
    """Returns the info after a step."""
    return episode_info(actions, facts) | {
        "action": result.skill,
        "status": str(result.status),
        "reason": result.reason,
        "seconds": result.seconds,
    }
