"""Trains generator and critic, optionally with masks on the generator; can be resumed."""

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
"""Largest loss of work when a training is killed, seconds."""


class PairSettings(BaseModel):
    """Settings of an adversarial training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shape: PairShape = PairShape()
    """Sizes of the networks."""
    steps: int = Field(default=4000, ge=1)
    """Steps of each network."""
    batch: int = Field(default=32, ge=2)
    """Images per step."""
    rate: float = Field(default=2e-3, gt=0)
    """Learning rate of Adam, betas 0 and 0.99."""
    penalty: float = Field(default=0.5, ge=0)
    """Weight of the squared gradient of scores at real images (R1)."""
    lazily: int = Field(default=8, ge=1)
    """Steps from one such penalty to the next; its weight is multiplied by this number."""
    average: float = Field(default=0.998, ge=0, lt=1)
    """Decay of the moving average of the generator, which is the result."""
    seed: int = 0
    """Seed of weights, codes and order."""


class PairTraining:
    """A training that can be interrupted after any step.

    The loss is the non-saturating one with a gradient penalty at real images only, which converges
    where the Wasserstein loss with one critic step does not, at a third of its cost.

    Args:
        pictures: uint8 ``[n, size, size, 3]``.
        settings: Settings of the training.
        generator: The generator; initialised from the seed by default.
        masks: Masks of the generator.
        path: File of the state; by default none is written.

    Raises:
        InputError: There are too few images, they have another size, or the file holds another
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
            raise InputError(f"images of shape {pictures.shape[1:]}; the prior is for {size}")
        if len(pictures) < settings.batch:
            raise InputError(f"{len(pictures)} images; a step takes {settings.batch}")
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
        self._generator_optimizer = torch.optim.Adam(
            self.generator.parameters(), settings.rate, betas
        )
        self._critic_optimizer = torch.optim.Adam(self._critic.parameters(), settings.rate, betas)
        self._held = (
            masks.hold(self.generator, self._generator_optimizer) if masks is not None else None
        )
        self._draws = torch.Generator().manual_seed(settings.seed)
        self.step = 0
        self.losses: list[tuple[float, float]] = []
        self._load()

    def run(
        self,
        *,
        minutes: float = 0.0,
        on_losses: Callable[[PairTraining], None] = lambda pair: None,
        on_step: Callable[[int, torch.nn.Module], None] = lambda step, model: None,
        every: int = 100,
    ) -> bool:
        """Runs the remaining steps.

        Args:
            minutes: Stop after this time; 0 for no limit.
            on_losses: Called every ``every`` steps and at the end, while ``losses`` still holds the
                losses since the last call.
            on_step: Called after every step with its number and the generator.
            every: Steps from one call of ``on_losses`` to the next.

        Returns:
            Whether all steps are done.

        Raises:
            InputError: A loss is not finite.
        """
        begun = saved = time.monotonic()
        while self.step < self.settings.steps:
            self._learn()
            on_step(self.step, self.generator)
            if self.step % every == 0 or self.step == self.settings.steps:
                on_losses(self)
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
        critic = self._learn_critic(drawn, codes[0])
        self._generator_optimizer.zero_grad(set_to_none=True)
        make = functional.softplus(-self._critic(self.generator(codes[1]))).mean()
        make.backward()  # type: ignore[no-untyped-call]
        self._generator_optimizer.step()
        self.step += 1
        self.losses.append((float(make.detach()), critic))
        if not all(map(_finite, self.losses[-1])):
            raise InputError(f"a loss is not finite at step {self.step}; use a smaller rate")
        self._average()

    def _learn_critic(self, drawn: torch.Tensor, code: torch.Tensor) -> float:
        """Runs one step of the critic; returns its loss without the penalty."""
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
        self._critic_optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self._critic_optimizer.step()
        return float(loss.detach())

    @torch.no_grad()
    def _average(self) -> None:
        # The average decays faster at first, or it would retain the initial weights for too long.
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
            "makes": self._generator_optimizer,
            "tells": self._critic_optimizer,
        }

    def save(self) -> None:
        """Writes the state atomically."""
        if self._path is None:
            return
        state = {name: part.state_dict() for name, part in self._parts.items()}
        write_state(
            self._path,
            self._identity,
            state | {"step": self.step, "draws": self._draws.get_state()},
        )

    def _load(self) -> None:
        saved = read_state(self._path, self._identity, "training", "settings, images or masks")
        if saved is None:
            return
        for name, part in self._parts.items():
            part.load_state_dict(saved[name])
        self._draws.set_state(saved["draws"])
        self.step = int(saved["step"])

    def _hash(self) -> str:
        digest = hashlib.sha256(self.settings.model_dump_json().encode())
        digest.update(self._pictures.tobytes())
        tensors = dict(self.generator.state_dict())
        tensors |= {
            f"mask of {k}": v for k, v in (self._masks.tensors if self._masks else {}).items()
        }
        for name, tensor in tensors.items():
            digest.update(name.encode())
            digest.update(tensor.detach().contiguous().numpy().tobytes())
        return digest.hexdigest()


def _finite(value: float) -> bool:
    return abs(value) < float("inf")
