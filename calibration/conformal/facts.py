"""Facts of scenes, or steps of episodes, in flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import Floats, Labels, Sets, check_labels, check_probabilities
from surefoot.core.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class FactArrays:
    """All facts of all scenes, one row each. The scene is the unit that is exchangeable.

    An episode is a scene whose facts are its steps. Make it with :meth:`dense`, :meth:`ragged`
    or :meth:`flat`, which check.

    Attributes:
        probabilities: ``[m, K]``; a fact with fewer than K options has zeros behind them.
        options: ``[m]`` number of options of each fact; none if every fact has K.
        scenes: ``[m]`` scene of each fact, from 0 to ``n - 1``; none if every scene has
            ``m / n`` facts, one scene after the other.
        n: Number of scenes; one without facts counts.
    """

    probabilities: Floats
    options: NDArray[np.intp] | None
    scenes: NDArray[np.intp] | None
    n: int

    @classmethod
    def dense(cls, probabilities: ArrayLike) -> FactArrays:
        """Scenes with equally many facts of equally many options: ``[n, F, K]``.

        Raises:
            InputError: Malformed probabilities.
        """
        array = np.asarray(probabilities, dtype=np.float64)
        if array.ndim != 3 or array.shape[1] < 1:
            raise InputError(
                f"need scenes x facts x options with at least one fact, not {list(array.shape)}"
            )
        flat = check_probabilities(array.reshape(-1, array.shape[2]))
        return cls(flat, None, None, len(array))

    @classmethod
    def ragged(cls, scenes: Sequence[Sequence[ArrayLike]]) -> FactArrays:
        """Scenes with any number of facts with any number of options, as nested lists.

        Raises:
            InputError: Malformed probabilities; the message says of which fact.
        """
        rows = [
            check_probabilities(
                np.atleast_2d(np.asarray(fact, dtype=np.float64)),
                f"probabilities of fact {place} of scene {at},",
            )
            for at, scene in enumerate(scenes)
            for place, fact in enumerate(scene)
        ]
        if any(len(row) != 1 for row in rows):
            raise InputError("each fact of a scene is one list of probabilities")
        options = np.array([row.shape[1] for row in rows], dtype=np.intp)
        padded = np.zeros((len(rows), int(options.max(initial=1))))
        for at, row in enumerate(rows):
            padded[at, : row.shape[1]] = row[0]
        index = np.repeat(np.arange(len(scenes)), [len(scene) for scene in scenes])
        return cls(padded, options, index.astype(np.intp), len(scenes))

    @classmethod
    def flat(
        cls, scenes: ArrayLike, probabilities: ArrayLike, options: ArrayLike | None = None
    ) -> FactArrays:
        """One row per fact, in any order.

        Args:
            scenes: ``[m]`` name or number of each fact's scene.
            probabilities: ``[m, K]``, zeros behind the last option.
            options: ``[m]`` number of options of each fact; none: K each.

        Raises:
            InputError: Malformed probabilities, or mass behind the last option.
        """
        array = check_probabilities(probabilities)
        names = np.asarray(scenes)
        if names.shape != (len(array),):
            raise InputError(f"{len(array)} facts, but scenes of shape {list(names.shape)}")
        found, index = np.unique(names, return_inverse=True)
        counts = None
        if options is not None:
            counts = check_labels(options, len(array), array.shape[1] + 1)
            beyond = np.arange(array.shape[1]) >= counts[:, None]
            if (array * beyond).any() or (counts < 1).any():
                raise InputError("a fact has no option, or probability behind its last one")
        return cls(array, counts, index.astype(np.intp), len(found))

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Number of facts ``[n]`` of each scene."""
        if self.scenes is None:
            return np.full(self.n, len(self) // max(self.n, 1), dtype=np.intp)
        return np.bincount(self.scenes, minlength=self.n)

    def check_labels(self, labels: ArrayLike) -> Labels:
        """Checks the true labels ``[m]`` (or ``[n, F]`` of dense facts).

        Raises:
            InputError: Another number of labels, or one that is no option of its fact.
        """
        array = check_labels(np.asarray(labels).reshape(-1), *self.probabilities.shape)
        if self.options is not None and (array >= self.options).any():
            bad = int((array >= self.options).argmax())
            raise InputError(
                f"fact {bad} has {self.options[bad]} options, but the label {array[bad]}"
            )
        return array

    def worst(self, values: Floats) -> Floats:
        """Returns the largest of each scene's values ``[m]``: ``[n]``, -inf without facts."""
        if self.scenes is None:
            return _row_max(values.reshape(self.n, len(values) // max(self.n, 1)))
        most = np.full(self.n, -np.inf)
        np.maximum.at(most, self.scenes, values)
        return most

    def keep_options(self, sets: Sets) -> Sets:
        """Takes what is padding out of sets ``[m, K]``."""
        if self.options is None:
            return sets
        return np.asarray(sets & (np.arange(sets.shape[1]) < self.options[:, None]))


def _row_max(table: Floats) -> Floats:
    # Column by column in blocks: several times faster than one short reduction per row.
    found = np.empty(len(table))
    step = max(1, (1 << 15) // max(1, table.shape[1]))
    for start in range(0, len(table), step):
        part, most = table[start : start + step], found[start : start + step]
        most[:] = part[:, 0]
        for column in range(1, table.shape[1]):
            np.maximum(most, part[:, column], out=most)
    return found
