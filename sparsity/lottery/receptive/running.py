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
_DEALS = 20


@dataclass(frozen=True, slots=True)
class FieldSettings:
    """How a layer is looked at.

    Attributes:
        each: Patches cut from a picture.
        times: Deals of the shuffle null.
        seed: Seed of places, deals and the Gaussian clone.
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
    """Looks at a layer, or reads what was found before, and writes the page.

    Args:
        layer: The layer.
        pictures: Gives the pictures; not called if the run is done.
        settings: How it is looked at.
        out: The run folder.
        model: What the model is called.
        source: What the pictures are.
        hashes: SHA-256 of the model's files by name, and of the pictures.

    Returns:
        What ``summary.json`` holds.

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

    Kurtosis of patches mixes two things: edges, and that some patches have more contrast than
    others (a mixture of Gaussians of several variances is kurtotic as well). So it is also taken
    of patches that are scaled to one contrast, and of the clone of these.

    Args:
        layer: The layer.
        patches: What it sees.
        settings: How it is looked at.

    Returns:
        Plain JSON data: ``summary`` (means over living units), ``intervals`` (95 %, pictures
        resampled), ``even`` (kurtosis at one contrast, data and clone), ``dealt`` (kurtosis of
        units whose weights were dealt out anew over places and channels, mean and range of 20
        deals), and ``units``.
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
    alive = found.living
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
    """Returns the mean kurtosis of units whose weights lie elsewhere, for some deals."""
    rng = np.random.default_rng(seed)
    dealt = np.array(
        [excess_kurtosis(points @ rng.permuted(weights, axis=1).T, classes) for _ in range(_DEALS)]
    )
    # A unit whose weights fell where nothing ever changes has no kurtosis in that deal.
    told = np.isfinite(dealt)
    return [float(row[some].mean()) for row, some in zip(dealt, told, strict=True) if some.any()]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _one_contrast(points: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Takes the mean of each patch off and scales it to one contrast; flat ones are left out."""
    middle = points - points.mean(1, keepdims=True)
    contrast = middle.std(1)
    # Of patches with hardly any contrast scaling would show rounding or a compression's noise.
    kept: NDArray[np.bool_] = contrast > 0.02 * contrast.max()
    return middle[kept] / contrast[kept, None], kept


def _resampled(
    values: Array, pictures: NDArray[np.int64], classes: NDArray[np.int64] | None, seed: int
) -> list[float]:
    """Returns the 95 % interval of the mean kurtosis of units, whole pictures drawn anew."""
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
