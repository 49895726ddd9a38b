"""The tasks: a turn at a crossing with lights or stop signs, and the amount of traffic."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from random import Random

from surefoot.core.errors import InputError
from surefoot.envs.crossing.geometry import Turn
from surefoot.envs.crossing.signals import HALF
from surefoot.envs.crossing.street import LIGHT, SIGN, Street

KINDS = (LIGHT, SIGN)

TASKS = tuple(f"{turn}-at-{kind}" for kind in KINDS for turn in Turn)
"""Names of the six tasks."""

LIGHT_RULES = frozenset(
    {
        "straight-on-green-only",
        "move-once-at-green",
        "stop-without-green",
        "go-on-green",
        "right-on-red-clear-left",
    }
)
"""Rules of the driving rulebook that refer to the light. They do not apply where there is none:
``straight-on-green-only`` would forbid driving straight on at a stop sign."""

_CAR_SECONDS, _WALKER_SECONDS = (40.0, 6.0), (40.0, 4.0)


@dataclass(frozen=True, slots=True)
class CrossingScene:
    """Initial scene of an episode.

    Attributes:
        task: Name of the task.
        turn: The turn at the crossing.
        kind: ``light`` or ``sign``.
        crossing: Number of the crossing.
        arm: The arm from which the vehicle approaches.
        street: The street.
        gap: Metres from the vehicle's front to the stop line at the start.
        car_seconds: Mean seconds between cars at each end of the street.
        walker_seconds: Mean seconds between people in the whole street.
    """

    task: str
    turn: Turn
    kind: str
    crossing: int
    arm: int
    street: Street
    gap: float
    car_seconds: float
    walker_seconds: float

    @property
    def instruction(self) -> str:
        """The task in English."""
        return instruction_of(self.task)

    def rule_applies(self, rule: str) -> bool:
        """Returns whether a rule of the driving rulebook, by name, applies here."""
        return self.kind == LIGHT or rule not in LIGHT_RULES


def instruction_of(task: str) -> str:
    """Returns a task in English.

    Raises:
        InputError: There is no such task.
    """
    check_task(task)
    turn, _, kind = task.partition("-at-")
    where = "the traffic light" if kind == LIGHT else "the stop sign"
    way = "Go straight on" if turn == Turn.STRAIGHT else f"Turn {turn}"
    return f"{way} at {where}, then stop on the far side of the crossing."


def draw_scene(
    task: str, difficulty: float, seed: int, *, columns: int = 2, rows: int = 1
) -> CrossingScene:
    """Draws a scene; the same arguments give the same one.

    Args:
        task: One of :data:`TASKS`.
        difficulty: From 0, empty streets, to 1, a car every 6 s at each end of the street and
            someone on foot every 4 s.
        seed: Any whole number.
        columns: Crossings from west to east.
        rows: Crossings from south to north.

    Raises:
        InputError: There is no such task or difficulty, or no such crossing in the street.
    """
    check_task(task)
    check_difficulty(difficulty)
    rng = Random(f"crossing:{task}:{seed}:scene")
    turn, _, kind = task.partition("-at-")
    offsets = tuple(rng.uniform(0, 2 * HALF) for _ in range(columns * rows))
    street = Street(columns, rows, offsets)
    places = street.places(kind)
    if not places:
        raise InputError(f"a street of {columns} by {rows} crossings has none with a {kind}")
    crossing, arm = rng.choice(places)
    return CrossingScene(
        task,
        Turn(turn),
        kind,
        crossing,
        arm,
        street,
        rng.uniform(0.1, 0.4),
        _mean(_CAR_SECONDS, difficulty),
        _mean(_WALKER_SECONDS, difficulty),
    )


def _mean(ends: tuple[float, float], difficulty: float) -> float:
    """Interpolates the rate of arrivals, which is 0 at difficulty 0."""
    if difficulty == 0:
        return inf
    return 1 / (1 / ends[0] + difficulty * (1 / ends[1] - 1 / ends[0]))


def check_task(task: str) -> None:
    """Checks the name of a task.

    Raises:
        InputError: There is no such task.
    """
    if task not in TASKS:
        raise InputError(f"unknown task {task!r}; the crossing has {', '.join(TASKS)}")


def check_difficulty(difficulty: float) -> None:
    """Checks a difficulty.

    Raises:
        InputError: It is not a number in [0, 1].
    """
    good = isinstance(difficulty, (int, float)) and not isinstance(difficulty, bool)
    if not good or not 0 <= difficulty <= 1:
        raise InputError(f"the difficulty must be a number from 0 to 1, not {difficulty!r}")
