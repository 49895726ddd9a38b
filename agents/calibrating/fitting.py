"""From what was believed at stop to a calibration: scales, the rule that stops, and sets.

Two groups of episodes are used. From the first come all constants of the policy: what a model
answers without evidence, how far views err alike, how fast facts grow old, the scale of each kind
of fact, and the sets by which the agent stops looking. From the second, in which the policy with
these constants was run, come the scores of whole scenes at stop; their quantile is the threshold
of the joint set. By exchangeability of these episodes with a new one, the set at stop holds the
truth of **all** facts that the decision relies on with probability at least 1 - alpha (Vovk,
Gammerman, Shafer 2005; that the stopped policy is what must be calibrated: Ren et al. 2024, Explore
until Confident). Which facts those are, and whether the decision is to wait, follows from what was
seen and not by the truth; so these may choose the score and the group (Mondrian sets: Vovk et al.
2005, section 4.5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from surefoot.agents.belief import SceneBelief
from surefoot.agents.calibrating.stops import Look, LookingStop
from surefoot.agents.guarantees import AgentCalibration, KindScores
from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.sensing.strategies import restored_from
from surefoot.calibration.arrays import Floats
from surefoot.calibration.decisions.belief import fuse_running
from surefoot.calibration.quantiles import conformal_quantile

_RANKS = 401
"""Ranks that are tried for the rule that stops."""

Beliefs = Sequence[Floats]
"""For each fact of a scene the probabilities of its options."""


def blank(env: str, model: str) -> AgentCalibration:
    """Returns the calibration of an agent that knows nothing: it looks as often as it may."""
    return AgentCalibration(env, model, "", "", "", {}, ())


def fit_policy(
    env: str,
    model: str,
    stops: Sequence[LookingStop],
    alpha: float,
    *,
    moving: bool,
    sensing: str = "",
) -> AgentCalibration:
    """Finds the constants of the policy from the first group of episodes.

    Args:
        env: The environment.
        model: Identity of the perception model.
        stops: From an agent with the :func:`blank` calibration.
        alpha: Level at which the agent will look.
        moving: Whether the world moves.
        sensing: The way of looking, for the record.

    Returns:
        A calibration whose sets are those by which the agent stops looking.
    """
    questions: dict[str, list[FactQuestion]] = defaultdict(list)
    for stop in stops:
        for question in stop.questions:
            questions[question.kind].append(question)
    kinds = {
        kind: KindScores(
            (),
            prior := _prior(kind, asked, stops),
            _dependence(kind, prior, stops),
            _fade(kind, stops),
        )
        for kind, asked in questions.items()
    }
    bare = AgentCalibration(env, model, "", "", "", kinds, ())
    paths = [(stop, path_of(stop, bare, moving=moving)) for stop in stops]
    scores: dict[str, list[float]] = defaultdict(list)
    for stop, path in paths:
        for beliefs in path:
            for question, belief in zip(stop.questions, beliefs, strict=True):
                true = question.options.index(stop.truth[question.fact])
                scores[question.kind].append(1 - float(belief[true]))
    kinds = {
        name: KindScores(tuple(_thinned(scores[name])), k.prior, k.dependence, k.fade)
        for name, k in kinds.items()
    }
    scaled = AgentCalibration(env, model, "", "", "", kinds, ())
    looking, scenes = _looking(scaled, paths, alpha)
    return AgentCalibration(env, model, "", "", sensing, kinds, scenes, looking)


def scene_score(
    calibration: AgentCalibration, stop: LookingStop, beliefs: Beliefs | None = None
) -> float:
    """Returns the rank of the most surprising truth that a decision relies on, from 0 to 1.

    Args:
        calibration: Gives the scales.
        stop: The scene.
        beliefs: What was believed, for each of its questions; by default what was at stop.
    """
    held: Sequence[Sequence[float] | Floats] = beliefs or stop.belief
    counted = [
        i for i, q in enumerate(stop.questions) if stop.relied is None or q.fact in stop.relied
    ]
    return largest_rank(
        calibration, [stop.questions[i] for i in counted], [held[i] for i in counted], stop.truth
    )


def largest_rank(
    calibration: AgentCalibration,
    questions: Sequence[FactQuestion],
    beliefs: Sequence[Sequence[float] | Floats],
    truth: Mapping[str, str],
) -> float:
    """Returns the rank of the most surprising truth among some facts, from 0 to 1.

    Args:
        calibration: Gives the scales.
        questions: The facts.
        beliefs: For each the probabilities of its options.
        truth: Their true options.
    """
    worst = 0.0
    for question, belief in zip(questions, beliefs, strict=True):
        ranks = calibration.ranks(question.kind, np.asarray(belief))
        worst = max(worst, float(ranks[question.options.index(truth[question.fact])]))
    return worst


def calibrated(
    policy: AgentCalibration, stops: Sequence[LookingStop], **fields: object
) -> AgentCalibration:
    """Returns the calibration of a policy, by episodes in which that very policy was run.

    Args:
        policy: What :func:`fit_policy` found.
        stops: The second group of episodes.
        fields: Further fields of the calibration.
    """
    plans = [stop.plan for stop in stops if stop.plan is not None]
    found = replace(
        policy,
        scenes=tuple(scene_score(policy, stop) for stop in stops if not stop.waits),
        waits=tuple(scene_score(policy, stop) for stop in stops if stop.waits),
        confidences=tuple(plan[1] for plan in plans),
        satisfied=tuple(plan[2] for plan in plans),
    )
    return replace(found, **fields)  # type: ignore[arg-type]


def _prior(
    kind: str, asked: Sequence[FactQuestion], stops: Sequence[LookingStop]
) -> tuple[float, ...]:
    """Returns the mean answer, where all questions of the kind have the same options."""
    if len({q.options for q in asked}) != 1:
        return ()
    said = [
        answers[q.fact]
        for stop in stops
        for q in stop.questions
        for _, answers, _ in _lasting(stop)
        if q.kind == kind and q.fact in answers
    ]
    mean = np.maximum(np.mean(said, axis=0), 1e-3)
    return tuple(np.round(mean / mean.sum(), 5).tolist())


def _dependence(kind: str, prior: tuple[float, ...], stops: Sequence[LookingStop]) -> float:
    """Returns the dependence with the smallest log loss of the fused beliefs.

    As :func:`~surefoot.calibration.decisions.belief.fit_dependence`, over questions with any
    number of options and any number of looks.
    """
    groups: dict[tuple[int, int], list[tuple[list[tuple[float, ...]], int]]] = defaultdict(list)
    for stop in stops:
        for question in stop.questions:
            if question.kind != kind:
                continue
            true = stop.truth[question.fact]
            said = [
                answers[question.fact]
                for _, answers, then in _lasting(stop)
                if question.fact in answers and then.get(question.fact) == true
            ]
            if len(said) > 1:
                key = len(question.options), len(said)
                groups[key].append((said, question.options.index(true)))
    if not groups:
        return 0.0

    def loss(dependence: float) -> float:
        total = 0.0
        for (options, _), cases in groups.items():
            views = np.array([said for said, _ in cases])
            truth = np.array([true for _, true in cases])
            fused = fuse_running(
                views / views.sum(axis=2, keepdims=True),
                prior=prior if len(prior) == options else None,
                dependence=dependence,
            )
            right = fused[np.arange(len(cases)), :, truth]
            total -= float(np.log(np.maximum(right, 1e-300)).sum())
        return total

    tried = np.linspace(0, 1, 41)
    return round(float(tried[int(np.argmin([loss(float(r)) for r in tried]))]), 3)


def _lasting(stop: LookingStop) -> list[Look]:
    """Returns the looks of a decision but for those whose image was then restored."""
    after = [view for view, _, _ in stop.looks[1:]]
    return [
        look
        for look, then in zip(stop.looks, [*after, ""], strict=True)
        if then != restored_from(look[0])
    ]


def _fade(kind: str, stops: Sequence[LookingStop]) -> float:
    """Returns the fraction of a belief that is lost in a step.

    If a fact is drawn anew with probability f in a step, it changes with probability
    f (1 - sum pi^2), with pi how often each option is true.
    """
    steps = sum(stop.changes.get(kind, (0.0, 0))[0] for stop in stops)
    changed = sum(stop.changes.get(kind, (0.0, 0))[1] for stop in stops)
    counts: dict[str, int] = defaultdict(int)
    for stop in stops:
        for question in stop.questions:
            if question.kind == kind:
                counts[stop.truth[question.fact]] += 1
    total = sum(counts.values())
    differ = 1 - sum((c / total) ** 2 for c in counts.values()) if total else 0.0
    if not steps or not changed:
        return 0.0
    return round(min(1.0, changed / steps / max(differ, 1e-9)), 5)


def path_of(
    stop: LookingStop, calibration: AgentCalibration, *, moving: bool
) -> list[list[Floats]]:
    """Returns the beliefs after each look of a decision, as the agent would hold them.

    Args:
        stop: The decision.
        calibration: Of the agent.
        moving: Whether time passes between looks.
    """
    belief = SceneBelief(calibration)
    path: list[list[Floats]] = []
    for number, (view, said, _) in enumerate(stop.looks):
        if moving and number:
            belief.pass_time()
        answers = [np.array(said[q.fact]) for q in stop.questions if q.fact in said]
        again = number > 0 and view == restored_from(last := stop.looks[number - 1][0])
        belief.add(
            last if again else view,
            [q for q in stop.questions if q.fact in said],
            answers,
            instead=again,
        )
        path.append([belief.belief(q.fact) for q in stop.questions])
    return path


def _looking(
    calibration: AgentCalibration,
    paths: Sequence[tuple[LookingStop, list[list[Floats]]]],
    alpha: float,
) -> tuple[float, tuple[float, ...]]:
    """Returns the rank by whose sets looking ends, and the scores of scenes where it then ends.

    It is the smallest rank that is at least the quantile of the scores at stop, where looking
    stops once every set has one option: about what the calibration at stop will find. Whatever
    it is, the guarantee holds, since it does not depend on the second group. Decisions to wait
    count only if too few are to act.
    """
    acting = [(stop, path) for stop, path in paths if not stop.waits]
    if len(acting) * alpha >= 1:
        paths = acting
    ranked = [
        (
            [scene_score(calibration, stop, beliefs) for beliefs in path],
            [_between(calibration, stop, beliefs) for beliefs in path],
        )
        for stop, path in paths
        if path
    ]
    for threshold in np.linspace(0, 1, _RANKS).tolist():
        ends = [
            next(
                (i for i, (low, high) in enumerate(gaps) if low <= threshold < high), len(gaps) - 1
            )
            for _, gaps in ranked
        ]
        scores = tuple(truths[end] for (truths, _), end in zip(ranked, ends, strict=True))
        if conformal_quantile(scores, alpha) <= threshold:
            return threshold, scores
    return 1.0, scores


def _between(
    calibration: AgentCalibration, stop: LookingStop, beliefs: Beliefs
) -> tuple[float, float]:
    """Returns the thresholds between which the sets that a decision relies on have one option."""
    found = [
        np.sort(calibration.ranks(question.kind, belief))[:2].tolist()
        for question, belief in zip(stop.questions, beliefs, strict=True)
        if stop.relied is None or question.fact in stop.relied
    ]
    return max((low for low, _ in found), default=0.0), min((h for _, h in found), default=1.0)


def _thinned(scores: list[float], most: int = 1500) -> list[float]:
    """Returns quantiles of many scores instead of all, to keep files small."""
    ordered = np.sort(scores)
    if len(ordered) > most:
        ordered = np.quantile(ordered, np.linspace(0, 1, most))
    found: list[float] = np.round(ordered, 6).tolist()
    return found
