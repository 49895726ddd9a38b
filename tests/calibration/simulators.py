"""Worlds whose truth is known, for statistical tests: everything flows from one seeded generator.

What a simulated model says is a softmax over noisy logits, so it is as over-confident as
``sharpness`` makes it; nothing here is calibrated on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom, kstest

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Cases:
    """Independent cases: ``probabilities [n, K]`` and the true ``labels [n]``."""

    probabilities: Floats
    labels: Labels

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> Cases:
        return Cases(self.probabilities[rows], self.labels[rows])

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Shifted(Cases):
    """Cases with a covariate ``x [n]`` and the exact density ratio target / source ``[n]``."""

    x: Floats
    ratio: Floats


@dataclass(frozen=True, slots=True)
class Episodes:
    """Episodes of ``T`` steps: ``probabilities [n, T, K]``, ``acceptable [n, T, K]``."""

    probabilities: Floats
    acceptable: NDArray[np.bool_]


def softmax(logits: Floats) -> Floats:
    """Softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _answer(
    rng: np.random.Generator, labels: Labels, classes: int, signal: Floats | float, sharpness: float
) -> Floats:
    logits = rng.standard_normal((*labels.shape, classes))
    right = np.arange(classes) == labels[..., None]
    return softmax(sharpness * (logits + right * np.asarray(signal)[..., None]))


def classifier(
    rng: np.random.Generator,
    n: int,
    classes: int = 6,
    signal: float = 2.0,
    sharpness: float = 1.5,
) -> Cases:
    """``n`` independent cases; a larger ``signal`` is a better model, 0 is guessing."""
    labels = rng.integers(0, classes, n)
    return Cases(_answer(rng, labels, classes, signal, sharpness), labels)


def scenes(
    rng: np.random.Generator,
    n: int,
    facts: int = 8,
    classes: int = 6,
    signal: float = 2.0,
    spread: float = 0.5,
) -> Cases:
    """``n`` scenes of ``facts`` dependent facts: ``[n, F, K]`` and ``[n, F]``.

    How well a scene can be seen is shared by all its facts (standard deviation ``spread`` of the
    signal), which is what makes misses come together.
    """
    labels = rng.integers(0, classes, (n, facts))
    quality = signal + spread * rng.standard_normal((n, 1)) * np.ones((1, facts))
    return Cases(_answer(rng, labels, classes, quality, 1.5), labels)


def sequences(
    rng: np.random.Generator,
    n: int,
    horizon: int = 5,
    classes: int = 5,
    signal: float = 3.0,
    acceptable: float = 0.0,
) -> Episodes:
    """``n`` episodes; every further option of a step is acceptable with chance ``acceptable``."""
    labels = rng.integers(0, classes, (n, horizon))
    quality = signal + 0.5 * rng.standard_normal((n, 1)) * np.ones((1, horizon))
    right = np.arange(classes) == labels[..., None]
    good = right | (rng.random(right.shape) < acceptable)
    logits = rng.standard_normal(good.shape) + good * quality[..., None]
    return Episodes(softmax(1.5 * logits), good)


def views(
    rng: np.random.Generator,
    n: int,
    views: int = 6,
    classes: int = 6,
    signal: float = 1.8,
    seen: float = 0.6,
) -> Cases:
    """Several views of one thing, each with partial information: ``[n, V, K]`` and ``[n]``.

    Each view tells only two random halves of the labels apart (the thing is partly hidden), or
    nothing with chance ``1 - seen``. Views are independent given the label, and each reports
    its exact posterior under a uniform prior; their product is the exact fused posterior.
    """
    labels = rng.integers(0, classes, n)
    half = rng.random((n, views, classes)) < 0.5
    true_side = np.take_along_axis(half, np.broadcast_to(labels[:, None, None], (n, views, 1)), 2)
    strength = np.where(rng.random((n, views, 1)) < seen, signal, 0.0)
    # A reading around +strength where the truth is in the half, around -strength where not.
    reading = strength * np.where(true_side, 1.0, -1.0) + rng.standard_normal((n, views, 1))
    log_likelihood = reading * strength * np.where(half, 1.0, -1.0)
    return Cases(softmax(log_likelihood), labels)


def covariate_shift(
    rng: np.random.Generator, n: int, shift: float = 0.0, classes: int = 6
) -> Shifted:
    """Cases whose covariate is normal around ``shift``; the larger it is, the worse the model.

    The ratio is that of a normal around 1 (the target) to one around 0 (the source), so source
    cases are drawn with ``shift=0`` and target cases with ``shift=1``.
    """
    x = rng.standard_normal(n) + shift
    labels = rng.integers(0, classes, n)
    signal = np.maximum(2.5 - 1.2 * x, 0.0)
    return Shifted(_answer(rng, labels, classes, signal, 1.5), labels, x, np.exp(x - 0.5))


def stream(
    rng: np.random.Generator,
    n: int,
    change: int,
    classes: int = 6,
    before: float = 2.5,
    after: float = 1.0,
) -> Cases:
    """Cases in order of time; from case ``change`` on the model is worse (or better)."""
    labels = rng.integers(0, classes, n)
    signal = np.where(np.arange(n) < change, before, after)
    return Cases(_answer(rng, labels, classes, signal, 1.5), labels)


def law_p_value(
    covered: NDArray[np.intp], n_cal: int, n_test: int, rank: int, rng: np.random.Generator
) -> float:
    """P-value that counts of covered test cases follow their exact law.

    For distinct scores the count over a random split is beta-binomial(n_test, rank,
    n_cal + 1 - rank), and splits of one pool are independent of each other. The counts are made
    uniform by the randomised probability integral transform, then tested by Kolmogorov-Smirnov.
    """
    law = betabinom(n_test, rank, n_cal + 1 - rank)
    below, upto = law.cdf(covered - 1), law.cdf(covered)
    return float(kstest(below + rng.random(len(covered)) * (upto - below), "uniform").pvalue)
