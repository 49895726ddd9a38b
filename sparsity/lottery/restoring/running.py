"""Restores one image into a run folder; can be resumed."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from surefoot.core.errors import InputError, WriteError
from surefoot.core.progress import Progress, silent
from surefoot.results.manifest import Manifest
from surefoot.results.run_folder import RunFolder
from surefoot.sparsity.lottery.restoring.fidelity import psnr, ssim
from surefoot.sparsity.lottery.restoring.files import ImageFile, read_image, read_mask
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
"""The restored image."""
TICKET = "ticket"
"""Folder of the found ticket."""
WORK = "work"
"""Folder of the state; deleted when the image is done."""
_KEY = "picture"
_SSIM_FROM = 11
"""Least side of an image for SSIM, whose window has 11 pixels."""


@dataclass(frozen=True)
class RestoringJob:
    """A restoration with its inputs.

    Attributes:
        settings: The settings.
        picture: The given image.
        problem: The inverse problem.
        size: Height and width of the result.
        sigma: Standard deviation of the noise, where white is 1.
        known: Known pixels, for ``inpaint``.
        truth: The true image, if given.
        ticket: A given ticket.
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
    progress: Progress = silent,
) -> dict[str, Any]:
    """Restores an image, or resumes its restoration.

    Writes ``restored.png``, ``summary.json``, ``report.html`` and, if one was
    searched for, the ticket.

    Args:
        inputs: The files.
        settings: The settings.
        out: Folder of the run; new, empty, or with the beginning of the same run.
        progress: Called at every record of a fit, with the name of the phase.

    Returns:
        The content of ``summary.json``.

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
                summary, result, peers, found = _work(job, out, progress)
            except WriteError:
                raise
            except InputError:  # it would occur again, so there is nothing to resume
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
    """Reads the files of a restoration and checks that they are consistent.

    Raises:
        InputError: A file cannot be read, or does not fit the others.
    """
    picture = read_image(inputs.image)
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
    truth = None if inputs.truth is None else read_image(inputs.truth)
    if truth is not None and truth.values.shape != (len(picture.values), *size):
        raise InputError(
            f"the true image has shape {truth.values.shape}, the result will have "
            f"{(len(picture.values), *size)}",
            file=str(inputs.truth),
        )
    ticket = None
    if inputs.ticket is not None:
        if settings.sparsity:
            raise InputError("a ticket has its own sparsity; give either --ticket or --sparsity")
        ticket = PriorTicket.load(inputs.ticket)
        if ticket.card.channels != len(picture.values):
            raise InputError(
                f"the ticket is for {ticket.card.channels} channels, the image has "
                f"{len(picture.values)}",
                file=str(inputs.ticket),
            )
        if not flat:
            check_memory(size, ticket.card.network)
            ticket.network(size)  # raises before anything is written
    return RestoringJob(settings, picture, problem, size, sigma, known, truth, ticket)


def _masked(picture: ImageFile, inputs: Inputs) -> tuple[ImageFile, NDArray[np.bool_]]:
    """Returns the image and its known pixels; transparency used as the mask is dropped."""
    if inputs.mask is not None:
        return picture, read_mask(inputs.mask, picture.size)
    if picture.alpha is None or bool((picture.alpha > 0).all()):
        raise InputError(
            "the unknown pixels are not given; give --mask, or make them transparent",
            file=str(inputs.image),
        )
    known: NDArray[np.bool_] = picture.alpha > 0
    if not known.any():
        raise InputError("the whole image is transparent", file=str(inputs.image))
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
    job: RestoringJob, out: Path, progress: Progress
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
                "trivial": "all known pixels have the same colour, so nothing was fitted",
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
        ticket = _search(job, out, progress)
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
        progress=lambda done, total, _="": progress(done, total, "fit"),
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


def _search(job: RestoringJob, out: Path, progress: Progress) -> PriorTicket:
    """Searches for a ticket on the whole observed image; nothing is held out."""
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
        progress=progress,
    )[-1]
    found.save(out / TICKET)
    return found


def _peers(job: RestoringJob) -> dict[str, ImageFile]:
    """Returns the results of the baselines."""
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
    """Returns the given image, with unknown pixels cleared."""
    if job.known is None:
        return job.picture
    return ImageFile(np.where(job.known, job.picture.values, 0.0), job.known.astype(np.float64))


def _alpha(job: RestoringJob) -> NDArray[np.float64] | None:
    """Returns the transparency of the result, enlarged with the image."""
    alpha = job.picture.alpha
    if alpha is None or job.settings.task != "sr":
        return alpha
    grown: NDArray[np.float64] = enlarge(alpha[None], job.settings.scale)[0]
    return grown


def _constant(job: RestoringJob) -> NDArray[np.float64] | None:
    """Returns the result if all known pixels have the same colour."""
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
    """Compares with the truth; the infinite PSNR of a perfect image is ``None``."""
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
    digest = hashlib.sha256(ticket.card.model_dump_json().encode())
    for part in (ticket.start, ticket.masks.tensors):
        for name, tensor in sorted(part.items()):
            digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()
