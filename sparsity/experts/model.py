"""A decoder of experts as a model of transformers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig
from transformers.cache_utils import DynamicCache

from surefoot.core.errors import InputError
from surefoot.sparsity.experts.extraction import gated_mlps
from surefoot.sparsity.experts.layout import ExpertLayout
from surefoot.sparsity.experts.mlp import Announce, ExpertMLP, ExpertsOn, Routing, Source
from surefoot.sparsity.experts.router import ExpertRouter
from surefoot.sparsity.export.wrapped import CACHE, WrappedModel, dense_config, load_wrapped

FORMAT = "read-me"
"""Name of the format in ``config.json``, see :mod:`surefoot.models.backends.formats`."""
_MARK = "surefoot_compression"


class ReadMeConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """Configuration of a decoder of experts.

    Args:
        backbone: Configuration of the dense model, as plain data.
        layout: The layout, as returned by :meth:`ExpertLayout.to_json`.
        router_hidden: Width of the router.
        router_heads: Its attention heads.
        rest: Whether unused neurons are kept.
    """

    model_type = "surefoot_read_me"

    def __init__(
        self,
        backbone: Mapping[str, Any] | None = None,
        layout: Mapping[str, Any] | None = None,
        router_hidden: int = 512,
        router_heads: int = 4,
        rest: bool = True,
        **options: Any,
    ) -> None:
        self.backbone = dict(backbone or {})
        self.layout = dict(layout or {})
        self.router_hidden, self.router_heads, self.rest = router_hidden, router_heads, rest
        dense = self.dense() if self.backbone else None
        if dense is not None:
            # Generation and caches read these. The router's keys and values are one more layer of
            # the same cache.
            self.vocab_size = dense.vocab_size
            self.hidden_size = dense.hidden_size
            self.max_position_embeddings = dense.max_position_embeddings
            self.num_attention_heads = dense.num_attention_heads
            self.num_hidden_layers = dense.num_hidden_layers + 1
            if getattr(dense, "layer_types", None):
                self.layer_types = [*dense.layer_types, "full_attention"]
                self.sliding_window = getattr(dense, "sliding_window", None)
            for name in (
                "vocab_size",
                "hidden_size",
                "max_position_embeddings",
                "layer_types",
                "num_attention_heads",
                "num_hidden_layers",
                "sliding_window",
            ):
                options.pop(name, None)
            for name in ("bos_token_id", "eos_token_id", "pad_token_id", "tie_word_embeddings"):
                options.setdefault(name, getattr(dense, name, None))
            options[_MARK] = {"format": FORMAT}
        super().__init__(**options)

    def dense(self) -> Any:
        """Returns the configuration of the dense model."""
        return dense_config(self.backbone)


class ReadMeForCausalLM(WrappedModel):
    """A decoder whose perceptrons are experts, with one router that chooses among them.

    Args:
        config: Its configuration.
    """

    config_class = ReadMeConfig

    def __init__(self, config: ReadMeConfig) -> None:
        super().__init__(config)
        self.layout = ExpertLayout.from_json(config.layout)
        self.routing = Routing()
        kind = config._attn_implementation
        dense = config.dense()
        make: Any = AutoModelForCausalLM.from_config
        self.backbone = make(dense, attn_implementation=kind)
        found = gated_mlps(self.backbone)
        if [a.width for a in self.layout.layers] != [
            m.down_proj.in_features for m in found.values()
        ]:
            raise InputError("the layout of experts does not fit the layers of the model")
        for i, (name, module) in enumerate(found.items()):
            part = ExpertMLP(module, self.layout.layers[i], i, self.routing, rest=config.rest)
            self.backbone.set_submodule(name, part)
        self.router = ExpertRouter(
            config.vocab_size,
            self.layout.experts,
            hidden=config.router_hidden,
            heads=config.router_heads,
            positions=config.max_position_embeddings,
            pad=config.pad_token_id,
            layer=config.num_hidden_layers - 1,
            attention=kind,
        )
        self.post_init()  # type: ignore[no-untyped-call]

    @property
    def experts_on(self) -> ExpertsOn:
        """Active experts: ``routed``, ``all``, or the index of one for all tokens."""
        return self.routing.on

    @experts_on.setter
    def experts_on(self, value: ExpertsOn) -> None:
        """Sets the active experts.

        Raises:
            InputError: There is no such expert, or all are requested and unused neurons were
                dropped.
        """
        if value not in ("routed", "all", *range(self.layout.experts)):
            raise InputError(
                f"active experts are 'routed', 'all', or one from 0 to {self.layout.experts - 1}"
            )
        if value == "all" and not self.config.rest:
            raise InputError("unused neurons were dropped, so not all experts can be active")
        self.routing.on = value

    def expert_mlps(self) -> list[ExpertMLP]:
        """Returns the perceptrons in the order of layers."""
        return [m for m in self.backbone.modules() if isinstance(m, ExpertMLP)]

    def expert_tensors(self, expert: int) -> dict[str, torch.Tensor]:
        """Returns the tensors of an expert, of all layers, by name."""
        return {k: v for m in self.expert_mlps() for k, v in m.tensors_of(expert).items()}

    def use_source(self, source: Source, announce: Announce | None = None) -> None:
        """Reads the weights of experts from a function from now on, and frees its own.

        Args:
            source: Returns the tensors of an expert as :meth:`expert_tensors` does.
            announce: Called before a pass over several experts, with those it will request.
        """
        self.routing.source, self.routing.announce = source, announce
        self.routing.layers = len(self.expert_mlps())
        for module in self.expert_mlps():
            module.forget_experts()

    def router_logits(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Returns the router's logits for whole texts, ``[batch, tokens, experts]``.

        Args:
            input_ids: ``[batch, tokens]``.
            attention_mask: 0 where there is padding; if ``None``, padding at the start of a row
                is recognised by its id.
        """
        if attention_mask is None:
            attention_mask = self._not_padding(input_ids)
        logits: torch.Tensor = self.router(
            input_ids, attention_mask, _positions(attention_mask, input_ids.shape[1])
        )
        return logits

    def route(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Returns the expert of each token of whole texts, int64 ``[batch, tokens]``."""
        chosen: torch.Tensor = self.router_logits(input_ids, attention_mask).argmax(-1)
        return chosen

    def _not_padding(self, input_ids: torch.Tensor) -> torch.Tensor:
        pad = self.config.pad_token_id
        if pad is None:
            return torch.ones_like(input_ids)
        seen: torch.Tensor = (input_ids != pad).cumsum(-1) > 0
        return seen.to(input_ids.dtype)

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        cache: Any = None,
        past_key_values: Any = None,
        use_cache: bool | None = None,
        **options: Any,
    ) -> Any:
        """Runs the router, then the backbone with the experts that it chose.

        Args:
            input_ids: ``[batch, tokens]``, without those in the cache.
            attention_mask: ``[batch, tokens]`` with those of the cache; 0 where there is padding.
            position_ids: Positions of the tokens.
            cache: Keys and values of earlier tokens, the router's behind the backbone's.
            past_key_values: Former name of ``cache``.
            use_cache: Whether keys and values are kept.
            options: For the backbone, such as ``labels``.

        Raises:
            InputError: Embeddings are given instead of ids, which the router needs.
        """
        if input_ids is None:
            raise InputError("a model of experts needs input_ids, which its router reads")
        known = cache if cache is not None else past_key_values
        if use_cache and known is None:
            known = DynamicCache(config=self.config)
        if position_ids is None:
            # The router adds to the cache before the backbone counts its entries.
            past = known.get_seq_length() if known is not None else 0
            position_ids = torch.arange(input_ids.shape[1], device=input_ids.device)[None] + past
        on = self.routing.on
        if on == "routed":
            logits = self.router(input_ids, attention_mask, position_ids, known)
            self.routing.choose(_without_padding(logits.argmax(-1), attention_mask))
        elif on != "all":
            self.routing.only(int(on))
        return self.backbone(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            use_cache=use_cache,
            **{CACHE: known},
            **options,
        )

    def parameter_counts(self) -> dict[str, int]:
        """Returns the parameters: ``dense``, ``total``, ``active`` for a token, ``router``.

        ``active`` counts the largest expert and the router; ``total`` excludes unused neurons.
        Shared tensors count once.
        """
        router = sum(p.numel() for p in self.router.parameters())
        mlps = self.expert_mlps()
        inside = sum(p.numel() for m in mlps for p in m.parameters())
        outside = sum(p.numel() for p in self.backbone.parameters()) - inside
        always = sum(p.numel() for m in mlps for p in m.permanent.parameters())
        always += sum(m.bias.numel() for m in mlps if m.bias is not None)
        each = [
            sum(p.numel() for m in mlps for p in m.experts[e].parameters())
            for e in range(self.layout.experts)
        ]
        wide = self.config.hidden_size
        per = [self._per_neuron(m, wide) for m in mlps]
        dense = sum(a.width * n for a, n in zip(self.layout.layers, per, strict=True))
        dense += sum(m.bias.numel() for m in mlps if m.bias is not None)
        return {
            "dense": outside + dense,
            "total": outside + always + sum(each) + router,
            "active": outside + always + max(each) + router,
            "router": router,
        }

    @staticmethod
    def _per_neuron(module: ExpertMLP, wide: int) -> int:
        part = module.permanent
        return 3 * wide + sum(a.bias is not None for a in (part.gate, part.up))


def _positions(mask: torch.Tensor, tokens: int) -> torch.Tensor:
    """Returns positions as in generation: padding at the start is not counted."""
    return (mask.long().cumsum(-1) - 1).clamp(min=0)[:, -tokens:]


def _without_padding(chosen: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Assigns padding, whose output is unused, to an expert that is needed anyway."""
    if mask is None or mask.ndim != 2:
        return chosen
    padding = mask[:, -chosen.shape[1] :] == 0
    if not bool(padding.any()) or bool(padding.all()):
        return chosen
    return chosen.masked_fill(padding, int(chosen[~padding][0]))


def refactor(
    model: Any,
    layout: ExpertLayout,
    *,
    rest: bool = True,
    router_hidden: int | None = None,
    router_heads: int = 4,
    seed: int = 0,
) -> ReadMeForCausalLM:
    """Makes a model of experts from a dense one, with an untrained router.

    Args:
        model: The dense decoder; not changed.
        layout: Assignment of its neurons.
        rest: Whether unused neurons are kept, so that all experts can be active.
        router_hidden: Width of the router; by default an eighth of the model's, as 512 is of the
            paper's 4096, and at least 32 if the model is that wide.
        router_heads: Its attention heads.
        seed: Seed of the router's initial weights.

    Raises:
        InputError: The model has no gated perceptrons, or the layout does not fit it.
    """
    dense = gated_mlps(model)
    most = model.config.hidden_size
    wide = router_hidden or min(most, max(32, most // 8 // (2 * router_heads) * 2 * router_heads))
    if wide % (2 * router_heads) or wide > most:
        raise InputError(
            f"a router of width {wide} needs a multiple of {2 * router_heads}, and no more than "
            f"the model's {most}"
        )
    config = ReadMeConfig(
        backbone=model.config.to_dict(),
        layout=layout.to_json(),
        router_hidden=wide,
        router_heads=router_heads,
        rest=rest,
        dtype=model.dtype,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made: Any = ReadMeForCausalLM(config)
        found: ReadMeForCausalLM = made.to(dtype=model.dtype, device=model.device)
    own = found.backbone.state_dict()
    given = {k: v for k, v in model.state_dict().items() if k in own}
    found.backbone.load_state_dict(given, strict=False)
    for part, module in zip(found.expert_mlps(), dense.values(), strict=True):
        part.fill(module)
    found.router.embed_like(model.get_input_embeddings().weight)
    found.generation_config = model.generation_config
    found.train(False)
    return found


def experts_of(model: ReadMeForCausalLM) -> Iterator[dict[str, torch.Tensor]]:
    """Yields the tensors of each expert."""
    for expert in range(model.layout.experts):
        yield model.expert_tensors(expert)


def load_read_me(folder: str | Path, dtype: torch.dtype | str = "auto") -> ReadMeForCausalLM:
    """Loads a model of experts.

    Args:
        folder: Its folder.
        dtype: Type of the parameters; ``auto`` for that of the files.

    Raises:
        InputError: The folder holds no such model, or a damaged one.
    """
    loaded: ReadMeForCausalLM = load_wrapped(
        folder, ReadMeConfig, ReadMeForCausalLM, "experts", dtype
    )
    return loaded


AutoConfig.register(ReadMeConfig.model_type, ReadMeConfig, exist_ok=True)
AutoModelForCausalLM.register(ReadMeConfig, ReadMeForCausalLM, exist_ok=True)
