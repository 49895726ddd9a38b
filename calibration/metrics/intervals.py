"""Rates and means with their intervals; cases that belong together are drawn together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import Floats, check_flags
from surefoot.core.errors import InputError
from surefoot.results.statistics import Interval, wilson


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate.

    Attributes:
        successes: Number of cases in which it does.
        n: Number of cases, at least 1.
    """

    successes: int
    n: int

    @property
    def value(self) -> float:
        """The rate, in [0, 1]."""
        return self.successes / self.n

    @property
    def interval(self) -> Interval:
        """Wilson interval at 95 %; cases are taken as independent."""
        return wilson(self.successes, self.n)

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        low, high = self.interval.low, self.interval.high
        return {
            "successes": self.successes,
            "n": self.n,
            "value": self.value,
            "interval95": [low, high],
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured number other than a rate.

    Attributes:
        value: The estimate.
        low: Lower end of its interval at 95 %.
        high: Upper end.
        n: Number of cases.
    """

    value: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {"n": self.n, "value": self.value, "interval95": [self.low, self.high]}


def rate(flags: ArrayLike, what: str = "cases") -> Rate:
    """Counts one flag per case.

    Raises:
        InputError: There is no case, or a value is neither true nor false.
    """
    array = np.asarray(flags)
    found = check_flags(array, array.size, what)
    if not found.size:
        raise InputError(f"there are no {what} to measure")
    return Rate(int(found.sum()), int(found.size))


def mean(values: ArrayLike, clusters: ArrayLike | None = None) -> Estimate:
    """Estimates a mean with its normal interval.

    Args:
        values: ``[n]`` finite numbers.
        clusters: ``[n]`` names of clusters, such as the scene of a fact. The
            interval is then that of a ratio over clusters (Cochran 1977, equation 6.13):
            cases of one scene are not independent.

    Raises:
        InputError: There is no value, or one is not finite.

    >>> mean([1.0, 2.0, 3.0]).value
    2.0
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise InputError("a mean needs a plain list of at least one finite number")
    middle = float(array.mean())
    if clusters is None:
        off, groups = array - middle, array.size
    else:
        index = cluster_index(clusters, array.size)
        groups = int(index.max()) + 1
        off = np.bincount(index, array - middle, groups) * groups / array.size
    if groups < 2:
        return Estimate(middle, float("-inf"), float("inf"), array.size)
    z = NormalDist().inv_cdf(0.975)
    half = z * float(np.sqrt((off**2).sum() / (groups - 1) / groups))
    return Estimate(middle, middle - half, middle + half, array.size)


def bootstrap(
    statistic: Callable[[NDArray[np.intp]], float | None],
    n: int,
    *,
    clusters: ArrayLike | None = None,
    seed: int = 0,
    draws: int = 400,
) -> Estimate:
    """Estimates a number with its percentile interval at 95 %.

    Args:
        statistic: Takes the indices of the resampled cases (some repeated) and returns the number,
            or ``None`` if these cases do not define it.
        n: Number of cases.
        clusters: ``[n]`` names of clusters, which are drawn as a whole.
        seed: Seed of the draws.
        draws: Number of resamples.

    Raises:
        InputError: There is no case, or all of them do not define the number.

    Source: Davison and Hinkley (1997), Bootstrap Methods, sections 3.8 and 5.3.
    """
    value = statistic(np.arange(n)) if n else None
    if value is None:
        raise InputError("these cases do not define the number; more of them are needed")
    rng = np.random.default_rng(seed)
    index = np.arange(n) if clusters is None else cluster_index(clusters, n)
    order = np.argsort(index, kind="stable")
    sizes = np.bincount(index)
    starts = np.cumsum(sizes) - sizes
    found: list[float] = []
    for _ in range(draws):
        picked = rng.integers(0, sizes.size, sizes.size)
        many = sizes[picked]
        ends = np.cumsum(many)
        within = np.arange(ends[-1]) - np.repeat(ends - many, many)
        again = statistic(order[np.repeat(starts[picked], many) + within])
        if again is not None:
            found.append(again)
    low, high = np.quantile(found, [0.025, 0.975]) if found else (value, value)
    return Estimate(value, float(low), float(high), n)


def cluster_index(clusters: ArrayLike, n: int) -> NDArray[np.intp]:
    """Numbers clusters from 0 in order of their names.

    Raises:
        InputError: There is not one name for each case.
    """
    names = np.asarray(clusters)
    if names.shape != (n,):
        raise InputError(f"there are {n} cases, but clusters of shape {list(names.shape)}")
    return np.unique(names, return_inverse=True)[1].reshape(-1).astype(np.intp)


def check_confidence(values: ArrayLike, n: int | None = None) -> Floats:
    """Checks confidences: a plain list of numbers in [0, 1].

    Raises:
        InputError: Another shape or number of cases, a NaN, or a value outside.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or (n is not None and array.size != n):
        raise InputError(f"confidences have shape {list(array.shape)}; there are {n} cases")
    if not ((array >= 0) & (array <= 1)).all():
        case = int((~((array >= 0) & (array <= 1))).argmax())
        raise InputError(f"the confidence of case {case} is {array[case]}; it must be in [0, 1]")
    return array
