"""Ground truth of what cameras see, against geometry done by hand."""

from __future__ import annotations

from collections.abc import Iterator
from math import radians, tan

import numpy as np
import pytest

from surefoot.envs.cameras.camera import CameraPose, Lens, render
from surefoot.envs.cameras.visibility import in_frustum, project, visibility
from surefoot.envs.simulation.client import Simulation

pytestmark = pytest.mark.quick

POSE = CameraPose((2.0, 0.0, 0.0), (0.0, 0.0, 0.0))
LENS = Lens(160, 120, 60.0)


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    with Simulation() as simulation:
        yield simulation


def box(s: Simulation, place: tuple[float, float, float], half: float = 0.1, red: float = 1) -> int:
    api = s.api
    color = [red, 0.5, 0, 1]
    look = api.createVisualShape(api.GEOM_BOX, halfExtents=[half] * 3, rgbaColor=color)
    shape = api.createCollisionShape(api.GEOM_BOX, halfExtents=[half] * 3)
    return int(api.createMultiBody(0, shape, look, place))


def test_projection_agrees_with_the_renderer(simulation: Simulation) -> None:
    for place in [(0, 0, 0), (0.3, 0.6, -0.3), (-1, -0.5, 0.4)]:
        body = box(simulation, place, 0.02)
        rows, columns = np.nonzero(render(simulation.api, POSE, LENS).segmentation == body)
        u, v, depth = project([place], POSE, LENS)[0]
        assert columns.mean() + 0.5 == pytest.approx(u, abs=0.8)
        assert rows.mean() + 0.5 == pytest.approx(v, abs=0.8)
        assert depth == pytest.approx(2 - place[0])
        simulation.reset()


def test_the_frustum_by_hand() -> None:
    edge = 2 * tan(radians(30))
    up, out = (0, 0, edge - 0.01), (0, 0, edge + 0.01)
    behind, right = (3, 0, 0), (0, edge * 4 / 3 - 0.01, 0)
    assert list(in_frustum([up, out, behind, right], POSE, LENS)) == [True, False, False, True]


def test_what_stands_free_is_seen_whole(simulation: Simulation) -> None:
    near, far = box(simulation, (0, -0.3, 0)), box(simulation, (-0.5, 0.3, 0.1))
    frame = render(simulation.api, POSE, LENS)
    seen = visibility(simulation.api, POSE, LENS, [near, far], frame)
    assert [v.fraction for v in seen.values()] == [1.0, 1.0]
    assert [v.framed for v in seen.values()] == [1.0, 1.0]
    assert seen[near].pixels == (frame.segmentation == near).sum() > seen[far].pixels > 0
    assert seen[near].distance == pytest.approx(np.hypot(2, 0.3))
    assert seen[near].occluded == 0


def test_half_hidden_and_hidden(simulation: Simulation) -> None:
    back = box(simulation, (0, 0, 0), 0.25)
    half = box(simulation, (1.0, 0.203, 0), 0.2, red=0)  # its edge is at the optical axis
    seen = visibility(simulation.api, POSE, LENS, [back, half])
    assert seen[back].fraction == pytest.approx(0.5, abs=0.04)
    assert seen[back].framed == 1
    assert seen[back].occluded == pytest.approx(0.5, abs=0.04)
    assert seen[half].fraction == 1
    simulation.api.resetBasePositionAndOrientation(half, (1.0, 0, 0), (0, 0, 0, 1))
    hidden = visibility(simulation.api, POSE, LENS, [back])[back]
    assert (hidden.pixels, hidden.fraction, hidden.occluded) == (0, 0.0, 1.0)
    assert hidden.in_frustum
    assert hidden.alone > 100


def test_the_edge_of_the_image_counts(simulation: Simulation) -> None:
    edge = 2 * tan(radians(30)) * 160 / 120
    body = box(simulation, (0, edge, 0))
    seen = visibility(simulation.api, POSE, LENS, [body])[body]
    assert seen.framed == pytest.approx(0.5, abs=0.07)
    assert seen.fraction == pytest.approx(seen.framed)
    assert seen.occluded == 0
    away = box(simulation, (5, 0, 0))
    gone = visibility(simulation.api, POSE, LENS, [away])[away]
    assert (gone.pixels, gone.alone, gone.fraction, gone.centre) == (0, 0, 0.0, None)
    assert not gone.in_frustum


def test_near_and_large_bodies_stay_bounded(simulation: Simulation) -> None:
    floor = box(simulation, (0, 0, -8.2), 8.0)
    seen = visibility(simulation.api, POSE, LENS, [floor])[floor]
    assert 0 < seen.fraction <= 1
    assert seen.alone <= 640 * 640


def test_measuring_leaves_no_trace(simulation: Simulation) -> None:
    api = simulation.api
    parts = [[0.05] * 3, [0.03] * 3]
    look = api.createVisualShapeArray(
        shapeTypes=[api.GEOM_BOX] * 2,
        halfExtents=parts,
        visualFramePositions=[(0, 0, 0), (0, 0.1, 0)],
        rgbaColors=[(1, 0, 0, 1), (0, 0, 1, 0.5)],
    )
    two = api.createMultiBody(0, -1, look, (0, 0, 0.2))
    body = box(simulation, (0, 0, 0))
    before, state = render(api, POSE, LENS), simulation.state_hash()
    visibility(api, POSE, LENS, [two, body])
    after = render(api, POSE, LENS)
    assert np.array_equal(before.rgb, after.rgb)
    assert np.array_equal(before.segmentation, after.segmentation)
    assert simulation.state_hash() == state
