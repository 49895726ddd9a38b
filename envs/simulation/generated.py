"""Generated files for PyBullet, kept for the life of the process.

PyBullet caches every file that it has read by its path, and every mesh that it is given, for
ever. Reusing the same path keeps memory use constant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from surefoot.core.files import write_atomic

Vector = tuple[float, float, float]


def generated(text: str, suffix: str) -> Path:
    """Returns a file with the given text; it is deleted when the process ends.

    Args:
        text: Content; the same text always gives the same file.
        suffix: End of its name, such as ``.obj``.
    """
    path = Path(_folder().name) / f"{sha256(text.encode()).hexdigest()[:24]}{suffix}"
    if not path.exists():
        write_atomic(path, text)
    return path


def obj_text(vertices: Iterable[Vector], normals: Iterable[Vector], indices: Sequence[int]) -> str:
    """Returns a mesh in Wavefront's format.

    Args:
        vertices: Points in metres.
        normals: One of length 1 for every vertex.
        indices: Three vertices for every face, counted from 0.
    """
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
    lines += [f"vn {x:.6f} {y:.6f} {z:.6f}" for x, y, z in normals]
    corners = [f"{i + 1}//{i + 1}" for i in indices]
    lines += [" ".join(("f", *corners[i : i + 3])) for i in range(0, len(corners), 3)]
    return "\n".join(lines) + "\n"


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="surefoot-")
