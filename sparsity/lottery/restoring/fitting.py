"""Fits a prior's network to a measurement under masks; can be resumed."""

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
from surefoot.core.progress import Progress, silent
from surefoot.sparsity.lottery.restoring.fidelity import psnr
from surefoot.sparsity.lottery.restoring.networks import Prior
from surefoot.sparsity.lottery.restoring.operators import InverseProblem
from surefoot.sparsity.lottery.restoring.stopping import FitPoint, FitStop, Rule, StopTracker
from surefoot.sparsity.lottery.states import read_state, write_state

if TYPE_CHECKING:
    from surefoot.sparsity.lottery.masks import Masks

STATE_NAME = "fit.pt"
"""File with the state of a fit."""
SAVE_S = 10.0
"""Largest loss of work when a fit is killed, seconds."""


class FitSettings(BaseModel):
    """Settings of a fit (defaults of Deep Image Prior except for the steps)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(default=2000, ge=1)
    """Steps of Adam."""
    rate: float = Field(default=0.01, gt=0, le=10)
    """Learning rate."""
    jitter: float | None = Field(default=None, ge=0)
    """Standard deviation of the noise added to the code in each step; by default that of the
    network's paper: 1/30 for the skip network, none for the deep decoder."""
    smoothing: float = Field(default=0.99, ge=0, lt=1)
    """Decay of the moving average of images, which is the result; 0 for no averaging."""
    every: int = Field(default=25, ge=1)
    """Steps from one record to the next."""
    patience: int = Field(default=0, ge=0)
    """Steps without a lower held-out residual after which the fit ends; 0 for never."""
    seed: int = 0
    """Seed of the jitter."""


@dataclass(frozen=True)
class FitResult:
    """Result of a fit.

    Attributes:
        curve: Recorded points.
        stops: Stop of each applicable rule.
        seconds: Time of all steps, without steps lost by a killed process.
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
    on_step: Callable[[int, torch.nn.Module], None] = lambda step, network: None,
    progress: Progress = silent,
    save_s: float | None = None,
) -> FitResult:
    """Fits a network to a measurement.

    Args:
        network: The initialised network; ends with the weights of the last step.
        problem: The measurement; held-out parts are not fitted.
        settings: Settings of the fit.
        masks: Pruning masks; pruned weights stay zero.
        truth: The true image ``[1, channels, height, width]``, only for the PSNR and the oracle
            stop.
        folder: Folder of the state, for resumption.
        on_step: Called after every step with its number and the network.
        progress: Called whenever the fit is recorded.
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
            on_step(run.step, network)
            due = run.step % settings.every == 0 or run.step == settings.steps
            if due:
                run.note(time.perf_counter() - began)
                if time.monotonic() - saved >= (SAVE_S if save_s is None else save_s):
                    run.save()
                    saved = time.monotonic()
                progress(run.step, settings.steps)
            else:
                run.seconds += time.perf_counter() - began
    finally:
        if held is not None:
            held.remove()
    run.save()
    return FitResult(tuple(run.curve), run.stops.found, run.seconds)


class _Run:
    """Mutable state of a fit."""

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
        """Runs one step."""
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
        """Records the fit, after a step that took this many seconds."""
        self.seconds += seconds
        raw = self._network()
        picture = raw
        if self._mean is not None:
            # Bias correction: the average starts from zero, so early images would be dark.
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
        """Returns whether the held-out residual has not decreased for too long."""
        best = self.stops.found.get("held-out")
        patience = self._settings.patience
        return bool(patience) and best is not None and self.step - best.step >= patience

    def save(self) -> None:
        """Writes the state atomically."""
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
            "settings, image or network",
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
    """Returns a hash of everything that a fit depends on."""
    digest = hashlib.sha256(settings.model_dump_json().encode())
    digest.update(f"{problem.operator.name} {problem.sigma}".encode())
    tensors = {**network.state_dict(), "measured": problem.measured}
    if problem.held is not None:
        tensors["held"] = problem.held
    tensors |= {f"mask of {name}": t for name, t in (masks.tensors if masks else {}).items()}
    for name, tensor in sorted(tensors.items()):  # loaded masks may have another order
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
