"""The planning step of the loop: asks a planner, verifies what it proposes, sends plans back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from surefoot.agents.decisions import StopReason
from surefoot.agents.environments.base import AgentEnv, PlanVerification, RunningPlan
from surefoot.agents.guarantees import AgentCalibration
from surefoot.agents.perception.questions import Answers
from surefoot.agents.planning.base import AgentPlanner, ProposedPlan
from surefoot.agents.routing import Outcome
from surefoot.agents.settings import AgentSettings
from surefoot.core.chat import ReplyStatus
from surefoot.core.errors import InputError


class PlanningStep:
    """The plan of an episode, from the first request to the last line.

    Args:
        settings: How many plans are asked for, how often they go back, whether they are verified.
        planner: Proposes plans.
        calibration: Says what the planner's confidence is worth.
        rng: Draws the seeds of requests.

    Attributes:
        running: The plan that was adopted; ``None`` before, and after it was sent back.
        verified: Whether the agent has begun to act by it.
        approved: Whether the operator approved it.
        repairs_left: Times that a plan may still be sent back.
    """

    def __init__(
        self,
        settings: AgentSettings,
        planner: AgentPlanner,
        calibration: AgentCalibration,
        rng: Random,
    ) -> None:
        self.running: RunningPlan | None = None
        self.verified = self.approved = False
        self.repairs_left = settings.repairs
        self._settings, self._planner, self._rng = settings, planner, rng
        self._calibration = calibration
        self._candidate: ProposedPlan | None = None
        self._planned_for: dict[str, str] = {}
        self._history: list[tuple[str, str]] = []
        self._passed_over: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The running plan as written, ``""`` if there is none."""
        return self.running.text if self.running is not None else ""

    def drop(self) -> None:
        """Forget the plan and all feedback on earlier ones."""
        self.running = self._candidate = None
        self.verified = self.approved = False
        self._planned_for, self._history = {}, []
        self.repairs_left = self._settings.repairs

    def keep_for(self, likeliest: Answers) -> None:
        """Drop a plan that was made for another world than now seems likeliest."""
        if not self.verified and not self.approved and likeliest != self._planned_for:
            self.running = None

    def plan(
        self,
        env: AgentEnv,
        likeliest: Answers,
        undecided: Mapping[str, tuple[str, ...]],
        worlds: Sequence[Answers],
    ) -> StopReason | None:
        """Ask for plans and adopt the best.

        Args:
            env: The environment, which reads plans.
            likeliest: The likeliest world.
            undecided: Facts with several possible options.
            worlds: Possible worlds, in which plans are verified.

        Returns:
            Why there is no plan; ``None`` if one was adopted.
        """
        context = env.context(likeliest, undecided, self._history)
        offers = self._planner.propose(context, self._settings.samples, self._rng.randrange(2**31))
        best: tuple[tuple[float, float], RunningPlan, ProposedPlan] | None = None
        problem = ""
        rejected: tuple[str, ...] = ()
        for offer in offers:
            if offer.status is not ReplyStatus.ANSWERED:
                problem = problem or offer.status.value
                continue
            try:
                running = env.adopt(offer.text)
            except InputError as error:
                problem = str(error)
                continue
            judged = running.judge(worlds) if self._settings.verify else None
            good = float(judged.good.mean()) if judged is not None else 0.0
            if judged is not None and good == 0 and best is None:
                rejected = judged.broken
            rank = good, offer.confidence
            if best is None or rank > best[0]:
                best = rank, running, offer
            if good == 1.0:
                break
        if best is None:
            return no_plan([offer.status for offer in offers], problem)
        (good, _), self.running, self._candidate = best
        self._passed_over = rejected if good == 1.0 else ()
        self._planned_for = dict(likeliest)
        return None

    def outcomes(
        self, running: RunningPlan, worlds: Sequence[Answers]
    ) -> tuple[list[Outcome], PlanVerification | None]:
        """Returns what happens in each world, and the plan's verification unless it was done."""
        verify = self._settings.verify
        judged = running.judge(worlds) if verify and not self.verified else None
        choices = running.choices(worlds)
        allowed = [
            not verify or c is None or running.allowed(c, w)
            for c, w in zip(choices, worlds, strict=True)
        ]
        good = [True] * len(worlds) if judged is None else judged.good.tolist()
        return list(map(Outcome, good, choices, allowed)), judged

    def u_d(self, verification: PlanVerification | None) -> float | None:
        """Returns the score of the plan, from 0 to 1; ``None`` without a plan.

        The fraction of worlds in which it is good where it was verified, else what the planner's
        confidence is worth.
        """
        if self.running is None or self._candidate is None:
            return None
        if verification is not None:
            return float(verification.good.mean())
        if self.verified or self._settings.verify:
            return 1.0
        plans = self._calibration.plans
        return 1.0 if plans is None else float(plans.u_d([self._candidate.confidence])[0])

    def send_back(self, feedback: str) -> None:
        """Give the plan back to the planner with what is wrong with it."""
        assert self.running is not None
        feedback = feedback or "The plan may break a rule; try again."
        self._history.append((self.running.text, feedback))
        self.running = self._candidate = None
        self.repairs_left -= 1

    def take_passed_over(self) -> tuple[str, ...]:
        """Returns the rules that the plan proposed first breaks everywhere; once per plan."""
        rules, self._passed_over = self._passed_over, ()
        return rules


def no_plan(statuses: Sequence[ReplyStatus], problem: str) -> StopReason:
    """Returns why an agent stops whose planner proposed nothing that can be used.

    Args:
        statuses: Status of every proposal.
        problem: What was wrong with the last text that could not be read.
    """
    found = set(statuses)
    if found <= {ReplyStatus.SERVER_ERROR}:
        return StopReason("model_error", "the planner could not be asked")
    if found == {ReplyStatus.REFUSED}:
        return StopReason("refused", "the planner refuses to plan")
    return StopReason("unparsable", f"no plan could be read: {problem}")
