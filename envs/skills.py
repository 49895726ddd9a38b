"""Results of skills, judged from physics."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SkillStatus(StrEnum):
    """How a skill ended."""

    DONE = "done"
    """Its intended effect holds in the simulated world."""
    FAILED = "failed"
    """It ended without its intended effect; the reason says why."""
    INTERRUPTED = "interrupted"
    """It was stopped from outside, or ran out of time, before its end."""
    REFUSED = "refused"
    """It was not started: an argument or the situation does not allow it."""


@dataclass(frozen=True, slots=True)
class SkillResult:
    """Outcome of a skill.

    Attributes:
        skill: Its name, with arguments, such as ``(pick red-block the-table)``.
        status: How it ended.
        reason: One line on what went wrong, ``""`` if nothing did.
        seconds: Simulated seconds that it took.
    """

    skill: str
    status: SkillStatus
    reason: str = ""
    seconds: float = 0.0

    @property
    def done(self) -> bool:
        """Whether its intended effect was achieved."""
        return self.status is SkillStatus.DONE
