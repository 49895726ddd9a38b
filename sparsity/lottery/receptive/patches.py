"""What a first layer sees of pictures: patches, or whole pictures made small."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surefoot.core.errors import InputError
from surefoot.sparsity.engine.checkpoint import file_hash
from surefoot.sparsity.lottery.restoring.files import read_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from surefoot.sparsity.lottery.receptive.layers import FirstLayer

    Array = NDArray[np.float64]

_SUFFIXES = (".png", ".jpg", ".jpeg")
_GREY = (0.299, 0.587, 0.114)
"""Brightness of red, green and blue (ITU-R BT.601)."""

FLAT = 1e-6
"""Standard deviation within a patch below which it counts as flat; pixels span 1 or 2."""


@dataclass(frozen=True)
class Patches:
    """What the units of a layer see.

    Attributes:
        points: ``[P, C, H, W]``.
        pictures: Number of the picture that each is from ``[P]``.
        classes: Class of each ``[P]``, from 0; ``None`` where pictures have none.
        names: Names of the classes.
        flat: Share of patches without any contrast.
    """

    points: Array
    pictures: NDArray[np.int64]
    classes: NDArray[np.int64] | None
    names: tuple[str, ...]
    flat: float


@dataclass(frozen=True)
class PatchImage:
    """A picture.

    Attributes:
        pixels: ``[C, H, W]``, scaled as the model wants it.
        kind: Its class, ``""`` for none.
    """

    pixels: Array
    kind: str = ""


def pictures_in(folder: Path, mean: float = 0.5, deviation: float = 0.5) -> Iterator[PatchImage]:
    """Reads PNG and JPEG files; those in a folder within are of a class with its name.

    Grey pictures get three equal channels; opacity is dropped after laying the picture on white.

    Args:
        folder: The folder.
        mean: What is taken off pixels in [0, 1].
        deviation: What they are then divided by.

    Yields:
        Pictures with three channels.

    Raises:
        InputError: There is no picture, or one cannot be read.
    """
    paths = picture_files(folder)
    several = len({p.parent for p in paths}) > 1
    for path in paths:
        found = read_picture(path)
        pixels = np.broadcast_to(found.values, (3, *found.size))
        if found.alpha is not None:
            pixels = found.alpha * pixels + 1 - found.alpha
        kind = str(path.parent.relative_to(folder)) if several else ""
        yield PatchImage((pixels - mean) / deviation, kind)


def picture_files(folder: Path) -> list[Path]:
    """Returns the PNG and JPEG files of a folder and those within, in order.

    Raises:
        InputError: There is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise InputError("no such folder of pictures", file=str(folder))
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
    if not paths:
        raise InputError("no PNG or JPEG here; give another --images", file=str(folder))
    return paths


def pictures_hash(folder: Path) -> str:
    """Returns a SHA-256 of the names and bytes of the pictures of a folder.

    Raises:
        InputError: There is none, or one cannot be read.
    """
    told = hashlib.sha256()
    for path in picture_files(folder):
        told.update(f"{path.relative_to(folder).as_posix()}\n{file_hash(path)}\n".encode())
    return told.hexdigest()


def cut(pictures: Iterable[PatchImage], layer: FirstLayer, each: int, seed: int) -> Patches:
    """Cuts patches from pictures at places by chance, or makes pictures as small as a unit.

    Args:
        pictures: The pictures.
        layer: The layer.
        each: Patches of a picture; one where units see it whole.
        seed: Seed of the places.

    Raises:
        InputError: There are too few, they are too small, all alike, or not finite.
    """
    rng = np.random.default_rng(seed)
    rows, columns = layer.size
    found: list[Array] = []
    origin: list[int] = []
    kinds: list[str] = []
    for number, picture in enumerate(pictures):
        pixels = _channels(picture.pixels, layer.channels)
        if not np.isfinite(pixels).all():
            raise InputError(f"picture {number + 1} has pixels that are not finite")
        if layer.patch:
            if pixels.shape[1] < rows or pixels.shape[2] < columns:
                raise InputError(
                    f"picture {number + 1} has {pixels.shape[1]} x {pixels.shape[2]} pixels, less "
                    f"than the {rows} x {columns} of a unit"
                )
            downs = rng.integers(0, pixels.shape[1] - rows + 1, each)
            rights = rng.integers(0, pixels.shape[2] - columns + 1, each)
            some = [
                pixels[:, d : d + rows, r : r + columns] for d, r in zip(downs, rights, strict=True)
            ]
        else:
            some = [_small(pixels, rows, columns)]
        found += some
        origin += [number] * len(some)
        kinds += [picture.kind] * len(some)
    if len(found) < 16:
        raise InputError(f"{len(found)} patches are too few; give more pictures")
    points = np.stack(found)
    if float(points.std(0).max()) < FLAT:
        raise InputError("all patches are alike; the pictures are constant")
    names = tuple(sorted(set(kinds)))
    classes = np.array([names.index(k) for k in kinds]) if len(names) > 1 else None
    flat = float((points.reshape(len(points), -1).std(1) < FLAT).mean())
    return Patches(points, np.array(origin), classes, names if len(names) > 1 else (), flat)


def _channels(pixels: Array, channels: int) -> Array:
    """Makes a picture of one, three or more channels."""
    if pixels.shape[0] == channels:
        return pixels
    if channels == 1:
        return np.tensordot(np.array(_GREY), pixels[:3], axes=1)[None]
    if channels % 3 == 0:  # frames over time: the same picture each time
        # Weights [K, 3, T, H, W] were laid out with time innermost.
        return np.repeat(pixels[:3], channels // 3, axis=0)
    if channels == 4:
        return np.concatenate([pixels[:3], np.ones_like(pixels[:1])])
    raise InputError(f"pictures have three channels, the layer sees {channels}; choose another")


def _small(pixels: Array, rows: int, columns: int) -> Array:
    """Makes a picture as small as a unit, each pixel the mean of those it stands for."""
    if pixels.shape[1:] == (rows, columns):
        return pixels
    from PIL import Image

    return np.stack(
        [
            np.asarray(
                Image.fromarray(channel.astype(np.float32)).resize(
                    (columns, rows), Image.Resampling.BOX
                ),
                dtype=np.float64,
            )
            for channel in pixels
        ]
    )
