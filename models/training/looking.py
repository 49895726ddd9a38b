"""The small image-text model: its architecture, tokenizer, processor and exported folder.

It is a LLaVA of the transformers library: a LeViT as the vision tower (convolutions before
attention learn from few images; Graham et al. 2021, Xiao et al. 2021), a two-layer projector,
and a small LLaMA that reads the image, then the question, and writes the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surefoot.core.files import write_atomic
from surefoot.models.backends.hf import NOTES_NAME

PATCH = 16
"""Side of the image patch of one token, in pixels."""

SPECIAL = ("<pad>", "<s>", "</s>", "<image>")

TEMPLATE = (
    "{% for m in messages %}{% for part in m.content %}{% if part.type == 'image' %}<image>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}{% if m.role == 'assistant' %}</s>"
    "{% endif %}{% endfor %}"
)
"""An image, a question, the answer."""

_PIECES = (
    r"Where is the|Is the|Looking \w+| to turn \w+| to go straight on| [^?]*\?"
    r"|on the table|(on|in) the|open or closed\?|held by the hand|red or yellow|(no|green) \w+"
    r"|\s?\w+|\s?[^\s\w]+|\s"
)
"""Pieces of text that may become one token.

A question ends with one token for all that is asked for, so that one attention step can find it:
with a token for every word the model must first learn to gather them, which it had not after 24,000
images. Answers are made of parts (in the, red, bin), since there are many and most are rare: as
wholes, only the frequent ones were learned in 1,000 steps.
"""


@dataclass(frozen=True, slots=True)
class PerceptionShape:
    """Size of the model.

    Attributes:
        picture: Width and height of images in pixels, a multiple of 16.
        hidden: Width of all layers, a multiple of 32.
        vision_layers: Depth of the vision tower.
        text_layers: Depth of the language model, at least 2, since the second is supervised.
        vocabulary: Tokens; 256 are bytes, so that any text can be read.
    """

    picture: int = 160
    hidden: int = 192
    vision_layers: int = 4
    text_layers: int = 4
    vocabulary: int = 768

    @property
    def image_tokens(self) -> int:
        """Tokens per image."""
        return (self.picture // PATCH) ** 2


def make_model(shape: PerceptionShape) -> Any:
    """Makes the model with random weights, from torch's own seed."""
    from transformers import (
        LevitConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
    )

    width, heads = shape.hidden, shape.hidden // 32
    make_vision: Any = LevitConfig
    vision = make_vision(
        image_size=shape.picture,
        patch_size=PATCH,
        hidden_sizes=[width, width],
        num_attention_heads=[heads, heads],
        depths=[shape.vision_layers],
        key_dim=[16, 16],
        mlp_ratio=[2, 2],
        attention_ratio=[2, 2],
        down_ops=[[""]],
        hidden_size=width,
    )
    text = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=width,
        intermediate_size=width * 8 // 3 // 16 * 16,
        num_hidden_layers=shape.text_layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.05,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=SPECIAL.index("<image>"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        image_seq_length=shape.image_tokens,
    )
    model = LlavaForConditionalGeneration(config)
    _begin(model.model.vision_tower)
    return model


def _begin(tower: Any) -> None:
    """Initialises a LeViT as published (Graham et al. 2021).

    Every block starts as the identity, so that the convolutions' features pass through. The
    library omits this: the loss of the marks was then 1.15 after 120 steps, with it 0.89.
    """
    import torch

    for name, module in tower.named_modules():
        if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)):
            torch.nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
        elif name.endswith(("projection.batch_norm", "linear_down.batch_norm")):
            torch.nn.init.zeros_(module.weight)


def make_tokenizer(shape: PerceptionShape, texts: Iterable[str]) -> Any:
    """Trains a byte-level BPE in which frequent words and phrases are one token."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    base.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=shape.vocabulary,
        special_tokens=list(SPECIAL),
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    base.train_from_iterator(texts, trainer)
    make: Any = PreTrainedTokenizerFast
    return make(
        tokenizer_object=base,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=["<image>"],
        padding_side="left",
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )


def make_processor(shape: PerceptionShape, tokenizer: Any) -> Any:
    """Makes the processor of images and questions into the model's inputs."""
    from transformers import LlavaProcessor
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    side = {"height": shape.picture, "width": shape.picture}
    make_images: Any = ViTImageProcessorPil
    make: Any = LlavaProcessor
    return make(
        image_processor=make_images(size=side),
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="full",
        image_token="<image>",
        num_additional_image_tokens=0,
        chat_template=TEMPLATE,
    )


def export(
    model: Any, shape: PerceptionShape, tokenizer: Any, folder: Path, notes: dict[str, Any]
) -> Path:
    """Writes the model in half precision with its processor and notes.

    Args:
        model: The model; it is not changed.
        shape: Its size.
        tokenizer: Its tokenizer.
        folder: Where to.
        notes: What ``surefoot.json`` says about it.
    """
    import copy

    import torch

    folder.mkdir(parents=True, exist_ok=True)
    copy.deepcopy(model).to(torch.float16).save_pretrained(folder, safe_serialization=True)
    make_processor(shape, tokenizer).save_pretrained(folder)
    write_atomic(folder / NOTES_NAME, json.dumps(notes, indent=2) + "\n")
    return folder
