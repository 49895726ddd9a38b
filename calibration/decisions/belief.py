"""Beliefs about facts: several views of one fact are fused, never replaced.

With a prior pi and the classifier's posteriors p_1..p_m of the views seen so far,

    log b(k) = log pi(k) + w(m) * sum_v (log p_v(k) - log pi(k)) + const,   w(m) = 1/(1 + (m-1) r)

For r = 0 that is Bayes' rule for views that are independent given the fact; for r = 1 the views
count as one (their geometric mean); between, m views count as m * w(m) views, as if their errors
were correlated by r. One view is taken as it is. The belief is only a score: what makes it a
guarantee is calibration of the policy that uses it
(:mod:`surefoot.calibration.decisions.stopping`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import Floats, check_labels, check_probabilities
from surefoot.core.errors import InputError

_LEAST = 1e-9
"""Smallest probability that a view may give, so that no single view can rule a label out."""


def fuse_running(
    views: ArrayLike,
    *,
    prior: ArrayLike | None = None,
    dependence: float = 0.0,
    seen: ArrayLike | None = None,
) -> Floats:
    """Returns the belief after each view.

    Args:
        views: ``[n, V, K]`` the classifier's probabilities of each fact in each view, in the order
            of looking. If a view does not show the fact, any value (also NaN), with ``seen`` false.
        prior: ``[K]`` prior that the classifier's probabilities assume; None: uniform.
        dependence: r above, from 0 (independent views) to 1 (all say the same).
        seen: ``[n, V]`` whether the view shows the fact; None: all do.

    Returns:
        ``[n, V, K]``; the prior until the first view that shows the fact.

    Raises:
        InputError: Bad probabilities, prior, mask or dependence.

    >>> fuse_running([[[0.75, 0.25], [0.75, 0.25]]]).round(3).tolist()
    [[[0.75, 0.25], [0.9, 0.1]]]
    """
    array, mask = _check(views, seen)
    start = _log_prior(prior, array.shape[2])
    if not 0 <= dependence <= 1:
        raise InputError(f"dependence is {dependence}; it must lie in [0, 1]")
    evidence = np.where(mask[..., None], np.log(np.clip(array, _LEAST, 1)) - start, 0.0)
    counts = np.maximum(np.cumsum(mask, axis=1), 1)
    weights = 1 / (1 + (counts - 1) * dependence)
    logs = start + weights[..., None] * np.cumsum(evidence, axis=1)
    logs -= logs.max(axis=2, keepdims=True)
    belief = np.exp(logs)
    return np.asarray(belief / belief.sum(axis=2, keepdims=True))


def fuse(
    views: ArrayLike,
    *,
    prior: ArrayLike | None = None,
    dependence: float = 0.0,
    seen: ArrayLike | None = None,
) -> Floats:
    """Returns the belief after all views, ``[n, K]``; see :func:`fuse_running`.

    Raises:
        InputError: As there, or no view at all.

    >>> fuse([[[0.9, 0.1], [0.5, 0.5]]], dependence=1).round(3).tolist()
    [[0.75, 0.25]]
    """
    running = fuse_running(views, prior=prior, dependence=dependence, seen=seen)
    if running.shape[1] == 0:
        raise InputError("there is no view to fuse")
    return running[:, -1]


def fit_dependence(
    views: ArrayLike,
    labels: ArrayLike,
    *,
    prior: ArrayLike | None = None,
    seen: ArrayLike | None = None,
) -> float:
    """Returns the dependence that gives the fused belief the smallest log loss.

    The loss is that of the beliefs after every view. Fit it on facts that the thresholds are not
    calibrated on: a score that knows its calibration labels has no guarantee.

    Args:
        views: ``[n, V, K]``, see :func:`fuse_running`.
        labels: ``[n]`` true labels.
        prior: ``[K]``.
        seen: ``[n, V]``.

    Returns:
        From 0 to 1; 0 if it cannot be estimated (no facts, fewer than two views).

    Raises:
        InputError: As :func:`fuse_running`, or bad labels.
    """
    from scipy.optimize import minimize_scalar

    array, mask = _check(views, seen)
    truth = check_labels(labels, len(array), array.shape[2])
    if not len(array) or not (mask.sum(axis=1) > 1).any():
        return 0.0
    rows = np.arange(len(array))

    def loss(dependence: float) -> float:
        running = fuse_running(array, prior=prior, dependence=dependence, seen=mask)
        return -float(np.log(np.maximum(running[rows, :, truth], 1e-300)).mean())

    best = float(minimize_scalar(loss, bounds=(0, 1), method="bounded").x)
    return min((0.0, best, 1.0), key=loss)


def _check(views: ArrayLike, seen: ArrayLike | None) -> tuple[Floats, NDArray[np.bool_]]:
    array = np.asarray(views, dtype=np.float64)
    if array.ndim != 3 or array.shape[2] < 1:
        raise InputError(f"views must be of shape [facts, views, labels], not {list(array.shape)}")
    mask = np.ones(array.shape[:2], dtype=np.bool_)
    if seen is not None:
        mask = np.asarray(seen)
        if mask.shape != array.shape[:2] or mask.dtype != np.bool_:
            raise InputError(
                f"'seen' must be true or false for each of {list(array.shape[:2])} views"
            )
    check_probabilities(array[mask], "views")
    return array, mask


def _log_prior(prior: ArrayLike | None, classes: int) -> Floats:
    if prior is None:
        return np.full(classes, -np.log(classes))
    given = np.asarray(prior, dtype=np.float64)
    if given.shape != (classes,):
        raise InputError(f"the prior must have {classes} entries, not {list(given.shape)}")
    return np.asarray(np.log(np.clip(check_probabilities(given[None], "prior")[0], _LEAST, 1)))
