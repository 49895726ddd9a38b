"""Coverage of sets, compared with its law, and sizes of sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import Floats, Sets, check_flags
from surefoot.calibration.metrics.intervals import Estimate, Rate, cluster_index, mean, rate
from surefoot.calibration.quantiles import rank
from surefoot.core.errors import InputError


def covered(sets: ArrayLike, truth: ArrayLike) -> NDArray[np.bool_]:
    """Returns which sets contain the truth.

    Args:
        sets: ``[n, K]`` booleans.
        truth: ``[n]`` true labels, or ``[n, K]`` booleans of all acceptable ones; a set then
            needs to hold one of them.

    Returns:
        ``[n]`` booleans.

    Raises:
        InputError: The shapes do not fit.

    >>> covered([[True, False], [True, True]], [1, 1]).tolist()
    [False, True]
    """
    chosen = check_sets(sets)
    true = np.asarray(truth)
    if true.shape == chosen.shape and true.dtype == np.bool_:
        return np.asarray((chosen & true).any(axis=1))
    if true.shape != chosen.shape[:1] or (true.size and not np.issubdtype(true.dtype, np.integer)):
        raise InputError(
            f"sets have shape {list(chosen.shape)}, truths {list(true.shape)}; give a label "
            "(a whole number) or a row of booleans for each set"
        )
    if true.size and (true.min() < 0 or true.max() >= chosen.shape[1]):
        raise InputError(f"true labels must lie between 0 and {chosen.shape[1] - 1}")
    return np.asarray(chosen[np.arange(true.size), true.astype(np.intp)])


def marginal_coverage(hits: ArrayLike) -> Rate:
    """Returns the fraction of sets that contain the truth (``hits`` of :func:`covered`)."""
    return rate(hits, "sets")


def joint_coverage(hits: ArrayLike, scenes: ArrayLike) -> Rate:
    """Returns the fraction of scenes whose facts are all covered.

    Args:
        hits: ``[n]`` booleans by fact.
        scenes: ``[n]`` names or numbers of the facts' scenes.

    >>> joint_coverage([True, True, False], ["a", "a", "b"]).value
    0.5
    """
    flags = np.asarray(hits)
    flags = check_flags(flags, flags.size, "hits")
    index = cluster_index(scenes, flags.size)
    return rate(np.bincount(index, ~flags) == 0, "scenes")


def group_coverage(hits: ArrayLike, groups: ArrayLike) -> dict[str, Rate]:
    """Returns the coverage within each group, in order of their names."""
    flags = np.asarray(hits)
    flags = check_flags(flags, flags.size, "hits")
    names = np.asarray(groups, dtype=np.str_)
    cluster_index(names, flags.size)
    return {str(name): rate(flags[names == name]) for name in np.unique(names)}


@dataclass(frozen=True, slots=True)
class Slab:
    """The part of the inputs, between two parallel planes, where coverage is worst.

    Attributes:
        coverage: Coverage there, on cases that the search has not seen.
        searched: Coverage there on the cases of the search; biased downwards.
        direction: ``[d]`` unit vector over the standardised features.
        share: Fraction of the unseen cases in the slab.
    """

    coverage: Rate
    searched: Rate
    direction: tuple[float, ...]
    share: float


def worst_slab(
    features: ArrayLike,
    hits: ArrayLike,
    *,
    least: float = 0.1,
    directions: int = 200,
    seed: int = 0,
    most: int = 2000,
) -> Slab:
    """Searches for the slab {x: a <= v·x <= b} with the lowest coverage.

    One half of the cases finds it, the other measures it, since the lowest of many noisy rates is
    biased downwards.

    Args:
        features: ``[n, d]`` features of each case that are known before its truth.
        hits: ``[n]`` booleans of :func:`covered`.
        least: Least fraction of the cases that a slab must contain.
        directions: Number of random directions v, beside the axes.
        seed: Seed of the halves and directions.
        most: Most cases that the search uses; the rest goes to the measurement.

    Raises:
        InputError: The shapes do not fit, a feature is not finite, there are fewer than 20
            cases, or the slab holds no unseen case.

    Source: Cauchois, Gupta, Duchi (2021), JMLR 22(81), section 4 and equation 12; halves as in
        Romano, Sesia, Candès (2020), supplement S1.2.
    """
    x = np.asarray(features, dtype=np.float64)
    flags = np.asarray(hits)
    if x.ndim != 2 or x.shape[0] != flags.size or not np.isfinite(x).all():
        raise InputError("features must be one row of finite numbers for each case")
    flags = check_flags(flags, x.shape[0], "hits")
    if x.shape[0] < 20 or not 0 < least < 1:
        raise InputError("a worst slab needs at least 20 cases and a least share in (0, 1)")
    rng = np.random.default_rng(seed)
    x = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    order = rng.permutation(x.shape[0])
    cut = min(x.shape[0] // 2, most)
    seen, new = order[:cut], order[cut:]
    drawn = rng.normal(size=(directions, x.shape[1]))
    vectors = np.vstack([np.eye(x.shape[1]), drawn])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    places = vectors @ x[seen].T
    best, low, high = _lowest_window(places, flags[seen], max(1, int(np.ceil(least * cut))))
    inside = places[best]
    there = (inside >= low) & (inside <= high)
    across = vectors[best] @ x[new].T
    hit = flags[new][(across >= low) & (across <= high)]
    return Slab(
        rate(hit, "unseen cases in the slab"),
        rate(flags[seen][there]),
        tuple(float(v) for v in vectors[best]),
        hit.size / new.size,
    )


def _lowest_window(
    places: Floats, flags: NDArray[np.bool_], least: int
) -> tuple[int, float, float]:
    """Finds direction and ends of the run of at least ``least`` cases with the lowest mean.

    A run of twice that length falls into two halves, of which one is no better, so that only
    shorter ones are tried; where places are tied, a run cannot be cut and may be longer.
    """
    n = places.shape[1]
    order = np.argsort(places, axis=1, kind="stable")
    sorted_places = np.take_along_axis(places, order, axis=1)
    sums = np.zeros((places.shape[0], n + 1))
    np.cumsum(flags[order], axis=1, out=sums[:, 1:])
    step = np.diff(sorted_places, axis=1) > 0
    edge = np.pad(step, ((0, 0), (1, 1)), constant_values=True)
    longest = min(n, 2 * least) if edge.all() else n
    best = (np.inf, 0, 0, n)
    for length in range(least, longest + 1):
        means = (sums[:, length:] - sums[:, :-length]) / length
        means[~(edge[:, length:] & edge[:, :-length])] = np.inf
        at = int(means.argmin())
        row, start = divmod(at, means.shape[1])
        if means[row, start] < best[0]:
            best = (float(means[row, start]), row, start, start + length)
    _, row, start, end = best
    return row, float(sorted_places[row, start]), float(sorted_places[row, end - 1])


@dataclass(frozen=True, slots=True)
class CoverageLaw:
    """The law of the coverage that one calibration reaches, over calibrations.

    Beta(k, n + 1 - k) of infinitely many new cases, with k the :func:`~surefoot.calibration.
    quantiles.rank` of the threshold; beta-binomial of finitely many. It is exact for scores
    without ties; with ties coverage is larger.

    Attributes:
        n_cal: Number of calibration cases (scenes for joint sets).
        alpha: Allowed miss rate.
        n_test: Number of new cases that coverage is measured on; ``None`` for infinitely many.
    """

    n_cal: int
    alpha: float
    n_test: int | None

    @property
    def shape(self) -> tuple[int, int]:
        """Both parameters of the beta law; one is 0 where sets are always full or empty."""
        k = rank(self.n_cal, self.alpha)
        return k, self.n_cal + 1 - k

    @property
    def mean(self) -> float:
        """Expected coverage: k / (n + 1), at least ``1 - alpha``."""
        return self.shape[0] / (self.n_cal + 1)

    def quantiles(self, levels: ArrayLike) -> Floats:
        """Returns quantiles of the coverage."""
        wanted = np.asarray(levels, dtype=np.float64)
        a, b = self.shape
        if not a or not b:
            return np.full(wanted.shape, 1.0 if a else 0.0)
        from scipy.stats import beta, betabinom

        if self.n_test is None:
            return np.asarray(beta.ppf(wanted, a, b))
        return np.asarray(betabinom.ppf(wanted, self.n_test, a, b)) / self.n_test

    def band(self, confidence: float = 0.9) -> tuple[float, float]:
        """Returns the central band in which coverage lies with this probability."""
        low, high = self.quantiles([(1 - confidence) / 2, (1 + confidence) / 2])
        return float(low), float(high)

    def counts(self) -> Floats:
        """Returns ``[n_test + 1]`` the probability of each number of covered cases.

        Raises:
            ValueError: ``n_test`` is ``None``.
        """
        if self.n_test is None:
            raise ValueError("infinitely many cases have no counts")
        from scipy.stats import betabinom

        a, b = self.shape
        if not a or not b:
            found = np.zeros(self.n_test + 1)
            found[-1 if a else 0] = 1.0
            return found
        return np.asarray(betabinom.pmf(np.arange(self.n_test + 1), self.n_test, a, b))

    def p_value(self, covered_counts: ArrayLike, bins: int = 10) -> float:
        """Tests measured coverages against the law (chi-square over bins of equal weight).

        Args:
            covered_counts: Number of covered cases by independent split, each of ``n_test``.
            bins: Number of bins, made larger where one number of cases outweighs them.

        Returns:
            The p-value; 1 if one bin holds everything.
        """
        from scipy.stats import chi2

        found = np.asarray(covered_counts, dtype=np.intp)
        weights = self.counts()
        if (weights[found] <= 0).any():
            return 0.0
        place = np.minimum((np.cumsum(weights) * bins).astype(np.intp), bins - 1)
        expected = np.bincount(place, weights, bins) * found.size
        seen = np.bincount(place[found], minlength=bins)
        used = expected > 0
        statistic = ((seen - expected)[used] ** 2 / expected[used]).sum()
        return float(chi2.sf(statistic, used.sum() - 1)) if used.sum() > 1 else 1.0


def beta_law(n_cal: int, alpha: float, n_test: int | None = None) -> CoverageLaw:
    """Returns the law of coverage over calibrations of ``n_cal`` cases.

    Raises:
        InputError: ``n_cal`` is negative, ``n_test`` is below 1, or ``alpha`` outside [0, 1].

    Source: Vovk (2012), Conditional validity, proposition 2b; Angelopoulos, Bates (2023),
        section 3.2 and appendix C.

    >>> low, high = beta_law(400, 0.1).band()
    >>> round(low, 3), round(high, 3)
    (0.875, 0.924)
    """
    rank(0, alpha)  # checks alpha
    if n_cal < 0 or (n_test is not None and n_test < 1):
        raise InputError("the law of coverage needs n_cal >= 0 and n_test >= 1")
    return CoverageLaw(n_cal, alpha, n_test)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of sets.

    Attributes:
        mean: Mean number of labels.
        singletons: Fraction of sets with one label.
        empty: Fraction of empty sets.
        counts: Number of sets by number of labels, from 0.
    """

    mean: Estimate
    singletons: Rate
    empty: Rate
    counts: tuple[int, ...]


def set_sizes(sets: ArrayLike, clusters: ArrayLike | None = None) -> Sizes:
    """Measures sizes of sets; ``clusters`` as in :func:`~.intervals.mean`.

    Raises:
        InputError: There is no set, or the shape is not ``[n, K]``.
    """
    sizes = check_sets(sets).sum(axis=1)
    return Sizes(
        mean(sizes, clusters),
        rate(sizes == 1),
        rate(sizes == 0),
        tuple(int(c) for c in np.bincount(sizes, minlength=2)),
    )


def check_sets(sets: ArrayLike) -> Sets:
    """Checks sets: ``[n, K]`` booleans.

    Raises:
        InputError: They have another shape or type.
    """
    array = np.asarray(sets)
    if array.ndim != 2 or array.dtype != np.bool_:
        raise InputError("sets must be booleans, one row per case and one column per label")
    return array
