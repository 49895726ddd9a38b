"""Zoos of planners: specialists of one base, one of another family; stopped and gone on with."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.models.shipped import LOCAL_PLANNER
from surefoot.models.training.data import split_of
from surefoot.models.training.zoo import (
    STRANGER,
    SpecialistRecipe,
    StrangerRecipe,
    ZooRecipe,
    domain_examples,
    train_zoo,
)
from surefoot.sparsity.merging.checks import difference, open_source

torch.set_num_threads(1)


def recipe(steps: int = 3) -> ZooRecipe:
    return ZooRecipe(
        ("blocksworld", "tabletop"),
        SpecialistRecipe(steps=steps, batch=4),
        StrangerRecipe(steps=2, batch=2),
        seed=1,
    )


def test_a_domains_examples_are_its_own_and_of_their_split() -> None:
    found = list(islice(domain_examples("tabletop", "validation", 0), 20))
    assert {e.domain for e in found} == {"tabletop"}
    assert {split_of(e.task) for e in found} == {"validation"}
    assert found == list(islice(domain_examples("tabletop", "validation", 0), 20))
    with pytest.raises(InputError, match="no planner learns from the domain 'chess'"):
        next(domain_examples("chess", "train", 0))


def test_specialists_see_some_of_everything() -> None:
    specialist = SpecialistRecipe(domain="storage", rest=0.25)
    found = list(islice(specialist.draw("train", 0), 400))
    others = sum(e.domain != "storage" for e in found) / len(found)
    assert 0.15 < others < 0.32
    alone = SpecialistRecipe(domain="storage", rest=0.0)
    assert {e.domain for e in islice(alone.draw("train", 0), 50)} == {"storage"}


def test_a_zoo_is_of_one_base_and_a_stranger_and_goes_on(tmp_path: Path) -> None:
    whole = train_zoo(LOCAL_PLANNER, recipe(), tmp_path / "whole")
    assert whole is not None
    assert list(whole) == ["blocksworld", "tabletop", STRANGER]
    base = open_source(LOCAL_PLANNER)
    assert difference(base, open_source(whole["tabletop"])) is None
    assert difference(base, open_source(whole[STRANGER])) is not None
    notes = json.loads((whole["tabletop"] / "surefoot.json").read_bytes())
    assert notes["prompt_style"] == "compact"
    # So little time that only a step at a time is done.
    parts, calls = None, 0
    while parts is None:
        parts = train_zoo(LOCAL_PLANNER, recipe(), tmp_path / "parts", minutes=1e-6)
        calls += 1
    assert calls > 3
    for name in whole:
        one, two = (p[name] / "model.safetensors" for p in (whole, parts))
        assert one.read_bytes() == two.read_bytes()


def test_an_unknown_domain_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="chess"):
        train_zoo(LOCAL_PLANNER, ZooRecipe(("chess",)), tmp_path / "zoo")
    assert not (tmp_path / "zoo").exists()
