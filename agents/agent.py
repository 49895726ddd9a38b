"""The closed loop: see, calibrate, look again, plan, verify, act.

At each decision the agent holds a belief per fact and the joint conformal set that follows from
it for the facts that the decision relies on. A plan is judged in every world of that set before
anything moves. What the outcome depends on decides what to do: on facts that are undecided, look
again (or ask); on the plan, send it back with what is wrong with it; on nothing, act.

Source: Bhatt and others (MLSys 2025) for the two uncertainties and their two remedies; the joint
set, the verdict in every world and the routing by what the verdict depends on are Surefoot's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from surefoot.agents.belief import SceneBelief
from surefoot.agents.decisions import DecisionRecord, LoopStep, StopReason
from surefoot.agents.environments.base import ActionResult, AgentEnv, RgbImage, RunningPlan
from surefoot.agents.gates import Evidence, GateInput, make_gate
from surefoot.agents.guarantees import AgentCalibration
from surefoot.agents.operator import Operator
from surefoot.agents.perception.perceiver import Perceiver
from surefoot.agents.perception.restorers import Restorer
from surefoot.agents.planning.base import AgentPlanner
from surefoot.agents.planning.step import PlanningStep
from surefoot.agents.routing import (
    Assessment,
    fact_to_ask,
    looking_ends,
    perception_score,
    plan_is_bad,
    rely,
    route,
    weigh,
    worlds_within,
)
from surefoot.agents.sensing.strategies import RESTORED, LookState, Strategy, restored_from
from surefoot.agents.settings import AgentSettings
from surefoot.calibration.decisions.router import Decision, Route
from surefoot.core.errors import HarnessError

MAX_TURNS = 200
"""Turns of the loop within one decision at most; only a bug would need more."""


@dataclass(frozen=True)
class Tools:
    """What an agent is made of.

    Attributes:
        perceiver: Asks a model about images.
        calibration: What its answers are worth.
        planner: Proposes plans.
        strategy: Chooses views.
        operator: Can be asked.
        restorer: Removes noise from the last image, where the strategy chooses so.
        restoring_s: Seconds that one restoration is counted with.
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
        restores: How many of them asked about a restored image.
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


class Agent:
    """An agent in one episode at a time.

    Args:
        settings: How it is put together.
        tools: What it is made of.
        seed: Seed of the episode.
        keep: Called with every image and its view; returns the file that it was saved as.

    Attributes:
        moments: All decisions so far.
        counts: What they cost.
        ending: Why it stopped before the environment ended the episode; ``None`` while it runs.
    """

    def __init__(
        self,
        settings: AgentSettings,
        tools: Tools,
        seed: int = 0,
        keep: Callable[[RgbImage, str], str] | None = None,
    ) -> None:
        self.settings, self.tools = settings, tools
        self.decisions: list[DecisionRecord] = []
        self.counts = Counts()
        self.ending: StopReason | None = None
        self._keep = keep or (lambda _image, _view: "")
        self._gate = make_gate(settings.gate)
        self._rng = Random(f"agent:{settings.seed}:{seed}")
        self._belief = SceneBelief(tools.calibration)
        self._planning = PlanningStep(settings, tools.planner, tools.calibration, self._rng)
        self._last_image: RgbImage | None = None
        self._looks_left = settings.looks
        self._looking = False
        self._replans_left = settings.replans
        self._pauses = 0
        self._env: AgentEnv | None = None

    @property
    def env(self) -> AgentEnv:
        """The environment that it acts in."""
        assert self._env is not None, "call begin first"
        return self._env

    @property
    def belief(self) -> SceneBelief:
        """What it believes of the scene now."""
        return self._belief

    def begin(self, env: AgentEnv) -> None:
        """Called when the episode begins; once per agent."""
        self._env = env

    def act(self) -> str | None:
        """Decide what to do next, looking and planning as needed.

        Returns:
            An action of the environment, to be done now; ``None`` if the agent stops, see
            :attr:`ending`.
        """
        record = DecisionRecord(len(self.decisions) + 1, self.env.seconds())
        self.decisions.append(record)
        settings = self.settings
        self._looks_left = settings.looks if settings.sensing != "none" else 0
        self._looking = self._gate.joint and self._looks_left > 0
        blind = self._planning.verified and not self.env.moving
        try:
            action = self._decide(record)
        except HarnessError as error:
            action = self._stop("model_error", str(error))
        record.truth = self.env.truth()
        if self._belief.questions and not blind:
            sets = self._belief.facts(
                self.settings.alpha, waiting=record.waits, relied=record.relied
            )
            record.covered = sets.holds(record.truth)
        record.action = action or ""
        running = self._planning.running
        record.state = running.state if running is not None else ""
        return action

    def after(self, done: ActionResult) -> None:
        """Called with the result of the action."""
        record = self.decisions[-1]
        record.good, record.surprise = done.good, done.surprise
        record.rules = {s.rule.name: s.verdict.value for s in self.env.watch()}
        self.counts.skills += 1
        running = self._planning.running
        if running is not None:
            running.advance(done.action, self._likeliest())
            record.line, record.state = running.line, running.state
        if self.env.moving:
            self._belief.pass_time()
        elif done.surprise or not done.good:
            self._replans_left -= 1
            self._start_anew()

    def _start_anew(self) -> None:
        """Forget scene and plan, since the world is not as it was thought to be."""
        self._belief = SceneBelief(self.tools.calibration)
        self._planning.drop()

    def _decide(self, record: DecisionRecord) -> str | None:
        evidence = self._gate.evidence
        if evidence is Evidence.NONE:
            decision = self._gate.decide(GateInput(0.0, None))
            record.thoughts.append(LoopStep(decision.route, decision.reason))
            return self._pause() or self._stop("refused", decision.reason)
        if self._replans_left < 0:
            return self._stop("failed", "the world was not as planned for too often")
        if self._planning.verified and not self.env.moving:
            return self._continue_plan(record)
        if evidence is not Evidence.CAMERA:
            self._learn_truth()
        elif self.env.moving or not self._belief.views:
            self._look(self.env.views()[0], record, counted=False)
        for _ in range(MAX_TURNS):
            found = self._assess()
            record.relied, record.waits = found.relied, found.waits
            if found.failed is not None:
                record.thoughts.append(
                    self._thought(found, Decision(Route.ABSTAIN, found.failed.reason))
                )
                return self._stop(found.failed.outcome, found.failed.reason)
            decision = route(self._gate, self._situation(found), approved=self._planning.approved)
            if self._looking and looking_ends(decision, self._looks_left):
                # The rule that stops it uses other sets than those that it then acts by: only
                # so is the policy that stops one that was fixed before its calibration.
                self._looking, self._looks_left = False, 0
                continue
            thought = self._thought(found, decision)
            record.thoughts.append(thought)
            action = self._follow(decision, found, thought, record)
            if action is not _AGAIN:
                return action
        raise RuntimeError("the agent cannot make up its mind")

    def _follow(
        self, decision: Decision, found: Assessment, thought: LoopStep, record: DecisionRecord
    ) -> str | None:
        """Carry out a decision; returns :data:`_AGAIN` for another turn of the loop."""
        match decision.route:
            case Route.ACT:
                self._pauses = 0
                self._planning.verified = True
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
                    self._restore(record)
                else:
                    self._look(view, record, counted=True)
                return _AGAIN
            case Route.REPAIR:
                judged = found.verification
                self._planning.send_back(judged.feedback if judged is not None else "")
                self.counts.repairs += 1
                return _AGAIN
            case Route.ASK:
                return self._ask(found, thought)
            case _:
                if plan_is_bad(found):
                    assert found.verification is not None
                    broken = ", ".join(found.verification.broken)
                    return self._stop("invalid_plan", f"breaks {broken}")
                return self._pause() or self._stop("refused", decision.reason)

    def _continue_plan(self, record: DecisionRecord) -> str | None:
        """Take the next step of a plan that was verified in a world that stands still."""
        running = self._planning.running
        assert running is not None
        action = running.choices([self._likeliest()])[0]
        if action is not None:
            record.thoughts.append(LoopStep(Route.ACT, "the next step", plan=running.text))
            return action
        if self.env.end().success or self._replans_left == 0:
            return self._stop("gave_up", "the plan is at its end")
        self._replans_left -= 1
        self._start_anew()
        return self._decide(record)

    def _assess(self) -> Assessment:
        settings, planning = self.settings, self._planning
        facts = self._belief.facts(settings.alpha, looking=self._looking)
        found = Assessment(facts, self._likeliest())
        joint = self._gate.joint
        worlds = facts.worlds(self.env.possible) if joint else [found.likeliest]
        found.worlds = worlds
        if not worlds:  # too many to list, or none that fits together
            found.matters = dict.fromkeys(facts.undecided or facts.members, 0.0)
            return found
        planning.keep_for(found.likeliest)
        if planning.running is None:
            found.failed = planning.plan(self.env, found.likeliest, found.facts.undecided, worlds)
            if found.failed is not None:
                return found
            self.counts.plans += 1
        running = planning.running
        assert running is not None
        if joint and not self._looking:
            worlds = self._narrowed(found, running, worlds)
        outcomes, found.verification = planning.outcomes(running, worlds)
        chances = [self._belief.chance(w) for w in worlds]
        weigh(found, worlds, outcomes, chances, self.env.pause)
        return found

    def _narrowed(
        self, found: Assessment, running: RunningPlan, worlds: list[dict[str, str]]
    ) -> list[dict[str, str]]:
        """Restrict the promise to what the decision relies on; returns the worlds that remain.

        Where all possible worlds are too many to list, the decision relies on all facts.
        """
        belief, settings = self._belief, self.settings
        every = belief.facts(0.0, relied=()).worlds(self.env.possible)
        if not every or found.likeliest not in every:
            return worlds
        outcomes, _ = self._planning.outcomes(running, every)
        certainty = {f: float(belief.belief(f).max()) for f in belief.questions}
        found.relied, found.waits = rely(
            every, outcomes, found.likeliest, certainty, self.env.pause
        )
        found.facts = belief.facts(settings.alpha, waiting=found.waits, relied=found.relied)
        found.worlds = worlds_within(every, found.facts, found.relied)
        return found.worlds

    def _situation(self, found: Assessment) -> GateInput:
        settings = self.settings
        return GateInput(
            perception_score(found, self._belief.u_p),
            self._planning.u_d(found.verification),
            tuple(found.matters),
            found.verification is not None,
            self._looks_left,
            self._planning.repairs_left,
            settings.operator != "none",
            settings.t_p,
            settings.t_d,
        )

    def _thought(self, found: Assessment, decision: Decision) -> LoopStep:
        questions = self._belief.questions
        judged = found.verification
        return LoopStep(
            decision.route,
            decision.reason,
            tuple(self._belief.views),
            {
                f: dict(zip(q.options, self._belief.belief(f).tolist(), strict=True))
                for f, q in questions.items()
            },
            dict(found.facts.members),
            dict(found.matters),
            perception_score(found, self._belief.u_p),
            self._planning.u_d(judged) or 0.0,
            None if found.worlds is None else len(found.worlds),
            found.good,
            self._planning.text,
            judged.broken if judged else (),
            judged.feedback if judged else "",
            passed_over=self._planning.take_passed_over(),
        )

    def _choose(self, found: Assessment) -> str | None:
        matters = found.matters or dict.fromkeys(found.facts.undecided, 1.0)
        scene = LookState(
            self.env.name,
            self.env.views(),
            tuple(map(self.env.cost, self.env.views())),
            self._belief,
            matters,
            self.settings.alpha,
            self.env.moving,
            restored=self._last_image is None,
        )
        return self.tools.strategy.choose(scene, self._rng)

    def _look(self, view: str, record: DecisionRecord, *, counted: bool) -> None:
        before = self.env.seconds()
        image = self.env.look(view)
        questions = self.env.questions(view)
        answers = self.tools.perceiver.ask(image, questions)
        spent = self.env.seconds() - before
        if self.env.moving and self._belief.views:
            self._belief.pass_time()
            self._belief.keep([q.fact for q in questions])
        self._belief.add(view, questions, answers)
        record.pictures.append((view, self._keep(image, view)))
        self._last_image = image
        if counted:
            self._looks_left -= 1
            self.counts.looks += 1
            self.counts.look_seconds += spent

    def _restore(self, record: DecisionRecord) -> None:
        """Ask about the last image again, restored, and believe that instead; counts as a look."""
        assert self.tools.restorer is not None
        assert self._last_image is not None
        view, image = self._belief.views[-1], self.tools.restorer(self._last_image)
        questions = self.env.questions(view)
        answers = self.tools.perceiver.ask(image, questions)
        self._belief.add(view, questions, answers, instead=True)
        record.pictures.append((restored_from(view), self._keep(image, f"{view}-{RESTORED}")))
        self._last_image = None
        self._looks_left -= 1
        self.counts.looks += 1
        self.counts.restores += 1
        self.counts.look_seconds += self.tools.restoring_s

    def _learn_truth(self) -> None:
        """Learn the truth, from the simulator or by asking the operator for every fact."""
        truth = self.env.truth()
        home = self.env.views()[0]
        asks = self._gate.evidence is Evidence.OPERATOR
        questions = [q for q in self.env.questions(home) if q.fact in truth]
        self._belief = SceneBelief(self.tools.calibration)
        even = [np.full(len(q.options), 1 / len(q.options)) for q in questions]
        self._belief.add(home, questions, even)
        for question in questions:
            answer = self.tools.operator.answer(question, truth) if asks else truth[question.fact]
            if answer is not None:
                self._belief.tell(question.fact, answer)

    def _ask(self, found: Assessment, thought: LoopStep) -> str | None:
        """Ask for the fact that matters most, or whether a doubtful plan may be carried out."""
        operator = self.tools.operator
        fact = fact_to_ask(found, self._belief.u_p)
        if fact is not None:
            question = self._belief.questions[fact]
            answer = operator.answer(question, self.env.truth())
            thought.answer = f"{question.text} {answer or 'no answer'}"
            if answer is not None:
                self._belief.tell(fact, answer)
                return _AGAIN
        else:
            doubts = found.verification.broken if found.verification is not None else ()
            approved = operator.approve(self._planning.text, doubts)
            thought.answer = {True: "go", False: "do not", None: "no answer"}[approved]
            if approved:
                self._planning.approved = True
                return _AGAIN
            if approved is False:
                return self._pause() or self._stop("invalid_plan", thought.reason)
        return self._stop("asked_human", thought.reason)

    def _pause(self) -> str | None:
        """Returns the safe action, if there is one and patience is left."""
        if self.env.pause is None or self._pauses >= self.settings.patience:
            return None
        self._pauses += 1
        self.counts.pauses += 1
        return self.env.pause

    def _likeliest(self) -> dict[str, str]:
        return self._belief.likeliest(self.env.possible)

    def _stop(self, outcome: str, reason: str) -> str | None:
        """End the episode; returns no action."""
        self.ending = StopReason(outcome, reason)
        return None


_AGAIN = "\0again"
