"""Inputs of a first layer from images: patches, or whole images resized."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surefoot.core.errors import InputError
from surefoot.sparsity.engine.checkpoint import file_hash
from surefoot.sparsity.lottery.restoring.files import read_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from surefoot.sparsity.lottery.receptive.layers import FirstLayer

    Array = NDArray[np.float64]

_SUFFIXES = (".png", ".jpg", ".jpeg")
_GREY = (0.299, 0.587, 0.114)
"""Luma weights of red, green and blue (ITU-R BT.601)."""

FLAT = 1e-6
"""Standard deviation within a patch below which it counts as flat; pixels span 1 or 2."""


@dataclass(frozen=True)
class Patches:
    """Inputs of the units of a layer.

    Attributes:
        points: ``[P, C, H, W]``.
        pictures: Index of the image of each ``[P]``.
        classes: Class of each ``[P]``, from 0; ``None`` if images have none.
        names: Names of the classes.
        flat: Fraction of patches without contrast.
    """

    points: Array
    pictures: NDArray[np.int64]
    classes: NDArray[np.int64] | None
    names: tuple[str, ...]
    flat: float


@dataclass(frozen=True)
class PatchImage:
    """An image.

    Attributes:
        pixels: ``[C, H, W]``, normalised for the model.
        kind: Its class, ``""`` for none.
    """

    pixels: Array
    kind: str = ""


def images_in(folder: Path, mean: float = 0.5, deviation: float = 0.5) -> Iterator[PatchImage]:
    """Reads PNG and JPEG files; subfolders are classes.

    Grey images get three equal channels; transparency is replaced by white.

    Args:
        folder: The folder.
        mean: Mean that is subtracted from pixels in [0, 1].
        deviation: Standard deviation that they are divided by.

    Yields:
        Images with three channels.

    Raises:
        InputError: There is no image, or one cannot be read.
    """
    paths = image_files(folder)
    several = len({p.parent for p in paths}) > 1
    for path in paths:
        found = read_image(path)
        pixels = np.broadcast_to(found.values, (3, *found.size))
        if found.alpha is not None:
            pixels = found.alpha * pixels + 1 - found.alpha
        kind = str(path.parent.relative_to(folder)) if several else ""
        yield PatchImage((pixels - mean) / deviation, kind)


def image_files(folder: Path) -> list[Path]:
    """Returns the PNG and JPEG files of a folder and its subfolders, in order.

    Raises:
        InputError: There is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise InputError("no such folder of images", file=str(folder))
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
    if not paths:
        raise InputError("no PNG or JPEG here; give another --images", file=str(folder))
    return paths


def images_hash(folder: Path) -> str:
    """Returns the SHA-256 of the names and contents of the images of a folder.

    Raises:
        InputError: There is no image, or one cannot be read.
    """
    digest = hashlib.sha256()
    for path in image_files(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\n{file_hash(path)}\n".encode())
    return digest.hexdigest()


def cut(pictures: Iterable[PatchImage], layer: FirstLayer, each: int, seed: int) -> Patches:
    """Cuts patches at random positions from images, or resizes images to a unit.

    Args:
        pictures: The images.
        layer: The layer.
        each: Patches per image; one if units see the whole image.
        seed: Seed of the positions.

    Raises:
        InputError: Images are too few, too small, constant, or not finite.
    """
    rng = np.random.default_rng(seed)
    rows, columns = layer.size
    found: list[Array] = []
    origin: list[int] = []
    kinds: list[str] = []
    for number, picture in enumerate(pictures):
        pixels = _channels(picture.pixels, layer.channels)
        if not np.isfinite(pixels).all():
            raise InputError(f"image {number + 1} has pixels that are not finite")
        if layer.patch:
            if pixels.shape[1] < rows or pixels.shape[2] < columns:
                raise InputError(
                    f"image {number + 1} has {pixels.shape[1]} x {pixels.shape[2]} pixels, fewer "
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
        raise InputError(f"{len(found)} patches are too few; give more images")
    points = np.stack(found)
    if float(points.std(0).max()) < FLAT:
        raise InputError("all patches are equal; the images are constant")
    names = tuple(sorted(set(kinds)))
    classes = np.array([names.index(k) for k in kinds]) if len(names) > 1 else None
    flat = float((points.reshape(len(points), -1).std(1) < FLAT).mean())
    return Patches(points, np.array(origin), classes, names if len(names) > 1 else (), flat)


def _channels(pixels: Array, channels: int) -> Array:
    """Converts an image to one, three or more channels."""
    if pixels.shape[0] == channels:
        return pixels
    if channels == 1:
        return np.tensordot(np.array(_GREY), pixels[:3], axes=1)[None]
    if channels % 3 == 0:  # frames over time: the image is repeated
        # Weights [K, 3, T, H, W] were laid out with time innermost.
        return np.repeat(pixels[:3], channels // 3, axis=0)
    if channels == 4:
        return np.concatenate([pixels[:3], np.ones_like(pixels[:1])])
    raise InputError(f"images have three channels, the layer has {channels}; choose another")


def _small(pixels: Array, rows: int, columns: int) -> Array:
    """Resizes an image to a unit by averaging."""
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
