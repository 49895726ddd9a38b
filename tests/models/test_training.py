"""Training the small planner: data, resumption, and that it learns."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from random import Random

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.models.backends.hf import HFModel
from surefoot.models.training.data import (
    HELD_OUT,
    TRAIN_SIZES,
    damage,
    draw,
    split_of,
    unseen_instances,
)
from surefoot.models.training.planner import CURVE_NAME, PlannerRecipe, train_planner
from surefoot.pddl import Plan, validate
from surefoot.pddl.compact import compact_plan, compact_prompt
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.extract import extract
from surefoot.pddl.ground import GroundTask

torch.set_num_threads(1)
TINY = PlannerRecipe(hidden=32, layers=1, heads=2, vocabulary=400, batch=8, steps=24, rate=5e-3)


def test_data_is_the_same_every_time_and_splits_are_disjoint() -> None:
    first = list(itertools.islice(draw("train", 1), 300))
    assert first == list(itertools.islice(draw("train", 1), 300))
    assert first != list(itertools.islice(draw("train", 2), 300))
    seen = {e.task for e in first}
    for split in ("validation", "test"):
        others = list(itertools.islice(draw(split, 1), 60))
        assert not seen & {e.task for e in others}
        assert {split_of(e.task) for e in others} == {split}
    assert {e.domain for e in first} == set(TRAIN_SIZES)


def test_repairs_show_a_damaged_plan_as_the_bench_would_and_ask_for_the_sound_one() -> None:
    repairs = [e for e in itertools.islice(draw("train", 5), 400) if e.prompt != e.task]
    assert 50 < len(repairs) < 110
    for e in repairs:
        shown = e.prompt.removeprefix(e.task + "\n")
        assert shown != e.prompt
        assert shown.endswith("Give a complete corrected plan in the same format.")
        assert not shown.startswith(e.answer)


@pytest.mark.parametrize("domain", list_domains())
def test_damaged_plans_are_never_valid(domain: str) -> None:
    rng = Random(domain)
    for seed in range(10):
        instance = get_domain(domain).generate(get_domain(domain).min_size, seed)
        ground = GroundTask(instance.task)
        assert not validate(ground, damage(ground, instance.witness, rng)).valid


def test_unseen_instances_were_never_learned_from() -> None:
    for domain, sizes in HELD_OUT.items():
        assert not set(sizes) & set(TRAIN_SIZES[domain])
    for instance in unseen_instances("blocksworld", 4, 20, 0):
        assert split_of(compact_prompt(instance.task)) == "test"
    assert len(unseen_instances("blocksworld", 7, 20, 0)) == 20


@pytest.mark.parametrize("domain", list_domains())
def test_the_short_form_is_complete_and_its_plans_are_read(domain: str) -> None:
    spec = get_domain(domain)
    instance = spec.generate(spec.min_size, 3)
    text = compact_prompt(instance.task)
    for atom in instance.task.problem.init:
        assert str(atom) in text
    for item in instance.task.problem.objects:
        assert item.name in text
    found = extract(compact_plan(instance.witness), instance.task)
    assert found.chosen is not None
    assert found.chosen.plan == instance.witness
    empty = extract(compact_plan(Plan()), instance.task)
    assert empty.chosen is None or not empty.chosen.steps


def test_stopped_and_resumed_is_the_same_as_straight_through(tmp_path: Path) -> None:
    steps: list[int] = []
    train_planner(TINY, tmp_path / "a", progress=lambda done, total, part="": steps.append(done))
    assert steps[-1] == TINY.steps
    for _ in range(200):
        train_planner(TINY, tmp_path / "b", minutes=1e-9)
        lines = (tmp_path / "b" / CURVE_NAME).read_text().splitlines()
        if json.loads(lines[-1])["step"] == TINY.steps:
            break
    assert len(lines) == TINY.steps
    a, b = (torch.load(tmp_path / n / "state.pt", weights_only=True)["model"] for n in "ab")
    assert all(torch.equal(a[k], b[k]) for k in a)
    first, last = (json.loads(lines[i])["validation"] for i in (0, -1))
    assert last < first - 0.5
    with pytest.raises(InputError, match="another training lies here"):
        train_planner(PlannerRecipe(), tmp_path / "a")


def test_what_is_exported_loads_like_any_other_model(tmp_path: Path) -> None:
    recipe = PlannerRecipe(hidden=32, layers=1, heads=2, vocabulary=400, batch=4, steps=2)
    folder = train_planner(recipe, tmp_path / "t")
    model = HFModel(str(folder))
    assert model.notes.prompt_style == "compact"
    assert (folder / "model.safetensors").is_file()
    assert not list(folder.glob("*.bin"))
    text = "start (on b1 b2) zq7-ü\n"
    tokenizer = model.tokenizer
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_the_shipped_planner_solves_tasks_it_never_saw() -> None:
    from surefoot.core.chat import Message, Request
    from surefoot.models.shipped import LOCAL_PLANNER

    size = sum(p.stat().st_size for p in LOCAL_PLANNER.iterdir())
    assert size < 16 * 2**20
    model = HFModel(str(LOCAL_PLANNER), batch=20)
    instances = unseen_instances("blocksworld", 4, 20, 0)
    asked = [Request((Message("user", compact_prompt(i.task)),), 320) for i in instances]
    valid = 0
    for i, completion in model.generate(asked):
        found = extract(completion.text, instances[i].task)
        assert found.chosen is not None
        valid += validate(instances[i].task, found.chosen.plan).valid
    assert valid >= 15
