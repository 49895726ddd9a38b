"""Captions beside an image: instruction, current skill, facts, and states of the monitor.

A captioned image is wider than it is high: the camera's image to the left, enlarged by a whole
factor, and a panel of text to the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

PAPER = (18, 21, 26)
INK = (236, 239, 242)
SOFT = (150, 160, 170)
COLORS = {
    "": INK,
    "good": (88, 209, 160),
    "bad": (255, 125, 115),
    "warn": (250, 200, 90),
    "soft": SOFT,
    "new": (125, 190, 255),
}
"""Colours by tone; the text always carries the same information."""

_PAD = 16


@dataclass(frozen=True)
class Caption:
    """Text beside an image.

    Attributes:
        instruction: The robot's instruction.
        skill: The current skill.
        facts: Facts that hold; those in ``new`` are marked.
        new: Facts that have become true since the previous skill began.
        monitor: Name and state of each monitored rule, such as ``no-collision: holds``.
        status: Outcome, such as ``success``; ``""`` during the episode.
        tone: Colour of the status: ``good``, ``bad``, ``warn`` or ``""``.
        footer: Small print, such as time and seed.
    """

    instruction: str = ""
    skill: str = ""
    facts: Sequence[str] = ()
    new: frozenset[str] = frozenset()
    monitor: Sequence[str] = ()
    status: str = ""
    tone: str = ""
    footer: str = ""


@lru_cache(maxsize=8)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Returns Pillow's built-in font, so that no system font is needed."""
    return ImageFont.load_default(size)


def captioned(
    rgb: NDArray[np.uint8], caption: Caption, *, height: int = 448, panel: int = 384
) -> NDArray[np.uint8]:
    """Draws an image with its caption.

    Args:
        rgb: The image, uint8 ``[h, w, 3]``; it is enlarged to the height.
        caption: The text.
        height: Height of the result in pixels, even.
        panel: Width of the text panel in pixels, even.

    Returns:
        uint8 ``[height, width + panel, 3]``, width even.
    """
    rows, columns = rgb.shape[:2]
    width = 2 * round(columns * height / rows / 2)
    whole = Image.new("RGB", (width + panel, height), PAPER)
    sharp = height >= rows
    how = Image.Resampling.NEAREST if sharp and height % rows == 0 else Image.Resampling.BILINEAR
    whole.paste(Image.fromarray(rgb).resize((width, height), how), (0, 0))
    _Panel(ImageDraw.Draw(whole), width + _PAD, panel - 2 * _PAD, height).write(caption)
    return np.asarray(whole, np.uint8)


class _Panel:
    """Writes lines from the top down and reserves space at the bottom."""

    def __init__(self, draw: ImageDraw.ImageDraw, left: int, width: int, height: int) -> None:
        self.draw, self.left, self.width = draw, left, width
        self.y, self.end = _PAD, height - _PAD

    def write(self, caption: Caption) -> None:
        if caption.footer:
            self.end -= 18
            self._put(caption.footer, 13, SOFT, self.end + 2)
            self.end -= 6
        if caption.status:
            self.end -= 30
            self._put(caption.status, 22, COLORS[caption.tone], self.end)
            self.end -= 8
        if caption.instruction:
            self._lines(caption.instruction, 18, INK, most=4)
            self.y += 6
        if caption.skill:
            self._head("doing")
            self._lines(caption.skill, 18, COLORS["warn"], most=3)
            self.y += 6
        if caption.monitor:
            self._head("monitor")
            for text in caption.monitor:
                bad = "violated" in text
                self._lines(text, 16, COLORS["bad" if bad else "good"], most=2)
            self.y += 6
        if caption.facts:
            self._head("facts")
            self._facts(caption)

    def _facts(self, caption: Caption) -> None:
        ordered = [f for f in caption.facts if f in caption.new]
        ordered += [f for f in caption.facts if f not in caption.new]
        for i, fact in enumerate(ordered):
            left = len(ordered) - i
            if self.y + (40 if left > 1 else 20) > self.end:
                self._put(f"and {left} more", 15, SOFT, self.y)
                return
            new = fact in caption.new
            self._lines(("+ " if new else "  ") + fact, 15, COLORS["new" if new else ""], most=1)

    def _head(self, text: str) -> None:
        if self.y + 36 <= self.end:
            self._put(text, 13, SOFT, self.y)
            self.y += 17

    def _lines(self, text: str, size: int, color: tuple[int, int, int], most: int) -> None:
        lines = wrap(text, size, self.width, most)
        for line in lines:
            if self.y + size + 4 > self.end:
                return
            self._put(line, size, color, self.y)
            self.y += size + 4

    def _put(self, text: str, size: int, color: tuple[int, int, int], y: int) -> None:
        line = wrap(text, size, self.width, 1)
        self.draw.text((self.left, y), line[0] if line else "", fill=color, font=font(size))


def wrap(text: str, size: int, width: int, most: int) -> list[str]:
    """Breaks text into lines that fit; what does not fit into the last one ends with ``…``.

    Args:
        text: One paragraph.
        size: Size of the font in pixels.
        width: Width of a line in pixels.
        most: Largest number of lines.
    """
    face = font(size)
    words = text.split(" ")
    lines: list[str] = []
    line = ""
    for i, word in enumerate(words):
        longer = f"{line} {word}" if line or i else word
        if not line.strip() or face.getlength(longer) <= width:
            line = longer
        else:
            lines.append(line)
            line = word
    lines.append(line)
    cut = len(lines) > most
    lines = lines[:most]
    lines = [_fit(line, face.getlength, width) for line in lines]
    if cut and lines and not lines[-1].endswith("…"):
        lines[-1] = _fit(lines[-1] + " …", face.getlength, width)
    return lines


def _fit(line: str, length: object, width: int) -> str:
    assert callable(length)
    if length(line) <= width:
        return line
    while line and length(line + "…") > width:
        line = line[:-1]
    return line + "…"
