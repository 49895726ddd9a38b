"""Errors of the pruners on random layers, and how often SparseGPT is not the best of them.

Layers of Gaussian weights with correlated inputs of unequal channels. The error is
||(W - W')X|| / ||WX||, mean over seeds; in brackets the number of seeds on which SparseGPT, with
blocks of so many columns, has a larger error than Wanda.
"""

from __future__ import annotations

import torch

from surefoot.sparsity.pruning import prune
from surefoot.sparsity.statistics import InputStatistics

SEEDS, WIDTHS, ROWS, TOKENS = 20, (96, 256), 48, 1000
PATTERNS = (0.5, 0.7, 0.8, 0.9, "2:4", "1:4")
BLOCKS = (128, 32, 8)


def layer(seed: int, width: int) -> tuple[torch.Tensor, InputStatistics]:
    """Returns weights and the statistics of their inputs."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(ROWS, width, generator=generator)
    mixing = torch.randn(width, width, generator=generator) / width**0.5 + torch.eye(width)
    x = torch.randn(TOKENS, width, generator=generator) @ mixing
    statistics = InputStatistics(width, gram=True)
    statistics.update(x * (torch.rand(width, generator=generator) * 3 + 0.1))
    return weight, statistics


def main() -> None:
    """Prints a table a width."""
    torch.set_num_threads(1)
    for width in WIDTHS:
        print(f"{ROWS} x {width}, {SEEDS} seeds")
        print(
            f"{'pattern':>8}{'magnitude':>11}{'wanda':>8}"
            + "".join(f"{f'sparsegpt, {block}':>18}" for block in BLOCKS)
        )
        for pattern in PATTERNS:
            found = []
            for seed in range(SEEDS):
                weight, statistics = layer(seed, width)
                pruned = [
                    prune(weight, statistics, "magnitude", pattern),
                    prune(weight, statistics, "wanda", pattern),
                ]
                pruned += [
                    prune(weight, statistics, "sparsegpt", pattern, block_size=block)
                    for block in BLOCKS
                ]
                found.append([p.error or 0.0 for p in pruned])
            errors = torch.tensor(found)
            means = errors.mean(0).tolist()
            worse = (errors[:, 2:] > errors[:, 1:2]).sum(0).tolist()
            cells = [f"{m:.3f} ({n})" for m, n in zip(means[2:], worse, strict=True)]
            print(
                f"{pattern!s:>8}{means[0]:11.3f}{means[1]:8.3f}"
                + "".join(f"{cell:>18}" for cell in cells),
                flush=True,
            )


if __name__ == "__main__":
    main()
