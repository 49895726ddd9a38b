"""Lottery Image Prior: what do tickets restore, and what of it is the oracle's and the layers'?"""

from __future__ import annotations

from typing import Any

from surefoot.core.errors import InputError
from surefoot.experiments.base import Study
from surefoot.experiments.lottery_image_prior.config import ImagePriorConfig, Sensing
from surefoot.experiments.lottery_image_prior.report import render_study
from surefoot.experiments.lottery_image_prior.sensed import (
    check_prior,
    make_prior,
    sense_picture,
    sensing_summary,
    unseen_pictures,
)
from surefoot.experiments.lottery_image_prior.summary import (
    overfit_summary,
    task_summary,
    ticket_against_random,
)
from surefoot.experiments.lottery_image_prior.work import (
    ImagePriorJob,
    has_several,
    judge,
    search,
    take_picture,
)


class ImagePriorStudy(Study[ImagePriorConfig]):
    """Restores images with dense and sparse networks, untrained and trained."""

    name = "lottery-image-prior"
    claim = (
        "Lottery Image Prior: tickets resist too many steps; much of it is how many weights each "
        "layer keeps"
    )
    complete = True
    timeout_s = 6 * 3600.0  # an image is fitted some twenty times, on a busy machine for an hour

    def check(self) -> None:
        """Checks that the settings fit together and that the generators can be read."""
        config = self.config
        if config.sensing is not None and config.sensing.prior is not None:
            check_prior(config.sensing.prior)
        if not config.tasks and config.sensing is not None:
            return
        if not config.scenes or not config.seeds or not config.tasks:
            raise InputError("the study needs at least one scene, one seed and one task")
        if len(set(config.seeds)) < len(config.seeds):
            raise InputError("a seed is named twice")
        if len({s.name for s in config.scenes}) < len(config.scenes):
            raise InputError("a scene is named twice")
        if len(config.scenes) > 1000:
            raise InputError("more than 1000 scenes would share seeds")
        if any(not 0 < level <= config.rounds for level in config.levels):
            raise InputError(f"levels lie between 1 and {config.rounds}, the number of rounds")
        if missing := [task for task in config.tasks if task not in config.steps]:
            raise InputError(f"steps say nothing of {missing[0]}")
        if config.rounds not in config.levels:
            raise InputError(f"levels hold the last round, {config.rounds}")
        if config.size % config.scale:
            raise InputError(f"a size of {config.size} is no multiple of the scale, {config.scale}")

    def results(self) -> tuple[dict[str, Any], str]:
        """Runs all parts; returns the summary and the report."""
        config = self.config
        summary: dict[str, Any] = {"study": config.to_json()}
        images = {}
        if config.tasks:
            summary |= self._restored()
            taken = self.out / "pictures" / "taken"
            images = {s.name: (taken / f"{s.name}.png").read_bytes() for s in config.scenes}
        if config.sensing is not None:
            summary["sensing"] = self._sensed(config.sensing)
        return summary, render_study(summary, images)

    def _restored(self) -> dict[str, Any]:
        """Restores images with untrained networks, dense and sparse."""
        config, text, place = self.config, self.text, str(self.out.resolve())
        taken = self.out / "pictures" / "taken"
        shots = {s.name: (str(taken.resolve()), s, config.size) for s in config.scenes}
        pictures = self.part("pictures", shots, take_picture)
        numbers = range(len(config.scenes))

        def jobs(kinds: tuple[str, ...]) -> dict[str, Any]:
            made = [
                ImagePriorJob(text, place, number, seed, kind)
                for kind in kinds
                for seed in config.seeds
                for number in numbers
            ]
            return {j.key: j for j in made}

        several = ("several",) if has_several(config) else ()
        kinds = ("clean", *several, *config.tasks)
        searches = self.part("searches", jobs(kinds), search)
        records = self.part("fits", jobs(config.tasks), judge)
        return {
            "pictures": pictures,
            "sparsity": next(iter(searches.values()))["sparsity"],
            "tasks": {task: task_summary(records, task) for task in config.tasks},
            "overfit": overfit_summary(records) if "denoise" in config.tasks else None,
            "against_random": ticket_against_random(records, config),
            "against_random_long": ticket_against_random(records, config, "long"),
            "search_seconds": sum(r["seconds"] for r in searches.values()),
        }

    def _sensed(self, sensing: Sensing) -> dict[str, Any]:
        """Reconstructs images from random rows with generators, dense and sparse."""
        prior = make_prior(sensing, self.out, self.progress_of("prior"))
        work = unseen_pictures(sensing, prior, self.out, self.progress_of("unseen"))
        return sensing_summary(self.part("sensing", work, sense_picture))


EXPERIMENT = ImagePriorStudy.experiment(ImagePriorConfig)
