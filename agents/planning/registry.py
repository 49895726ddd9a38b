"""From a specification such as ``damaged=0.3:local-agent`` to a planner of the agent.

The grammar is that of :mod:`surefoot.models.registry`, as in the bench. A language model writes
plans of the agent's prompts; a search or script plans for the likeliest world of a table. Beside
them stand the agent's own kinds, :data:`AGENT_PLANNERS`.
"""

from __future__ import annotations

from collections.abc import Callable

from surefoot.agents.planning.base import AgentPlanner
from surefoot.agents.planning.planners.damage import DamagedPlanner
from surefoot.agents.planning.planners.guide import GuidePlanner
from surefoot.agents.planning.planners.language import LanguagePlanner
from surefoot.agents.planning.planners.search import TableSearch
from surefoot.core.errors import InputError
from surefoot.core.registry import OWN, Registry, RegistryEntry, is_place, load_place
from surefoot.models.options import ModelOptions
from surefoot.models.protocol import TextModel
from surefoot.models.registry import AGENT, MODELS, PLANNERS, forms, make_model, make_planner
from surefoot.pddl.planner import Planner

AgentPlannerMaker = Callable[[str, ModelOptions, float], AgentPlanner]
"""Makes a planner of the agent from what follows the kind, settings, and the temperature."""

AGENT_PLANNERS: Registry[AgentPlannerMaker] = Registry("agent_planners", "planner")
"""Kinds of planners that only the agent can use."""

AGENT_PLANNERS.builtin(
    "guide",
    "surefoot.agents.planning.registry:make_guide",
    "the reference program of each driving task; on the crossing only",
    uses=(AGENT,),
)
AGENT_PLANNERS.builtin(
    "damaged",
    "surefoot.agents.planning.registry:make_damaged",
    "any other planner, each good plan spoiled with probability P",
    form="damaged=P:PLANNER",
    uses=(AGENT,),
)


def make(
    spec: str, options: ModelOptions | None = None, *, temperature: float = 1.0
) -> AgentPlanner:
    """Returns the planner that a specification names.

    Args:
        spec: The specification.
        options: Settings of language models and searches.
        temperature: At which language models write plans; 0 for the likeliest.

    Raises:
        InputError: It names none, or one that the agent cannot use.
    """
    options = options or ModelOptions()
    head, _, argument = spec.partition(":")
    kind, equals, value = head.partition("=")
    if kind in AGENT_PLANNERS:
        rest = f"{value}:{argument}" if equals else argument
        return AGENT_PLANNERS.get(kind)(rest, options, temperature)
    if head in MODELS:
        return _of_model(spec, make_model(spec, options), options, temperature)
    if head in PLANNERS:
        entry = PLANNERS.entry(head)
        if entry.uses and AGENT not in entry.uses:
            raise InputError(f"'{spec}' is for {' and '.join(entry.uses)} only, not for the agent")
        return TableSearch(spec, make_planner(spec, options))
    if is_place(spec):
        return _own(spec, options, temperature)
    known = ", ".join((*forms(AGENT_PLANNERS), *forms(PLANNERS), *forms(MODELS), "MODULE:NAME"))
    raise InputError(f"unknown planner '{spec}'; known: {known}")


def _own(spec: str, options: ModelOptions, temperature: float) -> AgentPlanner:
    """Makes a planner of the user's own: of the agent, of tasks, or a language model."""
    made = load_place(spec, "planner")(options)
    if isinstance(made, AgentPlanner):
        return made
    if isinstance(made, TextModel):
        return _of_model(spec, made, options, temperature)
    if isinstance(made, Planner):
        return TableSearch(spec, made)
    raise InputError(f"'{spec}' makes no planner; it needs 'propose', 'solve' or 'generate'")


def _of_model(
    spec: str, model: TextModel, options: ModelOptions, temperature: float
) -> AgentPlanner:
    # a model that takes no temperature plans at its own
    heat = None if options.temperature is None else temperature
    return LanguagePlanner(
        spec, model, max_tokens=options.max_tokens, temperature=heat, options=options
    )


def make_guide(argument: str, options: ModelOptions, temperature: float) -> AgentPlanner:
    """Makes the planner that gives reference programs; it takes no argument."""
    if argument:
        raise InputError(f"'guide:{argument}' is not of the form guide")
    return GuidePlanner()


def make_damaged(argument: str, options: ModelOptions, temperature: float) -> AgentPlanner:
    """Makes a planner whose plans are spoiled, of ``P:PLANNER``.

    Raises:
        InputError: It is of another form.
    """
    rate, _, inner = argument.partition(":")
    try:
        chance = float(rate)
    except ValueError:
        inner = ""
    if not inner:
        raise InputError(
            f"'damaged={argument}' is not of the form damaged=P:PLANNER, P from 0 to 1"
        )
    return DamagedPlanner(chance, make(inner, options, temperature=temperature))


def planner_entries() -> list[RegistryEntry]:
    """Returns what is known of every kind of planner, of the bench's and of the agent's."""
    models = [e for e in MODELS.entries() if e.uses or e.origin != OWN]
    return [*PLANNERS.entries(), *models, *AGENT_PLANNERS.entries()]
