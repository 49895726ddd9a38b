"""The study's part on generators: trained, dense and as tickets, as priors for random rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.progress import Progress
from surefoot.experiments.lottery_image_prior.config import Sensing
from surefoot.sparsity.lottery.priors.tickets import DENSE, KINDS, trained_generators

if TYPE_CHECKING:
    from surefoot.agents.perception.thumbnails import Thumbnails

_PICTURES, _UNSEEN = "pictures", "unseen"
_WAYS = {"least squares": 0, "median of means": 1}


@dataclass(frozen=True, slots=True)
class Unseen:
    """An unseen image to measure.

    Attributes:
        sensing: The settings as JSON.
        prior: Folder of the generators.
        out: Folder of the study.
        number: Number of the image.
    """

    sensing: str
    prior: str
    out: str
    number: int

    @property
    def key(self) -> str:
        """The job's key."""
        return f"unseen-{self.number}"


def check_prior(prior: Path) -> None:
    """Checks that a folder holds generators and the recipe of their training images.

    Raises:
        InputError: It does not.
    """
    from surefoot.sparsity.lottery.priors.networks import load_generator

    load_generator(prior / DENSE)
    _recipe(prior)


def make_prior(sensing: Sensing, out: Path, progress: Progress) -> Path:
    """Returns the folder of the generators; trains them where the settings name none.

    Args:
        sensing: The settings.
        out: Folder of the study.
        progress: Called with the steps done and all steps.

    Raises:
        InputError: A training diverges.
    """
    import torch

    from surefoot.agents.perception.thumbnails import Thumbnails, render_thumbnails
    from surefoot.sparsity.lottery.priors.tickets import prior_controls, prior_tickets
    from surefoot.sparsity.lottery.priors.training import PairSettings

    if sensing.prior is not None:
        return sensing.prior.resolve()
    torch.set_num_threads(1)
    place = out / "prior"
    pictures = render_thumbnails(Thumbnails(count=sensing.known), place / _PICTURES)
    settings = PairSettings(steps=sensing.steps, seed=sensing.seed)
    whole = sensing.steps * (1 + 3 * sensing.rounds)

    def count(done: int, total: int, part: str = "") -> None:
        del total, part
        progress(len(trained_generators(place)) * sensing.steps + done, whole)

    tickets = prior_tickets(
        pictures, settings, sensing.rounds, sensing.share, place, progress=count
    )
    prior_controls(pictures, settings, tickets, place, progress=count)
    return place.resolve()


def _recipe(prior: Path) -> Thumbnails:
    from surefoot.agents.perception.thumbnails import Thumbnails

    path = prior / _PICTURES / "thumbnails.json"
    try:
        return Thumbnails.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(
            "not a folder of surefoot train prior: it does not say what was trained on",
            file=str(path),
        ) from None


def unseen_pictures(
    sensing: Sensing, prior: Path, out: Path, progress: Progress
) -> dict[str, Unseen]:
    """Renders unseen images like those that the generators were trained on.

    Returns:
        Images to measure, by key.
    """
    from surefoot.agents.perception.thumbnails import render_thumbnails

    recipe = _recipe(prior).model_copy(update={"split": "test", "count": sensing.pictures})
    render_thumbnails(recipe, out / _UNSEEN, progress)
    text = sensing.model_dump_json()
    jobs = [Unseen(text, str(prior), str(out.resolve()), i) for i in range(sensing.pictures)]
    return {job.key: job for job in jobs}


def sense_picture(job: Unseen) -> dict[str, Any]:
    """Measures an image by random rows, for every generator and the best linear guess.

    Returns:
        ``clean`` and, with the dense generator only, ``spoiled``: what
        :func:`~surefoot.sparsity.lottery.priors.study.measure` gives; spoiled ones by way.
    """
    from surefoot.sparsity.lottery.priors.networks import load_generator
    from surefoot.sparsity.lottery.priors.study import Measuring, measure

    sensing = Sensing.model_validate_json(job.sensing)
    prior = Path(job.prior)
    generators = {name: load_generator(place) for name, place in trained_generators(prior).items()}
    known = np.load(prior / _PICTURES / "thumbnails.npy")
    truth = np.load(Path(job.out) / _UNSEEN / "thumbnails.npy")[job.number : job.number + 1]
    common: dict[str, Any] = {"sigma": sensing.sigma, "seed": 1000 * job.number}
    clean = Measuring(rows=sensing.rows, seek=sensing.seek, **common)
    found: dict[str, Any] = {"clean": measure(generators, truth, clean, known=known)}
    if sensing.outliers:
        dense = {DENSE: generators[DENSE]}
        found["spoiled"] = {
            way: measure(
                dense,
                truth,
                Measuring(
                    rows=(sensing.spoiled,),
                    outliers=sensing.outliers,
                    seek=sensing.seek.model_copy(update={"groups": sensing.groups * by_median}),
                    **common,
                ),
                known=known,
            )
            for way, by_median in _WAYS.items()
        }
    return found


def sensing_summary(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Summarises the measurements.

    Returns:
        ``clean`` and ``spoiled``: rows of
        :func:`~surefoot.sparsity.lottery.priors.study.summarise`, spoiled ones with ``way``;
        ``chance``: a ticket's PSNR less that of random masks with the same counts per layer.
    """
    from surefoot.sparsity.lottery.priors.study import against, summarise

    cases = list(records.values())
    clean = _together([c["clean"] for c in cases])
    spoiled = []
    if all("spoiled" in c for c in cases):
        for way in _WAYS:
            rows = summarise(_together([c["spoiled"][way] for c in cases]), DENSE)
            spoiled += [{"way": way, **row} for row in rows]
    ticket, *controls = KINDS
    numbers = [name.rpartition("-")[2] for name in clean["sparsity"] if name.startswith(ticket)]
    return {
        "clean": summarise(clean, DENSE),
        "spoiled": spoiled,
        "chance": [
            {"round": int(number), "rows": rows, "kind": kind, "ahead": ahead}
            for kind in controls
            for number in numbers
            for rows, ahead in against(clean, f"{ticket}-{number}", f"{kind}-{number}").items()
        ],
    }


def _together(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Joins the measurements of single images."""
    return {
        "rows": [{**row, "picture": i} for i, one in enumerate(found) for row in one["rows"]],
        "sparsity": found[0]["sparsity"],
    }
