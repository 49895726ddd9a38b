"""Restores images by an untrained network and its sparse tickets (Lottery Image Prior)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.sparsity.lottery.restoring.fitting import FitResult, FitSettings, fit
    from surefoot.sparsity.lottery.restoring.networks import NetworkSettings, make_network
    from surefoot.sparsity.lottery.restoring.operators import (
        Denoise,
        Downsample,
        Gaussian,
        Inpaint,
        InverseProblem,
        MeasurementOperator,
        observe,
        pool,
    )
    from surefoot.sparsity.lottery.restoring.running import restore
    from surefoot.sparsity.lottery.restoring.settings import Inputs, RestoreSettings
    from surefoot.sparsity.lottery.restoring.tickets import (
        PriorTicket,
        control_masks,
        find_prior_tickets,
    )

_PLACES = {
    "Denoise": "operators",
    "Downsample": "operators",
    "FitResult": "fitting",
    "FitSettings": "fitting",
    "Gaussian": "operators",
    "Inpaint": "operators",
    "Inputs": "settings",
    "NetworkSettings": "networks",
    "MeasurementOperator": "operators",
    "PriorTicket": "tickets",
    "InverseProblem": "operators",
    "RestoreSettings": "settings",
    "control_masks": "tickets",
    "find_prior_tickets": "tickets",
    "fit": "fitting",
    "make_network": "networks",
    "observe": "operators",
    "pool": "operators",
    "restore": "running",
}
"""The module of each public name; loaded when the name is first used."""

__all__ = [
    "Denoise",
    "Downsample",
    "FitResult",
    "FitSettings",
    "Gaussian",
    "Inpaint",
    "Inputs",
    "InverseProblem",
    "MeasurementOperator",
    "NetworkSettings",
    "PriorTicket",
    "RestoreSettings",
    "control_masks",
    "find_prior_tickets",
    "fit",
    "make_network",
    "observe",
    "pool",
    "restore",
]

__getattr__ = lazily(__name__, _PLACES)
