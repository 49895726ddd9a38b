"""One committee on one kind of data: dense, tickets by round, and their controls."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from surefoot.experiments.imp_receptive_fields.config import CommitteeCase, ReceptiveFieldsConfig

DATA, CLONE = "data", "clone"
"""Data with edges, and Gaussian data of the same covariance."""

KINDS = (DATA, CLONE)

IMP, ONE_SHOT, RANDOM = "imp", "one-shot", "random"
"""Pruning orders: iteratively by magnitude; one-shot by magnitude; one-shot at random."""

ORDERS = (IMP, ONE_SHOT, RANDOM)

_TIMES = 50
_FRESH = 1_000_003
"""Offset from the seed of the training points to that of the measured points."""


@dataclass(frozen=True, slots=True)
class CommitteeJob:
    """One committee on one kind of data.

    Attributes:
        study: The study as JSON.
        case: Name of the case.
        kind: Of :data:`KINDS`.
        seed: The seed.
    """

    study: str
    case: str
    kind: str
    seed: int

    @property
    def key(self) -> str:
        """The job's key."""
        return f"{self.case}/{self.kind}/{self.seed}"


def run_job(job: CommitteeJob) -> dict[str, Any]:
    """Trains the committee dense, as tickets round by round, and with the masks compared.

    Returns:
        Plain JSON data: ``rows`` (one per training: ``order``, ``round``, ``accuracy`` and what the
        diagnosis returns), ``going`` (mean cavity of the dense committee's weights by the round in
        which they are pruned, those that remain last) and ``weights`` by ``dense`` and order,
        those of the last round.
    """
    from surefoot.sparsity.lottery.receptive.nlgp import Field

    study = ReceptiveFieldsConfig.model_validate_json(job.study)
    case = study.cases[job.case]
    field = Field(case.size, case.gain, case.lengths, gaussian=job.kind == CLONE)
    fresh, kinds = field.draw(study.measured, job.seed + _FRESH)
    with TemporaryDirectory() as folder:
        return _Trainings(study, case, job.seed, field, fresh, kinds).run(Path(folder))


class _Trainings:
    """The trainings of a job."""

    def __init__(
        self,
        study: ReceptiveFieldsConfig,
        case: CommitteeCase,
        seed: int,
        field: Any,
        fresh: Any,
        kinds: Any,
    ) -> None:
        from surefoot.sparsity.lottery.receptive.committee import Committee, training

        self.study, self.seed = study, seed
        self.fresh, self.kinds = fresh, kinds
        self.model = Committee(case.size, case.committee, seed)
        self.start = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        points, classes = field.draw(case.points, seed)
        self.train = training(points, classes, case.committee, seed)

    def run(self, folder: Path) -> dict[str, Any]:
        """Runs all trainings of the job."""
        from surefoot.sparsity.lottery import Masks, Rounds, find_tickets
        from surefoot.sparsity.lottery.criteria import at_random, magnitude, one_shot

        learned: list[Any] = []

        def train(model: Any, masks: Any, noted: Any) -> dict[str, float]:
            found = self.train(model, masks, noted)
            learned.append(model.first.weight.detach().numpy().astype(float))
            return found

        rounds = Rounds(rounds=self.study.rounds, share=self.study.share)
        tickets = find_tickets(self.model, train, rounds, folder, target="first")
        dense, last = learned[0], {}
        rows = [self._row(IMP, 0, dense, None, tickets[0].figures)]
        for r in range(1, len(tickets)):
            rows.append(self._row(IMP, r, learned[r], learned[r - 1], tickets[r].figures))
        last[IMP] = learned[-1]
        for r in self.study.compared:
            for order in (ONE_SHOT, RANDOM):
                self.model.load_state_dict(self.start)
                # Magnitudes are those after dense training; random masks need no weights.
                self.model.first.weight.data = _tensor(dense)
                score = magnitude if order == ONE_SHOT else at_random(self.seed)
                masks = one_shot(
                    self.model, Masks.full(self.model, "first"), tickets[r].sparsity, score=score
                )
                self.model.load_state_dict(self.start)
                found = train(self.model, masks, lambda step, model: None)
                rows.append(self._row(order, r, learned[-1], dense, found))
                last[order] = learned[-1]
        return {
            "rows": rows,
            "going": self._going(dense, tickets),
            "weights": {k: np.round(w, 4).tolist() for k, w in {"dense": dense, **last}.items()},
        }

    def _row(
        self, order: str, number: int, weights: Any, before: Any, figures: Any
    ) -> dict[str, Any]:
        from surefoot.sparsity.lottery.receptive.diagnosis import diagnose

        found = diagnose(
            weights, 1, self.fresh, self.kinds, before=before, times=_TIMES, seed=self.seed
        ).summary()
        return {
            "order": order,
            "round": number,
            "accuracy": figures["accuracy"],
            "sparsity": found["sparsity"],
            "living": found["living"],
            "locality": found["locality"],
            "shuffled": found["shuffled"],
            "participation": found["participation"],
            "kurtosis": found["kurtosis"],
            "kept": found["cavity"].get("kept"),
            "pruned": found["cavity"].get("pruned"),
        }

    def _going(self, dense: Any, tickets: Any) -> list[float]:
        from surefoot.sparsity.lottery.receptive.measures import cavity

        change = cavity(dense, self.fresh, self.kinds)
        alive = [t.masks.tensors["first.weight"].numpy() for t in tickets]
        groups = [a & ~b for a, b in itertools.pairwise(alive)] + [alive[-1]]
        return [float(np.nanmean(change[g])) for g in groups]


def _tensor(values: Any) -> Any:
    import torch

    return torch.tensor(values, dtype=torch.float32)


def perception_job(item: tuple[str, int]) -> dict[str, Any]:
    """Diagnoses the first layer of a vision model, trained or at initialisation.

    Args:
        item: The study as JSON, and the seed of initial weights; negative for the trained model.

    Returns:
        What :func:`~surefoot.sparsity.lottery.receptive.running.look_at` gives, without units, and
        the ``weights``.
    """
    from surefoot.experiments.local_models.images import own_images
    from surefoot.models.shipped import model_folder
    from surefoot.sparsity.lottery.receptive.layers import FirstLayer, read_first_layer
    from surefoot.sparsity.lottery.receptive.patches import PatchImage, cut
    from surefoot.sparsity.lottery.receptive.running import FieldSettings, look_at

    text, seed = item
    study = ReceptiveFieldsConfig.model_validate_json(text)
    assert study.perception is not None
    folder = model_folder(study.perception.model)
    layer = read_first_layer(folder)
    if seed >= 0:
        layer = FirstLayer(layer.name, _drawn(folder, layer.name, seed), layer.patch)
    settings = FieldSettings(each=study.perception.each)
    pictures = (PatchImage(p) for p in own_images(folder, study.perception.pictures, 0))
    found = look_at(layer, cut(pictures, layer, settings.each, settings.seed), settings)
    del found["units"]
    return {**found, "weights": np.round(layer.weights, 4).tolist()}


def _drawn(folder: Path, name: str, seed: int) -> Any:
    """Returns a layer's weights at initialisation."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    make: Any = AutoModelForImageTextToText
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    torch.manual_seed(seed)
    model = make.from_config(config, dtype=torch.float32, trust_remote_code=False)
    # Names in files may lack the prefixes that names in the model have.
    (found,) = [p for n, p in model.named_parameters() if n.endswith(name)]
    return found.detach().double().numpy()
