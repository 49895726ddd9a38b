"""The walk through a model: what it computes, whatever the architecture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from surefoot.sparsity.engine.calibration import arguments_of, loss_of, mask_of
from surefoot.sparsity.engine.run import compress
from surefoot.sparsity.export.loading import load_compressed
from surefoot.sparsity.pruning.methods import prune
from surefoot.sparsity.recipe import CompressionRecipe
from surefoot.sparsity.report.summary import read_report
from surefoot.sparsity.statistics import InputStatistics
from tests.sparsity import tiny

torch.set_num_threads(1)

WANDA = {"stage": "sparsify", "method": "wanda", "pattern": 0.5}
SMALL = {"samples": 16, "held_out": 8, "batch": 4, "minimum_tokens": 8}


def recipe(*stages: dict[str, Any], **more: Any) -> CompressionRecipe:
    return CompressionRecipe.model_validate({"stages": stages, "calibration": SMALL, **more})


def loss(model: Any, batches: Any) -> float:
    total, count = 0.0, 0
    with torch.inference_mode():
        for batch in batches:
            more, tokens = loss_of(model(**arguments_of(batch)).logits, batch)
            total, count = total + more, count + tokens
    return total / count


def dense(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.mark.parametrize("kind", ["llama", "tied", "gpt2", "gpt-neox", "gemma3", "mixtral"])
def test_the_losses_are_those_of_the_whole_models(kind: str, tmp_path: Path) -> None:
    source = tiny.make(kind, tmp_path / "model")
    data = tiny.calibration(even=kind == "mixtral")
    out = compress(source, recipe(WANDA), tmp_path / "out", texts=data)
    report = read_report(out)
    assert report["losses"]["before"] == pytest.approx(loss(dense(source), data.held_out), rel=1e-5)
    assert report["losses"]["after"] == pytest.approx(
        loss(load_compressed(out), data.held_out), rel=1e-5
    )
    assert report["losses"]["after"] != report["losses"]["before"]
    assert report["totals"]["sparsity"] == pytest.approx(0.5, abs=1e-9)


def test_a_block_sees_what_its_compressed_predecessors_give(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    data = tiny.calibration()
    assert not all(bool(mask_of(batch).all()) for batch in data.batches)
    out = compress(source, recipe(WANDA), tmp_path / "out", texts=data)
    model = dense(source)
    seen: list[torch.Tensor] = []
    for block in model.model.layers:
        found: dict[str, InputStatistics] = {}
        handles = []
        for name, module in block.named_modules():
            if isinstance(module, nn.Linear):
                found[name] = InputStatistics(module.in_features, name=name)
                handles.append(
                    module.register_forward_pre_hook(
                        lambda m, args, s=found[name]: s.update(args[0], seen[-1])
                    )
                )
        with torch.inference_mode():
            for batch in data.batches:
                seen.append(mask_of(batch))
                model(**arguments_of(batch))
        for handle in handles:
            handle.remove()
        for name, statistics in found.items():
            module = block.get_submodule(name)
            module.weight.data = prune(module.weight.data, statistics, "wanda", 0.5).weight
    compressed = load_compressed(out)
    for name, value in model.state_dict().items():
        ours = compressed.state_dict()[name]
        assert bool(((ours != 0) == (value != 0)).all()), name
        torch.testing.assert_close(ours, value)


def test_the_source_and_what_is_no_target_stay_as_they_were(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    before = {p.name: p.read_bytes() for p in source.iterdir()}
    out = compress(
        source,
        recipe(WANDA, ignore=["lm_head", "embed", "o_proj"], target="layers"),
        tmp_path / "out",
        texts=tiny.calibration(),
    )
    assert {p.name: p.read_bytes() for p in source.iterdir()} == before
    old, new = dense(source).state_dict(), load_compressed(out).state_dict()
    changed = {name for name in old if not torch.equal(old[name], new[name])}
    assert len(changed) == 3 * 6
    assert not [name for name in changed if "o_proj" in name or "layers" not in name]


@pytest.mark.parametrize(
    ("method", "pattern"), [("magnitude", 0.3), ("sparsegpt", 0.6), ("sparsegpt", "2:4")]
)
def test_methods_and_patterns(method: str, pattern: float | str, tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    stage = {"stage": "sparsify", "method": method, "pattern": pattern}
    out = compress(source, recipe(stage), tmp_path / "out", texts=tiny.calibration())
    report = read_report(out)
    wanted = 0.5 if pattern == "2:4" else pattern
    assert report["totals"]["sparsity"] == pytest.approx(wanted, abs=2e-3)
    for layer in report["layers"]:
        assert layer["pattern_holds"] is (True if pattern == "2:4" else None)
        assert (layer["damping"] is not None) == (method == "sparsegpt")
        assert 0 < layer["error"] < 1
        assert layer["tokens"] == tiny.calibration().tokens


@pytest.mark.parametrize("by", ["alpha", "owl"])
def test_allocations_meet_the_budget_and_differ_from_uniform(by: str, tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    stages = [{"stage": "allocate", "method": by}, WANDA]
    out = compress(source, recipe(*stages), tmp_path / "out", texts=tiny.calibration())
    report = read_report(out)
    assert report["totals"]["sparsity"] == pytest.approx(0.5, abs=1e-3)
    assert len({round(layer["requested"], 6) for layer in report["layers"]}) > 1
    assert (report["layers"][0]["alpha"] is not None) == (by == "alpha")
    stages[0] = {**stages[0], "shuffled": True}
    other = compress(source, recipe(*stages, seed=2), tmp_path / "dealt", texts=tiny.calibration())
    dealt = [layer["requested"] for layer in read_report(other)["layers"]]
    asked = [layer["requested"] for layer in report["layers"]]
    assert sorted(dealt) == pytest.approx(sorted(asked), abs=1e-6)
    assert dealt != pytest.approx(asked)


def test_sparsities_from_a_file(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    first = compress(source, recipe(WANDA), tmp_path / "first", texts=tiny.calibration())
    names = [layer["name"] for layer in read_report(first)["layers"]]
    path = tmp_path / "ratios.json"
    path.write_text(
        "{" + ", ".join(f'"{n}": {0.25 if "q_proj" in n else 0.75}' for n in names) + "}"
    )
    stages = [{"stage": "allocate", "method": "file", "file": str(path)}, WANDA]
    out = compress(source, recipe(*stages), tmp_path / "out", texts=tiny.calibration())
    for layer in read_report(out)["layers"]:
        wanted = 0.25 if "q_proj" in layer["name"] else 0.75
        assert layer["sparsity"] == pytest.approx(wanted, abs=1e-3)


def test_without_texts_magnitude_still_works_and_says_no_loss(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    stage = {"stage": "sparsify", "method": "magnitude", "pattern": 0.5}
    report = read_report(compress(source, recipe(stage), tmp_path / "out"))
    assert report["losses"] == {}
    assert report["calibration"] is None
    assert report["layers"][0]["error"] is None
    assert report["layers"][0]["weight_error"] > 0


@pytest.mark.parametrize("method", ["full", "galore"])
def test_recovery_wins_loss_back_and_keeps_the_zeros(method: str, tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    train = {"stage": "recover", "method": method, "steps": 12, "rate": 3e-3, "rank": 4}
    stages = [{**WANDA, "pattern": "2:4"}, train, {"stage": "quantize", "bits": 8, "group": 16}]
    out = compress(source, recipe(*stages), tmp_path / "out", texts=tiny.calibration())
    report = read_report(out)
    losses = report["losses"]
    first, last = report["recovery"]["losses"]
    assert last < first
    assert losses["rounded"] == pytest.approx(losses["recovered"], abs=0.05)
    assert report["totals"]["sparsity"] >= 0.5 - 1e-9
    assert all(layer["pattern_holds"] for layer in report["layers"])
    assert loss(load_compressed(out), tiny.calibration().held_out) == pytest.approx(
        losses["rounded"], rel=1e-4
    )
