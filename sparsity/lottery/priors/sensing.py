"""Finds the generator image that fits a measurement.

Bora et al. 2017: minimise ``||A G(z) - y||^2`` over codes z. Against outliers Jalal et al. 2020:
rows are put into groups, and z competes with another code z' on the group with the median
difference of losses, so that groups with outliers are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery.restoring.operators import Gaussian, InverseProblem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from surefoot.sparsity.lottery.priors.networks import Generator


class SenseSettings(BaseModel):
    """Settings of the search for a code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(default=300, ge=1)
    """Steps of Adam."""
    rate: float = Field(default=0.05, gt=0)
    """Learning rate."""
    starts: int = Field(default=4, ge=1)
    """Number of random starts; the best fit is returned."""
    hold: float = Field(default=1e-3, ge=0)
    """Weight of the code's mean square, which keeps it near the training distribution."""
    groups: int = Field(default=0, ge=0)
    """Groups of rows for the median of means; 0 for least squares."""
    seed: int = 0
    """Seed of the codes."""


@dataclass(frozen=True)
class SensedImage:
    """An image that was found.

    Attributes:
        picture: ``[1, 3, height, width]``.
        code: Its latent code ``[1, code]``.
        loss: Mean squared difference to the measurement; with groups their median.
    """

    picture: torch.Tensor
    code: torch.Tensor
    loss: float


def sense(generator: Generator, problem: InverseProblem, settings: SenseSettings) -> SensedImage:
    """Searches for the code whose image fits a measurement best.

    Args:
        generator: The generator; its weights are frozen.
        problem: The measurement; held-out parts are ignored.
        settings: Settings of the search.

    Raises:
        InputError: There are more groups than rows, or a loss is not finite.
    """
    draws = torch.Generator().manual_seed(settings.seed)
    shape = (settings.starts, generator.shape.code)
    code = torch.randn(shape, generator=draws).requires_grad_()
    rival = torch.randn(shape, generator=draws).requires_grad_() if settings.groups else None
    groups = _groups(problem, settings.groups, draws)
    learned = [code] if rival is None else [code, rival]
    optimizer = torch.optim.Adam(learned, settings.rate)
    for _ in range(settings.steps):
        losses = _losses(generator, problem, code, groups)
        if rival is None:
            slope = losses[:, 0] + settings.hold * code.square().mean(1)
            (code.grad,) = torch.autograd.grad(slope.sum(), [code])
        else:
            theirs = _losses(generator, problem, rival, groups)
            apart = losses - theirs
            middle = apart.detach().median(1, keepdim=True).indices
            game = apart.gather(1, middle)[:, 0]
            held = settings.hold * (code.square().mean(1) - rival.square().mean(1))
            first, second = torch.autograd.grad((game + held).sum(), [code, rival])
            code.grad, rival.grad = first, -second
        if not bool(losses.isfinite().all()):
            raise InputError("the loss is not finite; take a smaller rate")
        optimizer.step()
    with torch.no_grad():
        final = _losses(generator, problem, code, groups).median(1).values
        best = int(final.argmin())
        found = code[best : best + 1].detach()
        return SensedImage(generator(found), found, float(final[best]))


def _losses(
    generator: Generator, problem: InverseProblem, code: torch.Tensor, groups: torch.Tensor
) -> torch.Tensor:
    """Returns the mean squared difference of each code and group ``[starts, groups]``."""
    squares = (problem.operator(generator(code)) - problem.measured) ** 2
    if problem.held is not None:
        squares = squares[..., ~problem.held]
    flat = squares.flatten(1)
    if not len(groups):
        return flat.mean(1, keepdim=True)
    return flat @ groups.T


def _groups(problem: InverseProblem, count: int, draws: torch.Generator) -> torch.Tensor:
    """Returns the weights ``[groups, rows]`` of means over randomly assigned rows."""
    shape = problem.measured if problem.held is None else problem.measured[..., ~problem.held]
    rows = shape.flatten(1).shape[1]
    if not count:
        return torch.zeros(0, rows)
    if count > rows:
        raise InputError(f"{count} groups of {rows} rows; use fewer groups")
    group = torch.randperm(rows, generator=draws) % count
    weights = torch.nn.functional.one_hot(group, count).T.float()
    means: torch.Tensor = weights / weights.sum(1, keepdim=True)
    return means


def spoiled(problem: InverseProblem, count: int, size: float, seed: int) -> InverseProblem:
    """Returns a measurement with outliers.

    Args:
        problem: The measurement ``[1, rows]``.
        count: Number of rows with outliers.
        size: Value of the outliers.
        seed: Seed of their choice.

    Raises:
        InputError: There are too few rows.
    """
    rows = problem.measured.shape[-1]
    if not 0 <= count <= rows:
        raise InputError(f"{count} outliers among {rows} rows")
    chosen = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))[:count]
    measured = problem.measured.clone()
    measured[..., chosen] = size
    return InverseProblem(problem.operator, measured, problem.sigma, problem.held)


class LinearPrior:
    """The best linear estimate: images as Gaussian with their mean and covariance.

    The baseline of a generator: it uses the same images and has a closed form.

    Args:
        pictures: uint8 ``[n, size, size, 3]``.
    """

    def __init__(self, pictures: NDArray[np.uint8]) -> None:
        x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().flatten(1).double() / 255
        self.mean = x.mean(0)
        # Covariance is rootᵀ root; of n images it has rank n at most.
        self._root = (x - self.mean) / len(x) ** 0.5
        self._shape = (1, 3, *pictures.shape[1:3])

    def guess(self, operator: Gaussian, measured: torch.Tensor, sigma: float) -> torch.Tensor:
        """Returns the conditional mean ``[1, 3, size, size]`` given random rows.

        Args:
            operator: The rows.
            measured: ``[1, rows]``.
            sigma: Standard deviation of the noise.
        """
        matrix = operator.matrix.double()
        seen = self._root @ matrix.T
        ridge = sigma**2 + 1e-8 * float(seen.square().sum(0).mean())
        gram = seen.T @ seen + ridge * torch.eye(len(matrix), dtype=torch.float64)
        away = measured.double()[0] - matrix @ self.mean
        found = self.mean + self._root.T @ (seen @ torch.linalg.solve(gram, away))
        picture: torch.Tensor = found.clamp(0, 1).float().view(self._shape)
        return picture
