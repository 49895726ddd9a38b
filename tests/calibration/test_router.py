"""The router: by cause, with a risk among its acts that holds, beside one aggregate uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from surefoot.calibration.decisions.router import (
    AggregateRouter,
    Route,
    Router,
    RouterReplay,
    calibrate_router,
)
from surefoot.core.errors import InputError

ALPHA, DELTA = 0.14, 0.1
GRID = np.linspace(0.5, 0.98, 13).tolist()
VIEWS, PLANS = 4, 3


@dataclass(frozen=True)
class Episodes:
    """Confidences in what was seen and planned, and what acting on them would have been."""

    seen: NDArray[np.float64]
    planned: NDArray[np.float64]
    misperceived: NDArray[np.bool_]
    violating: NDArray[np.bool_]

    @property
    def bad(self) -> NDArray[np.bool_]:
        return self.misperceived[..., None] | self.violating


def simulate(
    rng: np.random.Generator, n: int, *, blurred: float = 0.5, careless: float = 0.5
) -> Episodes:
    """Some scenes are seen badly at first, some plans are bad at first; both confidences are fair.

    A new view or a repair draws anew and better; the two causes are independent.
    """
    blur = rng.random((n, 1)) < blurred
    slips = rng.random((n, 1, 1)) < careless
    seen = np.where(blur & (np.arange(VIEWS) == 0), 0.5, 0.85) + 0.15 * rng.random((n, VIEWS))
    first = np.arange(PLANS) == 0
    planned = np.where(slips & first, 0.5, 0.85) + 0.15 * rng.random((n, VIEWS, PLANS))
    return Episodes(
        seen,
        planned,
        rng.random(seen.shape) >= seen,
        rng.random(planned.shape) >= planned,
    )


def risk_of(replay: RouterReplay, episodes: Episodes) -> float:
    a = replay.acted
    return float(episodes.bad[a, replay.views[a], replay.repairs[a]].mean())


def test_each_cause_has_its_route() -> None:
    router = Router(t_p=0.9, t_d=0.8)
    cases = [
        ((0.5, None), {"views_left": 1, "repairs_left": 1, "can_ask": True}, Route.LOOK),
        ((0.5, 0.99), {"repairs_left": 1, "can_ask": True}, Route.ASK),
        ((0.5, 0.99), {"repairs_left": 1}, Route.ABSTAIN),
        ((0.9, 0.5), {"views_left": 3, "repairs_left": 1}, Route.REPAIR),
        ((0.9, 0.5), {"views_left": 3, "can_ask": True}, Route.ASK),
        ((0.9, 0.5), {"views_left": 3}, Route.ABSTAIN),
        ((0.9, 0.8), {}, Route.ACT),
    ]
    for scores, budget, route in cases:
        decision = router.decide(*scores, **budget)  # type: ignore[arg-type]
        assert decision.route is route
        assert decision.reason
    assert "u_p 0.5" in router.decide(0.5, 0.99).reason
    assert "u_d 0.5" in router.decide(0.95, 0.5).reason
    closed = Router(None, None)
    assert closed.decide(1.0, 1.0, views_left=9).route is Route.ABSTAIN
    assert closed.decide(1.0, 1.0, can_ask=True).route is Route.ASK
    with pytest.raises(InputError, match="make a plan"):
        router.decide(0.95)
    with pytest.raises(InputError, match="NaN"):
        router.decide(float("nan"), 0.5)


def test_the_replay_is_the_router_step_by_step() -> None:
    rng = np.random.default_rng(51)
    episodes = simulate(rng, 300)
    router = Router(0.9, 0.92)
    for can_ask in (False, True):
        found = router.replay(episodes.seen, episodes.planned, can_ask=can_ask)
        for row in range(300):
            view = repair = 0
            while True:
                route = router.decide(
                    episodes.seen[row, view],
                    episodes.planned[row, view, repair],
                    views_left=VIEWS - 1 - view,
                    repairs_left=PLANS - 1 - repair,
                    can_ask=can_ask,
                ).route
                if route is Route.LOOK:
                    view += 1
                elif route is Route.REPAIR:
                    repair += 1
                else:
                    break
            assert (found.routes[row], found.views[row], found.repairs[row]) == (
                route.value,
                view,
                repair,
            )
        assert {*found.routes} == {"act", "ask" if can_ask else "abstain"}
    assert not Router(None, None).replay(episodes.seen, episodes.planned).acted.any()


@pytest.mark.parametrize("learn", [0.3, 0.0])
def test_the_risk_of_the_whole_policy_is_controlled(learn: float) -> None:
    rng = np.random.default_rng(52)
    truth = simulate(rng, 60_000)
    failures, acts = 0, []
    known: dict[Router, tuple[float, float]] = {}
    for seed in range(200):
        few = simulate(rng, 500)
        found = calibrate_router(
            few.seen,
            few.planned,
            few.bad,
            ALPHA,
            DELTA,
            grid_p=GRID[::2],
            grid_d=GRID[::2],
            seed=seed,
            learn=learn,
        )
        if found.abstains:
            acts.append(0.0)
            continue
        if found.router not in known:
            replay = found.router.replay(truth.seen, truth.planned)
            known[found.router] = risk_of(replay, truth), float(replay.acted.mean())
        risk, acting = known[found.router]
        failures += risk > ALPHA
        acts.append(acting)
    assert binomtest(failures, 200, DELTA, alternative="greater").pvalue > 1e-3
    assert np.mean(acts) > 0.4


def test_choosing_the_best_pair_by_eye_fails() -> None:
    rng = np.random.default_rng(53)
    truth = simulate(rng, 60_000)
    failures = 0
    risks: dict[tuple[float, float], float] = {}
    for _ in range(60):
        few = simulate(rng, 150)
        best, most = None, -1
        for pair in [(p, d) for p in GRID[::2] for d in GRID[::2]]:
            replay = Router(*pair).replay(few.seen, few.planned)
            count = int(replay.acted.sum())
            if count > most and risk_of(replay, few) <= ALPHA:
                best, most = pair, count
        if best is not None:
            if best not in risks:
                risks[best] = risk_of(Router(*best).replay(truth.seen, truth.planned), truth)
            failures += risks[best] > ALPHA
    assert binomtest(failures, 60, DELTA, alternative="greater").pvalue < 1e-3


def test_two_by_two_each_cause_is_met_with_its_own_remedy() -> None:
    """The aggregate cannot tell why it is unsure: it looks again at what it has seen well."""
    rng = np.random.default_rng(54)
    router = Router(0.85, 0.85)
    table = {}
    for blurred in (0.0, 1.0):
        for careless in (0.0, 1.0):
            episodes = simulate(rng, 4_000, blurred=blurred, careless=careless)
            ours = router.replay(episodes.seen, episodes.planned)
            # One score, of what was seen and planned together; the plan is never repaired.
            whole = episodes.seen * episodes.planned[..., 0]
            theirs = AggregateRouter(0.85 * 0.85).replay(whole, can_ask=True)
            table[blurred, careless] = (
                ours.views.mean(),
                ours.repairs.mean(),
                ours.acted.mean(),
                theirs.views.mean(),
                theirs.acted.mean(),
            )
    assert table[0, 0][:3] == (0, 0, 1)
    assert table[1, 0][:2] == (1, 0)
    assert table[0, 1][:2] == (0, 1)
    assert table[1, 1][:3] == (1, 1, 1)
    looks, acting = table[0, 1][3:]
    assert looks > 2.5  # nearly all views spent, for a plan that no view mends
    assert acting < 0.5
    assert table[1, 0][4] == 1  # where looking is the remedy, it is as good


def test_the_baseline_that_asks_at_once() -> None:
    asks = AggregateRouter(0.9, looks=False)
    assert asks.decide(0.5, views_left=3, can_ask=True).route is Route.ASK
    assert asks.decide(0.95).route is Route.ACT
    assert AggregateRouter(None).decide(1.0).route is Route.ABSTAIN
    replay = asks.replay([[0.5, 0.99], [0.95, 0.1]], can_ask=True)
    assert replay.routes.tolist() == ["ask", "act"]
    looks = AggregateRouter(0.9).replay([[0.5, 0.99], [0.95, 0.1]])
    assert (looks.routes.tolist(), looks.views.tolist()) == (["act", "act"], [1, 0])
    assert AggregateRouter(0.9).replay([0.5, 0.95]).routes.tolist() == ["abstain", "act"]
    with pytest.raises(InputError):
        asks.decide(float("nan"))


def test_abstention_and_ends() -> None:
    rng = np.random.default_rng(55)
    few = simulate(rng, 300)
    everything_is_bad = calibrate_router(
        few.seen, few.planned, np.ones_like(few.bad), ALPHA, grid_p=GRID, grid_d=GRID
    )
    assert everything_is_bad.abstains
    assert everything_is_bad.p_value is None
    assert not everything_is_bad.router.replay(few.seen, few.planned).acted.any()
    for n in (0, 5):
        few_cases = calibrate_router(
            few.seen[:n], few.planned[:n], few.bad[:n], ALPHA, grid_p=GRID, grid_d=GRID
        )
        assert few_cases.abstains
    args = few.seen, few.planned, few.bad
    assert calibrate_router(*args, 0, grid_p=GRID, grid_d=GRID).abstains
    free = calibrate_router(*args, 1, grid_p=[0.0, 0.9], grid_d=[0.0, 0.9])
    assert free.router == Router(0.0, 0.0)
    assert free.acts == free.n
    one_view = calibrate_router(
        few.seen[:, 0], few.planned[:, 0, 0], few.bad[:, 0, 0], 0.4, grid_p=GRID, grid_d=GRID
    )
    assert not one_view.abstains
    # What the policy never needs may be NaN.
    gaps = np.where(few.seen[..., None] < 0.7, np.nan, few.planned)
    assert Router(0.9, 0.9).replay(few.seen, gaps).acted.any()


def test_bad_input_is_one_clear_line() -> None:
    few = simulate(np.random.default_rng(56), 20)
    broken = few.seen.copy()
    broken[:, 0] = np.nan
    for call in (
        lambda: Router(0.9, 0.9).replay(few.seen[:, :2], few.planned),
        lambda: Router(0.9, 0.9).replay(broken, few.planned),
        lambda: calibrate_router(
            few.seen, few.planned, few.bad[:5], ALPHA, grid_p=GRID, grid_d=GRID
        ),
        lambda: calibrate_router(
            few.seen, few.planned, few.bad + 2, ALPHA, grid_p=GRID, grid_d=GRID
        ),
        lambda: calibrate_router(
            few.seen, few.planned, few.bad, ALPHA, grid_p=GRID, grid_d=GRID, learn=1.0
        ),
        lambda: calibrate_router(few.seen, few.planned, few.bad, ALPHA, 2, grid_p=[0], grid_d=[0]),
    ):
        with pytest.raises(InputError):
            call()
