"""From a simulated environment after its reset to the agent's view of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot.agents.environments.crossing import CrossingAgentEnv
from surefoot.agents.environments.physical_table import physical_table
from surefoot.agents.environments.table import TableAgentEnv
from surefoot.core.errors import InputError
from surefoot.envs.crossing.env import CrossingEnv
from surefoot.envs.episodes.protocol import Env
from surefoot.envs.tabletop.env import TabletopEnv


def agent_env(env: Env, info: Mapping[str, Any]) -> CrossingAgentEnv | TableAgentEnv:
    """Returns an episode as the agent acts in it.

    Args:
        env: A simulated environment after its reset.
        info: What the reset returned.

    Raises:
        InputError: The agent knows no such environment.
    """
    inner = env.unwrapped
    if isinstance(inner, CrossingEnv):
        return CrossingAgentEnv(inner, info)
    if isinstance(inner, TabletopEnv):
        return physical_table(inner, info)
    raise InputError(f"the agent does not act in a {type(inner).__name__}")
