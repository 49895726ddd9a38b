"""Splits a dense model into experts, tunes and writes it: ``surefoot refactor``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.errors import InputError
from surefoot.core.files import FolderLock, is_leftover, write_atomic, write_error
from surefoot.core.progress import Note, Progress, silent, unnoted
from surefoot.results.manifest import current_versions
from surefoot.sparsity.engine.calibration import Batch, Tokens, calibrate_with
from surefoot.sparsity.engine.checkpoint import Checkpoint
from surefoot.sparsity.engine.skeleton import quiet
from surefoot.sparsity.engine.state import WORK
from surefoot.sparsity.experts.extraction import check_keep, extract_experts
from surefoot.sparsity.experts.measuring import Teacher, dense_loss, measure_quality, own_masks
from surefoot.sparsity.experts.model import ReadMeForCausalLM, refactor
from surefoot.sparsity.experts.store import write_store
from surefoot.sparsity.experts.tuning import TuneSettings, tune
from surefoot.sparsity.export.loading import load_compressed
from surefoot.sparsity.export.writing import write_companions

if TYPE_CHECKING:
    from surefoot.sparsity.report.summary import Scorer

REPORT_NAME = "refactor.json"
"""File in the new model's folder with its settings and quality."""


class RefactorSettings(BaseModel):
    """How a model is split into experts and tuned."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: float = 0.5
    """Fraction of the neurons of a layer that are active for a token."""
    samples: int = Field(default=64, ge=1)
    """Largest number of texts per domain for choosing its neurons."""
    held_out: int = Field(default=16, ge=1)
    """Held-out texts of each domain."""
    length: int = Field(default=2048, ge=2)
    """Largest number of tokens of a text; longer ones are truncated."""
    batch: int = Field(default=16, ge=1)
    """Texts per batch outside of training."""
    rest: bool = True
    """Whether unused neurons are written too, so that all experts can be active."""
    router_hidden: int | None = Field(default=None, ge=8)
    """Width of the router; by default an eighth of the model's, at least 32."""
    router_heads: int = Field(default=4, ge=1)
    """Attention heads of the router."""
    tune: TuneSettings = TuneSettings()
    """How router and experts are trained."""
    seed: int = 0
    """Seed of the choice of texts and of the router's initial weights."""


class TextSplit(BaseModel):
    """Texts by their use.

    Attributes:
        statistics: For each domain, batches for choosing neurons.
        held: For each domain, held-out batches.
        learning: Training texts of all domains.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    statistics: dict[str, tuple[Any, ...]]
    held: dict[str, tuple[Any, ...]]
    learning: list[tuple[list[int], int]]

    def held_all(self) -> list[Batch]:
        """Returns the held-out batches of all domains."""
        return [batch for part in self.held.values() for batch in part]


def divide(
    domains: Mapping[str, Sequence[Tokens]], settings: RefactorSettings, pad: int
) -> TextSplit:
    """Splits the texts of domains by their use.

    Args:
        domains: Texts by domain.
        settings: The numbers of texts for each use.
        pad: Id of padding.

    Raises:
        InputError: There are fewer than two domains, or one has too few texts.
    """
    if len(domains) < 2:
        raise InputError(f"experts need texts of at least two domains, not {len(domains)}")
    statistics: dict[str, tuple[Batch, ...]] = {}
    held: dict[str, tuple[Batch, ...]] = {}
    learning: list[tuple[list[int], int]] = []
    for name, texts in domains.items():
        usable = [
            (list(ids[: settings.length]), start)
            for ids, start in texts
            if len(ids) > 1 and start < settings.length
        ]
        if len(usable) < 2:
            raise InputError(f"domain '{name}' needs at least two texts, and has {len(usable)}")
        kept = min(settings.held_out, max(1, len(usable) // 4))
        spare, rest = usable[-kept:], usable[:-kept]
        common: dict[str, Any] = {
            "batch": settings.batch,
            "length": settings.length,
            "pad": pad,
            "held_out": 0,
            "seed": settings.seed,
        }
        held[name] = calibrate_with(spare, samples=kept, **common).batches
        statistics[name] = calibrate_with(rest, samples=settings.samples, **common).batches
        learning += rest
    return TextSplit(statistics=statistics, held=held, learning=learning)


def refactor_folder(
    model: Path,
    out: Path,
    domains: Mapping[str, Sequence[Tokens]],
    settings: RefactorSettings,
    *,
    scorer: Scorer | None = None,
    progress: Progress = silent,
    note: Note = unnoted,
) -> dict[str, Any]:
    """Makes a model of experts from a dense one and writes it, or resumes an interrupted call.

    Args:
        model: Folder of a dense decoder; never changed.
        out: Folder for the new model; new, empty, or with the beginning of the same run.
        domains: Texts by domain.
        settings: The settings.
        scorer: Evaluates a model's folder on tasks.
        progress: Called as work proceeds; the part names the phase.
        note: Called with each line worth showing to the user.

    Returns:
        The report, as ``refactor.json`` in ``out`` holds it.

    Raises:
        InputError: The model, the texts, a setting or the folder cannot be used.
    """
    check_keep(settings.keep)
    source = Checkpoint(model)
    identity = {
        "source": source.hashes(),
        "settings": settings.model_dump(mode="json"),
        "domains": {name: len(texts) for name, texts in domains.items()},
        "texts": _hash(domains),
    }
    done = _check_place(model, out, identity)
    if done is not None:
        note("this model is already refactored; delete the folder to run it again")
        return done
    dense = load_compressed(model, torch.float32)
    texts = divide(domains, settings, int(dense.config.pad_token_id or 0))
    layout = extract_experts(dense, texts.statistics, keep=settings.keep, progress=progress)
    made = refactor(
        dense,
        layout,
        rest=settings.rest,
        router_hidden=settings.router_hidden,
        router_heads=settings.router_heads,
        seed=settings.seed,
    )
    for line in _worth_knowing(layout):
        note(line)
    with _locked(out):
        held = texts.held_all()
        teacher = Teacher(dense, own_masks(made), settings.tune.loss)
        before = measure_quality(made, held, teacher)
        rounds = tune(
            made,
            dense,
            texts.learning,
            settings.tune,
            held=held,
            folder=out / WORK,
            progress=progress,
        )
        after = measure_quality(made, held, teacher)
        report: dict[str, Any] = {
            "identity": identity,
            "versions": current_versions(),
            "domains": list(layout.domains),
            "layers": [
                {
                    "width": a.width,
                    "permanent": len(a.permanent),
                    "own": [*map(len, a.own)],
                    "rest": len(a.rest),
                }
                for a in layout.layers
            ],
            "parameters": made.parameter_counts(),
            "losses": {
                "dense": dense_loss(dense, held),
                "before": before.loss,
                "after": after.loss,
            },
            "by_domain": {
                name: {"dense": dense_loss(dense, part), "after": measure_quality(made, part).loss}
                for name, part in texts.held.items()
            },
            "router": {"before": before.to_json(), "after": after.to_json()},
            "rounds": [asdict(r) for r in rounds],
            "tasks": None,
        }
        staged = out / WORK / "model"
        write_model(made, source, staged)
        _cast(made, dtype_of(source))
        write_store(made, staged)
        if scorer is not None:
            report["tasks"] = {"before": dict(scorer(model)), "after": dict(scorer(staged))}
        _move(staged, out)
        write_atomic(out / REPORT_NAME, json.dumps(report, indent=2) + "\n")
        shutil.rmtree(out / WORK)
    return report


def _hash(domains: Mapping[str, Sequence[Tokens]]) -> str:
    content = [
        (name, [(list(ids), start) for ids, start in texts]) for name, texts in domains.items()
    ]
    return sha256(json.dumps(content).encode()).hexdigest()


def _worth_knowing(layout: Any) -> list[str]:
    always = sum(len(a.permanent) for a in layout.layers)
    rest = sum(len(a.rest) for a in layout.layers)
    width = sum(a.width for a in layout.layers)
    lines = [
        f"{layout.experts} experts; {100 * always / width:.0f} % of the neurons are always "
        f"on, {100 * rest / width:.0f} % never"
    ]
    if not any(part for a in layout.layers for part in a.own):
        lines.append("all domains need the same neurons, so the experts are empty")
    return lines


def write_model(made: ReadMeForCausalLM, source: Checkpoint, folder: Path) -> None:
    """Writes a model of experts in the data type of its source, with tokenizer and notes.

    Args:
        made: The model; not changed.
        source: The dense model that it was made from.
        folder: Where to write.
    """
    kind = dtype_of(source)
    weights = {name: value.to(kind) for name, value in made.state_dict().items()}
    before = made.config.dtype
    made.config.dtype = kind
    try:
        with quiet():
            made.save_pretrained(folder, state_dict=weights)
    finally:
        made.config.dtype = before
    write_companions(source, folder)


def dtype_of(source: Checkpoint) -> torch.dtype:
    """Returns the data type of a model's weights according to its configuration."""
    name = str(source.config.get("dtype") or source.config.get("torch_dtype") or "float32")
    return {"float16": torch.float16, "bfloat16": torch.bfloat16}.get(name, torch.float32)


def _cast(made: Any, kind: torch.dtype) -> None:
    made.to(kind)


def _move(staged: Path, out: Path) -> None:
    """Moves a model to its place; ``config.json``, which marks it as complete, comes last."""
    for path in sorted(staged.iterdir(), key=lambda p: p.name == "config.json"):
        target = out / path.name
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)


def _check_place(model: Path, out: Path, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """Checks the folder; returns the report if the same run is already done."""
    here, there = out.resolve(), model.resolve()
    if here == there or there in here.parents:
        raise InputError("--out lies in the model's folder; choose another", file=str(out))
    if not out.exists():
        return None
    if not out.is_dir():
        raise InputError("--out is a file; choose another --out", file=str(out))
    names = {entry.name for entry in out.iterdir() if not is_leftover(entry.name)}
    if REPORT_NAME in names and "config.json" in names:
        report: dict[str, Any] = json.loads((out / REPORT_NAME).read_bytes())
        if report.get("identity") != json.loads(json.dumps(identity)):
            raise InputError("another refactoring lies here; choose another --out", file=str(out))
        return report
    if names and WORK not in names:
        raise InputError(
            "the folder is not empty and holds no refactoring; choose another --out", file=str(out)
        )
    return None


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Makes and locks the output folder; removes it on errors before the first round is done."""
    made = not out.exists()
    try:
        (out / WORK).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(error, out) from None
    lock = FolderLock(out)
    try:
        yield
    except InputError:
        if made and not any((out / WORK).iterdir()):
            lock.release(remove=True)
            shutil.rmtree(out)
        raise
    finally:
        lock.release(remove=True)
