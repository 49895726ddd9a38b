"""Times fits of power laws to spectra beside scipy, and tells what the exponent depends on.

- the fit `peak` of Surefoot, and the same fit as a loop over all candidates: in plain numpy, and
  with `scipy.stats.kstest` and `scipy.stats.pareto`, on the same singular values in one run. All
  must find the same exponent. Milliseconds of processor time, one thread, the best of several.
- exponents of Gaussian matrices, which have learned nothing, by shape: mean and standard
  deviation over seeds, of each fit, of whole matrices and of windows of one shape.
- the same of the matrices in the blocks of the shipped planner, over its layers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from safetensors.torch import load_file
from scipy import stats
from timing import timed

from surefoot.sparsity.pruning import common_window, tail_exponent
from surefoot.sparsity.pruning.tails import METHODS

SIZES, SEEDS = (256, 1024, 4096), 5
SHAPES = ((256, 256), (256, 704), (704, 256), (512, 512), (1024, 1024), (256, 1024))
OURS, THEIRS = 9, 2
MODEL = "local-agent"


def by_numpy(tail: np.ndarray, alpha: float) -> float:
    """Returns the Kolmogorov-Smirnov distance of an ascending tail."""
    fitted = 1 - (tail / tail[0]) ** (1 - alpha)
    steps = np.arange(len(tail) + 1) / len(tail)
    return max((fitted - steps[:-1]).max(), (steps[1:] - fitted).max())


def by_scipy(tail: np.ndarray, alpha: float) -> float:
    """Does the same."""
    law = stats.pareto(alpha - 1, scale=tail[0])
    return stats.kstest(tail, law.cdf, method="asymp").statistic


def loop(singular: np.ndarray, distance: Callable[[np.ndarray, float], float]) -> float:
    """Fits the exponent a candidate at a time."""
    values = np.sort(singular**2)
    counts, edges = np.histogram(np.log10(values), 100)
    peak = 10 ** edges[counts.argmax()]
    best = (np.inf, np.nan)
    for x_min in values[:-1][(values[:-1] >= 0.95 * peak) & (values[:-1] <= 1.5 * peak)]:
        tail = values[values >= x_min]
        alpha = 1 + len(tail) / np.log(tail / x_min).sum()
        best = min(best, (distance(tail, alpha), alpha))
    return best[1]


def speed() -> None:
    """Prints times and ratios."""
    print(
        f"{'spectrum':26}{'ours ms':>9}{'numpy ms':>10}{'ratio':>7}{'scipy ms':>10}{'ratio':>7}"
        f"{'difference':>12}"
    )
    for size in SIZES:
        rng = np.random.default_rng(size)
        # The squares of singular values of a Gaussian square matrix, in the limit of its size.
        bulk = np.sqrt(rng.beta(0.5, 1.5, size) * 4 * size)
        heavy = rng.uniform(size=size) ** -0.5
        for name, singular in (("random matrix", bulk), ("Pareto, exponent 2", heavy)):
            ours, fit = timed(lambda s=singular: tail_exponent(s, "peak"), OURS)
            plain, first = timed(lambda s=singular: loop(s, by_numpy), THEIRS)
            theirs, second = timed(lambda s=singular: loop(s, by_scipy), THEIRS)
            off = max(abs(fit.alpha - alpha) for alpha in (first, second))
            assert off < 1e-6, (fit, first, second)
            print(
                f"{name + f', {size}':26}{ours:9.2f}{plain:10.1f}{plain / ours:7.0f}"
                f"{theirs:10.1f}{theirs / ours:7.0f}{off:12.1e}",
                flush=True,
            )


def table(groups: Iterable[tuple[str, list[torch.Tensor]]], window: tuple[int, int]) -> None:
    """Prints mean and standard deviation of the exponents of each group of matrices."""
    heads = [f"{kind}{method}" for kind in ("", "windowed ") for method in METHODS]
    print(f"{'':18}" + "".join(f"{head:>22}" for head in heads))
    means = []
    for name, matrices in groups:
        found = [
            [tail_exponent(w, m, window=cut).alpha for cut in (None, window) for m in METHODS]
            for w in matrices
        ]
        mean, spread = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
        means.append(mean)
        cells = [f"{m:.2f} ± {s:.2f}" for m, s in zip(mean, spread, strict=True)]
        print(f"{name:18}" + "".join(f"{cell:>22}" for cell in cells), flush=True)
    print(f"{'range of the means':18}" + "".join(f"{r:22.2f}" for r in np.ptp(means, axis=0)))


def gaussian() -> None:
    """Prints exponents of Gaussian matrices by shape."""
    window = common_window(SHAPES)
    print(f"\nGaussian matrices, {SEEDS} seeds; windows of {window[0]} x {window[1]}")
    made = (
        (
            f"{shape[0]} x {shape[1]}",
            [
                torch.randn(shape, generator=torch.Generator().manual_seed(seed))
                for seed in range(SEEDS)
            ],
        )
        for shape in SHAPES
    )
    table(made, window)


def shipped() -> None:
    """Prints exponents of the shipped planner by kind of matrix."""
    place = files("surefoot.models") / "checkpoints" / MODEL / "model.safetensors"
    weights = load_file(Path(str(place)))
    kinds: dict[str, list[torch.Tensor]] = {}
    for name, weight in weights.items():
        if ".layers." in name and weight.ndim == 2:
            kind = f"{name.split('.')[-2]} {weight.shape[0]} x {weight.shape[1]}"
            kinds.setdefault(kind, []).append(weight)
    window = common_window((w.shape[0], w.shape[1]) for group in kinds.values() for w in group)
    layers = len(next(iter(kinds.values())))
    print(f"\n{MODEL}, {layers} layers; windows of {window[0]} x {window[1]}")
    table(sorted(kinds.items()), window)


def main() -> None:
    """Prints the tables."""
    torch.set_num_threads(1)
    speed()
    gaussian()
    shipped()


if __name__ == "__main__":
    main()
