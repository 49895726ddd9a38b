"""What a memory budget for experts costs a refactored planner, a token at a time.

    python benchmarks/expert_budget.py FOLDER [--tasks N] [--tokens N] [--dense FOLDER]
        [--traces FILE]

``FOLDER`` is a model that ``surefoot refactor`` made. Tasks that the planner never learned from are
planned one after another, with room for all experts, for two and for one of the largest size, by
every policy, from disk and from host memory. The words must be the same each time. ``--dense`` adds
the model that it was made of; ``--traces`` writes the experts of each task's tokens for
``expert_serving.py``. The page cache is not dropped: what is measured is reading and
copying, not the disk.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import StoppingCriteria, StoppingCriteriaList

from surefoot.models.backends.hf import HFModel
from surefoot.models.training.data import TRAIN_SIZES, unseen_instances
from surefoot.pddl.compact import compact_prompt
from surefoot.sparsity.experts.attending import ExpertAttendant, attend
from surefoot.sparsity.experts.caching import CacheCounts
from surefoot.sparsity.experts.policies import POLICIES, make_policy
from surefoot.sparsity.experts.store import ExpertStore


class Clock(StoppingCriteria):
    """Notes when each token came."""

    def __init__(self) -> None:
        self.times = [time.perf_counter()]

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> Any:
        """Ends nothing."""
        self.times.append(time.perf_counter())
        return torch.zeros(len(input_ids), dtype=torch.bool)


def planned(
    model: HFModel, prompts: Sequence[str], tokens: int, attendant: ExpertAttendant | None
) -> tuple[list[str], list[float], list[float]]:
    """Returns the answers, the seconds to each first token, and those to each later one."""
    texts, first, later = [], [], []
    for prompt in prompts:
        inputs = model.encode([prompt])
        clock = Clock()
        if attendant is not None:
            attendant.begins(inputs["input_ids"], inputs["attention_mask"])
        with torch.inference_mode():
            out = model.network.generate(
                **inputs,
                max_new_tokens=tokens,
                do_sample=False,
                use_cache=True,
                pad_token_id=model.tokenizer.pad_token_id,
                stopping_criteria=StoppingCriteriaList([clock]),
            )
        texts.append(model.tokenizer.decode(out[0, inputs["input_ids"].shape[1] :]))
        steps = np.diff(clock.times).tolist()
        first.append(steps[0])
        later += steps[1:]
    return texts, first, later


def told(
    name: str, first: Sequence[float], later: Sequence[float], done: CacheCounts | None = None
) -> None:
    """Prints a row."""
    columns = [f"{1e3 * np.percentile(first, q):.1f}" for q in (50, 95)]
    columns += [f"{1e3 * np.percentile(later, q):.1f}" for q in (50, 95)]
    if done is None:
        columns += [""] * 4
    else:
        columns += [
            f"{100 * (done.hit_ratio or 0):.1f}",
            str(done.loads),
            f"{done.bytes_loaded / 1e6:.0f}",
            f"{done.wait_s:.2f}",
        ]
    print(f"| {name} | {' | '.join(columns)} |", flush=True)


def main() -> None:
    """Prints a row for each way to serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tasks", type=int, default=40)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--dense", type=Path)
    parser.add_argument("--traces", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    each = -(-given.tasks // len(TRAIN_SIZES))
    tasks = [
        i.task
        for domain, sizes in TRAIN_SIZES.items()
        for i in unseen_instances(domain, sizes[0], each, 0)
    ]
    prompts = [compact_prompt(task) for task in tasks][: given.tasks]
    store = ExpertStore(given.folder, dtype=torch.float32)
    sizes = [store.bytes_of(i) for i in range(store.experts)]
    print(
        f"{len(prompts)} tasks; {store.experts} experts of {min(sizes) / 1e6:.2f} to "
        f"{max(sizes) / 1e6:.2f} MB\n"
    )
    print(
        "| experts | first token p50 ms | p95 ms | later tokens p50 ms | p95 ms | hits % | loads "
        "| MB loaded | waited s |\n|---|" + "--:|" * 8
    )
    if given.dense is not None:
        told(
            "dense model",
            *planned(HFModel(str(given.dense), device="cpu"), prompts, given.tokens, None)[1:],
        )
    whole = HFModel(str(given.folder), device="cpu")
    expected, first, later = planned(whole, prompts, given.tokens, None)
    told("all, in the model", first, later)
    if given.traces is not None:
        texts = [p + t for p, t in zip(prompts, expected, strict=True)]
        with torch.inference_mode():
            routed = [whole.network.route(whole.encode([t])["input_ids"])[0] for t in texts]
        given.traces.write_text(json.dumps([r.tolist() for r in routed]))
    for kind, memory in (("disk", False), ("host memory", True)):
        place = ExpertStore(given.folder, in_memory=memory, dtype=torch.float32)
        for room, budget in (("all", sum(sizes)), ("two", 2 * max(sizes)), ("one", max(sizes))):
            for name in POLICIES if room == "two" else ("lookahead",):
                model = HFModel(str(given.folder), device="cpu")
                attendant = attend(model.network, place, budget, make_policy(name))
                found, first, later = planned(model, prompts, given.tokens, attendant)
                assert found == expected, "the budget changed what the planner says"
                told(f"room for {room}, {kind}, {name}", first, later, attendant.cached)
                attendant.close()


if __name__ == "__main__":
    main()
