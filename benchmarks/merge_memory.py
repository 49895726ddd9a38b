"""Peak memory of a merge against the size of the models.

    python benchmarks/merge_memory.py [--layers N] [--hidden N] [--models N]

A base and models of the same shape with random weights in bfloat16 are written, then merged in a
process of its own for each method; and so are models of a quarter of the depth, as the peak should
not depend on it. The peer, in a process of its own as well, merges what
``AutoModelForCausalLM.from_pretrained`` loaded: two models whole, as the simplest script does it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import torch
from compress_memory import memory_mib, write_model
from transformers import AutoModelForCausalLM

from surefoot.sparsity.merging import METHODS, make_recipe, merge_models, open_zoo

WHOLE = "two models whole"


def merge(folder: Path, out: Path, count: int, method: str) -> None:
    """Merges the models of a folder."""
    zoo = open_zoo([folder / str(i) for i in range(1, count + 1)], folder / "0")
    merge_models(zoo, make_recipe(method, count, density=0.5), out)


def merge_whole(folder: Path, out: Path) -> None:
    """Merges two models in memory."""
    one, other = (AutoModelForCausalLM.from_pretrained(folder / n) for n in ("1", "2"))
    with torch.no_grad():
        for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
            mine.lerp_(theirs, 0.5)
    one.save_pretrained(out)


def write_zoo(folder: Path, count: int, layers: int, hidden: int) -> None:
    """Writes a base and models of its shape."""
    for i in range(count + 1):
        (folder / str(i)).mkdir(parents=True)
        write_model(folder / str(i), layers, hidden, seed=i)


def work(job: str, folder: Path, count: int) -> None:
    """Does one job in this process and prints the memory before it, the peak, MiB, and seconds."""
    torch.set_num_threads(1)
    place = Path(tempfile.mkdtemp(dir=folder.parent))
    write_zoo(place / "small", 2, 2, 64)
    run(job, place / "small", place / "small-out", 2)  # loads the libraries
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before, begun = memory_mib("VmRSS"), perf_counter()
    run(job, folder, place / "out", count)
    print(json.dumps([before, memory_mib("VmHWM"), perf_counter() - begun]))


def run(job: str, folder: Path, out: Path, count: int) -> None:
    """Merges in the way that a job's name says."""
    if job == WHOLE:
        merge_whole(folder, out)
    else:
        merge(folder, out, count, job)


def main() -> None:
    """Prints a row for each job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--hidden", type=int, default=384)
    parser.add_argument("--models", type=int, default=4)
    parser.add_argument("--job", default="")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.job:
        work(given.job, given.folder, given.models)
        return
    print(
        "| merge | models | blocks | one model, MiB | peak beyond the libraries, MiB | share of "
        "one model | seconds |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    for layers in (max(1, given.layers // 4), given.layers):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "zoo"
            write_zoo(folder, given.models, layers, given.hidden)
            size = sum(p.stat().st_size for p in (folder / "1").glob("*.safetensors")) / 2**20
            for job in (*METHODS, WHOLE):
                command = [sys.executable, __file__, "--job", job, "--folder", str(folder)]
                done = subprocess.run(
                    [*command, "--models", str(given.models)],
                    capture_output=True,
                    text=True,
                    check=True,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                )
                before, peak, seconds = json.loads(done.stdout.splitlines()[-1])
                count = 2 if job == WHOLE else given.models
                used = peak - before
                print(
                    f"| {job} | {count} | {layers} | {size:.0f} | {used:.0f} | "
                    f"{used / size:.2f} | {seconds:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
