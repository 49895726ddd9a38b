"""Perturbed images in a Gymnasium environment whose observations are dictionaries."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from surefoot.envs.perturbations.base import Channels, Draws
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.results.errors import InputError

Observation = dict[str, Any]


class PerturbedObservations(gym.Wrapper[Observation, Any, Observation, Any]):
    """Perturbs ``rgb`` (and what belongs to it: ``depth``, ``segmentation``) of observations.

    Faults of robot and cameras are the environment's own; give it
    :meth:`~surefoot.envs.perturbations.pipeline.Pipeline.faults`.

    Args:
        env: An environment whose observations hold ``rgb`` and may hold the other two.
        pipeline: What goes wrong.
        seed: Seed of the first episode, if its ``reset`` is given none.

    Raises:
        InputError: The observations lack what the perturbations need.
    """

    def __init__(self, env: gym.Env[Observation, Any], pipeline: Pipeline, seed: int = 0) -> None:
        super().__init__(env)
        spaces = getattr(env.observation_space, "spaces", {})
        if "rgb" not in spaces:
            raise InputError("perturbed observations need an entry 'rgb'")
        if "depth" not in spaces and any(part.name == "fog" for part in pipeline.parts):
            raise InputError("fog needs observations with an entry 'depth'")
        self._pipeline = pipeline
        self._seed = seed
        self._frame = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode; without a seed the perturbations' seed grows by one."""
        self._seed = self._seed + 1 if seed is None else seed
        self._frame = 0
        observation, info = self.env.reset(seed=seed, options=options)
        return self._perturb(observation), info

    def step(self, action: Any) -> tuple[Observation, Any, bool, bool, dict[str, Any]]:
        """Takes a step."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._frame += 1
        return self._perturb(observation), reward, terminated, truncated, info

    def _perturb(self, observation: Observation) -> Observation:
        rgb = observation["rgb"]
        shape = rgb.shape[:2]
        depth = observation.get("depth", np.full(shape, np.inf, np.float32))
        segmentation = observation.get("segmentation", np.full(shape, -1, np.int32))
        image = Channels(rgb, depth.reshape(shape), segmentation.reshape(shape))
        changed = self._pipeline.apply(image, Draws(self._seed, "rgb", self._frame))
        found = {**observation, "rgb": changed.rgb}
        for name in ("depth", "segmentation"):
            if name in observation:
                found[name] = getattr(changed, name).reshape(observation[name].shape)
        return found
