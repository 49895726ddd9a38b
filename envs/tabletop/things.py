"""Objects on the table: kinds, sizes and colours."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

COLORS: dict[str, tuple[float, float, float]] = {
    "red": (0.86, 0.16, 0.18),
    "green": (0.18, 0.62, 0.27),
    "blue": (0.16, 0.36, 0.85),
    "yellow": (0.96, 0.80, 0.12),
    "purple": (0.53, 0.24, 0.72),
    "orange": (0.95, 0.50, 0.11),
    "cyan": (0.16, 0.74, 0.82),
    "pink": (0.96, 0.55, 0.72),
    "white": (0.95, 0.95, 0.93),
    "gray": (0.55, 0.57, 0.60),
    "brown": (0.50, 0.33, 0.20),
}
"""Colours as red, green and blue from 0 to 1."""

TABLE = "the-table"
"""The table's name."""

THING_FRICTION = 0.6
"""Lateral friction of everything but the fingers."""

BLOCK_MASS = 0.08
"""Kilograms."""

LID_MASS = 0.1
"""Kilograms."""

EDGES = {"small": 0.032, "medium": 0.04, "large": 0.048}
"""Edge of a cube, or diameter and height of a cylinder, in metres, by size."""

PAD = 0.05
"""Half the edge of a pad in metres."""

PAD_HEIGHT = 0.004
"""Metres."""

PLATE = 0.062
"""Radius of a plate in metres, with its rim."""

PLATE_HEIGHT = 0.005
"""Height of a plate's flat part in metres."""

INSIDE = (0.08, 0.065)
"""Half the length (x) and width (y) of a bin's or box's inside in metres."""

BOWL = 0.084
"""Radius of a bowl's flat bottom in metres."""

FLOOR = 0.004
"""Thickness of a container's bottom in metres."""

WALL = 0.003
"""Half the thickness of a container's walls in metres."""

HEIGHTS = {"bowl": 0.045, "bin": 0.05, "box": 0.058}
"""Height of a container's rim over the table in metres."""

SLOTS = (0.0, -0.052, 0.052)
"""Positions of blocks in a container, in metres along x from its middle."""

LID = (0.092, 0.077, 0.003)
"""Half extents in metres of a lid's plate."""

LIP = 0.005
"""How far a lid reaches into its box, in metres."""

KNOB = (0.012, 0.012, 0.015)
"""Half extents in metres of a lid's knob."""

LID_ORIGIN = LIP
"""Height of the underside of a lid's plate over its lowest point, in metres."""


class ThingKind(StrEnum):
    """Kinds of objects; the names are types of the tabletop domain."""

    BLOCK = "block"
    """A cube or a cylinder; only these are carried."""
    PAD = "pad"
    """A coloured square on the table."""
    PLATE = "plate"
    """A round plate with a rim."""
    BOWL = "bowl"
    """A round container."""
    BIN = "bin"
    """A rectangular container."""
    BOX = "box"
    """A rectangular container that a lid fits."""
    LID = "lid"
    """A lid with a knob."""


SPOTS = frozenset({ThingKind.PAD, ThingKind.PLATE})
"""Kinds that support one block."""

CONTAINERS = frozenset({ThingKind.BOWL, ThingKind.BIN, ThingKind.BOX})
"""Kinds that contain blocks."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One object.

    Attributes:
        name: Its name in the planning task.
        kind: Its kind.
        color: Name of its colour, see :data:`COLORS`.
        shape: ``cube`` or ``cylinder`` for a block, else the kind.
        size: ``small``, ``medium`` or ``large`` for a block, else ``medium``.
    """

    name: str
    kind: ThingKind
    color: str
    shape: str = ""
    size: str = "medium"

    @property
    def edge(self) -> float:
        """Edge, or diameter and height, of a block in metres."""
        return EDGES[self.size]

    @property
    def height(self) -> float:
        """Height above its support in metres: of a container's rim, of a lid's knob."""
        match self.kind:
            case ThingKind.BLOCK:
                return self.edge
            case ThingKind.PAD:
                return PAD_HEIGHT
            case ThingKind.PLATE:
                return 0.012
            case ThingKind.LID:
                return LIP + 2 * LID[2] + 2 * KNOB[2]
            case _:
                return HEIGHTS[self.kind.value]

    @property
    def extent(self) -> tuple[float, float]:
        """Half of the length (x) and width (y) that it covers, in metres."""
        match self.kind:
            case ThingKind.BLOCK:
                return self.edge / 2, self.edge / 2
            case ThingKind.PAD:
                return PAD, PAD
            case ThingKind.PLATE:
                return PLATE, PLATE
            case ThingKind.BOWL:
                return BOWL + 0.016, BOWL + 0.016
            case ThingKind.LID:
                return LID[0], LID[1]
            case _:
                return INSIDE[0] + 2 * WALL, INSIDE[1] + 2 * WALL
