"""H.264 videos, written frame by frame; a killed recording leaves no partial video behind."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from surefoot.core.files import sync_folder, write_error

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream


class VideoWriter:
    """Writes an MP4 file; use it as a context manager.

    The video gets its name only once it is complete; until then it has a hidden name in the same
    folder that ends with ``.tmp``. Nothing remains after an exception.

    Args:
        path: The file, ending with ``.mp4``; an existing one is replaced at the end.
        fps: Frames per second.
        quality: x264's constant rate factor, 0 (lossless) to 51.

    Raises:
        InputError: The file cannot be written.
    """

    def __init__(self, path: Path, fps: int = 10, quality: int = 23) -> None:
        import av

        self.path = path
        self.frames = 0
        self._options: dict[str, object] = {
            "crf": str(quality),
            "preset": "veryfast",
            "threads": "1",
        }
        self._fps = fps
        self._temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        self._stream: VideoStream | None = None
        try:
            open(self._temporary, "xb").close()  # av opens it later and raises another error
        except OSError as error:
            raise write_error(error, path) from None
        self._container: OutputContainer | None = av.open(
            str(self._temporary), "w", format="mp4", options={"movflags": "faststart"}
        )

    def add(self, rgb: NDArray[np.uint8], repeat: int = 1) -> None:
        """Adds a frame.

        Args:
            rgb: uint8 ``[height, width, 3]``, both even, the same for all frames.
            repeat: Number of times it is shown.

        Raises:
            ValueError: The size is odd or differs from that of the first, or the video is done.
            WriteError: The file cannot be written.
        """
        import av

        if self._container is None:
            raise ValueError("the video is finished")
        rows, columns = rgb.shape[:2]
        if self._stream is None:
            if rows % 2 or columns % 2:
                raise ValueError(f"H.264 needs even sizes, got {columns} x {rows}")
            self._stream = self._container.add_stream("libx264", rate=self._fps)
            self._stream.width, self._stream.height = columns, rows
            self._stream.pix_fmt = "yuv420p"
            self._stream.options = self._options
        elif (rows, columns) != (self._stream.height, self._stream.width):
            raise ValueError(f"the video is {self._stream.width} x {self._stream.height}")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        try:
            for _ in range(repeat):
                picture.pts = self.frames
                picture.time_base = Fraction(1, self._fps)
                self._container.mux(self._stream.encode(picture))
                self.frames += 1
        except OSError as error:
            self.discard()
            raise write_error(error, self.path) from None

    def finish(self) -> Path:
        """Completes the video under its name and returns that.

        Raises:
            ValueError: It has no frame, or is finished already.
            InputError: The file cannot be written.
        """
        if self._container is None or self._stream is None:
            self.discard()
            raise ValueError("a video needs at least one frame and can be finished only once")
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._container = None
            with open(self._temporary, "rb") as file:
                os.fsync(file.fileno())
            os.replace(self._temporary, self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            self.discard()
            raise write_error(error, self.path) from None
        return self.path

    def discard(self) -> None:
        """Ends without a video; no effect after :meth:`finish`."""
        if self._container is not None:
            with suppress(Exception):  # closing a container without a frame fails
                self._container.close()
            self._container = None
        self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self._container is not None and self._stream is not None:
            self.finish()
        else:
            self.discard()


def read_video(path: Path) -> list[NDArray[np.uint8]]:
    """Returns all frames of a video, uint8 ``[height, width, 3]``."""
    import av

    with av.open(str(path)) as container:
        return [
            np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            for frame in container.decode(video=0)
        ]
