"""Peak memory of a compression against the size of the model.

    python benchmarks/compress_memory.py [--layers N] [--hidden N] [--method METHOD]

A LLaMA with random weights in bfloat16 is written block by block, then compressed in a process of
its own; and so is one of a quarter of the depth, as the peak should not depend on it. The peer, in
a process of its own as well, is the model loaded whole in float32, the type in which blocks are
compressed here, as a compression that keeps all of it in memory has to.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from surefoot.sparsity.engine.calibration import calibrate_with
from surefoot.sparsity.engine.run import compress
from surefoot.sparsity.export.writing import write_weights
from surefoot.sparsity.recipe import CompressionRecipe

VOCABULARY = 4096


def write_model(folder: Path, layers: int, hidden: int, seed: int = 0) -> None:
    """Writes a model without ever holding more of it than a file's worth."""
    inner = hidden * 11 // 4
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        num_key_value_heads=hidden // 64,
        tie_word_embeddings=True,
        dtype="bfloat16",
        architectures=["LlamaForCausalLM"],
    )
    config.save_pretrained(folder)
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> torch.Tensor:
        return (torch.randn(*shape, generator=generator) * 0.02).bfloat16()

    def tensors():  # type: ignore[no-untyped-def]
        yield "model.embed_tokens.weight", drawn(VOCABULARY, hidden)
        yield "model.norm.weight", torch.ones(hidden, dtype=torch.bfloat16)
        for i in range(layers):
            prefix = f"model.layers.{i}."
            for name in ("q", "k", "v", "o"):
                yield f"{prefix}self_attn.{name}_proj.weight", drawn(hidden, hidden)
            for name in ("gate", "up"):
                yield f"{prefix}mlp.{name}_proj.weight", drawn(inner, hidden)
            yield f"{prefix}mlp.down_proj.weight", drawn(hidden, inner)
            for name in ("input_layernorm", "post_attention_layernorm"):
                yield f"{prefix}{name}.weight", torch.ones(hidden, dtype=torch.bfloat16)

    write_weights(tensors(), folder)


def memory_mib(what: str) -> float:
    """Returns the memory of this process, MiB: ``VmRSS`` now, or its peak ``VmHWM``."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith(what)).split()[1]) / 2**10


def pruned(folder: Path, out: Path, method: str, vocabulary: int) -> None:
    """Compresses a model with random texts."""
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randint(0, vocabulary, (6, 64), generator=generator).tolist()
    stages = [{"stage": "sparsify", "method": method, "pattern": 0.5}]
    recipe = CompressionRecipe.model_validate({"stages": stages})
    data = calibrate_with([(ids, 0) for ids in drawn], samples=4, held_out=2, batch=2, length=64)
    compress(folder, recipe, out, texts=data)


def work(job: str, folder: Path, method: str) -> None:
    """Does one job in this process and prints the memory before it and the peak, MiB."""
    torch.set_num_threads(1)
    small = folder.parent / "small"
    small.mkdir(exist_ok=True)
    write_model(small, 2, 64)
    pruned(small, folder.parent / f"small-{job}", method, VOCABULARY)  # loads the libraries
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before = memory_mib("VmRSS")
    if job == "compress":
        pruned(folder, folder.parent / "out", method, VOCABULARY)
    else:
        AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, job))
    print(json.dumps([before, memory_mib("VmHWM")]))


def main() -> None:
    """Prints a row for each job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=64)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--method", default="wanda", choices=("magnitude", "wanda", "sparsegpt"))
    parser.add_argument("--job", default="")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.job:
        work(given.job, given.folder, given.method)
        return
    print("| job | blocks | files, MiB | peak beyond the libraries, MiB | share of the files |")
    print("|---|--:|--:|--:|--:|")
    for layers in (max(1, given.layers // 4), given.layers):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "model"
            folder.mkdir()
            write_model(folder, layers, given.hidden)
            size = sum(p.stat().st_size for p in folder.glob("*.safetensors")) / 2**20
            for job in ("compress", "float32"):
                command = [sys.executable, __file__, "--job", job, "--folder", str(folder)]
                done = subprocess.run(
                    [*command, "--method", given.method],
                    capture_output=True,
                    text=True,
                    check=True,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                )
                before, peak = json.loads(done.stdout.splitlines()[-1])
                name = f"compress, {given.method}" if job == "compress" else "load whole"
                used = peak - before
                print(
                    f"| {name} | {layers} | {size:.0f} | {used:.0f} | {used / size:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
