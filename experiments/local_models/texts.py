"""Calibration texts for models: of the corpus that they learned from, or of a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from surefoot.agents.planning.learning.corpus import AgentRecipe
from surefoot.agents.planning.prompts import STYLE
from surefoot.core.errors import InputError
from surefoot.models.backends.hf import HFModel
from surefoot.models.training.data import Example, draw
from surefoot.sparsity.engine.calibration import Calibration, Tokens, tokenized
from surefoot.sparsity.recipe import CompressionRecipe

SPARE = 3
"""Texts drawn per text wanted, so that those too long for the model can be left out."""


def own_texts(
    model: Path, recipe: CompressionRecipe
) -> tuple[Sequence[Tokens] | Calibration, str] | None:
    """Returns calibration texts for a model that learned from this project's own corpora.

    Planners get texts of their training split, of which the answers are to be predicted; vision-
    language models get images of drawn scenes with questions about them.

    Args:
        model: The model's folder.
        recipe: Number of texts wanted, their length, and the seed.

    Returns:
        The texts and what they are, ``None`` for a model of another origin.
    """
    source = HFModel(str(model))
    config = json.loads((model / "config.json").read_bytes())
    if "vision_config" in config:
        from surefoot.experiments.local_models.images import asked_images

        return asked_images(model, recipe.calibration, recipe.seed), "drawn scenes"
    style = source.notes.prompt_style
    examples: Iterator[Example]
    if style == "compact":
        examples = draw("train", recipe.seed)
    elif style == STYLE:
        examples = AgentRecipe().draw("train", recipe.seed)
    else:
        return None
    wanted = recipe.calibration.samples + recipe.calibration.held_out
    tokenizer = tokenizer_of(model)
    longest = recipe.calibration.length
    found: list[Tokens] = []
    for example in islice(examples, SPARE * wanted):
        prompt = list(tokenizer(example.prompt)["input_ids"])
        answer = list(tokenizer(example.answer)["input_ids"])
        whole = [*prompt, *answer, tokenizer.eos_token_id]
        if len(whole) <= longest:
            found.append((whole, len(prompt)))
        if len(found) == wanted:
            break
    return found, f"the training split of prompt style '{style}'"


def texts_of(path: Path, model: Path, length: int) -> list[Tokens]:
    """Reads calibration texts from a file.

    Args:
        path: ``.jsonl`` with a text, or an object with an entry ``text``, in each line; any other
            file is one text that is cut into chunks.
        model: Folder of the model whose tokenizer is used.
        length: Tokens per chunk.

    Raises:
        InputError: The file cannot be read, or holds no text.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the calibration texts: {reason}", file=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("not a text file (expected UTF-8)", file=str(path)) from None
    tokenizer = tokenizer_of(model)
    if path.suffix != ".jsonl":
        found = tokenized([text], tokenizer, length)
    else:
        found = tokenized(_lines(text, path), tokenizer)
    if not any(len(ids) > 1 for ids, _ in found):
        raise InputError("no calibration text here", file=str(path))
    return found


def tokenizer_of(model: Path) -> Any:
    """Returns a model's tokenizer.

    Raises:
        InputError: It has none.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(model, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"cannot read the tokenizer: {reason}", file=str(model)) from None


def _lines(text: str, path: Path) -> list[str]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except ValueError:
            raise InputError("not JSON", file=str(path), line=number) from None
        line_text = data.get("text") if isinstance(data, dict) else data
        if not isinstance(line_text, str):
            raise InputError(
                "expected a text, or an object with 'text'", file=str(path), line=number
            )
        found.append(line_text)
    return found
