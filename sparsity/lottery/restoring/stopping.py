"""When a fit should have stopped: rules that need no truth, beside the oracle that needs it.

A network that is fitted long enough reproduces the noise too. Published figures are mostly those
of the step that is nearest to the true picture, which nobody knows who has a picture to restore.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    import torch

Rule = Literal["held-out", "discrepancy", "last", "oracle"]
"""``held-out``: the least residual over what was kept from fitting. ``discrepancy``: the first
picture whose residual is the variance of the noise (Morozov 1966). ``last``: the last step.
``oracle``: the highest PSNR against the truth."""

RULES: dict[Rule, str] = {
    "held-out": "held-out part of the measurement",
    "discrepancy": "residual as large as the noise",
    "last": "last step",
    "oracle": "oracle (looks at the truth)",
}
"""What each rule is called in reports."""


@dataclass(frozen=True)
class FitStop:
    """Where a rule stops.

    Attributes:
        rule: The rule.
        step: Steps done.
        seconds: Time of the fit until then.
        picture: The picture of that step ``[1, channels, height, width]``.
        psnr: Its PSNR in dB, where the truth is known.
    """

    rule: Rule
    step: int
    seconds: float
    picture: torch.Tensor
    psnr: float | None


@dataclass(frozen=True, slots=True)
class FitPoint:
    """What is noted of a step.

    Attributes:
        step: Steps done.
        loss: Loss of that step, of the picture with jitter.
        residual: Residual of the smoothed picture over what is fitted.
        held: The same over what is held out.
        psnr: PSNR of the smoothed picture in dB, where the truth is known.
        raw: PSNR of the picture as the network gives it, without smoothing or jitter.
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
    """Keeps for each rule the picture that it would stop at, while a fit goes on.

    Args:
        sigma: Standard deviation of the noise; with 0 the discrepancy never stops.
        stops: Where the rules stand, to go on from.
    """

    def __init__(self, sigma: float, stops: dict[Rule, FitStop] | None = None) -> None:
        self.sigma = sigma
        self.found: dict[Rule, FitStop] = dict(stops or {})
        self._least: float | None = None

    def update(self, point: FitPoint, picture: torch.Tensor, seconds: float) -> None:
        """Looks at a picture.

        Args:
            point: What is noted of it.
            picture: The smoothed picture.
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
        """Returns what :meth:`from_state` goes on from: numbers, texts and tensors."""
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
        """Returns the rules as they stood."""
        made = cls(state["sigma"], {r: FitStop(rule=r, **s) for r, s in state["found"].items()})
        made._least = state["least"]
        return made


def chosen_stop(stops: dict[Rule, FitStop], rule: Rule) -> FitStop:
    """Returns where a rule stops, or the last step where it never does.

    A residual that never comes down to the noise means that the network cannot fit it; then there
    is nothing to be stopped for.

    Raises:
        InputError: The rule needs what the fit was not given.
    """
    if rule in stops:
        return stops[rule]
    if rule == "oracle":
        raise InputError("the oracle stop needs the true picture")
    if rule == "held-out":
        raise InputError("nothing was held out to stop by; hold some, or choose another stop")
    return stops["last"]
