"""Gradient flow by small steps, and the quantities recorded on the way."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.errors import InputError
from surefoot.core.progress import Progress, silent
from surefoot.sparsity.dynamics.data import SIGNALS, Group, Sequences
from surefoot.sparsity.dynamics.model import (
    CONSERVED,
    Transformer,
    gradients,
    init_transformer,
    losses_of,
    pulls,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


class Flow(BaseModel):
    """A run of gradient flow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(default=128, ge=1)
    """Dimension m of keys, queries and values."""
    hidden: int = Field(default=64, ge=1)
    """Units m1 of the perceptron."""
    inner_scale: float | None = Field(default=None, gt=0)
    """Standard deviation of W_V, W_K and W_Q; 1/sqrt(Lm) by default, as in the paper's theory."""
    outer_scale: float | None = Field(default=None, gt=0)
    """Standard deviation of W; 0.3/sqrt(m1) by default."""
    rate: float = Field(default=0.02, gt=0)
    """Step size."""
    steps: int = Field(default=1500, ge=1)
    """Number of steps."""
    every: int = Field(default=5, ge=1)
    """Steps from one record to the next."""
    frozen: bool = False
    """Whether keys and queries are frozen: the control that shows what attention adds."""
    seed: int = 0
    """Seed of the parameters."""


@dataclass(frozen=True)
class FlowTrace:
    """The recorded quantities, ``T`` records.

    Attributes:
        steps: Steps done ``[T]``.
        loss: Mean loss ``[T]``.
        group_losses: Mean loss of each kind of sequence ``[T, 4]``, in the order of ``Group``.
        accuracy: Fraction of sequences on the correct side of zero ``[T]``.
        contributions: G of the three signals ``[T, 3]``.
        scores: Attention scores among the signals ``[T, 3, 3]``, of a key for a query.
        values: Inner products of the signals' values ``[T, 3, 3]``.
        balance: Sum of the pulls of sequences with only the first word over that of those with
            only the second ``[T]``; 1 is the paper's automatic balancing.
        drift: Largest change of an entry of each conserved matrix ``[T, 2]``, in the order of
            ``CONSERVED``.
        growth: Change of |W^T a|^2 since the start, divided by its theoretical value ``[T]``; 1
            before the first step.
        final: The last parameters.
    """

    steps: NDArray[np.int64]
    loss: Array
    group_losses: Array
    accuracy: Array
    contributions: Array
    scores: Array
    values: Array
    balance: Array
    drift: Array
    growth: Array
    final: Transformer

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data, without the parameters."""
        return {
            f.name: np.round(getattr(self, f.name), 8).tolist()
            for f in fields(self)
            if f.name != "final"
        }


def simulate(data: Sequences, flow: Flow, progress: Progress = silent) -> FlowTrace:
    """Runs gradient flow.

    Args:
        data: The sequences.
        flow: The run.
        progress: Called at every record.

    Returns:
        The trace, with a record before the first step, every ``flow.every`` steps, and at the end.

    Raises:
        InputError: The loss is not finite because the rate is too large.
    """
    model = init_transformer(
        data.words,
        flow.width,
        flow.hidden,
        flow.inner_scale or (data.ids.shape[1] * flow.width) ** -0.5,
        flow.outer_scale or 0.3 * flow.hidden**-0.5,
        flow.seed,
    )
    first = [matrix(model) for matrix in CONSERVED.values()]
    notes: list[dict[str, Any]] = []
    start, expected = _size(model), 0.0
    for step in range(flow.steps + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            try:
                gradient, output = gradients(model, data, frozen=flow.frozen)
            except InputError as error:
                raise InputError(f"step {step}: {error.message}") from None
        if step % flow.every == 0 or step == flow.steps:
            note = _note(model, data, output, first)
            note["growth"] = (_size(model) - start) / expected if expected else 1.0
            notes.append({"steps": step, **note})
            progress(step, flow.steps)
        if step < flow.steps:
            pull = pulls(output, data.labels)
            expected += 2 * flow.rate * flow.hidden * float((pull * data.labels * output).mean())
            model = model.moved(flow.rate, gradient)
    columns = {name: np.array([note[name] for note in notes]) for name in notes[0]}
    return FlowTrace(**columns, final=model)


def _size(model: Transformer) -> float:
    """Returns |W^T a|^2, whose slope is 2 m1 / n times the sum of pull, label and output."""
    return float(((model.a @ model.w) ** 2).sum())


def _note(model: Transformer, data: Sequences, output: Array, first: list[Array]) -> dict[str, Any]:
    losses, groups = losses_of(output, data.labels), data.groups
    pull = pulls(output, data.labels)
    root = np.sqrt(model.width)
    value = model.value[:, :SIGNALS]
    return {
        "loss": losses.mean(),
        "group_losses": np.array([losses[groups == g].mean() for g in Group]),
        "accuracy": float((data.labels * output > 0).mean()),
        "contributions": (model.a @ model.w) @ value,
        "scores": model.key[:, :SIGNALS].T @ model.query[:, :SIGNALS] / root,
        "values": value.T @ value,
        "balance": pull[groups == Group.FIRST].sum() / pull[groups == Group.SECOND].sum(),
        "drift": np.array(
            [
                np.abs(matrix(model) - start).max()
                for matrix, start in zip(CONSERVED.values(), first, strict=True)
            ]
        ),
    }
