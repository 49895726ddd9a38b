"""What a planner of the agent knows, and what it proposes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from surefoot.core.chat import ReplyStatus, Usage

CROSSING, TABLETOP = "crossing", "tabletop"
ENVIRONMENTS = (CROSSING, TABLETOP)
"""Where the agent acts."""


@dataclass(frozen=True, slots=True)
class PlanningContext:
    """What a planner knows.

    Attributes:
        env: ``crossing`` or ``tabletop``.
        task: Name of the task, such as ``left-at-light`` or ``tidy``.
        instruction: What to do, in English.
        world: The likeliest answer to each question about the scene, by fact.
        undecided: Facts whose conformal set has several answers, with these.
        goal: On the tabletop, what shall hold at the end, as PDDL atoms.
        objects: On the tabletop, the names of all things.
        history: Earlier plans of this decision, each with the feedback on it.
    """

    env: str
    task: str
    instruction: str
    world: Mapping[str, str] = field(hash=False)
    undecided: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    goal: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    history: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ProposedPlan:
    """One proposed plan.

    Attributes:
        text: The plan as written.
        confidence: How likely, in [0, 1], the planner finds it that the plan obeys the rules and
            reaches the goal; 1 of a search, which has none, and 0 of a language model whose
            confidence could not be read.
        source: Name of the planner.
        status: Status of the request.
        usage: Tokens, time and price.
        unsure: Why the confidence could not be read, else ``""``.
    """

    text: str
    confidence: float
    source: str
    status: ReplyStatus = ReplyStatus.ANSWERED
    usage: Usage = field(default_factory=Usage)
    unsure: str = ""


@runtime_checkable
class AgentPlanner(Protocol):
    """Anything that proposes plans.

    Attributes:
        name: Name of the planner, as :func:`~surefoot.agents.planning.registry.make` knows it.
    """

    name: str

    def propose(self, context: PlanningContext, k: int, seed: int) -> list[ProposedPlan]:
        """Proposes plans.

        Args:
            context: What it knows.
            k: How many plans; one that has no other always gives the same.
            seed: Seed of whatever is drawn.
        """
        ...
