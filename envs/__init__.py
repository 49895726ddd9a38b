"""Simulated robots, cameras and perturbations, independent of any model.

Importing it registers the environments with Gymnasium. Worker processes of Gymnasium import it
themselves if the id is given as ``surefoot.envs:surefoot/Tabletop-v0``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily
from surefoot.envs import registration

if TYPE_CHECKING:
    from surefoot.envs.crossing.env import CrossingEnv
    from surefoot.envs.crossing.twin_env import CrossingTwinEnv
    from surefoot.envs.episodes.catalogue import ENVIRONMENTS, POLICIES, get_environment
    from surefoot.envs.episodes.config import RunConfig, resolve
    from surefoot.envs.episodes.protocol import EnvAdapter, Policy
    from surefoot.envs.episodes.run import episodes_run
    from surefoot.envs.perturbations.catalogue import PERTURBATIONS
    from surefoot.envs.perturbations.pipeline import Pipeline
    from surefoot.envs.tabletop.env import TabletopEnv
    from surefoot.envs.tabletop.twin import TabletopTwin

__all__ = [
    "ENVIRONMENTS",
    "GYMNASIUM_IDS",
    "PERTURBATIONS",
    "POLICIES",
    "CrossingEnv",
    "CrossingTwinEnv",
    "EnvAdapter",
    "Pipeline",
    "Policy",
    "RunConfig",
    "TabletopEnv",
    "TabletopTwin",
    "episodes_run",
    "get_environment",
    "resolve",
]

_PLACES = {
    "CrossingEnv": "crossing.env",
    "CrossingTwinEnv": "crossing.twin_env",
    "ENVIRONMENTS": "episodes.catalogue",
    "EnvAdapter": "episodes.protocol",
    "PERTURBATIONS": "perturbations.catalogue",
    "POLICIES": "episodes.catalogue",
    "Pipeline": "perturbations.pipeline",
    "Policy": "episodes.protocol",
    "RunConfig": "episodes.config",
    "TabletopEnv": "tabletop.env",
    "TabletopTwin": "tabletop.twin",
    "episodes_run": "episodes.run",
    "get_environment": "episodes.catalogue",
    "resolve": "episodes.config",
}
"""The module of each public name; loaded when the name is first used."""

GYMNASIUM_IDS = registration.GYMNASIUM_IDS

__getattr__ = lazily(__name__, _PLACES)
