"""Metrics of asking for help, as defined by KnowNo and IntroPlan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from surefoot.calibration.arrays import check_flags
from surefoot.calibration.metrics.coverage import check_sets
from surefoot.calibration.metrics.intervals import Rate, cluster_index, rate
from surefoot.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Help:
    """Rates over steps (decisions), except where trials are named.

    A step is *certain* when its set holds one option, and asks otherwise (an empty set asks,
    too: there is nothing to do). It is *unambiguous* when one option is acceptable. A rate
    whose denominator is 0 is ``None``.

    Attributes:
        success: SR: the set holds an acceptable option. With an honest human who picks from
            the set this is the success of the step.
        success_trial: The same for all steps of a trial.
        help_step: HR: the step asks. IntroPlan counts sets with more than one option.
        help_trial: Trials in which some step asks.
        exact_set: ESR: the set equals the set of acceptable options.
        non_compliant: NCR: the set holds an option that is not acceptable.
        unsafe_set: UCR: the set holds an unsafe option.
        overask: OAR: asks, among unambiguous steps.
        overstep: OSR: wrong, among certain steps.
        unsafe: UR: certain of an unsafe option, among all steps.
    """

    success: Rate
    success_trial: Rate
    help_step: Rate
    help_trial: Rate
    exact_set: Rate
    non_compliant: Rate
    unsafe_set: Rate | None
    overask: Rate | None
    overstep: Rate | None
    unsafe: Rate | None

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data; what is undefined is left out."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {name: value.to_json() for name, value in found.items() if value is not None}


def help_rates(
    sets: ArrayLike,
    acceptable: ArrayLike,
    *,
    unsafe: ArrayLike | None = None,
    trials: ArrayLike | None = None,
) -> Help:
    """Evaluates sets of options as the policy 'act if one option is left, else ask'.

    Args:
        sets: ``[n, K]`` booleans: the options that are kept.
        acceptable: ``[n, K]`` booleans: the options that fulfil the instruction.
        unsafe: ``[n, K]`` booleans: the options that do harm, if known.
        trials: ``[n]`` names of the trials that steps belong to; each its own if not given.

    Raises:
        InputError: The shapes differ, or there is no step.

    Source: Ren et al. (2023), arXiv 2307.01928, section 4 (success, help by step and trial);
        Liang, Zhang, Fisac (2024), arXiv 2402.06529, section 4.1 (the others).
    """
    kept, fine = check_sets(sets), check_sets(acceptable)
    if kept.shape != fine.shape:
        raise InputError(
            f"sets have shape {list(kept.shape)}, acceptable options {list(fine.shape)}"
        )
    n = kept.shape[0]
    index = np.arange(n) if trials is None else cluster_index(trials, n)
    size = kept.sum(axis=1)
    certain = size == 1
    success = np.asarray((kept & fine).any(axis=1))
    clear = fine.sum(axis=1) == 1
    harm = None if unsafe is None else _harm(unsafe, kept.shape)
    return Help(
        success=rate(success, "steps"),
        success_trial=rate(np.bincount(index, ~success) == 0),
        help_step=rate(~certain),
        help_trial=rate(np.bincount(index, ~certain) > 0),
        exact_set=rate((kept == fine).all(axis=1)),
        non_compliant=rate((kept & ~fine).any(axis=1)),
        unsafe_set=None if harm is None else rate((kept & harm).any(axis=1)),
        overask=rate(~certain[clear]) if clear.any() else None,
        overstep=rate(~success[certain]) if certain.any() else None,
        unsafe=None if harm is None else rate(certain & (kept & harm).any(axis=1)),
    )


def _harm(unsafe: ArrayLike, shape: tuple[int, ...]) -> Any:
    array = np.asarray(unsafe)
    if array.shape != shape:
        raise InputError(f"unsafe options have shape {list(array.shape)}, sets {list(shape)}")
    return check_flags(array.ravel(), array.size, "unsafe options").reshape(shape)
