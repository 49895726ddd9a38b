"""Image files: read as floats from 0 to 1, written as PNG with transparency."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

_LARGEST = 2**26
"""Largest number of pixels of an image; fitting one of this size takes hundreds of GiB."""
_KNOWN = 0.5
"""Least brightness at which a pixel of a mask is known."""


@dataclass(frozen=True)
class ImageFile:
    """An image.

    Attributes:
        values: Float ``[channels, height, width]`` from 0 to 1; one channel or three.
        alpha: Float ``[height, width]`` from 0 (transparent) to 1, ``None`` without transparency.
    """

    values: NDArray[np.float64]
    alpha: NDArray[np.float64] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.values.shape[1], self.values.shape[2]

    def tensor(self) -> torch.Tensor:
        """Returns the values as a float tensor ``[1, channels, height, width]``."""
        import torch

        return torch.tensor(self.values[None], dtype=torch.float32)

    def to_png(self) -> bytes:
        """Returns a PNG file with 8 bits per channel; values are clipped to [0, 1]."""
        from PIL import Image

        layers = [*self.values] if self.alpha is None else [*self.values, self.alpha]
        data = np.round(255 * np.clip(np.stack(layers, -1), 0, 1)).astype(np.uint8)
        file = BytesIO()
        Image.fromarray(data[..., 0] if data.shape[-1] == 1 else data).save(file, "PNG")
        return file.getvalue()

    def write(self, path: Path) -> None:
        """Writes a PNG file atomically."""
        write_atomic(path, self.to_png())


def read_image(path: Path) -> ImageFile:
    """Reads an image in any format supported by Pillow; the first, if the file holds several.

    Grey images stay grey (8 or 16 bits), colours become RGB; the EXIF orientation is applied.

    Raises:
        InputError: The file is missing, not an image, too large, or of a mode without a known
            range.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            file = Image.open(path)
        with file as opened:
            if opened.width * opened.height > _LARGEST:
                raise InputError(
                    f"an image of {opened.width} x {opened.height} pixels is too large; crop it "
                    "or make it smaller",
                    file=str(path),
                )
            opened.load()
            image = ImageOps.exif_transpose(opened)
    except FileNotFoundError:
        raise InputError("no such file", file=str(path)) from None
    except Image.DecompressionBombError:
        raise InputError("the image is too large", file=str(path)) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError):
        raise InputError("not a readable image", file=str(path)) from None
    if image.mode.startswith("I;16"):
        return ImageFile(np.asarray(image, np.float64)[None] / 65535)
    if image.mode in ("I", "F"):
        raise InputError(
            f"an image of mode {image.mode}, whose range is unknown; save it with 8 or 16 bits",
            file=str(path),
        )
    clear = (image.mode != "LAB" and "a" in image.mode.lower()) or "transparency" in image.info
    grey = image.mode in ("1", "L", "LA", "La")
    data = _array(image.convert(("LA" if clear else "L") if grey else "RGBA" if clear else "RGB"))
    if clear:
        return ImageFile(data[:-1], data[-1])
    return ImageFile(data)


def read_mask(path: Path, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Reads a mask of known pixels, the white ones of an image.

    Args:
        path: The mask; pixels of at least half brightness are known.
        size: Required height and width.

    Returns:
        Bool ``[height, width]``.

    Raises:
        InputError: It cannot be read, has another size, or has no known pixel.
    """
    picture = read_image(path)
    if picture.size != size:
        raise InputError(
            f"a mask of {picture.size[1]} x {picture.size[0]} pixels for an image of "
            f"{size[1]} x {size[0]}",
            file=str(path),
        )
    known: NDArray[np.bool_] = picture.values.mean(0) >= _KNOWN
    if not known.any():
        raise InputError("the mask has no known pixel; known pixels are white", file=str(path))
    return known


def _array(image: Any) -> NDArray[np.float64]:
    data = np.asarray(image, np.float64) / 255
    return data[None] if data.ndim == 2 else np.moveaxis(data, -1, 0)
