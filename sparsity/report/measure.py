"""Latency and memory of a model, measured in a separate process.

``python -m surefoot.sparsity.report.measure FOLDER`` prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from surefoot.core.errors import HarnessError

PROMPT, WRITTEN = 64, 32
"""Tokens of the prompt, and tokens generated after it one by one."""
_WARM, _RUNS = 3, 50
"""Warm-up repetitions, and measured prompts."""


@dataclass(frozen=True, slots=True)
class ModelMeasurement:
    """Latency and memory of a model.

    Attributes:
        prompt_p50: Median time to read a prompt of 64 tokens, milliseconds.
        prompt_p95: 95th percentile of the same, milliseconds.
        token_p50: Median time per generated token, milliseconds.
        token_p95: 95th percentile of the same, milliseconds.
        load_mib: Memory of the process after loading, without its libraries, MiB.
        peak_mib: Peak memory of the whole process, MiB.
        threads: Number of threads.
    """

    prompt_p50: float
    prompt_p95: float
    token_p50: float
    token_p95: float
    load_mib: float
    peak_mib: float
    threads: int

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self)


def measure(folder: Path, threads: int = 1) -> ModelMeasurement:
    """Measures a model, float32 on the CPU, one sequence at a time, after a warm-up.

    Args:
        folder: The model, compressed or not.
        threads: Number of threads.

    Raises:
        HarnessError: The measuring process failed.
    """
    command = [sys.executable, "-m", "surefoot.sparsity.report.measure", str(folder), str(threads)]
    pinned = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **pinned}, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise HarnessError(f"measuring {folder} failed: {last}")
    return ModelMeasurement(**json.loads(done.stdout.strip().splitlines()[-1]))


def main(folder: str, threads: int) -> None:
    """Measures in this process and prints one line of JSON."""
    import torch

    from surefoot.sparsity.engine.skeleton import bare_model
    from surefoot.sparsity.export.loading import checkpoint_at, load_compressed

    torch.set_num_threads(threads)
    bare_model(checkpoint_at(Path(folder)), torch.float32)  # loads the libraries
    before = _resident()
    model = load_compressed(folder, torch.float32)
    config = model.config.get_text_config()
    generator = torch.Generator().manual_seed(0)
    low = min(16, config.vocab_size // 2)
    ids = torch.randint(low, config.vocab_size, (1, PROMPT), generator=generator)
    with torch.inference_mode():
        prompts = _times(lambda: model(input_ids=ids, use_cache=True))
        loaded = _resident() - before
        _write(model, ids)
        tokens = [seconds for _ in range(_WARM) for seconds in _write(model, ids)]
    found = ModelMeasurement(
        *_quantiles(prompts),
        *_quantiles(tokens),
        round(loaded / 2**20, 1),
        round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10, 1),
        threads,
    )
    sys.stdout.write(json.dumps(found.to_json()) + "\n")


def _times(call: Callable[[], Any]) -> list[float]:
    for _ in range(_WARM):
        call()
    found = []
    for _ in range(_RUNS):
        begun = perf_counter()
        call()
        found.append(perf_counter() - begun)
    return found


def _write(model: Any, ids: Any) -> list[float]:
    """Generates tokens after a prompt and returns the time of each, seconds."""
    out = model(input_ids=ids, use_cache=True)
    found = []
    for _ in range(WRITTEN):
        last = out.logits[:, -1:].argmax(-1)
        begun = perf_counter()
        out = model(input_ids=last, past_key_values=out.past_key_values, use_cache=True)
        found.append(perf_counter() - begun)
    return found


def _quantiles(seconds: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(seconds)
    at = [ordered[round(share * (len(ordered) - 1))] for share in (0.5, 0.95)]
    return round(1000 * at[0], 4), round(1000 * at[1], 4)


def _resident() -> int:
    """Returns the resident memory of this process, bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
