"""Contact sheets: many small images with captions in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from surefoot.envs.recording.captions import COLORS, INK, PAPER, font, wrap

_LABEL = 40


@dataclass(frozen=True, eq=False)
class Tile:
    """One image of a sheet.

    Attributes:
        rgb: The image, uint8 ``[height, width, 3]``.
        title: First line below it.
        note: Second line.
        tone: Colour of the second line: ``good``, ``bad``, ``warn``, ``soft`` or ``""``.
    """

    rgb: NDArray[np.uint8]
    title: str = ""
    note: str = ""
    tone: str = "soft"


def contact_sheet(tiles: Sequence[Tile], *, columns: int = 6, size: int = 160) -> NDArray[np.uint8]:
    """Arranges images in rows.

    Args:
        tiles: The images, at least one; each is fitted into a square.
        columns: Images per row.
        size: Edge of the squares in pixels.

    Returns:
        uint8 ``[height, width, 3]``.

    Raises:
        ValueError: There is no image.
    """
    if not tiles:
        raise ValueError("a contact sheet needs at least one image")
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    gap = 8
    sheet = Image.new(
        "RGB", (gap + columns * (size + gap), gap + rows * (size + _LABEL + gap)), PAPER
    )
    draw = ImageDraw.Draw(sheet)
    for i, tile in enumerate(tiles):
        x, y = gap + i % columns * (size + gap), gap + i // columns * (size + _LABEL + gap)
        picture = Image.fromarray(tile.rgb)
        picture.thumbnail((size, size), Image.Resampling.BOX)
        sheet.paste(picture, (x + (size - picture.width) // 2, y + (size - picture.height) // 2))
        for text, shade, offset in ((tile.title, INK, 3), (tile.note, COLORS[tile.tone], 20)):
            lines = wrap(text, 14, size, 1)
            draw.text((x, y + size + offset), lines[0], fill=shade, font=font(14))
    return np.asarray(sheet, np.uint8)


def to_png(rgb: NDArray[np.uint8]) -> bytes:
    """Encodes an image as PNG."""
    return _encoded(rgb, "PNG")


def to_jpeg(rgb: NDArray[np.uint8], quality: int = 85) -> bytes:
    """Encodes an image as JPEG."""
    return _encoded(rgb, "JPEG", quality=quality)


def _encoded(rgb: NDArray[np.uint8], kind: str, **options: int) -> bytes:
    file = BytesIO()
    Image.fromarray(rgb).save(file, kind, **options)
    return file.getvalue()
