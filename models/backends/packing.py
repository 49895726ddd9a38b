"""Many questions about one image in one sequence, so that the image is read only once.

Each question, with one of its answers, is a segment after the image. A mask separates the
segments, and each has the positions that it would have alone: the model computes for every segment
what it would compute for it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

Segment = tuple[list[int], list[int]]
"""Token ids, and for each the id that is to follow it, -100 where that does not matter."""


@dataclass(frozen=True, slots=True)
class PackedSegments:
    """Segments behind a common beginning.

    Attributes:
        ids: Token ids ``[b, t]``.
        labels: Ids that are to follow ``[b, t]``, -100 for none.
        segments: Index of the segment of each token ``[b, t]``, -1 for padding.
        positions: Positions ``[b, n + t]``, where ``n`` tokens come first.
        mask: 0 where a token attends, else minus infinity, ``[b, 1, n + t, n + t]``.
    """

    ids: torch.Tensor
    labels: torch.Tensor
    segments: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor

    def only(self, rows: Sequence[int]) -> PackedSegments:
        """Returns some rows."""
        parts = (self.ids, self.labels, self.segments, self.positions, self.mask)
        return PackedSegments(*(part[list(rows)] for part in parts))

    def to(self, device: Any) -> PackedSegments:
        """Returns the same on a device."""
        parts = (self.ids, self.labels, self.segments, self.positions, self.mask)
        return PackedSegments(*(part.to(device) for part in parts))


def pack(rows: Sequence[Sequence[Segment]], n: int) -> PackedSegments:
    """Packs the segments of each image into one sequence.

    Args:
        rows: The segments of each image.
        n: Tokens that come before all of them, such as those of the image.
    """
    import torch

    longest = max(sum(len(ids) for ids, _ in row) for row in rows)
    shape = len(rows), longest
    ids, labels = np.zeros(shape, np.int64), np.full(shape, -100, np.int64)
    segments, places = np.full(shape, -1, np.int64), np.zeros(shape, np.int64)
    for i, row in enumerate(rows):
        at = 0
        for number, (tokens, wanted) in enumerate(row):
            to = at + len(tokens)
            ids[i, at:to], labels[i, at:to] = tokens, wanted
            segments[i, at:to], places[i, at:to] = number, np.arange(len(tokens))
            at = to
    positions = np.concatenate([np.tile(np.arange(n), (len(rows), 1)), n + places], axis=1)
    sees = np.zeros((len(rows), n + longest, n + longest), bool)
    sees[:, :n, :n] = np.tri(n, dtype=bool)
    sees[:, n:, :n] = True
    sees[:, n:, n:] = (segments[:, :, None] == segments[:, None]) & np.tri(longest, dtype=bool)
    mask = torch.zeros(sees.shape).masked_fill_(torch.from_numpy(~sees), float("-inf"))
    return PackedSegments(
        torch.from_numpy(ids),
        torch.from_numpy(labels),
        torch.from_numpy(segments),
        torch.from_numpy(positions),
        mask.unsqueeze(1),
    )


def image_features(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Returns a LLaVA's image embeddings, ``[b, n, hidden]``."""
    import torch

    return torch.stack(list(model.model.get_image_features(pixels).pooler_output))


def read_behind(model: Any, beginning: torch.Tensor, packed: PackedSegments, **options: Any) -> Any:
    """Runs the language model of a LLaVA on a common prefix and packed segments.

    Args:
        model: The LLaVA.
        beginning: Embeddings of the tokens before all segments ``[b, n, hidden]``.
        packed: The segments.
        options: Further arguments of the language model.

    Returns:
        The language model's output.
    """
    import torch

    told = model.get_input_embeddings()(packed.ids).to(beginning.dtype)
    return model.model.language_model(
        inputs_embeds=torch.cat([beginning, told], dim=1),
        attention_mask=packed.mask.to(beginning.dtype),
        position_ids=packed.positions,
        use_cache=False,
        **options,
    )


def logits_behind(model: Any, beginning: torch.Tensor, packed: PackedSegments) -> torch.Tensor:
    """Returns the logits after every packed token, ``[b, t, vocabulary]``, float32.

    The arguments are those of :func:`read_behind`.
    """
    hidden = read_behind(model, beginning, packed).last_hidden_state
    logits: torch.Tensor = model.lm_head(hidden[:, beginning.shape[1] :]).float()
    return logits


def segment_sums(logits: torch.Tensor, packed: PackedSegments) -> torch.Tensor:
    """Returns the summed log-probability of each segment's labels, ``[b, segments]``."""
    import torch

    wanted = packed.labels.clamp(min=0).unsqueeze(-1)
    picked = torch.log_softmax(logits, -1).gather(-1, wanted).squeeze(-1) * (packed.labels >= 0)
    sums = torch.zeros(len(wanted), int(packed.segments.max()) + 1, device=logits.device)
    return sums.scatter_add(1, packed.segments.clamp(min=0), picked)
