"""Act, look again, repair, ask or abstain: decided from beliefs, sets, verdicts and settings.

Everything here is a pure function of its arguments. Nothing is drawn, and no model, planner,
camera or operator is used; :mod:`surefoot.agents.agent` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from surefoot.agents.belief import FactSet
from surefoot.agents.decisions import StopReason
from surefoot.agents.environments.base import PlanVerification
from surefoot.agents.gates import Gate, GateInput
from surefoot.agents.perception.questions import Answers
from surefoot.agents.relevance import relevance, reliance
from surefoot.calibration.decisions.router import Decision, Route


class Outcome(NamedTuple):
    """What happens now in one possible world.

    Attributes:
        good: Whether the plan is good there; true where it was not verified.
        action: The plan's action; ``None`` at its end.
        allowed: Whether the rules allow that action.
    """

    good: bool
    action: str | None
    allowed: bool


@dataclass
class Assessment:
    """What is known at one turn of the loop.

    Attributes:
        facts: The joint set.
        likeliest: The likeliest world.
        worlds: The possible worlds; ``None`` if too many to list.
        verification: The plan's verdict in each of them; ``None`` if it was not verified now.
        action: What the plan does in the likeliest of them.
        matters: The facts that the outcome depends on, in bits.
        good: Number of worlds in which the plan is good and its action allowed.
        failed: Why there is no plan, if there is none.
        relied: Facts that the decision relies on; ``None`` for all.
        waits: Whether the decision is to wait.
    """

    facts: FactSet
    likeliest: dict[str, str]
    worlds: list[dict[str, str]] | None = None
    verification: PlanVerification | None = None
    action: str | None = None
    matters: dict[str, float] = field(default_factory=dict)
    good: int = 0
    failed: StopReason | None = None
    relied: tuple[str, ...] | None = None
    waits: bool = False


def route(gate: Gate, at: GateInput, *, approved: bool = False) -> Decision:
    """Returns what to do next.

    Args:
        gate: What decides whether the agent may act.
        at: The situation.
        approved: Whether the operator approved the plan; no gate holds it back then.
    """
    return Decision(Route.ACT, "nothing is in the way") if approved else gate.decide(at)


def looking_ends(decision: Decision, looks_left: int) -> bool:
    """Whether the rule that stops looking applies: no looks are left, or nothing needs one."""
    return not looks_left or decision.route not in (Route.LOOK, Route.REPAIR)


def weigh(
    found: Assessment,
    worlds: Sequence[dict[str, str]],
    outcomes: Sequence[Outcome],
    chances: Sequence[float],
    pause: str | None,
) -> None:
    """Fills in what matters, the action, and in how many worlds all is well.

    Args:
        found: The assessment.
        worlds: Possible worlds, at least one.
        outcomes: What happens in each.
        chances: Their probabilities, in any unit.
        pause: The action that is always safe, if there is one.
    """
    found.good = sum(o.good and o.allowed for o in outcomes)
    found.matters = relevance(worlds, outcomes, chances)
    likeliest = outcomes[max(range(len(worlds)), key=chances.__getitem__)]
    found.action = likeliest.action
    if not likeliest.allowed and pause is not None and not found.matters:
        found.action = pause  # the plan would move on, but its rules say wait
        found.good = len(worlds)


def rely(
    worlds: Sequence[Answers],
    outcomes: Sequence[Outcome],
    likeliest: Answers,
    certainty: Mapping[str, float],
    pause: str | None,
) -> tuple[tuple[str, ...], bool]:
    """Returns the facts that a decision relies on, and whether it is to wait.

    These facts are chosen by what was seen and not by what is true, so that the sets of just
    these can be calibrated. The least certain facts are left out first.

    Args:
        worlds: All worlds that are possible at all.
        outcomes: What happens in each.
        likeliest: The likeliest of them.
        certainty: Probability of the likeliest option, by fact.
        pause: The action that is always safe, if there is one.
    """
    order = sorted(certainty, key=certainty.__getitem__)
    here = outcomes[worlds.index(likeliest)]
    waits = pause is not None and (here.action == pause or not here.allowed)
    return reliance(worlds, outcomes, likeliest, order), waits


def worlds_within(
    worlds: list[dict[str, str]], facts: FactSet, relied: Sequence[str]
) -> list[dict[str, str]]:
    """Returns the worlds that agree with the sets of some facts; all worlds if none does."""
    return [w for w in worlds if all(w[f] in facts.members[f] for f in relied)] or worlds


def perception_score(found: Assessment, u_p: Callable[[str], float]) -> float:
    """Returns the least u_p of the facts that matter; of all facts if none is known to matter.

    Args:
        found: The assessment.
        u_p: Returns the perception score of a fact, from 0 to 1.
    """
    return min((u_p(fact) for fact in found.matters or found.facts.members), default=1.0)


def fact_to_ask(found: Assessment, u_p: Callable[[str], float]) -> str | None:
    """Returns the unsure fact that matters most; ``None`` where only the plan is in doubt.

    Args:
        found: The assessment.
        u_p: Returns the perception score of a fact; 1 for what the operator answered.
    """
    matters = {fact: bits for fact, bits in found.matters.items() if u_p(fact) < 1}
    if not matters and found.verification is None and perception_score(found, u_p) < 1:
        matters = {fact: 1 - u_p(fact) for fact in found.facts.members}
    return max(matters, key=matters.__getitem__) if matters else None


def plan_is_bad(found: Assessment) -> bool:
    """Whether the plan, and no undecided fact, is why the agent cannot act."""
    judged = found.verification
    return judged is not None and not judged.holds and not found.matters
