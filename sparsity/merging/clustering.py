"""Families of models that are similar enough to be merged.

Source: Model-GLUE (Zhao et al. 2024), section 3.2: models whose weights have a cosine of at least
0.95 form a cluster. The released code never creates a second cluster; this does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.progress import Progress, silent
from surefoot.sparsity.merging.checks import MergeSource, Zoo, difference
from surefoot.sparsity.merging.similarity import comparable, similarity_matrix

THRESHOLD = 0.95
"""Default of the least similarity within a family, from the paper."""

LINKAGES = ("average", "connected")
"""Similarity of groups from that of models: its mean, or its maximum."""


@dataclass(frozen=True)
class Families:
    """Families of a set of models.

    Attributes:
        names: Names of the models.
        matrix: Similarities ``[n, n]``; NaN where undefined.
        groups: Indices of the models of each family, the largest family first.
        threshold: Least similarity within a family.
        linkage: One of :data:`LINKAGES`.
        reasons: Why families after the first cannot be merged with it, by index, if incompatible.
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    groups: tuple[tuple[int, ...], ...]
    threshold: float
    linkage: str
    reasons: dict[int, str]

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data; undefined similarities are ``None``."""
        rows = [[None if np.isnan(v) else float(v) for v in row] for row in self.matrix]
        return {
            "models": list(self.names),
            "similarity": rows,
            "families": [[self.names[i] for i in group] for group in self.groups],
            "threshold": self.threshold,
            "linkage": self.linkage,
            "reasons": {str(k): v for k, v in self.reasons.items()},
        }


def find_families(
    sources: Sequence[MergeSource],
    *,
    base: MergeSource | None = None,
    threshold: float = THRESHOLD,
    linkage: str = "average",
    progress: Progress = silent,
) -> Families:
    """Groups models into families.

    Models of another vocabulary, architecture or shape belong to different families regardless of
    the threshold.

    Args:
        sources: The models.
        base: If given, differences from it are compared instead of weights.
        threshold: Least similarity within a family.
        linkage: ``average``: two groups join if the mean similarity between their models reaches
            the threshold; ``connected``: if that of any pair does.
        progress: Called after every tensor.

    Raises:
        InputError: A setting is unknown or out of range, or a model does not fit the base.
    """
    if not sources:
        raise InputError("there are no models to group")
    matrix = similarity_matrix(sources, base, progress)
    groups: list[tuple[int, ...]] = []
    kinds = comparable(sources)
    for members in kinds:
        part = matrix[np.ix_(members, members)]
        groups += [tuple(members[i] for i in group) for group in cluster(part, threshold, linkage)]
    groups.sort(key=lambda g: (-len(g), g[0]))
    reasons = {}
    for number, group in enumerate(groups[1:], 1):
        why = difference(sources[groups[0][0]], sources[group[0]])
        if why is not None:
            reasons[number] = why
    return Families(
        tuple(s.name for s in sources), matrix, tuple(groups), threshold, linkage, reasons
    )


def check_family(
    zoo: Zoo, *, threshold: float = THRESHOLD, linkage: str = "average", progress: Progress = silent
) -> Families:
    """Checks that models and their base, if any, are of one family.

    Raises:
        InputError: They are of several; the line names two and their similarity.
    """
    everyone = [*([zoo.base] if zoo.base is not None else []), *zoo.sources]
    found = find_families(everyone, threshold=threshold, linkage=linkage, progress=progress)
    if len(found.groups) == 1:
        return found
    home = next(g for g in found.groups if 0 in g)
    stranger = min(i for g in found.groups if g is not home for i in g)
    alike = found.matrix[0, stranger]
    what = "was not tuned from" if zoo.base is not None else "is of another family than"
    raise InputError(
        f"{everyone[stranger].name} {what} {everyone[0].name}: their similarity is {alike:.3f}, "
        f"below the threshold {threshold:g}; merge families separately, or lower --threshold"
    )


def cluster(
    matrix: np.ndarray, threshold: float = THRESHOLD, linkage: str = "average"
) -> list[tuple[int, ...]]:
    """Clusters by similarity.

    Args:
        matrix: Similarities ``[n, n]`` from -1 to 1, symmetric.
        threshold: Least similarity at which groups join, from -1 to 1.
        linkage: One of :data:`LINKAGES`.

    Returns:
        Groups of indices, each sorted; groups in the order of their first index.

    Raises:
        InputError: A setting is unknown or out of range.
    """
    from scipy.cluster.hierarchy import fcluster
    from scipy.cluster.hierarchy import linkage as joined
    from scipy.spatial.distance import squareform

    if linkage not in LINKAGES:
        raise InputError(f"unknown linkage '{linkage}'; known: {', '.join(LINKAGES)}")
    if not -1 <= threshold <= 1:
        raise InputError(f"threshold {threshold:g} is not between -1 and 1")
    count = len(matrix)
    if count == 1:
        return [(0,)]
    away = np.clip(1 - (matrix + matrix.T) / 2, 0, 2)
    np.fill_diagonal(away, 0)
    tree = joined(squareform(away, checks=False), "average" if linkage == "average" else "single")
    labels = fcluster(tree, 1 - threshold + 1e-9, "distance")
    groups: dict[int, list[int]] = {}
    for i, label in enumerate(labels.tolist()):
        groups.setdefault(label, []).append(i)
    return sorted(tuple(group) for group in groups.values())
