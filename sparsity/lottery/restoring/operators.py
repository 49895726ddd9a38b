"""Measurement operators of images (differentiable maps), and inverse problems with them.

An image is a float tensor ``[1, channels, height, width]`` with values from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Protocol

import torch

from surefoot.core.errors import InputError

_LARGEST = 2**28
"""Largest number of entries of a random matrix; in float32 it takes 1 GiB."""
_LOBES = 2
"""Half width of the Lanczos kernel, in pixels of the small image."""


class MeasurementOperator(Protocol):
    """Maps an image to its measurement, differentiably.

    Attributes:
        name: Description for reports.
    """

    name: str

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        """Returns the measurement without noise ``[1, channels, ...]``, or ``[1, rows]``."""
        ...


class Denoise:
    """Measures each pixel; the image is only degraded by noise."""

    name = "noise"

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        """See the class; ``[1, channels, height, width]``."""
        return picture


class Inpaint:
    """Measures the pixels that are known.

    Args:
        known: Bool tensor ``[height, width]``.

    Raises:
        InputError: No pixel is known, or the mask has not two axes.
    """

    def __init__(self, known: torch.Tensor) -> None:
        if known.ndim != 2:
            raise InputError(f"a mask of pixels has two axes, this one has {known.ndim}")
        self.known = known.bool()
        if not bool(self.known.any()):
            raise InputError("the mask has no known pixel; there is nothing to restore from")
        self.name = f"{100 * float(self.known.float().mean()):.1f} % of the pixels known"

    @classmethod
    def at_random(cls, size: tuple[int, int], share: float, seed: int) -> Inpaint:
        """Returns an operator with randomly known pixels (Bernoulli).

        Args:
            size: Height and width.
            share: Probability that a pixel is known, in (0, 1].
            seed: Seed of the draw.

        Raises:
            InputError: The probability is out of range, or no pixel is known.
        """
        if not 0 < share <= 1:
            raise InputError(f"the fraction of known pixels lies between 0 and 1, not {share:g}")
        generator = torch.Generator().manual_seed(seed)
        return cls(torch.rand(size, generator=generator) < share)

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        """See the class; ``[1, channels, known pixels]``.

        Raises:
            InputError: The image has another size.
        """
        _check_size(picture, tuple(self.known.shape), "the mask")
        found: torch.Tensor = picture[:, :, self.known.to(picture.device)]
        return found


class Downsample:
    """Measures a downsampled image: Lanczos resampling with the kernel widened by the scale.

    Rows and columns are multiplied by one matrix each, whose rows sum to one; the image is
    mirrored at the border.

    Args:
        scale: Downsampling factor, an integer from 2.
        size: Height and width of the large image, multiples of the scale.

    Raises:
        InputError: The scale or the size is not as described.

    Source: Duchon 1979; two lobes as in Ulyanov et al. 2018, section 4.
    """

    def __init__(self, scale: int, size: tuple[int, int]) -> None:
        if scale < 2:
            raise InputError(f"the scale must be at least 2, not {scale}")
        if any(side % scale or side < scale for side in size):
            raise InputError(
                f"{size[0]} x {size[1]} pixels are not a multiple of {scale}; crop the image"
            )
        self.scale = scale
        self.size = size
        self.name = f"{scale} times smaller"
        self._rows, self._columns = (_lanczos(side, scale) for side in size)

    @classmethod
    def to(cls, small: tuple[int, int], scale: int) -> Downsample:
        """Returns the operator whose result has the given size."""
        return cls(scale, (small[0] * scale, small[1] * scale))

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        """See the class; ``[1, channels, height / scale, width / scale]``.

        Raises:
            InputError: The image has another size.
        """
        _check_size(picture, self.size, "the scaling")
        rows, columns = (m.to(picture) for m in (self._rows, self._columns))
        return rows @ picture @ columns.T


class Gaussian:
    """Measures inner products of the image with random rows (compressive sensing).

    Entries are normal with variance ``1 / rows``, so that norms are preserved on average.

    Args:
        rows: Number of rows.
        shape: Channels, height and width of the image.
        seed: Seed of the rows.

    Raises:
        InputError: There is no row, or the matrix would have more than 2**28 entries.

    Source: Bora et al. 2017, section 2.
    """

    def __init__(self, rows: int, shape: tuple[int, int, int], seed: int) -> None:
        count = prod(shape)
        if rows < 1:
            raise InputError(f"{rows} measurements; take at least one")
        if rows * count > _LARGEST:
            raise InputError(
                f"{rows} random rows over {count} values need over 1 GiB; use a smaller image "
                "or fewer rows"
            )
        generator = torch.Generator().manual_seed(seed)
        self.shape = shape
        self.matrix = torch.randn(rows, count, generator=generator) / rows**0.5
        self.name = f"{rows} random measurements of {count} values"

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        """See the class; ``[1, rows]``.

        Raises:
            InputError: The image has another shape.
        """
        if tuple(picture.shape[1:]) != self.shape:
            raise InputError(
                f"an image of shape {tuple(picture.shape[1:])}, but the rows are for {self.shape}"
            )
        found: torch.Tensor = picture.flatten(1) @ self.matrix.to(picture).T
        return found


def _check_size(picture: torch.Tensor, size: tuple[int, ...], what: str) -> None:
    found = tuple(picture.shape[-2:])
    if found != size:
        raise InputError(
            f"{what} is for {size[0]} x {size[1]} pixels, the image has {found[0]} x {found[1]}"
        )


def _lanczos(side: int, scale: int) -> torch.Tensor:
    """Returns the weights ``[side / scale, side]`` of one axis."""
    small = side // scale
    reach = _LOBES * scale
    centres = (torch.arange(small, dtype=torch.float64) + 0.5) * scale - 0.5
    places = torch.arange(-reach, side + reach)
    away = (places[None] - centres[:, None]) / scale
    kernel = torch.sinc(away) * torch.sinc(away / _LOBES) * (away.abs() < _LOBES)
    kernel /= kernel.sum(1, keepdim=True)
    # Mirroring repeats the border pixel, with period 2 * side.
    within = places % (2 * side)
    mirrored = torch.where(within < side, within, 2 * side - 1 - within)
    weights = torch.zeros(small, side, dtype=torch.float64)
    return weights.index_add_(1, mirrored, kernel).float()


@dataclass(frozen=True)
class InverseProblem:
    """An inverse problem: a measurement and its operator.

    Attributes:
        operator: The measurement operator.
        measured: The measurement with noise, of the operator's shape.
        sigma: Standard deviation of the noise, relative to the range of the image; 0 if there is
            none or it is unknown.
        held: Bool tensor, true for held-out entries: over positions ``[...]`` if the measurement is
            ``[1, channels, ...]``, over rows if it is ``[1, rows]``; ``None`` if nothing is held
            out.
    """

    operator: MeasurementOperator
    measured: torch.Tensor
    sigma: float = 0.0
    held: torch.Tensor | None = None

    def __post_init__(self) -> None:
        if not bool(self.measured.isfinite().all()):
            raise InputError("the measurement is not finite; check the image")

    def residual(self, picture: torch.Tensor, *, held: bool = False) -> torch.Tensor:
        """Returns the mean squared difference to the measurement.

        Args:
            picture: The image ``[1, channels, height, width]``.
            held: Whether to use the held-out entries instead of the others.

        Returns:
            A scalar, differentiable.

        Raises:
            InputError: Nothing is held out but requested.
        """
        squares = (self.operator(picture) - self.measured.to(picture)) ** 2
        if self.held is None:
            if held:
                raise InputError("nothing is held out; hold out part of the measurement first")
            return squares.mean()
        chosen = self.held if held else ~self.held
        return squares[..., chosen.to(picture.device)].mean()

    def hold(self, share: float, seed: int) -> InverseProblem:
        """Returns the problem with a fraction of the measurement held out.

        Args:
            share: Fraction of the positions (with all channels of a pixel), in (0, 1).
            seed: Seed of the choice.

        Raises:
            InputError: The fraction is out of range, or leaves one part empty.
        """
        if not 0 < share < 1:
            raise InputError(f"the held-out fraction lies between 0 and 1, not {share:g}")
        shape = self.measured.shape[2:] or self.measured.shape[1:]
        count = prod(shape)
        away = round(share * count)
        if not 0 < away < count:
            raise InputError(
                f"of {count} measured positions none would be {'fitted' if away else 'held out'}; "
                f"hold out {'fewer' if away else 'more'}"
            )
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
        held = torch.zeros(count, dtype=torch.bool)
        held[order[:away]] = True
        return replace(self, held=held.view(shape))


def observe(
    operator: MeasurementOperator, picture: torch.Tensor, sigma: float = 0.0, seed: int = 0
) -> InverseProblem:
    """Measures an image.

    Args:
        operator: The measurement operator.
        picture: The true image ``[1, channels, height, width]``.
        sigma: Standard deviation of normal noise, relative to the range of the image. Values are
            not clipped to [0, 1], as that would reduce the noise.
        seed: Seed of the noise.

    Raises:
        InputError: Sigma is negative, or sizes disagree.
    """
    if not sigma >= 0:
        raise InputError(f"sigma must be at least 0, not {sigma:g}")
    measured = operator(picture).detach()
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(measured.shape, generator=generator).to(measured)
    return InverseProblem(operator, measured + sigma * noise, sigma)


def pool(problems: tuple[InverseProblem, ...]) -> InverseProblem:
    """Returns the single problem that is equivalent to fitting several with one image.

    For linear operators that agree, the sum over ``i`` of ``mse(A x, y_i)`` is
    ``n mse(A x, mean y)`` plus a constant: its gradient is ``n`` times that of the mean, so a
    ticket of several images from one code is the ticket of their mean. The noise of a mean of ``n``
    is smaller by ``sqrt(n)``.

    Args:
        problems: Problems that share their operator.

    Raises:
        InputError: There is none, or operators, noise or held-out positions differ.
    """
    if not problems:
        raise InputError("no image to fit")
    first = problems[0]
    for other in problems[1:]:
        if other.operator is not first.operator or other.sigma != first.sigma:
            raise InputError("images fitted together need the same operator and noise")
        if other.measured.shape != first.measured.shape:
            raise InputError("images fitted together need the same size")
        if (other.held is None) != (first.held is None) or (
            first.held is not None
            and other.held is not None
            and not torch.equal(first.held, other.held)
        ):
            raise InputError("images fitted together need the same held-out positions")
    mean = torch.stack([p.measured for p in problems]).mean(0)
    return replace(first, measured=mean, sigma=first.sigma / len(problems) ** 0.5)
