"""Visual shapes of round objects: PyBullet shades its own cylinders like capsules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cache
from math import cos, hypot, pi, sin
from pathlib import Path
from typing import Any

from surefoot.envs.simulation.generated import generated, obj_text

SEGMENTS = 24
"""Pieces of a circle."""


def turned(api: Any, profile: Sequence[tuple[float, float]], color: Sequence[float]) -> int:
    """Makes the visual shape of a body of revolution about z.

    Args:
        api: A client's functions.
        profile: Radius and height in metres of the points of its outline, outside upwards
            and inside downwards; each piece is a flat band with sharp edges.
        color: Red, green, blue and opacity from 0 to 1.

    Returns:
        The shape's id.
    """
    return _shape(api, _turned_file(tuple(profile)), color)


@cache
def _turned_file(profile: tuple[tuple[float, float], ...]) -> Path:
    vertices: list[tuple[float, float, float]] = []
    normals: list[tuple[float, float, float]] = []
    indices: list[int] = []
    for (r0, z0), (r1, z1) in itertools.pairwise(profile):
        length = hypot(r1 - r0, z1 - z0)
        out, up = (z1 - z0) / length, (r0 - r1) / length
        first = len(vertices)
        for i in range(SEGMENTS):
            c, s = cos(2 * pi * i / SEGMENTS), sin(2 * pi * i / SEGMENTS)
            vertices += [(r0 * c, r0 * s, z0), (r1 * c, r1 * s, z1)]
            normals += [(out * c, out * s, up)] * 2
        for i in range(SEGMENTS):
            a, b = first + 2 * i, first + 2 * ((i + 1) % SEGMENTS)
            indices += [a, b, b + 1, a, b + 1, a + 1]
    return generated(obj_text(vertices, normals, indices), ".obj")


def tiled(
    api: Any, half: tuple[float, float, float], color: Sequence[float], tiles: int = 4
) -> int:
    """Makes the visual shape of a large slab's upper side, seen from above only.

    The renderer scans the image rectangle around every triangle, so that many small triangles cost
    less than two large ones.

    Args:
        api: A client's functions.
        half: Half extents of the slab in metres.
        color: Red, green, blue and opacity from 0 to 1.
        tiles: Pieces along each side.

    Returns:
        The shape's id.
    """
    return _shape(api, _tiled_file(half, tiles), color)


@cache
def _tiled_file(half: tuple[float, float, float], tiles: int) -> Path:
    vertices: list[tuple[float, float, float]] = []
    indices: list[int] = []
    for i in range(tiles):
        for j in range(tiles):
            a, b = len(vertices), [(2 * k / tiles - 1) for k in (i, i + 1)]
            c = [(2 * k / tiles - 1) for k in (j, j + 1)]
            corners = ((b[0], c[0]), (b[1], c[0]), (b[1], c[1]), (b[0], c[1]))
            vertices += [(x * half[0], y * half[1], half[2]) for x, y in corners]
            indices += [a, a + 1, a + 2, a, a + 2, a + 3]
    normals = [(0.0, 0.0, 1.0)] * len(vertices)
    return generated(obj_text(vertices, normals, indices), ".obj")


def _shape(api: Any, mesh: Path, color: Sequence[float]) -> int:
    return int(api.createVisualShape(api.GEOM_MESH, fileName=str(mesh), rgbaColor=color))
