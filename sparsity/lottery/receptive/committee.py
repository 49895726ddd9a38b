"""A soft committee machine trained on fields, dense or as a ticket."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting
from torch import nn

from surefoot.sparsity.lottery.masks import Masks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class CommitteeSettings(BaseModel):
    """Settings of a committee and its training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    units: int = Setting(default=20, ge=1)
    """Number of units K."""
    bias: bool = True
    """Whether the output has a bias. Without one the output cannot be negative, so units learn
    only evidence for the second class and become far more local."""
    start: float = Setting(default=0.01, gt=0)
    """Standard deviation of the initial weights."""
    rate: float = Setting(default=0.2, gt=0)
    """Learning rate per unit; it is multiplied by K since the output is a mean over units."""
    batch: int = Setting(default=1000, ge=1)
    """Points per step."""
    steps: int = Setting(default=1500, ge=1)
    """Number of steps."""


class Committee(nn.Module):
    """The mean of rectified units; a higher output indicates the second class.

    Args:
        inputs: Number of inputs D.
        settings: Its settings.
        seed: Seed of the initial weights.
    """

    def __init__(self, inputs: int, settings: CommitteeSettings, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.first = nn.Linear(inputs, settings.units, bias=False)
        drawn = torch.randn(settings.units, inputs, generator=generator)
        self.first.weight = nn.Parameter(settings.start * drawn)
        self.bias = nn.Parameter(torch.zeros(())) if settings.bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the output ``[b]`` of points ``[b, D]``."""
        found: torch.Tensor = torch.relu(self.first(x)).mean(1)
        return found if self.bias is None else found + self.bias


def training(
    points: NDArray[np.float64],
    classes: NDArray[np.int64],
    settings: CommitteeSettings,
    seed: int,
) -> Callable[[Any, Masks, Any], dict[str, float]]:
    """Returns a function that trains a committee, for ``find_tickets``.

    Its figures are the squared error and the accuracy on held-out points, the latter with the
    median output on the others as the threshold.

    Args:
        points: ``[P, D]``; the last fifth is held out.
        classes: ``[P]``, 0 or 1.
        settings: The training.
        seed: Seed of the order.
    """
    x = torch.tensor(points, dtype=torch.float32)
    y = torch.tensor(2.0 * classes - 1, dtype=torch.float32)
    known = len(x) - len(x) // 5

    def train(model: nn.Module, masks: Masks, on_step: Callable[[int, nn.Module], None]) -> Any:
        generator = torch.Generator().manual_seed(seed)
        # The gradient of a unit's weights has a factor 1/K that the bias lacks.
        last = [p for name, p in model.named_parameters() if name == "bias"]
        units = [p for name, p in model.named_parameters() if name != "bias"]
        optimizer = torch.optim.SGD(
            [
                {"params": units, "lr": settings.rate * settings.units},
                {"params": last, "lr": settings.rate},
            ]
        )
        held = masks.hold(model, optimizer)
        for step in range(1, settings.steps + 1):
            chosen = torch.randint(known, (settings.batch,), generator=generator)
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x[chosen]), y[chosen])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            on_step(step, model)
        held.remove()
        with torch.inference_mode():
            out = model(x[known:])
            threshold = model(x[:known]).median()
            accuracy = float(((out > threshold) == (y[known:] > 0)).float().mean())
            error = float(nn.functional.mse_loss(out, y[known:]))
        return {"loss": error, "accuracy": accuracy}

    return train
