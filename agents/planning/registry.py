"""From a specification such as ``damaged=0.3:local-agent`` to a planner of the agent."""

from __future__ import annotations

from surefoot.agents.planning.base import AgentPlanner
from surefoot.agents.planning.damage import DamagedPlanner
from surefoot.agents.planning.guide import GuidePlanner
from surefoot.agents.planning.language import LanguagePlanner
from surefoot.agents.planning.search import TableSearch
from surefoot.models.registry import LOCAL_AGENTS, ModelOptions, make_model
from surefoot.results.errors import InputError

KNOWN = ("guide", "fd", "fd:SEARCH", *LOCAL_AGENTS, "model:SPEC", "damaged=P:PLANNER")
"""What specifications look like; ``SPEC`` is one of a language model, such as ``openai:NAME``."""


def make(
    spec: str, options: ModelOptions | None = None, *, temperature: float = 1.0
) -> AgentPlanner:
    """Returns the planner that a specification names.

    Args:
        spec: The specification, see :data:`KNOWN`.
        options: Settings of language models and searches.
        temperature: At which language models write plans; 0 for the likeliest.

    Raises:
        InputError: It names none, or one that cannot be used.
    """
    options = options or ModelOptions()
    if spec == "guide":
        return GuidePlanner()
    if spec == "fd" or spec.startswith("fd:"):
        return TableSearch(spec, options.planner_time_s)
    if spec.startswith("damaged="):
        rate, colon, inner = spec.removeprefix("damaged=").partition(":")
        try:
            chance = float(rate)
        except ValueError:
            colon = ""
        if not colon or not inner:
            raise InputError(f"'{spec}' is not of the form damaged=P:PLANNER, P from 0 to 1")
        return DamagedPlanner(chance, make(inner, options, temperature=temperature))
    name = spec.removeprefix("model:") if spec.startswith("model:") else spec
    if name == spec and spec not in LOCAL_AGENTS:
        raise InputError(f"unknown planner '{spec}'; known: {', '.join(KNOWN)}")
    model = make_model(name, options)
    return LanguagePlanner(
        spec, model, max_tokens=options.max_tokens, temperature=temperature
    )  # fmt: skip
