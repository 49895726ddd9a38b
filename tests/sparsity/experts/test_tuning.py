"""Router and experts learn, in the order that was written down, and go on where they stopped."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.experts.extraction import extract_experts
from surefoot.sparsity.experts.layout import layout_of
from surefoot.sparsity.experts.measuring import (
    Teacher,
    dense_loss,
    measure_quality,
    own_masks,
    traces_of,
)
from surefoot.sparsity.experts.model import ReadMeForCausalLM, refactor
from surefoot.sparsity.experts.tuning import STATE_NAME, TextStream, TuneSettings, tune
from tests.sparsity.experts.dense import DOMAINS, dense_model, domain_batches, domain_tokens

torch.set_num_threads(1)

TEXTS = [text for i in range(len(DOMAINS)) for text in domain_tokens(i, 40)]
HELD = tuple(b for part in domain_batches(8, seed=1).values() for b in part)
QUICK = TuneSettings(
    rounds=3,
    router_steps=12,
    expert_steps=12,
    router_batch=8,
    expert_batch=8,
    router_rate=5e-3,
    expert_rate=5e-3,
)


def made(seed: int = 0) -> tuple[Any, ReadMeForCausalLM]:
    dense = dense_model(dtype=torch.float32)
    return dense, refactor(dense, extract_experts(dense, domain_batches()), seed=seed)


@pytest.mark.parametrize("loss", ["eq4", "released"])
def test_tuning_lowers_the_loss_and_the_router_learns(loss: str) -> None:
    dense, model = made()
    teacher = Teacher(dense, own_masks(model), loss)  # type: ignore[arg-type]
    before = measure_quality(model, HELD, teacher)
    assert before.agreement is not None
    calls: list[tuple[int, int]] = []
    rounds = tune(
        model,
        dense,
        TEXTS,
        QUICK.model_copy(update={"loss": loss}),
        held=HELD,
        progress=lambda done, total, part="": calls.append((done, total)),
    )
    after = measure_quality(model, HELD, teacher)
    assert after.agreement is not None
    assert after.loss < before.loss - 0.5
    assert after.loss < dense_loss(dense, HELD)
    assert after.agreement > before.agreement + 0.1
    assert rounds[-1].held == after.loss
    assert rounds[-1].router is not None
    assert rounds[0].router is not None
    assert rounds[-1].router < rounds[0].router
    assert calls == [(i + 1, 72) for i in range(72)]
    assert sum(after.shares) == pytest.approx(1)
    assert after.tokens == 24 * 16


def test_the_same_seed_gives_the_same_model_and_going_on_gives_it_too(tmp_path: Path) -> None:
    dense, model = made()
    whole = tune(model, dense, TEXTS, QUICK)

    class StoppedError(Exception):
        pass

    def stop(done: int, total: int, part: str = "") -> None:
        if done == 40:  # in the second round
            raise StoppedError

    _, other = made()
    with pytest.raises(StoppedError):
        tune(other, dense, TEXTS, QUICK, folder=tmp_path, progress=stop)
    _, again = made()
    calls: list[int] = []
    rounds = tune(
        again,
        dense,
        TEXTS,
        QUICK,
        folder=tmp_path,
        progress=lambda done, total, part="": calls.append(done),
    )
    assert calls[0] == 25
    assert rounds == whole
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    _, third = made()
    seeded = QUICK.model_copy(update={"seed": 5})
    with pytest.raises(InputError, match="another tuning lies here"):
        tune(third, dense, TEXTS, seeded, folder=tmp_path)
    (tmp_path / STATE_NAME).write_bytes(b"nonsense")
    with pytest.raises(InputError, match="not a checkpoint of a tuning"):
        tune(third, dense, TEXTS, QUICK, folder=tmp_path)


def test_only_the_part_whose_turn_it_is_learns() -> None:
    def changed(update: dict[str, Any]) -> set[str]:
        dense, model = made()
        before = {k: v.clone() for k, v in model.state_dict().items()}
        tune(model, dense, TEXTS, QUICK.model_copy(update={"rounds": 1, **update}))
        return {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}

    router = changed({"expert_steps": 0})
    assert router
    assert all(name.startswith("router.") for name in router)
    experts = changed({"router_steps": 0})
    assert all(".permanent." in name or ".experts." in name for name in experts)
    assert any(".permanent." in name for name in experts)
    everything = changed({"router_steps": 0, "train": "all"})
    assert not any(".rest." in name or name.startswith("router.") for name in everything)
    assert any("q_proj" in name for name in everything)


def test_rates_fall_within_a_round_and_from_round_to_round() -> None:
    settings = TuneSettings()
    assert settings.rate_factor(0, 100, 0) == 1
    assert settings.rate_factor(50, 100, 0) == pytest.approx(0.5)
    assert settings.rate_factor(0, 100, 3) == pytest.approx(0.8**3)
    falling = [settings.rate_factor(i, 100, 1) for i in range(100)]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] < 0.001


def test_no_batch_comes_again_before_all_have_come() -> None:
    texts = [([i, i + 1], 0) for i in range(1, 13)]
    feed = TextStream(texts, 0, seed=3)
    firsts = [int(b["input_ids"][j, 0]) for b in feed.batches(0, 6, 4) for j in range(4)]
    assert sorted(firsts[:12]) == sorted(firsts[12:]) == list(range(1, 13))
    assert firsts[:12] != firsts[12:]
    later = [int(b["input_ids"][j, 0]) for b in feed.batches(8, 2, 4) for j in range(4)]
    assert later == firsts[8:16]
    with pytest.raises(InputError, match="nothing to train on"):
        TextStream([], 0, seed=3)


def test_one_expert_is_a_narrow_dense_model() -> None:
    dense = dense_model(dtype=torch.float32)
    layout = layout_of({"all": [range(32)] * 3}, [64] * 3)
    model = refactor(dense, layout)
    before = measure_quality(model, HELD).loss
    rounds = tune(model, dense, TEXTS, QUICK, held=HELD)
    assert rounds[-1].router is None
    assert rounds[-1].held is not None
    assert rounds[-1].held < before


def test_traces_are_what_the_router_chose() -> None:
    dense, model = made()
    tune(model, dense, TEXTS, QUICK.model_copy(update={"expert_steps": 0}))
    traces = traces_of(model, TEXTS[:5])
    assert [len(t) for t in traces] == [16] * 5
    ids = torch.tensor([TEXTS[4][0]])
    assert traces[4] == model.route(ids)[0].tolist()
    same = sum(a == b for t in traces for a, b in pairwise(t))
    batch = {"input_ids": torch.tensor([list(ids) for ids, _ in TEXTS[:5]])}
    assert measure_quality(model, [batch]).repeats == pytest.approx(same / 75)


def test_a_loss_that_is_not_finite_is_told() -> None:
    dense, model = made()
    model.backbone.model.norm.weight.data[0] = float("nan")
    with pytest.raises(InputError, match="the loss is not finite"):
        tune(model, dense, TEXTS, QUICK)
