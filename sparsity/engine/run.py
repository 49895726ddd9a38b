"""From a model and a recipe to a compressed model with its report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from surefoot.results.errors import InputError
from surefoot.results.files import FolderLock, is_leftover, write_error
from surefoot.results.manifest import current_versions
from surefoot.sparsity.engine.calibration import Calibration, Tokens, calibrate_with
from surefoot.sparsity.engine.checkpoint import Checkpoint, read_json
from surefoot.sparsity.engine.compressing import Stages
from surefoot.sparsity.engine.planning import Plan, Told, make_plan
from surefoot.sparsity.engine.skeleton import Skeleton
from surefoot.sparsity.engine.state import WORK, Progress, Work
from surefoot.sparsity.engine.targets import Targets, find_targets
from surefoot.sparsity.engine.walker import Walk, outliers_of, walk
from surefoot.sparsity.export.writing import (
    LOW_RANK_STEM,
    SETTINGS,
    SHARD_BYTES,
    STEM,
    merged_tensors,
    write_companions,
    write_config,
    write_weights,
)
from surefoot.sparsity.recipe import (
    CompressionRecipe,
    Factorize,
    Quantize,
    Recover,
    Sparsify,
)
from surefoot.sparsity.report.page import render_compression
from surefoot.sparsity.report.summary import (
    REPORT_NAME,
    Scorer,
    make_report,
    read_report,
    write_report,
)


@dataclass(frozen=True)
class Options:
    """What of a compression is no part of the recipe.

    Attributes:
        merge: Whether factors are multiplied out, so that any program can read the result.
        measure: Whether latency and memory are measured, before and after.
        threads: Threads while measuring.
        scorer: Tries a model folder on tasks and says which it solves; ``None`` for no tasks.
        shard_bytes: Most bytes of a file of weights.
    """

    merge: bool = False
    measure: bool = False
    threads: int = 1
    scorer: Scorer | None = None
    shard_bytes: int = SHARD_BYTES


def _silent(part: str, done: int, total: int) -> None:
    """Tells nobody."""


def compress(
    model: Path,
    recipe: CompressionRecipe,
    out: Path,
    *,
    texts: Sequence[Tokens] | Calibration | None = None,
    source: str = "",
    options: Options = Options(),  # noqa: B008
    told: Told = _silent,
    note: Callable[[str], None] = lambda line: None,
) -> Path:
    """Compresses a model, or goes on where an earlier call stopped.

    Args:
        model: Folder of a transformers checkpoint with safetensors; never changed.
        recipe: What is done.
        out: Folder for the compressed model and its report; must be new, empty, or hold the
            beginning of the same compression.
        texts: Calibration texts as sequences of ids, from which batches are drawn as the recipe
            says, or batches.
        source: Where the texts are from, for the report.
        options: What else is wanted.
        told: Told how far it is.
        note: Told in a line what is worth knowing.

    Returns:
        ``out``.

    Raises:
        InputError: The model, recipe, texts or folder cannot be used, or the budget cannot be met;
            nothing is left behind then, unless blocks were already compressed.
    """
    begun = Checkpoint(model)
    _refuse_compressed(begun)
    if recipe.find(Quantize) is not None:
        from surefoot.sparsity.export.packing import check_library

        check_library()
    _check_place(model, out)
    skeleton = Skeleton(begun, torch.float32)
    targets = find_targets(skeleton, recipe)
    for line in targets.notes:
        note(line)
    calibration = _calibration(recipe, targets, texts, source, begun)
    identity = {
        "recipe": recipe.hash(),
        "source": begun.hashes(),
        "calibration": calibration.hash() if calibration is not None else "",
        "merge": options.merge,
        "surefoot": current_versions()["surefoot"],
    }
    if _is_done(out, identity):
        return out
    stages = Stages(recipe.find(Sparsify), recipe.find(Factorize), recipe.find(Quantize))
    recover: Recover | None = recipe.find(Recover)
    first = Stages(stages.sparsify, stages.factorize) if recover is not None else stages
    plan = Walk(
        skeleton, targets, first, calibration, recipe.calibration.minimum_tokens, told
    )  # fmt: skip
    work = Work(out / WORK)
    progress = work.read(identity)
    if progress is None:
        decided = make_plan(skeleton, recipe, targets, outliers_of(plan), told)
        progress = Progress(identity, decided)
    with _locked(out):
        work.write(progress)
        walk(plan, work, progress)
        done = _Done(begun, recipe, out, work, progress, calibration, options, told, note)
        if recover is not None:
            done.recovered(recover, stages.quantize)
        done.finish(skeleton)
    return out


class _Done:
    """What comes after the walk: recovery, rounding, writing, measuring."""

    def __init__(
        self, source: Checkpoint, recipe: CompressionRecipe, out: Path, work: Work,
        progress: Progress, calibration: Calibration | None, options: Options, told: Told,
        note: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.source, self.recipe, self.out, self.work = source, recipe, out, work
        self.progress, self.calibration, self.options = progress, calibration, options
        self.told, self.note = told, note
        self.current = source
        """The model whose tensors are written where no others stand for them."""
