"""The closed loop: see, calibrate, look again, plan, verify, act.

At each decision the agent holds a belief per fact and the joint conformal set that follows from
it for the facts that the decision relies on. A plan is judged in every world of that set before
anything moves. What the outcome depends on tells what to do: on facts that are undecided, look
again (or ask); on the plan, send it back with what is wrong with it; on nothing, act.

Source: Bhatt and others (MLSys 2025) for the two uncertainties and their two remedies; the joint
set, the verdict in every world and the routing by what the verdict depends on are Surefoot's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from surefoot.agents.guarantees import AgentCalibration
from surefoot.agents.moments import DecisionRecord, LoopStep
from surefoot.agents.operator import Operator
from surefoot.agents.perception.perceiver import Perceiver
from surefoot.agents.perception.questions import Answers
from surefoot.agents.perception.restorers import Restorer
from surefoot.agents.planning.base import AgentPlanner, ProposedPlan
from surefoot.agents.relevance import relevance, reliance
from surefoot.agents.sensing.strategies import RESTORED, LookState, Strategy, restored_from
from surefoot.agents.settings import ActGate, AgentSettings
from surefoot.agents.sight import FactSet, SceneBelief
from surefoot.agents.stages.base import (
    ActionResult,
    AgentEnv,
    Picture,
    PlanVerification,
    RunningPlan,
)
from surefoot.calibration.decisions.router import AggregateRouter, Decision, Route, Router
from surefoot.core.chat import ReplyStatus
from surefoot.core.errors import HarnessError, InputError

MAX_TURNS = 200
"""Turns of the loop within one decision at most; only a bug would need more."""


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why an agent stopped by itself.

    Attributes:
        outcome: Name of the outcome, see :class:`~surefoot.envs.episodes.outcome.EpisodeOutcome`.
        reason: One line.
    """

    outcome: str
    reason: str


@dataclass(frozen=True)
class Tools:
    """What an agent is made of.

    Attributes:
        perceiver: Asks a model about pictures.
        calibration: What its answers are worth.
        planner: Proposes plans.
        strategy: Chooses views.
        operator: Can be asked.
        restorer: Takes noise out of the last picture, if the strategy says so.
        restoring_s: Seconds that it is counted with.
    """

    perceiver: Perceiver
    calibration: AgentCalibration
    planner: AgentPlanner
    strategy: Strategy
    operator: Operator
    restorer: Restorer | None = None
    restoring_s: float = 0.0


@dataclass
class Counts:
    """What an episode cost.

    Attributes:
        looks: Looks beyond the first of each scene.
        look_seconds: Simulated seconds that they took.
        restores: How many of them asked about a restored picture.
        repairs: Plans that were sent back.
        plans: Plans that were adopted.
        pauses: Pauses.
        skills: Actions.
    """

    looks: int = 0
    look_seconds: float = 0.0
    restores: int = 0
    repairs: int = 0
    plans: int = 0
    pauses: int = 0
    skills: int = 0


@dataclass
class _Assessment:
    """What is known at one turn."""

    facts: FactSet
    likeliest: dict[str, str]
    worlds: list[dict[str, str]] | None = None
    judgement: PlanVerification | None = None
    action: str | None = None
    matters: dict[str, float] | None = None
    good: int = 0
    failed: StopReason | None = None
    relied: tuple[str, ...] | None = None
    waits: bool = False


class Agent:
    """An agent in one episode at a time.

    Args:
        settings: How it is put together.
        tools: What it is made of.
        seed: Seed of the episode.
        keep: Called with every picture and its view; returns the file it was kept as.

    Attributes:
        moments: All decisions so far.
        counts: What they cost.
        ending: Why it stopped by itself, ``None`` while it has not.
    """

    def __init__(
        self,
        settings: AgentSettings,
        tools: Tools,
        seed: int = 0,
        keep: Callable[[Picture, str], str] | None = None,
    ) -> None:
        self.settings, self.tools = settings, tools
        self.moments: list[DecisionRecord] = []
        self.counts = Counts()
        self.ending: StopReason | None = None
        self._keep = keep or (lambda _picture, _view: "")
        self._rng = Random(f"agent:{settings.seed}:{seed}")
        self._sight = SceneBelief(tools.calibration)
        self._shown: Picture | None = None
        self._course: RunningPlan | None = None
        self._candidate: ProposedPlan | None = None
        self._verified = False
        self._approved = False
        self._planned_for: dict[str, str] = {}
        self._history: list[tuple[str, str]] = []
        self._passed_over: tuple[str, ...] = ()
        self._looks_left = settings.looks
        self._looking = False
        self._repairs_left = settings.repairs
        self._replans_left = settings.replans
        self._pauses = 0
        self._stage: AgentEnv | None = None

    @property
    def stage(self) -> AgentEnv:
        """The world that it is in."""
        assert self._stage is not None, "call begin first"
        return self._stage

    @property
    def sight(self) -> SceneBelief:
        """What it knows of the scene now."""
        return self._sight

    def begin(self, stage: AgentEnv) -> None:
        """Is put into a world; once."""
        self._stage = stage

    def act(self) -> str | None:
        """Decides what to do next, looking and planning on the way.

        Returns:
            An action of the stage, to be done now; ``None`` if the agent stops, see
            :attr:`ending`.
        """
        moment = DecisionRecord(len(self.moments) + 1, self.stage.seconds())
        self.moments.append(moment)
        settings = self.settings
        self._looks_left = settings.looks if settings.sensing != "none" else 0
        self._looking = settings.gate is ActGate.SETS and self._looks_left > 0
        blind = self._verified and not self.stage.moving
        try:
            action = self._decide(moment)
        except HarnessError as error:
            action = self._stop("model_error", str(error))
        moment.truth = self.stage.truth()
        if self._sight.questions and not blind:
            sets = self._sight.facts(
                self.settings.alpha, waiting=moment.waits, relied=moment.relied
            )
            moment.covered = sets.holds(moment.truth)
        moment.action = action or ""
        moment.state = self._course.state if self._course is not None else ""
        return action

    def after(self, done: ActionResult) -> None:
        """Is told what came of the action."""
        moment = self.moments[-1]
        moment.good, moment.surprise = done.good, done.surprise
        moment.rules = {s.rule.name: s.verdict.value for s in self.stage.watch()}
        self.counts.skills += 1
        if self._course is not None:
            self._course.advance(done.action, self._likeliest())
            moment.line, moment.state = self._course.line, self._course.state
        if self.stage.moving:
            self._sight.pass_time()
        elif done.surprise or not done.good:
            self._replans_left -= 1
            self._start_anew()

    def _start_anew(self) -> None:
        """Forgets scene and plan, since the world is not as it was thought to be."""
        self._sight = SceneBelief(self.tools.calibration)
        self._drop_plan()

    def _drop_plan(self) -> None:
        self._course = None
        self._candidate = None
        self._verified = self._approved = False
        self._planned_for = {}
        self._history = []
        self._repairs_left = self.settings.repairs

    def _decide(self, moment: DecisionRecord) -> str | None:
        gate = self.settings.gate
        if gate is ActGate.ALWAYS_STOP:
            moment.thoughts.append(LoopStep(Route.ABSTAIN, "it never does anything"))
            return self._pause() or self._stop("refused", "it never does anything")
        if self._replans_left < 0:
            return self._stop("failed", "the world was not as planned for too often")
        if self._verified and not self.stage.moving:
            return self._go_on(moment)
        if gate in (ActGate.ORACLE, ActGate.ALWAYS_ASK):
            self._be_told(moment)
        elif self.stage.moving or not self._sight.views:
            self._look(self.stage.views()[0], moment, counted=False)
        for _ in range(MAX_TURNS):
            found = self._assess()
            moment.relied, moment.waits = found.relied, found.waits
            if found.failed is not None:
                moment.thoughts.append(
                    self._thought(found, Decision(Route.ABSTAIN, found.failed.reason))
                )
                return self._stop(found.failed.outcome, found.failed.reason)
            decision = self._route(found)
            if self._looking and (
                not self._looks_left or decision.route not in (Route.LOOK, Route.REPAIR)
            ):
                # The rule that stops it uses other sets than those that it then acts by: only
                # so is the policy that stops one that was fixed before its calibration.
                self._looking, self._looks_left = False, 0
                continue
            thought = self._thought(found, decision)
            moment.thoughts.append(thought)
            action = self._follow(decision, found, thought, moment)
            if action is not _AGAIN:
                return action
        raise RuntimeError("the agent cannot make up its mind")

    def _follow(
        self, decision: Decision, found: _Assessment, thought: LoopStep, moment: DecisionRecord
    ) -> str | None:
        """Does what was decided; returns :data:`_AGAIN` to go around once more."""
        match decision.route:
            case Route.ACT:
                self._pauses = 0
                self._verified = True
                if found.action is None:
                    return self._stop("gave_up", "the plan is at its end without the goal")
                return found.action
            case Route.LOOK:
                view = self._choose(found)
                if view is None:
                    self._looks_left = 0
                    thought.reason += "; no view would tell more"
                    return _AGAIN
                thought.view = view
                if view == RESTORED:
                    self._restore(moment)
                else:
                    self._look(view, moment, counted=True)
                return _AGAIN
            case Route.REPAIR:
                self._send_back(found)
                return _AGAIN
            case Route.ASK:
                return self._ask(found, thought)
            case _:
                judged = found.judgement
                if judged is not None and not judged.holds and not found.matters:
                    return self._stop("invalid_plan", f"breaks {', '.join(judged.broken)}")
                return self._pause() or self._stop("refused", decision.reason)

    def _go_on(self, moment: DecisionRecord) -> str | None:
        """Takes the next step of a plan that was verified in a world that stands still."""
        assert self._course is not None
        action = self._course.choices([self._likeliest()])[0]
        if action is not None:
            moment.thoughts.append(LoopStep(Route.ACT, "the next step", plan=self._course.text))
            return action
        if self.stage.end().success or self._replans_left == 0:
            return self._stop("gave_up", "the plan is at its end")
        self._replans_left -= 1
        self._start_anew()
        return self._decide(moment)

    def _assess(self) -> _Assessment:
        settings = self.settings
        facts = self._sight.facts(settings.alpha, looking=self._looking)
        found = _Assessment(facts, self._likeliest())
        worlds = facts.worlds(self.stage.possible) if settings.gate is ActGate.SETS else None
        if settings.gate is not ActGate.SETS:
            worlds = [found.likeliest]
        found.worlds = worlds
        if not worlds:  # too many to list, or none that fits together
            found.matters = dict.fromkeys(facts.undecided or facts.members, 0.0)
            return found
        if not self._verified and not self._approved and found.likeliest != self._planned_for:
            self._course = None  # it was made for another world than now seems likeliest
        if self._course is None:
            found.failed = self._plan(found, worlds)
            if found.failed is not None or self._course is None:
                return found
        course = self._course
        if settings.gate is ActGate.SETS and not self._looking:
            worlds = self._narrowed(found, course, worlds)
        outcomes, found.judgement = self._outcomes(course, worlds)
        found.good = sum(good and allowed for good, _, allowed in outcomes)
        chances = [self._sight.chance(w) for w in worlds]
        found.matters = relevance(worlds, outcomes, chances)
        _, found.action, allowed = outcomes[max(range(len(worlds)), key=chances.__getitem__)]
        if not allowed and self.stage.pause is not None and not found.matters:
            found.action = self.stage.pause  # the plan would go, its rules say wait
            found.good = len(worlds)
        return found

    def _outcomes(
        self, course: RunningPlan, worlds: Sequence[Answers]
    ) -> tuple[list[tuple[bool, str | None, bool]], PlanVerification | None]:
        """Returns for each world verdict, action and whether it is allowed; and the judgement."""
        verify = self.settings.verify
        judged = course.judge(worlds) if verify and not self._verified else None
        choices = course.choices(worlds)
        allowed = [
            not verify or c is None or course.allowed(c, w)
            for c, w in zip(choices, worlds, strict=True)
        ]
        good = [True] * len(worlds) if judged is None else judged.good.tolist()
        return list(zip(good, choices, allowed, strict=True)), judged

    def _narrowed(
        self, found: _Assessment, course: RunningPlan, worlds: list[dict[str, str]]
    ) -> list[dict[str, str]]:
        """Restricts the promise to what the decision relies on; returns the worlds that remain.

        These facts are chosen by what was seen and not by what is true, so that the sets of just
        these can be calibrated. Where all worlds there can be are too many to list, it is all.
        """
        sight, settings = self._sight, self.settings
        every = sight.facts(0.0, relied=()).worlds(self.stage.possible)
        if not every or found.likeliest not in every:
            return worlds
        outcomes, _ = self._outcomes(course, every)
        order = sorted(sight.questions, key=lambda f: float(sight.belief(f).max()))
        found.relied = reliance(every, outcomes, found.likeliest, order)
        _, action, allowed = outcomes[every.index(found.likeliest)]
        found.waits = self.stage.pause is not None and (action == self.stage.pause or not allowed)
        found.facts = sight.facts(settings.alpha, waiting=found.waits, relied=found.relied)
        members = found.facts.members
        remain = [w for w in every if all(w[f] in members[f] for f in found.relied)]
        found.worlds = remain or every
        return found.worlds

    def _route(self, found: _Assessment) -> Decision:
        settings = self.settings
        can_ask = settings.operator != "none"
        looks = self._looks_left
        u_p, u_d = self._u_p(found), self._u_d(found)
        if self._approved or settings.gate in (ActGate.NONE, ActGate.ORACLE, ActGate.ALWAYS_ASK):
            if u_d is None or u_d > 0 or self._approved:
                return Decision(Route.ACT, "nothing is in the way")
            u_p = 1.0
        if settings.gate is ActGate.AGGREGATE:
            both = min(u_p, 1.0 if u_d is None else u_d)
            return AggregateRouter(settings.t_d).decide(both, views_left=looks, can_ask=can_ask)
        if settings.gate is ActGate.SETS:
            names = ", ".join(found.matters or ())
            if found.matters:
                why = f"what happens depends on {names}"
                if looks > 0:
                    return Decision(Route.LOOK, why)
                if not can_ask and found.judgement is not None and self._repairs_left > 0:
                    return Decision(Route.REPAIR, f"{why}, and no looks are left")
                return _stuck(f"{why}, and no looks are left", can_ask)
            router = Router(0.0, 0.5)
        else:
            router = Router(settings.t_p, settings.t_d)
        return router.decide(
            u_p, u_d, views_left=looks, repairs_left=self._repairs_left, can_ask=can_ask
        )

    def _u_p(self, found: _Assessment) -> float:
        facts = found.matters or found.facts.members
        return min((self._sight.u_p(f) for f in facts), default=1.0)

    def _u_d(self, found: _Assessment) -> float | None:
        """Returns the verdict where the plan was verified, else what its confidence is worth."""
        if self._course is None or self._candidate is None:
            return None
        if found.judgement is not None:
            return float(found.judgement.good.mean())
        if self._verified or self.settings.verify:
            return 1.0
        plans = self.tools.calibration.plans
        if plans is None:
            return 1.0
        return float(plans.u_d([self._candidate.confidence])[0])

    def _thought(self, found: _Assessment, decision: Decision) -> LoopStep:
        beliefs = {f: self._sight.belief(f) for f in self._sight.questions}
        passed_over, self._passed_over = self._passed_over, ()
        judged = found.judgement
        return LoopStep(
            decision.route,
            decision.reason,
            tuple(self._sight.views),
            {
                f: dict(zip(self._sight.questions[f].options, b.tolist(), strict=True))
                for f, b in beliefs.items()
            },
            dict(found.facts.members),
            dict(found.matters or {}),
            self._u_p(found),
            self._u_d(found) or 0.0,
            None if found.worlds is None else len(found.worlds),
            found.good,
            self._course.text if self._course else "",
            judged.broken if judged else (),
            judged.feedback if judged else "",
            passed_over=passed_over,
        )

    def _plan(self, found: _Assessment, worlds: Sequence[Answers]) -> StopReason | None:
        """Asks for plans and adopts the best; returns why there is none."""
        brief = self.stage.brief(found.likeliest, found.facts.undecided, self._history)
        offers = self.tools.planner.propose(
            brief, self.settings.samples, self._rng.randrange(2**31)
        )
        best: tuple[tuple[float, float], RunningPlan, ProposedPlan] | None = None
        problem = ""
        rejected: tuple[str, ...] = ()
        for offer in offers:
            if offer.status is not ReplyStatus.ANSWERED:
                problem = problem or offer.status.value
                continue
            try:
                course = self.stage.adopt(offer.text)
            except InputError as error:
                problem = str(error)
                continue
            judged = course.judge(worlds) if self.settings.verify else None
            share = float(judged.good.mean()) if judged is not None else 0.0
            if judged is not None and share == 0 and best is None:
                rejected = judged.broken
            rank = share, offer.confidence
            if best is None or rank > best[0]:
                best = rank, course, offer
            if share == 1.0:
                break
        if best is None:
            return self._no_plan(offers, problem)
        (share, _), self._course, self._candidate = best
        self._passed_over = rejected if share == 1.0 else ()
        self._planned_for = dict(found.likeliest)
        self.counts.plans += 1
        return None

    def _no_plan(self, offers: Sequence[ProposedPlan], problem: str) -> StopReason:
        statuses = {o.status for o in offers}
        if statuses <= {ReplyStatus.SERVER_ERROR}:
            return StopReason("model_error", "the planner could not be asked")
        if statuses == {ReplyStatus.REFUSED}:
            return StopReason("refused", "the planner refuses to plan")
        return StopReason("unparsable", f"no plan could be read: {problem}")

    def _send_back(self, found: _Assessment) -> None:
        assert self._course is not None
        told = found.judgement.feedback if found.judgement is not None else ""
        self._history.append((self._course.text, told or "The plan may break a rule; try again."))
        self._course = self._candidate = None
        self._repairs_left -= 1
        self.counts.repairs += 1

    def _choose(self, found: _Assessment) -> str | None:
        matters = found.matters or dict.fromkeys(found.facts.undecided, 1.0)
        scene = LookState(
            self.stage.name,
            self.stage.views(),
            tuple(map(self.stage.cost, self.stage.views())),
            self._sight,
            matters,
            self.settings.alpha,
            self.stage.moving,
            restored=self._shown is None,
        )
        return self.tools.strategy.choose(scene, self._rng)

    def _look(self, view: str, moment: DecisionRecord, *, counted: bool) -> None:
        before = self.stage.seconds()
        picture = self.stage.look(view)
        questions = self.stage.questions(view)
        answers = self.tools.perceiver.ask(picture, questions)
        spent = self.stage.seconds() - before
        if self.stage.moving and self._sight.views:
            self._sight.pass_time()
            self._sight.keep([q.fact for q in questions])
        self._sight.add(view, questions, answers)
        moment.pictures.append((view, self._keep(picture, view)))
        self._shown = picture
        if counted:
            self._looks_left -= 1
            self.counts.looks += 1
            self.counts.look_seconds += spent

    def _restore(self, moment: DecisionRecord) -> None:
        """Asks about the last picture once more, restored, and believes that instead; a look."""
        assert self.tools.restorer is not None
        assert self._shown is not None
        view, picture = self._sight.views[-1], self.tools.restorer(self._shown)
        questions = self.stage.questions(view)
        answers = self.tools.perceiver.ask(picture, questions)
        self._sight.add(view, questions, answers, instead=True)
        moment.pictures.append((restored_from(view), self._keep(picture, f"{view}-{RESTORED}")))
        self._shown = None
        self._looks_left -= 1
        self.counts.looks += 1
        self.counts.restores += 1
        self.counts.look_seconds += self.tools.restoring_s

    def _be_told(self, moment: DecisionRecord) -> None:
        """Learns the truth, from the simulator or by asking for every fact."""
        truth = self.stage.truth()
        home = self.stage.views()[0]
        asks = self.settings.gate is ActGate.ALWAYS_ASK
        questions = [q for q in self.stage.questions(home) if q.fact in truth]
        self._sight = SceneBelief(self.tools.calibration)
        even = [np.full(len(q.options), 1 / len(q.options)) for q in questions]
        self._sight.add(home, questions, even)
        for question in questions:
            told = self.tools.operator.answer(question, truth) if asks else truth[question.fact]
            if told is not None:
                self._sight.tell(question.fact, told)

    def _ask(self, found: _Assessment, thought: LoopStep) -> str | None:
        """Asks for the fact that matters most, or whether a doubtful plan may go."""
        matters = {f: w for f, w in (found.matters or {}).items() if self._sight.u_p(f) < 1}
        if not matters and self._u_p(found) < 1 and found.judgement is None:
            matters = {f: 1 - self._sight.u_p(f) for f in found.facts.members}
        operator = self.tools.operator
        if matters:
            question = self._sight.questions[max(matters, key=matters.__getitem__)]
            answer = operator.answer(question, self.stage.truth())
            thought.answer = f"{question.text} {answer or 'no answer'}"
            if answer is not None:
                self._sight.tell(question.fact, answer)
                return _AGAIN
        else:
            text = self._course.text if self._course is not None else ""
            doubts = found.judgement.broken if found.judgement is not None else ()
            approved = operator.approve(text, doubts)
            thought.answer = {True: "go", False: "do not", None: "no answer"}[approved]
            if approved:
                self._approved = True
                return _AGAIN
            if approved is False:
                return self._pause() or self._stop("invalid_plan", thought.reason)
        return self._stop("asked_human", thought.reason)

    def _pause(self) -> str | None:
        """Returns the safe action, if there is one and patience is left."""
        if self.stage.pause is None or self._pauses >= self.settings.patience:
            return None
        self._pauses += 1
        self.counts.pauses += 1
        return self.stage.pause

    def _likeliest(self) -> dict[str, str]:
        return self._sight.likeliest(self.stage.possible)

    def _stop(self, outcome: str, reason: str) -> str | None:
        """Ends the episode; returns no action."""
        self.ending = StopReason(outcome, reason)
        return None


_AGAIN = "\0again"


def _stuck(why: str, can_ask: bool) -> Decision:
    return Decision(Route.ASK if can_ask else Route.ABSTAIN, why)
