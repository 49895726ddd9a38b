"""What an agent thought at each decision, saved for the report and the replay page."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from surefoot.calibration.decisions.router import Route


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why an agent stopped before the environment ended the episode.

    Attributes:
        outcome: Name of the outcome, see :class:`~surefoot.envs.episodes.outcome.EpisodeOutcome`.
        reason: One line.
    """

    outcome: str
    reason: str


@dataclass
class LoopStep:
    """One turn of the loop within a decision.

    Attributes:
        route: What it decided to do.
        reason: Why, in one line.
        views: Views that its belief rests on.
        facts: For each fact the probability of every option.
        members: For each fact the options in the joint set.
        matters: For each fact how much the verdict depends on it, in bits; only those that do.
        u_p: Least perception score of the facts that matter.
        u_d: Score of the plan.
        worlds: Number of possible worlds; ``None`` if too many to list.
        good: In how many of them the plan is good and allowed.
        plan: The plan in question.
        broken: Rules that it breaks in some world.
        feedback: What the planner gets.
        passed_over: Rules that the plan which was proposed first breaks in every possible world,
            where one that is good in all was adopted instead.
        view: With ``look``: where to.
        answer: With ``ask``: what was answered.
    """

    route: Route
    reason: str
    views: tuple[str, ...] = ()
    facts: dict[str, dict[str, float]] = field(default_factory=dict)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    matters: dict[str, float] = field(default_factory=dict)
    u_p: float = 0.0
    u_d: float = 0.0
    worlds: int | None = None
    good: int = 0
    plan: str = ""
    broken: tuple[str, ...] = ()
    feedback: str = ""
    passed_over: tuple[str, ...] = ()
    view: str = ""
    answer: str = ""


@dataclass
class DecisionRecord:
    """One decision: from the first look to an action, or to the end.

    Attributes:
        number: From 1.
        time: Simulated seconds at its start.
        thoughts: The turns of the loop; the last one is the decision.
        pictures: Files of the images that were taken, each with its view.
        truth: The true answers at its end.
        covered: Whether the joint set held the truth then.
        relied: Facts that the decision relied on; ``None`` for all.
        waits: Whether it was to wait.
        action: What was done, ``""`` for nothing.
        good: Whether the skill ended well.
        surprise: What was not as predicted.
        line: Line of the plan that the action came from, from 1; 0 for none.
        state: Where the plan was.
        rules: State of every rule, on the true facts, after the action.
    """

    number: int
    time: float
    thoughts: list[LoopStep] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)
    truth: dict[str, str] = field(default_factory=dict)
    covered: bool | None = None
    relied: tuple[str, ...] | None = None
    waits: bool = False
    action: str = ""
    good: bool = True
    surprise: str = ""
    line: int = 0
    state: str = ""
    rules: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data; probabilities have four digits."""
        data = asdict(self)
        for thought in data["thoughts"]:
            thought["facts"] = {
                fact: {option: round(p, 4) for option, p in chances.items()}
                for fact, chances in thought["facts"].items()
            }
            for name in ("u_p", "u_d"):
                thought[name] = round(thought[name], 4)
            thought["matters"] = {f: round(bits, 4) for f, bits in thought["matters"].items()}
        return data
