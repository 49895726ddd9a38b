"""From settings to the parts of an agent."""

from __future__ import annotations

from typing import NamedTuple

from surefoot.agents.agent import Tools
from surefoot.agents.gates import make_gate
from surefoot.agents.guarantees import load_calibration
from surefoot.agents.operator import make_operator
from surefoot.agents.perception.perceiver import ModelPerceiver
from surefoot.agents.perception.restorers import Restorer, make_restorer
from surefoot.agents.planning.base import CROSSING, TABLETOP
from surefoot.agents.planning.registry import make as make_planner
from surefoot.agents.sensing.observation import builtin_views
from surefoot.agents.sensing.registry import make_strategy
from surefoot.agents.sensing.restoring import LookOrRestore, load_restoring
from surefoot.agents.sensing.strategies import Strategy
from surefoot.agents.settings import AgentSettings
from surefoot.core.errors import InputError
from surefoot.core.extras import require
from surefoot.models.options import ModelOptions
from surefoot.models.registry import make_model

DEFAULT_PLANNERS = {CROSSING: "local-agent", "tabletop": "fd"}
"""Planners by default."""


def planner_of(env: str, settings: AgentSettings) -> str:
    """Returns the planner that settings mean on an environment."""
    return settings.planner or DEFAULT_PLANNERS[env]


def make_perceiver(spec: str, options: ModelOptions | None = None) -> ModelPerceiver:
    """Makes a perceiver of a model.

    Args:
        spec: ``local-perception``, or a model such as ``hf:FOLDER`` or ``openai:NAME``.
        options: Settings of the model.

    Raises:
        InputError: There is no such model.
    """
    model = make_model(spec, options or ModelOptions())
    # A server's model is known by its name: its address may change.
    identity = spec if spec.startswith("openai:") else model.identity
    return ModelPerceiver(model, identity, options)


def make_tools(env: str, settings: AgentSettings) -> Tools:
    """Makes the parts of an agent for an environment; models are loaded when they are first asked.

    Raises:
        InputError: A model, planner, calibration, strategy or operator cannot be used.
        MissingDependencyError: Spot, or what the model or the planner needs, is not installed.
    """
    require("spot")
    perceiver = make_perceiver(settings.perception, settings.models)
    sensing = make_sensing(env, settings, perceiver.identity)
    planner = planner_of(env, settings)
    calibration = load_calibration(
        settings.calibration_file,
        env=env,
        model=perceiver.identity,
        planner=planner,
        sensing=settings.looking if make_gate(settings.gate).weighs else "",
    )
    return Tools(
        perceiver,
        calibration,
        make_planner(planner, settings.models),
        sensing.strategy,
        make_operator(settings.operator),
        sensing.restorer,
        sensing.restoring_s,
    )


class SensingTools(NamedTuple):
    """How an agent looks; the fields are those of :class:`~surefoot.agents.agent.Tools`."""

    strategy: Strategy
    restorer: Restorer | None = None
    restoring_s: float = 0.0


def make_sensing(env: str, settings: AgentSettings, model: str) -> SensingTools:
    """Makes the way an agent looks: the strategy, and what restores images.

    Args:
        env: The environment.
        settings: How it looks.
        model: Identity of the perception model.

    Raises:
        InputError: The restoring model is missing, of something else, or of no use here.
    """
    if settings.sensing != "restore":
        if settings.restoring:
            raise InputError("the setting 'restoring' goes with the sensing 'restore'")
        return SensingTools(make_strategy(settings.sensing, env))
    if env != TABLETOP:
        raise InputError("the sensing 'restore' is for the tabletop; traffic moves on meanwhile")
    restoring = load_restoring(settings.restoring or "builtin", env)
    if restoring.tables.model != model:
        raise InputError(
            "the restoring model is of another perception model; make it with "
            "'surefoot train restoring', and name the file as 'restoring'",
            file=settings.restoring or None,
        )
    strategy = LookOrRestore(builtin_views(env), restoring)
    return SensingTools(strategy, make_restorer(restoring.restorer), restoring.seconds)
