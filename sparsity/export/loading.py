"""Loads compressed models of any format."""

from __future__ import annotations

from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from surefoot.core.errors import InputError
from surefoot.core.extras import explained
from surefoot.sparsity.engine.checkpoint import STEM, Checkpoint
from surefoot.sparsity.engine.skeleton import bare_model, fill, quiet
from surefoot.sparsity.export.writing import LOW_RANK_STEM, SETTINGS
from surefoot.sparsity.lowrank.linear import FactoredLinear

if TYPE_CHECKING:
    from collections.abc import Mapping

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def load_compressed(folder: str | Path, dtype: torch.dtype | str = "auto") -> Any:
    """Loads a compressed model, or any other checkpoint of a decoder.

    Masks and integers are read by transformers itself (the latter with compressed-tensors),
    factors by this function: each pair becomes a
    :class:`~surefoot.sparsity.lowrank.linear.FactoredLinear`.

    Args:
        folder: The model's folder.
        dtype: Data type of the parameters; ``auto`` for that of the files.

    Returns:
        A model of transformers on the CPU, in evaluation mode.

    Raises:
        InputError: The folder holds no model, or a damaged one.
    """
    place = Path(folder)
    ranks = ranks_of(place)
    if ranks is None:
        return _load_plain(place, dtype)
    checkpoint = checkpoint_at(place)
    if isinstance(dtype, str):
        name = checkpoint.config.get("dtype") or "float32"
        dtype = _DTYPES.get(str(name if dtype == "auto" else dtype), torch.float32)
    model = bare_model(checkpoint, dtype)
    put_factors(model, ranks, dtype)
    fill(model, checkpoint, dtype)
    model.tie_weights()
    for name, parameter in model.named_parameters():
        if parameter.is_meta:
            raise InputError(f"no weights for '{name}'", file=str(place))
    _read_generation(model, place)
    return model.requires_grad_(True).eval()


def checkpoint_at(folder: Path) -> Checkpoint:
    """Returns the files of a model, compressed or not.

    Raises:
        InputError: The folder holds no model.
    """
    return Checkpoint(folder, stem=STEM if ranks_of(folder) is None else LOW_RANK_STEM)


def ranks_of(folder: Path) -> dict[str, int] | None:
    """Returns the rank of each factored module, ``None`` if the model has no factors.

    Raises:
        InputError: There is no readable ``config.json``.
    """
    from surefoot.sparsity.engine.checkpoint import read_json

    done = read_json(folder / "config.json", "no model here").get(SETTINGS)
    if not isinstance(done, dict) or done.get("format") != "low-rank":
        return None
    return {str(name): int(rank) for name, rank in done["ranks"].items()}


def put_factors(model: Any, ranks: Mapping[str, int], dtype: torch.dtype) -> None:
    """Replaces linear layers by uninitialised factors.

    Args:
        model: The model, changed in place.
        ranks: Rank of each module by its name.
        dtype: Type of the factors.

    Raises:
        InputError: The model has no such module.
    """
    for name, rank in ranks.items():
        try:
            module = model.get_submodule(name)
            rows, columns = _shape(module)
        except AttributeError:
            raise InputError(f"the model has no linear layer '{name}'") from None
        with torch.device("meta"):
            bias = None if module.bias is None else torch.empty(rows, dtype=dtype)
            factors = FactoredLinear(
                torch.empty(rows, rank, dtype=dtype), torch.empty(rank, columns, dtype=dtype), bias
            )
        model.set_submodule(name, factors)


def merge_factors(model: Any) -> int:
    """Multiplies all factors out, in place.

    Returns:
        Number of merged modules.
    """
    found = [name for name, m in model.named_modules() if isinstance(m, FactoredLinear)]
    for name in found:
        model.set_submodule(name, model.get_submodule(name).merge())
    return len(found)


def _shape(module: Any) -> tuple[int, int]:
    from torch import nn

    rows, columns = module.weight.shape
    return (rows, columns) if isinstance(module, nn.Linear) else (columns, rows)


def _load_plain(place: Path, dtype: torch.dtype | str) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    try:
        config: Any = AutoConfig.from_pretrained(place, local_files_only=True)
        sees = hasattr(config, "vision_config")
        kind: Any = AutoModelForImageTextToText if sees else AutoModelForCausalLM
        with quiet(), redirect_stderr(StringIO()):  # bars of compressed-tensors
            model = kind.from_pretrained(
                place, dtype=dtype, use_safetensors=True, local_files_only=True
            )
    except ImportError as error:
        raise explained(error) from None
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"cannot load the model: {reason}", file=str(place)) from None
    return model.eval()


def _read_generation(model: Any, place: Path) -> None:
    from transformers import GenerationConfig

    model.config.name_or_path = str(place)
    if (place / "generation_config.json").is_file():
        model.generation_config = GenerationConfig.from_pretrained(place)
