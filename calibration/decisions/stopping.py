"""'Look again until sure' with coverage: the stopping policy is calibrated as a whole.

A set that is calibrated on single views covers single views. If one looks again until its set has
one label, the views at which one stops are selected, and coverage at stop falls below the target;
so it does if one keeps the most confident of several views. Two ways are valid:

* :class:`StoppedPolicy` replays the same rule on calibration episodes and calibrates on the belief
  **at stop**. Whatever the rule uses (levels, thresholds, the most views, the fitted dependence of
  the belief) must be fixed before, without these episodes.
* :func:`calibrate_any_time` calibrates on the largest score over all views, which covers at every
  view at once, and so under any rule, even one that was chosen later. Its sets are larger.

Beliefs are ``[n, V, K]`` for one fact per episode, or ``[n, V, F, K]`` for the facts of a scene, of
which all must be covered (the score of a scene is that of its worst fact). They should be fused
over views (:mod:`surefoot.calibration.decisions.belief`).

Source of the problem: "re-observe until confident" in Bhatt and others (MLSys 2025); of the stopped
calibration: Ren and others (RSS 2024), Explore until Confident; of the maximum over time: the same
argument as the minimum over steps of KnowNo (Ren and others, CoRL 2023, appendix A3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import (
    Floats,
    Labels,
    Sets,
    check_alpha,
    check_labels,
    check_probabilities,
)
from surefoot.calibration.quantiles import conformal_quantile
from surefoot.core.errors import InputError

Flags = NDArray[np.bool_]
StopRule = Callable[[Floats], Flags]
"""From beliefs ``[n, V, F, K]`` to ``[n, V, F]``: whether a fact is settled after each view.

What it says of a view may depend on that view and earlier ones only."""


@dataclass(frozen=True, slots=True)
class UntilSure:
    """A fact is settled where its most probable label has at least this belief.

    Attributes:
        level: From 0 to 1; above 1, never.
    """

    level: float

    def __call__(self, beliefs: Floats) -> Flags:
        """Returns ``[n, V, F]`` flags for ``[n, V, F, K]`` beliefs."""
        return np.asarray(beliefs.max(axis=-1) >= self.level)


@dataclass(frozen=True, slots=True)
class UntilSingle:
    """A fact is settled where its set at a provisional threshold has at most one label.

    Attributes:
        threshold: A label is in the set where one minus its belief is at most this. It must come
            from other episodes than those the policy is calibrated on.
    """

    threshold: float

    def __call__(self, beliefs: Floats) -> Flags:
        """Returns ``[n, V, F]`` flags for ``[n, V, F, K]`` beliefs."""
        return np.asarray((1 - beliefs <= self.threshold).sum(axis=-1) <= 1)


@dataclass(frozen=True, slots=True)
class Stopped:
    """Result of a stopping policy.

    Attributes:
        sets: ``[n, K]``, or ``[n, F, K]`` for scenes: the labels that are still possible.
        views: ``[n]`` number of views taken, at least 1.
    """

    sets: Sets
    views: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class StoppedSets:
    """A calibrated policy: coverage of at least 1 - alpha at the view where it stops.

    Attributes:
        policy: The policy that was calibrated, which is the only one that the threshold holds for.
        threshold: A label is in the set where one minus its belief at stop is at most this.
        n: Number of calibration episodes.
        alpha: Allowed miss rate.
    """

    policy: StoppedPolicy
    threshold: float
    n: int
    alpha: float

    def sets(self, beliefs: ArrayLike, present: ArrayLike | None = None) -> Stopped:
        """Runs the policy on new episodes.

        Guarantee: over calibration and new episode together, the set at stop holds the true label
        (of every fact of the scene) with probability at least 1 - alpha, where episodes are
        exchangeable. Nothing is promised about episodes that stopped early, or for those whose
        set has one label.

        Args:
            beliefs: ``[n, V, K]`` or ``[n, V, F, K]``, with the most views of the policy at least.
            present: ``[n, F]`` which facts a scene has; None: all.

        Raises:
            InputError: Bad beliefs, or too few views.
        """
        array, mask, plain = _scenes(beliefs, present)
        taken = self.policy.stop(array, mask)
        found = 1 - array[np.arange(len(array)), taken - 1] <= self.threshold
        return Stopped(found[:, 0] if plain else found, taken)


@dataclass(frozen=True, slots=True)
class StoppedPolicy:
    """Look until every fact of the scene is settled, or until there are no views left.

    Attributes:
        rule: When a fact is settled.
        max_views: The most views, at least 1.
    """

    rule: StopRule
    max_views: int

    def stop(self, beliefs: ArrayLike, present: ArrayLike | None = None) -> NDArray[np.intp]:
        """Returns how many views the policy takes in each episode, ``[n]``, from 1.

        Args:
            beliefs: ``[n, V, K]`` or ``[n, V, F, K]`` with V of at least :attr:`max_views`.
            present: ``[n, F]`` which facts a scene has; None: all. A scene with none stops at once.

        Raises:
            InputError: Bad beliefs, or too few views.
        """
        array, mask, _ = _scenes(beliefs, present)
        if not 1 <= self.max_views <= array.shape[1]:
            raise InputError(
                f"the policy takes up to {self.max_views} views, but {array.shape[1]} are given"
            )
        per_fact = self.rule(array[:, : self.max_views]) | ~mask[:, None]
        settled: Flags = np.asarray(per_fact.all(axis=2))
        settled[:, -1] = True
        return np.asarray(settled.argmax(axis=1) + 1)

    def calibrate(
        self,
        beliefs: ArrayLike,
        labels: ArrayLike,
        alpha: float,
        present: ArrayLike | None = None,
    ) -> StoppedSets:
        """Replays the policy on calibration episodes and finds the threshold at stop.

        Args:
            beliefs: ``[n, V, K]`` or ``[n, V, F, K]``; what an episode would have seen after the
                stop is not used. n may be 0, and then every set is full.
            labels: ``[n]`` or ``[n, F]`` true labels; what stands for absent facts is ignored.
            alpha: Allowed miss rate; 0: full sets; 1: empty ones.
            present: ``[n, F]`` which facts a scene has; None: all.

        Raises:
            InputError: Bad beliefs, labels or alpha, or too few views.
        """
        array, mask, _ = _scenes(beliefs, present)
        taken = self.stop(array, mask)
        misses = _misses(array, labels, mask)[np.arange(len(array)), taken - 1]
        threshold = conformal_quantile(misses, check_alpha(alpha))
        return StoppedSets(self, threshold, len(array), alpha)


@dataclass(frozen=True, slots=True)
class AnyTimeSets:
    """Sets that cover at every view at once.

    Attributes:
        threshold: A label is in the set where one minus its belief is at most this.
        max_views: For how many views that holds.
        n: Number of calibration episodes.
        alpha: Allowed miss rate.
    """

    threshold: float
    max_views: int
    n: int
    alpha: float

    def sets(self, beliefs: ArrayLike, *, intersect: bool = False) -> Sets:
        """Returns the set after each view.

        Guarantee: with probability at least 1 - alpha the true labels of all facts are in the sets
        after all views up to :attr:`max_views`; therefore at whatever view one stops, for any
        reason.

        Args:
            beliefs: ``[n, V, K]`` or ``[n, V, F, K]``, V at most :attr:`max_views`.
            intersect: Whether a label, once out, stays out. The guarantee is the same and the sets
                are never larger.

        Returns:
            The shape of ``beliefs``.

        Raises:
            InputError: Bad beliefs, or more views than were calibrated for.
        """
        array, _, plain = _scenes(beliefs, None)
        if array.shape[1] > self.max_views:
            raise InputError(
                f"there are {array.shape[1]} views, but the sets hold for {self.max_views}"
            )
        found = 1 - array <= self.threshold
        if intersect:
            found = np.logical_and.accumulate(found, axis=1)
        return np.asarray(found[:, :, 0] if plain else found)


def calibrate_any_time(
    beliefs: ArrayLike, labels: ArrayLike, alpha: float, present: ArrayLike | None = None
) -> AnyTimeSets:
    """Calibrates on the largest score over the views (and facts) of each episode.

    Args:
        beliefs: ``[n, V, K]`` or ``[n, V, F, K]``; all V views of each calibration episode.
        labels: ``[n]`` or ``[n, F]`` true labels.
        alpha: Allowed miss rate; 0: full sets; 1: empty ones.
        present: ``[n, F]`` which facts a scene has; None: all.

    Raises:
        InputError: Bad beliefs, labels or alpha.
    """
    worst = largest_misses(beliefs, labels, present)
    return AnyTimeSets(
        conformal_quantile(worst, check_alpha(alpha)), np.shape(beliefs)[1], len(worst), alpha
    )


def largest_misses(
    beliefs: ArrayLike, labels: ArrayLike, present: ArrayLike | None = None
) -> Floats:
    """Returns the largest score of each episode: one minus the least belief in a true label.

    As calibration scores of :func:`surefoot.calibration.decisions.confidence.u_p` they correct the
    gate that looks again until u_p >= t: P(at some view u_p >= t and the answer is wrong)
    <= 1 - t, since the p-values of the true label at all views are bounded at once.

    Args:
        beliefs: ``[n, V, K]`` or ``[n, V, F, K]``.
        labels: ``[n]`` or ``[n, F]`` true labels.
        present: ``[n, F]`` which facts a scene has; None: all.

    Returns:
        ``[n]``; minus infinity for a scene without facts.

    Raises:
        InputError: Bad beliefs or labels.

    >>> largest_misses([[[0.5, 0.5], [0.75, 0.25]]], [0]).tolist()
    [0.5]
    """
    array, mask, _ = _scenes(beliefs, present)
    return np.asarray(_misses(array, labels, mask).max(axis=1))


def replace_until_single(views: ArrayLike, threshold: float) -> Stopped:
    """Baseline without coverage: each new view replaces the last, until its set has one label.

    The gate of the released code, with a threshold that is calibrated on single views.

    Args:
        views: ``[n, V, K]`` probabilities of each single view, V at least 1.
        threshold: A label is in the set where one minus its probability is at most this.

    Raises:
        InputError: Bad probabilities.
    """
    array, _, _ = _scenes(views, None)
    sets = 1 - array[:, :, 0] <= threshold
    single = sets.sum(axis=2) == 1
    single[:, -1] = True
    taken = single.argmax(axis=1) + 1
    return Stopped(sets[np.arange(len(sets)), taken - 1], taken)


def keep_most_confident(views: ArrayLike, threshold: float) -> Stopped:
    """Baseline without coverage: all views are taken, and the most confident one is kept.

    Args:
        views: ``[n, V, K]`` probabilities of each single view, V at least 1.
        threshold: A label is in the set where one minus its probability is at most this; calibrated
            on single views.

    Raises:
        InputError: Bad probabilities.
    """
    array, _, _ = _scenes(views, None)
    best = array[:, :, 0].max(axis=2).argmax(axis=1)
    kept = array[np.arange(len(array)), best, 0]
    return Stopped(1 - kept <= threshold, np.full(len(array), array.shape[1]))


def _scenes(beliefs: ArrayLike, present: ArrayLike | None) -> tuple[Floats, Flags, bool]:
    """Returns beliefs ``[n, V, F, K]``, which facts there are, and whether F was left out."""
    array = np.asarray(beliefs, dtype=np.float64)
    plain = array.ndim == 3
    if plain:
        array = array[:, :, None]
    if array.ndim != 4 or 0 in array.shape[1:]:
        raise InputError(
            "beliefs must be of shape [episodes, views, labels] or [episodes, views, facts, "
            f"labels], not {list(np.shape(beliefs))}"
        )
    mask = np.ones((len(array), array.shape[2]), dtype=np.bool_)
    if present is not None:
        mask = np.asarray(present)
        if mask.shape != (len(array), array.shape[2]) or mask.dtype != np.bool_:
            raise InputError(
                f"'present' must be true or false for each of {list(array.shape[::2])} facts"
            )
    check_probabilities(np.swapaxes(array, 1, 2)[mask].reshape(-1, array.shape[3]), "beliefs")
    return array, mask, plain


def _misses(array: Floats, labels: ArrayLike, mask: Flags) -> Floats:
    """Returns the scene's score after each view: one minus the belief in its worst fact's truth."""
    episodes, views, facts, classes = array.shape
    given = np.asarray(labels)
    truth: Labels = np.zeros((episodes, facts), dtype=np.intp)
    if given.shape not in {(episodes, facts), (episodes,) if facts == 1 else None}:
        raise InputError(
            f"there are {episodes} episodes of {facts} facts, but labels of shape "
            f"{list(given.shape)}"
        )
    truth[mask] = check_labels(given.reshape(mask.shape)[mask], int(mask.sum()), classes)
    where = np.broadcast_to(truth[:, None, :, None], (episodes, views, facts, 1))
    missed = 1 - np.take_along_axis(array, where, axis=3)[..., 0]
    return np.asarray(np.where(mask[:, None], missed, -np.inf).max(axis=2))
