"""What an agent knows of a scene: a belief per fact, fused over views and never replaced."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import log, prod

import numpy as np

from surefoot.agents.guarantees import AgentCalibration, options_of
from surefoot.agents.perception.questions import Answers, FactQuestion
from surefoot.calibration.arrays import Floats
from surefoot.calibration.decisions.belief import fuse

MAX_WORLDS = 512
"""Worlds that a plan is judged in at most; with more the agent must look again or ask."""


_REMEMBERED = 6
"""Views that are still named after time has passed."""


@dataclass(frozen=True, slots=True)
class FactSet:
    """The joint conformal set of a scene: what each fact may be.

    Attributes:
        members: The possible options by fact, the likeliest first.
        alpha: Allowed probability that some fact's truth is missing.
    """

    members: Mapping[str, tuple[str, ...]]
    alpha: float

    def of(self, facts: Collection[str] | None) -> FactSet:
        """Returns the sets of some facts only; of all for ``None``."""
        if facts is None:
            return self
        return FactSet({f: o for f, o in self.members.items() if f in facts}, self.alpha)

    @property
    def undecided(self) -> dict[str, tuple[str, ...]]:
        """The facts with several options."""
        return {fact: found for fact, found in self.members.items() if len(found) > 1}

    @property
    def size(self) -> int:
        """Number of combinations."""
        return prod(len(found) for found in self.members.values())

    @property
    def mean_size(self) -> float:
        """Mean number of options of a fact."""
        return sum(map(len, self.members.values())) / max(1, len(self.members))

    def holds(self, truth: Answers) -> bool:
        """Whether every fact's truth is in its set."""
        return all(truth[f] in found for f, found in self.members.items() if f in truth)

    def worlds(
        self, possible: Callable[[Answers], bool], limit: int = MAX_WORLDS
    ) -> list[dict[str, str]] | None:
        """Returns all worlds of the set, the likeliest answers first.

        Args:
            possible: Whether answers fit together; others are left out.
            limit: Combinations that are looked at, at most.

        Returns:
            The worlds, none if no combination fits together; ``None`` beyond the limit.
        """
        if self.size > limit:
            return None
        names = list(self.members)
        combined: Iterator[tuple[str, ...]] = itertools.product(*self.members.values())
        return [w for w in (dict(zip(names, c, strict=True)) for c in combined) if possible(w)]


@dataclass
class SceneBelief:
    """The beliefs about one scene while it is being looked at.

    Attributes:
        calibration: What probabilities are worth.
        questions: By fact.
        views: Views taken so far, in order.
    """

    calibration: AgentCalibration
    questions: dict[str, FactQuestion] = field(default_factory=dict)
    views: list[str] = field(default_factory=list)
    _seen: dict[str, list[Floats]] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)
    _said: dict[str, dict[str, tuple[Floats, float]]] = field(default_factory=dict)
    _fused: dict[str, Floats] = field(default_factory=dict)

    def add(
        self,
        view: str,
        questions: Sequence[FactQuestion],
        answers: Sequence[Floats],
        *,
        instead: bool = False,
    ) -> None:
        """Add what a model answered about one image.

        Args:
            view: Where it was taken from.
            questions: What was asked.
            answers: For each the probabilities of its options.
            instead: Whether it is the last image again, only better, so that these answers take
                the place of those.
        """
        if not instead:
            self.views.append(view)
        self._fused.clear()
        for question, answer in zip(questions, answers, strict=True):
            self.questions[question.fact] = question
            given = np.asarray(answer, np.float64)
            seen = self._seen.setdefault(question.fact, [])
            seen[len(seen) - instead :] = [given]
            self._said.setdefault(question.fact, {})[view] = given, 1.0

    def keep(self, facts: Sequence[str]) -> None:
        """Forget all facts but these, as when they no longer matter."""
        self._fused.clear()
        for fact in set(self.questions) - set(facts):
            self.questions.pop(fact)
            self._seen.pop(fact, None)
            self._said.pop(fact, None)
            self._known.pop(fact, None)

    def pass_time(self, steps: int = 1) -> None:
        """Let observations fade in a moving world; the operator's answers are dropped at once."""
        self._known.clear()
        self.views = self.views[-_REMEMBERED:]
        self._fused.clear()
        for fact, question in self.questions.items():
            known = self.calibration.kind(question.kind)
            kept = (1 - known.fade) ** steps
            belief = self.belief(fact)
            self._fused.clear()
            self._seen[fact] = [kept * belief + (1 - kept) * self._prior(question)]
            old = self._said.get(fact, {})
            self._said[fact] = {v: (answer, kept * fresh) for v, (answer, fresh) in old.items()}

    def tell(self, fact: str, option: str) -> None:
        """Add an operator's answer; it counts as certain."""
        self._known[fact] = option
        self._fused.clear()

    def belief(self, fact: str) -> Floats:
        """Returns the probability of each option of a fact, ``[K]``; not to be changed."""
        if fact not in self._fused:
            self._fused[fact] = self._belief(fact)
        return self._fused[fact]

    def _belief(self, fact: str) -> Floats:
        question = self.questions[fact]
        if fact in self._known:
            return np.asarray([float(o == self._known[fact]) for o in question.options], np.float64)
        known = self.calibration.kind(question.kind)
        views = np.stack(self._seen[fact])[None]
        prior = self._prior(question)
        return np.asarray(fuse(views, prior=prior, dependence=known.dependence)[0])

    def seen(self, fact: str) -> Mapping[str, tuple[Floats, float]]:
        """Returns by view what the model last answered there, ``[K]``, and how fresh that is.

        Freshness is 1 in a world that stands still; in one that moves it falls as facts change.
        """
        return self._said.get(fact, {})

    def facts(
        self,
        alpha: float,
        *,
        looking: bool = False,
        waiting: bool = False,
        relied: Collection[str] | None = None,
    ) -> FactSet:
        """Returns the joint set.

        Args:
            alpha: Allowed probability that some fact's truth is missing.
            looking: Whether it is the set by which the agent decides to look on.
            waiting: Whether the agent would wait.
            relied: Facts that the decision relies on, all by default; of the others nothing is
                promised, and every option is in their sets.
        """
        members: dict[str, tuple[str, ...]] = {}
        for fact, question in self.questions.items():
            belief = self.belief(fact)
            if fact in self._known:
                inside = belief > 0
            elif relied is not None and fact not in relied:
                inside = np.ones(len(belief), np.bool_)
            else:
                inside = self.calibration.members(
                    question.kind, belief, alpha, looking=looking, waiting=waiting
                )
            chance = dict(zip(question.options, belief, strict=True))
            options = options_of(question, inside.tolist())
            members[fact] = tuple(sorted(options, key=lambda o: -chance[o]))
        return FactSet(members, alpha)

    def likeliest(self, possible: Callable[[Answers], bool] | None = None) -> dict[str, str]:
        """Returns the likeliest world, facts taken as independent.

        Args:
            possible: Whether answers fit together. Worlds are tried in the order of their
                probability, at most :data:`MAX_WORLDS`; if none fits, the likeliest is returned.
        """
        names = list(self.questions)
        ranked = [
            sorted(
                zip(self.belief(f), self.questions[f].options, strict=True),
                key=lambda pair: -pair[0],
            )
            for f in names
        ]
        costs = [[-log(max(p, 1e-12)) for p, _ in options] for options in ranked]

        def world(place: tuple[int, ...]) -> dict[str, str]:
            return {f: ranked[i][place[i]][1] for i, f in enumerate(names)}

        first = (0,) * len(names)
        heap = [(0.0, first)]
        tried = {first}
        for _ in range(MAX_WORLDS):
            if not heap:
                break
            cost, place = heappop(heap)
            if possible is None or possible(world(place)):
                return world(place)
            for i, at in enumerate(place):
                after = (*place[:i], at + 1, *place[i + 1 :])
                if at + 1 < len(costs[i]) and after not in tried:
                    tried.add(after)
                    heappush(heap, (cost + costs[i][at + 1] - costs[i][at], after))
        return world(first)

    def u_p(self, fact: str) -> float:
        """Returns the perception score of a fact; 1 for what an operator answered."""
        if fact in self._known:
            return 1.0
        return self.calibration.u_p(self.questions[fact].kind, self.belief(fact))

    def chance(self, world: Answers) -> float:
        """Returns the probability of a world if facts were independent."""
        return prod(
            float(self.belief(f)[self.questions[f].options.index(o)]) for f, o in world.items()
        )

    def _prior(self, question: FactQuestion) -> Floats:
        known = self.calibration.kind(question.kind).prior
        if len(known) == len(question.options):
            return np.array(known)
        return np.full(len(question.options), 1 / len(question.options))
