"""An episode outside of the run folder's machinery: an agent in an environment until it is over."""

from __future__ import annotations

from dataclasses import dataclass

from surefoot.agents.agent import Agent
from surefoot.agents.environments.base import AgentEnv, EpisodeEnd
from surefoot.verification.monitoring.monitor import MonitorVerdict


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """How an episode went.

    Attributes:
        outcome: A name of :class:`~surefoot.envs.episodes.outcome.EpisodeOutcome`.
        reason: One line on what went wrong.
        success: Whether the goal holds, whatever rules were broken.
        broken: Rules that were broken, on the true facts.
        end: How the environment stands.
    """

    outcome: str
    reason: str
    success: bool
    broken: tuple[str, ...]
    end: EpisodeEnd


def play(agent: Agent, env: AgentEnv, max_steps: int = 240) -> EpisodeResult:
    """Lets an agent act until it stops, the world ends it or it has taken all its steps.

    Args:
        agent: A new agent.
        env: Where.
        max_steps: Actions at most.
    """
    agent.begin(env)
    for _ in range(max_steps):
        if env.end().over:
            break
        action = agent.act()
        if action is None:
            break
        agent.after(env.do(action))
    outcome, reason = judged(agent, env)
    end = env.end()
    return EpisodeResult(outcome, reason, end.success, broken_rules(agent, env), end)


def broken_rules(agent: Agent, env: AgentEnv) -> tuple[str, ...]:
    """Returns the rules that were broken, on the true facts.

    After a success those count too that only the end breaks, such as a box left open; an agent
    that stopped before its goal is not held to what it had not done yet.
    """
    done = env.end().success and agent.counts.skills > 0
    return tuple(
        s.rule.name
        for s in env.watch()
        if s.verdict is MonitorVerdict.FALSE or (done and not s.if_ended)
    )


def judged(agent: Agent, env: AgentEnv) -> tuple[str, str]:
    """Returns the outcome of an episode and why.

    A broken rule counts before everything, also after a success; then what the world says; then
    what the agent says.
    """
    broken, end = broken_rules(agent, env), env.end()
    if broken:
        return "violated", f"broke {', '.join(broken)}"
    if end.success:
        return "success", ""
    if agent.ending is not None and not end.over:
        return agent.ending.outcome, agent.ending.reason
    return ("failed" if end.over else "out_of_steps"), end.reason
