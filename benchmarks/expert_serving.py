"""Expert caches and expert-aware batching in simulated time, beside what Read-ME published.

    python benchmarks/expert_serving.py [--requests N] [--seeds N] [--policy NAME] [--traces FILE]

Prints four tables: hit ratios beside Table 4 of Read-ME (arXiv 2410.19123), with the requests that
a cache looks ahead varied; batching; deadlines; and how fast this machine really brings an expert
from disk and from host memory. ``--traces`` adds hit ratios on the traces of a real router: a
JSON list with, for each request, the expert of each token.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from surefoot.sparsity.experts.batching import expected_unique, make_batcher
from surefoot.sparsity.experts.caching import simulate
from surefoot.sparsity.experts.policies import make_policy
from surefoot.sparsity.experts.serving_time import MachineModel, poisson, repeating, serve

PUBLISHED = {
    "random": (34.2, 50.1, 67.5, 82.9),
    "lru": (33.9, 52.4, 67.0, 83.5),
    "belady": (44.2, 61.8, 77.2, 88.0),
}
"""Hit ratios of Table 4, percent, with room for 2, 3, 4, 5 experts of 6."""

ROOMS, EXPERTS = (2, 3, 4, 5), 6
REPEATS = 2921 / 4096
"""Published share of tokens that need their predecessor's expert."""

CACHES = (
    ("random", 1),
    ("lru", 1),
    ("lookahead", 1),
    ("lookahead", 2),
    ("lookahead", 3),
    ("lookahead", 8),
    ("belady", 1),
)


def told(values: Sequence[float], digits: int = 1) -> str:
    """Returns a mean, and two standard errors where there are several values."""
    mean = f"{statistics.mean(values):.{digits}f}"
    if len(values) < 2:
        return mean
    error = 2 * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean} ± {error:.{digits}f}"


def caches(title: str, traces: Sequence[Sequence[int]], experts: int) -> None:
    """Prints hit ratios of every policy on traces."""
    same = [sum(a == b for a, b in pairwise(t)) / (len(t) - 1) for t in traces]
    rooms = [room for room in ROOMS if room < experts]
    print(f"\n### {title}\n")
    print(
        f"{len(traces)} traces of {len(traces[0])} requests to {experts} experts; "
        f"{100 * statistics.mean(same):.1f} % repeat their predecessor's expert.\n"
    )
    print(
        "| policy | " + " | ".join(f"room {c}" for c in rooms) + " | away from published Belady |"
    )
    print("|---|" + "--:|" * (len(rooms) + 1))
    for name, window in CACHES:
        row, far = [], []
        for c in rooms:
            found = []
            for seed, trace in enumerate(traces):
                policy = make_policy(name, window=window, seed=seed)
                found.append(100 * (simulate(trace, [1] * experts, c, policy).hit_ratio or 0))
            row.append(told(found))
            far.append(abs(statistics.mean(found) - PUBLISHED["belady"][c - 2]))
        shown = name in ("lookahead", "belady") and experts == EXPERTS
        away = f"{statistics.mean(far):.1f}" if shown else ""
        print(f"| {make_policy(name, window=window).name} | {' | '.join(row)} | {away} |")


def skewed(count: int, seed: int) -> list[int]:
    """Returns a trace like :func:`repeating` in which one expert is rare."""
    draws = np.random.default_rng(seed)
    shares = np.array([0.29, 0.2, 0.2, 0.15, 0.15, 0.01])
    found: list[int] = []
    for _ in range(count):
        if found and draws.random() < REPEATS:
            found.append(found[-1])
        else:
            found.append(int(draws.choice(EXPERTS, p=shares)))
    return found


MACHINE = MachineModel(
    sizes=(100,) * EXPERTS,
    budget=300,
    batch=8,
    bandwidth=20_000.0,
    batch_s=0.004,
    expert_s=0.001,
    token_s=0.0005,
    ahead=1,
)
"""Loading an expert takes 5 ms, a batch of 8 over 5 experts 13 ms without loading."""

DEADLINES = (0.05, 0.2, float("inf"))
"""Seconds; without limit nothing looks at the age."""

HEAD = (
    "| batching | policy | mean s | p95 s | worst s | token wait p95 s | rarest expert, worst "
    "wait s | hit % | experts a batch | batches | never ending |"
)


def batching(
    trace: Callable[[int, int], list[int]], rate: float, seeds: int, count: int, policy: str
) -> None:
    """Prints how ways to batch did under a load."""
    print(HEAD)
    print("|---|---|" + "--:|" * 9)
    ways = [("fifo", 0.0), ("released", 0.0), *(("expert-aware", d) for d in DEADLINES)]
    for name, deadline in ways:
        found = []
        for seed in range(seeds):
            traces = [trace(40, 1000 * seed + i) for i in range(count)]
            requests = list(poisson(traces, rate, seed))
            batcher = make_batcher(name, deadline)
            found.append(serve(requests, MACHINE, batcher, make_policy(policy)))
        shown = f"{name}, {deadline:g} s" if name == "expert-aware" else name
        columns = [
            told([r.latency.mean or 0 for r in found], 3),
            told([r.latency.p95 or 0 for r in found], 3),
            told([r.latency.worst or 0 for r in found], 2),
            told([r.wait.p95 or 0 for r in found], 3),
            told([r.rarest_wait.worst or 0 for r in found], 2),
            told([100 * (r.hit_ratio or 0) for r in found]),
            told([r.unique or 0 for r in found], 2),
            told([r.batches for r in found], 0),
            told([r.endless for r in found], 0),
        ]
        print(f"| {shown} | {found[0].policy} | {' | '.join(columns)} |")


def bandwidth(mib: int) -> None:
    """Prints how fast an expert comes from disk and from memory."""
    tensors = {f"w{i}": torch.randn(mib * 2**18 // 8) for i in range(8)}
    size = sum(t.nbytes for t in tensors.values())
    print("\n| from | median ms | MB/s |\n|---|--:|--:|")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", ".")) as folder:
        path = Path(folder) / "expert.safetensors"
        save_file(tensors, path)
        with path.open("rb") as file:
            os.fsync(file.fileno())

        def cold() -> None:
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

        def read() -> None:
            for tensor in load_file(path).values():
                tensor.sum()  # the file is mapped: only this reads it

        def copy() -> None:
            for tensor in tensors.values():
                tensor.clone()

        for name, before, work in (
            ("disk, page cache dropped", cold, read),
            ("disk, in the page cache", lambda: None, read),
            ("host memory, a copy", lambda: None, copy),
        ):
            times = []
            for _ in range(7):
                before()
                start = time.perf_counter()
                work()
                times.append(time.perf_counter() - start)
            middle = statistics.median(times)
            print(f"| {name} | {1e3 * middle:.2f} | {size / middle / 1e6:.0f} |")


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--policy", default="lookahead", help="cache of the tables on batching")
    parser.add_argument("--traces", type=Path)
    parser.add_argument("--mib", type=int, default=64)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("## Hit ratios, percent\n\n### Published (Table 4)\n")
    print("| policy | " + " | ".join(f"room {c}" for c in ROOMS) + " |\n|---|" + "--:|" * 4)
    for name, row in PUBLISHED.items():
        print(f"| {name} | " + " | ".join(map(str, row)) + " |")
    for title, share in (
        ("Independent, all experts equally likely", 1 / EXPERTS),
        ("Repeating as published", REPEATS),
    ):
        caches(
            title,
            [repeating(given.requests, EXPERTS, share, s) for s in range(given.seeds)],
            EXPERTS,
        )
    if given.traces is not None:
        real = json.loads(given.traces.read_text())
        caches(
            "The traces of a real router",
            [list(chain.from_iterable(real))],
            1 + max(chain.from_iterable(real)),
        )
    print(
        f"\n## Batching\n\nBatches of {MACHINE.batch}; at random, {EXPERTS} equally likely "
        f"experts give {expected_unique(EXPERTS, MACHINE.batch):.2f} a batch."
    )
    for title, trace in (
        ("All experts equally frequent", lambda n, s: repeating(n, EXPERTS, REPEATS, s)),
        ("One expert needed for 1 % of the tokens", skewed),
    ):
        for rate in (8.0, 14.0):
            print(f"\n### {title}; {rate:g} requests of 40 tokens a second\n")
            batching(trace, rate, given.seeds, given.streams, given.policy)
    print("\n## What loading takes here")
    bandwidth(given.mib)


if __name__ == "__main__":
    main()
