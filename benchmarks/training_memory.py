"""Peak memory of a training step by method, beside full AdamW in the same run.

    python benchmarks/training_memory.py [--hidden 512] [--layers 8] [--steps 3]
    python benchmarks/training_memory.py --table

Each method trains a randomly initialised LLaMA for a few steps in a process of its own, which says
how far its resident memory was at most, from the second step on, above what it was before the
model was made. That holds activations, products and what the allocator keeps, and the search for
subspaces, which is done at every step here. Beside it stand the bytes that ``memory.measure`` sums
just before the last optimizer step, and those of ``memory.estimate``. Linux only.

With ``--table`` nothing is trained: the estimate stands beside the published one (Q-GaLore, arXiv
2407.08296, table 1, which gives ranks of 128, 256, 256 and 512; the script released for the
largest model has 1024).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import Any

METHODS: dict[str, dict[str, Any]] = {
    "full": {},
    "adamw8bit": {},
    "adamw8bit, fused backward": {"fused_backward": True},
    "galore": {"rank": 0.25},
    "qgalore": {"rank": 0.25},
    "qgalore, fused backward": {"rank": 0.25, "fused_backward": True},
    "lora": {"rank": 0.03125},
    "qlora": {"rank": 0.03125},
}
"""What is trained; ranks as shares of the width."""


PUBLISHED = {
    "60M": ((512, 1376, 8), (128,), (0.36, 0.24, 0.18)),
    "130M": ((768, 2048, 12), (256,), (0.76, 0.52, 0.39)),
    "350M": ((1024, 2736, 24), (256,), (2.06, 1.22, 0.88)),
    "1B": ((2048, 5461, 24), (512, 1024), (7.80, 4.38, 3.08)),
}
"""Width, inner width and blocks; ranks; gigabytes of full training, GaLore and Q-GaLore."""


def print_table() -> None:
    """Prints estimates of weights, states and projections beside the published ones."""
    from surefoot.sparsity.training.memory import estimate, llama_shapes

    print(
        "| model | rank | full, GB | published | GaLore, GB | published "
        "| Q-GaLore, GB | published |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    layouts: tuple[Any, ...] = ("full", "galore", "qgalore")
    for name, (size, ranks, published) in PUBLISHED.items():
        for rank in ranks:
            cells = []
            for layout, told in zip(layouts, published, strict=True):
                found = estimate(
                    llama_shapes(*size),
                    layout,
                    rank,
                    weight_bytes=2,
                    state_bytes=2,
                    overhead=False,
                )
                cells.append(f"{found.persistent / 1e9:.2f} | {told:.2f}")
            print(f"| {name} | {rank} | {' | '.join(cells)} |")


def resident(name: str) -> int:
    """Returns the bytes that this process has in memory (``VmRSS``) or had at most (``VmHWM``)."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith(name))
    return int(line.split()[1]) * 1024


def forget_peak() -> None:
    """Makes the kernel take the highest resident memory from now on."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def train(name: str, hidden: int, layers: int, steps: int) -> dict[str, float]:
    """Trains in this process and returns megabytes."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from surefoot.sparsity.training.memory import estimate, shapes_of
    from surefoot.sparsity.training.methods import linear_targets
    from surefoot.sparsity.training.recover import recover
    from surefoot.sparsity.training.settings import RecoverSettings

    torch.set_num_threads(1)
    options = dict(METHODS[name])
    if "rank" in options:
        options["rank"] = int(options["rank"] * hidden)
    method: Any = name.partition(",")[0]
    settings = RecoverSettings(
        method=method, steps=steps, clip=None, interval=1, threshold=1.0, **options
    )
    config = LlamaConfig(
        vocab_size=4096,
        hidden_size=hidden,
        intermediate_size=hidden * 43 // 16,
        num_hidden_layers=layers,
        num_attention_heads=8,
        max_position_embeddings=128,
    )
    tokens = torch.randint(0, 4096, (2, 64), generator=torch.Generator().manual_seed(0))
    warm = torch.nn.Linear(64, 64)
    torch.linalg.eigh(torch.eye(64, dtype=torch.float64))
    warm(torch.randn(4, 64)).sum().backward()
    before, peak = resident("VmRSS"), 0

    def on_progress(step: int, *_: Any) -> None:
        nonlocal peak
        peak = resident("VmHWM")
        if step == 1:
            forget_peak()

    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    shapes = shapes_of(model, set(linear_targets(model, settings)))
    guess = estimate(shapes, method, settings.rank or 0)
    report = recover(
        model, [{"input_ids": tokens, "labels": tokens}], settings, progress=on_progress
    )
    memory = report.memory
    assert memory is not None
    fused = settings.fused_backward
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "peak": (peak - before) / 1e6,
        "measured": memory.total / 1e6,
        "estimated": (guess.persistent if fused else guess.total) / 1e6,
    }


def main() -> None:
    """Reads the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--only", choices=METHODS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.table:
        print_table()
        return
    if given.only:
        print(json.dumps(train(given.only, given.hidden, given.layers, given.steps)))
        return
    print("| method | peak, MB | of full | summed, MB | estimated, MB |")
    print("|---|--:|--:|--:|--:|")
    full = 0.0
    for name in METHODS:
        told = subprocess.run(
            [
                sys.executable,
                __file__,
                "--hidden",
                str(given.hidden),
                "--layers",
                str(given.layers),
                "--steps",
                str(given.steps),
                "--only",
                name,
            ],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"},  # what is freed, is given back
        ).stdout
        found = json.loads(told.splitlines()[-1])
        full = full or found["peak"]
        print(
            f"| {name} | {found['peak']:.0f} | {found['peak'] / full:.2f} "
            f"| {found['measured']:.0f} | {found['estimated']:.0f} |",
            flush=True,
        )
    print(f"\n{found['parameters'] / 1e6:.1f} million parameters")


if __name__ == "__main__":
    main()
