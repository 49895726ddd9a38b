"""Gates: what decides whether the agent may act.

A gate is a small object that follows the protocol :class:`Gate`. To add one, register a class
without arguments, by ``@GATES.register("mine")`` or as an entry point of the group
``surefoot.gates``, and name it in the setting ``gate``::

    @GATES.register("lucky")
    class LuckyGate(Gate):
        summary = "acts on any plan that is good in half of the possible worlds"

        def decide(self, at: GateInput) -> Decision:
            if at.u_d is None or at.u_d >= 0.5:
                return Decision(Route.ACT, "good enough")
            return Decision(Route.ABSTAIN, "too few worlds")

Source: Bhatt and others (MLSys 2025) for ``scores`` and the baseline ``aggregate``, which also
follows KnowNo (Ren and others, CoRL 2023); ``sets`` is Surefoot's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from surefoot.calibration.decisions.router import AggregateRouter, Decision, Route, Router
from surefoot.core.registry import Registry


@dataclass(frozen=True, slots=True)
class GateInput:
    """What a gate decides from.

    Attributes:
        u_p: Least perception score of the facts that matter, from 0 to 1.
        u_d: Score of the plan, from 0 to 1; ``None`` without a plan. Where the plan was verified,
            the fraction of possible worlds in which it is good.
        matters: Facts that the outcome depends on.
        verified: Whether the plan was verified at this turn.
        looks_left: Looks that may still be taken for this decision.
        repairs_left: Times that a plan may still be sent back.
        can_ask: Whether there is an operator.
        t_p: Threshold of ``u_p`` in the settings.
        t_d: Threshold of ``u_d`` in the settings.
    """

    u_p: float
    u_d: float | None
    matters: tuple[str, ...] = ()
    verified: bool = False
    looks_left: int = 0
    repairs_left: int = 0
    can_ask: bool = False
    t_p: float = 0.9
    t_d: float = 0.7


class Evidence(StrEnum):
    """Where the agent's knowledge of the scene comes from."""

    CAMERA = "camera"
    """Images, about which a model is asked."""
    OPERATOR = "operator"
    """The operator, who is asked for every fact."""
    SIMULATOR = "simulator"
    """The true state."""
    NONE = "none"
    """Nothing: it neither looks nor plans, and :meth:`Gate.decide` must not say act."""


class Gate(Protocol):
    """Decides whether the agent may act; subclasses inherit the defaults given here.

    Attributes:
        summary: What it is, in one line.
        weighs: Whether it rests on calibrated sets or scores, so that the agent looks again by
            them and its calibration must be of the same way of looking. If not, any calibration
            of the model serves, and :meth:`until` is not called.
        joint: Whether plans are verified in every world of the joint set, whose facts are
            narrowed to those that the decision relies on; else only in the likeliest world. The
            agent then looks by sets that were fixed before its calibration, and acts by others.
        evidence: Where its knowledge of the scene comes from.
    """

    summary: str = ""
    weighs: bool = False
    joint: bool = False
    evidence: Evidence = Evidence.CAMERA

    def decide(self, at: GateInput) -> Decision:
        """Returns what to do next; a plan that the operator approved is not brought here."""
        ...

    def until(self, t_p: float, t_d: float) -> str:
        """Returns what ends looking, as it is written in calibrations, such as ``u_p is 0.9``.

        Args:
            t_p: Threshold of ``u_p`` in the settings.
            t_d: Threshold of ``u_d`` in the settings.
        """
        return "it acts"


GateMaker = Callable[[], Gate]
"""Makes a gate; its class, as a rule."""

GATES: Registry[GateMaker] = Registry("gates", "gate")
"""Gates by name."""


def make_gate(name: str) -> Gate:
    """Makes a gate.

    Raises:
        InputError: There is none of that name.
    """
    return GATES.get(name)()


class SetsGate(Gate):
    """The plan must do the same, allowed thing in every world of the joint set."""

    weighs = joint = True

    def decide(self, at: GateInput) -> Decision:
        """Look or ask while the outcome depends on facts; then act, or repair a bad plan."""
        if not at.matters:
            return _by_scores(Router(0.0, 0.5), at, at.u_p)
        why = f"what happens depends on {', '.join(at.matters)}"
        if at.looks_left > 0:
            return Decision(Route.LOOK, why)
        why = f"{why}, and no looks are left"
        if not at.can_ask and at.verified and at.repairs_left > 0:
            return Decision(Route.REPAIR, why)
        return Decision(Route.ASK if at.can_ask else Route.ABSTAIN, why)

    def until(self, t_p: float, t_d: float) -> str:
        """Looking ends when no verdict depends on an undecided fact."""
        return "the sets settle"


class ScoresGate(Gate):
    """Both scores must reach their thresholds."""

    weighs = True

    def decide(self, at: GateInput) -> Decision:
        """Look below ``t_p``, repair below ``t_d``, else act."""
        return _by_scores(Router(at.t_p, at.t_d), at, at.u_p)

    def until(self, t_p: float, t_d: float) -> str:
        """Looking ends at ``t_p``."""
        return f"u_p is {t_p:g}"


class AggregateGate(Gate):
    """The lesser of both scores must reach one threshold."""

    weighs = True

    def decide(self, at: GateInput) -> Decision:
        """Look below ``t_d``, whichever score is the cause, else act."""
        both = min(at.u_p, 1.0 if at.u_d is None else at.u_d)
        router = AggregateRouter(at.t_d)
        return router.decide(both, views_left=at.looks_left, can_ask=at.can_ask)

    def until(self, t_p: float, t_d: float) -> str:
        """Looking ends at ``t_d``."""
        return f"both are {t_d:g}"


class OpenGate(Gate):
    """Nothing holds the agent back but a plan that is bad in the likeliest world."""

    def decide(self, at: GateInput) -> Decision:
        """Act, or repair a bad plan."""
        if at.u_d is None or at.u_d > 0:
            return Decision(Route.ACT, "nothing is in the way")
        return _by_scores(Router(at.t_p, at.t_d), at, 1.0)


class AlwaysAskGate(OpenGate):
    """An open gate that knows the scene from the operator."""

    evidence = Evidence.OPERATOR


class OracleGate(OpenGate):
    """An open gate that knows the true state."""

    evidence = Evidence.SIMULATOR


class ShutGate(Gate):
    """Never acts."""

    evidence = Evidence.NONE

    def decide(self, at: GateInput) -> Decision:
        """Abstain."""
        return Decision(Route.ABSTAIN, "it never does anything")


def _by_scores(router: Router, at: GateInput, u_p: float) -> Decision:
    return router.decide(
        u_p,
        at.u_d,
        views_left=at.looks_left,
        repairs_left=at.repairs_left,
        can_ask=at.can_ask,
    )


for _name, _kind, _summary in (
    (
        "sets",
        "SetsGate",
        "the plan must do the same, allowed thing in every world of the joint set",
    ),
    ("scores", "ScoresGate", "u_p and u_d must reach their thresholds, as in the paper"),
    (
        "aggregate",
        "AggregateGate",
        "one uncertainty of both, as in KnowNo: too high, look again, then ask",
    ),
    ("none", "OpenGate", "nothing: it acts on the likeliest world"),
    ("always-ask", "AlwaysAskGate", "it asks for every fact"),
    ("always-stop", "ShutGate", "it never does anything"),
    ("oracle", "OracleGate", "it knows the truth"),
):
    GATES.builtin(_name, f"surefoot.agents.gates:{_kind}", _summary)
