"""The tabletop without physics of its actions: rendered as it would lie, perturbed, never moved.

What the camera shows is a render of a scene in which everything is where the symbolic state says.
As long as nothing was moved that is the scene of the task itself; later places on the table are
drawn anew, since the state does not tell them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from surefoot.agents.environments.base import RgbImage
from surefoot.agents.environments.table import TableAgentEnv
from surefoot.agents.perception.scenes import build
from surefoot.envs.cameras.camera import Lens, render
from surefoot.envs.cameras.viewpoints import MotionLimits, motion
from surefoot.envs.perturbations.base import RandomSource
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.actions import RING
from surefoot.envs.tabletop.scene import TabletopScene, draw_scene
from surefoot.envs.tabletop.state import Facts
from surefoot.envs.tabletop.twin import TabletopTwin
from surefoot.envs.tabletop.world import TabletopWorld

Key = tuple[str, str]
"""State and view, which with the episode's task and seed fix an image."""


class TwinCamera:
    """A camera over rendered symbolic states.

    Args:
        env: A twin after its reset.
        simulation: Physics to render in; it is emptied.
        shift: What goes wrong with images.
        seed: Seed of the episode.
        size: Width and height of images in pixels.
        start: The viewpoint at which the camera is.
    """

    def __init__(
        self,
        env: TabletopTwin,
        simulation: Simulation,
        shift: Pipeline,
        seed: int,
        size: int = 160,
        start: str = "front",
    ) -> None:
        self._env, self._simulation = env, simulation
        self._shift, self._seed, self._size = shift, seed, size
        self._at = start
        self._limits = MotionLimits()
        self._seconds = 0.0
        self._built: tuple[Facts, TabletopWorld] | None = None
        self._first = env.facts()
        self._changes = 0

    def views(self) -> tuple[str, ...]:
        """All viewpoints that the camera can reach, the present one first."""
        others = (
            v
            for v in RING.names
            if v != self._at and not self._limits.refusal(RING.pose(v), RING.centre)
        )
        return (self._at, *others)

    def cost(self, view: str) -> float:
        """Seconds of moving there."""
        here, there = RING.pose(self._at), RING.pose(view)
        return motion(here, there, RING.centre, self._limits).seconds

    def look(self, view: str) -> RgbImage:
        """Renders the state from there."""
        self._seconds += self.cost(view)
        self._at = view
        world = self._world()
        lens = Lens(self._size, self._size)
        frame = render(world.simulation.api, RING.pose(view), lens)
        return self._shift.frame(frame, RandomSource(self._seed, view, self._changes)).rgb

    def seconds(self) -> float:
        """Seconds that the camera moved."""
        return self._seconds

    def _world(self) -> TabletopWorld:
        facts = self._env.facts()
        if self._built is None or self._built[0] != facts:
            scene, held = self._env.actions.instance.scene, None
            self._changes += 1
            if facts != self._first:
                scene, held = scene_in(
                    scene, facts, Random(f"{self._seed}:{sorted(map(str, facts))}")
                )
            self._built = facts, build(self._simulation, scene, held, _Home())
        return self._built[1]

    def _rng(self, facts: Facts) -> Random:
        return Random(f"{self._seed}:{sorted(map(str, facts))}")


class _Home(Random):
    """Leaves the hand at home."""

    def random(self) -> float:
        """Returns 0, which is below every probability."""
        return 0.0


def scene_in(scene: TabletopScene, facts: Facts, rng: Random) -> tuple[TabletopScene, str | None]:
    """Draws a scene of the same things in a symbolic state.

    Args:
        scene: The things.
        facts: The state.
        rng: Draws where things stand on the table.

    Returns:
        The scene, and the block that the hand holds; that one stands on the table in the scene.
    """
    inside = {f.args[0]: f.args[1] for f in facts if f.predicate in ("on", "in")}
    inside = {block: place for block, place in inside.items() if place in scene.things}
    held = next((f.args[0] for f in facts if f.predicate == "holding"), None)
    shut = [f.args[1] for f in facts if f.predicate == "covers"]
    drawn = draw_scene(rng, list(scene.things.values()), inside, scene.lids, shut)
    return replace(drawn, lids=scene.lids), held


def twin_table(
    env: TabletopTwin,
    info: Mapping[str, Any],
    simulation: Simulation,
    shift: Pipeline,
    wrap: Callable[[TwinCamera], Any] | None = None,
) -> TableAgentEnv:
    """Returns the environment of an episode in the twin.

    Args:
        env: A twin after its reset.
        info: What the reset returned.
        simulation: Physics to render in.
        shift: What goes wrong with images.
        wrap: Wraps the camera, for example with a cache.
    """
    camera = TwinCamera(env, simulation, shift, int(info["seed"]))
    return TableAgentEnv(env, wrap(camera) if wrap is not None else camera, info)
