"""Low-rank factorization of a matrix: plain or activation-whitened SVD."""

from __future__ import annotations

import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.statistics import InputStatistics

DAMPING = 1e-6
"""Weight of directions without calibration inputs, in units of the mean input energy."""


@torch.no_grad()
def factorize(
    weight: torch.Tensor, rank: int, statistics: InputStatistics | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Approximates W by U V of the given rank.

    Without statistics ‖W - UV‖_F is minimised, and U = U_r √Σ, V = √Σ V_rᵀ (WeLore). With them
    ‖(W - UV)X‖_F is minimised: U spans the first left singular vectors of W S, S Sᵀ = X Xᵀ, and
    UV = U_r U_rᵀ W. That equals the product of SVD-LLM, which divides by S, but S may be
    singular; directions without inputs have a small weight, so that unneeded ranks are used for
    them. Both factors are scaled equally: the columns of U have the norms of the rows of V.

    Args:
        weight: ``[out, in]``, finite.
        rank: In 1 … min(out, in).
        statistics: Statistics of the layer's inputs, with Gram matrix.

    Returns:
        U ``[out, rank]`` and V ``[rank, in]`` in the dtype of the weight.

    Raises:
        InputError: The rank or the statistics do not fit, or a weight is not finite.

    Source: Eckart and Young (1936); WeLore (Jaiswal et al. 2025); SVD-LLM (Wang et al. 2024),
    truncation-aware whitening.
    """
    if weight.ndim != 2 or not bool(weight.isfinite().all()):
        raise InputError(f"need a matrix of finite weights, not {list(weight.shape)}")
    if not 1 <= rank <= min(weight.shape):
        raise InputError(f"rank {rank} is not possible for a matrix {list(weight.shape)}")
    matrix = weight.detach().double()
    seen = matrix if statistics is None else matrix @ _whitening(matrix, statistics)
    left = torch.linalg.svd(seen, full_matrices=False)[0][:, :rank]
    right = left.T @ matrix
    scales = torch.linalg.vector_norm(right, dim=1).sqrt()
    safe = torch.where(scales > 0, scales, torch.ones_like(scales))
    return (left * scales).to(weight.dtype), (right / safe[:, None]).to(weight.dtype)


def _whitening(weight: torch.Tensor, statistics: InputStatistics) -> torch.Tensor:
    """Returns S with S Sᵀ = X Xᵀ, up to the damping."""
    statistics.check()
    if statistics.gram is None or statistics.width != weight.shape[1]:
        raise InputError(
            f"{statistics.name}: need the Gram matrix of {weight.shape[1]} input channels"
        )
    gram = statistics.gram.to(weight.device).double()
    values, vectors = torch.linalg.eigh((gram + gram.T) / 2)
    mean = values.clamp(min=0).mean()
    damped = values.clamp(min=0) + DAMPING * (mean if bool(mean > 0) else torch.ones_like(mean))
    root: torch.Tensor = vectors * damped.sqrt()
    return root
