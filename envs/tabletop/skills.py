"""The robot's skills: each moves the arm and is judged by what physics shows afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import cos, pi, remainder, sin
from random import Random

from surefoot.envs.skills import SkillResult, SkillStatus
from surefoot.envs.tabletop.grasping import (
    blocker,
    free_slots,
    free_spots,
    grasps,
    occupant,
    opening,
)
from surefoot.envs.tabletop.robot import HOME, OPEN, OutOfReachError, Point, Pose
from surefoot.envs.tabletop.state import Facts, push_needs, read_facts
from surefoot.envs.tabletop.things import FLOOR, HEIGHTS, LIP, TABLE, Kind
from surefoot.envs.tabletop.world import World, top_of
from surefoot.pddl import GroundTask, PlanStep, Task
from surefoot.pddl.conditions import unsatisfied
from surefoot.pddl.validator import malformed

TRAVEL = 0.16
"""Least height in metres of the hand on its way."""

OVER = 0.05
"""Metres between what the hand carries and the highest thing on its way."""

RELEASE = 0.004
"""Height in metres over its support at which a block is let go."""

TIME_LIMIT = 20.0
"""Simulated seconds that a skill may take; the longest takes about six."""

COLLISION = 8.0
"""Force in newtons from which touching something else counts as a collision."""

PUSH = 0.06
"""Metres that a push moves a block."""

DIRECTIONS: dict[str, tuple[float, float]] = {
    "left": (0.0, 1.0), "right": (0.0, -1.0), "away": (1.0, 0.0), "near": (-1.0, 0.0),
}  # fmt: skip
"""Unit vectors (x, y) in the world frame of what the robot calls so."""

Watcher = Callable[[], bool]
"""Asked 60 times a simulated second; the skill is interrupted when it returns ``True``."""


class _FailedError(Exception):
    """A skill cannot go on; the message is the reason."""


class _InterruptedError(Exception):
    """The watcher or the clock ended the skill; the message is the reason."""


class Skills:
    """The skills of the arm in one world.

    ``run`` takes the nine actions of the tabletop domain; :meth:`home` and :meth:`push` change
    no fact of a task by themselves. Faults of the world (noise of positions, slipping grasps)
    are drawn from the seed.

    Args:
        world: The world.
        task: A task of the tabletop domain with the scene's names.
        seed: Seed of the faults.

    Attributes:
        watcher: See :data:`Watcher`.
        collisions: All collisions so far, as (simulated seconds, name).
    """

    def __init__(self, world: World, task: Task, seed: int = 0) -> None:
        self.world = world
        self.ground = GroundTask(task)
        self.watcher: Watcher | None = None
        self.collisions: list[tuple[float, str]] = []
        self._noise = Random(f"{seed}:position")
        self._slips = Random(f"{seed}:slip")
        self._slip_at: float | None = None
        self._deadline = 0.0
        self._allowed: frozenset[str] = frozenset()
        self._carried: str | None = None

    def facts(self) -> Facts:
        """Reads the facts that hold now."""
        return read_facts(self.world)

    def run(self, step: PlanStep) -> SkillResult:
        """Does one action of the domain.

        It is refused if its precondition does not hold in the world, and done only if all of
        its effects do afterwards.

        Args:
            step: The ground action.
        """
        wrong = malformed(self.ground, step, 1)
        if wrong is not None:
            reason = wrong.message.partition(": ")[2]
            return SkillResult(str(step), SkillStatus.REFUSED, reason)
        action = self.ground.ground(step)
        missing = unsatisfied(action.precondition, self._state())
        if missing:
            return SkillResult(
                str(step), SkillStatus.REFUSED, f"does not hold: {', '.join(missing)}"
            )
        acts: dict[str, Callable[..., None]] = {
            "pick": self._take, "unstack": self._take, "take-out": self._take,
            "put-down": self._put_down, "place": self._put_on, "stack": self._put_on,
            "put-in": self._put_in, "open-lid": self._open, "close-lid": self._shut,
        }  # fmt: skip
        act = acts[step.action]
        return self._do(str(step), lambda: act(*step.args), lambda: self._missed(step))

    def home(self) -> SkillResult:
        """Moves the hand up and out of the front camera's way, with whatever it holds."""

        def move() -> None:
            self._raise()
            self.world.robot.move(Pose((*HOME[:2], max(HOME[2], self._height()))))

        return self._do("(home)", move, lambda: "")

    def push(self, block: str, direction: str) -> SkillResult:
        """Pushes a block that stands clear on the table by :data:`PUSH` metres.

        Args:
            block: Its name.
            direction: One of :data:`DIRECTIONS`.
        """
        name = f"(push {block} {direction})"
        missing = push_needs(block, self.facts())
        if missing:
            return SkillResult(name, SkillStatus.REFUSED, f"does not hold: {', '.join(missing)}")
        before = self.world.position(block)
        dx, dy = DIRECTIONS[direction]

        def judge() -> str:
            x, y, _ = self.world.position(block)
            moved = (x - before[0]) * dx + (y - before[1]) * dy
            if not any(f.predicate == "on" and f.args == (block, TABLE) for f in self.facts()):
                return f"{block} is no longer on {TABLE}"
            return "" if moved > PUSH / 2 else f"{block} moved {100 * moved:.1f} cm only"

        return self._do(name, lambda: self._push(block, dx, dy), judge)

    def save(self) -> object:
        """Keeps what is drawn and remembered (not the physics)."""
        draws = self._noise.getstate(), self._slips.getstate()
        return draws, self._slip_at, self._carried, tuple(self.collisions)

    def restore(self, kept: object) -> None:
        """Goes back to what :meth:`save` kept."""
        assert isinstance(kept, tuple)
        (noise, slips), self._slip_at, self._carried, collisions = kept
        self._noise.setstate(noise)
        self._slips.setstate(slips)
        self.collisions = list(collisions)

    # how a skill begins and ends

    def _do(self, name: str, act: Callable[[], None], judge: Callable[[], str]) -> SkillResult:
        simulation, robot = self.world.simulation, self.world.robot
        start = simulation.time
        self._deadline = start + TIME_LIMIT
        self._allowed = frozenset()
        status, reason = SkillStatus.FAILED, ""
        robot.on_tick = self._watch
        try:
            act()
        except (_FailedError, OutOfReachError) as error:
            reason = str(error)
        except _InterruptedError as error:
            status, reason = SkillStatus.INTERRUPTED, str(error)
        finally:
            robot.on_tick = None
            self._carried = self.world.held()
        if reason:
            robot.wait(6)
            self._retreat(status)
        else:
            self._rest()
            reason = judge()
            status = SkillStatus.FAILED if reason else SkillStatus.DONE
        return SkillResult(name, status, reason, simulation.time - start)

    def _watch(self) -> None:
        world = self.world
        now = world.simulation.time
        if self._slip_at is not None and now >= self._slip_at:
            self._slip_at = None
            world.robot.let_go()
        name = self._struck()
        if name is not None:
            self.collisions.append((now, name))
            raise _FailedError(f"collision with {name}")
        if now > self._deadline:
            raise _InterruptedError(f"timeout after {TIME_LIMIT:.0f} s")
        if self.watcher is not None and self.watcher():
            raise _InterruptedError("stopped from outside")

    def _struck(self) -> str | None:
        """Returns what the robot, or what it carries, runs into."""
        world = self.world
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

    def _retreat(self, status: SkillStatus) -> None:
        """After a failure, lifts the hand clear so that the next skill can begin."""
        if status is SkillStatus.FAILED:
            robot = self.world.robot
            _x, _y, z = robot.pose.position
            pose = robot.pose.raised(min(z + 0.12, 0.4))
            if robot.reaches(pose):
                robot.move(pose, 0.25)

    def _missed(self, step: PlanStep) -> str:
        """Says which effects of an action do not show; ``""`` if all do."""
        action = self.ground.ground(step)
        state = self._state()
        missing = [n for n in action.adds if n not in state]
        extra = [n for n in action.deletes if n in state and n not in action.adds]
        told = [f"{a} does not hold" for a in sorted(map(str, self.ground.facts(missing)))]
        told += [f"{a} still holds" for a in sorted(map(str, self.ground.facts(extra)))]
        return "; ".join(told)

    def _state(self) -> set[int]:
        return {self.ground.number(f.predicate, *f.args) for f in self.facts()}

    def _rest(self) -> None:
        """Waits until all blocks and lids lie still, at most a second."""
        api = self.world.simulation.api
        bodies = [self.world.bodies[t.name] for t in self.world.scene.of(Kind.BLOCK, Kind.LID)]
        for _ in range(20):
            self.world.robot.wait(3)
            speeds = [api.getBaseVelocity(body) for body in bodies]
            if all(max(map(abs, (*v, *(w / 10 for w in turn)))) < 0.01 for v, turn in speeds):
                return

    # motions

    def _height(self) -> float:
        """Height in metres at which the hand passes over everything."""
        world = self.world
        held = world.held()
        tops = [world.box(name)[1][2] for name in world.loose if name != held]
        hangs = 0.0
        if held is not None:
            hangs = world.robot.tool()[2] - world.box(held)[0][2]
        return max(TRAVEL, max(tops, default=0.0) + OVER + hangs)

    def _raise(self) -> float:
        robot = self.world.robot
        height = self._height()
        if robot.pose.position[2] < height - 0.001:
            robot.move(robot.pose.raised(height), 0.35, settle=0)
        return height

    def _above(self, pose: Pose, height: float) -> None:
        robot = self.world.robot
        robot.move(robot.pose.raised(height), 0.35, settle=0)
        robot.move(pose.raised(height), 0.6, settle=2)

    def _noisy(self, pose: Pose) -> Pose:
        sigma = self.world.faults.position_noise
        if not sigma:
            return pose
        x, y, z = (v + self._noise.gauss(0, sigma) for v in pose.position)
        return Pose.at((x, y, max(z, pose.position[2] - 0.004)), pose.yaw)

    def _choose(self, poses: Iterable[Pose], width: float, ignore: frozenset[str]) -> Pose:
        """Returns the first pose that the arm reaches and where the hand fits."""
        reason = "out of reach"
        robot = self.world.robot
        height = robot.pose.position[2]
        for pose in poses:
            if not (
                self.world.robot.reaches(pose) and self.world.robot.reaches(pose.raised(height))
            ):
                continue
            met = blocker(self.world, pose, width, ignore)
            if met is None:
                return pose
            reason = f"not graspable: {met} is in the way"
        raise _FailedError(reason)

    def _take(self, name: str, place: str = "") -> None:
        """Grasps a thing and lifts it."""
        world, robot = self.world, self.world.robot
        thing = world.thing(name)
        height = self._raise()
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
            raise _FailedError(f"slipped: the hand does not hold {name}")

    def _below(self, name: str) -> frozenset[str]:
        """Returns what a thing may still rub against while it is lifted off."""
        bodies = {c[2] for c in self.world.simulation.api.getContactPoints(self.world.bodies[name])}
        return frozenset(self.world.names[b] for b in bodies)

    def _put(self, name: str, spots: Iterable[tuple[float, float, float]], yaws: Iterable[float],
             ignore: frozenset[str], occupied: str) -> None:  # fmt: skip
        """Puts what is held at the first place where it and the hand fit.

        Args:
            name: What is held.
            spots: Positions in metres of its lowest point, world frame.
            yaws: Angles in radians that it may have.
            ignore: What it is put on or in.
            occupied: Reason if no place is left.
        """
        world, robot = self.world, self.world.robot
        height = self._raise()
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
            except _FailedError as error:
                reason = str(error).replace("not graspable", "occupied")
        if pose is None:
            raise _FailedError(reason)
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
        if self.world.held() != name:
            raise _FailedError(f"slipped: the hand lost {name}")

    def _hand_for(self, name: str, spot: Point, yaw: float) -> Pose:
        """Returns the hand's pose that puts what it holds at a spot.

        Args:
            name: What is held.
            spot: Where its lowest point shall be, metres, world frame.
            yaw: Angle in radians that its sides shall have, or the hand if it is round.
        """
        world = self.world
        x, y, z = world.position(name)
        tool = world.robot.tool()
        hand = world.robot.pose.yaw
        thing = world.thing(name)
        round_ = thing.shape == "cylinder" and not world.lies(name)
        relative = 0.0 if round_ else world.yaw(name) - hand
        low = world.box(name)[0][2]
        if thing.kind is Kind.LID:
            low = z - LIP
        new = Pose.at(spot, yaw - relative).yaw
        turn = new - hand
        dx, dy = tool[0] - x, tool[1] - y
        at = (
            spot[0] + dx * cos(turn) - dy * sin(turn),
            spot[1] + dx * sin(turn) + dy * cos(turn),
            spot[2] + (tool[2] - low) + RELEASE,
        )
        return Pose.at(at, new)

    # the actions

    def _put_down(self, block: str, table: str) -> None:
        self._raise()
        spots = [(x, y, 0.0) for x, y in free_spots(self.world, block)[:12]]
        robot = self.world.robot
        straight = robot.pose.yaw + remainder(self.world.yaw(block) - robot.pose.yaw, pi / 2)
        yaws = [straight - robot.pose.turn, straight]
        self._put(block, spots, yaws, frozenset({TABLE}), f"no room on {TABLE}")

    def _put_on(self, block: str, support: str) -> None:
        world = self.world
        x, y, z = world.position(support)
        top = (
            world.box(support)[1][2]
            if world.thing(support).kind is Kind.BLOCK
            else z + top_of(world.thing(support))
        )
        yaws = [world.yaw(support) + i * pi / 2 for i in range(2)]
        if world.thing(support).kind is Kind.PLATE or world.thing(support).shape == "cylinder":
            yaws = [world.yaw(block) + i * pi / 8 for i in range(-3, 5)]
        self._put(block, [(x, y, top)], yaws, frozenset({support}), "occupied")

    def _put_in(self, block: str, container: str) -> None:
        spots = [(x, y, FLOOR) for x, y in free_slots(self.world, block, container)]
        reason = f"occupied: no room in {container}"
        self._put(block, spots, [0.0, pi / 2], frozenset({container}), reason)

    def _open(self, lid: str, box: str) -> None:
        self._take(lid)
        spot = self.world.scene.parking[lid]
        self._put(lid, [(spot.x, spot.y, 0.0)], [spot.yaw], frozenset({TABLE}), "occupied")

    def _shut(self, lid: str, box: str) -> None:
        self._take(lid)
        spot = self.world.scene.spots[box]
        low = HEIGHTS["box"] - LIP
        self._put(lid, [(spot.x, spot.y, low)], [spot.yaw], frozenset({box}), "occupied")

    def _push(self, block: str, dx: float, dy: float) -> None:
        world, robot = self.world, self.world.robot
        height = self._raise()
        thing = world.thing(block)
        x, y, z = world.position(block)
        half = thing.edge / 2
        end = (x + dx * PUSH, y + dy * PUSH)
        met = occupant(world, end, (half * 1.5, half * 1.5), 0.006, frozenset({block}))
        if met is not None:
            raise _FailedError(f"occupied: {met} is in the way")
        back = half * 1.42 + 0.03
        yaw = 0.0 if dx else pi / 2
        start = Pose.at((x - dx * back, y - dy * back, max(z, 0.02)), yaw)
        pose = self._choose([start], 0.0, frozenset({block}))
        robot.close(ticks=0)
        self._above(pose, height)
        robot.move(pose, 0.3)
        self._allowed = frozenset({block})
        length = back - half - 0.0105 + PUSH
        goal = (pose.position[0] + dx * length, pose.position[1] + dy * length, pose.position[2])
        robot.move(Pose.at(goal, yaw), 0.12)
        robot.move(robot.pose.raised(height), 0.3)
        robot.open(2 * OPEN, ticks=0)
