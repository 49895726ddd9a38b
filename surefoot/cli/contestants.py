"""Planners of a bench by specification; those that only the agent can use are told apart."""

from __future__ import annotations

from surefoot.core.errors import InputError
from surefoot.models.options import ModelOptions
from surefoot.models.registry import BENCH, MODELS, PLANNERS, make_planner
from surefoot.pddl.planner import Planner


def contestant(spec: str, options: ModelOptions) -> Planner:
    """Makes a planner for the bench.

    Args:
        spec: The specification.
        options: Settings of planners and models.

    Raises:
        InputError: It names no planner, or one that only the agent can use.
    """
    kind = spec.partition(":")[0]
    for registry in (PLANNERS, MODELS):
        if kind in registry:
            uses = registry.entry(kind).uses
            if uses and BENCH not in uses:
                raise InputError(f"'{spec}' is for the agent only; see surefoot list planners")
            return make_planner(spec, options)
    from surefoot.agents.planning.registry import AGENT_PLANNERS

    if kind.partition("=")[0] in AGENT_PLANNERS:
        raise InputError(f"'{spec}' is for the agent only; see surefoot list planners")
    return make_planner(spec, options)
