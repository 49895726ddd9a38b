"""Scenes that stand still as environments of the agent: the real loop over recorded images."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from surefoot.agents.environments.base import NO_IMAGE, ActionResult, EpisodeEnd, RgbImage
from surefoot.agents.environments.driving import LINE, DrivingAgentEnv, RunningProgram
from surefoot.agents.environments.table import RunningSteps, TableAgentEnv
from surefoot.agents.perception.crossing_facts import CLOSED, GREEN, LIGHT, NO_LIGHT
from surefoot.agents.perception.perceiver import RecallingPerceiver
from surefoot.agents.perception.questions import NO, YES, Answers, FactQuestion
from surefoot.agents.perception.scenes import draw_state, draw_task, facts_of
from surefoot.agents.perception.views import pan_cost
from surefoot.agents.planning.base import CROSSING
from surefoot.agents.planning.place import IDLE
from surefoot.agents.sensing.scenery import StillScene, seconds_between
from surefoot.envs.tabletop.actions import Actions
from surefoot.envs.tabletop.problem import make_task
from surefoot.envs.tabletop.state import Facts, goal_holds
from surefoot.envs.tabletop.tasks import TabletopTask
from surefoot.pddl import GroundTask


class StillCamera:
    """A camera that is at once wherever it is wanted, and counts the seconds it would take.

    Args:
        still: The scene.
        perceiver: Is shown what the camera sees.
    """

    def __init__(self, still: StillScene, perceiver: RecallingPerceiver) -> None:
        self._still, self._perceiver = still, perceiver
        self._at = next(iter(still.answers))
        self._seconds, self._looked = 0.0, False
        self._answers = {
            view: dict(zip([q.fact for q in still.questions], given, strict=True))
            for view, given in still.answers.items()
        }

    def views(self) -> tuple[str, ...]:
        """All views, the present one first."""
        return (self._at, *(v for v in self._still.answers if v != self._at))

    def cost(self, view: str) -> float:
        """Seconds of moving there."""
        if self._still.env == CROSSING:
            return pan_cost(self._at, view).seconds
        return seconds_between(self._at, view)

    def look(self, view: str) -> RgbImage:
        """Shows the image from there."""
        if self._looked or view != self._at:  # where it rests it has an image already
            self._seconds += self.cost(view)
        self._at, self._looked = view, True
        self._perceiver.shown = self._answers[view]
        return NO_IMAGE

    def seconds(self) -> float:
        """Seconds that all looks would have taken."""
        return self._seconds


class _Table:
    """A table on which nothing is done."""

    def __init__(self, actions: Actions, facts: Facts) -> None:
        self.actions = actions
        self._facts = facts

    def facts(self) -> Facts:
        """The true facts."""
        return self._facts

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Does nothing."""
        raise RuntimeError("nothing is done in a scene that stands still")

    def close(self) -> None:
        """There is nothing to give back."""


class StillTable(TableAgentEnv):
    """A table that stands still.

    Verdicts on a plan in a world are kept, as many ways of looking ask for the same ones.

    Args:
        still: The scene.
        perceiver: Is shown what the camera sees.
    """

    def __init__(self, still: StillScene, perceiver: RecallingPerceiver) -> None:
        rng = Random(f"perception:tabletop:{still.seed}")
        drawn = draw_task(Random(f"perception:tabletop:{still.seed}"), still.seed)
        scene, held = draw_state(rng, still.seed)
        facts = facts_of(scene, held)
        goal: Any = drawn.task.problem.goal
        task = make_task(drawn.kind, scene, goal.children, facts)
        instance = TabletopTask(
            drawn.kind, drawn.difficulty, still.seed, drawn.instruction, scene, task
        )
        self._ground = GroundTask(task)
        self._verdicts: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
        self._fits: dict[tuple[str, ...], bool] = {}
        info = {"task": drawn.kind, "seed": still.seed, "instruction": drawn.instruction}
        table = _Table(Actions(instance, self._ground, ()), facts)
        self._made = still, perceiver
        super().__init__(table, StillCamera(still, perceiver), info)

    def anew(self) -> StillTable:
        """Puts the camera back to where it rests; verdicts are kept."""
        self._camera = StillCamera(*self._made)
        return self

    @property
    def done_before(self) -> bool:
        """Whether the goal holds already."""
        return goal_holds(self._ground, self._env.facts())

    def possible(self, world: Answers) -> bool:
        """Whether the places of all blocks fit together."""
        key = tuple(world.values())
        if key not in self._fits:
            self._fits[key] = super().possible(world)
        return self._fits[key]

    def adopt(self, text: str) -> RunningSteps:
        """Reads a plan."""
        return _CachedSteps(self, text, self._verdicts)


class _CachedSteps(RunningSteps):
    """Judges each world once."""

    def __init__(
        self,
        env: TableAgentEnv,
        text: str,
        cache: dict[tuple[str, tuple[str, ...]], tuple[str, ...]],
    ) -> None:
        super().__init__(env, text)
        self._cache = cache

    def wrong(self, world: Answers) -> tuple[str, ...]:
        key = self.text, tuple(f"{fact}={world[fact]}" for fact in sorted(world))
        if key not in self._cache:
            self._cache[key] = super().wrong(world)
        return self._cache[key]


class StillCrossing(DrivingAgentEnv):
    """The vehicle at its line at a moment that stands still; see :class:`~..stages.base.Stage`.

    Args:
        still: The scene.
        perceiver: Is shown what the camera sees.
    """

    moving: bool = False

    def __init__(self, still: StillScene, perceiver: RecallingPerceiver) -> None:
        super().__init__(still.task, still.seed, still.task.replace("-", " "))
        self._still, self._camera = still, StillCamera(still, perceiver)
        self._made = still, perceiver

    done_before = False
    """Nobody is over the crossing at the line."""

    def anew(self) -> StillCrossing:
        """Puts the camera back to where it rests."""
        self._camera = StillCamera(*self._made)
        return self

    def questions(self, view: str) -> tuple[FactQuestion, ...]:
        """What was asked."""
        return self._still.questions

    def views(self) -> tuple[str, ...]:
        """All views, the present one first."""
        return self._camera.views()

    def cost(self, view: str) -> float:
        """Seconds of turning the camera."""
        return self._camera.cost(view)

    def look(self, view: str) -> RgbImage:
        """Shows the image from there."""
        return self._camera.look(view)

    def truth(self) -> dict[str, str]:
        """The true answers."""
        return dict(self._still.truth)

    def where(self) -> str:
        """The vehicle stands at its line."""
        return LINE

    def adopt(self, text: str) -> RunningProgram:
        """Reads a program; the vehicle has stood here, so a first ``stop()`` is behind it."""
        running = super().adopt(text)
        lights = self.task.endswith(LIGHT)
        base = {
            LIGHT: CLOSED if lights else NO_LIGHT,
            "stop_sign": NO if lights else YES,
        }
        free = base | {LIGHT: GREEN if lights else NO_LIGHT}
        if running.choices([free]) == [IDLE]:
            running.advance(IDLE, base)
        return running

    def do(self, action: str) -> ActionResult:
        """Does nothing."""
        raise RuntimeError("nothing is done in a scene that stands still")

    def trace(self) -> Sequence[frozenset[str]]:
        """Nothing was done."""
        return ()

    def close(self) -> None:
        """There is nothing to give back."""

    def end(self) -> EpisodeEnd:
        """It is never over."""
        return EpisodeEnd(False, False)

    def seconds(self) -> float:
        """Seconds that all looks would have taken."""
        return self._camera.seconds()


def still_env(still: StillScene, perceiver: RecallingPerceiver) -> StillTable | StillCrossing:
    """Returns the environment of a scene."""
    made = StillCrossing if still.env == CROSSING else StillTable
    return made(still, perceiver)
