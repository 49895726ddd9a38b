"""The motions of which skills consist: grasping, carrying, putting, pushing."""

from __future__ import annotations

from collections.abc import Iterable
from math import cos, pi, remainder, sin
from random import Random

from surefoot.envs.tabletop.grasping import (
    blocker,
    free_slots,
    free_spots,
    grasps,
    occupant,
    opening,
)
from surefoot.envs.tabletop.robot import OPEN, HandPose, Point
from surefoot.envs.tabletop.things import FLOOR, HEIGHTS, LIP, TABLE, ThingKind
from surefoot.envs.tabletop.world import TabletopWorld, top_of

TRAVEL = 0.16
"""Least height in metres of the hand on its way."""

OVER = 0.05
"""Clearance in metres between what the hand carries and the highest object on its path."""

RELEASE = 0.004
"""Height in metres above its support at which a block is released."""

COLLISION = 8.0
"""Force in newtons from which touching something else counts as a collision."""

PUSH = 0.06
"""Metres that a push moves a block."""

DIRECTIONS: dict[str, tuple[float, float]] = {
    "left": (0.0, 1.0),
    "right": (0.0, -1.0),
    "away": (1.0, 0.0),
    "near": (-1.0, 0.0),
}
"""Directions as seen by the robot: unit vectors (x, y) in the world frame."""


class FailedError(Exception):
    """A motion cannot continue; the message is the reason."""


class Motions:
    """Motions of the arm in one world; they raise :class:`FailedError` if they cannot continue.

    Args:
        world: The world with its faults.
        seed: Seed of the faults: noise of positions, grasps that slip.
    """

    def __init__(self, world: TabletopWorld, seed: int) -> None:
        self._world = world
        self._noise = Random(f"{seed}:position")
        self._slips = Random(f"{seed}:slip")
        self._slip_at: float | None = None
        self._allowed: frozenset[str] = frozenset()
        self._carried: str | None = None

    def save(self) -> object:
        """Saves the random state and what is remembered (not the physics)."""
        return self._noise.getstate(), self._slips.getstate(), self._slip_at, self._carried

    def restore(self, saved: object) -> None:
        """Restores what :meth:`save` returned."""
        assert isinstance(saved, tuple)
        noise, slips, self._slip_at, self._carried = saved
        self._noise.setstate(noise)
        self._slips.setstate(slips)

    def begin(self) -> None:
        """Records what is held; nothing may be touched until a motion allows it."""
        self._allowed = frozenset()
        self._carried = self._world.held()

    def slip(self) -> None:
        """Releases a grasp if it is due to slip now."""
        if self._slip_at is not None and self._world.simulation.time >= self._slip_at:
            self._slip_at = None
            self._world.robot.let_go()

    def struck(self) -> str | None:
        """Returns what the robot, or what it carries, collides with."""
        world = self._world
        api = world.simulation.api
        contacts = [c for c in api.getContactPoints(world.robot.body) if c[9] > COLLISION]
        if self._carried is not None:
            carried = world.bodies[self._carried]
            found = api.getContactPoints(carried)
            contacts += [c for c in found if c[9] > COLLISION and c[2] != world.robot.body]
        for contact in contacts:
            name = world.names[contact[2]]
            if name not in self._allowed and name != self._carried and name != "the robot":
                return name
        return None

    def retreat(self) -> None:
        """Lifts the hand clear after a failure, so that the next skill can begin."""
        robot = self._world.robot
        pose = robot.pose.raised(min(robot.pose.position[2] + 0.12, 0.4))
        if robot.reaches(pose):
            robot.move(pose, 0.25)

    def rest(self) -> None:
        """Waits until all blocks and lids lie still, at most a second."""
        api = self._world.simulation.api
        bodies = [
            self._world.bodies[t.name] for t in self._world.scene.of(ThingKind.BLOCK, ThingKind.LID)
        ]
        for _ in range(20):
            self._world.robot.wait(3)
            speeds = [api.getBaseVelocity(body) for body in bodies]
            if all(max(map(abs, (*v, *(w / 10 for w in turn)))) < 0.01 for v, turn in speeds):
                return

    def height(self) -> float:
        """Height in metres at which the hand passes over everything."""
        world = self._world
        held = world.held()
        tops = [world.box(name)[1][2] for name in world.loose if name != held]
        hangs = 0.0
        if held is not None:
            hangs = world.robot.tool()[2] - world.box(held)[0][2]
        return max(TRAVEL, max(tops, default=0.0) + OVER + hangs)

    def rise(self) -> float:
        """Lifts the hand over everything and returns that height in metres."""
        robot = self._world.robot
        height = self.height()
        if robot.pose.position[2] < height - 0.001:
            robot.move(robot.pose.raised(height), 0.35, settle=0)
        return height

    def _above(self, pose: HandPose, height: float) -> None:
        robot = self._world.robot
        robot.move(robot.pose.raised(height), 0.35, settle=0)
        robot.move(pose.raised(height), 0.6, settle=2)

    def _noisy(self, pose: HandPose) -> HandPose:
        sigma = self._world.faults.position_noise
        if not sigma:
            return pose
        x, y, z = (v + self._noise.gauss(0, sigma) for v in pose.position)
        return HandPose.at((x, y, max(z, pose.position[2] - 0.004)), pose.yaw)

    def _choose(self, poses: Iterable[HandPose], width: float, ignore: frozenset[str]) -> HandPose:
        """Returns the first pose that the arm reaches and where the hand fits."""
        reason = "out of reach"
        robot = self._world.robot
        height = robot.pose.position[2]
        for pose in poses:
            if not (
                self._world.robot.reaches(pose) and self._world.robot.reaches(pose.raised(height))
            ):
                continue
            met = blocker(self._world, pose, width, ignore)
            if met is None:
                return pose
            reason = f"not graspable: {met} is in the way"
        raise FailedError(reason)

    def take(self, name: str, place: str = "") -> None:
        """Grasps an object and lifts it."""
        world, robot = self._world, self._world.robot
        thing = world.thing(name)
        height = self.rise()
        width = opening(thing)
        pose = self._noisy(self._choose(grasps(world, name), width, frozenset({name})))
        robot.open(width, ticks=0)
        self._above(pose, height)
        self._allowed = frozenset({name})
        robot.move(pose, 0.3, settle=2)
        robot.close()
        self._carried = name
        self._allowed = self._allowed | self._below(name)
        if self._slips.random() < world.faults.grasp_slip:
            self._slip_at = world.simulation.time + self._slips.uniform(0.1, 1.6)
        robot.move(pose.raised(max(height, pose.position[2] + 0.08)), 0.3, settle=1)
        if world.held() != name:
            robot.open()
            raise FailedError(f"slipped: the hand does not hold {name}")

    def _below(self, name: str) -> frozenset[str]:
        """Returns what an object may still touch while it is lifted."""
        bodies = {
            c[2] for c in self._world.simulation.api.getContactPoints(self._world.bodies[name])
        }
        return frozenset(self._world.names[b] for b in bodies)

    def _put(
        self,
        name: str,
        spots: Iterable[tuple[float, float, float]],
        yaws: Iterable[float],
        ignore: frozenset[str],
        occupied: str,
    ) -> None:
        """Puts what is held at the first place where it and the hand fit.

        Args:
            name: What is held.
            spots: Positions in metres of its lowest point, world frame.
            yaws: Angles in radians that it may have.
            ignore: What it is put on or in.
            occupied: Reason to report if no place is free.
        """
        world, robot = self._world, self._world.robot
        height = self.rise()
        self._check_held(name)
        width = opening(world.thing(name))
        pose, reason = None, occupied
        angles = list(yaws)
        extent = world.thing(name).extent
        for spot in spots:
            met = occupant(world, spot[:2], extent, spot[2] + 0.006, ignore | {name})
            if met is not None:
                reason = f"occupied: {met} is in the way"
                continue
            try:
                options = sorted(
                    (self._hand_for(name, spot, yaw) for yaw in angles), key=lambda p: abs(p.turn)
                )
                pose = self._choose(options, width, ignore | {name})
                break
            except FailedError as error:
                reason = str(error).replace("not graspable", "occupied")
        if pose is None:
            raise FailedError(reason)
        pose = self._noisy(pose)
        self._above(pose, height)
        self._check_held(name)
        self._allowed = ignore | {name}
        robot.move(pose, 0.2, settle=2)
        self._check_held(name)
        self._carried = None
        self._slip_at = None
        robot.open(width, ticks=8)
        robot.move(pose.raised(pose.position[2] + 0.06), 0.3, settle=0)
        robot.open(ticks=0)

    def _check_held(self, name: str) -> None:
        if self._world.held() != name:
            raise FailedError(f"slipped: the hand lost {name}")

    def _hand_for(self, name: str, spot: Point, yaw: float) -> HandPose:
        """Returns the hand's pose that puts what it holds at a spot.

        Args:
            name: What is held.
            spot: Target of its lowest point, metres, world frame.
            yaw: Angle in radians of its sides, or of the hand if it is round.
        """
        world = self._world
        x, y, z = world.position(name)
        tool = world.robot.tool()
        hand = world.robot.pose.yaw
        thing = world.thing(name)
        round_ = thing.shape == "cylinder" and not world.lies(name)
        relative = 0.0 if round_ else world.yaw(name) - hand
        low = world.box(name)[0][2]
        if thing.kind is ThingKind.LID:
            low = z - LIP
        new = HandPose.at(spot, yaw - relative).yaw
        turn = new - hand
        dx, dy = tool[0] - x, tool[1] - y
        at = (
            spot[0] + dx * cos(turn) - dy * sin(turn),
            spot[1] + dx * sin(turn) + dy * cos(turn),
            spot[2] + (tool[2] - low) + RELEASE,
        )
        return HandPose.at(at, new)

    def put_down(self, block: str, table: str) -> None:
        """Puts the held block on a free place on the table."""
        self.rise()
        spots = [(x, y, 0.0) for x, y in free_spots(self._world, block)[:12]]
        robot = self._world.robot
        straight = robot.pose.yaw + remainder(self._world.yaw(block) - robot.pose.yaw, pi / 2)
        yaws = [straight - robot.pose.turn, straight]
        self._put(block, spots, yaws, frozenset({TABLE}), f"no room on {TABLE}")

    def put_on(self, block: str, support: str) -> None:
        """Puts the held block on a pad, a plate or another block, aligned with it."""
        world = self._world
        x, y, z = world.position(support)
        top = (
            world.box(support)[1][2]
            if world.thing(support).kind is ThingKind.BLOCK
            else z + top_of(world.thing(support))
        )
        yaws = [world.yaw(support) + i * pi / 2 for i in range(2)]
        if world.thing(support).kind is ThingKind.PLATE or world.thing(support).shape == "cylinder":
            yaws = [world.yaw(block) + i * pi / 8 for i in range(-3, 5)]
        self._put(block, [(x, y, top)], yaws, frozenset({support}), "occupied")

    def put_in(self, block: str, container: str) -> None:
        """Puts the held block into a free slot of a container."""
        spots = [(x, y, FLOOR) for x, y in free_slots(self._world, block, container)]
        reason = f"occupied: no room in {container}"
        self._put(block, spots, [0.0, pi / 2], frozenset({container}), reason)

    def open_lid(self, lid: str, box: str) -> None:
        """Takes a lid off its box and lays it at its parking place."""
        self.take(lid)
        spot = self._world.scene.parking[lid]
        self._put(lid, [(spot.x, spot.y, 0.0)], [spot.yaw], frozenset({TABLE}), "occupied")

    def close_lid(self, lid: str, box: str) -> None:
        """Puts a lid back on its box."""
        self.take(lid)
        spot = self._world.scene.spots[box]
        low = HEIGHTS["box"] - LIP
        self._put(lid, [(spot.x, spot.y, low)], [spot.yaw], frozenset({box}), "occupied")

    def push(self, block: str, dx: float, dy: float) -> None:
        """Pushes a block by :data:`PUSH` metres in a direction ``(dx, dy)`` of length 1."""
        world, robot = self._world, self._world.robot
        height = self.rise()
        thing = world.thing(block)
        x, y, z = world.position(block)
        half = thing.edge / 2
        end = (x + dx * PUSH, y + dy * PUSH)
        met = occupant(world, end, (half * 1.5, half * 1.5), 0.006, frozenset({block}))
        if met is not None:
            raise FailedError(f"occupied: {met} is in the way")
        back = half * 1.42 + 0.03
        yaw = 0.0 if dx else pi / 2
        start = HandPose.at((x - dx * back, y - dy * back, max(z, 0.02)), yaw)
        pose = self._choose([start], 0.0, frozenset({block}))
        robot.close(ticks=0)
        self._above(pose, height)
        robot.move(pose, 0.3)
        self._allowed = frozenset({block})
        length = back - half - 0.0105 + PUSH
        goal = (pose.position[0] + dx * length, pose.position[1] + dy * length, pose.position[2])
        robot.move(HandPose.at(goal, yaw), 0.12)
        robot.move(robot.pose.raised(height), 0.3)
        robot.open(2 * OPEN, ticks=0)
