"""Confidence intervals and paired tests for the rates in reports."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from statistics import NormalDist, stdev
from typing import Any


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval; both ends in [0, 1] for a rate, in [-1, 1] for a difference."""

    low: float
    high: float


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson score interval of a binomial rate.

    Args:
        successes: Number of successes, from 0 to ``n``.
        n: Number of trials, at least 1.
        confidence: Two-sided confidence level in (0, 1).

    Raises:
        ValueError: The counts or the level are out of range.

    Source: Wilson (1927), J. Am. Stat. Assoc. 22, 209.

    >>> wilson(10, 10).low > 0.72 and wilson(10, 10).high == 1.0
    True
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"need 0 <= successes <= n and n >= 1, got {successes} of {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(low, high)


def mean_interval(values: Sequence[float]) -> dict[str, Any]:
    """Mean of independent values, such as of seeds, with Student's interval at 95 %.

    Args:
        values: At least one.

    Returns:
        ``mean``, ``interval`` (``None`` with one value) and ``n``.

    Raises:
        ValueError: There is no value.

    >>> found = mean_interval([1.0, 2.0, 3.0])
    >>> found["mean"], round(found["interval"][1], 3)
    (2.0, 4.484)
    """
    if not values:
        raise ValueError("need at least one value")
    n = len(values)
    mean = fsum(values) / n
    if n < 2:
        return {"mean": mean, "interval": None, "n": n}
    from scipy.stats import t

    half = float(t.ppf(0.975, n - 1)) * stdev(values) / sqrt(n)
    return {"mean": mean, "interval": [mean - half, mean + half], "n": n}


def newcombe(
    successes_a: int, n_a: int, successes_b: int, n_b: int, confidence: float = 0.95
) -> Interval:
    """Newcombe's hybrid score interval of the difference of two independent rates, A minus B.

    Args:
        successes_a: Number of successes of A.
        n_a: Number of trials of A, at least 1.
        successes_b: Number of successes of B.
        n_b: Number of trials of B, at least 1.
        confidence: Two-sided confidence level in (0, 1).

    Returns:
        The interval, both ends in [-1, 1].

    Source: Newcombe (1998), Stat. Med. 17, 873, method 10.

    >>> found = newcombe(56, 70, 48, 80)
    >>> round(found.low, 4), round(found.high, 4)
    (0.0524, 0.3339)
    """
    a, b = wilson(successes_a, n_a, confidence), wilson(successes_b, n_b, confidence)
    rate_a, rate_b = successes_a / n_a, successes_b / n_b
    difference = rate_a - rate_b
    return Interval(
        difference - sqrt((rate_a - a.low) ** 2 + (b.high - rate_b) ** 2),
        difference + sqrt((a.high - rate_a) ** 2 + (rate_b - b.low) ** 2),
    )


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided exact McNemar test of paired yes/no outcomes.

    Args:
        only_first: Pairs in which only the first of the two succeeds.
        only_second: Pairs in which only the second succeeds.

    Returns:
        The p-value; 1 if no pair is discordant.

    >>> round(mcnemar_exact(6, 0), 5)
    0.03125
    """
    if only_first < 0 or only_second < 0:
        raise ValueError("counts cannot be negative")
    n = only_first + only_second
    if n == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(only_first, n, 0.5).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment for several tests.

    Returns:
        Adjusted p-values in the given order.

    Source: Holm (1979), Scand. J. Stat. 6, 65.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = running
    return adjusted


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Two systems compared on their common cases.

    Attributes:
        first: Name of the first system.
        second: Name of the second.
        n: Number of common cases.
        only_first: Cases that only the first solves.
        only_second: Cases that only the second solves.
        p_value: Exact McNemar p-value.
        adjusted: The same after Holm's adjustment over all comparisons made together.
    """

    first: str
    second: str
    n: int
    only_first: int
    only_second: int
    p_value: float
    adjusted: float


def compare_paired(outcomes: Mapping[str, Mapping[Hashable, bool]]) -> list[PairedComparison]:
    """Compares every pair of systems on their common cases.

    Args:
        outcomes: For each system, whether it solves each case.
    """
    names = list(outcomes)
    rows: list[tuple[str, str, int, int, int, float]] = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            common = outcomes[first].keys() & outcomes[second].keys()
            if not common:
                continue
            wins = sum(outcomes[first][c] and not outcomes[second][c] for c in common)
            losses = sum(outcomes[second][c] and not outcomes[first][c] for c in common)
            p_value = mcnemar_exact(wins, losses)
            rows.append((first, second, len(common), wins, losses, p_value))
    adjusted = holm([row[-1] for row in rows])
    return [PairedComparison(*row, adj) for row, adj in zip(rows, adjusted, strict=True)]


def cohen_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float:
    """Cohen's kappa of two raters' labels.

    Args:
        pairs: The two labels of each case; at least one.

    Returns:
        Agreement beyond chance, at most 1; 1 if both always give the same single label.

    Source: Cohen (1960), Educ. Psychol. Meas. 20, 37.

    >>> cohen_kappa([("a", "a"), ("b", "b"), ("a", "b"), ("b", "b")])
    0.5
    """
    if not pairs:
        raise ValueError("need at least one pair of labels")
    n = len(pairs)
    observed = sum(a == b for a, b in pairs) / n
    labels = {label for pair in pairs for label in pair}
    expected = sum(
        sum(a == label for a, _ in pairs) * sum(b == label for _, b in pairs) for label in labels
    ) / (n * n)
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)
