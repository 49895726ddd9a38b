"""The training of the small image-text model: it learns, stops and goes on, and loads plainly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from surefoot.agents.perception.asking import png
from surefoot.core.chat import Message, Request
from surefoot.core.errors import InputError
from surefoot.models.backends.hf import HFModel
from surefoot.models.backends.packing import image_features, logits_behind, pack, segment_sums
from surefoot.models.training.hints import looking_loss, marks_loss
from surefoot.models.training.images import Encoder, ImageQuestion, ImageShards, augmented
from surefoot.models.training.looking import PerceptionShape, make_model, make_tokenizer
from surefoot.models.training.perception import (
    CurvePoint,
    PerceptionRecipe,
    image_order,
    score_images,
    train_perception,
)
from surefoot.models.training.schedule import CURVE_NAME

torch.set_num_threads(1)
SMALL = PerceptionShape(picture=32, hidden=32, vision_layers=1, text_layers=2, vocabulary=330)
TINY = PerceptionRecipe(shape=SMALL, batch=8, seeing=2, steps=3, every=3, half=False)
COLOURS = {"red": (220, 30, 30), "blue": (30, 40, 220), "green": (20, 160, 60)}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of one colour above and another below."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for part, count in (("train", 240), ("validation", 48)):
        pictures = np.zeros((count, 32, 32, 3), np.uint8)
        marks = np.zeros((count, 2, 2, len(COLOURS)), bool)
        lines = []
        for i in range(count):
            above, below = (str(c) for c in rng.choice(list(COLOURS), 2))
            pictures[i, :16], pictures[i, 16:] = COLOURS[above], COLOURS[below]
            marks[i, 0, :, list(COLOURS).index(above)] = True
            marks[i, 1, :, list(COLOURS).index(below)] = True
            asked = [
                {
                    "text": f"Which colour is {where}?",
                    "options": list(COLOURS),
                    "truth": truth,
                    "kind": where,
                    "marks": [list(COLOURS).index(truth)],
                }
                for where, truth in (("above", above), ("below", below))
            ]
            lines.append(json.dumps({"asked": asked}))
        np.save(folder / f"{part}-flat-000.npy", pictures)
        if part == "train":
            np.save(folder / f"{part}-flat-000.marks.npy", marks)
        (folder / f"{part}-flat-000.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def state(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(folder / "state.pt", weights_only=True)["averaged"]
    return found


def test_stopped_and_resumed_is_the_same_as_straight_through(data: Path, tmp_path: Path) -> None:
    train_perception(TINY, data, tmp_path / "a")
    for _ in range(20):
        train_perception(TINY, data, tmp_path / "b", minutes=1e-9)
        lines = (tmp_path / "b" / CURVE_NAME).read_text().splitlines()
        if json.loads(lines[-1])["step"] == 5:
            break
    assert len(lines) == 5
    a, b = state(tmp_path / "a"), state(tmp_path / "b")
    assert all(torch.equal(a[k], b[k]) for k in a)
    with pytest.raises(InputError, match="another training lies here"):
        train_perception(PerceptionRecipe(), data, tmp_path / "a")


def test_a_training_begins_with_another(data: Path, tmp_path: Path) -> None:
    train_perception(TINY, data, tmp_path / "a")
    begun = replace(TINY, start=str(tmp_path / "a"), seeing=0, steps=1, rate=1e-9, average=0.0)
    train_perception(begun, data, tmp_path / "b")
    a, b = state(tmp_path / "a"), state(tmp_path / "b")
    weights = [k for k in a if "running" not in k and "num_batches" not in k]
    assert all(torch.allclose(a[k], b[k], atol=1e-6) for k in weights)
    words = "model/tokenizer.json"
    assert (tmp_path / "a" / words).read_bytes() == (tmp_path / "b" / words).read_bytes()
    with pytest.raises(InputError, match="no training to begin with"):
        replace(begun, start=str(tmp_path / "none"))
    wider = replace(begun, shape=replace(SMALL, hidden=64))
    with pytest.raises(InputError, match="of another shape"):
        train_perception(wider, data, tmp_path / "c")
    whole = (tmp_path / "a" / "state.pt").read_bytes()
    (tmp_path / "a" / "state.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="is damaged"):
        train_perception(begun, data, tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_it_learns_what_is_to_be_seen(data: Path, tmp_path: Path) -> None:
    points: list[CurvePoint] = []
    recipe = PerceptionRecipe(
        shape=SMALL, batch=24, seeing=60, steps=120, every=60, rate=4e-3, average=0.9
    )
    folder = train_perception(recipe, data, tmp_path / "t", on_step=points.append)
    assert [r.step for r in points] == [60, 120, 180]
    assert points[0].loss == 0  # no questions yet
    assert points[2].loss < points[1].loss
    assert points[-1].hints < points[0].hints
    assert min(points[-1].accuracy.values()) > 0.9
    model, held = HFModel(str(folder), device="cpu"), ImageShards(data, "validation")
    averaged = make_model(SMALL)
    averaged.load_state_dict(state(tmp_path / "t"))
    encoder = Encoder(make_tokenizer(SMALL, ImageShards(data, "train").texts()))
    inside = dict(score_images(averaged.eval(), held, encoder, SMALL.image_tokens))
    for i in range(4):
        for question, expected in zip(held.asked[i], inside[i], strict=True):
            shown = (png(held.rgb([i])[0]),)
            request = Request((Message("user", question.text, shown),), max_tokens=8)
            scores = model.score(request, question.options)
            assert scores.probabilities == pytest.approx(expected, abs=0.02)  # stored in halves
            ((_, said),) = model.generate([request])
            assert said.text == question.options[int(np.argmax(scores.probabilities))]


def test_packed_questions_count_as_asked_alone(data: Path) -> None:
    torch.manual_seed(3)
    model = make_model(SMALL).eval()
    pixels = augmented(ImageShards(data, "train").rgb([0, 1]), None)
    one, two, three = ([5, 6, 7], [-100, 7, 9]), ([8, 9], [-100, 11]), ([12] * 5, [-100] * 4 + [13])
    with torch.inference_mode():
        seen = image_features(model, pixels)
        packed = pack([[one, two, three], [two]], SMALL.image_tokens)
        together = segment_sums(logits_behind(model, seen, packed), packed)
        for row, column, segment in ((0, 0, one), (0, 1, two), (0, 2, three), (1, 0, two)):
            ids = torch.tensor([[3] * SMALL.image_tokens + segment[0]])
            logits = model(input_ids=ids, pixel_values=pixels[row : row + 1]).logits
            logs = logits[0, SMALL.image_tokens :].float().log_softmax(-1)
            alone = sum(logs[i, label] for i, label in enumerate(segment[1]) if label >= 0)
            assert float(together[row, column]) == pytest.approx(float(alone), abs=1e-4)


def test_marks_lie_where_their_patches_are(data: Path) -> None:
    images = ImageShards(data, "train")
    assert images.kinds_of_marks == 3
    places, marks = images.marks([0, 1, 2])
    assert places == [0, 1, 2]
    assert marks.shape == (3, 4, 3)
    for i in range(3):
        above = next(a.truth for a in images.asked[i] if a.kind == "above")
        assert marks[i, :2, list(COLOURS).index(above)].all()
    assert (marks.sum(-1) == 1).all()
    assert ImageShards(data, "validation").marks([0])[0] == []


def test_every_picture_comes_once_an_epoch(data: Path) -> None:
    shown = ImageShards(data, "train")
    steps = list(image_order(shown, TINY, 0))
    assert [number for number, _ in steps] == [1, 2, 3, 4, 5]
    assert steps[1:] == list(image_order(shown, TINY, 1))
    assert steps[3:] == list(image_order(shown, TINY, 3))
    recipe = PerceptionRecipe(shape=SMALL, batch=24, seeing=0, steps=20)
    order = [indices for _, indices in image_order(shown, recipe, 0)]
    first, second = ([i for some in part for i in some] for part in (order[:10], order[10:]))
    assert sorted(first) == sorted(second) == list(range(240))
    assert first != second
    unmarked = ImageShards(data, "validation")
    assert [number for number, _ in image_order(unmarked, TINY, 0)] == [3, 4, 5]


def test_damaged_and_missing_pictures_are_told(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no images to learn from"):
        train_perception(TINY, tmp_path, tmp_path / "out")
    (tmp_path / "train-x-000.jsonl").write_text('{"asked": []}\n')
    with pytest.raises(InputError, match="render again"):
        ImageShards(tmp_path, "train")
    np.save(tmp_path / "train-x-000.npy", np.zeros((2, 32, 32, 3), np.uint8))
    np.save(tmp_path / "train-x-000.marks.npy", np.zeros((2, 2, 2, 1), bool))
    with pytest.raises(InputError, match="render again"):
        ImageShards(tmp_path, "train")


def test_changes_of_pictures_are_small_and_seeded(data: Path) -> None:
    rgb = ImageShards(data, "train").rgb(range(6))
    plain = augmented(rgb, None)
    one, two = (augmented(rgb, np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, plain)
    assert float((one - plain)[:, :, 8].abs().max()) < 0.5
    assert plain.min() >= -1
    assert plain.max() <= 1


def test_probabilities_of_options_sum_to_one(data: Path) -> None:
    images = ImageShards(data, "validation")
    encoder = Encoder(make_tokenizer(SMALL, images.texts()))
    model = make_model(SMALL).eval()
    found = dict(score_images(model, images, encoder, SMALL.image_tokens, every=5))
    assert list(found) == list(range(0, 48, 5))
    assert all(sum(s) == pytest.approx(1, abs=1e-5) for some in found.values() for s in some)


def test_hints_are_small_where_the_model_is_right() -> None:
    truth = np.zeros((1, 4, 2), bool)
    truth[0, 2, 1] = True
    logits = torch.from_numpy(np.where(truth, 9.0, -9.0)).float()
    assert float(marks_loss(logits, truth)) < 0.01
    assert float(marks_loss(-logits, truth)) > 10
    segments = [[([7, 8, 9], [-100, 9, 2]), ([5, 6], [6, 2])]]
    packed = pack(segments, 4)
    asked = [
        [ImageQuestion("a", ("x",), "x", "k", (1,)), ImageQuestion("b", ("x",), "x", "k", (0,))]
    ]
    attention = torch.full((1, 3, 9, 9), 0.01)
    there, away = attention.clone(), attention.clone()
    there[0, :, 5, 2] = 0.9  # the last token of the first question looks at the third patch
    away[0, :, 4, 2] = away[0, :, 6, 2] = away[0, :, 5, 1] = 0.9
    assert float(looking_loss(there, packed, asked, truth)) == pytest.approx(0.104, abs=0.01)
    assert float(looking_loss(away, packed, asked, truth)) > 4
    nothing = np.zeros((1, 4, 2), bool)
    assert float(looking_loss(there, packed, asked, nothing)) == 0
