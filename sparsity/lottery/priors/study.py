"""Evaluates a generator as a prior: PSNR by number of measurements and sparsity."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.errors import InputError
from surefoot.core.progress import Progress, silent
from surefoot.results.statistics import mean_interval
from surefoot.sparsity.lottery.priors.sensing import LinearPrior, SenseSettings, sense, spoiled
from surefoot.sparsity.lottery.restoring.fidelity import psnr
from surefoot.sparsity.lottery.restoring.operators import Gaussian, observe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from surefoot.sparsity.lottery.priors.networks import Generator

LINEAR = "linear"
"""Name of the best linear estimate."""


class Measuring(BaseModel):
    """Settings of a measurement."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: tuple[int, ...] = (25, 50, 100, 200, 400)
    """Numbers of random rows."""
    sigma: float = Field(default=0.01, ge=0)
    """Standard deviation of the noise of a row, relative to the range of the image."""
    outliers: int = Field(default=0, ge=0)
    """Number of rows with outliers."""
    spoils: float = 100.0
    """Value of the outliers."""
    seek: SenseSettings = SenseSettings()
    """Settings of the search; with groups as a median of means."""
    seed: int = Field(default=0, ge=0)
    """Seed of rows, noise and outliers."""


def measure(
    generators: Mapping[str, Generator],
    truths: NDArray[np.uint8],
    measuring: Measuring,
    *,
    known: NDArray[np.uint8] | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Reconstructs unseen images from random measurements.

    All generators and the linear estimate use the same rows and noise.

    Args:
        generators: Generators by name, dense and sparse.
        truths: Images, uint8 ``[n, size, size, 3]``.
        measuring: The settings.
        known: Training images of the generators, for the linear estimate; omitted without.
        progress: Called after every image.

    Returns:
        Plain JSON data: ``rows`` (one for each generator, number of rows and picture: ``prior``,
        ``rows``, ``picture``, ``psnr`` in dB, ``seconds``) and ``sparsity`` by generator.

    Raises:
        InputError: Sizes disagree, or there are more outliers than rows.
    """
    if truths.ndim != 4 or not len(truths):
        raise InputError("no images to sense")
    linear = None if known is None else LinearPrior(known)
    found: list[dict[str, Any]] = []
    for number, pixels in enumerate(truths):
        truth = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float()[None] / 255
        for rows in measuring.rows:
            seed = measuring.seed + 1000 * number + rows
            operator = Gaussian(rows, (3, *pixels.shape[:2]), seed)
            problem = observe(operator, truth, measuring.sigma, seed)
            problem = spoiled(problem, measuring.outliers, measuring.spoils, seed)
            guesses: list[tuple[str, Callable[[], torch.Tensor]]] = [
                (name, lambda g=g, p=problem: sense(g, p, measuring.seek).picture)  # type: ignore[misc]
                for name, g in generators.items()
            ]
            if linear is not None:
                guesses.append(
                    (
                        LINEAR,
                        lambda o=operator, p=problem: linear.guess(  # type: ignore[misc]
                            o, p.measured, measuring.sigma
                        ),
                    )
                )
            for name, guess in guesses:
                begun = time.perf_counter()
                picture = guess()
                seconds = time.perf_counter() - begun
                found.append(
                    {
                        "prior": name,
                        "rows": rows,
                        "picture": number,
                        "seconds": seconds,
                        "psnr": psnr(picture.detach().numpy(), truth.numpy()),
                    }
                )
        progress(number + 1, len(truths))
    return {"rows": found, "sparsity": {name: _sparsity(g) for name, g in generators.items()}}


def _sparsity(generator: Generator) -> float:
    weights = [p for p in generator.parameters() if p.ndim > 1]
    zeros = sum(int((p == 0).sum()) for p in weights)
    return zeros / sum(p.numel() for p in weights)


def summarise(found: Mapping[str, Any], dense: str | None = None) -> list[dict[str, Any]]:
    """Returns the mean PSNR of each prior and number of rows, with its spread over images.

    Args:
        found: Result of :func:`measure`.
        dense: A prior that others are compared with.

    Returns:
        Rows with ``prior``, ``rows``, ``sparsity`` (``None`` for the linear estimate), ``psnr``,
        ``seconds``, both as returned by :func:`~surefoot.results.statistics.mean_interval`, and
        ``ahead``: the PSNR minus that of ``dense`` on the same images, ``None`` for itself.
    """
    keys = list(dict.fromkeys((r["prior"], r["rows"]) for r in found["rows"]))
    ahead = {
        prior: against(found, prior, dense)
        for prior in dict.fromkeys(prior for prior, _ in keys)
        if dense is not None and prior != dense
    }
    summary = []
    for prior, count in keys:
        chosen = [r for r in found["rows"] if (r["prior"], r["rows"]) == (prior, count)]
        summary.append(
            {
                "prior": prior,
                "rows": count,
                "sparsity": found["sparsity"].get(prior),
                "psnr": mean_interval([float(r["psnr"]) for r in chosen]),
                "seconds": mean_interval([float(r["seconds"]) for r in chosen]),
                "ahead": ahead.get(prior, {}).get(count),
            }
        )
    return summary


def against(found: Mapping[str, Any], prior: str, other: str) -> dict[int, dict[str, Any]]:
    """Returns a prior's PSNR minus another's on the same images and rows.

    Args:
        found: Result of :func:`measure`.
        prior: Name of a prior.
        other: Name of another.

    Returns:
        Means with intervals by number of rows, where both were measured.
    """
    values: dict[str, dict[tuple[int, int], float]] = {prior: {}, other: {}}
    for row in found["rows"]:
        if row["prior"] in values:
            values[row["prior"]][row["rows"], row["picture"]] = float(row["psnr"])
    differences: dict[int, list[float]] = {}
    for (rows, picture), value in values[prior].items():
        if (rows, picture) in values[other]:
            differences.setdefault(rows, []).append(value - values[other][rows, picture])
    return {rows: mean_interval(some) for rows, some in differences.items()}
