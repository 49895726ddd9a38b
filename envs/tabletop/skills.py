"""The robot's skills: each moves the arm and is judged by the resulting physics state."""

from __future__ import annotations

from collections.abc import Callable
from math import dist

from surefoot.envs.cameras.camera import Frame
from surefoot.envs.cameras.rig import Rig
from surefoot.envs.simulation.client import TIMESTEP
from surefoot.envs.skills import SkillResult, SkillStatus
from surefoot.envs.tabletop.motions import DIRECTIONS, PUSH, FailedError, Motions
from surefoot.envs.tabletop.robot import HOME, TICK, HandPose, OutOfReachError
from surefoot.envs.tabletop.state import Facts, push_needs, read_facts
from surefoot.envs.tabletop.things import TABLE
from surefoot.envs.tabletop.world import TabletopWorld
from surefoot.pddl import GroundTask, Task
from surefoot.pddl.conditions import unsatisfied
from surefoot.pddl.language import PlanStep
from surefoot.pddl.validator import malformed

TIME_LIMIT = 20.0
"""Simulated seconds that a skill may take; the longest takes about six."""

Watcher = Callable[[], bool]
"""Called 60 times per simulated second; the skill is interrupted when it returns ``True``."""


class _InterruptedError(Exception):
    """The watcher or the clock ended the skill; the message is the reason."""


class Skills:
    """The skills of the arm in one world.

    ``run`` takes the nine actions of the tabletop domain; :meth:`home` and :meth:`push` change
    no fact of a task. Faults of the world (noise of positions, slipping grasps)
    are drawn from the seed.

    Args:
        world: The world.
        task: A task of the tabletop domain with the scene's names.
        seed: Seed of the faults.

    Attributes:
        watcher: See :data:`Watcher`.
        collisions: All collisions so far, as (simulated seconds, name).
    """

    def __init__(self, world: TabletopWorld, task: Task, seed: int = 0) -> None:
        self.world = world
        self.ground = GroundTask(task)
        self.watcher: Watcher | None = None
        self.collisions: list[tuple[float, str]] = []
        self._motions = Motions(world, seed)
        self._deadline = 0.0

    def facts(self) -> Facts:
        """Reads the facts that hold now."""
        return read_facts(self.world)

    def run(self, step: PlanStep) -> SkillResult:
        """Performs one action of the domain.

        It is refused if its precondition does not hold in the world, and counts as done only if
        all of its effects hold afterwards.

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
        motions = self._motions
        acts: dict[str, Callable[..., None]] = {
            "pick": motions.take,
            "unstack": motions.take,
            "take-out": motions.take,
            "put-down": motions.put_down,
            "place": motions.put_on,
            "stack": motions.put_on,
            "put-in": motions.put_in,
            "open-lid": motions.open_lid,
            "close-lid": motions.close_lid,
        }
        act = acts[step.action]
        return self._do(str(step), lambda: act(*step.args), lambda: self._missed(step))

    def home(self) -> SkillResult:
        """Moves the hand up and out of the front camera's view, with what it holds."""

        def move() -> None:
            height = self._motions.rise()
            self.world.robot.move(HandPose((*HOME[:2], max(HOME[2], height))))

        def judge() -> str:
            return "" if dist(self.world.robot.tool()[:2], HOME[:2]) < 0.01 else "not at home"

        return self._do("(home)", move, judge)

    def look(self, rig: Rig, viewpoint: str) -> tuple[SkillResult, Frame | None]:
        """Moves the free camera and takes a frame; simulated time passes meanwhile.

        Args:
            rig: The cameras, created with :meth:`wait` as ``advance``.
            viewpoint: Name of a viewpoint.

        Returns:
            The result and the frame; after an interruption the camera is where it was.

        Raises:
            InputError: There is no such viewpoint.
        """
        name = f"(look {viewpoint})"
        refusal = rig.refusal(viewpoint)
        if refusal:
            return SkillResult(name, SkillStatus.REFUSED, refusal), None
        saved = rig.save()
        frames: list[Frame] = []
        result = self._do(
            name, lambda: frames.append(rig.look(viewpoint).frame), lambda: "" if frames else "-"
        )
        if not frames:
            rig.restore(saved)
        return result, frames[0] if frames else None

    def wait(self, seconds: float) -> None:
        """Lets simulated time pass with the arm at rest."""
        self.world.robot.wait(round(seconds / (TICK * TIMESTEP)))

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

        return self._do(name, lambda: self._motions.push(block, dx, dy), judge)

    def save(self) -> object:
        """Saves the random state and what is remembered (not the physics)."""
        return self._motions.save(), tuple(self.collisions)

    def restore(self, saved: object) -> None:
        """Restores what :meth:`save` returned."""
        assert isinstance(saved, tuple)
        motions, collisions = saved
        self._motions.restore(motions)
        self.collisions = list(collisions)

    # how a skill begins and ends

    def _do(self, name: str, act: Callable[[], None], judge: Callable[[], str]) -> SkillResult:
        simulation, robot = self.world.simulation, self.world.robot
        start = simulation.time
        self._deadline = start + TIME_LIMIT
        self._motions.begin()
        status, reason = SkillStatus.FAILED, ""
        robot.on_tick = self._watch
        try:
            act()
        except (FailedError, OutOfReachError) as error:
            reason = str(error)
        except _InterruptedError as error:
            status, reason = SkillStatus.INTERRUPTED, str(error)
        finally:
            robot.on_tick = None
        if reason:
            robot.wait(6)
        if status is SkillStatus.FAILED and reason:
            self._motions.retreat()
        self._motions.rest()
        short = judge()
        if not short and status is SkillStatus.FAILED:
            status = SkillStatus.DONE  # its effect holds, whatever happened on the way
        return SkillResult(name, status, reason or short, simulation.time - start)

    def _watch(self) -> None:
        now = self.world.simulation.time
        self._motions.slip()
        name = self._motions.struck()
        if name is not None:
            self.collisions.append((now, name))
            raise FailedError(f"collision with {name}")
        if now > self._deadline:
            raise _InterruptedError(f"timeout after {TIME_LIMIT:.0f} s")
        if self.watcher is not None and self.watcher():
            raise _InterruptedError("stopped from outside")

    def _missed(self, step: PlanStep) -> str:
        """Returns which effects of an action do not hold; ``""`` if all do."""
        action = self.ground.ground(step)
        state = self._state()
        missing = [n for n in action.adds if n not in state]
        extra = [n for n in action.deletes if n in state and n not in action.adds]
        failures = [f"{a} does not hold" for a in sorted(map(str, self.ground.facts(missing)))]
        failures += [f"{a} still holds" for a in sorted(map(str, self.ground.facts(extra)))]
        return "; ".join(failures)

    def _state(self) -> set[int]:
        return {self.ground.number(f.predicate, *f.args) for f in self.facts()}
