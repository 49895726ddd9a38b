"""Recipes: what is accepted, what is refused in one line, and what a hash depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from surefoot.core.config import check_config
from surefoot.core.errors import InputError
from surefoot.sparsity.recipe import (
    CompressionRecipe,
    Sparsify,
    read_recipe,
    shipped_recipes,
)

pytestmark = pytest.mark.quick

PRUNE: dict[str, Any] = {"stage": "sparsify", "method": "wanda", "pattern": 0.5}
FACTOR: dict[str, Any] = {"stage": "factorize", "reduction": 0.3}
ROUND: dict[str, Any] = {"stage": "quantize"}
SHARE: dict[str, Any] = {"stage": "allocate", "method": "alpha"}
TRAIN: dict[str, Any] = {"stage": "recover", "method": "full"}


def made(*stages: dict[str, Any], **more: Any) -> CompressionRecipe:
    return check_config(CompressionRecipe, {"stages": list(stages), **more})


@pytest.mark.parametrize(
    "stages",
    [
        (PRUNE,),
        (SHARE, PRUNE),
        (FACTOR,),
        (ROUND,),
        (PRUNE, ROUND),
        (SHARE, PRUNE, TRAIN, ROUND),
        (FACTOR, {**TRAIN, "method": "lrc"}),
    ],
)
def test_stages_in_order_are_accepted(stages: tuple[dict[str, Any], ...]) -> None:
    recipe = made(*stages)
    assert [stage.stage for stage in recipe.stages] == [stage["stage"] for stage in stages]


@pytest.mark.parametrize(
    ("stages", "why"),
    [
        ((PRUNE, FACTOR), "exclude each other"),
        ((FACTOR, ROUND), "does not support the factors"),
        ((SHARE,), "nothing is made smaller"),
        ((SHARE, ROUND), "needs a later stage 'sparsify'"),
        ((), "nothing is made smaller"),
        ((PRUNE, PRUNE), "stands twice"),
        ((PRUNE, SHARE), "in the order"),
        ((ROUND, PRUNE), "in the order"),
        ((TRAIN, ROUND), "needs a stage 'drop', 'sparsify' or 'factorize'"),
        ((PRUNE, {**TRAIN, "method": "lrc"}), "needs a stage 'factorize'"),
        ((PRUNE, {**TRAIN, "method": "lora", "rank": 2}), "fills the zeros"),
        (({**PRUNE, "pattern": "4:2"},), "2:4"),
        (({**PRUNE, "pattern": 1.0},), "between 0 and 1"),
        (({**PRUNE, "method": "magic"},), "'magnitude', 'wanda' or 'sparsegpt'"),
        (({**PRUNE, "patern": 0.5},), "patern"),
        (({"stage": "shrink"},), "shrink"),
        (({**SHARE, "file": "x.json"}, PRUNE), "method 'file'"),
        (({"stage": "allocate", "method": "file"}, PRUNE), "needs it"),
    ],
)
def test_what_makes_no_sense_is_one_line(stages: tuple[dict[str, Any], ...], why: str) -> None:
    with pytest.raises(InputError) as caught:
        made(*stages)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_pattern_of_names_is_refused() -> None:
    with pytest.raises(InputError, match="is not a regular expression"):
        made(PRUNE, target="(")


def test_the_hash_is_of_the_settings_and_not_of_the_name() -> None:
    first, renamed, other = made(PRUNE), made(PRUNE, name="x"), made(PRUNE, seed=1)
    assert first.hash() == renamed.hash() != other.hash()
    assert len(first.hash()) == 64
    explicit = made({**PRUNE, "damping": 0.01})
    assert explicit.hash() == first.hash()


def test_heads_embeddings_routers_and_towers_are_left_alone() -> None:
    recipe = made(PRUNE)
    taken = [
        "model.layers.0.self_attn.q_proj",
        "model.layers.1.mlp.gate_proj",
        "transformer.h.0.c_fc",
        "model.language_model.layers.3.mlp.down_proj",
        "model.layers.0.mlp.experts.2.w1",
    ]
    left = [
        "lm_head",
        "model.embed_tokens",
        "transformer.wte",
        "model.layers.0.mlp.gate",
        "model.layers.0.block_sparse_moe.router",
        "model.vision_tower.layers.0.fc1",
        "model.visual.blocks.0.attn.qkv",
        "model.multi_modal_projector.linear_1",
    ]
    assert [name for name in taken if not recipe.takes(name)] == []
    assert [name for name in left if recipe.takes(name)] == []


def test_shipped_recipes_are_sound() -> None:
    known = shipped_recipes()
    assert len(known) >= 6
    for name, line in known.items():
        assert read_recipe(name).name == name
        assert line
        assert not line.startswith("#")


def test_settings_reach_into_stages(tmp_path: Path) -> None:
    recipe = read_recipe(
        "wanda-50",
        {"sparsify": {"pattern": "2:4"}, "seed": 3, "calibration": {"samples": 5}},
    )
    assert recipe.find(Sparsify).pattern == "2:4"
    assert (recipe.seed, recipe.calibration.samples, recipe.calibration.length) == (3, 5, 512)
    with pytest.raises(InputError, match="no stage 'quantize'"):
        read_recipe("wanda-50", {"quantize": {"bits": 8}})
    with pytest.raises(InputError, match="set a field"):
        read_recipe("wanda-50", {"sparsify": 0.6})
    with pytest.raises(InputError, match="unknown recipe"):
        read_recipe("no-such-recipe")
    with pytest.raises(InputError, match="cannot read the recipe"):
        read_recipe(tmp_path / "none.yaml")
    path = tmp_path / "mine.yaml"
    path.write_text("stages:\n  - {stage: sparsify, pattern: 2}\n")
    with pytest.raises(InputError) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(f"{path}: stages.0.sparsify")


@pytest.mark.parametrize(
    ("stages", "needed"),
    [
        ((PRUNE,), True),
        (({**PRUNE, "method": "magnitude"},), False),
        ((ROUND,), False),
        ((FACTOR,), False),
        (({**FACTOR, "method": "whitened"},), True),
        (({"stage": "allocate", "method": "owl"}, {**PRUNE, "method": "magnitude"}), True),
    ],
)
def test_it_is_known_when_texts_are_needed(
    stages: tuple[dict[str, Any], ...], needed: bool
) -> None:
    assert made(*stages).calibrated is needed
