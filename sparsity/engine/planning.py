"""The compression of each layer, decided over all layers before any is compressed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch

from surefoot.core.errors import InputError
from surefoot.core.progress import Progress
from surefoot.sparsity.engine.targets import Layer, Targets, weight_of
from surefoot.sparsity.lowrank.ranks import RankPlan, ranks_for, saves, uniform_ranks
from surefoot.sparsity.pruning.allocation import allocate, allocate_by_outliers
from surefoot.sparsity.pruning.metrics import alpha_metrics
from surefoot.sparsity.pruning.patterns import SemiStructured, pattern_of, patterns_for
from surefoot.sparsity.pruning.tails import TailFit, common_window, tail_exponent
from surefoot.sparsity.recipe import Allocate, CompressionRecipe, Factorize, Quantize, Sparsify

if TYPE_CHECKING:
    from surefoot.sparsity.engine.skeleton import Skeleton


@dataclass(frozen=True, slots=True)
class LayerDecision:
    """How one layer is compressed.

    Attributes:
        pattern: Such as ``2:4`` or ``0.5``; ``""`` if no weight is pruned.
        rank: Rank of its factors; ``None`` if it is not factorized.
        alpha: Exponent of the tail of its spectrum, if it was fitted.
        ks: Kolmogorov-Smirnov distance of that fit.
    """

    pattern: str = ""
    rank: int | None = None
    alpha: float | None = None
    ks: float | None = None


@dataclass(frozen=True, slots=True)
class CompressionPlan:
    """How each layer is compressed, by its name.

    Attributes:
        decisions: The decisions.
        threshold: Smallest normalised singular value that is kept (welore).
        err: Fraction of the rank that is removed (factorization).
        parameters: Fraction of the targets' weights that is saved (factorization).
    """

    decisions: dict[str, LayerDecision]
    threshold: float | None = None
    err: float | None = None
    parameters: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CompressionPlan:
        """Reads what :meth:`to_json` gave."""
        given = {name: LayerDecision(**d) for name, d in data["decisions"].items()}
        return cls(given, *(data[n] for n in ("threshold", "err", "parameters")))


def check_shapes(recipe: CompressionRecipe, targets: Targets) -> None:
    """Checks that patterns and groups divide the layers' rows.

    Raises:
        InputError: A pattern or group does not.
    """
    sparsify, quantize = recipe.find(Sparsify), recipe.find(Quantize)
    pattern = pattern_of(sparsify.pattern) if sparsify is not None else None
    for layer in targets.layers:
        if isinstance(pattern, SemiStructured) and layer.columns % pattern.m:
            raise InputError(
                f"the {layer.columns} inputs of '{layer.name}' cannot be cut into groups of "
                f"{pattern.m} ({pattern}); add it to the recipe's 'ignore'"
            )
        if quantize is not None and layer.columns % quantize.group:
            raise InputError(
                f"the {layer.columns} inputs of '{layer.name}' cannot be cut into groups of "
                f"{quantize.group}; choose another quantize.group, or add it to 'ignore'"
            )
        if quantize is not None and layer.transposed:
            raise InputError(
                f"'{layer.name}' stores its weights transposed (Conv1D), which quantized "
                "checkpoints do not support; 'quantize' needs models with linear layers"
            )


def make_plan(
    skeleton: Skeleton,
    recipe: CompressionRecipe,
    targets: Targets,
    outliers: Callable[[float], dict[str, float]],
    progress: Progress,
) -> CompressionPlan:
    """Decides how each layer is compressed so that the recipe's budget is met.

    Args:
        skeleton: The model.
        recipe: The recipe.
        targets: Its targets.
        outliers: Returns each layer's percentage of outliers for a multiple of the mean (owl);
            called only if the recipe needs it.
        progress: Called as work proceeds; the part names the phase.

    Raises:
        InputError: The budget cannot be met.
    """
    check_shapes(recipe, targets)
    if recipe.find(Factorize) is not None:
        return _factors(skeleton, recipe, targets, progress)
    if recipe.find(Sparsify) is not None:
        return _sparsities(skeleton, recipe, targets, outliers, progress)
    return CompressionPlan({layer.name: LayerDecision() for layer in targets.layers})


def _sparsities(
    skeleton: Skeleton,
    recipe: CompressionRecipe,
    targets: Targets,
    outliers: Callable[[float], dict[str, float]],
    progress: Progress,
) -> CompressionPlan:
    layers = targets.layers
    wanted = pattern_of(recipe.find(Sparsify).pattern)
    by: Allocate = recipe.find(Allocate) or Allocate()
    sizes = [layer.size for layer in layers]
    fits: list[TailFit | None] = [None] * len(layers)
    if by.method == "alpha":
        window = (
            common_window([(a.rows, a.columns) for a in layers])
            if (by.window == "common")
            else by.window
        )
        found = _spectra(
            skeleton,
            targets,
            progress,
            lambda w, _: tail_exponent(w, by.fit, by.bound, window),
        )
        metrics = alpha_metrics(found, [a.block for a in layers], by.level)
        fits = list(found)
        ratios = allocate(_dealt(metrics, by, recipe.seed, layers), sizes, wanted.sparsity, by.tau)
    elif by.method == "owl":
        shares = outliers(by.outlier)
        scores = _dealt([shares[a.name] for a in layers], by, recipe.seed, layers)
        ratios = allocate_by_outliers(scores, sizes, wanted.sparsity, by.spread)
    elif by.method == "file":
        assert by.file is not None
        ratios = _from_file(by.file, layers)
    else:
        ratios = (wanted.sparsity,) * len(layers)
    if isinstance(wanted, SemiStructured):
        patterns = [str(p) for p in patterns_for(ratios, sizes, wanted.m)]
    else:
        patterns = [repr(ratio) for ratio in ratios]
    return CompressionPlan(
        {
            layer.name: LayerDecision(pattern)
            if fit is None
            else LayerDecision(pattern, None, fit.alpha, fit.ks)
            for layer, pattern, fit in zip(layers, patterns, fits, strict=True)
        }
    )


def _dealt(
    metrics: Sequence[float], by: Allocate, seed: int, layers: Sequence[Layer]
) -> list[float]:
    """Returns the metrics, shuffled if the recipe asks for that control.

    If the layers of each block share one metric, whole blocks are shuffled.
    """
    if not by.shuffled:
        return list(metrics)
    rng = Random(f"metrics:{seed}")
    values = list(metrics)
    blocks: dict[int, list[float]] = {}
    for layer, value in zip(layers, values, strict=True):
        blocks.setdefault(layer.block, []).append(value)
    if all(len(set(members)) == 1 for members in blocks.values()):
        dealt = [members[0] for members in blocks.values()]
        rng.shuffle(dealt)
        by_block = dict(zip(blocks, dealt, strict=True))
        return [by_block[layer.block] for layer in layers]
    rng.shuffle(values)
    return values


def _from_file(path: Path, layers: Sequence[Layer]) -> tuple[float, ...]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise InputError("not a readable JSON file of sparsities", file=str(path)) from None
    found = []
    for layer in layers:
        value = data.get(layer.name) if isinstance(data, dict) else None
        if not isinstance(value, int | float) or not 0 <= value < 1:
            raise InputError(f"no sparsity in [0, 1) for '{layer.name}'", file=str(path))
        found.append(float(value))
    return tuple(found)


def _factors(
    skeleton: Skeleton, recipe: CompressionRecipe, targets: Targets, progress: Progress
) -> CompressionPlan:
    stage: Factorize = recipe.find(Factorize)
    layers = targets.layers
    shapes = [(a.rows, a.columns) for a in layers]
    plan: RankPlan
    if stage.method.startswith("welore"):
        spectra = _spectra(
            skeleton, targets, progress, lambda w, _: torch.linalg.svdvals(w.float())
        )
        plan = ranks_for(spectra, shapes, stage.reduction, stage.budget)
    elif stage.budget == "parameters":
        plan = uniform_ranks(shapes, stage.reduction)
    else:
        plan = _uniform_by_rank(shapes, stage.reduction)
    if not any(plan.low_rank):
        raise InputError(
            f"a reduction of {stage.reduction:g} ({stage.budget}) makes no matrix smaller: factors "
            "save only where the rank is low enough; increase it"
        )
    return CompressionPlan(
        {
            layer.name: LayerDecision(rank=rank if low else None)
            for layer, rank, low in zip(layers, plan.ranks, plan.low_rank, strict=True)
        },
        None if plan.threshold != plan.threshold else plan.threshold,
        plan.err,
        plan.parameters,
    )


def _uniform_by_rank(shapes: Sequence[tuple[int, int]], reduction: float) -> RankPlan:
    full = [min(shape) for shape in shapes]
    ranks = tuple(max(1, int((1 - reduction) * most + 1e-9)) for most in full)
    low = tuple(saves(rank, shape) for rank, shape in zip(ranks, shapes, strict=True))
    left = sum(
        r * (m + n) if is_low else m * n
        for r, is_low, (m, n) in zip(ranks, low, shapes, strict=True)
    )
    err, gone = 1 - sum(ranks) / sum(full), 1 - left / sum(m * n for m, n in shapes)
    return RankPlan(ranks, low, float("nan"), err, gone)


def _spectra(
    skeleton: Skeleton,
    targets: Targets,
    progress: Progress,
    look: Callable[[torch.Tensor, Layer], Any],
) -> list[Any]:
    """Applies a function to every layer's matrix, with one block in memory at a time."""
    from surefoot.sparsity.engine.skeleton import forget_all

    found: list[Any] = []
    for index in range(len(skeleton.blocks)):
        members = targets.of_block(index)
        if not members:
            continue
        block = skeleton.fill_block(index)
        for layer in members:
            try:
                found.append(look(weight_of(block.get_submodule(layer.part), layer), layer))
            except InputError as error:
                raise InputError(f"{layer.name}: {error.message}") from None
        forget_all(block)
        progress(index + 1, len(skeleton.blocks), "spectra")
    return found
