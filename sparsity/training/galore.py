"""GaLore and Q-GaLore: Adam in a low-rank subspace of the gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from surefoot.core.errors import InputError
from surefoot.sparsity.training.optimizer import AdamW8bit, adam_direction
from surefoot.sparsity.training.packing import BITS, GroupedCodes, quantize
from surefoot.sparsity.training.subspace import (
    MEASURES,
    aligned,
    basis_of,
    next_interval,
    project,
    project_back,
)


class GaLore(AdamW8bit):
    """AdamW of gradients projected to their leading singular vectors.

    A matrix [m, n] of a group with a ``rank`` below min(m, n) is projected; other
    parameters are updated without projection. The averages of Adam are in the subspace and are kept
    when it changes; the signs of the vectors of a new basis are aligned with the old ones.

    Args:
        params: Parameters or groups of them.
        lr: Learning rate.
        betas: Decay of the averages of gradients and of their squares.
        eps: Added to the root of the second average.
        weight_decay: Decoupled decay.
        rank: Rank of the subspace; None for no projection. Usually set per group.
        scale: Factor of projected updates.
        interval: Initial number of steps between two updates of the subspace.
        queue: Number of consecutive subspaces that have to be similar for the interval to double; 0
            for never.
        threshold: Mean similarity at which it doubles.
        measure: How subspaces are compared: ``overlap``, independent of signs, or ``cosine`` of the
            leading vectors.
        projection_bits: Bits per value of the basis: 4, 8 or 32.
        state_bits: Bits per value of the averages: 8 or 32.
        **options: Further options of :class:`AdamW8bit`.

    Raises:
        InputError: An option is out of range, or clipping is asked for in the fused form.

    Source: Zhao et al., arXiv 2403.03507, algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        rank: int | None = None,
        scale: float = 0.25,
        interval: int = 200,
        queue: int = 0,
        threshold: float = 0.4,
        measure: str = "overlap",
        projection_bits: int = 32,
        state_bits: int = 32,
        **options: Any,
    ) -> None:
        if measure not in MEASURES or projection_bits not in (*BITS, 32):
            raise InputError(
                f"measure is one of {', '.join(MEASURES)} and projections have 4, 8 or 32 bits, "
                f"not {measure}, {projection_bits}"
            )
        if interval < 1 or queue < 0 or (rank is not None and rank < 1):
            raise InputError("rank and interval are at least 1, queue at least 0")
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            state_bits=state_bits,
            rank=rank,
            scale=scale,
            interval=interval,
            queue=queue,
            threshold=threshold,
            measure=measure,
            projection_bits=projection_bits,
            **options,
        )

    def _step_parameter(self, parameter: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        shape = tuple(parameter.shape)
        if group["rank"] is None or len(shape) != 2 or group["rank"] >= min(shape):
            super()._step_parameter(parameter, grad, group)
            return
        state = self.state[parameter]
        if state.get("step", 0) >= state.get("due", 0):
            basis = self._look(grad, state, group)
        else:
            basis = _basis(state, shape, group)
        state["step"] = state.get("step", 0) + 1
        low = project(grad, basis)
        direction = adam_direction(low.reshape(-1), state, group).view(low.shape)
        update = project_back(direction, basis, shape).mul_(group["scale"])
        self._write(parameter, update, group)

    def _look(self, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
        """Computes the subspace of a gradient; returns the basis as stored."""
        if not bool(torch.isfinite(grad).all()):
            raise InputError("a gradient is not finite; lower the learning rate or clip")
        shape = tuple(grad.shape)
        basis = basis_of(grad, group["rank"])
        if "basis" in state:
            previous = _basis(state, shape, group)
            measure = MEASURES[group["measure"]](previous, basis)
            state["interval"] = next_interval(
                state["interval"], state["history"], measure, group["threshold"], group["queue"]
            )
            basis = aligned(basis, previous)
        else:
            state["interval"], state["history"], state["looks"] = group["interval"], [], 0
        state["looks"] += 1
        state["due"] = state.get("step", 0) + state["interval"]
        if group["projection_bits"] == 32:
            state["basis"] = basis
            return basis
        codes = quantize(basis, group["projection_bits"])
        state["basis"], state["basis_scales"] = codes.codes, codes.scales
        state["basis_minima"] = codes.minima
        return codes.dequantize()

    def projection_nbytes(self) -> int:
        """Returns the bytes of all bases."""
        return self._sum_nbytes(("basis", "basis_scales", "basis_minima"))

    def looks(self) -> int:
        """Returns the number of computed subspaces, over all matrices."""
        return sum(state.get("looks", 0) for state in self.state.values())


class QGaLore(GaLore):
    """GaLore with projections in 4 bits, averages in 8 bits and fewer computed subspaces.

    With weights of :class:`~surefoot.sparsity.training.int8.Int8Linear` it is the whole method:
    they have no floating-point copy and are updated by stochastic rounding.

    Args:
        params: Parameters or groups of them.
        *usual: Learning rate, betas, eps and weight decay, as of :class:`GaLore`.
        queue: Number of consecutive similar subspaces for the interval to double.
        projection_bits: Bits per value of the basis.
        state_bits: Bits per value of the averages.
        **options: Further options of :class:`GaLore` and :class:`AdamW8bit`.

    Source: Zhang et al., arXiv 2407.08296.
    """

    def __init__(
        self,
        params: Iterable[Any],
        *usual: Any,
        queue: int = 5,
        projection_bits: int = 4,
        state_bits: int = 8,
        **options: Any,
    ) -> None:
        super().__init__(
            params,
            *usual,
            queue=queue,
            projection_bits=projection_bits,
            state_bits=state_bits,
            **options,
        )


def _basis(state: dict[str, Any], shape: tuple[int, ...], group: dict[str, Any]) -> Tensor:
    """Returns the basis of a state, float32 [min(m, n), r]."""
    basis: Tensor = state["basis"]
    bits = group["projection_bits"]
    if bits == 32:
        return basis
    kept = GroupedCodes(
        basis, state["basis_scales"], state["basis_minima"], (min(shape), group["rank"]), bits, 256
    )
    return kept.dequantize()
