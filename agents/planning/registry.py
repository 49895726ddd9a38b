"""From a specification such as ``damaged=0.3:local-agent`` to a planner of the agent."""

from __future__ import annotations

from surefoot.agents.planning.base import AgentPlanner
from surefoot.agents.planning.damage import DamagedPlanner
from surefoot.agents.planning.guide import GuidePlanner
from surefoot.agents.planning.language import LanguagePlanner
from surefoot.agents.planning.search import TableSearch
from surefoot.core.errors import InputError
from surefoot.models.registry import LOCAL_AGENTS, ModelOptions, make_model

KNOWN = {
    "guide": "the reference program of each driving task",
    "fd": "Fast Downward, for the tabletop",
    "fd:SEARCH": "the same with another search",
    LOCAL_AGENTS[0]: "a small language model of the project's own",
    LOCAL_AGENTS[1]: "the same after refinement on verified plans",
    "model:SPEC": "any language model, such as model:openai:NAME or model:hf:FOLDER",
    "damaged=P:PLANNER": "any of these, each plan spoiled with probability P",
}
"""What specifications look like, with one line on each."""


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
    return LanguagePlanner(spec, model, max_tokens=options.max_tokens, temperature=temperature)
