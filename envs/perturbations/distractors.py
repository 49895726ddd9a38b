"""Distractor objects that belong to no task: slabs, rods and balls."""

from __future__ import annotations

from random import Random
from typing import Any

from surefoot.envs.simulation.client import Simulation

Area = tuple[float, float, float, float]
"""Least x, greatest x, least y, greatest y in metres, world frame."""

TRIES = 200
"""Positions tried for each object before it is left out."""

_COLORS = (
    (0.93, 0.55, 0.70),
    (0.45, 0.32, 0.22),
    (0.55, 0.85, 0.85),
    (0.98, 0.98, 0.94),
    (0.20, 0.20, 0.22),
    (0.62, 0.70, 0.30),
    (0.75, 0.62, 0.90),
    (0.90, 0.45, 0.10),
)


def add_distractors(
    simulation: Simulation,
    count: int,
    seed: int,
    area: Area,
    *,
    height: float = 0.0,
    scale: float = 1.0,
    gap: float = 0.02,
) -> dict[int, str]:
    """Places objects at free positions, at rest on a level surface.

    Call it after a scene is built and before it settles. An object for which no free position is
    found is left out.

    Args:
        simulation: The world.
        count: Number of objects.
        seed: Seed of shapes, colours and positions.
        area: Area in which they may lie.
        height: Height of the surface in metres, world frame.
        scale: Factor on their size, which is 3 to 8 cm by default.
        gap: Least distance in metres between bounding boxes.

    Returns:
        Names (``distractor-1`` and so on) by body id.
    """
    api = simulation.api
    rng = Random(f"{seed}:distractors")
    taken = [box for box in map(api.getAABB, simulation.bodies()) if _stands(box, height)]
    made: dict[int, str] = {}
    for _ in range(count):
        shape, half, options = _draw(rng, scale)
        color = (*rng.choice(_COLORS), 1.0)
        reach = max(half[0], half[1]) * 1.42 + gap
        for _ in range(TRIES):
            x, y = rng.uniform(area[0], area[1]), rng.uniform(area[2], area[3])
            if all(
                x + reach < low[0]
                or x - reach > high[0]
                or y + reach < low[1]
                or y - reach > high[1]
                for low, high in taken
            ):
                break
        else:
            continue
        turn = api.getQuaternionFromEuler((0, 0, rng.uniform(0, 3.14)))
        if shape == "rod":  # capsules stand along z by themselves
            turn = api.multiplyTransforms(
                (0, 0, 0), turn, (0, 0, 0), api.getQuaternionFromEuler((0, 1.5708, 0))
            )[1]
        body = _make(api, shape, options, color, (x, y, height + half[2] + 0.001), turn)
        taken.append(((x - reach, y - reach, height), (x + reach, y + reach, height + half[2])))
        made[body] = f"distractor-{len(made) + 1}"
    return made


def _stands(box: Any, height: float) -> bool:
    """Returns whether a body rises above the surface and is not the surface itself."""
    low, high = box
    return bool(high[2] > height + 0.002 and low[2] < height + 0.25)


def _draw(rng: Random, scale: float) -> tuple[str, tuple[float, float, float], dict[str, Any]]:
    shape = rng.choice(("slab", "rod", "ball"))
    if shape == "ball":
        r = rng.uniform(0.015, 0.024) * scale
        return shape, (r, r, r), {"radius": r}
    if shape == "rod":
        r, length = rng.uniform(0.007, 0.011) * scale, rng.uniform(0.05, 0.08) * scale
        return shape, (length / 2 + r, r, r), {"radius": r, "length": length}
    half = tuple(rng.uniform(a, b) * scale for a, b in ((0.02, 0.04), (0.015, 0.03), (0.006, 0.02)))
    return shape, (half[0], half[1], half[2]), {"halfExtents": half}


def _make(
    api: Any,
    shape: str,
    options: dict[str, Any],
    color: tuple[float, ...],
    place: tuple[float, float, float],
    turn: tuple[float, ...],
) -> int:
    kind = {"slab": api.GEOM_BOX, "rod": api.GEOM_CAPSULE, "ball": api.GEOM_SPHERE}[shape]
    solid = dict(options)
    if shape == "rod":
        solid["height"] = solid.pop("length")
    collision = api.createCollisionShape(kind, **solid)
    look = api.createVisualShape(kind, **options, rgbaColor=color)
    body = int(api.createMultiBody(0.05, collision, look, place, turn))
    api.changeDynamics(
        body, -1, lateralFriction=0.6, spinningFriction=0.001, rollingFriction=0.0008
    )
    return body
