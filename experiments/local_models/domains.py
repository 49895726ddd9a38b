"""Texts of this project's own planners by domain, for experts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from surefoot.agents.planning.learning.corpus import AgentRecipe
from surefoot.agents.planning.prompts import QUESTION, STYLE
from surefoot.core.errors import HarnessError, InputError
from surefoot.experiments.local_models.texts import tokenizer_of
from surefoot.models.backends.hf import HFModel
from surefoot.models.training.data import Example, draw
from surefoot.sparsity.engine.calibration import Tokens

_PATIENCE = 50
"""Most texts drawn per text wanted, until every domain has enough."""


def domain_texts(
    model: Path, count: int, *, least: int, longest: int, split: str = "train", seed: int = 0
) -> dict[str, list[Tokens]]:
    """Draws texts for a planner of this project, in the proportions in which it learned from them.

    The domains of the small planner are those of its tasks; those of the agent's planner its two
    environments, each split into plans and verdicts on plans. Texts longer than a model takes are
    left out. Only answers are to be predicted.

    Args:
        model: The planner's folder.
        count: Approximate number of texts; more if a domain needs them.
        least: Fewest texts of a domain.
        longest: Most tokens of a text.
        split: ``train``, ``validation`` or ``test``.
        seed: Seed of the draw.

    Returns:
        The texts by domain, in alphabetical order.

    Raises:
        InputError: It is no planner of this project.
        HarnessError: A domain is drawn too rarely.
    """
    style = HFModel(str(model)).notes.prompt_style
    examples: Iterator[Example]
    if style == "compact":
        examples = draw(split, seed)
    elif style == STYLE:
        examples = AgentRecipe().draw(split, seed)
    else:
        raise InputError(
            "this is no planner of this project, so its domains are not known; give texts of each "
            "with --texts DOMAIN=FILE",
            file=str(model),
        )
    tokenizer = tokenizer_of(model)
    found: dict[str, list[Tokens]] = {}
    total = 0
    for number, example in enumerate(examples):
        if number > _PATIENCE * max(count, 100):
            raise HarnessError(f"fewer than {least} texts of a domain of {model.name}")
        if total >= count and all(len(texts) >= least for texts in found.values()):
            break
        prompt = list(tokenizer(example.prompt)["input_ids"])
        whole = [*prompt, *tokenizer(example.answer)["input_ids"], tokenizer.eos_token_id]
        if len(whole) <= longest:
            found.setdefault(domain_of(example, style), []).append((whole, len(prompt)))
            total += 1
    return dict(sorted(found.items()))


def domain_of(example: Example, style: str) -> str:
    """Returns the domain of an example of a prompt style."""
    if style != STYLE:
        return example.domain
    return f"{example.domain}-{'verdict' if QUESTION in example.prompt else 'plan'}"
