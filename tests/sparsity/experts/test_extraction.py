"""Experts are found exactly, and what cannot be taken apart is refused in a line."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.sparsity.experts.extraction import (
    extract_experts,
    gated_mlps,
    strongest,
    watch,
)
from surefoot.sparsity.experts.layout import ExpertLayout, LayerLayout, layout_of
from tests.sparsity.experts.dense import DOMAINS, dense_model, domain_batches

torch.set_num_threads(1)

SETS = st.lists(st.sets(st.integers(0, 30), min_size=1), min_size=1, max_size=5)


@pytest.mark.parametrize("keep", [0.1, 0.34, 0.5, 0.99, 1.0])
def test_exactly_so_many_are_kept_and_the_first_of_equals(keep: float) -> None:
    mixed = torch.tensor([1.0, 3, 3, 0, 3, 1, 0, 0, 2, 3, 0])
    count = max(1, round(keep * 11))
    kept = strongest(mixed, keep)
    assert len(kept) == count
    order = [1, 2, 4, 9, 8, 0, 5, 3, 6, 7, 10]
    assert kept == tuple(sorted(order[:count]))
    assert strongest(torch.zeros(11), keep) == tuple(range(count))


@given(SETS)
@settings(max_examples=100, deadline=None)
def test_a_layout_divides_without_losing_a_neuron(sets: list[set[int]]) -> None:
    masks = {f"d{i}": [sorted(part)] for i, part in enumerate(sets)}
    layer = layout_of(masks, [31]).layers[0]
    for i, part in enumerate(sets):
        assert set(layer.active(i)) == part
        assert not set(layer.own[i]) & set(layer.permanent)
    assert set(layer.permanent) == set.intersection(*sets)
    assert set(layer.rest) == set(range(31)) - set.union(*sets)
    counts = layer.counts()
    assert sum(counts) == sum(map(len, layer.own))


@given(SETS, st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_a_layout_survives_json_and_keeps_its_sizes_when_shuffled(
    sets: list[set[int]], seed: int
) -> None:
    layout = layout_of({f"d{i}": [part, {0}] for i, part in enumerate(sets)}, [31, 4])
    assert ExpertLayout.from_json(json.loads(json.dumps(layout.to_json()))) == layout
    other = layout.shuffled(seed)
    assert other == layout.shuffled(seed)
    for a, b in zip(layout.layers, other.layers, strict=True):
        assert len(a.permanent) == len(b.permanent)
        assert [*map(len, a.own)] == [*map(len, b.own)]
        assert sorted(a.counts()) == sorted(b.counts())


def test_importance_is_the_mean_of_what_goes_into_down_proj() -> None:
    model = dense_model()
    batch = {
        "input_ids": torch.randint(3, 90, (3, 7)),
        "attention_mask": torch.tensor([[1] * 7, [0] * 3 + [1] * 4, [1] * 5 + [0] * 2]),
    }
    seen: list[torch.Tensor] = []
    mlp: Any = next(iter(gated_mlps(model).values()))
    hook = mlp.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    model(**batch)
    hook.remove()
    x = seen[0][batch["attention_mask"].bool()]
    inner = torch.nn.functional.silu(mlp.gate_proj(x)) * mlp.up_proj(x)
    found = watch(model, [batch])
    assert found.tokens == 16
    assert torch.allclose(found.importance()[0], inner.abs().mean(0), atol=1e-12)
    assert torch.allclose(watch(model, [batch, batch]).importance()[0], inner.abs().mean(0))


def test_each_expert_is_the_best_half_of_its_domain() -> None:
    model, texts = dense_model(), domain_batches()
    layout = extract_experts(model, texts, keep=0.5)
    assert layout.domains == DOMAINS
    for e, batches in enumerate(texts.values()):
        importance = watch(model, batches).importance()
        for layer, values in zip(layout.layers, importance, strict=True):
            assert layer.active(e) == strongest(values, 0.5)
            assert len(layer.active(e)) == 32
            weakest_on = values[list(layer.active(e))].min()
            off = [i for i in range(64) if i not in layer.active(e)]
            assert weakest_on >= values[off].max()


@pytest.mark.parametrize("kind", ["llama", "gemma3"])
def test_gated_perceptrons_are_found(kind: str) -> None:
    found = gated_mlps(dense_model(kind))
    assert list(found) == [f"model.layers.{i}.mlp" for i in range(3)]


@pytest.mark.parametrize("kind", ["gpt2", "gpt-neox", "mixtral"])
def test_other_models_are_refused(kind: str) -> None:
    with pytest.raises(InputError, match="has no gated perceptrons"):
        gated_mlps(dense_model(kind))


def test_a_perceptron_that_computes_something_else_is_refused() -> None:
    model = dense_model()
    mlp = model.model.layers[1].mlp
    plain = mlp.forward
    mlp.forward = lambda x: 2 * plain(x)
    with pytest.raises(InputError, match=r"layers\.1\.mlp' is not down"):
        gated_mlps(model)


def test_bad_input_is_told() -> None:
    model, texts = dense_model(), domain_batches(4)
    with pytest.raises(InputError, match="at least two domains, not 1"):
        extract_experts(model, {"north": texts["north"]})
    with pytest.raises(InputError, match="domain 'west' has no text"):
        extract_experts(model, {**texts, "west": ()})
    for keep in (0.0, -1.0, 1.01, float("nan")):
        with pytest.raises(InputError, match="fraction of neurons to keep"):
            extract_experts(model, texts, keep=keep)
    with pytest.raises(InputError, match="an importance is NaN"):
        strongest(torch.tensor([1.0, float("nan")]), 0.5)
    model.model.layers[0].mlp.up_proj.weight.data[3, 3] = float("nan")
    with pytest.raises(InputError, match="are not finite"):
        extract_experts(model, texts)


@pytest.mark.parametrize(
    ("permanent", "own", "told"),
    [
        ((1, 2), ((2, 3),), "expert 0 shares neurons with the permanent"),
        ((1, 1), ((),), "permanent expert are not ascending"),
        ((), ((3, 2),), "expert 0 are not ascending"),
        ((), ((0, 8),), "expert 0 are not within 0 to 7"),
        ((-1,), ((),), "permanent expert are not within"),
    ],
)
def test_a_layout_that_is_none_is_refused(permanent: Any, own: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        LayerLayout(8, permanent, own)


def test_damaged_layouts_are_refused() -> None:
    good = layout_of({"a": [{1}], "b": [{2}]}, [4]).to_json()
    for bad in (
        {},
        {**good, "layers": [{"width": 4}]},
        {**good, "layers": 3},
        {**good, "layers": [{"width": 4, "permanent": "x", "own": []}]},
    ):
        with pytest.raises(InputError, match="not a layout"):
            ExpertLayout.from_json(bad)
    with pytest.raises(InputError, match="2 experts for 1 domains"):
        ExpertLayout.from_json({**good, "domains": ["a"]})
    with pytest.raises(InputError, match="different domains"):
        ExpertLayout.from_json({**good, "domains": ["a", "a"]})
