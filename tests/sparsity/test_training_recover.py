"""Recovery of small models: every method learns, stops and goes on, and keeps what it must."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from surefoot.core.errors import InputError
from surefoot.sparsity.training.methods import linear_targets, prepare
from surefoot.sparsity.training.recover import CURVE_NAME, STATE_NAME, recover
from surefoot.sparsity.training.settings import Method, RecoverSettings

torch.set_num_threads(1)
Batches = list[Mapping[str, torch.Tensor]]
METHODS: dict[Method, dict[str, Any]] = {
    "full": {},
    "adamw8bit": {},
    "galore": {"rank": 8, "rate": 2e-2},
    "qgalore": {"rank": 8, "rate": 2e-2},
    "lora": {"rank": 4, "rate": 2e-2},
    "qlora": {"rank": 4, "rate": 2e-2},
    "n-lrc": {},
    "lrc": {},
}


class FactoredLinear(nn.Module):
    """A factored layer as the low-rank part makes them."""

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        left, values, right = torch.linalg.svd(linear.weight.detach(), full_matrices=False)
        self.U = nn.Parameter(left[:, :rank] * values[:rank].sqrt())
        self.V = nn.Parameter(values[:rank, None].sqrt() * right[:rank])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.V.T @ self.U.T


def model(factored: bool = False, dropout: float = 0.0) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=32,
        intermediate_size=80,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=32,
        tie_word_embeddings=True,
        attention_dropout=dropout,
    )
    made = LlamaForCausalLM(config)
    if factored:
        for layer in made.model.layers:
            layer.mlp.up_proj = FactoredLinear(layer.mlp.up_proj, 8)
    return made


def batches(count: int, rows: int = 8) -> Batches:
    """Arithmetic sequences modulo 32, with a few labels left out."""
    generator = torch.Generator().manual_seed(1)
    made: Batches = []
    for i in range(count):
        start = torch.randint(0, 32, (rows, 1), generator=generator)
        step = torch.randint(1, 4, (rows, 1), generator=generator)
        tokens = (start + step * torch.arange(12)) % 32
        labels = tokens.clone()
        labels[:, : 2 + i % 3] = -100
        made.append({"input_ids": tokens, "labels": labels})
    return made


DATA, HELD = batches(6), batches(8)[6:]


def settings(method: Method, **more: Any) -> RecoverSettings:
    given = {"steps": 40, "rate": 1e-2, "interval": 5, "save_every": 4} | METHODS[method] | more
    return RecoverSettings(method=method, **given)


def state(of: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in of.state_dict().items()}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_lowers_the_loss_and_gives_an_ordinary_model_back(method: Method) -> None:
    made = model(factored=method in ("lrc", "n-lrc")).eval()
    before = state(made)
    report = recover(made, DATA, settings(method), held=HELD)
    assert report.steps == len(report.losses) == 40
    assert report.held_before is not None
    assert report.held_after is not None
    assert report.held_after < report.held_before - 0.1
    after = state(made)
    assert after.keys() == before.keys()
    assert {v.dtype for v in after.values()} == {torch.float32}
    changed = {n for n in after if not torch.equal(after[n], before[n])}
    if method == "lrc":
        assert changed == {n for n in after if n.endswith((".U", ".V"))}
        assert report.trainable == sum(after[n].numel() for n in changed)
    elif method == "n-lrc":
        assert changed == {n for n in after if "_proj.weight" in n}
    elif method in ("lora", "qlora"):
        assert changed == {n for n in after if "_proj" in n}
        assert report.trainable == sum(4 * sum(after[n].shape) for n in changed)
    else:
        assert changed == set(after)
    assert report.memory is not None
    assert report.memory.states > 0
    assert (report.looks > 0) == ("galore" in method)
    assert not any(m.training for m in made.modules())
    assert all(p.requires_grad for p in made.parameters())
    assert json.loads(json.dumps(report.to_json()))["method"] == method


def test_which_layers_are_factored_can_be_told() -> None:
    made = model(factored=True)
    before = state(made)
    recover(
        made,
        DATA,
        settings("lrc", steps=2),
        factored=lambda name, _: name.endswith("1.mlp.up_proj"),
    )
    changed = {n for n, v in state(made).items() if not torch.equal(v, before[n])}
    assert changed == {f"model.layers.1.mlp.up_proj.{factor}" for factor in "UV"}


@pytest.mark.parametrize("method", ["full", "lora", "qlora", "qgalore", "adamw8bit"])
def test_an_interrupted_recovery_ends_as_an_uninterrupted_one(
    method: Method, tmp_path: Path
) -> None:
    given = settings(method, steps=11, accumulate=2)
    whole = model(dropout=0.2)
    wanted = recover(whole, DATA, given, held=HELD)

    def stop(step: int, steps: int, part: str = "") -> None:
        if step == 6:
            raise KeyboardInterrupt

    cut = model(dropout=0.2)
    with pytest.raises(KeyboardInterrupt):
        recover(cut, DATA, given, held=HELD, folder=tmp_path, progress=stop)
    resumed, steps = model(dropout=0.2), list[int]()
    report = recover(
        resumed,
        DATA,
        given,
        held=HELD,
        folder=tmp_path,
        progress=lambda done, total, part="": steps.append(done),
    )
    assert steps == list(range(5, 12))  # goes on behind the checkpoint of step 4
    assert report.losses == wanted.losses
    assert (report.held_before, report.held_after) == (wanted.held_before, wanted.held_after)
    for a, b in zip(state(whole).values(), state(resumed).values(), strict=True):
        assert torch.equal(a, b)
    assert len((tmp_path / CURVE_NAME).read_text().splitlines()) == 11
    again = recover(model(dropout=0.2), DATA, given, held=HELD, folder=tmp_path)
    assert again.losses == wanted.losses
    assert again.held_after == wanted.held_after


def test_four_micro_batches_are_one_large_batch() -> None:
    parts = batches(4)
    whole = [{k: torch.cat([p[k] for p in parts]) for k in parts[0]}]
    after = []
    for data, number in ((parts, 4), (whole, 1)):
        made = model()
        given = settings("galore", steps=4, accumulate=number, clip=0.5)
        report = recover(made, data, given)
        after.append((torch.tensor(report.losses), state(made)))
    assert torch.allclose(after[0][0], after[1][0], atol=1e-4)
    for name, value in after[0][1].items():
        assert torch.allclose(value, after[1][1][name], atol=2e-4), name


def test_the_rate_rises_and_falls_as_a_cosine() -> None:
    given = settings("full", steps=100, warmup=0.1, final=0.1)
    shares = [given.rate_factor(i) for i in range(100)]
    assert shares[:10] == pytest.approx([0.1 * (i + 1) for i in range(10)])
    assert max(shares) == shares[10] == 1.0
    assert shares[55] == pytest.approx(0.55)
    assert shares[10:] == sorted(shares[10:], reverse=True)
    assert shares[-1] == pytest.approx(0.1, abs=0.01)


def test_equal_budgets_give_nearly_equal_trainable_parameters() -> None:
    budget = 4000
    found = {}
    for method in ("lora", "n-lrc", "full"):
        rank = {"rank": None} if method == "lora" else {}
        ready = prepare(model(), settings(method, budget=budget, **rank))  # type: ignore[arg-type]
        found[method] = ready.parameters
        assert budget * 0.5 < ready.parameters <= budget
    assert found["full"] == found["n-lrc"]


def pruned(share: float) -> LlamaForCausalLM:
    made = model()
    for layer in made.model.layers:
        weight = layer.mlp.up_proj.weight.data
        weight[torch.rand(weight.shape) < share] = 0.0
    return made


@pytest.mark.parametrize("method", ["full", "adamw8bit", "galore", "n-lrc"])
def test_zeros_of_pruned_layers_stay(method: Method) -> None:
    made = pruned(0.5)
    zeros = {n: v == 0 for n, v in state(made).items() if "up_proj" in n}
    recover(made, DATA, settings(method, steps=5))
    for name, before in zeros.items():
        assert torch.equal(state(made)[name] == 0, before)
    free = pruned(0.5)
    recover(free, DATA, settings(method, steps=5, keep_zeros=False))
    assert not any(bool((state(free)[n] == 0).any()) for n in zeros)


@pytest.mark.parametrize("method", ["lora", "qlora", "qgalore"])
def test_methods_that_would_fill_zeros_say_so(method: Method) -> None:
    with pytest.raises(InputError, match=r"up_proj\.weight is pruned.*keep_zeros"):
        recover(pruned(0.5), DATA, settings(method))
    recover(pruned(0.5), DATA, settings(method, steps=1, keep_zeros=False))
    recover(pruned(0.5), DATA, settings(method, steps=1, target="q_proj"))


def test_what_cannot_be_done_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to train on"):
        recover(model(), [], settings("full"))
    with pytest.raises(InputError, match="the model has none"):
        recover(model(), DATA, settings("lrc"))
    with pytest.raises(InputError, match="no linear layer of the model matches target 'convo'"):
        recover(model(), DATA, settings("galore", target="convo"))
    with pytest.raises(InputError, match="the budget is 5"):
        recover(model(), DATA, settings("n-lrc", budget=5))
    with pytest.raises(InputError, match=r"rank 17 is more than \S+k_proj \[16, 32\]"):
        recover(model(), DATA, settings("lora", rank=17))
    with pytest.raises(InputError, match="float16 is too narrow"):
        recover(model().half(), DATA, settings("full"))
    spoilt = model()
    spoilt.model.layers[0].mlp.up_proj.weight.data[0, 0] = float("inf")
    with pytest.raises(InputError, match=r"layers\.0\.mlp\.up_proj: values that are not finite"):
        recover(spoilt, DATA, settings("qgalore"))
    shared = model()
    shared.model.layers[1].mlp.up_proj = shared.model.layers[0].mlp.up_proj
    with pytest.raises(InputError, match="shares its weight with"):
        recover(shared, DATA, settings("qgalore"))
    broken = model()
    broken.model.norm.weight.data[0] = float("nan")
    with pytest.raises(InputError, match="loss is not finite at step 1"):
        recover(broken, DATA, settings("full"))
    recover(model(), DATA, settings("full", steps=4), folder=tmp_path)
    with pytest.raises(InputError, match="another training lies here"):
        recover(model(), DATA, settings("full", steps=8), folder=tmp_path)
    (tmp_path / STATE_NAME).write_bytes(b"torn")
    with pytest.raises(InputError, match="not a checkpoint"):
        recover(model(), DATA, settings("full", steps=4), folder=tmp_path)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"method": "qgalore", "rank": 4, "fused_backward": True}, "excludes gradient accum"),
        ({"method": "full", "fused_backward": True}, "needs adamw8bit, galore or qgalore"),
        ({"method": "galore"}, "galore needs a rank"),
        ({"method": "lora"}, "either a rank or a budget"),
        ({"method": "lora", "rank": 2, "budget": 100}, "either a rank or a budget"),
        ({"method": "lrc", "budget": 100}, "a budget goes with"),
        ({"method": "full", "clipping": 1.0}, "Extra inputs are not permitted"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        RecoverSettings(**given)


def test_a_fused_backward_pass_learns_alike_and_holds_no_gradients() -> None:
    reports = [
        recover(model(), DATA, settings("qgalore", steps=8, clip=None, fused_backward=fused))
        for fused in (True, False)
    ]
    assert reports[0].losses == reports[1].losses
    assert [r.memory.gradients == 0 for r in reports if r.memory] == [True, False]


def test_heads_and_embeddings_are_no_targets_and_the_order_of_the_seed_counts() -> None:
    names = linear_targets(model(), settings("qgalore"))
    assert len(names) == 14
    assert all("_proj" in name for name in names)
    first = recover(copy.deepcopy(model()), DATA, settings("full", steps=3))
    second = recover(model(), DATA, settings("full", steps=3))
    other = recover(model(), DATA, settings("full", steps=3, seed=1))
    assert first.losses == second.losses != other.losses


def test_the_random_numbers_of_the_caller_go_on_as_if_nothing_had_happened() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    made = model(dropout=0.5)
    torch.manual_seed(5)
    recover(made, DATA, settings("full", steps=2))
    assert torch.equal(torch.rand(3), wanted)
