"""Trains a small LLaMA-architecture model to plan; an interrupted training resumes."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefoot.core.files import write_atomic
from surefoot.core.progress import Progress, silent
from surefoot.models.backends.hf import NOTES_NAME
from surefoot.models.training.data import Example, draw
from surefoot.models.training.schedule import CURVE_NAME, check_recipe, rate_fraction

if TYPE_CHECKING:
    import torch

_VALIDATION_BATCHES = 8
_STATE_NAME = "state.pt"
_SPECIAL = ("<pad>", "<s>", "</s>")


@dataclass(frozen=True)
class PlannerRecipe:
    """How a model is trained; the same recipe and seed give the same model.

    Attributes:
        hidden: Width.
        layers: Depth.
        heads: Attention heads.
        context: Longest text in tokens.
        vocabulary: Tokens of the byte-level BPE.
        batch: Examples per step.
        steps: Steps of the whole schedule.
        rate: Peak learning rate; rises over the first 2 % and falls as a cosine to 2 %.
        seed: Seed of weights and data.
        start: Folder of a model to start from, whose shape and tokenizer are kept; ``""`` for
            random weights.
    """

    hidden: int = 128
    layers: int = 4
    heads: int = 4
    context: int = 768
    vocabulary: int = 1024
    batch: int = 32
    steps: int = 4500
    rate: float = 2e-3
    seed: int = 0
    start: str = ""

    def draw(self, split: str, seed: int) -> Iterator[Example]:
        """Yields examples of a split endlessly.

        Args:
            split: ``train``, ``validation`` or ``test``.
            seed: Seed of the draw.
        """
        return draw(split, seed)


def train_planner(
    recipe: PlannerRecipe,
    out: Path,
    *,
    style: str = "compact",
    minutes: float = 0.0,
    progress: Progress = silent,
) -> Path:
    """Trains, resuming an interrupted training, and exports the model.

    Args:
        recipe: How it is trained.
        out: Folder for the state, the curve and, in ``model/``, the exported model.
        style: Style of the prompts that the recipe draws; noted beside the model.
        minutes: Stop after this many minutes, to be resumed later; 0 for no limit.
        progress: Called with every point of the learning curve; both losses are in its text.

    Returns:
        The folder of the exported model.

    Raises:
        InputError: The folder holds another recipe's training.
    """
    import torch
    from transformers import LlamaForCausalLM

    out.mkdir(parents=True, exist_ok=True)
    check_recipe(asdict(recipe), out)
    torch.manual_seed(recipe.seed)
    model: Any
    if recipe.start:
        model, tokenizer = load_for_training(Path(recipe.start))
    else:
        tokenizer = _tokenizer(recipe, out)
        model = LlamaForCausalLM(_config(recipe))
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, weight_decay=0.05)
    batches = _batches(recipe, tokenizer, "train")
    step = 0
    state = out / _STATE_NAME
    if state.is_file():
        saved = torch.load(state, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step = int(saved["step"])
        for _ in range(step):
            next(batches)
    validation_batches = _batches(recipe, tokenizer, "validation")
    held = [next(validation_batches) for _ in range(_VALIDATION_BATCHES)]
    begun = saved_at = time.monotonic()
    total = 0.0
    count = 0
    while step < recipe.steps:
        model.train()
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * rate_fraction(step, recipe.steps)
        loss: Any = _loss(model, *next(batches))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        total, count = total + float(loss.detach()), count + 1
        now = time.monotonic()
        out_of_time = bool(minutes) and now - begun > 60 * minutes
        if step % 100 == 0 or step == recipe.steps or out_of_time:
            model.eval()
            with torch.inference_mode():
                validation = sum(float(_loss(model, *b)) for b in held) / len(held)
            line = {"step": step, "loss": total / count, "validation": validation}
            with (out / CURVE_NAME).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            losses = f"loss {total / count:.4f}, validation {validation:.4f}"
            progress(step, recipe.steps, losses)
            total, count = 0.0, 0
        if now - saved_at > 120 or step == recipe.steps or out_of_time:
            partial = state.with_suffix(".tmp")
            torch.save(
                {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step},
                partial,
            )
            partial.replace(state)
            saved_at = now
        if out_of_time:
            break
    return export_model(model, tokenizer, out / "model", style, recipe.context // 2)


def load_for_training(folder: Path) -> tuple[Any, Any]:
    """Returns a model in single precision, and its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, **options
    )
    return model, AutoTokenizer.from_pretrained(folder, **options)


def trained_steps(out: Path) -> int:
    """Returns the number of finished steps of a training."""
    lines = (out / CURVE_NAME).read_text(encoding="utf-8").splitlines()
    return int(json.loads(lines[-1])["step"]) if lines else 0


def _config(recipe: PlannerRecipe) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=recipe.vocabulary,
        hidden_size=recipe.hidden,
        intermediate_size=3 * recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=recipe.context,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )


def _tokenizer(recipe: PlannerRecipe, out: Path) -> Any:
    """Trains a byte-level BPE on the training texts, so that any name can be written."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    path = out / "tokenizer-base.json"
    if not path.is_file():
        tokenizer = Tokenizer(models.BPE())
        # Words keep their brackets: a fact such as "(on b1 b2)" is then three tokens, not seven.
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(r"\s?\S+|\s"), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=recipe.vocabulary,
            special_tokens=list(_SPECIAL),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        source = recipe.draw("train", recipe.seed)
        examples = [next(source) for _ in range(2000)]
        tokenizer.train_from_iterator((e.prompt + e.answer for e in examples), trainer)
        tokenizer.save(str(path))
    make: Any = PreTrainedTokenizerFast
    return make(
        tokenizer_file=str(path),
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        padding_side="left",
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )


def _batches(
    recipe: PlannerRecipe, tokenizer: Any, split: str
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yields token ids and labels; texts within a batch have similar lengths."""
    source = recipe.draw(split, recipe.seed)
    rng = random.Random(f"{split}:{recipe.seed}")
    while True:
        pool: list[tuple[list[int], int]] = []
        while len(pool) < 16 * recipe.batch:
            ids, start = _encode(next(source), tokenizer)
            if len(ids) <= recipe.context:
                pool.append((ids, start))
        pool.sort(key=lambda item: len(item[0]))
        parts = [pool[i : i + recipe.batch] for i in range(0, len(pool), recipe.batch)]
        rng.shuffle(parts)
        for part in parts:
            yield _padded(part)


def _encode(example: Example, tokenizer: Any) -> tuple[list[int], int]:
    prompt = tokenizer(example.prompt)["input_ids"]
    answer = tokenizer(example.answer)["input_ids"]
    return [*prompt, *answer, tokenizer.eos_token_id], len(prompt)


def _padded(part: list[tuple[list[int], int]]) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    width = max(len(ids) for ids, _ in part)
    tokens = torch.zeros(len(part), width, dtype=torch.long)
    labels = torch.full((len(part), width), -100)
    for row, (ids, start) in enumerate(part):
        tokens[row, : len(ids)] = torch.tensor(ids)
        labels[row, start : len(ids)] = torch.tensor(ids[start:])
    return tokens, labels


def _loss(model: Any, tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Returns the cross-entropy over the answers, for texts that are padded on the right."""
    import torch

    logits = model(input_ids=tokens).logits[:, :-1]
    return torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), labels[:, 1:].reshape(-1), ignore_index=-100
    )


def export_model(model: Any, tokenizer: Any, folder: Path, style: str, max_new_tokens: int) -> Path:
    """Writes a model as float16 safetensors, with its tokenizer and notes.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        folder: Where to write it.
        style: Style of the prompts that it reads.
        max_new_tokens: Maximum number of tokens of an answer.

    Returns:
        The folder.
    """
    import copy

    import torch

    folder.mkdir(parents=True, exist_ok=True)
    copy.deepcopy(model).to(torch.float16).save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    notes = {"prompt_style": style, "max_new_tokens": max_new_tokens}
    write_atomic(folder / NOTES_NAME, json.dumps(notes) + "\n")
    return folder
