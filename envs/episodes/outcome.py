"""Outcomes of episodes; every outcome counts in the denominator."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class EpisodeOutcome(StrEnum):
    """How an episode ended."""

    SUCCESS = "success"
    """The goal holds in the simulated world."""
    FAILED = "failed"
    """It ended without the goal, such as by a collision."""
    GAVE_UP = "gave_up"
    """The policy had no further action, and the goal does not hold."""
    OUT_OF_STEPS = "out_of_steps"
    """It reached the limit of skills or of simulated time."""
    VIOLATED = "violated"
    """A rule that counts was broken, whether or not the goal was reached."""
    INVALID_PLAN = "invalid_plan"
    """The agent found no plan that passes its own checks, and did not move."""
    UNPARSABLE = "unparsable"
    """No plan of its planner could be parsed."""
    REFUSED = "refused"
    """The agent, or its planner, refused to act."""
    ASKED_HUMAN = "asked_human"
    """The agent handed over to a person."""
    MODEL_ERROR = "model_error"
    """A model could not be queried."""
    TIMEOUT = "timeout"
    """It reached the wall-clock limit."""
    POLICY_ERROR = "policy_error"
    """The policy raised an exception."""
    SIM_ERROR = "sim_error"
    """The simulation, or the process that it ran in, broke down."""

    @property
    def tone(self) -> str:
        """Colour in images: ``good``, ``bad`` or ``warn``."""
        if self is EpisodeOutcome.SUCCESS:
            return "good"
        return "warn" if self in _NOBODYS_FAULT else "bad"

    @property
    def words(self) -> str:
        """The outcome in words."""
        return self.value.replace("_", " ")


_NOBODYS_FAULT = frozenset(
    {
        EpisodeOutcome.TIMEOUT,
        EpisodeOutcome.SIM_ERROR,
        EpisodeOutcome.MODEL_ERROR,
        EpisodeOutcome.REFUSED,
        EpisodeOutcome.ASKED_HUMAN,
    }
)


@dataclass(frozen=True, slots=True)
class EpisodeRecord:
    """Record of an episode, one line in ``episodes.jsonl``.

    Attributes:
        task: The task.
        seed: The seed.
        outcome: How it ended.
        reason: One line on what went wrong, ``""`` after a success.
        instruction: What was asked.
        steps: Every skill with its status and reason.
        progress: Fraction of the goal's conditions that hold at the end.
        simulated_s: Simulated seconds.
        wall_s: Wall-clock seconds.
        media: Files in the run folder's ``media`` by kind, ``video`` and ``last``.
        extra: What the environment adds, such as collisions.
    """

    task: str
    seed: int
    outcome: EpisodeOutcome
    reason: str = ""
    instruction: str = ""
    steps: list[dict[str, str]] = field(default_factory=list)
    progress: float = 0.0
    simulated_s: float = 0.0
    wall_s: float = 0.0
    media: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {**asdict(self), "outcome": self.outcome.value}
