"""Depth pruning: what is left computes what the whole model does without the blocks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from surefoot.core.errors import InputError
from surefoot.sparsity.engine.calibration import Calibration, arguments_of, mask_of
from surefoot.sparsity.engine.checkpoint import Checkpoint
from surefoot.sparsity.engine.run import compress
from surefoot.sparsity.engine.state import WORK
from surefoot.sparsity.export.loading import load_compressed
from surefoot.sparsity.recipe import CompressionRecipe
from surefoot.sparsity.report.summary import read_report
from tests.sparsity import tiny
from tests.sparsity.test_engine import dense, loss, recipe

torch.set_num_threads(1)

ONE = {"stage": "drop", "blocks": 1}


def without(model: Any, kept: list[int]) -> Any:
    """Leaves blocks of a model in memory out."""
    core = model.get_decoder() if hasattr(model, "get_decoder") else model.base_model
    name = next(n for n, m in core.named_children() if isinstance(m, nn.ModuleList))
    blocks = getattr(core, name)
    setattr(core, name, nn.ModuleList(blocks[i] for i in kept))
    core.config.num_hidden_layers = len(kept)
    model.config.use_cache = core.config.use_cache = False
    return model


@pytest.mark.parametrize("kind", ["llama", "tied", "gpt2", "gpt-neox", "mixtral"])
@pytest.mark.parametrize("method", ["influence", "loss"])
def test_the_rest_computes_what_the_model_does_without_the_block(
    kind: str, method: str, tmp_path: Path
) -> None:
    source = tiny.make(kind, tmp_path / "model")
    data = tiny.calibration(even=kind == "mixtral")
    out = compress(source, recipe({**ONE, "method": method}), tmp_path / "out", texts=data)
    report = read_report(out)
    gone = report["shortened"]["dropped"]
    count = report["shortened"]["blocks"]
    assert len(gone) == 1
    kept = [i for i in range(count) if i not in gone]
    whole = loss(dense(source), data.held_out)
    rest = loss(without(dense(source), kept), data.held_out)
    assert report["losses"]["before"] == pytest.approx(whole, rel=1e-5)
    assert report["losses"]["shortened"] == pytest.approx(rest, rel=1e-5)
    assert report["losses"]["after"] == pytest.approx(rest, rel=1e-5)
    found = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()
    assert loss(found, data.held_out) == pytest.approx(rest, rel=1e-5)
    totals = report["totals"]
    assert (
        totals["parameters_before"] - totals["parameters_after"]
        == (report["shortened"]["parameters"])
    )
    files = Checkpoint(out)
    assert totals["parameters_after"] == sum(files.tensor(key).numel() for key in files.keys)


def test_influence_is_the_turn_of_what_goes_through_a_block(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    data = tiny.calibration()
    report = read_report(compress(source, recipe(ONE), tmp_path / "out", texts=data))
    model = dense(source)
    turns, tokens = torch.zeros(len(model.model.layers)), 0
    for batch in data.batches:
        with torch.inference_mode():
            states = _states(model, batch)
        mask = mask_of(batch)
        tokens += int(mask.sum())
        for i, (before, after) in enumerate(states):
            turns[i] += (1 - torch.cosine_similarity(before, after, dim=-1)[mask]).sum()
    wanted = (turns / tokens).tolist()
    assert report["shortened"]["scores"] == pytest.approx(wanted, rel=1e-4)
    assert report["shortened"]["dropped"] == [wanted.index(min(wanted))]


def _states(model: Any, batch: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    found = []
    hooks = [
        block.register_forward_hook(
            lambda _, inputs, out: found.append(
                (inputs[0], out[0] if isinstance(out, tuple) else out)
            )
        )
        for block in model.model.layers
    ]
    model(**arguments_of(batch))
    for hook in hooks:
        hook.remove()
    return found


def test_by_loss_the_block_that_costs_least_goes(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    data = tiny.calibration()
    out = compress(source, recipe({**ONE, "method": "loss"}), tmp_path / "out", texts=data)
    done = read_report(out)["shortened"]
    losses = []
    for index in range(done["blocks"]):
        kept = [i for i in range(done["blocks"]) if i != index]
        losses.append(loss(without(dense(source), kept), data.batches))
    assert done["scores"] == pytest.approx(losses, rel=1e-5)
    assert done["dropped"] == [losses.index(min(losses))]


def test_other_stages_and_recovery_work_on_what_is_left(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    data = tiny.calibration()
    wanted = recipe(
        ONE,
        {"stage": "sparsify", "method": "wanda", "pattern": 0.5},
        {"stage": "recover", "steps": 20, "rate": 1e-2},
    )
    out = compress(source, wanted, tmp_path / "out", texts=data)
    report = read_report(out)
    assert report["totals"]["sparsity"] == pytest.approx(0.5, abs=1e-9)
    assert report["losses"]["recovered"] < report["losses"]["after"]
    assert {r["block"] for r in report["layers"]} == set(range(report["shortened"]["blocks"] - 1))
    assert loss(load_compressed(out), data.held_out) == pytest.approx(
        report["losses"]["recovered"], rel=1e-4
    )


def test_an_interrupted_one_goes_on_with_the_same_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tiny.make("llama", tmp_path / "model")
    data = tiny.calibration()
    wanted = recipe({**ONE, "method": "loss"}, {"stage": "sparsify", "pattern": 0.5})
    whole = compress(source, wanted, tmp_path / "whole", texts=data)

    def stop(done: int, total: int, part: str = "") -> None:
        if part == "blocks":
            raise KeyboardInterrupt

    tried: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        compress(source, wanted, tmp_path / "out", texts=data, progress=stop)
    assert (tmp_path / "out" / WORK / "shortened" / "config.json").is_file()
    out = compress(
        source,
        wanted,
        tmp_path / "out",
        texts=data,
        progress=lambda done, total, part="": tried.append(part),
    )
    assert "blocks tried" not in tried
    first, second = Checkpoint(whole), Checkpoint(out)
    assert first.keys == second.keys
    assert all(torch.equal(first.tensor(k), second.tensor(k)) for k in first.keys)


def test_layer_types_follow_their_blocks(tmp_path: Path) -> None:
    source = tiny.make("gemma3", tmp_path / "model")
    types = AutoModelForCausalLM.from_pretrained(source).config.layer_types
    data = tiny.calibration()
    out = compress(source, recipe(ONE), tmp_path / "out", texts=data)
    gone = read_report(out)["shortened"]["dropped"]
    config = json.loads((out / "config.json").read_text())
    assert config["layer_types"] == [t for i, t in enumerate(types) if i not in gone]


@pytest.mark.parametrize("blocks", [3, 5, 0.9])
def test_some_block_has_to_stay(blocks: float, tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    with pytest.raises(InputError, match="leaves none"):
        compress(
            source, recipe({**ONE, "blocks": blocks}), tmp_path / "out", texts=tiny.calibration()
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("blocks", [0, -1, 1.5])
def test_numbers_of_blocks_that_make_no_sense(blocks: float) -> None:
    with pytest.raises(ValueError, match="a number of blocks"):
        CompressionRecipe.model_validate({"stages": [{**ONE, "blocks": blocks}]})


def test_without_texts_it_says_so(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    with pytest.raises(InputError, match="--calibration"):
        compress(source, recipe(ONE), tmp_path / "out")
    with pytest.raises(InputError, match="calibration texts"):
        compress(source, recipe(ONE), tmp_path / "out", texts=Calibration(()))
