"""Restores one picture into a run folder, and goes on where that was stopped."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from surefoot.core.errors import InputError, WriteError
from surefoot.results.manifest import Manifest
from surefoot.results.run_folder import RunFolder
from surefoot.sparsity.lottery.restoring.fidelity import psnr, ssim
from surefoot.sparsity.lottery.restoring.files import ImageFile, read_mask, read_picture
from surefoot.sparsity.lottery.restoring.fitting import FitResult, FitSettings, fit
from surefoot.sparsity.lottery.restoring.memory import check_memory
from surefoot.sparsity.lottery.restoring.networks import (
    NetworkSettings,
    count_weights,
    depth_for,
    make_network,
)
from surefoot.sparsity.lottery.restoring.operators import (
    Denoise,
    Downsample,
    Inpaint,
    InverseProblem,
)
from surefoot.sparsity.lottery.restoring.page import render_restoration
from surefoot.sparsity.lottery.restoring.peers import (
    enlarge,
    estimate_sigma,
    fill,
    median,
    non_local_means,
)
from surefoot.sparsity.lottery.restoring.settings import Inputs, RestoreSettings
from surefoot.sparsity.lottery.restoring.stopping import chosen_stop
from surefoot.sparsity.lottery.restoring.tickets import (
    PriorTicket,
    find_prior_tickets,
    rounds_for,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESTORED = "restored.png"
"""The result."""
TICKET = "ticket"
"""Folder of the ticket that was found."""
WORK = "work"
"""Folder of the state; gone when the picture is done."""
_KEY = "picture"
_SSIM_FROM = 11

Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class RestoringJob:
    """What was read.

    Attributes:
        settings: How the picture is restored.
        picture: The picture as it was found.
        problem: What was measured of the true one.
        size: Height and width of the result.
        sigma: Standard deviation of the noise, where white is 1.
        known: Pixels that are known, for ``inpaint``.
        truth: The true picture, if there is one.
        ticket: A ticket that was brought along.
    """

    settings: RestoreSettings
    picture: ImageFile
    problem: InverseProblem
    size: tuple[int, int]
    sigma: float
    known: NDArray[np.bool_] | None
    truth: ImageFile | None
    ticket: PriorTicket | None


def restore(
    inputs: Inputs,
    settings: RestoreSettings,
    out: Path,
    *,
    told: Told = lambda part, done, total: None,
) -> dict[str, Any]:
    """Restores a picture, or goes on with it.

    Writes ``restored.png``, ``summary.json``, ``report.html`` and, where one was looked for, the
    ticket.

    Args:
        inputs: The files.
        settings: How it is restored.
        out: Folder of the run; new, empty, or with the beginning of the same run.
        told: Told what is being done, the steps of it done, and all its steps.

    Returns:
        What ``summary.json`` holds.

    Raises:
        InputError: A file or setting cannot be used, or the folder holds another run.
    """
    job = read_job(inputs, settings)
    manifest = Manifest(
        "restore",
        settings.model_dump(mode="json"),
        [_KEY],
        [settings.seed],
        hashes={
            name: _file_hash(path)
            for name, path in (
                ("image", inputs.image),
                ("mask", inputs.mask),
                ("truth", inputs.truth),
            )
            if path is not None
        }
        | ({"ticket": _ticket_hash(job.ticket)} if job.ticket else {}),
    )
    with RunFolder.open(out, manifest) as run:
        if run.pending or not (out / RESTORED).is_file():
            begun = (out / WORK).exists()
            try:
                summary, result, peers, found = _work(job, out, told)
            except WriteError:
                raise
            except InputError:  # it would come again, so there is nothing to go on with
                if not begun:
                    shutil.rmtree(out / WORK, ignore_errors=True)
                raise
            result.write(out / RESTORED)
            run.write_summary(summary)
            run.write_report(render_restoration(summary, _before(job), result, peers, found))
            if run.pending:
                run.append(_KEY, summary)
            shutil.rmtree(out / WORK, ignore_errors=True)
        return dict(run.records[_KEY])


def read_job(inputs: Inputs, settings: RestoreSettings) -> RestoringJob:
    """Reads the files of a restoration and checks that they belong together.

    Raises:
        InputError: One cannot be read, or does not fit.
    """
    picture = read_picture(inputs.image)
    size, known = picture.size, None
    if settings.task == "sr":
        size = (size[0] * settings.scale, size[1] * settings.scale)
    if inputs.mask is not None and settings.task != "inpaint":
        raise InputError(f"--mask is for inpaint, not for {settings.task}")
    if settings.task == "inpaint":
        picture, known = _masked(picture, inputs)
    flat = _one_colour(picture, known)
    network = _network(settings, size)
    if not flat:
        check_memory(size, network)
    if settings.sigma is not None:
        sigma = settings.sigma / 255
    else:
        sigma = estimate_sigma(picture.values) if settings.task == "denoise" else 0.0
    problem = _problem(settings, picture, size, known, sigma)
    if settings.held and not flat:
        problem = problem.hold(settings.held, settings.seed)
    truth = None if inputs.truth is None else read_picture(inputs.truth)
    if truth is not None and truth.values.shape != (len(picture.values), *size):
        raise InputError(
            f"the true picture has shape {truth.values.shape}, the result will have "
            f"{(len(picture.values), *size)}",
            file=str(inputs.truth),
        )
    ticket = None
    if inputs.ticket is not None:
        if settings.sparsity:
            raise InputError("a ticket has its sparsity; give --ticket or --sparsity")
        ticket = PriorTicket.load(inputs.ticket)
        if ticket.card.channels != len(picture.values):
            raise InputError(
                f"the ticket is for {ticket.card.channels} channels, the picture has "
                f"{len(picture.values)}",
                file=str(inputs.ticket),
            )
        if not flat:
            check_memory(size, ticket.card.network)
            ticket.network(size)  # refused here, before anything is written
    return RestoringJob(settings, picture, problem, size, sigma, known, truth, ticket)


def _masked(picture: ImageFile, inputs: Inputs) -> tuple[ImageFile, NDArray[np.bool_]]:
    """Returns the picture and what is known of it; transparency that was the mask is used up."""
    if inputs.mask is not None:
        return picture, read_mask(inputs.mask, picture.size)
    if picture.alpha is None or bool((picture.alpha > 0).all()):
        raise InputError(
            "which pixels are unknown? give --mask, or make them transparent",
            file=str(inputs.image),
        )
    known: NDArray[np.bool_] = picture.alpha > 0
    if not known.any():
        raise InputError("the whole picture is transparent", file=str(inputs.image))
    return ImageFile(picture.values), known


def _problem(
    settings: RestoreSettings,
    picture: ImageFile,
    size: tuple[int, int],
    known: NDArray[np.bool_] | None,
    sigma: float,
) -> InverseProblem:
    values = picture.tensor()
    if known is not None:
        operator = Inpaint(torch.tensor(known))
        return InverseProblem(operator, operator(values), sigma)
    if settings.task == "sr":
        return InverseProblem(Downsample(settings.scale, size), values, sigma)
    return InverseProblem(Denoise(), values, sigma)


def _work(
    job: RestoringJob, out: Path, told: Told
) -> tuple[dict[str, Any], ImageFile, dict[str, ImageFile], FitResult | None]:
    settings = job.settings
    peers = _peers(job)
    flat = _constant(job)
    base = {
        "task": settings.task,
        "sigma": 255 * job.sigma,
        "estimated": settings.sigma is None and settings.task == "denoise",
        "size": list(job.size),
        "channels": len(job.picture.values),
        "measured": job.problem.operator.name,
        "settings": settings.model_dump(mode="json"),
        "peers": {name: _score(job, peer) for name, peer in peers.items()},
    }
    if flat is not None:
        result = ImageFile(flat, _alpha(job))
        return (
            {
                **base,
                "trivial": "all that is known has one colour, so nothing was fitted",
                "result": _score(job, result),
                "stop": None,
                "stops": {},
                "network": None,
                "ticket": None,
                "seconds": 0.0,
            },
            result,
            peers,
            None,
        )
    ticket = job.ticket
    if ticket is None and settings.sparsity:
        ticket = _search(job, out, told)
    form = ticket.card.network if ticket else _network(settings, job.size)
    if ticket is None:
        network = make_network(job.size, len(job.picture.values), form, settings.seed)
    else:
        network = ticket.network(job.size)
    found = fit(
        network,
        job.problem,
        FitSettings(steps=settings.steps, patience=settings.patience, seed=settings.seed),
        masks=ticket.masks if ticket else None,
        truth=job.truth.tensor() if job.truth else None,
        folder=out / WORK / "fit",
        told=lambda done, total: told("fit", done, total),
    )
    stop = chosen_stop(found.stops, settings.stop)
    result = ImageFile(stop.picture[0].double().numpy(), _alpha(job))
    return (
        {
            **base,
            "trivial": "",
            "result": _score(job, result),
            "stop": {
                "rule": stop.rule,
                "asked": settings.stop,
                "step": stop.step,
                "seconds": stop.seconds,
            },
            "stops": {
                rule: {"step": s.step, "seconds": s.seconds, "psnr": s.psnr}
                for rule, s in found.stops.items()
            },
            "network": {
                **form.model_dump(mode="json"),
                "weights": count_weights(network),
            },
            "ticket": None
            if ticket is None
            else {
                **ticket.card.model_dump(mode="json", exclude={"network"}),
                "brought": job.ticket is not None,
                "layers": [layer.to_json() for layer in ticket.masks.report()],
            },
            "seconds": found.seconds,
        },
        result,
        peers,
        found,
    )


def _network(settings: RestoreSettings, size: tuple[int, int]) -> NetworkSettings:
    return NetworkSettings(
        kind=settings.network, width=settings.width, depth=depth_for(size, settings.depth)
    )


def _search(job: RestoringJob, out: Path, told: Told) -> PriorTicket:
    """Looks for a ticket on what is observed; all of it counts, since nothing is stopped by it."""
    settings = job.settings
    whole = InverseProblem(job.problem.operator, job.problem.measured, job.sigma)
    found = find_prior_tickets(
        job.size,
        len(job.picture.values),
        {"the observed picture": whole},
        "observed",
        _network(settings, job.size),
        rounds_for(settings.sparsity),
        FitSettings(steps=settings.search_steps, seed=settings.seed),
        out / WORK / "search",
        seed=settings.seed,
        told=told,
    )[-1]
    found.save(out / TICKET)
    return found


def _peers(job: RestoringJob) -> dict[str, ImageFile]:
    """Returns what is got without a network."""
    values, task = job.picture.values, job.settings.task
    found = {}
    if task == "denoise":
        found["median of 3 x 3"] = median(values)
        if job.sigma > 0:
            found["non-local means"] = non_local_means(values, job.sigma)
    elif task == "inpaint":
        assert job.known is not None
        found["linear interpolation"] = fill(values, job.known)
    else:
        found["bicubic"] = enlarge(values, job.settings.scale)
        found["Lanczos"] = enlarge(values, job.settings.scale, "lanczos")
    alpha = _alpha(job)
    return {name: ImageFile(v, alpha) for name, v in found.items()}


def _before(job: RestoringJob) -> ImageFile:
    """Returns the picture as it was found, without what may lie under unknown pixels."""
    if job.known is None:
        return job.picture
    return ImageFile(np.where(job.known, job.picture.values, 0.0), job.known.astype(np.float64))


def _alpha(job: RestoringJob) -> NDArray[np.float64] | None:
    """Returns the transparency of the result: that of the picture, enlarged with it."""
    alpha = job.picture.alpha
    if alpha is None or job.settings.task != "sr":
        return alpha
    grown: NDArray[np.float64] = enlarge(alpha[None], job.settings.scale)[0]
    return grown


def _constant(job: RestoringJob) -> NDArray[np.float64] | None:
    """Returns the result where all that is known has one colour."""
    if not _one_colour(job.picture, job.known):
        return None
    colour = job.problem.measured.flatten(2)[0][:, :1, None].double().expand(-1, *job.size)
    return np.ascontiguousarray(colour.numpy())


def _one_colour(picture: ImageFile, known: NDArray[np.bool_] | None) -> bool:
    chosen = picture.values.reshape(len(picture.values), -1)
    if known is not None:
        chosen = chosen[:, known.ravel()]
    return not bool((chosen != chosen[:, :1]).any())


def _score(job: RestoringJob, result: ImageFile) -> dict[str, float | None]:
    """Compares with the truth; a perfect picture has no PSNR that JSON can hold."""
    if job.truth is None:
        return {"psnr": None, "ssim": None}
    truth = job.truth.values
    ratio = psnr(np.clip(result.values, 0, 1), truth)
    wide = min(truth.shape[1:]) >= _SSIM_FROM
    return {
        "psnr": ratio if np.isfinite(ratio) else None,
        "ssim": ssim(np.clip(result.values, 0, 1), truth) if wide else None,
    }


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _ticket_hash(ticket: PriorTicket) -> str:
    told = hashlib.sha256(ticket.card.model_dump_json().encode())
    for part in (ticket.start, ticket.masks.tensors):
        for name, tensor in sorted(part.items()):
            told.update(name.encode() + tensor.numpy().tobytes())
    return told.hexdigest()
