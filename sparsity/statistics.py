"""Statistics of the inputs of linear layers: sums over calibration tokens."""

from __future__ import annotations

import torch

from surefoot.core.errors import InputError


class InputStatistics:
    """Sums over the inputs ``x`` of one linear layer, in fp32 on the device of the inputs.

    Wanda needs the norms of the input channels; SparseGPT and the whitened factors need the Gram
    matrix X Xᵀ, whose width² values are only kept if requested.

    Args:
        width: Number of input channels.
        gram: Whether to keep the Gram matrix.
        name: Name of the layer, for errors.

    Attributes:
        rows: Number of inputs (tokens).
        square_sums: ``[width]``, Σ x².
        gram: ``[width, width]``, Σ x xᵀ, or None.
    """

    def __init__(self, width: int, gram: bool = False, *, name: str = "layer") -> None:
        if width < 1:
            raise InputError(f"{name}: need at least one input channel, not {width}")
        self.width = width
        self.name = name
        self.rows = 0
        self.square_sums = torch.zeros(width)
        self.gram: torch.Tensor | None = torch.zeros(width, width) if gram else None

    @torch.no_grad()
    def update(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> None:
        """Adds a batch of inputs.

        Args:
            x: ``[..., width]``, any floating dtype.
            mask: ``[...]`` bool, True for tokens that are not padding; by default all count.

        Raises:
            InputError: The shapes do not fit, or an input is not finite; the sums are then
                unchanged.
        """
        if x.ndim == 0 or x.shape[-1] != self.width:
            raise InputError(f"{self.name}: inputs {list(x.shape)} do not end in {self.width}")
        if mask is not None:
            if mask.shape != x.shape[:-1] or mask.dtype != torch.bool:
                raise InputError(
                    f"{self.name}: need a bool mask {list(x.shape[:-1])}, "
                    f"not {mask.dtype} {list(mask.shape)}"
                )
            x = x[mask]
        rows = x.reshape(-1, self.width).float()
        squares = self.square_sums.to(rows.device) + rows.square().sum(0)
        if not bool(squares.isfinite().all()):
            raise InputError(
                f"{self.name}: an input is NaN, infinite or too large to square in fp32; "
                "look at the model's dtype and the calibration data"
            )
        self.square_sums = squares
        if self.gram is not None:
            self.gram = self.gram.to(rows.device).addmm_(rows.T, rows)
        self.rows += len(rows)

    def norms(self) -> torch.Tensor:
        """Returns ``[width]``, the Euclidean norm of each input channel over all tokens.

        Raises:
            InputError: There are no inputs.
        """
        self.check()
        return self.square_sums.sqrt()

    def check(self) -> None:
        """Raises InputError if there are no inputs."""
        if self.rows == 0:
            raise InputError(
                f"{self.name}: no calibration input reached this layer; give calibration data "
                "that does, or use magnitude"
            )
