"""A model of experts computes what the dense one does, wherever both are defined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, Qwen2Config

from surefoot.core.errors import InputError
from surefoot.models.backends.formats import reader_of
from surefoot.sparsity.experts.extraction import extract_experts, gated_mlps
from surefoot.sparsity.experts.layout import ExpertLayout
from surefoot.sparsity.experts.model import ReadMeForCausalLM, load_read_me, refactor
from surefoot.sparsity.experts.store import ExpertStore, write_store
from tests.sparsity.experts.dense import DOMAINS, dense_model, domain_batches

torch.set_num_threads(1)

IDS = torch.randint(3, 93, (4, 15), generator=torch.Generator().manual_seed(3))


def made(
    kind: str = "llama", *, rest: bool = True, **options: Any
) -> tuple[Any, ReadMeForCausalLM]:
    dense = dense_model(kind, **options)
    layout = extract_experts(dense, domain_batches(), keep=0.5)
    return dense, refactor(dense, layout, rest=rest, seed=1)


class Masked(nn.Module):
    """A dense perceptron, with only some neurons on for each token."""

    def __init__(self, dense: Any, masks: torch.Tensor) -> None:
        super().__init__()
        self.dense, self.masks = dense, masks

    def forward(self, x: torch.Tensor) -> Any:
        a = self.dense
        return a.down_proj(a.act_fn(a.gate_proj(x)) * a.up_proj(x) * self.masks)


def masked(dense: Any, layout: ExpertLayout, chosen: torch.Tensor) -> Any:
    """Masks the dense model with the neurons of the expert chosen for each token, in place."""
    for layer, (name, module) in zip(layout.layers, list(gated_mlps(dense).items()), strict=True):
        masks = torch.zeros(layout.experts, layer.width, dtype=torch.float64)
        for e in range(layout.experts):
            masks[e, list(layer.active(e))] = 1
        dense.set_submodule(name, Masked(module, masks[chosen]))
    return dense


@pytest.mark.parametrize("kind", ["llama", "tied", "gemma3"])
def test_all_experts_on_is_the_dense_model(kind: str) -> None:
    dense, model = made(kind)
    assert any(c > 1 for a in model.layout.layers for c in a.counts())  # shared by experts
    model.experts_on = "all"
    with torch.no_grad():
        expected, found = dense(IDS).logits, model(IDS).logits
        assert float((found - expected).abs().max()) < 4e-14 * float(expected.abs().max() + 1)
        model.experts_on = "routed"
        assert float((model(IDS).logits - expected).abs().max()) > 1e-3


@pytest.mark.parametrize("expert", range(len(DOMAINS)))
def test_one_expert_on_is_the_masked_dense_model(expert: int) -> None:
    dense, model = made()
    model.experts_on = expert
    with torch.no_grad():
        expected = masked(dense, model.layout, torch.full_like(IDS, expert))(IDS).logits
        assert float((model(IDS).logits - expected).abs().max()) < 4e-14


def test_each_token_has_the_expert_that_the_router_chose() -> None:
    dense, model = made()
    with torch.no_grad():
        chosen = model.route(IDS)
        assert len(chosen.unique()) > 1
        expected = masked(dense, model.layout, chosen)(IDS).logits
        assert float((model(IDS).logits - expected).abs().max()) < 4e-14


def test_biases_are_kept() -> None:
    torch.manual_seed(0)
    dense = dense_model()
    for module in gated_mlps(dense).values():
        for part in (module.gate_proj, module.up_proj, module.down_proj):
            part.bias = nn.Parameter(torch.randn(part.out_features, dtype=torch.float64))
    dense.config.mlp_bias = True
    layout = extract_experts(dense, domain_batches())
    model = refactor(dense, layout)
    model.experts_on = "all"
    with torch.no_grad():
        assert float((model(IDS).logits - dense(IDS).logits).abs().max()) < 1e-12
        model.experts_on = 1
        expected = masked(dense, layout, torch.full_like(IDS, 1))(IDS).logits
        assert float((model(IDS).logits - expected).abs().max()) < 1e-12
    counts = model.parameter_counts()
    assert counts["dense"] == sum(p.numel() for p in dense.parameters())


def test_another_family_can_be_refactored() -> None:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=96,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=48,
        max_position_embeddings=64,
        initializer_range=0.2,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    dense: Any = AutoModelForCausalLM.from_config(config).double().eval()
    model = refactor(dense, extract_experts(dense, domain_batches()))
    model.experts_on = "all"
    with torch.no_grad():
        assert float((model(IDS).logits - dense(IDS).logits).abs().max()) < 1e-12


@pytest.mark.parametrize("kind", ["llama", "gemma3"])
def test_generation_with_a_cache_says_the_same(kind: str) -> None:
    _, model = made(kind)
    prompt = IDS.clone()
    prompt[1, :6] = 0
    mask = (prompt != 0).long()
    common: dict[str, Any] = {
        "attention_mask": mask,
        "max_new_tokens": 20,
        "min_new_tokens": 20,
        "do_sample": False,
    }
    seen: list[int] = []
    model.router.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    cached = model.generate(prompt, **common)
    assert seen == [15] + [1] * 19  # the router reads a token once
    assert torch.equal(cached, model.generate(prompt, **common, use_cache=False))
    alone = model.generate(prompt[1:2, 6:], max_new_tokens=20, min_new_tokens=20, do_sample=False)
    assert torch.equal(alone[0], cached[1, 6:])
    assert len(model.route(cached, (cached != 0).long()).unique()) > 1


def test_padding_asks_for_no_expert() -> None:
    _, model = made()
    padded = torch.cat([torch.zeros(4, 5, dtype=torch.long), IDS], 1)
    needed: set[int] = set()

    def watched(chosen: torch.Tensor) -> None:
        needed.update(chosen.flatten().tolist())
        plain(chosen)

    plain, model.routing.choose = model.routing.choose, watched  # type: ignore[method-assign]
    with torch.no_grad():
        for row in range(4):
            needed.clear()
            one = padded[row : row + 1]
            found = model(one, attention_mask=(one != 0).long()).logits[0, 5:]
            assert needed == set(model.route(IDS[row : row + 1]).flatten().tolist())
            # Angles of positions are float32.
            assert torch.allclose(found, model(IDS[row : row + 1]).logits[0], atol=1e-5)


def test_padding_at_the_start_changes_no_choice() -> None:
    _, model = made()
    padded = torch.cat([torch.zeros(4, 5, dtype=torch.long), IDS], 1)
    assert torch.equal(model.route(padded)[:, 5:], model.route(IDS))


@pytest.mark.parametrize("kind", ["llama", "tied"])
def test_what_is_saved_is_what_is_loaded(kind: str, tmp_path: Path) -> None:
    _, model = made(kind)
    with torch.no_grad():
        expected = model(IDS).logits
        model.save_pretrained(tmp_path)
        reader = reader_of(tmp_path)
        assert reader is not None
        assert torch.allclose(reader(tmp_path, "auto")(IDS).logits, expected, atol=1e-12)
        plain: Any = AutoModelForCausalLM.from_pretrained(tmp_path)
        assert torch.allclose(plain(IDS).logits, expected, atol=1e-12)
        single = load_read_me(tmp_path, torch.float32)
        assert single.dtype == torch.float32
        assert single.layout == model.layout
        assert torch.equal(
            single.generate(IDS, max_new_tokens=9, do_sample=False),
            model.generate(IDS, max_new_tokens=9, do_sample=False),
        )
    ends = json.loads((tmp_path / "config.json").read_bytes())
    assert ends["eos_token_id"] == 2


def test_experts_from_a_store_say_the_same_and_are_not_in_the_model(tmp_path: Path) -> None:
    _, model = made()
    write_store(model, tmp_path)
    store = ExpertStore(tmp_path)
    assert store.experts == len(DOMAINS)
    prompt = IDS[:, :6]
    with torch.no_grad():
        expected, text = model(IDS).logits, model.generate(prompt, max_new_tokens=12)
        before = sum(p.numel() for p in model.parameters())
        asked: list[int] = []

        def source(expert: int) -> dict[str, torch.Tensor]:
            asked.append(expert)
            return store.load(expert)

        model.use_source(source)
        freed = 8 * (before - sum(p.numel() for p in model.parameters()))
        assert freed == sum(map(store.bytes_of, range(store.experts)))
        assert torch.equal(model(IDS).logits, expected)
        assert set(asked) == set(model.route(IDS).unique().tolist())
        assert torch.equal(model.generate(prompt, max_new_tokens=12), text)
        asked.clear()
        model.experts_on = 1
        model(IDS)
        assert asked == [1]  # one expert for a whole pass is asked for once


def test_sizes_are_counted() -> None:
    dense, model = made()
    counts = model.parameter_counts()
    assert counts["dense"] == sum(p.numel() for p in dense.parameters())
    rest = sum(len(a.rest) for a in model.layout.layers)
    assert counts["total"] + 3 * 32 * rest == sum(p.numel() for p in model.parameters())
    # Each token sees half of the neurons, 96 numbers each, of 64 in 3 layers.
    assert counts["active"] - counts["router"] == counts["dense"] - 3 * 32 * 96
    _, slim = made(rest=False)
    assert sum(p.numel() for p in slim.parameters()) == counts["total"]
    assert slim.parameter_counts() == counts


def test_bad_input_is_told(tmp_path: Path) -> None:
    dense, model = made(rest=False)
    with pytest.raises(InputError, match="not all experts can be active"):
        model.experts_on = "all"
    for wrong in (3, -1, "some"):
        with pytest.raises(InputError, match="'routed', 'all', or one from 0 to 2"):
            model.experts_on = wrong  # type: ignore[assignment]
    with pytest.raises(InputError, match="needs input_ids"):
        model(inputs_embeds=torch.zeros(1, 2, 32))
    with pytest.raises(InputError, match="a router of width 64"):
        refactor(dense, model.layout, router_hidden=64)
    other = ExpertLayout(model.layout.domains, model.layout.layers[:2])
    with pytest.raises(InputError, match="does not fit the layers"):
        refactor(dense, other)
    with pytest.raises(InputError, match="cannot load the experts"):
        load_read_me(tmp_path)
    model.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot load the experts"):
        load_read_me(tmp_path)
