"""Fine-tuning of a causal model on texts or on preferences, in full or by low-rank adapters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from surefoot.core.errors import InputError
from surefoot.core.extras import require
from surefoot.core.files import write_atomic
from surefoot.core.progress import Progress, silent
from surefoot.models.backends.hf import HFModel
from surefoot.models.training.planner import export_model, load_for_training
from surefoot.models.training.schedule import CURVE_NAME

if TYPE_CHECKING:
    import torch

Method = Literal["sft", "dpo"]
Adapter = Literal["lora", "full"]

_LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_STATE = "tuning.pt"


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """Two answers to one prompt, the better one first.

    Attributes:
        prompt: What the model reads.
        chosen: The better answer.
        rejected: The worse answer; ``""`` where there is only one (supervised tuning).
    """

    prompt: str
    chosen: str
    rejected: str = ""


@dataclass(frozen=True)
class TuningRecipe:
    """How a model is tuned; the same recipe, model and pairs give the same model.

    Attributes:
        method: ``sft``, cross-entropy of the chosen answers, or ``dpo``.
        adapter: ``lora``, or ``full`` for all weights.
        steps: Steps.
        batch: Pairs per step.
        rate: Learning rate, falling linearly to 0.
        beta: Strength of DPO's tie to the initial model.
        anchor: Weight of the cross-entropy of the chosen answers beside the loss of DPO, which
            alone lowers the probability of both answers (Pang et al., arXiv 2404.19733,
            equation 1); 0 for plain DPO.
        rank: Rank of the adapters; they are scaled by 2.
        seed: Seed of adapters and order.
    """

    method: Method = "sft"
    adapter: Adapter = "full"
    steps: int = 200
    batch: int = 16
    rate: float = 3e-4
    beta: float = 0.5
    anchor: float = 2.0
    rank: int = 16
    seed: int = 0


def dpo_loss(
    chosen: torch.Tensor,
    rejected: torch.Tensor,
    reference_chosen: torch.Tensor,
    reference_rejected: torch.Tensor,
    beta: float,
) -> torch.Tensor:
    """Mean of the loss of direct preference optimisation.

    Args:
        chosen: Log-probability of each chosen answer under the model, shape [pairs].
        rejected: The same of the rejected answers.
        reference_chosen: The same of the chosen answers under the reference model.
        reference_rejected: The same of the rejected answers.
        beta: Strength of the tie to the reference model.

    Source: Rafailov et al., arXiv 2305.18290, equation 7.
    """
    import torch

    gain = (chosen - reference_chosen) - (rejected - reference_rejected)
    return -torch.nn.functional.logsigmoid(beta * gain).mean()


def answer_logprobs(model: Any, tokenizer: Any, texts: Sequence[tuple[str, str]]) -> torch.Tensor:
    """Returns the log-probability of each answer, with its end, after its prompt.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        texts: Prompts with answers.

    Returns:
        Shape [texts].
    """
    import torch

    tokens, labels = _padded(tokenizer, texts)
    logits = model(input_ids=tokens).logits[:, :-1]
    targets = labels[:, 1:]
    logs = torch.log_softmax(logits, -1).gather(-1, targets.clamp_min(0).unsqueeze(-1))
    return (logs.squeeze(-1) * (targets >= 0)).sum(-1)


def tune(
    base: Path,
    pairs: Sequence[PreferencePair],
    recipe: TuningRecipe,
    out: Path,
    *,
    minutes: float = 0.0,
    progress: Progress = silent,
) -> Path | None:
    """Tunes a model, resuming an interrupted tuning, and exports it.

    Args:
        base: Folder of the model.
        pairs: Training pairs; for ``dpo`` each with a rejected answer.
        recipe: How it is trained.
        out: Folder for the state, the curve and, in ``model/``, the model, adapters merged.
        minutes: Stop after this many minutes, to be resumed later; 0 for no limit.
        progress: Called with every point of the learning curve; the mean loss is in its text.

    Returns:
        The folder of the model; None if time ran out before the last step.

    Raises:
        InputError: There is nothing to learn from, another tuning lies in the folder, or the
            package for adapters is missing.
    """
    import time

    import torch

    if not pairs:
        raise InputError("there is nothing to tune on; sample more plans or scenes")
    if recipe.method == "dpo" and not all(p.rejected for p in pairs):
        raise InputError("preferences need a rejected answer in every pair")
    out.mkdir(parents=True, exist_ok=True)
    _check_recipe(recipe, pairs, out)
    source = HFModel(str(base))
    model, tokenizer = load_for_training(base)
    torch.manual_seed(recipe.seed)
    model = adapted(model, recipe)
    weights = [p for p in model.parameters() if p.requires_grad]
    reference = _reference(model, tokenizer, pairs) if recipe.method == "dpo" else None
    optimizer = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=0.0)
    step = _restore(out / _STATE, weights, optimizer)
    order = _order(len(pairs), recipe)
    for _ in range(step):
        next(order)
    begun, total, count = time.monotonic(), 0.0, 0
    model.train()
    while step < recipe.steps:
        picked = next(order)
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * (1 - step / recipe.steps)
        loss: Any = _loss(
            model,
            tokenizer,
            [pairs[i] for i in picked],
            recipe,
            None if reference is None else reference[picked],
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        step, total, count = step + 1, total + float(loss.detach()), count + 1
        late = bool(minutes) and time.monotonic() - begun > 60 * minutes
        if step % 25 == 0 or step == recipe.steps or late:
            with (out / CURVE_NAME).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, "loss": total / count}) + "\n")
            progress(step, recipe.steps, f"loss {total / count:.4f}")
            total, count = 0.0, 0
            _save(out / _STATE, weights, optimizer, step)
        if late and step < recipe.steps:
            return None
    model.eval()
    merged = model.merge_and_unload() if recipe.adapter == "lora" else model
    return export_model(
        merged, tokenizer, out / "model", source.notes.prompt_style, source.notes.max_new_tokens
    )


def _loss(
    model: Any,
    tokenizer: Any,
    pairs: Sequence[PreferencePair],
    recipe: TuningRecipe,
    reference: torch.Tensor | None,
) -> torch.Tensor:
    texts = [(p.prompt, p.chosen) for p in pairs]
    if reference is not None:
        texts += [(p.prompt, p.rejected) for p in pairs]
    found = answer_logprobs(model, tokenizer, texts)
    half = len(pairs)
    tokens = sum(len(tokenizer(p.chosen)["input_ids"]) + 1 for p in pairs)
    supervised = -found[:half].sum() / tokens
    if reference is None:
        return supervised
    loss = dpo_loss(found[:half], found[half:], reference[:, 0], reference[:, 1], recipe.beta)
    return loss + recipe.anchor * supervised if recipe.anchor else loss


def adapted(model: Any, recipe: TuningRecipe) -> Any:
    """Returns the model with its trainable weights enabled: adapters, or all of them.

    Raises:
        InputError: Adapters are requested, and peft is not installed.
    """
    if recipe.adapter == "full":
        return model.requires_grad_(True)
    require("peft")
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=recipe.rank, lora_alpha=2 * recipe.rank, target_modules=_LAYERS, task_type="CAUSAL_LM"
    )
    found: Any = get_peft_model(model, config)
    return found


def _reference(model: Any, tokenizer: Any, pairs: Sequence[PreferencePair]) -> torch.Tensor:
    """Returns log-probabilities under the untuned model, shape [pairs, 2]."""
    import torch

    model.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(pairs), 32):
            part = pairs[start : start + 32]
            chosen = answer_logprobs(model, tokenizer, [(p.prompt, p.chosen) for p in part])
            worse = answer_logprobs(model, tokenizer, [(p.prompt, p.rejected) for p in part])
            found.append(torch.stack([chosen, worse], 1))
    return torch.cat(found).clone()


def _order(count: int, recipe: TuningRecipe) -> Iterator[list[int]]:
    rng = Random(f"tuning:{recipe.seed}")
    left: list[int] = []
    while True:
        while len(left) < recipe.batch:
            fresh = list(range(count))
            rng.shuffle(fresh)
            left += fresh
        yield left[: recipe.batch]
        del left[: recipe.batch]


def _padded(tokenizer: Any, texts: Sequence[tuple[str, str]]) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    rows = []
    for prompt, answer in texts:
        asked = tokenizer(prompt)["input_ids"]
        rows.append(([*asked, *tokenizer(answer)["input_ids"], tokenizer.eos_token_id], len(asked)))
    width = max(len(ids) for ids, _ in rows)
    tokens = torch.full((len(rows), width), int(tokenizer.pad_token_id or 0))
    labels = torch.full((len(rows), width), -1)
    for row, (ids, start) in enumerate(rows):
        tokens[row, : len(ids)] = torch.tensor(ids)
        labels[row, start : len(ids)] = torch.tensor(ids[start:])
    return tokens, labels


def _check_recipe(recipe: TuningRecipe, pairs: Sequence[PreferencePair], out: Path) -> None:
    import hashlib

    texts = "\0".join(f"{p.prompt}\0{p.chosen}\0{p.rejected}" for p in pairs)
    record = asdict(recipe) | {"pairs": hashlib.sha256(texts.encode()).hexdigest()}
    path, text = out / "tuning.json", json.dumps(record, indent=2) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise InputError("another tuning lies here; choose another --out", file=str(out))
    write_atomic(path, text)


def _restore(path: Path, weights: list[Any], optimizer: Any) -> int:
    import torch

    if not path.is_file():
        return 0
    saved = torch.load(path, weights_only=True)
    with torch.no_grad():
        for weight, value in zip(weights, saved["weights"], strict=True):
            weight.copy_(value)
    optimizer.load_state_dict(saved["optimizer"])
    return int(saved["step"])


def _save(path: Path, weights: list[Any], optimizer: Any, step: int) -> None:
    import torch

    partial = path.with_suffix(".tmp")
    state = {"weights": [w.detach() for w in weights], "optimizer": optimizer.state_dict()}
    torch.save(state | {"step": step}, partial)
    partial.replace(path)
