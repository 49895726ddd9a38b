"""A small image-text model of transformers, by the same path as any other."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from surefoot.core.chat import Message, Request
from surefoot.models.backends.hf import HFModel
from surefoot.models.cache import CachedModel, ResponseCache

torch.set_num_threads(1)
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{% for part in m.content %}"
    "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}\n"
    "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    place = tmp_path_factory.mktemp("llava")
    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>", "<image>"]
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=special,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    base.train_from_iterator(["which colour is the block"] * 10, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=base,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=["<image>"],
    )
    torch.manual_seed(5)
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
        initializer_range=0.5,
    )
    text = LlamaConfig(
        vocab_size=300,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=128,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.3,
    )
    config = LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=3, vision_feature_layer=-1
    )
    LlavaForConditionalGeneration(config).save_pretrained(place)
    LlavaProcessor(
        image_processor=CLIPImageProcessor(
            size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
        ),
        tokenizer=tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        image_token="<image>",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    ).save_pretrained(place)
    return place


def picture(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(file, "PNG")
    return file.getvalue()


def ask(*images: str, text: str = "which colour") -> Request:
    shown = tuple(picture(c) for c in images)
    return Request((Message("user", text, shown),), max_tokens=8)


def test_images_are_looked_at_and_text_alone_still_works(folder: Path) -> None:
    model = HFModel(str(folder), device="cpu")
    assert model.capabilities().images
    asked = [ask("red"), ask("blue"), ask("red"), ask("red", "blue"), ask()]
    found = dict(model.generate(asked))
    assert found[0].text == found[2].text
    assert len({found[i].text for i in (0, 1, 3)}) == 3
    # Four patches an image take the place of its token.
    read = [found[i].usage.prompt_tokens for i in range(5)]
    assert read[0] - read[4] == 4
    assert read[3] - read[0] == 4


def test_options_are_scored_with_the_image_in_view(folder: Path) -> None:
    model = HFModel(str(folder), device="cpu")
    options = ["red", "blue", "green"]
    red, blue = (model.score(ask(c), options) for c in ("red", "blue"))
    assert red.method == "likelihood"
    assert sum(red.probabilities) == pytest.approx(1)
    assert red.probabilities != pytest.approx(blue.probabilities, abs=1e-4)
    again = model.score(ask("red"), options)
    assert again.probabilities == red.probabilities


def test_scores_are_those_of_the_model_itself(folder: Path) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    options = ["red", "blue block"]
    found = HFModel(str(folder), device="cpu").score(ask("red"), options)
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    logs = []
    for option in options:
        prompt = f"<user><image>which colour\n<assistant>{option}"
        image = Image.open(io.BytesIO(picture("red")))
        inputs = processor(text=prompt, images=image, return_tensors="pt")
        count = len(processor.tokenizer(option, add_special_tokens=False)["input_ids"])
        with torch.inference_mode():
            logits = model(**inputs).logits[0, -count - 1 : -1].log_softmax(-1)
        ids = inputs["input_ids"][0, -count:]
        logs.append(float(logits.gather(-1, ids.unsqueeze(-1)).sum()))
    expected = torch.tensor(logs).softmax(0).tolist()
    assert found.probabilities == pytest.approx(expected, abs=1e-4)


def test_many_questions_in_one_batch_score_as_one_by_one(folder: Path) -> None:
    model = HFModel(str(folder), device="cpu")
    asked = [
        ask("red"),
        ask("blue", text="where is it"),
        ask("red", text="is the block red"),
        ask("red", "blue"),
        ask("blue"),
        ask("red", text="which"),
    ]
    options = [
        ["red", "blue block", "green"],
        ["here", "there"],
        ["yes", "no"],
        ["a", "bc"],
        ["red", "blue"],
        ["block", "which colour is the block", "is"],
    ]
    single = [model.score(r, o) for r, o in zip(asked, options, strict=True)]
    batched = model.score_batch(asked, options)
    for one, many in zip(single, batched, strict=True):
        assert many.options == one.options
        assert many.probabilities == pytest.approx(one.probabilities, abs=2e-5)
    assert len({s.probabilities for s in single}) == len(single)
    assert model.score_batch([], []) == []


def test_a_batch_with_and_without_pictures_is_asked_one_by_one(folder: Path) -> None:
    model = HFModel(str(folder), device="cpu")
    asked, options = [ask("red"), ask()], [["red", "blue"]] * 2
    found = model.score_batch(asked, options)
    assert found[0].probabilities == model.score(asked[0], options[0]).probabilities
    assert found[1].probabilities == model.score(asked[1], options[1]).probabilities


def test_batched_scores_are_kept_and_only_missing_ones_asked(folder: Path, tmp_path: Path) -> None:
    model = HFModel(str(folder), device="cpu")
    cached = CachedModel(model, ResponseCache(tmp_path / "answers.sqlite"))
    first = cached.score(ask("red"), ["red", "blue"])
    sent: list[int] = []
    inner = model.score_batch

    def counted(requests, options):  # type: ignore[no-untyped-def]
        sent.append(len(requests))
        return inner(requests, options)

    model.score_batch = counted  # type: ignore[method-assign]
    asked, options = [ask("blue"), ask("red")], [["red", "blue"]] * 2
    both = cached.score_batch(asked, options)
    assert sent == [1]
    assert both[1].probabilities == first.probabilities
    assert both[1].usage.cached
    assert cached.score_batch(asked, options)[0].probabilities == both[0].probabilities
    assert sent == [1]


def test_a_small_model_is_known_by_its_content(folder: Path, tmp_path: Path) -> None:
    copied = tmp_path / "elsewhere"
    shutil.copytree(folder, copied)
    assert HFModel(str(copied)).identity == HFModel(str(folder)).identity
    (copied / "config.json").write_text((copied / "config.json").read_text() + " ")
    assert HFModel(str(copied)).identity != HFModel(str(folder)).identity
