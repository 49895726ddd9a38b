"""What a compression refuses, in one line and with nothing left behind; experts; resuming."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from surefoot.core.errors import InputError
from surefoot.sparsity.engine.calibration import Calibration, calibrate_with
from surefoot.sparsity.engine.checkpoint import Checkpoint
from surefoot.sparsity.engine.run import compress
from surefoot.sparsity.engine.skeleton import Skeleton
from surefoot.sparsity.engine.targets import find_targets
from surefoot.sparsity.recipe import CompressionRecipe
from surefoot.sparsity.report.summary import read_report
from tests.sparsity import tiny
from tests.sparsity.routed import EXPERTS, TOP, make_routed
from tests.sparsity.test_engine import WANDA, recipe

torch.set_num_threads(1)

ROUND = {"stage": "quantize", "bits": 4, "group": 16}
FACTOR = {"stage": "factorize", "method": "svd", "reduction": 0.3}


def refused(source: Path, wanted: CompressionRecipe, out: Path, texts: Any = None) -> str:
    before = {p.name: p.read_bytes() for p in source.iterdir()}
    with pytest.raises(InputError) as caught:
        compress(source, wanted, out, texts=texts)
    assert {p.name: p.read_bytes() for p in source.iterdir()} == before
    assert not out.exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("stages", "more", "why"),
    [
        ([WANDA], {"target": "no_such"}, "no linear layer of the 3 blocks fits"),
        ([WANDA], {"ignore": []}, "tied with"),
        ([{**WANDA, "pattern": "3:7"}], {}, "cannot be cut into groups of 7"),
        ([{**ROUND, "group": 24}], {}, "cannot be cut into groups of 24"),
        ([{**FACTOR, "reduction": 0.999}], {}, "cannot be saved"),
        ([{**FACTOR, "budget": "err", "reduction": 0.02}], {}, "makes no matrix smaller"),
        ([{"stage": "allocate", "method": "alpha"}, {**WANDA, "pattern": 0.995}], {}, "be met"),
    ],
)
def test_what_cannot_be_done_leaves_nothing(
    stages: list[dict[str, Any]], more: dict[str, Any], why: str, tmp_path: Path
) -> None:
    source = tiny.make("tied", tmp_path / "model")
    told = refused(source, recipe(*stages, **more), tmp_path / "out", tiny.calibration())
    assert why in told


def test_texts_are_missing(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    assert "needs calibration texts" in refused(source, recipe(WANDA), tmp_path / "out")
    empty = Calibration(())
    assert "there are none" in refused(source, recipe(WANDA), tmp_path / "out", empty)
    assert "no calibration text" in refused(source, recipe(WANDA), tmp_path / "out", [([5], 0)])


def test_places_that_are_taken(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    told = refused(source, recipe(WANDA), source / "inside", tiny.calibration())
    assert "in the model's folder" in told
    with pytest.raises(InputError, match="in the model's folder"):
        compress(source, recipe(WANDA), source, texts=tiny.calibration())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        compress(source, recipe(WANDA), tmp_path / "full", texts=tiny.calibration())
    out = compress(source, recipe(WANDA), tmp_path / "out", texts=tiny.calibration())
    stamp = (out / "compression_report.json").read_bytes()
    compress(source, recipe(WANDA), out, texts=tiny.calibration())
    assert (out / "compression_report.json").read_bytes() == stamp
    with pytest.raises(InputError, match="another compression lies here"):
        compress(source, recipe(WANDA, seed=1), out, texts=tiny.calibration())


def test_models_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no model here" in refused(tmp_path / "empty", recipe(WANDA), tmp_path / "out")
    source = tiny.make("llama", tmp_path / "model")
    out = compress(source, recipe(ROUND), tmp_path / "rounded")
    assert "already quantized" in refused(out, recipe(WANDA), tmp_path / "again")
    (source / "model.safetensors").write_bytes(b"nonsense")
    assert "damaged weights" in refused(source, recipe(WANDA), tmp_path / "out")
    other = tiny.make("llama", tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"intermediate_size": 48}))
    assert "do not fit config.json" in refused(
        other, recipe(WANDA), tmp_path / "out", tiny.calibration()
    )
    t5 = tmp_path / "t5"
    from transformers import T5Config, T5ForConditionalGeneration

    T5ForConditionalGeneration(
        T5Config(vocab_size=40, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    ).save_pretrained(t5)
    assert "encoder-decoder" in refused(t5, recipe(WANDA), tmp_path / "out")


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("model.embed_tokens.weight", float("nan"), "the embeddings"),
        ("model.layers.0.mlp.up_proj.weight", 1e30, "model.layers.0.mlp.down_proj"),
        ("model.layers.0.self_attn.q_proj.weight", float("nan"), "model.layers.0"),
    ],
)
def test_activations_that_are_not_finite(
    key: str, value: float, where: str, tmp_path: Path
) -> None:
    source = tiny.make("llama", tmp_path / "model")
    tensors = load_file(source / "model.safetensors")
    tensors[key][:] = value
    save_file(tensors, source / "model.safetensors", metadata={"format": "pt"})
    data = Calibration(tiny.calibration().batches)
    told = refused(source, recipe(WANDA), tmp_path / "out", data)
    assert where in told
    assert "finite" in told or "NaN" in told


def test_shared_layers(tmp_path: Path) -> None:
    skeleton = Skeleton(Checkpoint(tiny.make("llama", tmp_path / "model")), torch.float32)
    skeleton.blocks[2].mlp = skeleton.blocks[0].mlp
    with pytest.raises(InputError, match="share their weights"):
        find_targets(skeleton, recipe(WANDA))
    left = find_targets(skeleton, recipe(WANDA, ignore=["mlp"]))
    assert {layer.part.split(".")[0] for layer in left.layers} == {"self_attn"}


def test_fused_experts_are_left_and_said_so(tmp_path: Path) -> None:
    source = tiny.make("mixtral", tmp_path / "model")
    told: list[str] = []
    out = compress(
        source,
        recipe(WANDA),
        tmp_path / "out",
        texts=tiny.calibration(even=True),
        note=told.append,
    )
    assert "6 tensors with the matrices of several experts" in told[0]
    assert read_report(out)["notes"] == told
    only = recipe(WANDA, target="experts")
    assert "fused into one tensor" in refused(source, only, tmp_path / "none", tiny.calibration())


def test_models_that_go_through_their_blocks_again_and_again(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, HrmTextConfig

    small = {"hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = HrmTextConfig(
        **small,
        vocab_size=tiny.VOCABULARY,
        num_hidden_layers=2,
        intermediate_size=64,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        max_position_embeddings=64,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "model")
    told = refused(tmp_path / "model", recipe(WANDA), tmp_path / "out", tiny.calibration())
    assert "skip or repeat blocks" in told


def test_experts_have_statistics_of_their_own(tmp_path: Path) -> None:
    source = make_routed(tmp_path / "model")
    wanted = recipe(WANDA)
    out = compress(source, wanted, tmp_path / "out", texts=tiny.texts())
    layers = read_report(out)["layers"]
    assert len(layers) == 2 * EXPERTS * 2
    seen = [x["tokens"] for x in layers if x["block"] == 0 and x["name"].endswith("up")]
    assert sum(seen) == TOP * read_report(out)["calibration"]["tokens"]
    assert len(set(seen)) > 1
    hungry = recipe(WANDA, calibration={"samples": 16, "minimum_tokens": 100_000})
    told = refused(source, hungry, tmp_path / "none", tiny.texts())
    assert "saw" in told
    assert "layers.0.experts" in told
    told = refused(source, wanted, tmp_path / "none", tiny.calibration())
    assert "without padding" in told
    stages = [{"stage": "sparsify", "method": "magnitude", "pattern": 0.5}]
    free = recipe(*stages, calibration={"samples": 16, "minimum_tokens": 100_000})
    compress(source, free, tmp_path / "free", texts=tiny.texts())


def test_it_goes_on_at_the_next_block(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    wanted = recipe({"stage": "allocate", "method": "owl"}, {**WANDA, "method": "sparsegpt"})
    whole = compress(source, wanted, tmp_path / "whole", texts=tiny.calibration())
    out = tmp_path / "out"
    for at in (1, 2, 3):
        done: list[tuple[str, int]] = []

        def stop(number: int, total: int, part: str = "", at: int = at, done: Any = done) -> None:
            done.append((part, number))
            if part == "blocks" and number == at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            compress(source, wanted, out, texts=tiny.calibration(), progress=stop)
        assert done[-1] == ("blocks", at)
        assert (("outliers", 1) in done) == (at == 1)
        assert not (out / "config.json").exists()
        with pytest.raises(InputError, match="another compression lies here"):
            compress(source, recipe(WANDA), out, texts=tiny.calibration())
    compress(source, wanted, out, texts=tiny.calibration())
    assert (out / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    first, second = read_report(whole), read_report(out)
    assert {**first, "created": ""} == {**second, "created": ""}
    assert sorted(p.name for p in out.iterdir()) == sorted(p.name for p in whole.iterdir())


def test_batches_hold_back_some_and_cut_long_texts() -> None:
    found = calibrate_with(
        tiny.texts(30, 40), samples=10, held_out=6, batch=4, length=16, pad=0, seed=3
    )
    rows = [len(b["input_ids"]) for b in found.batches]
    assert sum(rows) == 10
    assert sum(len(b["input_ids"]) for b in found.held_out) == 6
    assert found.tokens == 160
    few = calibrate_with(tiny.texts(4), samples=10, held_out=6, batch=4, length=16)
    assert sum(len(b["input_ids"]) for b in few.batches) == 3
    assert sum(len(b["input_ids"]) for b in few.held_out) == 1
    again = calibrate_with(
        tiny.texts(30, 40), samples=10, held_out=6, batch=4, length=16, pad=0, seed=3
    )
    assert again.hash() == found.hash() != few.hash()
