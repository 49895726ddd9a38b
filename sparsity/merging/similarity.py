"""Similarity of models: the cosine of their weights, column by column.

Source: Model-GLUE (Zhao et al. 2024), section 3.2, as in the released code: the mean cosine of the
columns of every attention and perceptron matrix, averaged over these matrices.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from surefoot.core.errors import InputError
from surefoot.core.progress import Progress, silent
from surefoot.sparsity.merging.checks import MergeSource, difference

if TYPE_CHECKING:
    import torch


_COMPARED = re.compile(r"(?:^|\.)(?:self_attn|attn|attention|self_attention|mlp)\.")


def similarity_of(one: MergeSource, other: MergeSource, base: MergeSource | None = None) -> float:
    """Returns the similarity of two models, between -1 and 1.

    Args:
        one: A model.
        other: Another.
        base: If given, differences from it are compared instead of weights.

    Raises:
        InputError: They differ in vocabulary or architecture.
    """
    found = similarity_matrix([one, other], base)[0, 1]
    if np.isnan(found):
        raise InputError(
            f"{one.name} and {other.name} cannot be compared: {difference(one, other)}"
        )
    return float(found)


def similarity_matrix(
    sources: Sequence[MergeSource], base: MergeSource | None = None, progress: Progress = silent
) -> np.ndarray:
    """Returns the pairwise similarities of models.

    Only one matrix per model is in memory at a time.

    Args:
        sources: ``n`` models.
        base: If given, differences from it are compared instead of weights.
        progress: Called after every matrix.

    Returns:
        ``[n, n]`` float64, symmetric, 1 on the diagonal; NaN where two models differ in
        vocabulary or architecture.

    Raises:
        InputError: A model differs from the base in vocabulary or architecture.
    """
    found = np.full((len(sources), len(sources)), np.nan)
    np.fill_diagonal(found, 1.0)
    for members in comparable(sources):
        some = [sources[i] for i in members]
        if base is not None:
            why = difference(base, some[0])
            if why is not None:
                raise InputError(f"{some[0].name} was not tuned from the base {base.name}: {why}")
        if len(some) > 1:
            found[np.ix_(members, members)] = _of_comparable(some, base, progress)
    return found


def comparable(sources: Sequence[MergeSource]) -> list[list[int]]:
    """Groups comparable models: those of equal vocabulary, architecture and shapes."""
    groups: list[list[int]] = []
    for i, source in enumerate(sources):
        for group in groups:
            if difference(sources[group[0]], source) is None:
                group.append(i)
                break
        else:
            groups.append([i])
    return groups


def compared_keys(source: MergeSource) -> tuple[str, ...]:
    """Returns the names of the compared matrices: attention and perceptrons, otherwise all."""
    files = source.checkpoint
    matrices = tuple(key for key in files.keys if len(files.shape(key)) == 2)
    return tuple(key for key in matrices if _COMPARED.search(key)) or matrices


def column_cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    """Returns the mean cosine of the columns of two matrices ``[outputs, inputs]``.

    The cosine of two zero columns is 1, of a zero column and another one 0.
    """
    import torch

    left, right = one.double(), other.double()
    sizes = left.square().sum(0).sqrt(), right.square().sum(0).sqrt()
    both = sizes[0] * sizes[1]
    cosine = torch.where(both > 0, (left * right).sum(0) / both.clamp(min=1e-300), 0.0)
    cosine = torch.where((sizes[0] == 0) & (sizes[1] == 0), 1.0, cosine)
    return float(cosine.clamp(-1, 1).mean())


def _of_comparable(
    sources: Sequence[MergeSource], base: MergeSource | None, progress: Progress
) -> np.ndarray:
    count = len(sources)
    total = np.zeros((count, count))
    keys = compared_keys(sources[0])
    for number, key in enumerate(keys):
        progress(number, len(keys), "similarity")
        tensors = [s.checkpoint.tensor(key) for s in sources]
        if base is not None:
            start = base.checkpoint.tensor(key).float()
            tensors = [t.float() - start for t in tensors]
        for i in range(count):
            total[i, i] += 1
            for j in range(i):
                total[i, j] += column_cosine(tensors[i], tensors[j])
                total[j, i] = total[i, j]
    progress(len(keys), len(keys), "similarity")
    if not keys:
        raise InputError(f"{sources[0].name} has no matrices to compare")
    return total / len(keys)
