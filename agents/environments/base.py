"""What the agent must know of a world, and of a plan that it has adopted in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from surefoot.agents.perception.questions import Answers, FactQuestion
from surefoot.agents.planning.base import PlanningContext
from surefoot.verification.monitoring.monitor import RuleStatus

RgbImage = NDArray[np.uint8]
"""Colours, ``[H, W, 3]``."""

NO_IMAGE: RgbImage = np.zeros((1, 1, 3), np.uint8)
"""Where only the answers about an image are kept."""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What an action did.

    Attributes:
        action: The action as text.
        good: Whether the skill ended as it should.
        reason: Why not, ``""`` if it did.
        surprise: How the world differs from what the plan predicts, ``""`` if it does not.
    """

    action: str
    good: bool
    reason: str = ""
    surprise: str = ""


@dataclass(frozen=True, slots=True)
class EpisodeEnd:
    """How an episode stands.

    Attributes:
        over: Whether nothing can be done any more.
        success: Whether the goal holds.
        reason: One line on why not.
        progress: Fraction of the goal that holds, from 0 to 1.
    """

    over: bool
    success: bool
    reason: str = ""
    progress: float = 0.0


@dataclass(frozen=True, eq=False)
class PlanVerification:
    """A plan judged in every possible world before anything moves.

    Attributes:
        good: ``[worlds]``: where it reaches the goal and breaks no rule that counts.
        broken: Names of the rules that some world breaks; ``goal`` and ``executable`` stand for
            a plan that does not get there.
        feedback: What to tell a planner, ``""`` if all is well.
    """

    good: NDArray[np.bool_]
    broken: tuple[str, ...] = ()
    feedback: str = ""

    @property
    def holds(self) -> bool:
        """Whether the plan is good in every world."""
        return bool(self.good.all())


class RunningPlan(Protocol):
    """A plan that was read and is being carried out.

    Attributes:
        text: The plan as it was proposed.
    """

    text: str

    @property
    def line(self) -> int:
        """Line of the plan that was carried out last, from 1; 0 before the first."""
        ...

    def judge(self, worlds: Sequence[Answers]) -> PlanVerification:
        """Judges what is left of the plan in every world."""
        ...

    def choices(self, worlds: Sequence[Answers]) -> list[str | None]:
        """Returns what the plan would do now in each world; ``None`` where it is at its end."""
        ...

    def allowed(self, action: str, world: Answers) -> bool:
        """Whether an action in a world breaks no rule that counts for good."""
        ...

    def advance(self, action: str, world: Answers) -> None:
        """Called with what was done, and the likeliest world in which it was."""
        ...

    @property
    def state(self) -> str:
        """Where the plan is, for people."""
        ...


class AgentEnv(Protocol):
    """One episode of a world.

    Attributes:
        name: ``crossing`` or ``tabletop``.
        task: The task.
        seed: The seed.
        instruction: What is asked for, in English.
        pause: An action that is safe while the agent does not know enough; ``None`` if there is
            none, as in a world that does not change on its own.
        moving: Whether the world changes on its own, so that what was seen a step ago is old.
    """

    name: str
    task: str
    seed: int
    instruction: str
    moving: bool

    @property
    def pause(self) -> str | None:
        """See above."""
        ...

    def questions(self, view: str) -> tuple[FactQuestion, ...]:
        """Returns what must be known now, asked about an image from a view."""
        ...

    def views(self) -> tuple[str, ...]:
        """Returns all views; the first is where the camera is when nothing was asked of it."""
        ...

    def cost(self, view: str) -> float:
        """Returns the seconds that a look would take from where the camera is."""
        ...

    def look(self, view: str) -> RgbImage:
        """Moves the camera and takes an image, with all that goes wrong on the way."""
        ...

    def truth(self) -> dict[str, str]:
        """Returns the true answers, for graders and a scripted operator."""
        ...

    def possible(self, world: Answers) -> bool:
        """Whether answers fit together."""
        ...

    def context(
        self,
        world: Answers,
        undecided: Mapping[str, tuple[str, ...]],
        history: Sequence[tuple[str, str]] = (),
    ) -> PlanningContext:
        """Returns what a planner knows."""
        ...

    def adopt(self, text: str) -> RunningPlan:
        """Reads a plan.

        Raises:
            InputError: It cannot be read.
        """
        ...

    def do(self, action: str) -> ActionResult:
        """Carry out an action and return its result."""
        ...

    def watch(self) -> tuple[RuleStatus, ...]:
        """Returns every rule that counts, watched on the true facts of what was done."""
        ...

    def trace(self) -> Sequence[frozenset[str]]:
        """Returns the true propositions of every step so far, with the actions."""
        ...

    def end(self) -> EpisodeEnd:
        """Returns how the episode stands."""
        ...

    def seconds(self) -> float:
        """Returns the simulated seconds so far."""
        ...

    def close(self) -> None:
        """Release all resources."""
        ...
