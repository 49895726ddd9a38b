"""Logs for the Rerun viewer (extra ``rerun``): images, camera poses, numbers and texts in time."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from surefoot.core.extras import require
from surefoot.envs.cameras.camera import Frame
from surefoot.envs.cameras.visibility import axes


class RerunLog:
    """Writes an ``.rrd`` file; use it as a context manager.

    The file has its name only once it is complete.

    Args:
        path: The file.
        name: Name of the recording in the viewer.

    Raises:
        MissingDependencyError: The package ``rerun-sdk`` is not installed.
    """

    def __init__(self, path: Path, name: str = "surefoot") -> None:
        require("rerun")
        import rerun  # pyright: ignore[reportMissingImports]

        self._rerun: Any = rerun
        self.path = path
        self._temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        self._stream: Any = rerun.RecordingStream(name)
        self._stream.save(str(self._temporary))
        self._open = True

    def frame(self, camera: str, frame: Frame) -> None:
        """Logs a frame with its camera's pose at its simulated time."""
        rr, lens = self._rerun, frame.lens
        self._stream.set_time("simulated", duration=frame.time)
        focal = lens.height / 2 / np.tan(np.radians(lens.fov) / 2)
        self._stream.log(
            f"world/{camera}",
            rr.Transform3D(translation=frame.pose.eye, mat3x3=axes(frame.pose).T),
        )
        self._stream.log(
            f"world/{camera}",
            rr.Pinhole(focal_length=float(focal), width=lens.width, height=lens.height),
        )
        self._stream.log(f"world/{camera}/rgb", rr.Image(frame.rgb).compress(jpeg_quality=85))

    def numbers(self, time: float, values: Mapping[str, float]) -> None:
        """Logs numbers at a simulated time in seconds."""
        self._stream.set_time("simulated", duration=time)
        for name, value in values.items():
            self._stream.log(f"numbers/{name}", self._rerun.Scalars(value))

    def text(self, time: float, text: str, *, about: str = "skill") -> None:
        """Logs a line at a simulated time in seconds."""
        self._stream.set_time("simulated", duration=time)
        self._stream.log(f"log/{about}", self._rerun.TextLog(text))

    def finish(self) -> Path:
        """Completes the file under its name and returns that."""
        self._end()
        self._temporary.replace(self.path)
        return self.path

    def discard(self) -> None:
        """Ends without a file; no effect after :meth:`finish`."""
        self._end()
        self._temporary.unlink(missing_ok=True)

    def _end(self) -> None:
        if self._open:
            self._open = False
            self._stream.flush()
            self._stream.disconnect()

    def __enter__(self) -> RerunLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self._open:
            self.finish()
        else:
            self.discard()
