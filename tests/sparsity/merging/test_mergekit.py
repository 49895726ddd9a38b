"""The same merges by mergekit, where it is installed (``pip install mergekit==0.1.5``)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from surefoot.sparsity.merging import make_recipe, merge_models, open_zoo
from tests.sparsity.merging.zoos import tiny_zoo, weights

pytest.importorskip("mergekit")

torch.set_num_threads(1)

WEIGHTS = (0.5, 0.2, 0.9)
CASES = {
    "linear": ("linear", {}, 1.0, 1.0),
    "task-arithmetic": ("task_arithmetic", {}, 1.0, 0.7),
    "ties": ("ties", {}, 0.37, 0.7),
    # of what DARE draws nothing can be the same; without a drop the rest is
    "dare-linear": ("dare_linear", {}, 1.0, 0.7),
    "dare-ties": ("dare_ties", {}, 1.0, 0.7),
}


@pytest.fixture(scope="module")
def zoo_folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    return tiny_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.mark.parametrize("method", CASES)
def test_merges_are_those_of_mergekit(
    zoo_folders: tuple[Path, list[Path]], tmp_path: Path, method: str
) -> None:
    from mergekit.config import MergeConfiguration  # pyright: ignore[reportMissingImports]
    from mergekit.merge import run_merge  # pyright: ignore[reportMissingImports]
    from mergekit.options import MergeOptions  # pyright: ignore[reportMissingImports]

    base, tunes = zoo_folders
    name, parameters, density, scale = CASES[method]
    config = {
        "merge_method": name,
        "dtype": "float32",
        "models": [
            {"model": str(t), "parameters": {"weight": w}}
            for t, w in zip(tunes, WEIGHTS, strict=True)
        ],
        "parameters": parameters,
    }
    if method != "linear":
        config |= {"base_model": str(base), "parameters": {"lambda": scale}}
        for entry in config["models"]:
            entry["parameters"] |= {"density": density} if method != "task-arithmetic" else {}
    theirs = tmp_path / "theirs"
    run_merge(
        MergeConfiguration.model_validate(config),
        str(theirs),
        options=MergeOptions(copy_tokenizer=False),
    )
    recipe = make_recipe(method, 3, weights=WEIGHTS, density=density, scale=scale)
    ours = merge_models(open_zoo(tunes, base), recipe, tmp_path / "ours")
    one, other = weights(ours), weights(theirs)
    assert set(one) == set(other)
    for key, tensor in one.items():
        assert float((tensor - other[key]).abs().max()) <= 1e-6, key
