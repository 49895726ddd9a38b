"""The agent as a policy of simulated episodes: ``surefoot run --policy agent``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from surefoot.agents.agent import Agent, Tools
from surefoot.agents.assembly import make_tools
from surefoot.agents.environments.base import RgbImage
from surefoot.agents.environments.crossing import CrossingAgentEnv
from surefoot.agents.environments.making import agent_env
from surefoot.agents.environments.table import TableAgentEnv
from surefoot.agents.episode import broken_rules, judged
from surefoot.agents.replay.pages import write_pages
from surefoot.agents.replay.saved import steps_file
from surefoot.agents.settings import AgentSettings
from surefoot.core.config import check_config
from surefoot.core.errors import InputError
from surefoot.core.files import write_within
from surefoot.envs.episodes.outcome import EpisodeOutcome
from surefoot.envs.episodes.protocol import Env
from surefoot.envs.recording.sheet import to_jpeg


class AgentPolicy:
    """See :class:`~surefoot.envs.episodes.protocol.Policy`.

    Args:
        settings: How the agent is put together.
        tools: What it is made of.

    Attributes:
        reason: Why it stopped.
        foreground: Whether it needs the terminal.
        agent: The agent of this episode.
    """

    def __init__(self, settings: AgentSettings, tools: Tools) -> None:
        self.reason = ""
        self.foreground = settings.operator == "human"
        self._settings, self._tools = settings, tools
        self._pending = ""
        self._folder: Path | None = None
        self._name = ""
        self._count = 0
        self.agent: Agent | None = None
        self._agent_env: CrossingAgentEnv | TableAgentEnv | None = None

    def keep(self, folder: Path, name: str) -> None:
        """Called with the place where thoughts and images of the next episode are kept.

        Args:
            folder: The run folder.
            name: Name of the episode's files.
        """
        self._folder, self._name = folder, name

    def begin(self, env: Env, observation: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        """Called when an episode begins."""
        self._agent_env = agent_env(env, info)
        self.reason, self._pending, self._count = "", "", 0
        self._tools.operator.asked = 0
        self.agent = Agent(self._settings, self._tools, int(info["seed"]), self._keep)
        self.agent.begin(self._agent_env)

    def act(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> int | None:
        """Returns the next action; ``None`` when the agent stops."""
        assert self.agent is not None
        assert self._agent_env is not None
        self._finish(info)
        action = self.agent.act()
        if action is None:
            ending = self.agent.ending
            self.reason = ending.reason if ending is not None else ""
            return None
        self._pending = action
        return self._agent_env.number(action)

    def end(
        self, info: Mapping[str, Any], outcome: EpisodeOutcome, reason: str
    ) -> tuple[EpisodeOutcome, str]:
        """Says how the episode ended, the agent's own reasons and broken rules counted.

        Args:
            info: The last info of the environment.
            outcome: What the environment says.
            reason: Its reason.
        """
        assert self.agent is not None
        assert self._agent_env is not None
        self._finish(info)
        found, why = judged(self.agent, self._agent_env)
        known = outcome in (
            EpisodeOutcome.SUCCESS,
            EpisodeOutcome.GAVE_UP,
            EpisodeOutcome.OUT_OF_STEPS,
            EpisodeOutcome.FAILED,
        )
        return (EpisodeOutcome(found), why) if known else (outcome, reason)

    def extra(self) -> dict[str, Any]:
        """What the record keeps of the agent; writes its thoughts beside it."""
        assert self.agent is not None
        assert self._agent_env is not None
        agent, counts = self.agent, self.agent.counts
        covered = [m.covered for m in agent.decisions if m.covered is not None]
        extra_data: dict[str, Any] = {
            "looks": counts.looks,
            "look_seconds": round(counts.look_seconds, 3),
            "restores": counts.restores,
            "alpha": self._settings.alpha,
            "first": covered[0] if covered else None,
            "repairs": counts.repairs,
            "plans": counts.plans,
            "pauses": counts.pauses,
            "skills": counts.skills,
            "asked": self._tools.operator.asked,
            "decisions": len(agent.decisions),
            "covered": sum(covered),
            "sets": len(covered),
            "broken": list(broken_rules(agent, self._agent_env)),
        }
        if self._folder is not None:
            path = steps_file(self._folder, self._name)
            data = {
                "instruction": self._agent_env.instruction,
                "settings": self._settings.model_dump(mode="json"),
                "moments": [m.to_json() for m in agent.decisions],
            }
            write_within(path, json.dumps(data) + "\n")
            extra_data["steps"] = f"{path.parent.name}/{path.name}"
        return extra_data

    def pages(self, folder: Path, records: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Writes the replay pages that a finished run lacks.

        Args:
            folder: The run folder.
            records: Its records.

        Returns:
            Addresses relative to the folder, by key.
        """
        return write_pages(folder, records)

    def _finish(self, info: Mapping[str, Any]) -> None:
        """Passes the result of the last action to the agent."""
        assert self.agent is not None
        assert self._agent_env is not None
        if self._pending:
            action, self._pending = self._pending, ""
            self.agent.after(self._agent_env.done(action, info))

    def _keep(self, image: RgbImage, view: str) -> str:
        if self._folder is None:
            return ""
        self._count += 1
        name = f"{self._name}-look{self._count:03}.jpg"
        write_within(self._folder / "media" / name, to_jpeg(image))
        return f"media/{name}"


def make_agent(env: str, options: Mapping[str, Any] | None = None) -> AgentPolicy:
    """Makes an agent for an environment; the models are loaded once per process.

    Args:
        env: ``crossing`` or ``tabletop``.
        options: Fields of :class:`~surefoot.agents.settings.AgentSettings`.

    Raises:
        InputError: An unknown field, or a model or calibration that cannot be used.
    """
    settings = check_config(AgentSettings, options or {})
    if settings.operator == "human" and not sys.stdin.isatty():
        raise InputError("the operator 'human' is asked at a terminal, and standard input is none")
    return AgentPolicy(settings, _tools(env, settings.model_dump_json()))


@lru_cache(4)
def _tools(env: str, settings: str) -> Tools:
    return make_tools(env, AgentSettings.model_validate_json(settings))
