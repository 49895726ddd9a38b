from __future__ import annotations

import random

import pytest

from surefoot.results.lines import Curve, line_chart
from surefoot.results.power import cluster_bootstrap, mcnemar_power, pairs_needed
from surefoot.results.statistics import mcnemar_exact


@pytest.mark.parametrize(("n", "power"), [(60, 0.63), (100, 0.88), (140, 0.97)])
def test_power_of_a_gap_of_twenty_points(n: int, power: float) -> None:
    """Figures computed independently for discordant shares of 0.3 and 0.1."""
    assert mcnemar_power(n, 0.3, 0.1) == pytest.approx(power, abs=0.006)


def test_power_agrees_with_simulation() -> None:
    rng = random.Random(5)
    hits = 0
    for _ in range(4000):
        draws = [rng.random() for _ in range(40)]
        first = sum(d < 0.25 for d in draws)
        second = sum(0.25 <= d < 0.3 for d in draws)
        hits += mcnemar_exact(first, second) < 0.05
    assert mcnemar_power(40, 0.25, 0.05) == pytest.approx(hits / 4000, abs=0.025)


def test_size_of_the_test_holds() -> None:
    assert mcnemar_power(80, 0.2, 0.2) <= 0.05
    assert mcnemar_power(5, 1.0, 0.0) == 0.0
    assert mcnemar_power(6, 1.0, 0.0) == 1.0


def test_pairs_needed_is_where_power_begins() -> None:
    n = pairs_needed(0.3, 0.1)
    assert n is not None
    assert mcnemar_power(n, 0.3, 0.1) >= 0.8
    assert mcnemar_power(n * 9 // 10, 0.3, 0.1) < 0.8
    assert pairs_needed(0.2, 0.2) is None
    assert pairs_needed(0.01, 0.0101) is None


def test_bootstrap_covers_the_mean_and_widens_with_clusters() -> None:
    rng = random.Random(1)
    inside = 0
    for trial in range(200):
        clusters = []
        for _ in range(40):
            shift = rng.gauss(0, 1)
            clusters.append([shift + rng.gauss(0, 0.3) for _ in range(3)])
        low, high = cluster_bootstrap(clusters, trial, draws=800)
        inside += low <= 0 <= high
    assert 0.88 <= inside / 200 <= 0.99
    flat = [[v] for c in clusters for v in c]
    narrow = cluster_bootstrap(flat, 0)
    wide = cluster_bootstrap(clusters, 0)
    assert wide[1] - wide[0] > narrow[1] - narrow[0]
    assert cluster_bootstrap(clusters, 3) == cluster_bootstrap(clusters, 3)
    with pytest.raises(ValueError, match="at least one"):
        cluster_bootstrap([[]], 0)


def test_line_charts_place_points_in_order() -> None:
    chart = line_chart(
        [Curve("a", [(0.01, 1), (1.0, 2), (10.0, 5)]), Curve("b<", [])],
        title="t",
        x="seconds",
        y="solved",
        top=5,
        log_x=True,
        steps=True,
    )
    assert chart.count("<circle") == 3
    assert "b&lt;" in chart
    assert "Nothing to draw" in line_chart([], title="t", x="x", y="y", top=1)
