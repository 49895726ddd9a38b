"""Confidence intervals and paired tests for the rates in reports."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import comb, fsum, sqrt
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
    return _wilson(successes / n, n, confidence)


def _wilson(rate: float, n: float, confidence: float) -> Interval:
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if rate == 0 else max(0.0, centre - half)
    high = 1.0 if rate == 1 else min(1.0, centre + half)
    return Interval(low, high)


def clustered_wilson(clusters: Sequence[tuple[int, int]], confidence: float = 0.95) -> Interval:
    """Wilson interval of a rate whose trials depend on each other within clusters.

    The number of trials is replaced by an effective one: divided by the design effect, which is
    the variance of the rate between clusters over that of independent trials (at least 1). Where
    all trials have the same outcome, the clusters are counted, since no variance can be seen.

    Args:
        clusters: Successes and trials of each cluster, such as a task's samples.
        confidence: Two-sided confidence level in (0, 1).

    Returns:
        The interval; that of :func:`wilson` if every cluster has one trial.

    Raises:
        ValueError: The counts or the level are out of range.

    Source: Korn and Graubard (1998), Survey Methodology 24, 193, without their correction for
    the degrees of freedom; Dean and Pagano (2015), J. Surv. Stat. Methodol. 3, 484.

    >>> clustered_wilson([(1, 1), (0, 1), (1, 1)]) == wilson(2, 3)
    True
    >>> clustered_wilson([(5, 5), (0, 5)]).low < wilson(5, 10).low
    True
    """
    filled = [(c, n) for c, n in clusters if n]
    successes, n = sum(c for c, _ in filled), sum(n for _, n in filled)
    plain = wilson(successes, n, confidence)
    if any(not 0 <= c <= size for c, size in filled):
        raise ValueError("need 0 <= successes <= trials in every cluster")
    if all(size == 1 for _, size in filled):
        return plain
    rate, m = successes / n, len(filled)
    if m == 1 or rate in (0.0, 1.0):
        return _wilson(rate, m, confidence)
    between = m / (m - 1) * fsum((c - rate * size) ** 2 for c, size in filled) / n**2
    effect = max(1.0, between / (rate * (1 - rate) / n))
    return _wilson(rate, n / effect, confidence)


def pass_at_k(n: int, correct: int, k: int) -> float:
    """Unbiased estimate of the probability that one of k samples is correct.

    Args:
        n: Number of samples drawn.
        correct: How many of them are correct, from 0 to ``n``.
        k: Number of samples that are looked at, from 1 to ``n``.

    Returns:
        ``1 - C(n - correct, k) / C(n, k)``.

    Raises:
        ValueError: The numbers are out of range.

    Source: Chen et al. (2021), arXiv 2107.03374, section 2.1.

    >>> pass_at_k(4, 1, 1), pass_at_k(4, 1, 2), pass_at_k(4, 1, 4)
    (0.25, 0.5, 1.0)
    """
    if not 0 <= correct <= n or not 1 <= k <= n:
        raise ValueError(f"need 0 <= correct <= n and 1 <= k <= n, got {correct}, {n}, {k}")
    return 1 - comb(n - correct, k) / comb(n, k)


_EXACT_FLIPS = 14
"""Most differences whose signs are all tried: 2 to the power of it are 16,384 sums."""


def sign_flip_test(differences: Sequence[float], seed: int = 0, draws: int = 20_000) -> float:
    """Two-sided permutation test that paired differences are symmetric about zero.

    All signs are tried for up to 14 differences other than zero, else random ones are drawn.
    With differences of -1, 0 and 1 it is the exact McNemar test.

    Args:
        differences: One per case, such as a task's difference of two rates.
        seed: Seed of the draws.
        draws: Number of random sign patterns.

    Returns:
        The p-value; 1 if all differences are zero.

    >>> sign_flip_test([1, 1, 1, 1, 1, 1]) == mcnemar_exact(6, 0)
    True
    """
    open_ones = [d for d in differences if d]
    if not open_ones:
        return 1.0
    if all(abs(d) == 1 for d in open_ones):
        return mcnemar_exact(open_ones.count(1), open_ones.count(-1))
    import numpy as np

    values = np.abs(np.array(open_ones))
    observed = abs(fsum(open_ones)) - 1e-9  # sums of fractions in another order differ slightly
    if len(values) <= _EXACT_FLIPS:
        patterns = np.arange(2 ** len(values))[:, None] >> np.arange(len(values)) & 1
        return float(np.mean(np.abs((2 * patterns - 1) @ values) >= observed))
    signs = np.random.default_rng(seed).integers(0, 2, (draws, len(values)), dtype=np.int8) * 2 - 1
    hits = int(np.sum(np.abs(signs @ values) >= observed))
    return (1 + hits) / (1 + draws)


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
    return difference_interval(successes_a / n_a, a, successes_b / n_b, b)


def difference_interval(rate_a: float, a: Interval, rate_b: float, b: Interval) -> Interval:
    """Joins the intervals of two independent rates to one of their difference, A minus B.

    Source: Newcombe (1998), Stat. Med. 17, 873, method 10, for any intervals of the two.
    """
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
        only_first: Cases that only the first solves (of rates: that it solves more often).
        only_second: Cases that only the second solves (or solves more often).
        p_value: Exact McNemar p-value; of rates that of the sign-flip test.
        adjusted: The same after Holm's adjustment over all comparisons made together.
        left_out: Common cases that are not compared, since the outcome of one is unknown.
    """

    first: str
    second: str
    n: int
    only_first: int
    only_second: int
    p_value: float
    adjusted: float
    left_out: int = 0


def compare_paired(outcomes: Mapping[str, Mapping[Hashable, float]]) -> list[PairedComparison]:
    """Compares every pair of systems on their common cases.

    Args:
        outcomes: For each system, whether it solves each case, or how often it does, in [0, 1].
    """
    names = list(outcomes)
    rows: list[tuple[str, str, int, int, int, float]] = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            common = outcomes[first].keys() & outcomes[second].keys()
            if not common:
                continue
            gaps = [outcomes[first][c] - outcomes[second][c] for c in common]
            wins, losses = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
            p_value = sign_flip_test(sorted(gaps))  # sorted: a set's order must not decide
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
