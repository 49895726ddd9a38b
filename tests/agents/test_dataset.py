"""The rendered pictures: the same in any order and process, resumed, of train seeds only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from surefoot.agents.perception.dataset import DataRecipe, render_dataset, render_shard
from surefoot.agents.perception.images import crossing_images, heedless_images, tabletop_images
from surefoot.agents.perception.marks import LEAST, NAMES
from surefoot.agents.perception.measuring import images_of
from surefoot.core.errors import InputError
from surefoot.core.seeds import split_of_seed
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import Simulation

RECIPE = DataRecipe(tabletop=1, crossing=1, validation=1, pictures=8, size=48, damaged=0.5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    render_dataset(RECIPE, place)
    return place


def test_a_shard_is_the_same_wherever_it_is_made(folder: Path, tmp_path: Path) -> None:
    for name in ("train-crossing-000", "train-tabletop-000"):
        render_shard(RECIPE, tmp_path, name)
        for suffix in (".npy", ".marks.npy", ".jsonl"):
            assert (folder / (name + suffix)).read_bytes() == (
                tmp_path / (name + suffix)
            ).read_bytes()


def test_all_seeds_are_for_training_and_validation_has_its_own(folder: Path) -> None:
    seeds: dict[str, set[tuple[str, int]]] = {"train": set(), "validation": set()}
    damaged = 0
    for path in folder.glob("*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert len(np.load(path.with_suffix(".npy"))) == len(lines) == RECIPE.pictures
        assert path.with_suffix(".marks.npy").is_file() == path.name.startswith("train")
        for line in lines:
            seeds[path.name.split("-")[0]].add((line["env"], line["seed"]))
            damaged += bool(line["damage"])
            assert all(q["truth"] in q["options"] for q in line["asked"])
    assert not seeds["train"] & seeds["validation"]
    assert {split_of_seed(s) for some in seeds.values() for _, s in some} == {"train"}
    assert 4 <= damaged <= 28


def test_only_missing_shards_are_rendered(folder: Path) -> None:
    kept = folder / "train-crossing-000.jsonl"
    gone = folder / "train-tabletop-000.jsonl"
    old, before = kept.stat().st_mtime_ns, gone.read_bytes()
    gone.unlink()
    names = render_dataset(RECIPE, folder)
    assert len(names) == 4
    assert kept.stat().st_mtime_ns == old
    assert gone.read_bytes() == before
    with pytest.raises(InputError, match="other data lies here"):
        render_dataset(DataRecipe(), folder)


def test_the_same_scene_is_developed_with_any_damage() -> None:
    simulation = Simulation()
    (first,) = tabletop_images(simulation, 8, ["front"], size=64)
    (again,) = tabletop_images(simulation, 8, ["front"], size=64)
    fog = Pipeline.parse(["fog=0.5"])
    assert np.array_equal(first.developed(), again.developed())
    assert np.array_equal(first.developed(fog), again.developed(fog))
    assert first.developed(fog).std() < first.developed().std()
    views = next(crossing_images(simulation, 8, 1, size=48))
    assert [s.view for s in views] == ["front", "left", "right"]
    assert [s.step for s in views] == [0, 1, 2]
    assert all(len(s.frames) == 2 for s in views)
    assert views[0].frames[1].time - views[0].frames[0].time == pytest.approx(0.25)
    simulation.close()


def test_the_heedless_see_from_the_crossing_what_the_expert_never_does() -> None:
    simulation = Simulation()
    images = [s for some in heedless_images(simulation, 13, 3, size=32) for s in some]
    truth = {a.question.fact: a.truth for a in images[0].asked}
    assert "light" not in truth
    assert truth["opposite_car"] == "yes"
    assert [(s.moment, s.view) for s in images[:4]] == [
        (0, "front"),
        (0, "left"),
        (0, "right"),
        (1, "front"),
    ]
    simulation.close()


def test_measured_scenes_are_of_their_split() -> None:
    images = [
        *images_of("tabletop", "test", 3, 2),
        *images_of("crossing", "calibration", 2, moments=1),
    ]
    assert len(images) == 3 * 2 + 2 * 3
    assert {split_of_seed(s.seed) for s in images[:6]} == {"test"}
    assert {split_of_seed(s.seed) for s in images[6:]} == {"calibration"}
    keys = [(s.env, s.seed, s.step, a.question.fact) for s in images for a in s.asked]
    assert len(set(keys)) == len(keys)


def test_marks_are_where_things_are_seen() -> None:
    simulation = Simulation()
    for seed in range(8):
        (image,) = tabletop_images(simulation, seed, ["top"], size=64)
        frame, marks = image.frames[0], image.marks()
        assert marks.shape == (4, 4, len(NAMES))
        for body, names in image.bodies.items():
            for name in names:
                seen = (frame.segmentation == body).reshape(4, 16, 4, 16).sum((1, 3)) >= LEAST
                assert (marks[:, :, NAMES.index(name)] | ~seen).all()
        shown = {name for i, name in enumerate(NAMES) if marks[:, :, i].any()}
        assert shown <= {name for names in image.bodies.values() for name in names}
    lamps = set()
    for seed in range(16):
        for image in (s for some in crossing_images(simulation, seed, 3, size=64) for s in some):
            told = {name for names in image.bodies.values() for name in names}
            truth = {a.question.fact: a.truth for a in image.asked}
            for arm, fact in (("left", "car_from_left"), ("right", "car_from_right")):
                assert (f"car comes: {arm}" in told) == (truth[fact] == "yes")
            assert ("person in the way" in told) == (truth["pedestrian"] == "yes")
            if "light" in truth:
                lamps |= {(n, truth["light"]) for n in told if n.startswith("our ")}
    assert ("our light: green", "green light") in lamps
    assert ("our stop sign", "no light") in lamps
    assert all(t == "green light" for n, t in lamps if n == "our light: green")
    simulation.close()
