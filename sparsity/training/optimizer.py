"""Base of the memory-efficient optimizers: steps, clipping, fused backward pass, and state.

Every parameter is updated separately, in :class:`AdamW8bit` by Adam with averages in 8 bits.
8-bit weights are updated by stochastic rounding; its random numbers depend only on the seed, the
index of the parameter and its number of steps, so that a resumed training draws the same numbers.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from surefoot.core.errors import InputError
from surefoot.sparsity.training.int8 import Int8Weight
from surefoot.sparsity.training.moments import QuantizedMoment

QUANTIZE_FROM = 4096
"""Smaller parameters, such as norms and biases, keep their averages in 32 bits."""

_CHUNK = 2**18
"""Values processed at once; a multiple of the block of the averages."""


class AdamW8bit(torch.optim.Optimizer):
    """AdamW with averages of 8 bits per value.

    Gradients accumulate over backward passes until ``step`` and are clipped before it, as with any
    optimizer of torch. In the fused form each parameter is updated as soon as its gradient is
    complete, and the gradient is freed, so that gradients are never in memory together; this allows
    only one backward pass per step and no clipping by the global norm.

    Args:
        params: Parameters or groups of them; floating point or ``Int8Weight``.
        lr: Learning rate.
        betas: Decay of the averages of gradients and of their squares.
        eps: Added to the root of the second average.
        weight_decay: Decoupled decay.
        state_bits: Bits per value of the averages: 8 or 32.
        stochastic: Whether 8-bit weights are rounded stochastically rather than to the nearest
            code.
        max_norm: Global norm to which ``step`` clips the gradients; None for no limit.
        fused_backward: Whether to update within the backward pass.
        seed: Seed of stochastic rounding.

    Raises:
        InputError: An option is out of range, or clipping is asked for in the fused form.

    Source: Dettmers et al., arXiv 2110.02861; fused form: Lv et al., arXiv 2306.09782.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        state_bits: int = 8,
        stochastic: bool = True,
        max_norm: float | None = None,
        fused_backward: bool = False,
        seed: int = 0,
        **more: Any,
    ) -> None:
        if fused_backward and max_norm is not None:
            raise InputError(
                "a fused backward pass drops each gradient before all are known, so it cannot "
                "clip by their norm; leave one of the two out"
            )
        if state_bits not in (8, 32) or lr < 0 or eps <= 0 or not all(0 <= b < 1 for b in betas):
            raise InputError(
                "averages have 8 or 32 bits, rates are not negative, betas lie in [0, 1)"
            )
        self._places: dict[int, tuple[int, int]] = {}
        self._stepped: set[int] = set()
        self._fused, self._max_norm = fused_backward, max_norm
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "state_bits": state_bits,
            "stochastic": stochastic,
            "seed": seed,
        }
        super().__init__(params, defaults | more)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds parameters; see torch."""
        super().add_param_group(param_group)
        for parameter in self.param_groups[-1]["params"]:
            self._places[id(parameter)] = (len(self._places), len(self.param_groups) - 1)
            if self._fused:
                parameter.register_post_accumulate_grad_hook(self._step_now)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Updates every parameter with a gradient; in the fused form, ends the step.

        Args:
            closure: Recomputes the loss and the gradients.

        Returns:
            What the closure returned.

        Raises:
            InputError: A gradient of an 8-bit weight is not finite.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._stepped.clear()
        if self._fused:
            return loss
        pairs = [(p, g) for g in self.param_groups for p in g["params"] if p.grad is not None]
        if self._max_norm is not None:
            torch.nn.utils.clip_grad_norm_([p for p, _ in pairs], self._max_norm)
        for parameter, group in pairs:
            self._step_parameter(parameter, parameter.grad, group)
        return loss

    @torch.no_grad()
    def _step_now(self, parameter: Tensor) -> None:
        """Updates one parameter at the end of its backward pass."""
        if id(parameter) in self._stepped:
            raise InputError(
                "a fused backward pass steps at every pass, so gradients cannot add up over "
                "several; call step() after each backward(), or leave fused_backward out"
            )
        self._stepped.add(id(parameter))
        group = self.param_groups[self._places[id(parameter)][1]]
        if parameter.grad is not None:
            self._step_parameter(parameter, parameter.grad, group)
            parameter.grad = None

    def _step_parameter(self, parameter: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        """Runs one step of one parameter."""
        if grad.is_sparse:
            raise InputError("sparse gradients are not supported; use embeddings without sparse")
        state = self.state[parameter]
        state["step"] = state.get("step", 0) + 1
        flat, in_place = grad.reshape(-1), _flat_of(parameter)
        if in_place is None:
            direction = adam_direction(flat, state, group)
            self._write(parameter, direction.view(grad.shape), group)
            return
        decay = 1 - group["lr"] * group["weight_decay"]
        for start, end, part in adam_parts(flat, state, group):
            in_place[start:end].mul_(decay).add_(part, alpha=-group["lr"])

    def _write(self, parameter: Tensor, direction: Tensor, group: dict[str, Any]) -> None:
        """Moves a parameter against a direction of its shape, which is overwritten."""
        lr, decay = float(group["lr"]), float(group["weight_decay"])
        if not isinstance(parameter, Int8Weight):
            parameter.mul_(1 - lr * decay).add_(direction.to(parameter.dtype), alpha=-lr)
            return
        update = direction.mul_(-lr)
        if decay:
            update.add_(parameter.read(update.dtype), alpha=-lr * decay)
        parameter.add_rounded_(update, self._rounding_generator(parameter, group))

    def _rounding_generator(
        self, parameter: Tensor, group: dict[str, Any]
    ) -> torch.Generator | None:
        """Returns the generator for a parameter's stochastic rounding in this step."""
        if not group["stochastic"]:
            return None
        place, step = self._places[id(parameter)][0], self.state[parameter]["step"]
        digest = hashlib.blake2b(f"{group['seed']}:{place}:{step}".encode(), digest_size=7).digest()
        return torch.Generator(parameter.device).manual_seed(int.from_bytes(digest, "big"))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads a saved state unchanged; torch would convert codes to floating point."""
        super().load_state_dict({**state_dict, "state": {}})
        parameters = [p for g in self.param_groups for p in g["params"]]
        places = [i for g in state_dict["param_groups"] for i in g["params"]]
        for place, parameter in zip(places, parameters, strict=True):
            if place in state_dict["state"]:
                self.state[parameter] = {
                    key: value.to(parameter.device, copy=True)
                    if isinstance(value, Tensor)
                    else (list(value) if isinstance(value, list) else value)
                    for key, value in state_dict["state"][place].items()
                }
        self._stepped.clear()

    def state_nbytes(self) -> int:
        """Returns the bytes of all averages."""
        return self._sum_nbytes(("mean", "mean_scales", "root", "root_scales"))

    def _sum_nbytes(self, names: tuple[str, ...]) -> int:
        found = (s.get(name) for s in self.state.values() for name in names)
        return sum(t.nbytes for t in found if t is not None)


def adam_parts(flat: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Iterable[Any]:
    """Updates the averages with a gradient and yields the direction of Adam part by part.

    The root of the average of squares is stored: squares of gradients a few thousand times smaller
    than the largest of their block would become zero in 8 bits, and the steps of their parameters
    too large.

    Args:
        flat: The gradient, [n].
        state: State of the parameter with ``step`` incremented; averages are created at the first.
        group: ``betas``, ``eps`` and ``state_bits``.

    Yields:
        Start, end and the direction between them, float32 [end - start].
    """
    mean, root = _moments(flat, state, group)
    first, second = group["betas"]
    bias = 1 - first ** state["step"]
    correction = math.sqrt(1 - second ** state["step"])
    for start in range(0, flat.numel(), _CHUNK):
        end = min(start + _CHUNK, flat.numel())
        grad = flat[start:end].to(torch.float32)
        m = mean.read(start, end).lerp_(grad, 1 - first)
        v = root.read(start, end).square_().mul_(second)
        v = v.addcmul_(grad, grad, value=1 - second).sqrt_()
        part = (m / bias).div_((v / correction).add_(group["eps"]))
        mean.write(start, end, m)
        root.write(start, end, v)
        yield start, end, part


def adam_direction(flat: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    """Returns the direction of Adam for a gradient [n], float32 [n]; see :func:`adam_parts`."""
    direction = torch.empty(flat.shape, dtype=torch.float32, device=flat.device)
    for start, end, part in adam_parts(flat, state, group):
        direction[start:end] = part
    return direction


def _moments(flat: Tensor, state: dict[str, Any], group: dict[str, Any]) -> list[QuantizedMoment]:
    bits = group["state_bits"] if flat.numel() >= QUANTIZE_FROM else 32
    found = []
    for name, signed in (("mean", True), ("root", False)):
        if name not in state:
            made = QuantizedMoment.zeros(flat.numel(), signed, bits, flat.device)
            state[name] = made.codes
            if made.scales is not None:
                state[f"{name}_scales"] = made.scales
        found.append(QuantizedMoment(state[name], state.get(f"{name}_scales"), signed))
    return found


def _flat_of(parameter: Tensor) -> Tensor | None:
    """Returns a writable flat view of a parameter, if possible."""
    if isinstance(parameter, Int8Weight) or not parameter.is_contiguous():
        return None
    return parameter.detach().view(-1)
