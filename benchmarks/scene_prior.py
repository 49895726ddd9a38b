"""What the generator of scenes is worth as a prior: PSNR by random rows and sparsity.

    python benchmarks/scene_prior.py --prior runs/prior --out runs/prior-measured [--pictures 8]

``--prior`` is a folder of ``surefoot train prior``. Unseen pictures (split ``test``) are measured
by random rows with noise of 1 % of white; every generator found there and the best linear guess
(the conditional mean if pictures were Gaussian, from the same pictures that the generators learned
from) see the same rows. ``--outliers`` spoils so many rows; ``--groups`` then asks by the median of
means. Goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from surefoot.agents.perception.thumbnails import Thumbnails, render_thumbnails
from surefoot.sparsity.lottery.priors.networks import load_generator
from surefoot.sparsity.lottery.priors.sensing import SenseSettings
from surefoot.sparsity.lottery.priors.study import Measuring, measure, summarise


def main() -> None:
    """Runs the benchmark, or goes on with it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--prior", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--rows", default="50,200,800")
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--outliers", type=int, default=0)
    parser.add_argument("--groups", type=int, default=0)
    parser.add_argument("--only", default="", help="Names of generators, with commas.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    wanted = set(options.only.split(",")) - {""}
    generators = {
        folder.name: load_generator(folder)
        for folder in sorted(options.prior.glob("generator-*"))
        if not wanted or folder.name in wanted
    }
    recipe = Thumbnails.model_validate_json(
        (options.prior / "pictures" / "thumbnails.json").read_text()
    )
    known = np.load(options.prior / "pictures" / "thumbnails.npy")
    unseen = recipe.model_copy(update={"split": "test", "count": options.pictures})
    truths = render_thumbnails(unseen, options.out / "pictures")
    path = options.out / "measured.jsonl"
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    for number in range(len(done), len(truths)):
        measuring = Measuring(
            rows=tuple(int(r) for r in options.rows.split(",")), outliers=options.outliers,
            seek=SenseSettings(steps=options.steps, starts=options.starts, groups=options.groups),
            seed=1000 * number,
        )  # fmt: skip
        found = measure(generators, truths[number : number + 1], measuring, known=known)
        with path.open("a") as file:
            file.write(json.dumps(found) + "\n")
        done.append(found)
        print(f"{number + 1} of {len(truths)} pictures", flush=True)
    whole = {"rows": [r for d in done for r in d["rows"]], "sparsity": done[0]["sparsity"]}
    print(f"{'prior':14} {'zeros, %':>8} {'rows':>5} {'PSNR, dB':>22} {'s':>7}  n={len(truths)}")
    for row in summarise(whole):
        low, high = row["psnr"]["interval"] or (row["psnr"]["mean"],) * 2
        zeros = "" if row["sparsity"] is None else f"{100 * row['sparsity']:.1f}"
        print(f"{row['prior']:14} {zeros:>8} {row['rows']:5} {row['psnr']['mean']:8.2f} "
              f"[{low:5.2f}, {high:5.2f}] {row['seconds']['mean']:7.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
