"""Tuning: the preference loss by hand, adapters, resumption, and that it learns its pairs."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from surefoot.core.errors import InputError
from surefoot.models.training.planner import CURVE_NAME, PlannerRecipe, train_planner
from surefoot.models.training.tuning import (
    PreferencePair,
    TuningRecipe,
    answer_logprobs,
    dpo_loss,
    tune,
)

torch.set_num_threads(1)
TINY = PlannerRecipe(hidden=32, layers=1, heads=2, vocabulary=400, batch=8, steps=12, rate=5e-3)
PAIRS = [PreferencePair(f"task {i}\nplan:\n", "stop()\n", "go()\n") for i in range(12)]
SHORT = TuningRecipe("dpo", "lora", steps=30, batch=6, rate=1e-2, rank=4)
RATES = {"lora": 1e-2, "full": 3e-3}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_planner(TINY, tmp_path_factory.mktemp("base"), style="agent")


def load(folder: Path) -> tuple[object, object]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(folder)


def margins(folder: Path) -> torch.Tensor:
    model, tokenizer = load(folder)
    with torch.inference_mode():
        chosen = answer_logprobs(model, tokenizer, [(p.prompt, p.chosen) for p in PAIRS])
        rejected = answer_logprobs(model, tokenizer, [(p.prompt, p.rejected) for p in PAIRS])
    return chosen - rejected


def test_the_loss_is_equation_7_on_numbers_by_hand() -> None:
    chosen, rejected = torch.tensor([-4.0, -6.0]), torch.tensor([-5.0, -3.0])
    before_chosen, before_rejected = torch.tensor([-5.0, -5.0]), torch.tensor([-5.0, -4.0])
    # gains: (1 - 0) = 1 and (-1 - 1) = -2, each times 0.5
    expected = (math.log1p(math.exp(-0.5)) + math.log1p(math.exp(1.0))) / 2
    found = dpo_loss(chosen, rejected, before_chosen, before_rejected, 0.5)
    assert found.item() == pytest.approx(expected, rel=1e-6)
    same = dpo_loss(chosen, rejected, chosen, rejected, 0.1)
    assert same.item() == pytest.approx(math.log(2), rel=1e-6)


def test_the_gradient_pushes_apart_with_the_weight_of_the_paper() -> None:
    """Its size is beta times sigmoid(-beta * gain), the text after equation 7."""
    chosen = torch.tensor([-4.0], requires_grad=True)
    rejected = torch.tensor([-5.0], requires_grad=True)
    dpo_loss(chosen, rejected, torch.tensor([-4.5]), torch.tensor([-4.0]), 0.3).backward()
    gain = (-4.0 + 4.5) - (-5.0 + 4.0)
    weight = 0.3 / (1 + math.exp(0.3 * gain))
    assert chosen.grad is not None
    assert rejected.grad is not None
    assert chosen.grad.item() == pytest.approx(-weight, rel=1e-6)
    assert rejected.grad.item() == pytest.approx(weight, rel=1e-6)


def test_log_probabilities_are_those_of_single_texts_whatever_the_batch(base: Path) -> None:
    model, tokenizer = load(base)
    texts = [("plan:\n", "stop()\n"), ("a much longer prompt\nplan:\n", "go()\nstop()\ngo()\n")]
    with torch.inference_mode():
        found = answer_logprobs(model, tokenizer, texts)
        for i, (prompt, answer) in enumerate(texts):
            head = tokenizer(prompt)["input_ids"]
            tail = [*tokenizer(answer)["input_ids"], tokenizer.eos_token_id]
            logits = model(input_ids=torch.tensor([head + tail])).logits[0]
            told = torch.log_softmax(logits, -1)
            by_hand = sum(told[len(head) - 1 + j, t] for j, t in enumerate(tail))
            assert found[i].item() == pytest.approx(by_hand.item(), abs=1e-4)


@pytest.mark.parametrize("adapter", ["lora", "full"])
@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_a_short_run_improves_on_its_pairs(
    base: Path, tmp_path: Path, method: str, adapter: str
) -> None:
    recipe = replace(SHORT, method=method, adapter=adapter, rate=RATES[adapter])
    folder = tune(base, PAIRS, recipe, tmp_path)
    assert folder is not None
    before, after = margins(base), margins(folder)
    if method == "dpo":
        assert (after > before + 1).all()
    # the curve has a point every 25 steps
    losses = [json.loads(line)["loss"] for line in (tmp_path / CURVE_NAME).open()]
    assert losses[-1] < losses[0]
    model, tokenizer = load(folder)
    first, _ = load(base)
    texts = [(p.prompt, p.chosen) for p in PAIRS]
    with torch.inference_mode():
        gained = answer_logprobs(model, tokenizer, texts) - answer_logprobs(first, tokenizer, texts)
    assert gained.min() > 1  # also with preferences: the anchor keeps it up
    assert [p.name for p in folder.iterdir() if "adapter" in p.name] == []
    shapes = {n: p.shape for n, p in model.named_parameters()}
    assert shapes == {n: p.shape for n, p in first.named_parameters()}
    assert json.loads((folder / "surefoot.json").read_text())["prompt_style"] == "agent"


def test_adapters_start_as_the_model_itself(base: Path) -> None:
    from surefoot.models.training import tuning

    model, tokenizer = load(base)
    texts = [(p.prompt, p.chosen) for p in PAIRS]
    with torch.inference_mode():
        plain = answer_logprobs(model, tokenizer, texts)
    adapted = tuning.adapted(model, SHORT)
    learned = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    width, inner, rank = 32, 96, SHORT.rank
    assert learned == 4 * rank * 2 * width + 3 * rank * (width + inner)
    with torch.inference_mode():
        assert torch.equal(answer_logprobs(adapted, tokenizer, texts), plain)


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    base: Path, tmp_path: Path, method: str
) -> None:
    recipe = replace(SHORT, method=method, steps=8)
    tune(base, PAIRS, recipe, tmp_path / "whole")
    calls = 1
    while tune(base, PAIRS, recipe, tmp_path / "parts", minutes=1e-9) is None:
        calls += 1
    assert calls == 8
    one, _ = load(tmp_path / "whole" / "model")
    two, _ = load(tmp_path / "parts" / "model")
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    with pytest.raises(InputError, match="another tuning"):
        tune(base, PAIRS[1:], recipe, tmp_path / "parts")


def test_what_cannot_be_tuned_on_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to tune on"):
        tune(base, [], SHORT, tmp_path)
    with pytest.raises(InputError, match="rejected answer"):
        tune(base, [PreferencePair("a", "b")], SHORT, tmp_path)
