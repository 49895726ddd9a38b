"""Trains the pair, dense or with masks on the generator; goes on where it was stopped."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch.nn import functional

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery.priors.networks import Critic, Generator, PairShape
from surefoot.sparsity.lottery.states import read_state, write_state

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from surefoot.sparsity.lottery.masks import Masks

SAVE_S = 20.0
"""Seconds of work that are lost at most when a training is killed."""


class PairSettings(BaseModel):
    """How a pair is trained."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shape: PairShape = PairShape()
    """Its sizes."""
    steps: int = Field(default=4000, ge=1)
    """Steps, one of each network."""
    batch: int = Field(default=32, ge=2)
    """Pictures of a step."""
    rate: float = Field(default=2e-3, gt=0)
    """Rate of Adam, betas 0 and 0.99."""
    penalty: float = Field(default=0.5, ge=0)
    """Weight of the squared slope of scores at drawn pictures (R1)."""
    lazily: int = Field(default=8, ge=1)
    """Steps from one such penalty to the next, which then weighs so many times as much."""
    average: float = Field(default=0.998, ge=0, lt=1)
    """Weight of the past in the running mean of the generator, which is what is kept."""
    seed: int = 0
    """Seed of weights, codes and order."""


class PairTraining:
    """A training that can be stopped after any step.

    The loss is the non-saturating one with a penalty on slopes at drawn pictures only, which
    converges where the Wasserstein loss with one critic's step does not, at a third of its cost.

    Args:
        pictures: uint8 ``[n, size, size, 3]``.
        settings: The training.
        generator: What is trained; drawn from the seed without it.
        masks: The generator's weights that are alive.
        path: File of the state; nothing is kept without it.

    Raises:
        InputError: There are too few pictures or they have another size, or the file holds another
            training.

    Source: Mescheder et al. 2018, section 4.1 (R1); Karras et al. 2020, section 3.1 (lazily).
    """

    def __init__(
        self,
        pictures: NDArray[np.uint8],
        settings: PairSettings,
        *,
        generator: Generator | None = None,
        masks: Masks | None = None,
        path: Path | None = None,
    ) -> None:
        size = settings.shape.size
        if pictures.ndim != 4 or pictures.shape[1:] != (size, size, 3):
            raise InputError(f"pictures of shape {pictures.shape[1:]}; the prior is for {size}")
        if len(pictures) < settings.batch:
            raise InputError(f"{len(pictures)} pictures; a step takes {settings.batch}")
        self.settings, self._pictures, self._masks, self._path = settings, pictures, masks, path
        torch.manual_seed(settings.seed)
        self.generator = generator or Generator(settings.shape)
        self._critic = Critic(settings.shape)
        self.averaged = Generator(settings.shape)
        self.averaged.load_state_dict(self.generator.state_dict())
        for network in (self.generator, self._critic):
            # A third faster on CPUs.
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._identity = self._hash()
        betas = (0.0, 0.99)
        self._makes = torch.optim.Adam(self.generator.parameters(), settings.rate, betas)
        self._tells = torch.optim.Adam(self._critic.parameters(), settings.rate, betas)
        self._held = masks.hold(self.generator, self._makes) if masks is not None else None
        self._draws = torch.Generator().manual_seed(settings.seed)
        self.step = 0
        self.losses: list[tuple[float, float]] = []
        self._load()

    def run(
        self,
        *,
        minutes: float = 0.0,
        told: Callable[[PairTraining], None] = lambda pair: None,
        noted: Callable[[int, torch.nn.Module], None] = lambda step, model: None,
        every: int = 100,
    ) -> bool:
        """Does the steps that are left.

        Args:
            minutes: Stop after this time; 0 for no limit.
            told: Told the training every so many steps and at the end.
            noted: Told every step done, with the generator.
            every: So many.

        Returns:
            Whether all steps are done.

        Raises:
            InputError: A loss is not finite.
        """
        begun = saved = time.monotonic()
        while self.step < self.settings.steps:
            self._learn()
            noted(self.step, self.generator)
            if self.step % every == 0 or self.step == self.settings.steps:
                told(self)
                self.losses = []
            now = time.monotonic()
            if now - saved > SAVE_S:
                self.save()
                saved = now
            if minutes and now - begun > 60 * minutes:
                break
        self.save()
        return self.step == self.settings.steps

    def _learn(self) -> None:
        settings = self.settings
        chosen = torch.randint(len(self._pictures), (settings.batch,), generator=self._draws)
        drawn = torch.from_numpy(self._pictures[chosen.numpy()]).permute(0, 3, 1, 2).float() / 255
        codes = torch.randn(2, settings.batch, settings.shape.code, generator=self._draws)
        tell = self._tell(drawn, codes[0])
        self._makes.zero_grad(set_to_none=True)
        make = functional.softplus(-self._critic(self.generator(codes[1]))).mean()
        make.backward()  # type: ignore[no-untyped-call]
        self._makes.step()
        self.step += 1
        self.losses.append((float(make.detach()), tell))
        if not all(map(_finite, self.losses[-1])):
            raise InputError(f"a loss is not finite at step {self.step}; take a smaller rate")
        self._average()

    def _tell(self, drawn: torch.Tensor, code: torch.Tensor) -> float:
        """Does a step of the critic; returns its loss without the penalty."""
        settings = self.settings
        with torch.no_grad():
            made = self.generator(code)
        penalised = settings.penalty > 0 and self.step % settings.lazily == 0
        drawn.requires_grad_(penalised)
        scores = self._critic(drawn)
        loss = functional.softplus(-scores).mean() + functional.softplus(self._critic(made)).mean()
        total = loss
        if penalised:
            (slope,) = torch.autograd.grad(scores.sum(), drawn, create_graph=True)
            size = slope.square().sum((1, 2, 3)).mean()
            total = loss + 0.5 * settings.penalty * settings.lazily * size
        self._tells.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self._tells.step()
        return float(loss.detach())

    @torch.no_grad()
    def _average(self) -> None:
        # Early the mean forgets faster, or it would hold the first weights for too long.
        keep = min(self.settings.average, self.step / (self.step + 9))
        for old, new in zip(self.averaged.parameters(), self.generator.parameters(), strict=True):
            old.lerp_(new, 1 - keep)
        if self._masks is not None:
            self._masks.apply(self.averaged)

    @property
    def _parts(self) -> dict[str, Any]:
        return {
            "generator": self.generator,
            "critic": self._critic,
            "averaged": self.averaged,
            "makes": self._makes,
            "tells": self._tells,
        }

    def save(self) -> None:
        """Writes the state, completely or not at all."""
        if self._path is None:
            return
        state = {name: part.state_dict() for name, part in self._parts.items()}
        write_state(
            self._path,
            self._identity,
            state | {"step": self.step, "draws": self._draws.get_state()},
        )

    def _load(self) -> None:
        saved = read_state(self._path, self._identity, "training", "settings, pictures or masks")
        if saved is None:
            return
        for name, part in self._parts.items():
            part.load_state_dict(saved[name])
        self._draws.set_state(saved["draws"])
        self.step = int(saved["step"])

    def _hash(self) -> str:
        told = hashlib.sha256(self.settings.model_dump_json().encode())
        told.update(self._pictures.tobytes())
        tensors = dict(self.generator.state_dict())
        tensors |= {
            f"mask of {k}": v for k, v in (self._masks.tensors if self._masks else {}).items()
        }
        for name, tensor in tensors.items():
            told.update(name.encode())
            told.update(tensor.detach().contiguous().numpy().tobytes())
        return told.hexdigest()


def _finite(value: float) -> bool:
    return abs(value) < float("inf")
