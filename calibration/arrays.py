"""Input checks shared by the package: a clear error instead of a silent NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.core.errors import InputError

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]
Sets = NDArray[np.bool_]
"""``[n, K]``: which labels are in the set of each case."""

_TOLERANCE = 1e-3
_BLOCK = 1 << 15  # numbers at a time, so that they stay in the processor's cache


def check_alpha(alpha: float) -> float:
    """Checks a risk level: the allowed miss rate.

    Args:
        alpha: From 0 (nothing may be missed) to 1 (anything may).

    Raises:
        InputError: It lies outside, or is not a number.
    """
    value = float(alpha)
    if not 0 <= value <= 1:
        raise InputError(f"alpha is {alpha}; it must lie in [0, 1]")
    return value


def check_scores(scores: ArrayLike, what: str = "scores") -> Floats:
    """Checks nonconformity scores.

    Args:
        scores: ``[n]``; infinity is allowed, NaN is not.
        what: What they are, for messages.

    Raises:
        InputError: They are of another shape, or one is NaN.
    """
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 1:
        raise InputError(f"the {what} must be a plain list, not of shape {list(array.shape)}")
    _refuse_nan(array, what)
    return array


def check_probabilities(probabilities: ArrayLike, what: str = "probabilities") -> Floats:
    """Checks rows of probabilities.

    Args:
        probabilities: ``[n, K]`` with K of at least 1; rows sum to 1 within 0.001.
        what: What they are, for messages.

    Raises:
        InputError: Another shape, a NaN, a value outside of [0, 1], or a row with another sum.
    """
    array = np.asarray(probabilities, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] < 1:
        raise InputError(
            f"the {what} must be one row per case and one column per label, "
            f"not of shape {list(array.shape)}"
        )
    ones, step = np.ones(array.shape[1]), max(1, _BLOCK // array.shape[1])
    for start in range(0, len(array), step):
        part = array[start : start + step]
        with np.errstate(invalid="ignore"):
            # A sum finds NaN too, and no value above 0 exceeds a sum that is 1.
            off = ~(np.abs(part @ ones - 1) <= _TOLERANCE)
        if off.any() or part.min() < 0:
            _refuse_nan(array, what)
            if array.min() < 0 or array.max() > 1 + _TOLERANCE:
                raise InputError(f"the {what} must lie in [0, 1]")
            row = start + int(off.argmax())
            raise InputError(f"the {what} of case {row} sum to {array[row].sum():.4g}, not to 1")
    return array


def check_labels(labels: ArrayLike, n: int, classes: int) -> Labels:
    """Checks true labels.

    Args:
        labels: ``[n]`` whole numbers from 0 to ``classes - 1``.
        n: Number of cases there must be.
        classes: Number of labels.

    Raises:
        InputError: Another number of cases, or a label outside.
    """
    array = np.asarray(labels)
    if array.shape != (n,):
        raise InputError(f"there are {n} cases, but labels of shape {list(array.shape)}")
    if n and not np.issubdtype(array.dtype, np.integer):
        raise InputError("labels must be whole numbers (columns of the probabilities)")
    found = array.astype(np.intp, copy=False)
    if n and (found.min() < 0 or found.max() >= classes):
        raise InputError(f"labels must lie between 0 and {classes - 1}")
    return found


def check_flags(values: ArrayLike, n: int, what: str) -> NDArray[np.bool_]:
    """Checks one flag per case.

    Raises:
        InputError: Another number of cases, or other values than true and false (0 and 1).
    """
    array = np.asarray(values)
    if array.shape != (n,):
        raise InputError(f"there are {n} cases, but {what} of shape {list(array.shape)}")
    if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
        raise InputError(f"{what} must be true or false")
    return array.astype(np.bool_)


def _refuse_nan(array: NDArray[Any], what: str) -> None:
    bad = np.isnan(array)
    if bad.any():
        place = np.unravel_index(int(bad.argmax()), array.shape)
        raise InputError(f"the {what} of case {int(place[0])} are not a number (NaN)")
