"""Diagnosis of the first layer of a model: its locality, and whether that comes from the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery.receptive.measures import (
    cavity,
    excess_kurtosis,
    gaussian_clone,
    locality,
    participation,
    shuffled_locality,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Diagnosis:
    """Figures of a first layer per unit, on the data and on their Gaussian clone.

    Attributes:
        weights: ``[K, ...]``, channels before space.
        participation: Inverse participation ratio times the number of weights ``[K]``; 1 is
            uniform.
        locality: ``[K]``, see :func:`~.measures.locality`.
        shuffled: Mean locality of the same weights at shuffled positions ``[K]``.
        p_values: Fraction of the shuffles that are at least as local ``[K]``, at least 1/(times +
            1).
        kurtosis: Excess kurtosis of pre-activations on the data ``[K]``; ``None`` without data.
        clone: The same on Gaussian points of the same class means and covariances.
        cavity: By name (``kept``, ``pruned``) the mean change of kurtosis if a weight is deleted,
            now or before the last pruning (only if earlier weights are given); a name is missing if
            it is undefined.
        clone_cavity: The same on the clone.
    """

    weights: Array
    participation: Array
    locality: Array
    shuffled: Array
    p_values: Array
    kurtosis: Array | None = None
    clone: Array | None = None
    cavity: Mapping[str, float] | None = None
    clone_cavity: Mapping[str, float] | None = None

    @property
    def unpruned(self) -> NDArray[np.bool_]:
        """Units with any unpruned weight ``[K]``."""
        found: NDArray[np.bool_] = (self.weights != 0).any(tuple(range(1, self.weights.ndim)))
        return found

    def summary(self) -> dict[str, Any]:
        """Returns means over unpruned units, plain JSON data."""
        alive = self.unpruned
        found: dict[str, Any] = {
            "units": len(alive),
            "living": int(alive.sum()),
            "shape": list(self.weights.shape),
            "sparsity": float((self.weights == 0).mean()),
            "participation": float(self.participation[alive].mean()),
            "locality": float(self.locality[alive].mean()),
            "shuffled": float(self.shuffled[alive].mean()),
            "local_units": int((self.p_values[alive] < 0.05).sum()),
        }
        if self.kurtosis is not None and self.clone is not None:
            # Units that are constant on the data have no kurtosis.
            measured = alive & np.isfinite(self.kurtosis) & np.isfinite(self.clone)
            found["kurtosis"] = float(self.kurtosis[measured].mean())
            found["clone_kurtosis"] = float(self.clone[measured].mean())
            found["cavity"] = dict(self.cavity or {})
            found["clone_cavity"] = dict(self.clone_cavity or {})
        return found


def diagnose(
    weights: Array,
    axes: int,
    points: Array | None = None,
    classes: NDArray[np.int64] | None = None,
    *,
    before: Array | None = None,
    times: int = 200,
    seed: int = 0,
) -> Diagnosis:
    """Diagnoses a first layer.

    Args:
        weights: ``[K, ...]``; the last ``axes`` axes are space, those before them channels.
        axes: Axes of space: 1 or 2.
        points: Inputs of the layer, ``[P, ...]`` with the shape of a unit.
        classes: Classes of the points ``[P]``; kurtosis is computed within them.
        before: Weights before the last pruning, for the cavity of pruned weights.
        times: Shuffles of the null distribution of locality.
        seed: Seed of shuffles and of the clone.

    Raises:
        InputError: Shapes disagree, or a number is not finite.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim < 2 or not np.isfinite(weights).all():
        raise InputError("weights need two axes, units first, and finite numbers")
    if not (weights != 0).any():
        raise InputError("all weights of this layer are zero; there is nothing to diagnose")
    own = locality(weights, axes)
    dealt = shuffled_locality(weights, axes, times=times, seed=seed)
    found: dict[str, Any] = {
        "weights": weights,
        "participation": participation(weights) * weights[0].size,
        "locality": own,
        "shuffled": dealt.mean(0),
        "p_values": (1 + (dealt >= own - 1e-12).sum(0)) / (times + 1),
    }
    if points is not None:
        flat, x = weights.reshape(len(weights), -1), _flat_points(points, classes, weights)
        twin = gaussian_clone(x, classes, seed=seed)
        earlier = None if before is None else np.asarray(before, np.float64).reshape(flat.shape)
        found["kurtosis"] = excess_kurtosis(x @ flat.T, classes)
        if not np.isfinite(found["kurtosis"]).any():
            raise InputError("every unit is constant on these data; use other data")
        found["clone"] = excess_kurtosis(twin @ flat.T, classes)
        found["cavity"] = _cavities(flat, x, classes, earlier)
        found["clone_cavity"] = _cavities(flat, twin, classes, earlier)
    return Diagnosis(**found)


def _flat_points(points: Array, classes: NDArray[np.int64] | None, weights: Array) -> Array:
    x = np.asarray(points, dtype=np.float64)
    if x.ndim < 2 or x[0].size != weights[0].size:
        raise InputError(
            f"points of shape {x.shape[1:]} for units of shape {weights.shape[1:]}; both need the "
            "same size"
        )
    if not np.isfinite(x).all():
        raise InputError("the points are not finite")
    least = min(np.bincount(classes)[np.unique(classes)]) if classes is not None else len(x)
    if least < 8:
        raise InputError("kurtosis needs at least 8 points of each class; give more data")
    if classes is not None and len(classes) != len(x):
        raise InputError(f"{len(x)} points and {len(classes)} classes")
    return x.reshape(len(x), -1)


def _cavities(
    weights: Array, points: Array, classes: NDArray[np.int64] | None, before: Array | None
) -> dict[str, float]:
    kept = weights != 0
    changes = {"kept": cavity(weights, points, classes)[kept]}
    if before is not None:
        changes["pruned"] = cavity(before, points, classes)[(before != 0) & ~kept]
    # The only weight of a unit has no cavity, as the unit would be zero.
    return {
        name: float(np.nanmean(change))
        for name, change in changes.items()
        if np.isfinite(change).any()
    }
