"""True visibility of each body from a camera: frustum, occlusion, distance.

The visible fraction of a body is the number of its pixels in the camera's image divided by
the number of pixels that it would have alone: unoccluded, in an image that is large enough to
hold all of it. It is measured on the camera's own pixel grid, by rendering the body alone in
the window around it; everything else is made transparent meanwhile, which the software renderer
skips. A body at the image's edge or behind another therefore has a fraction
below one, and a body in full view exactly one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, floor, radians, tan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.envs.cameras.camera import BODY_MASK, CameraPose, Frame, Lens, render

LARGEST = 640
"""Largest width and height in pixels of the window around a body; larger ones are cropped."""


@dataclass(frozen=True, slots=True)
class Visibility:
    """Visibility of one body from a camera.

    Attributes:
        pixels: Its pixels in the image.
        alone: Pixels that it would have alone, in an image without edges; 0 behind the camera.
        fraction: ``pixels / alone``, 0 if ``alone`` is 0.
        framed: Fraction of ``alone`` that lies within the image's edges.
        distance: Of its box's middle from the eye, metres.
        centre: Pixel (across, down) of that middle; ``None`` behind the camera.
    """

    pixels: int
    alone: int
    fraction: float
    framed: float
    distance: float
    centre: tuple[float, float] | None

    @property
    def in_frustum(self) -> bool:
        """Whether any of it lies within the image, hidden or not."""
        return self.framed > 0

    @property
    def occluded(self) -> float:
        """Fraction of its part within the image that something else hides."""
        inside = self.framed * self.alone
        return 0.0 if inside < 0.5 else 1.0 - min(1.0, self.pixels / inside)


def axes(pose: CameraPose) -> NDArray[np.float64]:
    """Returns the camera's axes as rows ``[3, 3]``: to the right, downwards, forwards."""
    forward = np.asarray(pose.target, float) - np.asarray(pose.eye, float)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, np.asarray(pose.up, float))
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


def project(points: ArrayLike, pose: CameraPose, lens: Lens) -> NDArray[np.float64]:
    """Projects points into an image.

    Args:
        points: Metres, world frame, ``[n, 3]``.
        pose: Pose of the camera.
        lens: Its lens.

    Returns:
        ``[n, 3]``: pixel across, pixel down (the first pixel spans 0 to 1), and distance along
        the optical axis in metres; the pixels are meaningless where that is not positive.
    """
    seen = (np.atleast_2d(np.asarray(points, float)) - np.asarray(pose.eye, float)) @ axes(pose).T
    focal = lens.height / 2 / tan(radians(lens.fov) / 2)
    depth = seen[:, 2]
    safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
    across = lens.width / 2 + focal * seen[:, 0] / safe
    down = lens.height / 2 + focal * seen[:, 1] / safe
    return np.stack([across, down, depth], axis=1)


def in_frustum(points: ArrayLike, pose: CameraPose, lens: Lens) -> NDArray[np.bool_]:
    """Tells which points (metres, world frame, ``[n, 3]``) lie in the view, hidden or not."""
    across, down, depth = project(points, pose, lens).T
    inside = (across >= 0) & (across < lens.width) & (down >= 0) & (down < lens.height)
    return np.asarray(inside & (depth > lens.near) & (depth < lens.far))


def visibility(
    api: Any,
    pose: CameraPose,
    lens: Lens,
    bodies: Iterable[int],
    frame: Frame | None = None,
) -> dict[int, Visibility]:
    """Measures how a camera sees bodies.

    Args:
        api: A client's functions.
        pose: Pose of the camera.
        lens: Its lens.
        bodies: The bodies to measure.
        frame: The camera's current image, if it has been rendered already.
    """
    seen = frame or render(api, pose, lens)
    wanted = tuple(bodies)
    found: dict[int, Visibility] = {}
    with _all_hidden(api) as show:
        for body in wanted:
            with show(body):
                found[body] = _measure(api, pose, lens, body, seen)
    return found


def _measure(api: Any, pose: CameraPose, lens: Lens, body: int, frame: Frame) -> Visibility:
    corners = _corners(api, body)
    middle = corners.mean(axis=0)
    distance = float(np.linalg.norm(middle - np.asarray(pose.eye)))
    pixels = int((frame.segmentation == body).sum())
    u, v, depth = project(middle, pose, lens)[0]
    centre = (float(u), float(v)) if depth > lens.near else None
    window = _window(project(corners, pose, lens), lens)
    if window is None:
        return Visibility(pixels, 0, 0.0, 0.0, distance, centre)
    left, top, right, bottom = window
    mask = _alone(api, pose, lens, body, window)
    alone = int(mask.sum())
    rows = slice(max(0, -top), max(0, min(bottom, lens.height) - top))
    columns = slice(max(0, -left), max(0, min(right, lens.width) - left))
    framed = int(mask[rows, columns].sum())
    fraction = min(1.0, pixels / alone) if alone else 0.0
    return Visibility(pixels, alone, fraction, framed / alone if alone else 0.0, distance, centre)


def _corners(api: Any, body: int) -> NDArray[np.float64]:
    links = range(-1, api.getNumJoints(body))
    boxes = np.asarray([api.getAABB(body, link) for link in links])
    low, high = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
    grid = np.asarray([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)])
    return np.asarray(low + grid * (high - low))


def _window(corners: NDArray[np.float64], lens: Lens) -> tuple[int, int, int, int] | None:
    """Returns left, top, right, bottom of the whole pixels around a box, not cut at the edges."""
    across, down, depth = corners.T
    if depth.max() <= lens.near:
        return None
    if depth.min() <= lens.near:  # it reaches behind the camera: take the largest window
        half = LARGEST // 2
        x, y = lens.width // 2, lens.height // 2
        return x - half, y - half, x + half, y + half
    left, right = floor(across.min()) - 1, ceil(across.max()) + 1
    top, bottom = floor(down.min()) - 1, ceil(down.max()) + 1
    (left, right), (top, bottom) = (
        _limited(left, right, lens.width),
        _limited(top, bottom, lens.height),
    )
    return left, top, right, bottom


def _limited(low: int, high: int, size: int) -> tuple[int, int]:
    """Keeps at most :data:`LARGEST` pixels, those nearest the image."""
    if high - low <= LARGEST:
        return low, high
    start = min(max((size - LARGEST) // 2, low), high - LARGEST)
    return start, start + LARGEST


def _alone(
    api: Any, pose: CameraPose, lens: Lens, body: int, window: tuple[int, int, int, int]
) -> NDArray[np.bool_]:
    """Renders the window ``(left, top, right, bottom)``, in which only one body shows."""
    left, top, right, bottom = window
    width, height = right - left, bottom - top
    pixel = 2 * lens.near * tan(radians(lens.fov) / 2) / lens.height
    x, y = lens.width / 2, lens.height / 2
    projection = api.computeProjectionMatrix(
        (left - x) * pixel,
        (right - x) * pixel,
        (y - bottom) * pixel,
        (y - top) * pixel,
        lens.near,
        lens.far,
    )
    mask = api.getCameraImage(
        width,
        height,
        api.computeViewMatrix(pose.eye, pose.target, pose.up),
        projection,
        shadow=0,
        renderer=api.ER_TINY_RENDERER,
        flags=api.ER_SEGMENTATION_MASK_OBJECT_AND_LINKINDEX,
    )[4]
    values = np.asarray(mask, np.int32).reshape(height, width)
    return np.asarray((values >= 0) & ((values & BODY_MASK) == body))


@contextmanager
def _all_hidden(api: Any) -> Iterator[Any]:
    """Makes everything transparent; yields a context manager that shows one body."""
    shapes: dict[int, list[tuple[int, int, tuple[float, ...]]]] = {}
    for number in range(api.getNumBodies()):
        body = api.getBodyUniqueId(number)
        counts: dict[int, int] = {}
        for shape in api.getVisualShapeData(body):
            link = shape[1]
            counts[link] = counts.get(link, -1) + 1
            shapes.setdefault(body, []).append((link, counts[link], tuple(shape[7])))

    def paint(body: int, visible: bool) -> None:
        for link, index, color in shapes.get(body, ()):
            shade = color if visible else (*color[:3], 0.0)
            api.changeVisualShape(body, link, shapeIndex=index, rgbaColor=shade)

    @contextmanager
    def show(body: int) -> Iterator[None]:
        paint(body, True)
        try:
            yield
        finally:
            paint(body, False)

    try:
        for body in shapes:
            paint(body, False)
        yield show
    finally:
        for body in shapes:
            paint(body, True)
