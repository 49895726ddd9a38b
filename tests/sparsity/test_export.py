"""Formats on the disk: what is written is what is read back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM

from surefoot.core.errors import HarnessError, InputError
from surefoot.models.backends.formats import reader_of
from surefoot.sparsity.engine.finishing import CompressOptions
from surefoot.sparsity.engine.run import compress
from surefoot.sparsity.export.loading import load_compressed, merge_factors
from surefoot.sparsity.export.packing import pack
from surefoot.sparsity.export.streaming import TensorFile
from surefoot.sparsity.lowrank.linear import FactoredLinear
from surefoot.sparsity.recipe import Quantize
from surefoot.sparsity.report.summary import read_report
from tests.sparsity import tiny
from tests.sparsity.test_engine import WANDA, dense, loss, recipe

torch.set_num_threads(1)

WHITENED = {"stage": "factorize", "method": "whitened", "reduction": 0.3}


def logits(model: Any) -> torch.Tensor:
    batch = tiny.calibration().held_out[0]
    with torch.inference_mode():
        found: torch.Tensor = model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
        ).logits
    return found.float()


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_integers_stand_for_the_nearest_values(bits: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(bits)
    weight = 0.02 * torch.randn(24, 64, generator=generator)
    weight[3] = weight[3].abs() + 1.0
    weight[4] = 0.0
    packed, back = pack(weight, Quantize(bits=bits, group=16), dtype)
    scale = packed["weight_scale"].float().repeat_interleave(16, 1)
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    codes = back / scale
    assert float((codes - codes.round()).abs().max()) < 1e-3
    assert codes.min() >= low - 1e-3
    assert codes.max() <= high + 1e-3
    # The largest value may be half a step beyond the last code: the range is not symmetric.
    slack = 2.0**-7 if dtype == torch.bfloat16 else 2.0**-10
    bound = scale * (0.5 + high * slack)
    assert bool(((weight - back).abs() <= bound + 1e-7).all())
    assert int(torch.count_nonzero(back[4])) == 0
    assert packed["weight_packed"].numel() * 32 == weight.numel() * bits
    torch.testing.assert_close(
        pack(back, Quantize(bits=bits, group=16), dtype)[1].sign(), back.sign()
    )


@pytest.mark.parametrize("bits", [4, 8])
def test_quantized_models_are_read_back_by_transformers(bits: int, tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model", dtype=torch.float16)
    stage = {"stage": "quantize", "bits": bits, "group": 16}
    data = tiny.calibration()
    out = compress(source, recipe(stage, target="mlp"), tmp_path / "out", texts=data)
    report = read_report(out)
    assert report["artifact"]["format"] == "pack-quantized"
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()
    assert loss(model, data.held_out) == pytest.approx(report["losses"]["after"], rel=1e-5)
    drift = float((logits(model) - logits(dense(source))).abs().max())
    assert 0 < drift < (4.0 if bits == 4 else 0.3)
    totals = report["totals"]
    assert totals["bytes_after"] < totals["bytes_before"]
    with safe_open(out / "model.safetensors", framework="pt") as file:
        names = set(file.keys())
    assert "model.layers.0.mlp.up_proj.weight_packed" in names
    assert "model.layers.0.self_attn.q_proj.weight" in names
    settings = json.loads((out / "config.json").read_text())["quantization_config"]
    assert settings["format"] == "pack-quantized"
    assert {"lm_head", "model.layers.2.self_attn.v_proj"} <= set(settings["ignore"])


def test_fused_experts_stay_readable_beside_integers(tmp_path: Path) -> None:
    source = tiny.make("mixtral", tmp_path / "model")
    data = tiny.calibration(even=True)
    stage = {"stage": "quantize", "bits": 8, "group": 16}
    out = compress(source, recipe(stage), tmp_path / "out", texts=data)
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()
    assert loss(model, data.held_out) == pytest.approx(
        read_report(out)["losses"]["after"], rel=1e-5
    )


def test_transposed_layers_are_not_quantized(tmp_path: Path) -> None:
    source = tiny.make("gpt2", tmp_path / "model")
    with pytest.raises(InputError, match="Conv1D"):
        compress(source, recipe({"stage": "quantize", "group": 16}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["llama", "gpt2", "tied"])
@pytest.mark.parametrize("method", ["welore", "whitened"])
def test_factors_are_read_back_and_merged(kind: str, method: str, tmp_path: Path) -> None:
    source = tiny.make(kind, tmp_path / "model")
    data = tiny.calibration()
    wanted = recipe({**WHITENED, "method": method})
    out = compress(source, wanted, tmp_path / "out", texts=data)
    report = read_report(out)
    model = load_compressed(out)
    assert loss(model, data.held_out) == pytest.approx(report["losses"]["after"], rel=1e-4)
    factored = {n: m for n, m in model.named_modules() if isinstance(m, FactoredLinear)}
    ranks = {x["name"]: x["rank"] for x in report["layers"] if x["rank"] is not None}
    assert {name: module.rank for name, module in factored.items()} == ranks
    assert report["totals"]["parameters_after"] == sum(p.numel() for p in model.parameters())
    assert report["plan"]["parameters"] >= 0.3
    assert not any(p.is_meta for p in model.parameters())
    with pytest.raises(OSError, match=r"model\.safetensors"):
        AutoModelForCausalLM.from_pretrained(out)
    told = logits(model)
    assert merge_factors(model) == len(ranks)
    torch.testing.assert_close(logits(model), told, rtol=1e-4, atol=1e-4)
    merged = compress(
        source, wanted, tmp_path / "merged", texts=data, options=CompressOptions(merge=True)
    )
    assert read_report(merged)["artifact"]["format"] == "dense"
    torch.testing.assert_close(logits(dense(merged)), told, rtol=1e-4, atol=1e-4)


def test_factors_learn_alone(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model", dtype=torch.float16)
    train = {"stage": "recover", "method": "lrc", "steps": 10, "rate": 3e-3}
    data = tiny.calibration()
    wanted = recipe({**WHITENED, "method": "welore"}, train)
    out = compress(source, wanted, tmp_path / "out", texts=data)
    report = read_report(out)
    model = load_compressed(out, torch.float32)
    assert loss(model, data.held_out) == pytest.approx(report["losses"]["recovered"], abs=2e-3)
    before = dense(source).state_dict()
    for name, value in model.state_dict().items():
        if name in before:
            assert torch.equal(value, before[name]), name


def test_masks_are_read_back_bit_by_bit_in_several_files(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model", dtype=torch.bfloat16)
    data = tiny.calibration()
    whole = compress(source, recipe(WANDA), tmp_path / "whole", texts=data)
    cut = compress(
        source,
        recipe(WANDA),
        tmp_path / "cut",
        texts=data,
        options=CompressOptions(shard_bytes=20_000),
    )
    assert read_report(whole)["artifact"]["label"].startswith("quality only")
    assert len(list(cut.glob("model-*-of-*.safetensors"))) > 2
    assert not [p for p in cut.iterdir() if "unknown" in p.name]
    one, other = (
        AutoModelForCausalLM.from_pretrained(folder, dtype="auto") for folder in (whole, cut)
    )
    assert one.dtype == torch.bfloat16
    for (name, first), second in zip(
        one.state_dict().items(), other.state_dict().values(), strict=True
    ):
        assert torch.equal(first, second), name
    again = compress(cut, recipe(WANDA), tmp_path / "again", texts=data)
    assert read_report(again)["totals"]["sparsity"] == pytest.approx(0.5)


def test_files_are_written_tensor_by_tensor(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    tensors = {
        "half": torch.randn(3, 5, generator=generator).half(),
        "whole": torch.randn(7, generator=generator),
        "flag": torch.tensor([True, False, True]),
        "turned": torch.randn(4, 6, generator=generator).T,
        "codes": torch.arange(5, dtype=torch.int8),
        "shape": torch.tensor([3, 5]),
        "brain": torch.randn(1, 3, generator=generator).bfloat16(),
        "one": torch.tensor(2.5),
        "none": torch.zeros(0, 4),
    }
    file = TensorFile(tmp_path)
    for name, tensor in tensors.items():
        file.add(name, tensor)
    file.finish(tmp_path / "x.safetensors")
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]
    assert file.size == sum(t.numel() * t.element_size() for t in tensors.values())
    for backend in ("mmap", "pread"):
        with safe_open(tmp_path / "x.safetensors", framework="pt", backend=backend) as read:
            assert set(read.keys()) == set(tensors)
            for name, tensor in tensors.items():
                found = read.get_tensor(name)
                assert found.dtype == tensor.dtype
                assert torch.equal(found, tensor), name
    with pytest.raises(HarnessError, match="complex64"):
        TensorFile(tmp_path).add("x", torch.zeros(2, dtype=torch.complex64))


def test_only_folders_with_factors_need_a_reader(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    assert reader_of(source) is None
    assert reader_of(tmp_path / "nowhere") is None
    out = compress(source, recipe(WHITENED), tmp_path / "out", texts=tiny.calibration())
    reader = reader_of(out)
    assert reader is not None
    assert torch.equal(logits(reader(out, torch.float32)), logits(load_compressed(out)))
    strange = shutil.copytree(out, tmp_path / "strange")
    config = json.loads((strange / "config.json").read_text())
    config["surefoot_compression"]["format"] = "from-the-future"
    (strange / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="nothing installed reads"):
        reader_of(strange)


def test_damaged_folders_with_factors(tmp_path: Path) -> None:
    source = tiny.make("llama", tmp_path / "model")
    out = compress(source, recipe(WHITENED), tmp_path / "out", texts=tiny.calibration())
    config = json.loads((out / "config.json").read_text())
    ranks = config["surefoot_compression"]["ranks"]
    ranks["model.layers.0.no_such"] = 2
    (out / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="no linear layer"):
        load_compressed(out)
    del ranks["model.layers.0.no_such"]
    name = next(iter(ranks))
    ranks[name] += 1
    (out / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="do not fit"):
        load_compressed(out)
    del ranks[name]
    (out / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="no weights for"):
        load_compressed(out)
