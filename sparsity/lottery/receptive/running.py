"""The diagnosis of a model's first layer as a run folder with a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot.results.manifest import Manifest
from surefoot.results.run_folder import RunFolder
from surefoot.sparsity.lottery.receptive.diagnosis import diagnose
from surefoot.sparsity.lottery.receptive.layers import FirstLayer
from surefoot.sparsity.lottery.receptive.measures import excess_kurtosis, gaussian_clone
from surefoot.sparsity.lottery.receptive.patches import Patches, PatchImage, cut

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_KEY = "diagnosis"
_RESAMPLED = 400
"""Bootstrap resamples of the images for an interval."""

_DEALS = 20
"""Shuffles of the weights; the page shows the range of their kurtosis."""


@dataclass(frozen=True, slots=True)
class FieldSettings:
    """Settings of a diagnosis.

    Attributes:
        each: Patches per image.
        times: Shuffles for the null distribution.
        seed: Seed of positions, shuffles and the Gaussian clone.
    """

    each: int = 200
    times: int = 499
    seed: int = 0


def run_diagnosis(
    layer: FirstLayer,
    pictures: Callable[[], Iterable[PatchImage]],
    settings: FieldSettings,
    out: Path,
    *,
    model: str,
    source: str,
    hashes: Mapping[str, str],
) -> dict[str, Any]:
    """Diagnoses a layer, or reads an earlier result, and writes the page.

    Args:
        layer: The layer.
        pictures: Returns the images; not called if the run is done.
        settings: The settings.
        out: The run folder.
        model: Name of the model.
        source: Description of the images.
        hashes: SHA-256 of the model's files by name, and of the images.

    Returns:
        The content of ``summary.json``.

    Raises:
        InputError: The data do not fit, or the folder holds another run.
    """
    from surefoot.sparsity.lottery.receptive.page import render_fields

    config = {
        "model": model,
        "layer": layer.name,
        "shape": list(layer.weights.shape),
        "source": source,
        **asdict(settings),
    }
    manifest = Manifest(
        "diagnose receptive-fields", config, [_KEY], seeds=[settings.seed], hashes=hashes
    )
    with RunFolder.open(out, manifest) as run:
        if run.pending:
            patches = cut(pictures(), layer, settings.each, settings.seed)
            run.append(_KEY, look_at(layer, patches, settings))
        summary = {**config, **run.records[_KEY]}
        run.write_summary(summary)
        run.write_report(render_fields(layer, summary))
    return summary


def look_at(layer: FirstLayer, patches: Patches, settings: FieldSettings) -> dict[str, Any]:
    """Measures a layer on patches and on their Gaussian clone.

    Kurtosis of patches has two sources: edges, and differences in contrast (a mixture of Gaussians
    of several variances is kurtotic as well). So it is also computed for patches scaled to equal
    contrast, and for their clone.

    Args:
        layer: The layer.
        patches: Its inputs.
        settings: The settings.

    Returns:
        Plain JSON data: ``summary`` (means over unpruned units), ``intervals`` (95 %, images
        resampled), ``even`` (kurtosis at equal contrast, data and clone), ``dealt`` (kurtosis of
        units with weights shuffled over positions and channels, mean and range of 20 shuffles), and
        ``units``.
    """
    seed = settings.seed
    found = diagnose(
        layer.weights, 2, patches.points, patches.classes, times=settings.times, seed=seed
    )
    flat = layer.weights.reshape(len(layer.weights), -1)
    points = patches.points.reshape(len(patches.points), -1)
    even, kept = _one_contrast(points)
    kinds = None if patches.classes is None else patches.classes[kept]
    twin = gaussian_clone(even, kinds, seed=seed)
    alive = found.unpruned
    assert found.kurtosis is not None
    assert found.clone is not None
    alive = alive & np.isfinite(found.kurtosis) & np.isfinite(found.clone)
    level = np.nanmean(excess_kurtosis(even @ flat.T, kinds)[alive])
    level_clone = np.nanmean(excess_kurtosis(twin @ flat.T, kinds)[alive])
    dealt = _dealt_kurtosis(flat[alive], points, patches.classes, seed)
    units = [
        {
            "unit": k,
            "living": bool(alive[k]),
            "locality": _number(found.locality[k]),
            "shuffled": _number(found.shuffled[k]),
            "p": float(found.p_values[k]),
            "participation": _number(found.participation[k]),
            "kurtosis": _number(found.kurtosis[k]),
            "clone": _number(found.clone[k]),
        }
        for k in range(len(alive))
    ]
    return {
        "summary": found.summary(),
        "intervals": {
            "kurtosis": _resampled(
                points @ flat.T[:, alive], patches.pictures, patches.classes, seed
            )
        },
        "even": {"kurtosis": float(level), "clone": float(level_clone), "patches": int(kept.sum())},
        "dealt": {"mean": float(np.mean(dealt)), "low": min(dealt), "high": max(dealt)},
        "patches": {
            "count": len(points),
            "pictures": int(patches.pictures.max()) + 1,
            "flat": patches.flat,
            "classes": list(patches.names),
        },
        "moving": layer.patch,
        "units": units,
    }


def _dealt_kurtosis(
    weights: Array, points: Array, classes: NDArray[np.int64] | None, seed: int
) -> list[float]:
    """Returns the mean kurtosis of units with shuffled weights, one value per shuffle."""
    rng = np.random.default_rng(seed)
    dealt = np.array(
        [excess_kurtosis(points @ rng.permuted(weights, axis=1).T, classes) for _ in range(_DEALS)]
    )
    # A unit whose weights fall on constant inputs has no kurtosis in that shuffle.
    finite = np.isfinite(dealt)
    return [float(row[some].mean()) for row, some in zip(dealt, finite, strict=True) if some.any()]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _one_contrast(points: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Centres each patch and scales it to equal contrast; flat ones are dropped."""
    middle = points - points.mean(1, keepdims=True)
    contrast = middle.std(1)
    # Scaling patches with little contrast would amplify rounding or compression noise.
    kept: NDArray[np.bool_] = contrast > 0.02 * contrast.max()
    return middle[kept] / contrast[kept, None], kept


def _resampled(
    values: Array, pictures: NDArray[np.int64], classes: NDArray[np.int64] | None, seed: int
) -> list[float]:
    """Returns the 95 % interval of the mean kurtosis of units, images resampled."""
    kinds = np.zeros(len(values), np.int64) if classes is None else classes
    rng = np.random.default_rng(seed)
    parts = []
    for kind in np.unique(kinds):
        chosen = kinds == kind
        _, number = np.unique(pictures[chosen], return_inverse=True)
        h = values[chosen] - values[chosen].mean(0)
        powers = np.stack([np.ones_like(h), h, h**2, h**3, h**4])
        sums = np.zeros((powers.shape[0], int(number.max()) + 1, h.shape[1]))
        for i, power in enumerate(powers):
            np.add.at(sums[i], number, power)
        weights = rng.multinomial(
            sums.shape[1], np.full(sums.shape[1], 1 / sums.shape[1]), _RESAMPLED
        )
        count, *raw = np.einsum("bg,pgk->pbk", weights, sums)
        m1, m2, m3, m4 = (r / count for r in raw)
        square = m2 - m1**2
        fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
        with np.errstate(invalid="ignore", divide="ignore"):
            parts.append(fourth / square**2 - 3)
    means = np.nanmean(np.mean(parts, axis=0), axis=1)
    low, high = np.nanquantile(means, [0.025, 0.975])
    return [float(low), float(high)]
