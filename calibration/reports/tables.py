"""Records as arrays, and their split into calibration and test by scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surefoot.calibration.arrays import Floats, Labels, Sets
from surefoot.calibration.reports.records import FactRecord, PlanRecord, Predictions
from surefoot.core.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class FactTable:
    """Facts in flat arrays, one row each.

    Attributes:
        scenes: ``[m]`` number of each fact's scene, from 0.
        probabilities: ``[m, K]``, zeros behind the last option.
        options: ``[m]`` number of options.
        acceptable: ``[m, K]`` which options are acceptable answers.
        groups: ``[m]`` names of groups.
    """

    scenes: Labels
    probabilities: Floats
    options: Labels
    acceptable: Sets
    groups: NDArray[np.str_]

    @classmethod
    def of(cls, facts: Sequence[FactRecord]) -> FactTable:
        """Builds the table from records."""
        options = np.array([len(f.options) for f in facts], dtype=np.intp)
        shape = (len(facts), int(options.max(initial=1)))
        probabilities = np.zeros(shape)
        acceptable = np.zeros(shape, dtype=np.bool_)
        for row, fact in enumerate(facts):
            probabilities[row, : len(fact.options)] = fact.probabilities
            for truth in fact.truth:
                acceptable[row, fact.options.index(truth)] = True
        names = np.array([f.scene for f in facts], dtype=np.str_)
        scenes = np.unique(names, return_inverse=True)[1].reshape(-1).astype(np.intp)
        groups = np.array([f.group for f in facts], dtype=np.str_)
        return cls(scenes, probabilities, options, acceptable, groups)

    def __len__(self) -> int:
        return len(self.scenes)

    @property
    def n_scenes(self) -> int:
        """Number of scenes."""
        return int(self.scenes.max()) + 1 if len(self) else 0

    @property
    def labels(self) -> Labels:
        """The most probable acceptable answer of each fact.

        With it as the truth, a set that is bounded by a threshold on probabilities holds the
        truth exactly when it holds some acceptable answer (KnowNo, appendix A3).
        """
        own = np.where(self.acceptable, self.probabilities, -1.0)
        return np.asarray(own.argmax(axis=1), dtype=np.intp)

    @property
    def confidence(self) -> Floats:
        """Probability of each fact's likeliest answer."""
        return np.asarray(np.minimum(self.probabilities.max(axis=1), 1.0))

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each fact's likeliest answer (the first of equals) is acceptable."""
        best = self.probabilities.argmax(axis=1)
        return np.asarray(self.acceptable[np.arange(len(self)), best])

    def features(self) -> Floats:
        """``[m, 4]`` features: confidence, margin, entropy, number of options."""
        p = np.sort(self.probabilities, axis=1)[:, ::-1]
        second = p[:, 1] if p.shape[1] > 1 else np.zeros(len(p))
        entropy = -(p * np.log(np.clip(p, 1e-300, None))).sum(axis=1)
        return np.column_stack([p[:, 0], p[:, 0] - second, entropy, self.options])

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> FactTable:
        """Returns some rows, with scenes renumbered."""
        scenes = np.unique(self.scenes[rows], return_inverse=True)[1].reshape(-1)
        return FactTable(
            scenes.astype(np.intp),
            self.probabilities[rows],
            self.options[rows],
            self.acceptable[rows],
            self.groups[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class PlanTable:
    """Plans in flat arrays, one row each.

    Attributes:
        scenes: ``[n]`` names of scenes.
        confidence: ``[n]`` the planner's probability that the plan is fine.
        satisfied: ``[n]`` whether it is.
    """

    scenes: NDArray[np.str_]
    confidence: Floats
    satisfied: NDArray[np.bool_]

    @classmethod
    def of(cls, plans: Sequence[PlanRecord]) -> PlanTable:
        """Builds the table from records."""
        return cls(
            np.array([p.scene for p in plans], dtype=np.str_),
            np.array([p.confidence for p in plans], dtype=np.float64),
            np.array([p.satisfied for p in plans], dtype=np.bool_),
        )

    def __len__(self) -> int:
        return len(self.confidence)


def with_splits(predictions: Predictions, seed: int, share: float = 0.5) -> Predictions:
    """Returns records that all carry a split.

    Args:
        predictions: Records with splits (kept as they are) or without (scenes are drawn).
        seed: Seed of the draw.
        share: Share of the scenes that calibrate.

    Raises:
        InputError: Only some records carry a split, or a scene lies in both, or there are
            fewer than two scenes.
    """
    records = predictions.records
    marked = sum(bool(r.split) for r in records)
    source = predictions.source or None
    if marked not in (0, len(records)):
        raise InputError(
            f"{marked} of {len(records)} records carry a split; mark all of them or none",
            file=source,
        )
    splits: dict[str, str] = {}
    if marked:
        for record in records:
            if splits.setdefault(record.scene, record.split) != record.split:
                raise InputError(
                    f"scene '{record.scene}' is in both splits; its facts depend on each other",
                    file=source,
                )
        return predictions
    names = sorted({r.scene for r in records})
    if len(names) < 2:
        raise InputError("there are fewer than two scenes: nothing can be held out", file=source)
    order = np.random.default_rng(seed).permutation(len(names))
    cut = min(max(1, round(share * len(names))), len(names) - 1)
    chosen = {names[i] for i in order[:cut]}

    def split(scene: str) -> str:
        return "calibration" if scene in chosen else "test"

    return Predictions(
        tuple(replace(f, split=split(f.scene)) for f in predictions.facts),
        tuple(replace(p, split=split(p.scene)) for p in predictions.plans),
        predictions.source,
    )
