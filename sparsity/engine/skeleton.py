"""A model without weights whose parts are loaded from its checkpoint and released again."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from surefoot.core.errors import InputError
from surefoot.sparsity.engine.checkpoint import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch import nn

_TOWERS = re.compile(r"(^|\.)\w*(vision|visual|audio|image|speech)\w*($|\.)")


class Skeleton:
    """The architecture of a checkpoint with its parameters on the meta device.

    Buffers are real. Parameters are loaded by :meth:`fill`, with the conversions that transformers
    itself uses to read the checkpoint, and released by :func:`forget`.

    Args:
        checkpoint: The checkpoint.
        dtype: Data type of the loaded parameters.

    Attributes:
        model: The model, in evaluation mode.

    Raises:
        InputError: It is not a decoder that transformers supports.
    """

    def __init__(self, checkpoint: Checkpoint, dtype: torch.dtype) -> None:
        from transformers.conversion_mapping import get_model_conversion_mapping

        self.checkpoint = checkpoint
        self.dtype = dtype
        self.model: Any = bare_model(checkpoint, dtype)
        self._mapping = get_model_conversion_mapping(self.model)
        self._names = names_of(self.model, checkpoint, self._mapping)
        self.path, self.blocks = find_blocks(self.model)

    def block_name(self, index: int) -> str:
        """Returns the full name of a block."""
        return f"{self.path}.{index}"

    def keys_of(self, prefix: str) -> tuple[str, ...]:
        """Returns the tensors of the files whose parameters lie within a module."""
        return tuple(k for k, (n, _) in self._names.items() if n.startswith(f"{prefix}."))

    @property
    def outer_keys(self) -> tuple[str, ...]:
        """Tensors of the files that belong to no block."""
        return tuple(k for k, (n, _) in self._names.items() if not n.startswith(f"{self.path}."))

    def converted(self, prefix: str) -> bool:
        """Returns whether a module's parameters are computed rather than just renamed tensors."""
        return any(self._names[key][1] for key in self.keys_of(prefix))

    def source_of(self, name: str) -> str | None:
        """Returns the name in the files of a parameter, ``None`` if it is computed."""
        return next(
            (k for k, (n, computed) in self._names.items() if n == name and not computed), None
        )

    def fill(self, keys: Iterable[str]) -> None:
        """Reads parameters from the checkpoint.

        Args:
            keys: Names of tensors in the files.

        Raises:
            InputError: A tensor does not have the shape given by the model's configuration.
        """
        fill(self.model, self.checkpoint, self.dtype, tuple(keys), self._mapping)

    def fill_block(self, index: int) -> nn.Module:
        """Reads a block's parameters and returns the block.

        Raises:
            InputError: The checkpoint lacks some of them.
        """
        name = self.block_name(index)
        self.fill(self.keys_of(name))
        block: nn.Module = self.model.get_submodule(name)
        self.check_full(block, name)
        return block

    def fill_outside(self) -> None:
        """Loads everything outside of the blocks and ties tied weights."""
        self.fill(self.outer_keys)
        self.model.tie_weights()

    def empty_outside(self) -> None:
        """Releases the parameters outside of the blocks."""
        inside = f"{self.path}."
        for name, module in self.model.named_modules():
            if not f"{name}.".startswith(inside):
                forget(module)

    def check_full(self, module: nn.Module, name: str) -> None:
        """Checks that a module has all its parameters.

        Raises:
            InputError: The checkpoint lacks some of them.
        """
        for part, parameter in module.named_parameters():
            if parameter.is_meta:
                raise InputError(
                    f"the checkpoint has no weights for '{name}.{part}'",
                    file=str(self.checkpoint.folder),
                )


def names_of(
    model: Any, checkpoint: Checkpoint, mapping: list[Any] | None = None
) -> dict[str, tuple[str, bool]]:
    """Returns for each tensor of the files its parameter, and whether that is computed from it.

    If several parameters are computed from a tensor, the first is returned.

    Args:
        model: The model.
        checkpoint: Its files.
        mapping: The model's conversions, if they are known.
    """
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import (
        WeightConverter,
        WeightRenaming,
        rename_source_key,
    )

    mapping = get_model_conversion_mapping(model) if mapping is None else mapping
    renamings = [m for m in mapping if isinstance(m, WeightRenaming)]
    converters = [m for m in mapping if isinstance(m, WeightConverter)]
    known = model.state_dict()
    prefix = model.base_model_prefix
    found = {}
    for key in checkpoint.keys:
        name, pattern = rename_source_key(key, renamings, converters, prefix, known)
        if name not in known and key in known:
            name, pattern = key, None
        found[key] = name, pattern is not None
    return found


def fill(
    model: Any,
    checkpoint: Checkpoint,
    dtype: torch.dtype,
    keys: tuple[str, ...] | None = None,
    mapping: list[Any] | None = None,
) -> None:
    """Reads parameters of a model from a checkpoint, with the conversions of transformers.

    Args:
        model: The model.
        checkpoint: The checkpoint.
        dtype: Type of the parameters.
        keys: Tensors of the checkpoint to read; all of them by default.
        mapping: The model's conversions, if they are known.

    Raises:
        InputError: A tensor does not have the shape given by the model's configuration.
    """
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import convert_and_load_state_dict_in_model
    from transformers.modeling_utils import LoadStateDictConfig

    known: list[Any] = list(get_model_conversion_mapping(model) if mapping is None else mapping)
    with quiet():
        info, _ = convert_and_load_state_dict_in_model(
            model,
            checkpoint.tensors(checkpoint.keys if keys is None else keys),
            LoadStateDictConfig(dtype=dtype, weight_mapping=known),
        )
    if info.mismatched_keys or info.conversion_errors:
        name = next(iter(info.conversion_errors), None) or min(info.mismatched_keys)[0]
        raise InputError(
            f"the weights of '{name}' do not fit config.json", file=str(checkpoint.folder)
        )


def bare_model(checkpoint: Checkpoint, dtype: torch.dtype) -> Any:
    """Makes a checkpoint's model with parameters on the meta device and real buffers.

    Raises:
        InputError: transformers supports no such decoder, or it is not a decoder.
    """
    from accelerate import init_empty_weights
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    folder = str(checkpoint.folder)
    try:
        config: Any = AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        if getattr(config, "is_encoder_decoder", False):
            raise InputError("encoder-decoder models are not supported", file=folder)
        sees = hasattr(config, "vision_config")
        kind: Any = AutoModelForImageTextToText if sees else AutoModelForCausalLM
        with init_empty_weights(include_buffers=False):
            model = kind.from_config(config, dtype=dtype, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"cannot make the model: {reason}", file=folder) from None
    return model.eval().requires_grad_(False)


def find_blocks(model: Any) -> tuple[str, nn.ModuleList]:
    """Finds the decoder's list of blocks.

    Searches the direct children of ``get_decoder()``, otherwise all lists of modules of one class
    except those of vision and audio towers. The list with most parameters is returned.

    Raises:
        InputError: There is no such list.
    """
    from torch import nn

    names = {id(module): name for name, module in model.named_modules()}
    lists: list[nn.ModuleList] = []
    if hasattr(model, "get_decoder"):
        decoder = model.get_decoder()
        lists = [m for m in decoder.children() if isinstance(m, nn.ModuleList) and len(m)]
    if not lists:
        lists = [
            module
            for name, module in model.named_modules()
            if isinstance(module, nn.ModuleList)
            and len({type(entry) for entry in module}) == 1
            and not _TOWERS.search(name)
        ]
    if not lists:
        raise InputError(f"no list of decoder blocks found in {type(model).__name__}")
    chosen = max(lists, key=lambda m: sum(p.numel() for p in m.parameters()))
    return names[id(chosen)], chosen


def forget(module: nn.Module) -> None:
    """Moves a module's own parameters, without those of its children, back to the meta device."""
    import torch

    for name, parameter in module._parameters.items():
        if parameter is not None and not parameter.is_meta:
            module._parameters[name] = torch.nn.Parameter(
                parameter.detach().to("meta"), requires_grad=False
            )


def forget_all(module: nn.Module) -> None:
    """Moves all parameters of a module to the meta device."""
    for part in module.modules():
        forget(part)


def give_back() -> None:
    """Returns free memory to the system; glibc would otherwise keep it."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


@contextmanager
def quiet() -> Iterator[None]:
    """Silences the progress bars of transformers."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
