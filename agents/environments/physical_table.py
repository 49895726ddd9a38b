"""The tabletop in physics: its camera, and the agent's environment over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot.agents.environments.base import RgbImage
from surefoot.agents.environments.table import TableAgentEnv
from surefoot.envs.tabletop.actions import RING
from surefoot.envs.tabletop.env import TabletopEnv


class RigCamera:
    """The movable camera of the environment's rig.

    Args:
        env: An environment after its reset.
        start: The viewpoint at which the camera is.
    """

    def __init__(self, env: TabletopEnv, start: str = "front") -> None:
        self._env = env
        self._at = start

    def views(self) -> tuple[str, ...]:
        """All viewpoints that the camera can reach, the present one first."""
        others = [v for v in RING.names if v != self._at and not self._env.rig.refusal(v)]
        return (self._at, *others)

    def cost(self, view: str) -> float:
        """Seconds of moving there."""
        return self._env.rig.cost(view).seconds

    def look(self, view: str) -> RgbImage:
        """Moves there, while simulated time passes, and takes an image."""
        found = self._env.rig.look(view)
        self._at = view
        return found.frame.rgb

    def seconds(self) -> float:
        """Simulated seconds so far."""
        return self._env.world.simulation.time


def physical_table(env: TabletopEnv, info: Mapping[str, Any]) -> TableAgentEnv:
    """Returns the environment of an episode in physics."""
    return TableAgentEnv(env, RigCamera(env), info)
