"""Agents: they perceive, calibrate, look again, plan, verify and act.

The names here make a first use short; everything else is in the sub-packages::

    env = CrossingEnv("left-at-light", 0.3)
    _, info = env.reset(seed=8)
    settings = AgentSettings(planner="guide")
    agent = Agent(settings, make_tools("crossing", settings), seed=8)
    result = play(agent, agent_env(env, info))
"""

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

_PLACES = {
    "Agent": "agent",
    "AgentCalibration": "guarantees",
    "AgentPlanner": "planning.base",
    "AgentPolicy": "policy",
    "AgentSettings": "settings",
    "CalibrationConfig": "calibrating.run",
    "GATES": "gates",
    "Gate": "gates",
    "PlanningContext": "planning.base",
    "STRATEGIES": "sensing.registry",
    "agent_env": "environments.making",
    "calibrate_agent": "calibrating.run",
    "make_agent": "policy",
    "make_tools": "assembly",
    "play": "episode",
}

if TYPE_CHECKING:
    from surefoot.agents.agent import Agent
    from surefoot.agents.assembly import make_tools
    from surefoot.agents.calibrating.run import CalibrationConfig, calibrate_agent
    from surefoot.agents.environments.making import agent_env
    from surefoot.agents.episode import play
    from surefoot.agents.gates import GATES, Gate
    from surefoot.agents.guarantees import AgentCalibration
    from surefoot.agents.planning.base import AgentPlanner, PlanningContext
    from surefoot.agents.policy import AgentPolicy, make_agent
    from surefoot.agents.sensing.registry import STRATEGIES
    from surefoot.agents.settings import AgentSettings

__getattr__ = lazily(__name__, _PLACES)

__all__ = [
    "GATES",
    "STRATEGIES",
    "Agent",
    "AgentCalibration",
    "AgentPlanner",
    "AgentPolicy",
    "AgentSettings",
    "CalibrationConfig",
    "Gate",
    "PlanningContext",
    "agent_env",
    "calibrate_agent",
    "make_agent",
    "make_tools",
    "play",
]
