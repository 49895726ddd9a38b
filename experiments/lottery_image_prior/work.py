"""The work of the study: images, tickets, and fits that are evaluated."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.experiments.lottery_image_prior.config import ImagePriorConfig, SceneImage, Task

if TYPE_CHECKING:
    import torch

    from surefoot.sparsity.lottery.masks import Masks
    from surefoot.sparsity.lottery.restoring.fitting import FitResult
    from surefoot.sparsity.lottery.restoring.networks import Prior
    from surefoot.sparsity.lottery.restoring.operators import InverseProblem, MeasurementOperator
    from surefoot.sparsity.lottery.restoring.tickets import PriorTicket

_LARGER = 4
"""Factor by which images are rendered larger and then averaged, so that edges are smooth."""


@dataclass(frozen=True, slots=True)
class ImagePriorJob:
    """An image with a seed, and the folder of earlier results.

    Attributes:
        study: The study as JSON.
        out: Its folder.
        scene: Number of the image.
        seed: The seed.
        task: The task; of searches, ``clean``, ``several`` (the true images of all others) or
            the task whose measurement is fitted.
    """

    study: str
    out: str
    scene: int
    seed: int
    task: str

    @property
    def key(self) -> str:
        """The job's key."""
        name = ImagePriorConfig.model_validate_json(self.study).scenes[self.scene].name
        return f"{self.task}/{name}/{self.seed}"


def take_picture(job: tuple[str, SceneImage, int]) -> dict[str, Any]:
    """Renders an image and writes it to a folder.

    Args:
        job: The folder, the scene, and width and height in pixels.

    Raises:
        InputError: The scene ends before an image can be taken.
    """
    from surefoot.agents.perception.images import crossing_images, tabletop_images
    from surefoot.envs.simulation.client import Simulation
    from surefoot.sparsity.lottery.restoring.files import ImageFile

    folder, scene, size = Path(job[0]), job[1], job[2]
    simulation = Simulation()
    try:
        if scene.env == "tabletop":
            images = tabletop_images(simulation, scene.seed, 1, size=_LARGER * size)
        else:
            images = next(crossing_images(simulation, scene.seed, 1, size=_LARGER * size), [])
        if not images:
            raise InputError(f"scene {scene.name} ends before an image is taken; take another")
        rgb = images[0].developed()
    finally:
        simulation.close()
    values = rgb.reshape(size, _LARGER, size, _LARGER, 3).mean((1, 3)) / 255
    folder.mkdir(parents=True, exist_ok=True)
    ImageFile(np.moveaxis(values, -1, 0)).write(folder / f"{scene.name}.png")
    return {"mean": float(values.mean()), "spread": float(values.std())}


def truth_of(job: ImagePriorJob, study: ImagePriorConfig, scene: int | None = None) -> torch.Tensor:
    """Returns the true image of a job, or that of another scene."""
    from surefoot.sparsity.lottery.restoring.files import read_image

    name = study.scenes[job.scene if scene is None else scene].name
    return read_image(Path(job.out) / "pictures" / "taken" / f"{name}.png").tensor()


def seed_of(job: ImagePriorJob) -> int:
    """Returns the seed of a job's network, noise and masks: no two images share one."""
    return 1000 * job.seed + job.scene


def problem_of(
    study: ImagePriorConfig, task: Task, truth: torch.Tensor, seed: int
) -> InverseProblem:
    """Returns the inverse problem of an image for a task."""
    from surefoot.sparsity.lottery.restoring.operators import (
        Denoise,
        Downsample,
        Inpaint,
        observe,
    )

    size = (study.size, study.size)
    operator: MeasurementOperator
    if task == "denoise":
        return observe(Denoise(), truth, study.sigma / 255, seed)
    operator = (
        Inpaint.at_random(size, study.known, seed)
        if task == "inpaint"
        else Downsample(study.scale, size)
    )
    return observe(operator, truth)


def search(job: ImagePriorJob) -> dict[str, Any]:
    """Searches for tickets on an image, and saves those of all rounds.

    Returns:
        Sparsities by round, and seconds.
    """
    from surefoot.sparsity.lottery.imp import Rounds
    from surefoot.sparsity.lottery.restoring.fitting import FitSettings
    from surefoot.sparsity.lottery.restoring.tickets import clean_problem, find_prior_tickets

    study = ImagePriorConfig.model_validate_json(job.study)
    truth, seed = truth_of(job, study), seed_of(job)
    clean = job.task in ("clean", "several")
    if job.task == "several":
        others = [i for i in range(len(study.scenes)) if i != job.scene]
        # One operator, as pool() requires.
        first = clean_problem(truth_of(job, study, others[0]))
        problems = {
            study.scenes[i].name: replace(first, measured=truth_of(job, study, i)) for i in others
        }
    else:
        problem = clean_problem(truth) if clean else problem_of(study, job.task, truth, seed)  # type: ignore[arg-type]
        problems = {study.scenes[job.scene].name: problem}
    found = find_prior_tickets(
        (study.size, study.size),
        3,
        problems,
        "clean" if clean else "observed",
        study.network,
        Rounds(rounds=study.rounds, share=study.share),
        FitSettings(steps=study.search, every=study.every, seed=seed),
        Path(job.out) / "searches" / "work" / job.key.replace("/", "-"),
        seed=seed,
    )
    for number, ticket in enumerate(found):
        ticket.save(_place(job, job.task, job.scene, number))
    return {
        "sparsity": [t.masks.sparsity for t in found],
        "seconds": sum(t.figures["seconds"] for t in found),
    }


def has_several(study: ImagePriorConfig) -> bool:
    """Whether there are enough images for tickets of several others."""
    return len(study.scenes) > 2


def _place(job: ImagePriorJob, kind: str, scene: int, number: int) -> Path:
    return Path(job.out) / "tickets" / f"{kind}-{scene}-{job.seed}" / f"{number:02}"


def judge(job: ImagePriorJob) -> dict[str, Any]:
    """Fits an image in all ways that the study compares; resumes after the last finished one.

    Returns:
        A list ``rows`` of ways with their results, and ``peers`` with their PSNR.
    """
    study = ImagePriorConfig.model_validate_json(job.study)
    bench = _Bench(job, study)
    if job.task == "denoise":
        bench.denoise()
    else:
        bench.other()
    found = {"rows": bench.rows, "peers": bench.peers()}
    shutil.rmtree(bench.work)
    return found


class _Bench:
    """One image, one task."""

    def __init__(self, job: ImagePriorJob, study: ImagePriorConfig) -> None:
        self.job, self.study = job, study
        self.task: Task = job.task  # type: ignore[assignment]
        self.seed, self.size = seed_of(job), (study.size, study.size)
        self.truth = truth_of(job, study)
        self.whole = problem_of(study, self.task, self.truth, self.seed)
        self.problem = self.whole.hold(study.held, self.seed)
        self.rows: list[dict[str, Any]] = []
        self.work = Path(job.out) / "fits" / "work" / job.key.replace("/", "-")
        self.work.mkdir(parents=True, exist_ok=True)

    def ticket(self, kind: str, number: int, scene: int | None = None) -> PriorTicket:
        """Reads a ticket of this image, or of another."""
        from surefoot.sparsity.lottery.restoring.tickets import PriorTicket

        return PriorTicket.load(
            _place(self.job, kind, self.job.scene if scene is None else scene, number)
        )

    def denoise(self) -> None:
        """Fits in every way at every level, with transferred tickets, and for too many steps."""
        study, last = self.study, self.study.rounds
        self.dense(study.long)
        trained = self.trained()
        for number in study.levels:
            long = study.long if number == last else None
            clean = self.ticket("clean", number)
            self.carried("clean", clean, number, long)
            self.carried("observed", self.ticket(self.task, number), number, long)
            self.controls(clean, number, trained, long)
        if len(study.scenes) > 1:
            following = (self.job.scene + 1) % len(study.scenes)
            self.carried("other picture", self.ticket("clean", last, following), last)
        self.several()
        for task in study.tasks:
            if task != self.task:
                self.carried(f"other task ({task})", self.ticket(task, last), last)
        self.decoder(study.long)

    def other(self) -> None:
        """Fits in the ways that matter for tasks without noise, at the last level."""
        last = self.study.rounds
        self.dense()
        ticket = self.ticket(self.task, last)
        self.carried("observed", ticket, last)
        self.carried("clean", self.ticket("clean", last), last)
        self.several()
        self.control("layer-random", ticket, last)
        self.decoder()

    def several(self) -> None:
        """Fits with the ticket of all other images."""
        if has_several(self.study):
            last = self.study.rounds
            self.carried("several others", self.ticket("several", last), last)

    def carried(self, way: str, ticket: PriorTicket, number: int, steps: int | None = None) -> None:
        """Fits with a ticket."""
        self.fit(way, number, ticket.network(self.size), ticket.masks, steps)

    def dense(self, steps: int | None = None) -> None:
        """Fits the dense network."""
        from surefoot.sparsity.lottery.restoring.networks import make_network

        network = make_network(self.size, 3, self.study.network, self.seed)
        self.fit("dense", 0, network, steps=steps)

    def trained(self) -> Prior:
        """Returns the dense network fitted to the true image, as the search for tickets does.

        One-shot pruning starts from these weights, so that it lacks only the rounds.
        """
        from surefoot.sparsity.lottery.restoring.fitting import FitSettings, fit
        from surefoot.sparsity.lottery.restoring.networks import make_network
        from surefoot.sparsity.lottery.restoring.tickets import clean_problem

        network = make_network(self.size, 3, self.study.network, self.seed)
        settings = FitSettings(steps=self.study.search, seed=self.seed)
        fit(network, clean_problem(self.truth), settings)
        return network

    def controls(self, ticket: PriorTicket, number: int, trained: Prior, long: int | None) -> None:
        """Fits with every control of a ticket; only the layer-wise random one is fitted long."""
        self.control("one-shot", ticket, number, trained)
        self.control("random", ticket, number)
        self.control("layer-random", ticket, number, steps=long)
        self.control("snip", ticket, number)

    def control(
        self,
        kind: Any,
        ticket: PriorTicket,
        number: int,
        trained: Prior | None = None,
        steps: int | None = None,
    ) -> None:
        """Fits with a control from the initial weights; one that removes a layer is recorded."""
        from surefoot.sparsity.lottery.restoring.networks import make_network
        from surefoot.sparsity.lottery.restoring.tickets import control_masks

        try:
            masks = control_masks(
                kind, ticket, self.size, problem=self.problem, trained=trained, seed=self.seed
            )
        except InputError as error:
            self.rows.append({"way": kind, "level": number, "refused": error.message})
            return
        network = make_network(self.size, 3, self.study.network, self.seed)
        self.fit(kind, number, network, masks, steps)

    def decoder(self, steps: int | None = None) -> None:
        """Fits the deep decoder."""
        from surefoot.sparsity.lottery.restoring.networks import make_network

        network = make_network(self.size, 3, self.study.decoder, self.seed)
        self.fit("deep decoder", 0, network, steps=steps)

    def fit(
        self,
        way: str,
        number: int,
        network: Prior,
        masks: Masks | None = None,
        steps: int | None = None,
    ) -> None:
        """Fits and records; a longer fit is evaluated up to the usual steps and as a whole."""
        from surefoot.sparsity.lottery.restoring.fitting import FitSettings, fit
        from surefoot.sparsity.lottery.restoring.networks import count_weights

        path = self.work / f"{len(self.rows):03}.json"
        if path.is_file():
            self.rows.append(json.loads(path.read_bytes()))
            return
        short = self.study.steps[self.task]
        found = fit(
            network,
            self.problem,
            FitSettings(steps=max(short, steps or 0), every=self.study.every, seed=self.seed),
            masks=masks,
            truth=self.truth,
        )
        pruned = masks.size - masks.alive if masks else 0
        row = {
            "way": way,
            "level": number,
            "sparsity": masks.sparsity if masks else 0.0,
            "weights": count_weights(network) - pruned,
            "seconds": found.seconds,
            "stops": stops_within(found, short, self.problem.sigma),
        }
        if steps:
            row["long"] = stops_within(found, max(short, steps), self.problem.sigma)
            row["curve"] = [[p.step, p.psnr] for p in found.curve]
        self.rows.append(row)
        write_atomic(path, json.dumps(row))

    def peers(self) -> dict[str, float]:
        """Returns the PSNR of methods without a network."""
        from surefoot.sparsity.lottery.restoring.fidelity import psnr
        from surefoot.sparsity.lottery.restoring.peers import (
            enlarge,
            fill,
            median,
            non_local_means,
        )

        truth, measured = (x[0].double().numpy() for x in (self.truth, self.whole.measured))
        if self.task == "denoise":
            found = {
                "measured": measured,
                "median of 3 x 3": median(measured),
                "non-local means": non_local_means(measured, self.whole.sigma),
            }
        elif self.task == "inpaint":
            known = self.whole.operator.known.numpy()  # type: ignore[attr-defined]
            found = {"linear interpolation": fill(np.where(known, truth, 0), known)}
        else:
            found = {
                "bicubic": enlarge(measured, self.study.scale),
                "Lanczos": enlarge(measured, self.study.scale, "lanczos"),
            }
        return {name: psnr(np.clip(x, 0, 1), truth) for name, x in found.items()}


def stops_within(found: FitResult, steps: int, sigma: float) -> dict[str, dict[str, float]]:
    """Returns the result of each stopping rule applied to the first steps of a fit.

    Args:
        found: The fit, with the truth known and places held out.
        steps: Steps that count.
        sigma: Standard deviation of the noise; without it there is no discrepancy.

    Returns:
        ``step`` and ``psnr`` by rule.
    """
    points = [p for p in found.curve if p.step <= steps]
    chosen = {
        "oracle": max(points, key=lambda p: p.psnr or 0),
        "held-out": min(points, key=lambda p: float("inf") if p.held is None else p.held),
        "last": points[-1],
    }
    if sigma:
        low = [p for p in points if p.residual <= sigma**2]
        chosen["discrepancy"] = low[0] if low else points[-1]
    return {rule: {"step": p.step, "psnr": float(p.psnr or 0)} for rule, p in chosen.items()}
