"""Low-poly solids; one body may have many of them in many colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import cos, pi, sin
from typing import Any

from surefoot.envs.simulation.generated import generated, obj_text

Vector = tuple[float, float, float]
Colour = tuple[float, float, float]

Painted = tuple[tuple[Colour, str], ...]
"""Parts of a body: red, green and blue in [0, 1], and the file of the mesh."""

NOWHERE = (0.0, 0.0, -50.0)
"""Position of bodies that are not in use."""


@dataclass
class Solid:
    """A growing mesh; every face has its own vertices, so that edges stay sharp.

    Attributes:
        vertices: Metres, in the body's frame.
        normals: Unit vectors, one per vertex.
        indices: Three per triangle.
    """

    vertices: list[Vector] = field(default_factory=list)
    normals: list[Vector] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)

    def face(self, corners: Sequence[Vector]) -> Solid:
        """Adds a flat convex face; seen from outside its corners run counter-clockwise."""
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = corners[0], corners[1], corners[2]
        ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
        n = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        size = (n[0] ** 2 + n[1] ** 2 + n[2] ** 2) ** 0.5
        base = len(self.vertices)
        self.vertices += corners
        self.normals += [(n[0] / size, n[1] / size, n[2] / size)] * len(corners)
        for i in range(1, len(corners) - 1):
            self.indices += [base, base + i, base + i + 1]
        return self

    def box(self, low: Vector, high: Vector) -> Solid:
        """Adds a box between two corners."""
        return self.prism(
            [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])],
            low[2],
            high[2],
        )

    def prism(
        self, outline: Sequence[tuple[float, float]], low: float, high: float, shrink: float = 1.0
    ) -> Solid:
        """Adds an upright prism over a convex outline; its top may be smaller by a factor.

        A shrink of 0 makes a pyramid. The top shrinks towards the outline's mean.
        """
        cx = sum(p[0] for p in outline) / len(outline)
        cy = sum(p[1] for p in outline) / len(outline)
        bottom = [(x, y, low) for x, y in outline]
        top = [(cx + (x - cx) * shrink, cy + (y - cy) * shrink, high) for x, y in outline]
        self.face(bottom[::-1])
        if shrink > 0:
            self.face(top)
        for i in range(len(outline)):
            j = (i + 1) % len(outline)
            rest = [top[j], top[i]] if shrink > 0 else [top[i]]
            self.face([bottom[i], bottom[j], *rest])
        return self

    def turned(self, matrix: Sequence[Vector], shift: Vector = (0, 0, 0)) -> Solid:
        """Returns a copy turned by a rotation matrix (rows) and then shifted by metres."""

        def turn(v: Vector) -> Vector:
            x, y, z = (sum(row[i] * v[i] for i in range(3)) for row in matrix)
            return x, y, z

        moved = [turn(v) for v in self.vertices]
        places = [(x + shift[0], y + shift[1], z + shift[2]) for x, y, z in moved]
        return Solid(places, [turn(n) for n in self.normals], list(self.indices))

    def add(self, other: Solid) -> Solid:
        """Adds all faces of another one."""
        base = len(self.vertices)
        self.vertices += other.vertices
        self.normals += other.normals
        self.indices += [base + i for i in other.indices]
        return self


def round_outline(x: float, y: float, radius: float, sides: int = 10) -> list[tuple[float, float]]:
    """Returns a regular polygon about a point."""
    angles = [2 * pi * (i + 0.5) / sides for i in range(sides)]
    return [(x + radius * cos(a), y + radius * sin(a)) for a in angles]


FACING = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
"""Rotates a flat solid that lies with its top up so that the top faces south (-y)."""

ALONG_Y = FACING
"""Turns an upright prism so that its axis runs along y, for wheels."""


def about_z(angle: float) -> tuple[Vector, Vector, Vector]:
    """Returns the rotation about the vertical by radians."""
    c, s = cos(angle), sin(angle)
    return (c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0)


def painted(parts: Mapping[Colour, Solid]) -> Painted:
    """Returns parts whose meshes are written to files, without empty ones."""
    return tuple((colour, _file(solid)) for colour, solid in parts.items() if solid.indices)


def make_body(
    api: Any,
    parts: Painted,
    *,
    collision: int = -1,
    position: Vector = (0.0, 0.0, 0.0),
    yaw: float = 0.0,
) -> int:
    """Creates a fixed body; each part becomes a link, the first one the base.

    Args:
        api: A client's functions.
        parts: Its parts, from :func:`painted`.
        collision: Collision shape of the base, -1 for none.
        position: Position of its frame in metres.
        yaw: Rotation of its frame about the vertical in radians.

    Returns:
        The body's id.
    """
    shapes = [
        api.createVisualShape(
            api.GEOM_MESH,
            fileName=file,
            rgbaColor=(*colour, 1.0),
            specularColor=(0, 0, 0),
        )
        for colour, file in parts
    ]
    count = len(shapes) - 1
    return int(
        api.createMultiBody(
            0,
            collision,
            shapes[0],
            basePosition=position,
            baseOrientation=(0, 0, sin(yaw / 2), cos(yaw / 2)),
            linkMasses=[0] * count,
            linkCollisionShapeIndices=[-1] * count,
            linkVisualShapeIndices=shapes[1:],
            linkPositions=[(0, 0, 0)] * count,
            linkOrientations=[(0, 0, 0, 1)] * count,
            linkInertialFramePositions=[(0, 0, 0)] * count,
            linkInertialFrameOrientations=[(0, 0, 0, 1)] * count,
            linkParentIndices=[0] * count,
            linkJointTypes=[api.JOINT_FIXED] * count,
            linkJointAxis=[(0, 0, 1)] * count,
        )
    )


def _file(solid: Solid) -> str:
    text = obj_text(solid.vertices, solid.normals, solid.indices)
    return str(generated(text, ".obj"))
