"""Time of an optimizer step and bytes a parameter, beside torch's AdamW in the same run.

    python benchmarks/optimizer_step.py [--rounds 15]

The parameters are those of four LLaMA blocks of width 320: 5.0 million values in matrices and
norms, with gradients drawn anew for each round. Optimizers take turns, so that what else runs on
the machine hits all of them; medians of processor time on one thread are printed. Subspaces are
looked for in the first step only. Bytes are those of weights and of what the optimizer keeps,
gradients left out.

Then two choices beside what is usual: the search for a subspace beside a singular value
decomposition, and the look-up of the codes of 8-bit averages beside a search among their values.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import nn

from surefoot.sparsity.training.galore import GaLore, QGaLore
from surefoot.sparsity.training.int8 import Int8Weight
from surefoot.sparsity.training.memory import measure
from surefoot.sparsity.training.moments import QuantizedMoment, dynamic_values
from surefoot.sparsity.training.optimizer import AdamW8bit
from surefoot.sparsity.training.packing import quantize
from surefoot.sparsity.training.subspace import basis_of, overlap

WIDTH, INNER, BLOCKS, RANK = 320, 880, 4, 80
SHAPES = ([(WIDTH, WIDTH)] * 4 + [(INNER, WIDTH)] * 2 + [(WIDTH, INNER)]) * BLOCKS
NORMS = [(WIDTH,)] * (2 * BLOCKS + 1)
PEER = "torch AdamW, fused"


class Contestant:
    """An optimizer with parameters of its own."""

    def __init__(self, name: str, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.name = name
        matrices = [nn.Parameter(torch.randn(shape) * 0.02) for shape in SHAPES]
        norms = [nn.Parameter(torch.ones(shape)) for shape in NORMS]
        if name.startswith("Q-GaLore"):
            matrices = [nn.Parameter(Int8Weight(quantize(m, 8), m.dtype)) for m in matrices]
        self.parameters = [*matrices, *norms]
        groups: list[Any] = [{"params": matrices, "rank": RANK}, {"params": norms}]
        makers: dict[str, Any] = {
            PEER: lambda: torch.optim.AdamW(self.parameters, 1e-4, fused=True),
            "torch AdamW": lambda: torch.optim.AdamW(self.parameters, 1e-4),
            "8-bit AdamW": lambda: AdamW8bit(self.parameters, 1e-4),
            "GaLore": lambda: GaLore(groups, 1e-4, interval=10**6),
            "Q-GaLore": lambda: QGaLore(groups, 1e-4, interval=10**6),
            "Q-GaLore, to nearest": lambda: QGaLore(groups, 1e-4, interval=10**6, stochastic=False),
        }
        self.optimizer = makers[name]()

    def step(self, gradients: list[torch.Tensor]) -> float:
        """Does a step; returns its seconds of processor time."""
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient.clone()
        begun = time.process_time()
        self.optimizer.step()
        return time.process_time() - begun

    def bytes_a_value(self) -> float:
        """Returns bytes of weights and what the optimizer keeps, by value."""
        holder = nn.ParameterList(self.parameters)
        held = measure(holder, self.optimizer).persistent
        return held / sum(p.numel() for p in self.parameters)


def taken(work: Callable[[], Any], rounds: int) -> float:
    """Returns the median of several timings, in seconds of processor time."""
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return median(times)


def print_choices(rounds: int) -> None:
    """Prints the table of choices."""
    generator = torch.Generator().manual_seed(2)
    gradient = torch.randn(4 * WIDTH, WIDTH, generator=generator)
    gradient *= torch.logspace(0, -3, WIDTH)
    basis = basis_of(gradient, RANK)
    usual = torch.linalg.svd(gradient, full_matrices=False)[2][:RANK].T
    values = torch.randn(2**20, generator=generator)
    moment = QuantizedMoment.zeros(2**20, True, 8, torch.device("cpu"))
    known = torch.tensor(dynamic_values(True))
    between = (known[1:] + known[:-1]) / 2
    rows = [
        (
            f"subspace of [{4 * WIDTH}, {WIDTH}], overlap {overlap(basis, usual):.5f}",
            taken(lambda: basis_of(gradient, RANK), rounds),
            taken(lambda: torch.linalg.svd(gradient, full_matrices=False), rounds),
        ),
        (
            "codes of a million values",
            taken(lambda: moment.write(0, 2**20, values.clone()), rounds),
            taken(lambda: torch.bucketize(values, between).to(torch.uint8), rounds),
        ),
    ]
    print("\n| what | ours, ms | usual, ms | times as fast |")
    print("|---|--:|--:|--:|")
    for what, ours, theirs in rows:
        print(f"| {what} | {1e3 * ours:.1f} | {1e3 * theirs:.1f} | {theirs / ours:.1f} |")


def main() -> None:
    """Reads the command line, measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    torch.set_num_threads(1)
    names = [PEER, "torch AdamW", "8-bit AdamW", "GaLore", "Q-GaLore", "Q-GaLore, to nearest"]
    contestants = [Contestant(name) for name in names]
    times: dict[str, list[float]] = {name: [] for name in names}
    first: dict[str, float] = {}
    generator = torch.Generator().manual_seed(1)
    for number in range(given.rounds + 2):
        gradients = [torch.randn(s, generator=generator) * 1e-3 for s in [*SHAPES, *NORMS]]
        for contestant in contestants:
            taken = contestant.step(gradients)
            if number == 0:
                first[contestant.name] = taken
            elif number > 1:
                times[contestant.name].append(taken)
    values = sum(p.numel() for p in contestants[0].parameters)
    print(f"{values / 1e6:.2f} million parameters, rank {RANK}, one thread")
    print(
        "| optimizer | step, ms | times the peer's | first step, ms | bytes a parameter "
        "| of the peer's |"
    )
    print("|---|--:|--:|--:|--:|--:|")
    peer, peer_bytes = median(times[PEER]), contestants[0].bytes_a_value()
    for contestant in contestants:
        took, held = median(times[contestant.name]), contestant.bytes_a_value()
        print(
            f"| {contestant.name} | {1e3 * took:.1f} | {took / peer:.1f} "
            f"| {1e3 * first[contestant.name]:.0f} | {held:.2f} | {held / peer_bytes:.2f} |"
        )
    print_choices(given.rounds)


if __name__ == "__main__":
    main()
