"""The subspace that gradients of a matrix are projected to, and the interval of its updates."""

from __future__ import annotations

import torch
from torch import Tensor


def projects_right(shape: tuple[int, ...]) -> bool:
    """Returns whether a matrix [m, n] is projected from the right, which is if m >= n."""
    return shape[0] >= shape[1]


def basis_of(gradient: Tensor, rank: int) -> Tensor:
    """Returns the leading singular vectors of a gradient on its shorter side.

    They are computed as eigenvectors of the smaller Gram matrix in double precision, which is
    faster than a singular value decomposition (``benchmarks/optimizer_step.py``).

    Args:
        gradient: Matrix [m, n].
        rank: Number of vectors, at most min(m, n).

    Returns:
        float32 [min(m, n), rank], orthonormal columns, the leading one first: right singular
        vectors if m >= n, else left ones.

    Source: GaLore, arXiv 2403.03507, section 3; Q-GaLore, arXiv 2407.08296, section 3.5.
    """
    if gradient.device.type == "mps":  # has no double precision
        left, _, right = torch.linalg.svd(gradient.float().cpu(), full_matrices=False)
        found: Tensor = right[:rank].T if projects_right(tuple(gradient.shape)) else left[:, :rank]
        return found.contiguous().to(gradient.device)
    wide = gradient.to(torch.float64)
    gram = wide.T @ wide if projects_right(tuple(gradient.shape)) else wide @ wide.T
    vectors: Tensor = torch.linalg.eigh(gram)[1]
    return vectors[:, -rank:].flip(1).to(torch.float32).contiguous()


def project(gradient: Tensor, basis: Tensor) -> Tensor:
    """Projects a gradient to the subspace: G P [m, r] if m >= n, else P^T G [r, n]."""
    gradient = gradient.to(basis.dtype)
    return gradient @ basis if projects_right(tuple(gradient.shape)) else basis.T @ gradient


def project_back(low: Tensor, basis: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Projects a matrix of the subspace back: R P^T if m >= n, else P R."""
    return low @ basis.T if projects_right(shape) else basis @ low


def overlap(first: Tensor, second: Tensor) -> float:
    """Returns the overlap of two subspaces, independent of the signs of the vectors.

    Args:
        first: Basis [n, r].
        second: Basis [n, r].

    Returns:
        ||P1^T P2||_F^2 / r: 1 for the same subspace, 0 for orthogonal ones, r / n on average for
        independent ones.
    """
    return float((first.T @ second).square().sum()) / first.shape[1]


def cosine(first: Tensor, second: Tensor) -> float:
    """Returns the cosine of the leading vectors of two bases.

    It depends on the arbitrary sign of a singular vector.

    Source: released code of Q-GaLore.
    """
    return float(torch.nn.functional.cosine_similarity(first[:, 0], second[:, 0], dim=0))


MEASURES = {"overlap": overlap, "cosine": cosine}
"""Similarity measures of consecutive subspaces."""


def aligned(basis: Tensor, previous: Tensor) -> Tensor:
    """Flips vectors that point against those of the previous basis.

    The averages of Adam are kept when the basis changes, so signs of coordinates must not flip.
    """
    signs = torch.where((basis * previous).sum(0) < 0, -1.0, 1.0)
    return basis * signs


def next_interval(
    interval: int, history: list[float], measure: float, threshold: float, queue: int
) -> int:
    """Records the similarity of the last two subspaces and returns the steps to the next update.

    Args:
        interval: Steps between the last two updates.
        history: The last measures, at most ``queue`` of them; the newest is appended.
        measure: The newest similarity.
        threshold: Mean of a full queue at which the interval doubles.
        queue: Measures that are averaged; 0 keeps the interval constant.

    Source: Q-GaLore, arXiv 2407.08296, section 3.2.
    """
    if queue == 0:
        return interval
    history.append(measure)
    del history[:-queue]
    stable = len(history) == queue and sum(history) / queue >= threshold
    return 2 * interval if stable else interval
