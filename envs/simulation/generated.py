"""Files that PyBullet reads and that are made here: kept once for the life of a process.

PyBullet keeps every file that it has read under its path, and every mesh that it is given in
memory, for ever. The same path each time keeps memory flat.
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
    """Returns a file with a text; it is deleted when the process ends.

    Args:
        text: What it holds; the same text always gives the same file.
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
