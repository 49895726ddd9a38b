"""Auxiliary losses on images with marks, beside that of the right answers.

The positions of things supervise the vision tower (the content of its patches), and two attention
heads of the language model (where to look for each token of an answer). Both only shape weights:
the model that is exported has nothing that the architecture does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from surefoot.models.backends.packing import PackedSegments
from surefoot.models.training.images import ImageQuestion

if TYPE_CHECKING:
    import torch

LAYER = 1
"""Layer of the language model whose first heads are supervised."""

HEADS = 2
"""Number of supervised heads."""

_LEAST = 1e-3


def marks_loss(marked: torch.Tensor, marks: NDArray[np.bool_]) -> Any:
    """Returns the cross-entropy of all marks of a patch, in nats, mean over patches.

    Args:
        marked: Logits ``[images, patches, marks]``.
        marks: What each patch shows, of the same shape.
    """
    import torch

    truth = torch.from_numpy(marks).float()
    loss: Any = torch.nn.functional.binary_cross_entropy_with_logits(marked, truth, reduction="sum")
    return loss / (truth.shape[0] * truth.shape[1])


def looking_loss(
    attention: torch.Tensor,
    packed: PackedSegments,
    asked: Sequence[Sequence[ImageQuestion]],
    marks: NDArray[np.bool_],
) -> Any:
    """Returns minus the logarithm of the attention on the patches that show the answer.

    It is the mean over the questions whose answer is visible, over the tokens that predict a part
    of the answer, and over the supervised heads; 0 if there are none.

    Args:
        attention: Of layer :data:`LAYER`, ``[images, heads, n + t, n + t]``.
        packed: The questions, one segment each.
        asked: The questions of each image, in the same order.
        marks: What each patch shows, ``[images, n, marks]``.
    """
    import torch

    rows: list[int] = []
    columns: list[int] = []
    wanted: list[NDArray[np.bool_]] = []
    predicting = (packed.labels >= 0).numpy()
    segments = packed.segments.numpy()
    for row, questions in enumerate(asked):
        for number, question in enumerate(questions):
            shows = marks[row][:, list(question.marks)].any(axis=-1)
            if shows.any():
                parts = np.flatnonzero(predicting[row] & (segments[row] == number))[
                    :-1
                ]  # no end mark
                rows += [row] * len(parts)
                columns += parts.tolist()
                wanted += [shows] * len(parts)
    if not rows:
        return torch.zeros(())
    n = marks.shape[1]
    looks = attention[rows, :HEADS][torch.arange(len(rows)), :, n + torch.tensor(columns), :n]
    attended = (looks.float() * torch.from_numpy(np.stack(wanted))[:, None]).sum(-1)
    return -(attended + _LEAST).log().mean()
