"""Sample sizes: power of the paired test, and bootstrap intervals of differences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import fsum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_PAIRS = 2000
"""Largest number of pairs that :func:`pairs_needed` considers."""


def mcnemar_power(n: int, only_first: float, only_second: float, alpha: float = 0.05) -> float:
    """Power of the two-sided exact McNemar test, computed exactly.

    Args:
        n: Number of pairs.
        only_first: Probability that only the first succeeds, in [0, 1].
        only_second: Probability that only the second succeeds; both sum to at most 1.
        alpha: Level of the test.

    Returns:
        Probability that the test rejects.

    >>> round(mcnemar_power(60, 0.3, 0.1), 2)
    0.63
    """
    discordant = only_first + only_second
    if not 0 <= discordant <= 1 or min(only_first, only_second) < 0 or n < 1:
        raise ValueError("need n >= 1 and probabilities that sum to at most 1")
    if discordant == 0:
        return 0.0
    import numpy as np
    from scipy.stats import binom

    d = np.arange(1, n + 1)
    limit = _critical(n, alpha)
    tails = binom.cdf(limit, d, only_first / discordant)
    tails += binom.cdf(limit, d, only_second / discordant)
    return float(np.sum(binom.pmf(d, n, discordant) * np.where(limit >= 0, tails, 0.0)))


def pairs_needed(
    only_first: float, only_second: float, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Number of pairs at which the exact McNemar test reaches a power.

    Args:
        only_first: Fraction of pairs in which only the first succeeds.
        only_second: Fraction of pairs in which only the second succeeds.
        power: Desired probability of a significant result.
        alpha: Level of the test.

    Returns:
        A number of pairs (to about 5 %), ``None`` if the fractions are equal or more than
        :data:`MAX_PAIRS` would be needed.
    """
    if only_first == only_second:
        return None
    n = 6
    while n <= MAX_PAIRS:
        if mcnemar_power(n, only_first, only_second, alpha) >= power:
            return n
        n += max(1, n // 20)
    return None


def cluster_bootstrap(
    clusters: Sequence[Sequence[float]], seed: int, draws: int = 4000, confidence: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of a mean over clustered values, clusters drawn as a whole.

    Args:
        clusters: Values by cluster, such as the differences of one task over its seeds.
        seed: Seed of the draws.
        draws: Number of resamples.
        confidence: Two-sided confidence level.

    Returns:
        Lower and upper end.

    Raises:
        ValueError: There is no value.

    Source: Davison and Hinkley (1997), Bootstrap Methods, section 3.8.
    """
    import numpy as np

    filled = [c for c in clusters if len(c)]
    if not filled:
        raise ValueError("need at least one value")
    sums = np.array([fsum(c) for c in filled])
    sizes = np.array([len(c) for c in filled])
    picks = np.random.default_rng(seed).integers(0, len(filled), (draws, len(filled)))
    means = sums[picks].sum(axis=1) / sizes[picks].sum(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


@lru_cache(maxsize=256)
def _critical(n: int, alpha: float) -> NDArray[np.int64]:
    """For 1 to n discordant pairs the largest smaller part that rejects; -1 if none does."""
    import numpy as np
    from scipy.stats import binom

    d = np.arange(1, n + 1)
    k = np.asarray(binom.ppf(alpha / 2, d, 0.5), dtype=np.int64)
    k[2 * binom.cdf(k, d, 0.5) >= alpha] -= 1
    return k
