"""Executed-plan validity of the small local planner on tasks that it never learned from.

    python benchmarks/local_planner.py [FOLDER] [N]

Test-split tasks of the training sizes, then held-out larger sizes; greedy decoding.
"""

from __future__ import annotations

import sys
import time

from surefoot.core.chat import Message, Request
from surefoot.models.backends.hf import HFModel
from surefoot.models.shipped import LOCAL_PLANNER
from surefoot.models.training.data import HELD_OUT, TRAIN_SIZES, unseen_instances
from surefoot.pddl import validate
from surefoot.pddl.compact import compact_prompt
from surefoot.pddl.extract import extract
from surefoot.results.statistics import wilson


def main(folder: str, count: int) -> None:
    """Prints a row for every domain and size."""
    model = HFModel(folder, batch=16)
    print("| domain | size | learned from | n | valid | 95 % | steps executable | s per task |")
    print("|---|--:|---|--:|--:|---|--:|--:|")
    for domain, learned in TRAIN_SIZES.items():
        for size in (*learned, *HELD_OUT.get(domain, ())):
            instances = unseen_instances(domain, size, count, 0)
            if not instances:
                continue
            asked = [Request((Message("user", compact_prompt(i.task)),), 320) for i in instances]
            begun = time.perf_counter()
            valid, share = 0, 0.0
            for i, completion in model.generate(asked):
                found = extract(completion.text, instances[i].task)
                if found.chosen is None:
                    continue
                verdict = validate(instances[i].task, found.chosen.plan)
                valid += verdict.valid
                share += verdict.executable_prefix / max(1, verdict.steps)
            n = len(instances)
            spent = (time.perf_counter() - begun) / n
            interval = wilson(valid, n)
            print(
                f"| {domain} | {size} | {'yes' if size in learned else 'no'} | {n} "
                f"| {100 * valid / n:.0f} % | {100 * interval.low:.0f}-{100 * interval.high:.0f} "
                f"| {100 * share / n:.0f} % | {spent:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main(
        sys.argv[1] if len(sys.argv) > 1 else str(LOCAL_PLANNER),
        int(sys.argv[2]) if len(sys.argv) > 2 else 50,
    )
