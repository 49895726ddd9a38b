"""The two scores of "Know Where You're Uncertain": u_p of perception, u_d of the plan.

Each comes in two forms. With calibration scores s_1..s_n, F the share of them that lies below
(strictly, as the released code counts), and f_(2) the second-highest probability of a case:

=========  =================================  ==============================================
score      released                           corrected
=========  =================================  ==============================================
u_p        #{s_i < 1 - f_(2)} / n             #{s_i < 1 - f_(2)} / (n + 1)
u_d        #{s_i < c} / n, with c the         #{s_i < P(yes)} / (n + 1), with P(yes) of the
           probability of the first token     answer "yes", whatever the model says first
=========  =================================  ==============================================

The corrected scores are 1 - p, with p the conformal p-value of the strongest rival: the second
label for u_p, the answer "no" for u_d. That is Vovk's conformal confidence.

**What acting at u >= t bounds**, for a t that was fixed before: P(act and wrong) <= 1 - t, over
calibration and new case together, where they are exchangeable. The released form gives
1 - t + t / (n + 1) (so at t = 1 it still acts and errs), and for u_d no bound at all, since a
confident "no" scores as high as a confident "yes". **What it does not bound**: P(wrong | act),
the share of errors among the acts; see :mod:`surefoot.calibration.decisions.risk` for that. Nor
is u the probability of being right: a plain probability is what
:mod:`surefoot.calibration.decisions.satisfaction` gives. Nor does the bound outlive looking again
until u is high; :func:`surefoot.calibration.decisions.stopping.largest_misses` corrects that.

Sources: Bhatt and others (MLSys 2025; arXiv 2411.01639), released notebook
``uncertainty-quantification.ipynb`` (functions for perception and for decision); Vovk, Gammerman,
Shafer (2005), Algorithmic Learning in a Random World (confidence).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from surefoot.calibration.arrays import (
    Floats,
    check_flags,
    check_labels,
    check_probabilities,
    check_scores,
)
from surefoot.core.errors import InputError


def perception_nonconformity(probabilities: ArrayLike, labels: ArrayLike) -> Floats:
    """Returns one minus the probability of the true label.

    Args:
        probabilities: ``[n, K]``.
        labels: ``[n]`` true labels, as columns.

    Returns:
        ``[n]`` nonconformity scores, for :func:`u_p` and :func:`released_u_p`.

    Raises:
        InputError: Bad probabilities or labels.

    >>> perception_nonconformity([[0.75, 0.25], [0.5, 0.5]], [0, 1]).tolist()
    [0.25, 0.5]
    """
    rows = check_probabilities(probabilities)
    columns = check_labels(labels, len(rows), rows.shape[1])
    return np.asarray(1 - rows[np.arange(len(rows)), columns])


def decision_nonconformity(yes: ArrayLike, satisfied: ArrayLike) -> Floats:
    """Returns one minus the probability of the true answer to "does the plan satisfy the rules?".

    The truth is a model checker's verdict on the plan, so no manual labels are needed (the paper's
    'formal-methods-driven prediction', FMDP).

    Args:
        yes: ``[n]`` P(yes), from 0 to 1.
        satisfied: ``[n]`` whether the checker found every rule satisfied.

    Returns:
        ``[n]`` nonconformity scores, for :func:`u_d` and :func:`released_u_d`.

    Raises:
        InputError: A probability is NaN or lies outside of [0, 1], or other lengths.

    >>> decision_nonconformity([0.75, 0.75], [True, False]).tolist()
    [0.25, 0.75]
    """
    said = check_shares(yes, "P(yes)")
    return np.where(check_flags(satisfied, len(said), "verdicts"), 1 - said, said)


def yes_probability(log_yes: ArrayLike, log_no: ArrayLike) -> Floats:
    """Returns P(yes) from the scores of both answers.

    exp(a) / (exp(a) + exp(b)) with a, b the log-probabilities of the options "yes" and "no" as
    continuations of the same prompt; what the model gives to other words does not count.

    Args:
        log_yes: ``[n]`` log-probability of "yes"; minus infinity is allowed for one of the two.
        log_no: ``[n]`` log-probability of "no".

    Raises:
        InputError: A NaN, other lengths, or both answers impossible.

    >>> yes_probability([-0.1], [-0.1]).tolist()
    [0.5]
    """
    first, second = check_scores(log_yes, "scores of yes"), check_scores(log_no, "scores of no")
    if first.shape != second.shape:
        raise InputError(f"there are {len(first)} scores of yes, but {len(second)} of no")
    highest = np.maximum(first, second)
    if np.isinf(highest).any():
        raise InputError(f"both answers of case {int(np.isinf(highest).argmax())} are impossible")
    odds = np.exp(first - highest), np.exp(second - highest)
    return np.asarray(odds[0] / (odds[0] + odds[1]))


def u_p(scores: ArrayLike, probabilities: ArrayLike) -> Floats:
    """Perception score, corrected: one minus the second-largest p-value of the labels.

    u_p = 1 - p(1 - f_(2)) = #{s_i < 1 - f_(2)} / (n + 1).

    The largest 1 - e at which the split conformal (LAC) set of the case is one label, up to the
    steps of 1 / (n + 1).

    Guarantee: with the most probable label as answer, P(u_p >= t and the answer is wrong)
    <= 1 - t for every t fixed before; a true label that is not the first has a p-value of at most
    that of the second. P(wrong | u_p >= t) is not bounded.

    Args:
        scores: ``[n]`` calibration scores of :func:`perception_nonconformity`; with none, u_p is 0.
        probabilities: ``[m, K]``. With one label there is no rival, and u_p is 1.

    Returns:
        ``[m]`` from 0 to n / (n + 1); high is good.

    Raises:
        InputError: A score or probability is NaN, or a row is no distribution.

    >>> u_p([0.1, 0.2, 0.3, 0.9], [[0.5, 0.25, 0.25]]).tolist()
    [0.6]
    """
    return _rival_share(scores, probabilities, corrected=True)


def released_u_p(scores: ArrayLike, probabilities: ArrayLike) -> Floats:
    """Perception score as in the released code: #{s_i < 1 - f_(2)} / n.

    Differs from :func:`u_p` by n in place of n + 1: it is up to 1, and P(u_p >= t and wrong) can
    be 1 - t + t / (n + 1).

    Args:
        scores: ``[n]`` calibration scores, n at least 1.
        probabilities: ``[m, K]``.

    Raises:
        InputError: As :func:`u_p`, or no calibration score.

    >>> released_u_p([0.1, 0.2, 0.3, 0.9], [[0.5, 0.25, 0.25], [0.98, 0.01, 0.01]]).tolist()
    [0.75, 1.0]
    """
    return _rival_share(scores, probabilities, corrected=False)


def u_d(scores: ArrayLike, yes: ArrayLike) -> Floats:
    """Decision score, corrected: one minus the p-value of the answer "no".

    u_d = 1 - p(1 - P(no)) = #{s_i < P(yes)} / (n + 1).

    Guarantee: P(u_d >= t and the plan breaks a rule) <= 1 - t for every t fixed before, where
    "breaks" is the verdict of the same checker on exchangeable plans. P(breaks | u_d >= t) is not
    bounded.

    Args:
        scores: ``[n]`` calibration scores. With those of :func:`decision_nonconformity` of all
            plans the guarantee is the one above. With those of the violating plans alone (their
            P(yes)) it is P(u_d >= t | the plan breaks a rule) <= 1 - t, which is stronger.
        yes: ``[m]`` P(yes), as from :func:`yes_probability`; not the probability of whatever the
            model said first.

    Returns:
        ``[m]`` from 0 to n / (n + 1); high is good. With no scores, 0.

    Raises:
        InputError: A score is NaN, or a probability is none.

    >>> u_d([0.1, 0.2, 0.3, 0.9], [0.95, 0.05]).tolist()
    [0.8, 0.0]
    """
    said = check_shares(yes, "P(yes)")
    return _share_below(scores, said, corrected=True)


def released_u_d(scores: ArrayLike, first_token: ArrayLike) -> Floats:
    """Decision score as in the released code: #{s_i < c} / n, c the first token's probability.

    Differs from :func:`u_d` by n in place of n + 1, and by c: the released code never looks at
    which token it was. A model that says "no" with probability 0.97 gets the score of one that
    says "yes" with 0.97, and P(act and breaks a rule) has no bound.

    Args:
        scores: ``[n]`` calibration scores, n at least 1.
        first_token: ``[m]`` probability of the first token of the answer.

    Raises:
        InputError: As :func:`u_d`, or no calibration score.

    >>> released_u_d([0.1, 0.2, 0.3, 0.9], [0.95]).tolist()
    [1.0]
    """
    said = check_shares(first_token, "probabilities of the first token")
    return _share_below(scores, said, corrected=False)


def check_shares(values: ArrayLike, what: str) -> Floats:
    """Checks one probability per case.

    Args:
        values: ``[n]`` numbers from 0 to 1.
        what: What they are, for messages.

    Raises:
        InputError: Another shape, a NaN, or a number outside.
    """
    array = check_scores(values, what)
    if array.size and (array.min() < 0 or array.max() > 1):
        raise InputError(f"the {what} must lie in [0, 1]")
    return array


def _rival_share(scores: ArrayLike, probabilities: ArrayLike, *, corrected: bool) -> Floats:
    rows = check_probabilities(probabilities)
    if rows.shape[1] == 1:
        return np.ones(len(rows))
    second = np.partition(rows, -2, axis=1)[:, -2]
    return _share_below(scores, 1 - second, corrected=corrected)


def _share_below(scores: ArrayLike, values: Floats, *, corrected: bool) -> Floats:
    """Returns 1 - p without the rounding of that subtraction."""
    ordered = np.sort(check_scores(scores))
    if not corrected and not len(ordered):
        raise InputError("no calibration scores; give some, or use the corrected form")
    below = np.searchsorted(ordered, values, side="left")
    return np.asarray(below / (len(ordered) + corrected), dtype=np.float64)
