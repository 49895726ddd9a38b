"""Policies for the tests of the episode runner; each makes trouble of its own kind."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import Any

from surefoot.envs.episodes.catalogue import get_environment
from surefoot.envs.episodes.protocol import Env


class Lazy:
    """Does nothing at all."""

    reason = "not in the mood"

    def __init__(self, env: str) -> None:
        self.name = env

    def begin(self, env: Env, observation: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        self.seed = info["seed"]
        self.skills = 0

    def act(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> int | None:
        return None


class Homing(Lazy):
    """Goes home for ever."""

    def act(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> int | None:
        return int(info["actions"].index("(home)"))


class Trouble(Lazy):
    """By seed: kills its process, hangs, raises, gives up, or plans properly."""

    def begin(self, env: Env, observation: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        super().begin(env, observation, info)
        self.good = get_environment(self.name).scripted()
        self.good.begin(env, observation, info)

    def act(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> int | None:
        match self.seed:
            case 0:
                os.kill(os.getpid(), signal.SIGKILL)
            case 1:
                signal.pause()
            case 2:
                raise RuntimeError("a bug\nin two lines")
            case 3:
                return None
            case 4:
                return 10_000
        return self.good.act(observation, info)


def nothing(env: str) -> None:
    """Makes no policy."""
