"""Common base of models of transformers that wrap a dense one."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, PreTrainedModel
from transformers.generation.utils import GenerationMixin
from transformers.models.llama.modeling_llama import LlamaModel

from surefoot.core.errors import InputError
from surefoot.sparsity.engine.skeleton import quiet

CACHE = "cache" if "cache" in signature(LlamaModel.forward).parameters else "past_key_values"
"""Name that this version of transformers gives to the keys and values of earlier tokens."""


class WrappedModel(PreTrainedModel, GenerationMixin):  # type: ignore[no-untyped-call]
    """A causal model that wraps a dense one as ``backbone``."""

    base_model_prefix = "backbone"
    main_input_name = "input_ids"
    _supports_sdpa = True
    _supports_attention_backend = True
    backbone: Any

    def get_input_embeddings(self) -> Any:
        """Returns the backbone's embedding."""
        return self.backbone.get_input_embeddings()

    def get_output_embeddings(self) -> Any:
        """Returns the backbone's last layer."""
        return self.backbone.get_output_embeddings()


def dense_config(backbone: Mapping[str, Any]) -> Any:
    """Returns the configuration of a dense model from plain data."""
    options = {k: v for k, v in backbone.items() if k != "model_type"}
    return AutoConfig.for_model(backbone["model_type"], **options)


def load_wrapped(
    folder: str | Path, config: Any, model: Any, what: str, dtype: torch.dtype | str = "auto"
) -> Any:
    """Loads a wrapped model.

    Args:
        folder: Its folder.
        config: The class of its configuration.
        model: Its class.
        what: Kind of model, for errors.
        dtype: Type of the parameters; ``auto`` for that of the files.

    Returns:
        The model, in evaluation mode.

    Raises:
        InputError: The folder holds no such model, or a damaged one.
    """
    from safetensors import SafetensorError

    place = Path(folder)
    options: dict[str, Any] = {"local_files_only": True, "use_safetensors": True}
    try:
        settings = config.from_pretrained(place, local_files_only=True)
        with quiet():
            found, info = model.from_pretrained(
                place, config=settings, dtype=dtype, output_loading_info=True, **options
            )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"cannot load the {what}: {reason}", file=str(place)) from None
    if missing := sorted(info["missing_keys"]):
        raise InputError(f"no weights for '{missing[0]}'", file=str(place))
    return found.eval()
