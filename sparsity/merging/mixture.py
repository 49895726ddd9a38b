"""A mixture of experts made of several models, as a model of transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig
from transformers.cache_utils import DynamicCache

from surefoot.core.errors import InputError
from surefoot.sparsity.engine.skeleton import find_blocks
from surefoot.sparsity.experts.extraction import gated_mlps
from surefoot.sparsity.export.wrapped import CACHE, WrappedModel, dense_config, load_wrapped
from surefoot.sparsity.merging.routed import LinearGate, MixedMLP, Pool, Route, RoutedLeaf, Routes

FORMAT = "mixture"
"""Name of the format in ``config.json``, see :mod:`surefoot.models.backends.formats`."""
_MARK = "surefoot_compression"

Level = Literal["ffn", "block", "model"]
"""Parts that each expert has of its own; see :data:`LEVELS`."""

LEVELS: dict[Level, str] = {
    "ffn": "the perceptron of each layer, with one gate per layer",
    "block": "whole layers, with one gate per layer",
    "model": "all layers after the first gate, which decides for all of them",
}
"""Description of each level (Model-GLUE, section on mixtures)."""

_SHARED = ("bos_token_id", "eos_token_id", "pad_token_id", "tie_word_embeddings")
_COUNTED = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "max_position_embeddings",
    "layer_types",
    "sliding_window",
)


class MixtureConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """Configuration of a mixture.

    Args:
        backbone: Configuration of a model of the family, as plain data.
        experts: Names of the experts.
        level: Parts that each expert has of its own.
        route: Whether texts or tokens are routed; tokens only with the level ``ffn``.
        pool: How a gate pools a text.
        top: Number of active experts; more than one only with the level ``ffn``.
        dense_layers: Number of first layers shared by all experts.
    """

    model_type = "surefoot_mixture"

    def __init__(
        self,
        backbone: Mapping[str, Any] | None = None,
        experts: Sequence[str] = (),
        level: Level = "ffn",
        route: Route = "sequence",
        pool: Pool = "mean",
        top: int = 1,
        dense_layers: int = 0,
        **options: Any,
    ) -> None:
        self.backbone = dict(backbone or {})
        self.experts, self.level, self.route = list(experts), level, route
        self.pool, self.top, self.dense_layers = pool, top, dense_layers
        if self.backbone:
            dense = self.dense()
            for name in _COUNTED:  # read by generation and caches
                options.pop(name, None)
                if getattr(dense, name, None) is not None:
                    setattr(self, name, getattr(dense, name))
            for name in _SHARED:
                options.setdefault(name, getattr(dense, name, None))
            options[_MARK] = {"format": FORMAT}
        super().__init__(**options)

    def dense(self) -> Any:
        """Returns the configuration of a model of the family."""
        return dense_config(self.backbone)


def check_mixture(
    experts: Sequence[str], level: Level, route: Route, top: int, dense_layers: int, layers: int
) -> None:
    """Checks the settings of a mixture.

    Raises:
        InputError: They are not possible.
    """
    if len(experts) < 2:
        raise InputError("a mixture needs at least two experts; give more models")
    if len(set(experts)) < len(experts):
        raise InputError("two experts have the same name; choose different names")
    if route == "token" and level != "ffn":
        raise InputError(
            f"tokens can only be routed with the level 'ffn': with '{level}' the tokens of a text "
            "could not attend to each other; choose the route 'sequence'"
        )
    if not 1 <= top <= len(experts):
        raise InputError(f"{top} experts cannot be active at a time, there are {len(experts)}")
    if top > 1 and level != "ffn":
        raise InputError(
            f"with the level '{level}' only one expert is active at a time; set top to 1"
        )
    if not 0 <= dense_layers < layers:
        raise InputError(
            f"the model has {layers} layers, so 0 to {layers - 1} can be shared, not {dense_layers}"
        )


class MixtureForCausalLM(WrappedModel):
    """A decoder with some parts replicated for each expert.

    The experts of a text are chosen when its prompt is read and kept with the cache during
    generation. With the route ``sequence`` and the pool ``mean`` the choice depends on the whole
    prompt, so logits of a text in one pass are those with the whole text as the prompt.

    Args:
        config: Its configuration.

    Raises:
        InputError: The configuration is not possible.
    """

    config_class = MixtureConfig

    def __init__(self, config: MixtureConfig) -> None:
        super().__init__(config)
        count = len(config.experts)
        make: Any = AutoModelForCausalLM.from_config
        self.backbone = make(config.dense(), attn_implementation=config._attn_implementation)
        path, blocks = find_blocks(self.backbone)
        check_mixture(
            config.experts, config.level, config.route, config.top, config.dense_layers, len(blocks)
        )
        self.routes = Routes()
        self.own_modules: dict[str, int] = {}
        """Index of the gate of each module that every expert has of its own, by name."""
        places = range(config.dense_layers, len(blocks))
        for place in places:
            number = 0 if config.level == "model" else place - config.dense_layers
            for name in _own_parts(self.backbone, f"{path}.{place}", config.level):
                self.own_modules[name] = number
        for name, number in self.own_modules.items():
            leaf = self.backbone.get_submodule(name)
            kind = MixedMLP if config.level == "ffn" else RoutedLeaf
            self.backbone.set_submodule(name, kind(leaf, count, number, self.routes))
        gated = [config.dense_layers] if config.level == "model" else list(places)
        made = [
            LinearGate(
                config.hidden_size,
                count,
                number,
                self.routes,
                route=config.route,
                pool=config.pool,
                top=config.top,
            )
            for number in range(len(gated))
        ]
        self.gates = nn.ModuleList(made)
        for gate, place in zip(made, gated, strict=True):
            blocks[place].register_forward_pre_hook(partial(_ask, gate), with_kwargs=True)
        self.post_init()  # type: ignore[no-untyped-call]

    @property
    def expert_on(self) -> str | None:
        """Name of the expert that all texts are routed to; ``None`` if the gates choose."""
        forced = self.routes.forced
        return None if forced is None else self.config.experts[forced]

    @expert_on.setter
    def expert_on(self, name: str | None) -> None:
        """Sets the expert for all texts.

        Raises:
            InputError: There is no such expert.
        """
        if name is not None and name not in self.config.experts:
            raise InputError(f"no expert '{name}'; there are {', '.join(self.config.experts)}")
        self.routes.forced = None if name is None else self.config.experts.index(name)

    def fill_expert(self, number: int, dense: Any) -> None:
        """Copies the weights of an expert.

        Args:
            number: Index of the expert.
            dense: A model of the family.
        """
        for name in self.own_modules:
            theirs = dense.get_submodule(name)
            self.backbone.get_submodule(name).experts[number].load_state_dict(theirs.state_dict())

    def route(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Returns the most likely expert of each gate.

        Args:
            input_ids: ``[batch, tokens]``.
            attention_mask: 0 where there is padding.

        Returns:
            int64 ``[gates, batch]``, or ``[gates, batch, tokens]`` where tokens are routed.
        """
        with torch.inference_mode():
            self(input_ids=input_ids, attention_mask=attention_mask, use_cache=False)
        return torch.stack([self.routes.chosen[g].argmax(-1) for g in range(len(self.gates))])

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        cache: Any = None,
        past_key_values: Any = None,
        use_cache: bool | None = None,
        **options: Any,
    ) -> Any:
        """Runs the backbone with the experts chosen by the gates.

        Args:
            input_ids: ``[batch, tokens]``, without those in the cache.
            attention_mask: ``[batch, tokens]`` with those of the cache; 0 where there is padding.
            cache: Keys and values of earlier tokens.
            past_key_values: Former name of ``cache``.
            use_cache: Whether keys and values are kept.
            options: For the backbone, such as ``labels`` or ``position_ids``.
        """
        known = cache if cache is not None else past_key_values
        if use_cache is None:
            use_cache = bool(getattr(self.backbone.config, "use_cache", True))
        if known is None and use_cache:
            known = DynamicCache(config=self.config)
        self.routes.begin(attention_mask, known)
        return self.backbone(
            input_ids=input_ids,
            attention_mask=attention_mask,
            use_cache=use_cache,
            **{CACHE: known},
            **options,
        )

    def parameter_counts(self) -> dict[str, int]:
        """Returns the parameters: ``total``, ``active`` for a text or token, and ``gates``."""
        gates = sum(p.numel() for p in self.gates.parameters())
        total = sum(p.numel() for p in self.parameters())
        own = sum(
            p.numel() for n in self.own_modules for p in self.backbone.get_submodule(n).parameters()
        )
        each = own // len(self.config.experts)
        return {"total": total, "active": total - own + self.config.top * each, "gates": gates}


def _own_parts(backbone: Any, block: str, level: Level) -> list[str]:
    """Returns the names of a block's modules that every expert has of its own."""
    if level == "ffn":
        return [name for name in gated_mlps(backbone) if name.startswith(f"{block}.")]
    found = []
    for name, module in backbone.get_submodule(block).named_modules():
        if list(module.parameters(recurse=False)):
            if list(module.children()):
                raise InputError(
                    f"a {type(module).__name__} has weights beside its children, which a mixture "
                    "of "
                    "blocks does not support; use the level 'ffn'"
                )
            found.append(f"{block}.{name}")
    return found


def _ask(gate: LinearGate, block: nn.Module, given: Any, named: dict[str, Any]) -> None:
    del block
    gate.choose(given[0] if given else named["hidden_states"])


def load_mixture(folder: str | Path, dtype: torch.dtype | str = "auto") -> MixtureForCausalLM:
    """Loads a mixture.

    Args:
        folder: Its folder.
        dtype: Type of the parameters; ``auto`` for that of the files.

    Raises:
        InputError: The folder holds no mixture, or a damaged one.
    """
    found: MixtureForCausalLM = load_wrapped(
        folder, MixtureConfig, MixtureForCausalLM, "mixture", dtype
    )
    return found


AutoConfig.register(MixtureConfig.model_type, MixtureConfig, exist_ok=True)
AutoModelForCausalLM.register(MixtureConfig, MixtureForCausalLM, exist_ok=True)
