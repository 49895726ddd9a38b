"""Calibration texts as batches for a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from random import Random
from typing import Any

import torch

from surefoot.core.errors import InputError

LABELS = "labels"
"""Entry of a batch used for the loss only: ids to predict, -100 where nothing is predicted."""

Tokens = tuple[Sequence[int], int]
"""Ids of a sequence, and the position from which on they are predicted."""
Batch = Mapping[str, torch.Tensor]
"""Arguments of a model's forward pass, optionally with :data:`LABELS`."""


@dataclass(frozen=True)
class Calibration:
    """Calibration data.

    Attributes:
        batches: Batches for the statistics of inputs.
        held_out: Batches for measuring the loss.
        source: Where they are from, for the report.
    """

    batches: tuple[Batch, ...]
    held_out: tuple[Batch, ...] = ()
    source: str = ""

    @property
    def tokens(self) -> int:
        """Tokens in the batches for statistics, without padding."""
        return sum(int(mask_of(batch).sum()) for batch in self.batches)

    def hash(self) -> str:
        """Returns the SHA-256 of all batches, 64 hexadecimal digits."""
        digest = sha256()
        for part in (self.batches, self.held_out):
            digest.update(f"{len(part)} batches".encode())
            for batch in part:
                for name in sorted(batch):
                    data = batch[name].detach().contiguous().cpu()
                    digest.update(f"{name} {tuple(data.shape)} {data.dtype}".encode())
                    digest.update(data.view(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()


def arguments_of(batch: Batch) -> dict[str, torch.Tensor]:
    """Returns the entries of a batch that the model is called with."""
    return {name: value for name, value in batch.items() if name != LABELS}


def mask_of(batch: Batch) -> torch.Tensor:
    """Returns which tokens of a batch are not padding, bool ``[b, t]``."""
    if "attention_mask" in batch:
        return batch["attention_mask"].bool()
    return torch.ones_like(batch["input_ids"], dtype=torch.bool)


def loss_of(logits: torch.Tensor, batch: Batch) -> tuple[float, int]:
    """Sums the cross-entropy of the labels, or of all tokens if there are none.

    Args:
        logits: ``[b, t, vocabulary]``.
        batch: The batch that they are for.

    Returns:
        The sum in nats, and the number of tokens predicted.
    """
    labels = batch.get(LABELS)
    if labels is None:
        labels = batch["input_ids"].masked_fill(~mask_of(batch), -100)
    wanted = labels[:, 1:].reshape(-1)
    flat = logits[:, :-1].float().reshape(-1, logits.shape[-1])
    total = torch.nn.functional.cross_entropy(flat, wanted, ignore_index=-100, reduction="sum")
    return float(total), int((wanted != -100).sum())


def calibrate_with(
    sequences: Sequence[Tokens],
    *,
    samples: int,
    held_out: int,
    batch: int,
    length: int,
    pad: int = 0,
    seed: int = 0,
    even: bool = False,
    source: str = "",
) -> Calibration:
    """Draws sequences and batches those of similar length together.

    Args:
        sequences: The sequences; longer ones than ``length`` are truncated, those with fewer than
            two tokens are skipped.
        samples: Number of sequences for statistics.
        held_out: Number of further sequences for the loss; at most a quarter of all if there are
            too few.
        batch: Sequences per batch.
        length: Most tokens of a sequence.
        pad: Padding id, added on the right.
        seed: Seed of the draw.
        even: Whether batches hold only sequences of equal length, so that nothing is padded.
        source: Where they are from, for the report.

    Raises:
        InputError: There is no sequence.
    """
    cut = [(list(ids[:length]), start) for ids, start in sequences if len(ids[:length]) > 1]
    if not cut:
        raise InputError(
            f"no calibration text of at least two tokens{f' in {source}' if source else ''}; "
            "give texts with --calibration"
        )
    Random(seed).shuffle(cut)
    # With too few sequences for both, a quarter is held out.
    kept = min(held_out, max(len(cut) - samples, len(cut) // 4))
    spare = cut[-kept:] if kept else []
    chosen = cut[: min(samples, len(cut) - kept)]
    return Calibration(
        tuple(_batches(chosen, batch, pad, even)), tuple(_batches(spare, batch, pad, even)), source
    )


def _batches(
    sequences: Iterable[tuple[list[int], int]], batch: int, pad: int, even: bool
) -> Iterator[Batch]:
    ordered = sorted(sequences, key=lambda s: len(s[0]))
    groups = (
        [list(members) for _, members in groupby(ordered, key=lambda s: len(s[0]))]
        if even
        else [ordered]
    )
    for group in groups:
        for start in range(0, len(group), batch):
            yield padded(group[start : start + batch], pad)


def padded(part: Sequence[Tokens], pad: int) -> Batch:
    """Makes a batch of sequences, padded on the right.

    Args:
        part: The sequences.
        pad: Padding id.
    """
    width = max(len(ids) for ids, _ in part)
    tokens = torch.full((len(part), width), pad, dtype=torch.long)
    mask = torch.zeros(len(part), width, dtype=torch.long)
    labels = torch.full((len(part), width), -100)
    for row, (ids, start) in enumerate(part):
        tokens[row, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        mask[row, : len(ids)] = 1
        labels[row, start : len(ids)] = torch.tensor(ids[start:], dtype=torch.long)
    return {"input_ids": tokens, "attention_mask": mask, LABELS: labels}


def tokenized(texts: Iterable[str], tokenizer: Any, length: int = 0) -> list[Tokens]:
    """Tokenizes texts into sequences that are predicted from the first token on.

    Args:
        texts: The texts.
        tokenizer: A tokenizer of transformers.
        length: If not 0, texts are joined and cut into pieces of this many tokens; a shorter last
            piece is dropped unless it is the only one.
    """
    encoded = [list(tokenizer(text)["input_ids"]) for text in texts]
    if not length:
        return [(ids, 0) for ids in encoded]
    joined = [token for ids in encoded for token in ids]
    pieces = [joined[i : i + length] for i in range(0, len(joined), length)]
    if len(pieces) > 1 and len(pieces[-1]) < length:
        pieces.pop()
    return [(piece, 0) for piece in pieces]
