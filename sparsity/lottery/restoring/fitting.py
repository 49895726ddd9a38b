"""Fits a prior's network to a measurement, holding its masks; goes on where it was stopped."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery.restoring.fidelity import psnr
from surefoot.sparsity.lottery.restoring.networks import Prior
from surefoot.sparsity.lottery.restoring.operators import InverseProblem
from surefoot.sparsity.lottery.restoring.stopping import FitPoint, FitStop, Rule, StopTracker
from surefoot.sparsity.lottery.states import read_state, write_state

if TYPE_CHECKING:
    from surefoot.sparsity.lottery.masks import Masks

STATE_NAME = "fit.pt"
"""File that holds how far a fit is."""
SAVE_S = 10.0
"""Seconds of work that are lost at most when a fit is killed."""


class FitSettings(BaseModel):
    """How a network is fitted (defaults of Deep Image Prior but for the steps)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(default=2000, ge=1)
    """Steps of Adam."""
    rate: float = Field(default=0.01, gt=0, le=10)
    """Its rate."""
    jitter: float | None = Field(default=None, ge=0)
    """Standard deviation of the noise that is added to the code anew in each step; that of the
    network's paper without it: 1/30 for the skip network, none for the deep decoder."""
    smoothing: float = Field(default=0.99, ge=0, lt=1)
    """Weight of the past in the running mean of pictures, which is what counts; 0 for none."""
    every: int = Field(default=25, ge=1)
    """Steps from note to note."""
    patience: int = Field(default=0, ge=0)
    """Steps without a lesser residual held out after which the fit ends; 0 for never."""
    seed: int = 0
    """Seed of the jitter."""


@dataclass(frozen=True)
class FitResult:
    """What a fit gave.

    Attributes:
        curve: What was noted.
        stops: Where each rule stops that could be followed.
        seconds: Time of all steps, without what a killed process did in vain.
    """

    curve: tuple[FitPoint, ...]
    stops: dict[Rule, FitStop]
    seconds: float


def fit(
    network: Prior,
    problem: InverseProblem,
    settings: FitSettings,
    *,
    masks: Masks | None = None,
    truth: torch.Tensor | None = None,
    folder: Path | None = None,
    noted: Callable[[int, torch.nn.Module], None] = lambda step, network: None,
    told: Callable[[int, int], None] = lambda done, total: None,
    save_s: float | None = None,
) -> FitResult:
    """Fits a network to a measurement.

    Args:
        network: The network as it starts; ends with the weights of the last step.
        problem: The measurement. What is held out of it is not fitted.
        settings: How it is fitted.
        masks: Weights that are alive; the others are zero after every step.
        truth: The true picture ``[1, channels, height, width]``, for the PSNR and the oracle stop
            only.
        folder: Where the state is kept, to go on after an end before time.
        noted: Told every step done, with the network.
        told: Told the steps done and all steps, at every note.
        save_s: Seconds from one saved state to the next; ``SAVE_S`` by default.

    Raises:
        InputError: The loss is not finite, sizes disagree, or the folder holds another fit.
    """
    run = _Run(network, problem, settings, masks, truth, folder)
    saved = time.monotonic()
    held = masks.hold(network, run.optimizer) if masks is not None else None
    try:
        while run.step < settings.steps and not run.patience_is_over():
            began = time.perf_counter()
            run.learn()
            noted(run.step, network)
            due = run.step % settings.every == 0 or run.step == settings.steps
            if due:
                run.note(time.perf_counter() - began)
                if time.monotonic() - saved >= (SAVE_S if save_s is None else save_s):
                    run.save()
                    saved = time.monotonic()
                told(run.step, settings.steps)
            else:
                run.seconds += time.perf_counter() - began
    finally:
        if held is not None:
            held.remove()
    run.save()
    return FitResult(tuple(run.curve), run.stops.found, run.seconds)


class _Run:
    """Everything that changes while a network is fitted."""

    def __init__(
        self,
        network: Prior,
        problem: InverseProblem,
        settings: FitSettings,
        masks: Masks | None,
        truth: torch.Tensor | None,
        folder: Path | None,
    ) -> None:
        self._network, self._problem, self._settings = network, problem, settings
        self._truth = None if truth is None else truth.detach().cpu().numpy()
        self._path = None if folder is None else folder / STATE_NAME
        self._identity = _identity(network, problem, settings, masks)
        self.optimizer = torch.optim.Adam(network.parameters(), settings.rate, fused=True)
        self._generator = torch.Generator().manual_seed(settings.seed)
        self.step, self.seconds, self._loss = 0, 0.0, float("nan")
        self._mean: torch.Tensor | None = None
        self.curve: list[FitPoint] = []
        self.stops = StopTracker(problem.sigma)
        self._load()

    def learn(self) -> None:
        """Does a step."""
        settings, network = self._settings, self._network
        jitter = None
        if size := network.own_jitter if settings.jitter is None else settings.jitter:
            drawn = torch.randn(network.code.shape, generator=self._generator)
            jitter = size * drawn.to(network.code)
        self.optimizer.zero_grad(set_to_none=True)
        picture = network(jitter)
        loss = self._problem.residual(picture)
        self._loss = float(loss.detach())
        if self._loss != self._loss or self._loss == float("inf"):
            raise InputError(f"the loss is not finite at step {self.step + 1}; lower the rate")
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.step += 1
        if settings.smoothing:
            fresh = (1 - settings.smoothing) * picture.detach()
            self._mean = fresh if self._mean is None else settings.smoothing * self._mean + fresh

    @torch.no_grad()
    def note(self, seconds: float) -> None:
        """Notes where the fit stands, after a last step that took so many seconds."""
        self.seconds += seconds
        raw = self._network()
        picture = raw
        if self._mean is not None:
            # Without this the mean of early steps would be dark: it starts from nothing.
            picture = self._mean / (1 - self._settings.smoothing**self.step)
        problem, truth = self._problem, self._truth
        point = FitPoint(
            self.step,
            self._loss,
            float(problem.residual(picture)),
            None if problem.held is None else float(problem.residual(picture, held=True)),
            None if truth is None else psnr(picture.cpu().numpy(), truth),
            None if truth is None else psnr(raw.cpu().numpy(), truth),
        )
        self.curve.append(point)
        self.stops.update(point, picture, self.seconds)

    def patience_is_over(self) -> bool:
        """Whether the residual held out has not become less for too long."""
        best = self.stops.found.get("held-out")
        patience = self._settings.patience
        return bool(patience) and best is not None and self.step - best.step >= patience

    def save(self) -> None:
        """Writes the state, completely or not at all."""
        if self._path is None:
            return
        write_state(
            self._path,
            self._identity,
            {
                "step": self.step,
                "seconds": self.seconds,
                "weights": self._network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "generator": self._generator.get_state(),
                "mean": self._mean,
                "curve": [p.to_json() for p in self.curve],
                "stops": self.stops.to_state(),
            },
        )

    def _load(self) -> None:
        saved = read_state(
            self._path,
            self._identity,
            "fit",
            "settings, picture or network",
            self._network.code.device,
        )
        if saved is None:
            return
        self.step, self.seconds, self._mean = saved["step"], saved["seconds"], saved["mean"]
        self._network.load_state_dict(saved["weights"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self._generator.set_state(saved["generator"].cpu())
        self.curve = [FitPoint(**p) for p in saved["curve"]]
        self.stops = StopTracker.from_state(saved["stops"])


def _identity(
    network: Prior, problem: InverseProblem, settings: FitSettings, masks: Masks | None
) -> str:
    """Returns a hash of all that a fit depends on."""
    told = hashlib.sha256(settings.model_dump_json().encode())
    told.update(f"{problem.operator.name} {problem.sigma}".encode())
    tensors = {**network.state_dict(), "measured": problem.measured}
    if problem.held is not None:
        tensors["held"] = problem.held
    tensors |= {f"mask of {name}": t for name, t in (masks.tensors if masks else {}).items()}
    for name, tensor in sorted(tensors.items()):  # masks that were read come in another order
        told.update(name.encode())
        told.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return told.hexdigest()
