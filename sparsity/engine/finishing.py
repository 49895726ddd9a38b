"""The steps after the walk: recovery, quantization, writing, measuring, the report."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from surefoot.core.files import write_atomic
from surefoot.core.progress import Note, Progress
from surefoot.sparsity.engine.calibration import LABELS, Batch, Calibration, mask_of
from surefoot.sparsity.engine.checkpoint import STEM, Checkpoint
from surefoot.sparsity.engine.compressing import WalkStages
from surefoot.sparsity.engine.planning import CompressionPlan, LayerDecision
from surefoot.sparsity.engine.shortening import ShortenedModel
from surefoot.sparsity.engine.skeleton import Skeleton, names_of
from surefoot.sparsity.engine.state import CompressionState, WorkFolder
from surefoot.sparsity.engine.targets import Targets
from surefoot.sparsity.engine.walker import WalkSettings, walk
from surefoot.sparsity.export.loading import load_compressed
from surefoot.sparsity.export.writing import (
    LOW_RANK_STEM,
    SETTINGS,
    SHARD_BYTES,
    Tensors,
    merged_tensors,
    multiplied_out,
    write_companions,
    write_config,
    write_weights,
)
from surefoot.sparsity.recipe import CompressionRecipe, Quantize, Recover, Sparsify
from surefoot.sparsity.report.layers import LayerRecord
from surefoot.sparsity.report.measure import measure
from surefoot.sparsity.report.page import render_compression
from surefoot.sparsity.report.summary import (
    LABELS as MEANINGS,
)
from surefoot.sparsity.report.summary import (
    PAGE_NAME,
    Scorer,
    make_report,
    siblings_of,
    task_figures,
    totals_of,
    write_report,
)

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class CompressOptions:
    """Options of a compression that are not part of the recipe.

    Attributes:
        merge: Whether factors are multiplied out, so that any program can load the result.
        measure: Whether latency and memory are measured, before and after.
        threads: Threads while measuring.
        scorer: Evaluates a model folder on tasks and returns which it solves; ``None`` for no
            tasks.
        shard_bytes: Largest size of a weight file, bytes.
    """

    merge: bool = False
    measure: bool = False
    threads: int = 1
    scorer: Scorer | None = None
    shard_bytes: int = SHARD_BYTES


@dataclass
class CompressionJob:
    """A compression whose walk is done.

    Attributes:
        source: The model that is compressed, after blocks were dropped.
        recipe: The recipe.
        targets: Its targets.
        out: Folder of the result.
        work: Folder of the state.
        state: State of the compression.
        calibration: The texts.
        options: Further options.
        progress: Called as work proceeds; the part names the phase.
        note: Called with each line worth showing to the user.
        shortened: Result of ``drop``, if any.
        original: The reference model for all comparisons.
    """

    source: Checkpoint
    recipe: CompressionRecipe
    targets: Targets
    out: Path
    work: WorkFolder
    state: CompressionState
    calibration: Calibration | None
    options: CompressOptions
    progress: Progress
    note: Note
    shortened: ShortenedModel | None
    original: Checkpoint

    @property
    def ranks(self) -> dict[str, int]:
        """Ranks of the factorized layers."""
        return {r.name: r.rank for r in self.state.records if r.rank is not None}


@dataclass(frozen=True)
class _Current:
    """A checkpoint some of whose tensors are replaced.

    Attributes:
        checkpoint: The checkpoint.
        removed: Its tensors that are replaced.
        blocks: Files with the replacements.
    """

    checkpoint: Checkpoint
    removed: list[str]
    blocks: tuple[Path, ...]

    def tensors(self) -> Tensors:
        """Yields all tensors."""
        return merged_tensors(self.checkpoint, self.removed, self.blocks)


def finish(job: CompressionJob) -> None:
    """Finishes a compression after the walk and moves the result to its place.

    Raises:
        InputError: The model cannot be trained or measured.
    """
    current = _Current(job.source, job.state.removed, job.work.block_files())
    recover: Recover | None = job.recipe.find(Recover)
    recovery: Mapping[str, Any] | None = None
    if recover is not None:
        current, recovery = _recovered(job, current, recover)
    final = job.work.folder / "final"
    artifact = _write(job, current, final, merge=job.options.merge)
    report = _report(job, final, artifact, recovery)
    write_report(report, final)
    page = render_compression(report, siblings_of(job.out, report))
    write_atomic(final / PAGE_NAME, page)
    for path in sorted(final.iterdir(), key=lambda p: p.name == "config.json"):
        path.replace(job.out / path.name)
    job.work.clear()


def _write(job: CompressionJob, current: _Current, folder: Path, *, merge: bool) -> str:
    """Writes a model and returns its format."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ranks = job.ranks
    quantize: Quantize | None = job.recipe.find(Quantize)
    rounded = quantize is not None and any(r.bits for r in job.state.records)
    artifact = (
        "low-rank"
        if ranks and not merge
        else "pack-quantized"
        if rounded
        else "masked"
        if job.recipe.find(Sparsify) is not None
        else "dense"
    )
    tensors = current.tensors()
    if ranks and merge:
        turned = {layer.name for layer in job.targets.layers if layer.transposed}
        tensors = multiplied_out(tensors, turned)
    stem = LOW_RANK_STEM if artifact == "low-rank" else STEM
    write_weights(tensors, folder, stem=stem, shard_bytes=job.options.shard_bytes)
    write_companions(job.source, folder)
    done: dict[str, Any] = {
        "format": artifact,
        "recipe": job.recipe.hash(),
        "label": MEANINGS[artifact],
    }
    if artifact == "low-rank":
        done["ranks"] = ranks
    more: dict[str, Any] = {}
    if rounded:
        assert quantize is not None
        from surefoot.sparsity.export.packing import settings_for

        more["quantization_config"] = settings_for(quantize, _not_rounded(job))
    write_config({**job.source.config, **more, SETTINGS: done}, folder)
    return artifact


def _not_rounded(job: CompressionJob) -> list[str]:
    """Returns the names of linear layers that are not quantized, in the model and in the files."""
    from torch import nn

    skeleton = Skeleton(job.source, torch.float32)
    rounded = {record.name for record in job.state.records}
    names: dict[str, None] = {}
    for name, module in skeleton.model.named_modules():
        if isinstance(module, nn.Linear) and name not in rounded:
            names[name] = None
            source = skeleton.source_of(f"{name}.weight")
            if source is not None:
                names[source.removesuffix(".weight")] = None
    return list(names)


def _recovered(
    job: CompressionJob, current: _Current, stage: Recover
) -> tuple[_Current, Mapping[str, Any]]:
    """Trains the compressed model, then quantizes it if the recipe says so."""
    from surefoot.sparsity.training.recover import recover

    assert job.calibration is not None
    folder = job.work.folder / "whole"
    if not (folder / "config.json").is_file():
        _write(job, current, folder, merge=False)
    model = load_compressed(folder, torch.float32)
    settings = stage.settings
    if settings.seed == 0:
        settings = settings.model_copy(update={"seed": job.recipe.seed})
    done = recover(
        model,
        [_labelled(batch) for batch in job.calibration.batches],
        settings,
        held=[_labelled(batch) for batch in job.calibration.held_out],
        folder=job.work.folder / "training",
        progress=lambda step, steps, _="": job.progress(step, steps, "recovery"),
    )
    if done.held_after is not None:
        job.state.losses["recovered"] = done.held_after
    stem = LOW_RANK_STEM if job.ranks else STEM
    trained = job.work.folder / "trained"
    shutil.rmtree(trained, ignore_errors=True)
    trained.mkdir(parents=True)
    write_weights(
        _trained(model, Checkpoint(folder, stem=stem)),
        trained,
        stem=stem,
        shard_bytes=job.options.shard_bytes,
    )
    shutil.copyfile(folder / "config.json", trained / "config.json")
    job.state.records = [_counted(model, record) for record in job.state.records]
    del model
    result = _Current(Checkpoint(trained, stem=stem), [], ())
    quantize: Quantize | None = job.recipe.find(Quantize)
    if quantize is not None:
        result = _rounded(job, result, quantize)
    record = done.to_json()
    record["losses"] = [record["losses"][0], record["losses"][-1]]
    return result, record


def _rounded(job: CompressionJob, current: _Current, stage: Quantize) -> _Current:
    """Quantizes a trained model block by block."""
    work = WorkFolder(job.work.folder / "rounded")
    work.clear()
    plan = CompressionPlan({layer.name: LayerDecision() for layer in job.targets.layers})
    state = CompressionState(job.state.identity, plan)
    skeleton = Skeleton(current.checkpoint, torch.float32)
    limit = job.recipe.calibration.minimum_tokens
    stages = WalkStages(quantize=stage)
    walk(
        WalkSettings(skeleton, job.targets, stages, job.calibration, limit, job.progress),
        work,
        state,
    )
    if "after" in state.losses:
        job.state.losses["rounded"] = state.losses["after"]
    later = {record.name: record for record in state.records}
    job.state.records = [
        replace(
            record,
            method=f"{record.method} + {later[record.name].method}",
            bits=later[record.name].bits,
            bytes_after=later[record.name].bytes_after,
            nonzero=later[record.name].nonzero,
            sparsity=later[record.name].sparsity,
        )
        for record in job.state.records
    ]
    return _Current(current.checkpoint, state.removed, work.block_files())


def _labelled(batch: Batch) -> Batch:
    """Returns a batch with labels; by default all tokens are predicted."""
    if LABELS in batch:
        return batch
    return {**batch, LABELS: batch["input_ids"].masked_fill(~mask_of(batch), -100)}


def _trained(model: nn.Module, files: Checkpoint) -> Iterator[tuple[str, torch.Tensor]]:
    """Yields a trained model's tensors by their names in the source files."""
    state = model.state_dict()
    names = names_of(model, files)
    if any(computed for _, computed in names.values()):
        dtype = files.dtype(files.keys[0])
        tied = set(getattr(model, "all_tied_weights_keys", {}) or {})
        for name, value in state.items():
            if name not in tied:
                yield name, value.to(dtype) if value.is_floating_point() else value
        return
    for key, (name, _) in names.items():
        yield key, state[name].to(files.dtype(key))


def _counted(model: nn.Module, record: LayerRecord) -> LayerRecord:
    """Returns a layer's figures with its zeros recounted."""
    module: Any = model.get_submodule(record.name)
    parts = [module.U, module.V] if record.rank is not None else [module.weight]
    nonzero = sum(int(torch.count_nonzero(part.detach())) for part in parts)
    holds = record.pattern_holds
    if record.pattern:
        kept, of = map(int, record.pattern.split(":"))
        groups = parts[0].detach().reshape(record.rows, -1, of)
        holds = int(torch.count_nonzero(groups, dim=-1).max()) <= kept
    return replace(
        record, nonzero=nonzero, sparsity=1 - nonzero / record.parameters, pattern_holds=holds
    )


def _report(
    job: CompressionJob, final: Path, artifact: str, recovery: Mapping[str, Any] | None
) -> dict[str, Any]:
    options, calibration, plan = job.options, job.calibration, job.state.plan
    original, shortened = job.original, job.shortened
    measured = None
    if options.measure:
        measured = {}
        for name, folder in (("before", original.folder), ("after", final)):
            job.progress(0, 1, f"measuring {name}")
            measured[name] = measure(folder, options.threads).to_json()
    tasks = None
    if options.scorer is not None:
        job.progress(0, 1, "tasks")
        tasks = task_figures(options.scorer(original.folder), options.scorer(final))
    stem = LOW_RANK_STEM if artifact == "low-rank" else STEM
    written = Checkpoint(final, stem=stem)
    records = job.state.records
    if job.options.merge:
        records = [_merged(record) for record in records]
    facts = None
    if calibration is not None:
        facts = {
            "sequences": sum(len(b["input_ids"]) for b in calibration.batches),
            "tokens": calibration.tokens,
            "held_out": sum(len(b["input_ids"]) for b in calibration.held_out),
            "source": calibration.source,
        }
    parameters = sum(math.prod(original.shape(key)) for key in original.keys)
    return make_report(
        identity=job.state.identity,
        model=original.folder.name,
        recipe=job.recipe.model_dump(mode="json"),
        artifact=artifact,
        notes=[*job.targets.notes, *([shortened.note] if shortened is not None else [])],
        totals=totals_of(
            records,
            parameters,
            original.weight_bytes,
            written.weight_bytes,
            shortened.parameters if shortened is not None else 0,
        ),
        plan={"threshold": plan.threshold, "err": plan.err, "parameters": plan.parameters},
        shortened=shortened.to_json() if shortened is not None else None,
        losses=job.state.losses,
        calibration=facts,
        recovery=recovery,
        tasks=tasks,
        measured=measured,
        layers=records,
    )


def _merged(record: LayerRecord) -> LayerRecord:
    """Returns the figures of a layer whose factors were multiplied out."""
    if record.rank is None:
        return record
    return replace(
        record, parameters=record.size, nonzero=record.size, bytes_after=record.bytes_before
    )
