"""What cannot be merged is told in a line, and what is trivial is defined."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.models.shipped import LOCAL_PLANNER
from surefoot.sparsity.merging import make_recipe, merge_models, open_zoo
from surefoot.sparsity.merging.checks import difference, distinct_names, open_source
from tests.sparsity.merging.zoos import add_tokenizer, change_config, tiny_zoo, weights
from tests.sparsity.tiny import make

torch.set_num_threads(1)


def test_a_vocabulary_is_compared_before_anything_else(tmp_path: Path) -> None:
    _, (one, two, three) = tiny_zoo(tmp_path)
    add_tokenizer(one)
    with pytest.raises(InputError, match="one of them has no tokenizer"):
        open_zoo([one, two])
    add_tokenizer(two, renamed="ROBOT")
    change_config(two, hidden_act="gelu")  # told is the vocabulary, though this differs too
    with pytest.raises(
        InputError,
        match=r"tune-0-0 and tune-0-1 cannot be merged: another vocabulary; 2 tokens "
        r"differ, such as 'ROBOT' \(id none against \d+\)",
    ):
        open_zoo([one, two])
    add_tokenizer(three, cls="<robot>")
    with pytest.raises(InputError, match="another special token; 'cls_token' is None against '<r"):
        open_zoo([one, three])
    data = json.loads((three / "tokenizer.json").read_bytes())
    data["pre_tokenizer"] = None
    add_tokenizer(three)
    (three / "tokenizer.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match="split text differently"):
        open_zoo([one, three])


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"rms_norm_eps": 1e-3}, r"'rms_norm_eps' is 1e-06 against 0\.001"),
        ({"num_attention_heads": 8}, "'num_attention_heads' is 4 against 8"),
        ({"eos_token_id": 5}, "'eos_token_id' is 2 against 5"),
        ({"model_type": "mistral"}, '\'model_type\' is "llama" against "mistral"'),
    ],
)
def test_architectures_are_compared_by_what_they_compute(
    tmp_path: Path, values: dict[str, object], why: str
) -> None:
    _, (one, two, _) = tiny_zoo(tmp_path)
    change_config(two, use_cache=False, transformers_version="4.0")
    assert len(open_zoo([one, two]).sources) == 2
    change_config(two, **values)
    with pytest.raises(InputError, match=why):
        open_zoo([one, two])


def test_a_configuration_of_another_version_is_read_as_it_is_meant(tmp_path: Path) -> None:
    _, (one, two, three) = tiny_zoo(tmp_path)
    for folder, theta in ((two, 10000.0), (three, 5000.0)):
        path = folder / "config.json"
        config = json.loads(path.read_bytes())
        del config["rope_parameters"], config["hidden_act"]  # the latter has this as its default
        path.write_text(json.dumps({**config, "rope_theta": theta}))
    assert len(open_zoo([one, two]).sources) == 2
    with pytest.raises(InputError, match=r"'rope_parameters' is .* against .*5000"):
        open_zoo([one, three])


def test_shapes_and_tensors_are_compared(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    _, (one, two, three) = tiny_zoo(tmp_path)
    tensors = weights(two)
    tensors["model.norm.weight"] = torch.ones(16)
    save_file(tensors, two / "model.safetensors")
    with pytest.raises(InputError, match=r"'model.norm.weight' is of shape \[32\] against \[16\]"):
        open_zoo([one, two])
    tensors = weights(three)
    del tensors["model.norm.weight"]
    save_file(tensors, three / "model.safetensors")
    with pytest.raises(InputError, match=r"tune-0-2 lacks 'model\.norm\.weight'"):
        open_zoo([one, three])


def test_another_base_and_no_model_are_told(tmp_path: Path) -> None:
    base, tunes = tiny_zoo(tmp_path)
    other = make("gpt2", tmp_path / "gpt2")
    with pytest.raises(InputError, match="the base and tune-0-0 cannot be merged"):
        open_zoo(tunes, other)
    with pytest.raises(InputError, match="no model here"):
        open_zoo([tunes[0], tmp_path])
    with pytest.raises(InputError, match="no model to merge"):
        open_zoo([], base)
    for name, value in (
        ("quantization_config", {"bits": 4}),
        ("surefoot_compression", {"format": "low-rank"}),
    ):
        copy = tmp_path / name
        shutil.copytree(base, copy)
        change_config(copy, **{name: value})
        with pytest.raises(InputError, match="compressed weights cannot be merged"):
            open_zoo([tunes[0], copy])


def test_a_model_with_zeros_merges_and_that_is_told(tmp_path: Path) -> None:
    _, (one, two, _) = tiny_zoo(tmp_path)
    change_config(two, surefoot_compression={"format": "masked"})
    zoo = open_zoo([one, two])
    assert "their zeros are lost" in zoo.notes[-1]
    out = merge_models(zoo, make_recipe("linear", 2), tmp_path / "out")
    assert "surefoot_compression" not in json.loads((out / "config.json").read_bytes())


def test_the_same_model_is_no_difference() -> None:
    planner = open_source(LOCAL_PLANNER)
    assert difference(planner, open_source(LOCAL_PLANNER)) is None
    assert planner.vocabulary is not None
    assert len(planner.vocabulary["tokens"]) == 1024


def test_models_of_one_name_are_told_apart() -> None:
    found = distinct_names([Path("/a/model"), Path("/b/model"), Path("/c/x"), Path("/c/x")])
    assert found == ["a", "b", "c/x", "c/x (4)"]
    assert distinct_names([Path("/m/a/model"), Path("/n/a/model"), Path("/b")]) == [
        "a/model",
        "a/model (2)",
        "b",
    ]
