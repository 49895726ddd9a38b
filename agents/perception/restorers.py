"""Ways to take the noise out of an image before a model is asked about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    from surefoot.sparsity.lottery.restoring.fitting import FitSettings
    from surefoot.sparsity.lottery.restoring.networks import NetworkSettings
    from surefoot.sparsity.lottery.restoring.tickets import PriorTicket

Rgb = NDArray[np.uint8]
"""An image, uint8 ``[height, width, 3]``."""

CLEAN = 2 / 255
"""Standard deviation of noise below which an image is left as it is, where white is 1."""


class Restorer(Protocol):
    """Takes noise out of images."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def __call__(self, rgb: Rgb) -> Rgb:
        """Returns the image without the noise, as far as it can."""
        ...


@dataclass(frozen=True)
class MedianFilter:
    """The median of the square around each pixel.

    Attributes:
        across: Pixels of its side, odd.
    """

    across: int = 3
    name = "median"

    def __call__(self, rgb: Rgb) -> Rgb:
        """See the class."""
        from surefoot.sparsity.lottery.restoring.peers import median

        return _pixels(median(_values(rgb), self.across))


@dataclass(frozen=True)
class NonLocalMeans:
    """The mean of pixels whose surroundings look alike; the noise is estimated."""

    name = "non-local means"

    def __call__(self, rgb: Rgb) -> Rgb:
        """See the class."""
        from surefoot.sparsity.lottery.restoring.peers import estimate_sigma, non_local_means

        values = _values(rgb)
        sigma = estimate_sigma(values)
        return rgb if sigma < CLEAN else _pixels(non_local_means(values, sigma))


@dataclass(frozen=True)
class ImagePriorRestorer:
    """A network fitted to the image and stopped by pixels held out, dense or as a ticket.

    It takes seconds, so it is a slow path: for an image that cannot be had again, or not soon.

    Attributes:
        network: The network, if there is no ticket.
        settings: The fit.
        ticket: The ticket that is fitted.
        held: Fraction of the pixels that is held out.
    """

    network: NetworkSettings
    settings: FitSettings
    ticket: PriorTicket | None = None
    held: float = 0.05

    @property
    def name(self) -> str:
        """Its name."""
        return "ticket prior" if self.ticket is not None else "dense prior"

    def __call__(self, rgb: Rgb) -> Rgb:
        """See the class."""
        import torch

        from surefoot.sparsity.lottery.restoring.fitting import fit
        from surefoot.sparsity.lottery.restoring.networks import make_network
        from surefoot.sparsity.lottery.restoring.operators import Denoise, InverseProblem
        from surefoot.sparsity.lottery.restoring.peers import estimate_sigma
        from surefoot.sparsity.lottery.restoring.stopping import chosen_stop

        values = _values(rgb)
        sigma = estimate_sigma(values)
        if sigma < CLEAN:
            return rgb
        image = torch.from_numpy(values).float()[None]
        problem = InverseProblem(Denoise(), image, sigma).hold(self.held, self.settings.seed)
        size = (values.shape[1], values.shape[2])
        if self.ticket is None:
            network, masks = make_network(size, 3, self.network, self.settings.seed), None
        else:
            network, masks = self.ticket.network(size), self.ticket.masks
        found = fit(network, problem, self.settings, masks=masks)
        stop = chosen_stop(found.stops, "held-out")
        return _pixels(stop.picture[0].double().numpy())


def make_restorer(name: str) -> Restorer:
    """Makes a restorer that needs no training.

    Args:
        name: ``median``, ``non-local means`` or ``dense prior``.

    Raises:
        InputError: There is none of that name.
    """
    from surefoot.sparsity.lottery.restoring.fitting import FitSettings
    from surefoot.sparsity.lottery.restoring.networks import NetworkSettings

    match name:
        case "median":
            return MedianFilter()
        case "non-local means":
            return NonLocalMeans()
        case "dense prior":
            return ImagePriorRestorer(NetworkSettings(width=16), FitSettings(steps=300))
    raise InputError(f"no restorer '{name}'; there are median, non-local means, dense prior")


def _values(rgb: Rgb) -> NDArray[np.float64]:
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)).astype(np.float64) / 255


def _pixels(values: NDArray[np.float64]) -> Rgb:
    found: Rgb = np.round(255 * values.clip(0, 1)).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(found)
