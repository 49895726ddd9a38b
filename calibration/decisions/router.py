"""The root-cause router: from two scores to one decision (look again, repair, ask, or act).

=====================  ==================  ====================================================
what was seen          what was planned    route
=====================  ==================  ====================================================
u_p < t_p              any                 look, while there are views; then ask; then abstain
u_p >= t_p             u_d < t_d           repair, while there are repairs; then ask; then abstain
u_p >= t_p             u_d >= t_d          act
=====================  ==================  ====================================================

:func:`calibrate_router` chooses (t_p, t_d) so that P(bad | act) <= alpha with confidence 1 - delta,
for the whole policy with its looks and repairs, replayed on calibration episodes.

Source: Bhatt and others (MLSys 2025) and the figure of June 2024 on its project page (look below
t_p, ask the user below t_d; the baseline has one aggregate uncertainty and always looks again);
KnowNo (Ren and others, CoRL 2023) for one uncertainty and asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import Floats, check_alpha, check_scores
from surefoot.core.errors import InputError


class Route(StrEnum):
    """Next step of the policy."""

    ACT = "act"
    LOOK = "look"
    REPAIR = "repair"
    ASK = "ask"
    ABSTAIN = "abstain"


@dataclass(frozen=True, slots=True)
class Decision:
    """A route with its reason.

    Attributes:
        route: The route.
        reason: One line.
    """

    route: Route
    reason: str


@dataclass(frozen=True, slots=True)
class RouterReplay:
    """How a policy ended each episode.

    Attributes:
        routes: ``[n]`` values of :class:`Route`: act, ask or abstain.
        views: ``[n]`` index of the last view, from 0, which is the number of looks.
        repairs: ``[n]`` number of repairs.
    """

    routes: NDArray[np.str_]
    views: NDArray[np.intp]
    repairs: NDArray[np.intp]

    @property
    def acted(self) -> NDArray[np.bool_]:
        """``[n]`` where it acts."""
        return np.asarray(self.routes == Route.ACT.value)


@dataclass(frozen=True, slots=True)
class Router:
    """The root-cause router.

    Attributes:
        t_p: Least u_p to trust perception; None if no thresholds are proven: it never acts.
        t_d: Least u_d to trust the plan; None likewise.
    """

    t_p: float | None
    t_d: float | None

    def decide(
        self,
        u_p: float,
        u_d: float | None = None,
        *,
        views_left: int = 0,
        repairs_left: int = 0,
        can_ask: bool = False,
    ) -> Decision:
        """Decides on one step of an episode.

        Args:
            u_p: Perception score, high is good.
            u_d: Decision score of the plan; None if there is none yet.
            views_left: How many more views may be taken.
            repairs_left: How many more times the plan may be repaired.
            can_ask: Whether a person can be asked.

        Raises:
            InputError: A score is NaN, or perception is trusted and there is no u_d.

        >>> Router(t_p=0.9, t_d=0.8).decide(0.95, 0.6, repairs_left=1).route
        <Route.REPAIR: 'repair'>
        """
        if np.isnan(u_p) or (u_d is not None and np.isnan(u_d)):
            raise InputError("a score is not a number (NaN)")
        if self.t_p is None or self.t_d is None:
            return _give_up("no thresholds are proven", can_ask)
        if u_p < self.t_p:
            why = f"u_p {u_p:.3g} is below {self.t_p:.3g}"
            if views_left > 0:
                return Decision(Route.LOOK, f"{why}: what was seen is unsure")
            return _give_up(f"{why}, and no views are left", can_ask)
        if u_d is None:
            raise InputError("what was seen is trusted; make a plan and give its u_d")
        if u_d < self.t_d:
            why = f"u_d {u_d:.3g} is below {self.t_d:.3g}"
            if repairs_left > 0:
                return Decision(Route.REPAIR, f"{why}: the plan may break a rule")
            return _give_up(f"{why}, and no repairs are left", can_ask)
        return Decision(
            Route.ACT, f"u_p {u_p:.3g} and u_d {u_d:.3g} reach {self.t_p:.3g} and {self.t_d:.3g}"
        )

    def replay(self, u_p: ArrayLike, u_d: ArrayLike, *, can_ask: bool = False) -> RouterReplay:
        """Runs the policy on recorded episodes, all at once.

        Args:
            u_p: ``[n, V]`` after each view, or ``[n]`` for one view.
            u_d: ``[n, V, R]`` of the plan after each view and 0 to R - 1 repairs; ``[n, V]`` or
                ``[n]`` where plans are never repaired. Where it is not needed it may be NaN.
            can_ask: Whether a person can be asked when it cannot continue.

        Raises:
            InputError: Shapes that do not fit, or a NaN that is needed.
        """
        seen, planned = _episodes(u_p, u_d)
        ended = Route.ASK if can_ask else Route.ABSTAIN
        if self.t_p is None or self.t_d is None:
            none = np.zeros(len(seen), dtype=np.intp)
            return RouterReplay(np.full(len(seen), ended.value), none, none.copy())
        acted, view, repair = _walk(seen, planned, self.t_p, self.t_d)
        return RouterReplay(np.where(acted, Route.ACT.value, ended.value), view, repair)


@dataclass(frozen=True, slots=True)
class AggregateRouter:
    """Baseline in KnowNo's manner: one uncertainty, which does not distinguish its causes.

    Attributes:
        threshold: Least u to act; None: it never acts.
        looks: Whether it looks again while there are views (the baseline of the paper), or asks
            at once (KnowNo).
    """

    threshold: float | None
    looks: bool = True

    def decide(self, u: float, *, views_left: int = 0, can_ask: bool = False) -> Decision:
        """Decides on one step of an episode.

        Args:
            u: The score of perception and plan together, high is good.
            views_left: How many more views may be taken.
            can_ask: Whether a person can be asked.

        Raises:
            InputError: The score is NaN.

        >>> AggregateRouter(0.9).decide(0.5, views_left=1).route
        <Route.LOOK: 'look'>
        """
        if np.isnan(u):
            raise InputError("a score is not a number (NaN)")
        if self.threshold is None:
            return _give_up("no threshold is proven", can_ask)
        if u >= self.threshold:
            return Decision(Route.ACT, f"u {u:.3g} reaches {self.threshold:.3g}")
        why = f"u {u:.3g} is below {self.threshold:.3g}"
        if self.looks and views_left > 0:
            return Decision(Route.LOOK, why)
        return _give_up(why, can_ask)

    def replay(self, u: ArrayLike, *, can_ask: bool = False) -> RouterReplay:
        """Runs the policy on recorded episodes.

        Args:
            u: ``[n, V]`` after each view, or ``[n]``.
            can_ask: Whether a person can be asked when it cannot continue.

        Raises:
            InputError: Another shape, or a NaN that is needed.
        """
        array = np.asarray(u, dtype=np.float64)
        if array.ndim == 2 and not self.looks:
            array = array[:, :1]
        return Router(self.threshold, -np.inf).replay(array, np.zeros_like(array), can_ask=can_ask)


@dataclass(frozen=True, slots=True)
class CalibratedRouter:
    """A router with proven thresholds, or one that never acts.

    Attributes:
        router: The router.
        alpha: Bound of P(bad | act).
        delta: Probability, over calibration episodes, with which it may fail.
        n: Number of episodes that the thresholds were tested on.
        acts: Number of episodes on which it acts.
        bad: Number of bad ones among these acts.
        p_value: Of the hypothesis that the risk is above alpha; None where none is refuted.
        tested: Number of pairs of thresholds.
    """

    router: Router
    alpha: float
    delta: float
    n: int
    acts: int
    bad: int
    p_value: float | None
    tested: int

    @property
    def abstains(self) -> bool:
        """Whether no pair of thresholds is good enough."""
        return self.router.t_p is None


def calibrate_router(
    u_p: ArrayLike,
    u_d: ArrayLike,
    bad: ArrayLike,
    alpha: float,
    delta: float = 0.1,
    *,
    grid_p: Sequence[float],
    grid_d: Sequence[float],
    seed: int = 0,
    learn: float = 0.3,
) -> CalibratedRouter:
    """Chooses (t_p, t_d) with P(bad | act) <= alpha that act as often as possible.

    A fraction of the episodes, drawn by ``seed``, only sets which pairs are tested and in which
    order (by their p-values there, leaving out those that act no more often than a surer one). The
    others test them in that order, each by the exact binomial tail at delta, until one is not
    refuted. Of the refuted ones the pair that acts most often on the testing episodes is taken.

    Guarantee: with probability at least 1 - delta over the episodes, either the router never acts,
    or P(bad | act) <= alpha for the whole policy with its looks and repairs, on episodes from the
    same distribution. "Bad" is as given: a violation, a misperception, or either. The
    scores must come from a calibration on other episodes, or be raw confidences; the grids
    must not be made from these episodes. With ``learn=0`` every pair is tested by Bonferroni on
    all episodes instead.

    Args:
        u_p: ``[n, V]`` after each view, or ``[n]``.
        u_d: ``[n, V, R]``, ``[n, V]`` or ``[n]``; see :meth:`Router.replay`.
        bad: In the shape of ``u_d``: whether acting there would be bad.
        alpha: Bound of the risk, from 0 to 1.
        delta: From 0 to 1, both excluded.
        grid_p: Values of t_p to try.
        grid_d: Values of t_d to try.
        seed: Of the split.
        learn: Fraction of episodes that set the order, from 0 to below 1.

    Raises:
        InputError: Shapes that do not fit, a NaN that is needed, or a number out of range.

    Source: Angelopoulos and others (2021), Learn then Test (split fixed sequence testing).
    """
    from surefoot.calibration.decisions.risk import Procedure, refuted, risk_p_values

    seen, planned = _episodes(u_p, u_d)
    wrong = _bad_of(bad, planned.shape)
    check_alpha(alpha)
    if not 0 <= learn < 1:
        raise InputError(f"learn is {learn}; it must lie in [0, 1)")
    pairs = [
        (float(p), float(d))
        for p in check_scores(grid_p, "grid of t_p")
        for d in check_scores(grid_d, "grid of t_d")
    ]
    shuffled = np.random.default_rng(seed).permutation(len(seen))
    first, rest = np.split(shuffled, [round(learn * len(seen))])
    acts, badly = _count(seen[rest], planned[rest], wrong[rest], pairs)
    p_values = risk_p_values(badly, acts, alpha)
    if learn:
        tried, erred = _count(seen[first], planned[first], wrong[first], pairs)
        order = np.lexsort((-tried, risk_p_values(erred, tried, alpha)))
        # A pair that acts no more often than one that is surer can only end the sequence early.
        most = np.maximum.accumulate(tried[order])
        order = order[np.diff(most, prepend=0) > 0]
        kept = order[refuted(p_values[order], delta, Procedure.FIXED_SEQUENCE)]
    else:
        kept = refuted(p_values, delta, Procedure.BONFERRONI)
    if not len(kept):
        return CalibratedRouter(Router(None, None), alpha, delta, len(rest), 0, 0, None, len(pairs))
    best = int(kept[np.argmax(acts[kept])])
    return CalibratedRouter(
        Router(*pairs[best]),
        alpha,
        delta,
        len(rest),
        int(acts[best]),
        int(badly[best]),
        float(p_values[best]),
        len(pairs),
    )


def _give_up(why: str, can_ask: bool) -> Decision:
    return Decision(Route.ASK if can_ask else Route.ABSTAIN, why)


def _episodes(u_p: ArrayLike, u_d: ArrayLike) -> tuple[Floats, Floats]:
    seen, planned = np.asarray(u_p, dtype=np.float64), np.asarray(u_d, dtype=np.float64)
    if seen.ndim == 1:
        seen, planned = seen[:, None], planned[:, None]
    if planned.ndim == 2:
        planned = planned[..., None]
    if (
        seen.ndim != 2
        or planned.ndim != 3
        or planned.shape[:2] != seen.shape
        or 0 in (planned.shape[1:])
    ):
        raise InputError(
            f"u_p of shape {list(np.shape(u_p))} and u_d of shape {list(np.shape(u_d))} do not "
            "fit; they must be [episodes, views] and [episodes, views, repairs]"
        )
    return seen, planned


def _bad_of(bad: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    given: NDArray[Any] = np.asarray(bad)
    if given.size != np.prod(shape) or given.shape[:1] != shape[:1]:
        raise InputError(f"'bad' of shape {list(given.shape)} does not fit u_d")
    if given.dtype != np.bool_ and not np.isin(given, (0, 1)).all():
        raise InputError("'bad' must be true or false")
    return given.reshape(shape).astype(np.bool_)


def _walk(
    seen: Floats, planned: Floats, t_p: float, t_d: float
) -> tuple[NDArray[np.bool_], NDArray[np.intp], NDArray[np.intp]]:
    """Looks and repairs until each episode acts or cannot continue."""
    n, views, plans = planned.shape
    view, repair = np.zeros(n, dtype=np.intp), np.zeros(n, dtype=np.intp)
    acted = np.zeros(n, dtype=np.bool_)
    going = np.arange(n)
    while len(going):
        u_p = seen[going, view[going]]
        trusted = u_p >= t_p
        u_d = planned[going, view[going], repair[going]]
        if np.isnan(u_p).any() or np.isnan(u_d[trusted]).any():
            raise InputError("a score that the policy needs is not a number (NaN)")
        acted[going[trusted & (u_d >= t_d)]] = True
        looks = ~trusted & (view[going] < views - 1)
        repairs = trusted & (u_d < t_d) & (repair[going] < plans - 1)
        view[going[looks]] += 1
        repair[going[repairs]] += 1
        going = going[looks | repairs]
    return acted, view, repair


def _count(
    seen: Floats, planned: Floats, bad: NDArray[np.bool_], pairs: Sequence[tuple[float, float]]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns for each pair of thresholds the number of acts and of bad acts."""
    acts, badly = np.zeros(len(pairs), dtype=np.intp), np.zeros(len(pairs), dtype=np.intp)
    for at, (t_p, t_d) in enumerate(pairs):
        acted, view, repair = _walk(seen, planned, t_p, t_d)
        acts[at] = acted.sum()
        badly[at] = bad[acted, view[acted], repair[acted]].sum()
    return acts, badly
