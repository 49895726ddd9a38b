"""Early stopping of a fit: rules that do not need the truth, and the oracle that does.

A network that is fitted long enough reproduces the noise too. Published figures are mostly those
of the step closest to the true image, which is unknown in practice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    import torch

Rule = Literal["held-out", "discrepancy", "last", "oracle"]
"""``held-out``: the least residual over held-out entries. ``discrepancy``: the first
image whose residual is at most the variance of the noise (Morozov 1966). ``last``: the last step.
``oracle``: the highest PSNR against the truth."""

RULES: dict[Rule, str] = {
    "held-out": "held-out part of the measurement",
    "discrepancy": "residual as large as the noise",
    "last": "last step",
    "oracle": "oracle (uses the truth)",
}
"""Name of each rule in reports."""


@dataclass(frozen=True)
class FitStop:
    """The stop of a rule.

    Attributes:
        rule: The rule.
        step: Steps done.
        seconds: Time of the fit until then.
        picture: The image of that step ``[1, channels, height, width]``.
        psnr: Its PSNR in dB, where the truth is known.
    """

    rule: Rule
    step: int
    seconds: float
    picture: torch.Tensor
    psnr: float | None


@dataclass(frozen=True, slots=True)
class FitPoint:
    """A recorded point of a fit.

    Attributes:
        step: Steps done.
        loss: Loss of that step, with jitter.
        residual: Residual of the smoothed image over fitted entries.
        held: The same over held-out entries.
        psnr: PSNR of the smoothed image in dB, where the truth is known.
        raw: PSNR of the network's image without smoothing or jitter.
    """

    step: int
    loss: float
    residual: float
    held: float | None = None
    psnr: float | None = None
    raw: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {name: getattr(self, name) for name in self.__slots__}


class StopTracker:
    """Tracks the stop of each rule during a fit.

    Args:
        sigma: Standard deviation of the noise; with 0 the discrepancy rule never stops.
        stops: Stops so far, for resumption.
    """

    def __init__(self, sigma: float, stops: dict[Rule, FitStop] | None = None) -> None:
        self.sigma = sigma
        self.found: dict[Rule, FitStop] = dict(stops or {})
        self._least: float | None = None

    def update(self, point: FitPoint, picture: torch.Tensor, seconds: float) -> None:
        """Updates the rules with a recorded point.

        Args:
            point: The recorded point.
            picture: The smoothed image.
            seconds: Time of the fit so far.
        """
        rules: list[Rule] = ["last"]
        if point.held is not None and (self._least is None or point.held < self._least):
            self._least = point.held
            rules.append("held-out")
        if "discrepancy" not in self.found and self.sigma > 0 and point.residual <= self.sigma**2:
            rules.append("discrepancy")
        if point.psnr is not None:
            best = self.found.get("oracle")
            if best is None or best.psnr is None or point.psnr > best.psnr:
                rules.append("oracle")
        kept = picture.detach().clone()
        for rule in rules:
            self.found[rule] = FitStop(rule, point.step, seconds, kept, point.psnr)

    def to_state(self) -> dict[str, Any]:
        """Returns the state for :meth:`from_state`: numbers, strings and tensors."""
        return {
            "sigma": self.sigma,
            "least": self._least,
            "found": {
                r: {"step": s.step, "seconds": s.seconds, "picture": s.picture, "psnr": s.psnr}
                for r, s in self.found.items()
            },
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> StopTracker:
        """Restores a tracker from its state."""
        made = cls(state["sigma"], {r: FitStop(rule=r, **s) for r, s in state["found"].items()})
        made._least = state["least"]
        return made


def chosen_stop(stops: dict[Rule, FitStop], rule: Rule) -> FitStop:
    """Returns the stop of a rule, or the last step if it never stops.

    A residual that never reaches the noise means that the network cannot fit the noise, so that
    early stopping is unnecessary.

    Raises:
        InputError: The rule does not apply to the fit.
    """
    if rule in stops:
        return stops[rule]
    if rule == "oracle":
        raise InputError("the oracle stop needs the true image")
    if rule == "held-out":
        raise InputError(
            "nothing was held out for stopping; hold out a part, or choose another stop"
        )
    return stops["last"]
