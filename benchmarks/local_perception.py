"""What the small image-text model sees, and how well it knows what it does not.

    python benchmarks/local_perception.py [--model SPEC] [--scenes N] [--out RUN] [--part PARTS]

Scenes of the test split only: accuracy and calibration by kind of fact, by view, and by
perturbation and severity; then questions a second, in one batch and one by one. With ``--out`` a
run folder for ``surefoot calibrate`` is written: clean pictures of the calibration and the test
split, and beside it a folder for every perturbation.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from surefoot.agents.perception.asking import png
from surefoot.agents.perception.images import LabelledImage
from surefoot.agents.perception.measuring import Answered, answered, images_of
from surefoot.core.chat import Message, Request
from surefoot.core.files import write_atomic
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.models.options import ModelOptions
from surefoot.models.registry import make_model
from surefoot.results.manifest import Manifest
from surefoot.results.statistics import wilson

ENVS = ("tabletop", "crossing")
KINDS = (
    "defocus",
    "motion-blur",
    "noise",
    "exposure",
    "fog",
    "occluders",
    "lens-dirt",
    "low-resolution",
    "colour-shift",
    "jpeg",
)
SEVERITIES = (0.2, 0.4, 0.6, 0.8, 1.0)
SEEN_FROM = {
    "light": "front",
    "stop_sign": "front",
    "opposite_car": "front",
    "car_from_left": "left",
    "car_from_right": "right",
}
"""The view that shows a fact of the crossing best."""


def calibration_error(found: Sequence[Answered], bins: int = 10) -> float:
    """Expected calibration error of the likeliest option, equally wide bins."""
    sure = np.array([a.probabilities.max() for a in found])
    right = np.array([a.right for a in found], float)
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        (place == b).mean() * abs(sure[place == b].mean() - right[place == b].mean())
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(gaps))


def brier(found: Sequence[Answered]) -> float:
    """Mean squared distance of the probabilities from the truth, 0 to 2."""
    total = 0.0
    for a in found:
        wanted = np.array([o == a.truth for o in a.question.options], float)
        total += float(((a.probabilities - wanted) ** 2).sum())
    return total / len(found)


def row(name: str, found: Sequence[Answered]) -> str:
    """Returns a row: n, accuracy with its interval, the commonest answer's share, ECE, Brier."""
    n, right = len(found), sum(a.right for a in found)
    interval = wilson(right, n)
    common = Counter(a.truth for a in found).most_common(1)[0][1] / n
    return (
        f"| {name} | {n} | {100 * right / n:.1f} % | {100 * interval.low:.1f}–"
        f"{100 * interval.high:.1f} | {100 * common:.1f} % | {calibration_error(found):.3f} "
        f"| {brier(found):.3f} |"
    )


def table(first: str, found: Sequence[Answered], key: Callable[[Answered], str]) -> None:
    """Prints a row for every group."""
    groups: dict[str, list[Answered]] = {}
    for a in found:
        groups.setdefault(key(a), []).append(a)
    print(f"\n| {first} | n | right | 95 % | commonest answer | ECE | Brier |")
    print("|---|--:|--:|---|--:|--:|--:|")
    for name in sorted(groups):
        print(row(name, groups[name]), flush=True)


def write_run(folder: Path, lines: Sequence[dict[str, Any]], config: dict[str, Any]) -> None:
    """Writes a run folder with predictions."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = Manifest("perception", config, sorted({line["scene"] for line in lines}))
    write_atomic(folder / "manifest.json", json.dumps(manifest.to_json(), indent=2) + "\n")
    text = "".join(json.dumps(line) + "\n" for line in lines)
    write_atomic(folder / "predictions.jsonl", text)


def speed(model: Any, images: Sequence[LabelledImage]) -> None:
    """Prints questions a second, in one batch a scene and one by one."""
    sent = []
    for image in images:
        file = png(image.developed())
        asked = [Request((Message("user", a.question.text, (file,)),)) for a in image.asked]
        sent.append((asked, [a.question.options for a in image.asked]))
    model.score(sent[0][0][0], sent[0][1][0])
    count = sum(len(asked) for asked, _ in sent)
    begun = time.perf_counter()
    batched = [model.score_batch(asked, options) for asked, options in sent]
    batch_s = time.perf_counter() - begun
    begun = time.perf_counter()
    single = [[model.score(r, o) for r, o in zip(*some, strict=True)] for some in sent]
    single_s = time.perf_counter() - begun
    worst = max(
        abs(p - q)
        for some, others in zip(batched, single, strict=True)
        for a, b in zip(some, others, strict=True)
        for p, q in zip(a.probabilities, b.probabilities, strict=True)
    )
    print(
        f"\n{count} questions about {len(sent)} pictures, one thread: {count / batch_s:.0f} a "
        f"second in one batch a picture, {count / single_s:.0f} one by one (ratio "
        f"{single_s / batch_s:.1f}; {1000 * batch_s / len(sent):.0f} ms a picture); the largest "
        f"difference of a probability is {worst:.1e}"
    )


def main() -> None:
    """Reads the command line and prints everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="local-perception")
    parser.add_argument(
        "--scenes",
        type=int,
        default=150,
        help="states of the table, and a third as many streets with three moments each",
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--part", default="clean,damage,speed")
    given = parser.parse_args()
    torch.set_num_threads(1)
    model: Any = make_model(given.model, ModelOptions(device="cpu"))
    counts = {"tabletop": given.scenes, "crossing": max(1, given.scenes // 3)}
    clean = {env: images_of(env, "test", counts[env]) for env in ENVS}
    config = {"model": given.model, "scenes": given.scenes, "size": 160}
    if "clean" in given.part:
        found = [a for env in ENVS for a in answered(model, clean[env])]
        print("All pictures, whatever can be seen in them:")
        table("kind", found, lambda a: f"{a.image.env}: {a.question.kind}")
        seen = [a for a in found if SEEN_FROM.get(a.question.fact) == a.image.view]
        print("\nThe view that shows the fact:")
        table("kind", seen, lambda a: f"{a.question.kind}, {a.image.view}")
        print("\nPedestrians by view:")
        table("view", [a for a in found if a.question.fact == "pedestrian"], lambda a: a.image.view)
        print("\nPlaces and lids by viewpoint of the table:")
        table("viewpoint", [a for a in found if a.image.env == "tabletop"], lambda a: a.image.view)
        if given.out is not None:
            other = [
                a
                for env in ENVS
                for a in answered(model, images_of(env, "calibration", counts[env]))
            ]
            write_run(given.out, [a.record(model.identity) for a in (*other, *found)], config)
    if "damage" in given.part:
        some = {env: images[: len(images) // 2] for env, images in clean.items()}
        print("\nBy perturbation; half of the pictures:")
        print(
            "\n| environment | perturbation | severity | n | right | ECE | Brier | mean "
            "probability of the answer |"
        )
        print("|---|---|--:|--:|--:|--:|--:|--:|")
        for env in ENVS:
            for kind in ("", *KINDS):
                for severity in SEVERITIES if kind else (0.0,):
                    text = f"{kind}={severity}" if kind else ""
                    shift = Pipeline.parse([text]) if kind else None
                    hurt = list(answered(model, some[env], shift))
                    right = sum(a.right for a in hurt) / len(hurt)
                    sure = float(np.mean([a.probabilities.max() for a in hurt]))
                    print(
                        f"| {env} | {kind or 'none'} | {severity:g} | {len(hurt)} | "
                        f"{100 * right:.1f} % | {calibration_error(hurt):.3f} | "
                        f"{brier(hurt):.3f} | {sure:.3f} |",
                        flush=True,
                    )
                    if given.out is not None and kind:
                        write_run(
                            given.out / f"{env}-{text}",
                            [a.record(model.identity, text) for a in hurt],
                            config | {"perturbation": text},
                        )
    if "speed" in given.part:
        speed(model, [*clean["tabletop"][:20], *clean["crossing"][:20]])


if __name__ == "__main__":
    main()
