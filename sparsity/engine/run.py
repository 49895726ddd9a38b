"""Compresses a model by a recipe and writes a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from surefoot.core.errors import InputError
from surefoot.core.files import FolderLock, is_leftover, write_error
from surefoot.core.progress import Note, Progress, silent, unnoted
from surefoot.results.manifest import current_versions
from surefoot.sparsity.engine.calibration import Calibration, Tokens, calibrate_with
from surefoot.sparsity.engine.checkpoint import Checkpoint
from surefoot.sparsity.engine.compressing import WalkStages
from surefoot.sparsity.engine.finishing import CompressionJob, CompressOptions, finish
from surefoot.sparsity.engine.planning import make_plan
from surefoot.sparsity.engine.shortening import check_shortened, shorten
from surefoot.sparsity.engine.skeleton import Skeleton
from surefoot.sparsity.engine.state import WORK, CompressionState, WorkFolder
from surefoot.sparsity.engine.targets import Targets, find_targets
from surefoot.sparsity.engine.walker import WalkSettings, outliers_of, walk
from surefoot.sparsity.recipe import (
    CompressionRecipe,
    Drop,
    Factorize,
    Quantize,
    Recover,
    Sparsify,
)
from surefoot.sparsity.report.summary import REPORT_NAME, read_report


def compress(
    model: Path,
    recipe: CompressionRecipe,
    out: Path,
    *,
    texts: Sequence[Tokens] | Calibration | None = None,
    source: str = "",
    options: CompressOptions = CompressOptions(),  # noqa: B008
    progress: Progress = silent,
    note: Note = unnoted,
) -> Path:
    """Compresses a model, or resumes an interrupted compression.

    Args:
        model: Folder of a transformers checkpoint with safetensors; never changed.
        recipe: The recipe.
        out: Folder for the compressed model and its report; must be new, empty, or hold the
            beginning of the same compression.
        texts: Calibration texts as sequences of ids, from which batches are drawn according to the
            recipe, or the batches themselves.
        source: Origin of the texts, for the report.
        options: Further options.
        progress: Called as work proceeds; the part names the phase.
        note: Called with each line worth showing to the user.

    Returns:
        ``out``.

    Raises:
        InputError: The model, recipe, texts or folder cannot be used, or the budget cannot be met;
            nothing is written then unless blocks were already compressed.
    """
    begun = Checkpoint(model)
    _refuse_compressed(begun)
    if recipe.find(Quantize) is not None:
        from surefoot.sparsity.export.packing import check_library

        check_library()
    _check_place(model, out)
    skeleton = Skeleton(begun, torch.float32)
    targets = find_targets(skeleton, recipe)
    calibration = _calibration(recipe, targets, texts, source, begun)
    identity = {
        "recipe": recipe.hash(),
        "source": begun.hashes(),
        "calibration": calibration.hash() if calibration is not None else "",
        "merge": options.merge,
        "surefoot": current_versions()["surefoot"],
    }
    if _is_done(out, identity):
        note("this compression is already done; delete the folder to run it again")
        return out
    work = WorkFolder(out / WORK)
    state = work.read(identity)
    with _locked(out, work):
        shortened = None
        if drop := recipe.find(Drop):
            assert calibration is not None
            shortened = shorten(skeleton, drop, calibration, work, identity, progress)
            note(shortened.note)
            skeleton = Skeleton(shortened.checkpoint, torch.float32)
            targets = find_targets(skeleton, recipe)
        for line in targets.notes:
            note(line)
        plan = _walk_for(recipe, skeleton, targets, calibration, progress)
        if state is None:
            decided = make_plan(skeleton, recipe, targets, outliers_of(plan), progress)
            state = CompressionState(identity, decided)
        work.write(state)
        walk(plan, work, state)
        if shortened is not None and "before" in state.losses:
            check_shortened(shortened, state.losses["before"])
            state.losses |= shortened.losses
        finish(
            CompressionJob(
                skeleton.checkpoint,
                recipe,
                targets,
                out,
                work,
                state,
                calibration,
                options,
                progress,
                note,
                shortened,
                begun,
            )
        )
    return out


def _walk_for(
    recipe: CompressionRecipe,
    skeleton: Skeleton,
    targets: Targets,
    calibration: Calibration | None,
    progress: Progress,
) -> WalkSettings:
    """Returns the settings of the walk; a model that is trained is quantized after the training."""
    stages = WalkStages(recipe.find(Sparsify), recipe.find(Factorize), recipe.find(Quantize))
    if recipe.find(Recover) is not None:
        stages = WalkStages(stages.sparsify, stages.factorize)
    if stages == WalkStages() and calibration is not None:
        calibration = Calibration((), calibration.held_out, calibration.source)
    return WalkSettings(
        skeleton, targets, stages, calibration, recipe.calibration.minimum_tokens, progress
    )


def _refuse_compressed(checkpoint: Checkpoint) -> None:
    if checkpoint.config.get("quantization_config"):
        raise InputError(
            "the model is already quantized; compress the model that it was made from",
            file=str(checkpoint.folder),
        )


def _check_place(model: Path, out: Path) -> None:
    """Checks that the output folder is outside the model's and new, empty, or of a compression."""
    here, there = out.resolve(), model.resolve()
    if here == there or there in here.parents:
        raise InputError("--out lies in the model's folder; choose another", file=str(out))
    try:
        if not out.exists():
            return
        if not out.is_dir():
            raise InputError("--out is a file; choose another --out", file=str(out))
        names = {entry.name for entry in out.iterdir() if not is_leftover(entry.name)}
    except OSError as error:
        raise write_error(error, out) from None
    if names and WORK not in names and REPORT_NAME not in names:
        raise InputError(
            "the folder is not empty and holds no compression; choose another --out",
            file=str(out),
        )


def _is_done(out: Path, identity: Mapping[str, Any]) -> bool:
    """Returns whether the same compression is already done; removes its leftovers.

    Raises:
        InputError: The folder holds another compression.
    """
    if not (out / REPORT_NAME).is_file() or not (out / "config.json").is_file():
        return False
    if read_report(out)["identity"] != dict(identity):
        raise InputError("another compression lies here; choose another --out", file=str(out))
    WorkFolder(out / WORK).clear()
    return True


def _calibration(
    recipe: CompressionRecipe,
    targets: Targets,
    texts: Sequence[Tokens] | Calibration | None,
    source: str,
    model: Checkpoint,
) -> Calibration | None:
    needed = recipe.calibrated or recipe.find(Recover) is not None
    if isinstance(texts, Calibration):
        if needed and not texts.batches:
            raise InputError("the recipe needs calibration texts, and there are none")
        return texts
    if texts is None:
        if needed:
            raise InputError(
                f"recipe '{recipe.name}' needs calibration texts; give some with --calibration"
            )
        return None
    settings = recipe.calibration
    return calibrate_with(
        texts,
        samples=settings.samples,
        held_out=settings.held_out,
        batch=settings.batch,
        length=min(settings.length, _room(model)),
        pad=int(model.config.get("pad_token_id") or 0),
        seed=recipe.seed,
        even=any(layer.expert for layer in targets.layers),
        source=source,
    )


def _room(model: Checkpoint) -> int:
    """Returns the largest number of tokens that a model accepts."""
    text = model.config.get("text_config") or model.config
    return int(text.get("max_position_embeddings") or text.get("n_positions") or 1 << 30)


@contextmanager
def _locked(out: Path, work: WorkFolder) -> Iterator[None]:
    """Makes and locks the output folder; removes it on errors before the first block is done."""
    made = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(error, out) from None
    lock = FolderLock(out)
    try:
        yield
    except InputError:
        if not work.block_files():
            work.clear()
            lock.release(remove=True)
            if made:
                with suppress(OSError):
                    out.rmdir()
        raise
    finally:
        lock.release(remove=True)
