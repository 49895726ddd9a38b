"""Merges on the disk: their weights, their folders, and what is trivial."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from surefoot.core.errors import InputError
from surefoot.models.backends.hf import HFModel
from surefoot.models.shipped import LOCAL_PLANNER
from surefoot.sparsity.engine.checkpoint import Checkpoint
from surefoot.sparsity.merging import METHODS, MergeRecipe, make_recipe, merge_models, open_zoo
from surefoot.sparsity.merging.operators import merge_tensors
from surefoot.sparsity.merging.recipe import group_of
from tests.sparsity.merging.zoos import fine_tune, tiny_zoo, weights
from tests.sparsity.tiny import make

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def zoo_folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    return tiny_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.mark.parametrize("method", METHODS)
def test_every_tensor_is_merged_as_the_operator_says(
    zoo_folders: tuple[Path, list[Path]], tmp_path: Path, method: str
) -> None:
    base, tunes = zoo_folders
    zoo = open_zoo(tunes, base)
    recipe = make_recipe(method, 3, weights=[0.5, 0.2, 0.9], density=0.4, scale=0.7, seed=5)
    out = merge_models(zoo, recipe, tmp_path / "out", shard_bytes=20_000)
    files = Checkpoint(out)
    assert len(files.weight_files) > 1
    sources, start = [weights(t) for t in tunes], weights(base)
    assert set(files.keys) == set(start)
    for key in files.keys:
        expected = merge_tensors(
            method,
            [s[key] for s in sources],
            start[key],
            [0.5, 0.2, 0.9],
            density=0.4,
            scale=0.7,
            seed=5,
            name=key,
        )
        assert torch.equal(files.tensor(key), expected)
    model: Any = AutoModelForCausalLM.from_pretrained(out)
    assert torch.isfinite(model(input_ids=torch.tensor([[1, 5, 9]])).logits).all()


def test_a_merge_is_kept_with_what_reproduces_it(
    zoo_folders: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    base, tunes = zoo_folders
    recipe = make_recipe("dare-ties", 3, density=0.5, seed=2)
    out = merge_models(open_zoo(tunes, base), recipe, tmp_path / "out")
    told = json.loads((out / "merge.json").read_bytes())
    assert told["models"] == [t.name for t in tunes]
    assert told["hashes"]["models"][1] == Checkpoint(tunes[1]).hashes()
    assert told["hashes"]["base"] == Checkpoint(base).hashes()
    again = MergeRecipe.model_validate(told["recipe"])
    assert again == recipe
    merge_models(open_zoo(tunes, base), again, tmp_path / "again")
    pair = [(p / "model.safetensors").read_bytes() for p in (out, tmp_path / "again")]
    assert pair[0] == pair[1]
    other = merge_models(
        open_zoo(tunes, base), recipe.model_copy(update={"seed": 3}), tmp_path / "other"
    )
    assert (other / "model.safetensors").read_bytes() != pair[0]


def test_groups_of_layers_have_weights_of_their_own(
    zoo_folders: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    _, tunes = zoo_folders
    recipe = MergeRecipe(
        weights={
            "first-half": (1.0, 0.0),
            "second-half": (0.0, 1.0),
            "outside": (0.5, 0.5),
        }
    )
    out = merge_models(open_zoo(tunes[:2]), recipe, tmp_path / "out")
    one, two, found = weights(tunes[0]), weights(tunes[1]), weights(out)
    for key, tensor in found.items():
        group = group_of(key, 3)
        if "layers.0." in key or "layers.1." in key:  # the first half of three has two
            assert group == "first-half"
            assert torch.equal(tensor, one[key])
        elif "layers.2." in key:
            assert group == "second-half"
            assert torch.equal(tensor, two[key])
        else:
            assert group == "outside"
            assert torch.allclose(tensor, (one[key] + two[key]) / 2)
    for wrong in ({"all": (1,), "outside": (1,)}, {"first-half": (1,)}, {}):
        with pytest.raises(ValueError, match="weights are given"):
            MergeRecipe.model_validate({"weights": wrong})
    with pytest.raises(ValueError, match="every group needs a weight"):
        MergeRecipe.model_validate(
            {"weights": {"first-half": (1,), "second-half": (1,), "outside": (1, 2)}}
        )


@pytest.mark.parametrize("method", METHODS)
def test_identical_models_are_the_result(tmp_path: Path, method: str) -> None:
    base, (tune,) = tiny_zoo(tmp_path, 1)
    copy = tmp_path / "copy"
    shutil.copytree(tune, copy)
    notes: list[str] = []
    out = merge_models(
        open_zoo([tune, copy], base),
        make_recipe(method, 2, density=0.3),
        tmp_path / "out",
        note=notes.append,
    )
    assert (out / "model.safetensors").stat().st_size > 1000
    assert all(torch.equal(t, weights(tune)[k]) for k, t in weights(out).items())
    assert "all models hold the same weights" in notes[-1]
    assert json.loads((out / "merge.json").read_bytes())["trivial"] == notes[-1]


def test_one_model_is_the_result(tmp_path: Path) -> None:
    base, (tune,) = tiny_zoo(tmp_path, 1)
    notes: list[str] = []
    out = merge_models(open_zoo([tune]), make_recipe("ties", 1), tmp_path / "a", note=notes.append)
    assert all(torch.equal(t, weights(tune)[k]) for k, t in weights(out).items())
    assert notes[-1] == "there is only one model, so it is the result"
    # with a base its differences may still be scaled or thinned out
    out = merge_models(
        open_zoo([tune], base), make_recipe("task-arithmetic", 1, scale=0.5), tmp_path / "b"
    )
    halfway = {k: (t + weights(base)[k]) / 2 for k, t in weights(tune).items()}
    assert all(torch.allclose(t, halfway[k]) for k, t in weights(out).items())


def test_tied_embeddings_are_neither_lost_nor_doubled(tmp_path: Path) -> None:
    base, (one, two) = tiny_zoo(tmp_path, 2, kind="tied")
    assert "lm_head.weight" not in weights(one)
    doubled = weights(two)
    doubled["lm_head.weight"] = doubled["model.embed_tokens.weight"].clone()
    save_file(doubled, two / "model.safetensors", metadata={"format": "pt"})
    zoo = open_zoo([one, two], base)
    assert "'lm_head.weight' is tied" in zoo.notes[0]
    for method in ("linear", "dare-ties"):
        out = merge_models(zoo, make_recipe(method, 2, density=0.5), tmp_path / method)
        assert set(weights(out)) == set(weights(one))
        model: Any = AutoModelForCausalLM.from_pretrained(out)
        embedded = model.get_input_embeddings().weight
        assert model.get_output_embeddings().weight is embedded
        assert torch.equal(embedded, weights(out)["model.embed_tokens.weight"])
        assert not torch.equal(embedded, weights(one)["model.embed_tokens.weight"])


def test_a_head_of_its_own_is_kept(tmp_path: Path) -> None:
    base, tunes = tiny_zoo(tmp_path, 2)
    out = merge_models(open_zoo(tunes, base), make_recipe("ties", 2), tmp_path / "out")
    assert "lm_head.weight" in weights(out)
    assert not torch.equal(
        weights(out)["lm_head.weight"], weights(out)["model.embed_tokens.weight"]
    )


def test_whole_numbers_must_agree(tmp_path: Path) -> None:
    _, (one, two) = tiny_zoo(tmp_path, 2)
    for folder, value in ((one, 3), (two, 3)):
        tensors = weights(folder) | {"model.steps": torch.tensor([value])}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    out = merge_models(open_zoo([one, two]), make_recipe("linear", 2), tmp_path / "out")
    assert weights(out)["model.steps"].tolist() == [3]
    save_file(weights(two) | {"model.steps": torch.tensor([4])}, two / "model.safetensors")
    with pytest.raises(InputError, match=r"'model\.steps' holds integers that differ"):
        merge_models(open_zoo([one, two]), make_recipe("linear", 2), tmp_path / "no")
    assert not (tmp_path / "no").exists()
    assert not list(tmp_path.glob(".*.tmp"))


def test_what_is_not_finite_is_no_model(tmp_path: Path) -> None:
    _, (one, two) = tiny_zoo(tmp_path, 2)
    tensors = weights(two)
    tensors["model.norm.weight"][3] = float("nan")
    save_file(tensors, two / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"'model\.norm\.weight' is not finite after merging"):
        merge_models(open_zoo([one, two]), make_recipe("linear", 2), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_left_half_written(zoo_folders: tuple[Path, list[Path]], tmp_path: Path) -> None:
    _, tunes = zoo_folders

    def stop(done: int, total: int, part: str = "") -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge_models(open_zoo(tunes), make_recipe("linear", 3), tmp_path / "out", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_recipes_and_folders_that_do_not_fit_are_told(
    zoo_folders: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    _, tunes = zoo_folders
    zoo = open_zoo(tunes)
    with pytest.raises(InputError, match="3 models need 3 weights, and 2 were given"):
        merge_models(zoo, make_recipe("linear", 2), tmp_path / "out")
    with pytest.raises(InputError, match="3 models need 3 weights, and 2 were given"):
        make_recipe("linear", 3, weights=[1, 2])
    with pytest.raises(InputError, match="weights sum to 0"):
        make_recipe("linear", 2, weights=[1, -1])
    with pytest.raises(InputError, match="'ties' adds differences to a base"):
        merge_models(zoo, make_recipe("ties", 3), tmp_path / "out")
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").touch()
    for out, why in (
        (full, "exists already"),
        (tunes[0] / "x", "lies in a model's folder"),
    ):
        with pytest.raises(InputError, match=why):
            merge_models(zoo, make_recipe("linear", 3), out)
    (full / "x").unlink()
    assert merge_models(zoo, make_recipe("linear", 3), full) == full  # an empty one is fine


def test_a_merged_planner_is_asked_as_its_parts_are(tmp_path: Path) -> None:
    one = fine_tune(LOCAL_PLANNER, tmp_path / "one", 1, 1e-4)
    out = merge_models(open_zoo([one, LOCAL_PLANNER]), make_recipe("linear", 2), tmp_path / "out")
    assert HFModel(str(out)).notes.prompt_style == "compact"
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        assert (out / name).read_bytes() == (LOCAL_PLANNER / name).read_bytes()
    assert {t.dtype for t in weights(out).values()} == {torch.float16}


def test_other_architectures_merge_too(tmp_path: Path) -> None:
    for kind in ("gpt2", "gpt-neox", "gemma3", "mixtral"):
        base = make(kind, tmp_path / kind)
        one = fine_tune(base, tmp_path / f"{kind}-1", 1)
        out = merge_models(
            open_zoo([base, one]), make_recipe("linear", 2), tmp_path / f"{kind}-out"
        )
        model: Any = AutoModelForCausalLM.from_pretrained(out)
        assert torch.isfinite(model(input_ids=torch.tensor([[1, 5, 9]])).logits).all()
        expected = {k: (t + weights(one)[k]) / 2 for k, t in weights(base).items()}
        assert all(torch.allclose(t, expected[k]) for k, t in weights(out).items())
