"""Does restoring a noisy picture help the perception model, and does looking again help more?

    python benchmarks/restore_or_look.py --out runs/restore [--severity 0.8] [--scenes 40]

Pictures of the table from one view with sensor noise. The perception model is asked about each
raw, after a median filter, after non-local means and, for the first ``--slow`` scenes, after an
image prior that is fitted to it, dense and as a ticket (found on the clean picture of a scene of
the split ``train``, so that it may be used anywhere). Looking again is the same view with new
noise, and another view; its answers are fused with the first. Seconds are those of one thread, of
the camera's motion for another view, and none for the same view. Answers go to DIR/answers.jsonl
as they come; the same command goes on. The last lines fit what restoring tells on the first half of
the scenes and compare it with what it then brings on the others.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from surefoot.agents.assembly import make_perceiver
from surefoot.agents.perception.images import LabelledImage, tabletop_images
from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.perception.restorers import (
    ImagePriorRestorer,
    MedianFilter,
    NonLocalMeans,
    Restorer,
)
from surefoot.agents.sensing.observation import entropy
from surefoot.agents.sensing.restoring import RestoredPair, fit_restoring
from surefoot.calibration.decisions.belief import fuse
from surefoot.core.seeds import seeds_of
from surefoot.envs.cameras.viewpoints import MotionLimits, motion
from surefoot.envs.perturbations.base import RandomSource
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.actions import RING
from surefoot.results.power import cluster_bootstrap
from surefoot.sparsity.lottery.restoring.fitting import FitSettings
from surefoot.sparsity.lottery.restoring.networks import NetworkSettings
from surefoot.sparsity.lottery.restoring.tickets import (
    PriorTicket,
    clean_problem,
    find_prior_tickets,
    rounds_for,
)

VIEW, OTHER = "front", "front-left-high"
NETWORK, FIT = NetworkSettings(width=16), FitSettings(steps=300)
SPARSITY = 0.67
"""Of the ticket; the paper's best one for denoising."""
DEPENDENCE = 0.5
"""Of two views of a fact when their answers are fused."""
LOOKS = "same view again", "another view"
"""Ways that look again; their answers join those of the raw picture, others take their place."""
_LATER = 100_000
"""Frames after which the same view is taken again, so that its noise is another."""


def ticket(folder: Path) -> PriorTicket:
    """Finds a ticket on a clean picture, or reads the one that was found."""
    place = folder / "ticket"
    if not (place / "ticket.json").is_file():
        simulation = Simulation()
        (seed,) = seeds_of("train", 1, 8_000_000)
        rgb = tabletop_images(simulation, seed, [VIEW])[0].developed()
        simulation.close()
        clean = torch.from_numpy(rgb).permute(2, 0, 1).float()[None] / 255
        found = find_prior_tickets(
            (rgb.shape[0], rgb.shape[1]),
            3,
            {f"tabletop-{seed}": clean_problem(clean)},
            "clean",
            NETWORK,
            rounds_for(SPARSITY),
            FIT,
            folder / "search",
            progress=lambda done, total, part="": print(f"{part}: {done} of {total}", flush=True),
        )[-1]
        found.save(place)
    return PriorTicket.load(place)


def noisy(image: LabelledImage, damage: Pipeline, later: int = 0) -> Any:
    """Develops an image with the noise of a frame."""
    frame = damage.frame(
        image.frames[0], RandomSource(image.seed, image.view, image.number + later)
    )
    return frame.rgb


def _travel() -> float:
    limits = MotionLimits()
    return motion(RING.pose(VIEW), RING.pose(OTHER), RING.centre, limits).seconds


def ask_all(
    perceiver: Any, ways: Sequence[Restorer], images: Sequence[LabelledImage], damage: Pipeline
) -> dict[str, Any]:
    """Asks about one scene in every way; returns probabilities, seconds and questions."""
    first, other = images
    questions = [a.question for a in first.asked]
    raw = noisy(first, damage)
    images_by_way: dict[str, tuple[Any, float]] = {
        "clean": (first.developed(), 0.0),
        "raw": (raw, 0.0),
        LOOKS[0]: (noisy(first, damage, _LATER), 0.0),
        LOOKS[1]: (noisy(other, damage), _travel()),
    }
    for way in ways:
        begun = time.thread_time()
        picture = way(raw)
        images_by_way[way.name] = picture, time.thread_time() - begun
    return {
        "asked": [[q.fact, q.text, list(q.options), q.kind] for q in questions],
        "truth": [a.truth for a in first.asked],
        "answers": {
            name: [a.tolist() for a in perceiver.ask(rgb, questions)]
            for name, (rgb, _) in images_by_way.items()
        },
        "seconds": {name: seconds for name, (_, seconds) in images_by_way.items()},
    }


def fused(record: Mapping[str, Any], name: str) -> list[list[float]]:
    """Returns the answers of the raw picture and of another one together."""
    return [
        fuse([[a, b]], dependence=DEPENDENCE)[0].tolist()
        for a, b in zip(record["answers"]["raw"], record["answers"][name], strict=True)
    ]


def hits(record: Mapping[str, Any], answers: Sequence[Sequence[float]]) -> list[float]:
    """Returns for each fact whether the likeliest option is the true one."""
    return [
        float(q[2][int(np.argmax(a))] == t)
        for q, t, a in zip(record["asked"], record["truth"], answers, strict=True)
    ]


def bits(record: Mapping[str, Any], answers: Sequence[Sequence[float]]) -> list[float]:
    """Returns for each fact the surprise of the truth in bits."""
    return [
        -float(np.log2(max(a[q[2].index(t)], 1e-9)))
        for q, t, a in zip(record["asked"], record["truth"], answers, strict=True)
    ]


def table(records: Sequence[Mapping[str, Any]]) -> None:
    """Prints accuracy, its difference to the raw picture, surprise and seconds."""
    print(f"{'way':32} {'facts':>5} {'right':>6} {'against raw, points':>24} {'bits':>6} {'s':>7}")
    names = dict.fromkeys(n for r in records for n in r["answers"])
    rows: list[tuple[str, str, Callable[[Mapping[str, Any], str], Any]]] = []
    for name in names:
        rows.append((name, name, lambda r, n: r["answers"][n]))
        if name not in ("clean", "raw"):
            rows.append((f"raw + {name}", name, fused))
    for title, name, of in rows:
        some = [r for r in records if name in r["answers"]]
        right = [hits(r, of(r, name)) for r in some]
        base = [hits(r, r["answers"]["raw"]) for r in some]
        apart = [
            [100 * (a - b) for a, b in zip(x, y, strict=True)]
            for x, y in zip(right, base, strict=True)
        ]
        low, high = cluster_bootstrap(apart, 0)
        surprise = np.mean([b for r in some for b in bits(r, of(r, name))])
        seconds = np.mean([r["seconds"][name] for r in some])
        count = sum(map(len, right))
        share = sum(map(sum, right)) / count
        mean = sum(map(sum, apart)) / count
        print(
            f"{title:32} {count:5} {100 * share:6.1f} {mean:+8.1f} [{low:+5.1f}, {high:+5.1f}] "
            f"{surprise:6.2f} {seconds:7.2f}"
        )


def expected(records: Sequence[Mapping[str, Any]], identity: str) -> None:
    """Prints what restoring is expected to bring, and what it brings on other scenes."""
    print(f"{'way':20} {'repeats':>8} {'bits expected':>14} {'bits gained':>12} {'per s':>8}")
    half = len(records) // 2
    for name in dict.fromkeys(n for r in records for n in r["answers"]):
        if name in ("clean", "raw"):
            continue
        fed = [r for r in records[:half] if name in r["answers"]]
        held = [r for r in records[half:] if name in r["answers"]]
        if not fed or not held:
            continue
        pairs = [
            RestoredPair(FactQuestion(f, x, tuple(o), k), t, raw, own)
            for r in fed
            for (f, x, o, k), t, raw, own in zip(
                r["asked"], r["truth"], r["answers"]["raw"], r["answers"][name], strict=True
            )
        ]
        seconds = float(np.mean([r["seconds"][name] for r in fed]))
        model = fit_restoring("tabletop", identity, name, seconds, pairs)
        gains, found = [], []
        for r in held:
            for (f, x, o, k), raw in zip(r["asked"], r["answers"]["raw"], strict=True):
                question, belief = FactQuestion(f, x, tuple(o), k), np.array(raw)
                gains.append(model.gain(question, belief, belief))
                found.append(entropy(belief))
        later = [fused(r, name) if name in LOOKS else r["answers"][name] for r in held]
        after = [entropy(np.array(a)) for answers in later for a in answers]
        repeats = np.mean(list(model.repeats.values()))
        gained = np.mean(found) - np.mean(after)
        print(
            f"{name:20} {repeats:8.2f} {np.mean(gains):14.3f} {gained:12.3f} "
            f"{np.mean(gains) / (seconds + 1):8.3f}"
        )


def main() -> None:
    """Runs the benchmark, or goes on with it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--severity", type=float, default=0.8)
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--slow", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "answers.jsonl"
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    perceiver = make_perceiver("local-perception")
    damage = Pipeline.build([{"name": "noise", "severity": options.severity}])
    fast: list[Restorer] = [MedianFilter(), NonLocalMeans()]
    slow: list[Restorer] = []
    if options.slow:
        slow = [
            ImagePriorRestorer(NETWORK, FIT),
            ImagePriorRestorer(NETWORK, FIT, ticket(options.out)),
        ]
    simulation = Simulation()
    for number, seed in enumerate(seeds_of("test", options.scenes)):
        if number < len(done):
            continue
        images = tabletop_images(simulation, seed, [VIEW, OTHER])
        ways = fast + (slow if number < options.slow else [])
        record = {"seed": seed, **ask_all(perceiver, ways, images, damage)}
        with path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        done.append(record)
        print(f"{number + 1} of {options.scenes} scenes", flush=True)
    simulation.close()
    print(f"noise of severity {options.severity}, all {len(done)} scenes")
    table(done)
    if options.slow:
        print(f"the first {options.slow} scenes")
        table(done[: options.slow])
    expected(done, perceiver.identity)


if __name__ == "__main__":
    main()
