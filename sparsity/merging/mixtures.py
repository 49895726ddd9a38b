"""Builds mixtures from models of one family and writes them to a folder."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.files import write_atomic, write_error
from surefoot.core.progress import Note, unnoted
from surefoot.results.manifest import current_versions
from surefoot.sparsity.engine.skeleton import find_blocks, quiet
from surefoot.sparsity.export.loading import load_compressed
from surefoot.sparsity.export.writing import write_companions
from surefoot.sparsity.merging.checks import Zoo, open_zoo
from surefoot.sparsity.merging.gates import GateKind, fit_gates
from surefoot.sparsity.merging.mixture import (
    Level,
    MixtureConfig,
    MixtureForCausalLM,
    check_mixture,
)
from surefoot.sparsity.merging.routed import Pool, Route
from surefoot.sparsity.merging.streaming import check_new

MIXTURE_NAME = "mixture.json"
"""File in a mixture's folder with its settings."""


class MixtureSettings(BaseModel):
    """Settings of a mixture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Level = "ffn"
    """Parts that each expert has of its own."""
    route: Route = "sequence"
    """Whether texts or tokens are routed; tokens only with the level ``ffn``."""
    pool: Pool = "mean"
    """How a gate pools a text."""
    gate: GateKind = "contrast"
    """Method of fitting gates from example prompts."""
    top: int = Field(default=1, ge=1)
    """Number of active experts; more than one only with the level ``ffn``."""
    dense_layers: int = Field(default=0, ge=0)
    """Number of first layers shared by all experts."""
    seed: int = 0
    """Seed of trained gates."""


def make_mixture(
    shared: Path,
    experts: Mapping[str, Path],
    prompts: Mapping[str, Sequence[Sequence[int]]],
    settings: MixtureSettings,
    out: Path,
    *,
    note: Note = unnoted,
) -> dict[str, Any]:
    """Makes a mixture and writes it.

    Args:
        shared: Folder of the model that provides the shared parts, preferably a merge of the
            experts.
        experts: Folder of each expert by its name.
        prompts: Token ids of example prompts by name of the expert.
        settings: The settings.
        out: Folder for the mixture; must be new or empty. It is written atomically.
        note: Called with each line worth showing to the user.

    Returns:
        The content of ``mixture.json`` in ``out``: ``settings``, ``experts``, ``hashes``,
        ``parameters``, and ``own``, for each gate the fraction of the given prompts (or their
        tokens) routed to their own expert.

    Raises:
        InputError: The models are of several families, a setting does not fit them, or the folder
            is not new.
        WriteError: The result cannot be written.
    """
    zoo = open_zoo(list(experts.values()), shared, names=list(experts))
    check_mixture(
        list(experts),
        settings.level,
        settings.route,
        settings.top,
        settings.dense_layers,
        zoo.layers,
    )
    check_new(out, shared, *experts.values())
    for line in zoo.notes:
        note(line)
    if zoo.identical:
        note("all experts hold the same weights, so the mixture is equivalent to each of them")
    dense = load_compressed(shared, torch.float32)
    made = mix(dense, experts, settings)
    own = fit_gates(made, dense, prompts, settings.gate, settings.seed)
    report: dict[str, Any] = {
        "settings": settings.model_dump(mode="json"),
        "experts": list(experts),
        "hashes": zoo.hashes(),
        "parameters": made.parameter_counts(),
        "own": own,
        "versions": current_versions(),
    }
    _write(made, zoo, report, out)
    return report


def mix(dense: Any, experts: Mapping[str, Path], settings: MixtureSettings) -> MixtureForCausalLM:
    """Makes a mixture in memory, with untrained gates.

    Args:
        dense: The model that provides the shared parts; not changed.
        experts: Folder of each expert by its name.
        settings: The settings.
    """
    _, blocks = find_blocks(dense)
    check_mixture(
        list(experts),
        settings.level,
        settings.route,
        settings.top,
        settings.dense_layers,
        len(blocks),
    )
    config = MixtureConfig(
        backbone=dense.config.to_dict(),
        experts=list(experts),
        level=settings.level,
        route=settings.route,
        pool=settings.pool,
        top=settings.top,
        dense_layers=settings.dense_layers,
        dtype=dense.dtype,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        made: Any = MixtureForCausalLM(config)
        found: MixtureForCausalLM = made.to(dtype=dense.dtype, device=dense.device)
    found.backbone.load_state_dict(
        {k: v for k, v in dense.state_dict().items() if k in found.backbone.state_dict()},
        strict=False,
    )
    for number, folder in enumerate(experts.values()):
        found.fill_expert(number, load_compressed(folder, dense.dtype))
    found.generation_config = dense.generation_config
    found.train(False)
    return found


def _write(made: Any, zoo: Zoo, report: Mapping[str, Any], out: Path) -> None:
    first = zoo.first.checkpoint
    kinds = {first.dtype(key) for key in zoo.keys if first.dtype(key).is_floating_point}
    kind = kinds.pop() if len(kinds) == 1 else torch.float32
    partial = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")
    try:
        partial.mkdir(parents=True)
        made.config.dtype = kind
        with quiet():
            made.to(kind).save_pretrained(partial)
        write_companions(zoo.sources[0].checkpoint, partial)
        write_atomic(partial / MIXTURE_NAME, json.dumps(report, indent=2) + "\n")
        os.replace(partial, out)
    except OSError as error:
        raise write_error(error, out) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
