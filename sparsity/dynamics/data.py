"""Sequences whose label depends on whether two words co-occur.

Every sequence holds the word 2 (the paper's third signal). The label is +1 if the words 0 and 1
both occur, else -1; the other words carry no information (as in the paper on word co-occurrence).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNALS = 3
"""Number of words that carry information; their ids are 0, 1 and 2."""

SHARES = (3, 1, 1, 1)
"""Proportions of sequences with both words, only the first, only the second, neither: 1/2, 1/6,
1/6, 1/6, as in the paper."""


class Group(IntEnum):
    """Which of the first two words a sequence holds."""

    BOTH = 0
    FIRST = 1
    SECOND = 2
    NEITHER = 3


@dataclass(frozen=True)
class Sequences:
    """A data set.

    Attributes:
        ids: Words ``[n, L]``, integers in ``[0, words)``.
        labels: ``[n]``, +1 or -1.
        words: Size of the vocabulary, the dimension d of the one-hot embeddings.
        names: Names of the words; empty if they have none.
    """

    ids: NDArray[np.int64]
    labels: NDArray[np.float64]
    words: int
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks that every sequence holds word 2 and that the labels agree with words 0 and 1."""
        if self.ids.ndim != 2 or not self.ids.size:
            raise InputError(
                "no sequences; each needs at least one word, and all have the same length"
            )
        if self.ids.min() < 0 or self.ids.max() >= self.words:
            raise InputError(f"words are integers from 0 to {self.words - 1}")
        if not (self.ids == 2).any(1).all():
            raise InputError("every sequence has to hold word 2, the one that is always there")
        wanted = np.where(self.groups == Group.BOTH, 1.0, -1.0)
        if not np.array_equal(self.labels, wanted):
            row = int(np.flatnonzero(self.labels != wanted)[0])
            raise InputError(
                f"the label of sequence {row} is {self.labels[row]:+g}, and words 0 and 1 imply "
                f"{wanted[row]:+g}"
            )
        missing = [g.name.lower() for g in Group if not (self.groups == g).any()]
        if missing:
            raise InputError(f"no sequence of kind {', '.join(missing)}; all four are needed")

    @property
    def groups(self) -> NDArray[np.int64]:
        """Kinds of the sequences, members of :class:`Group`, ``[n]``."""
        first, second = (self.ids == 0).any(1), (self.ids == 1).any(1)
        return np.select(
            [first & second, first, second], [Group.BOTH, Group.FIRST, Group.SECOND], Group.NEITHER
        ).astype(np.int64)

    @property
    def assumption(self) -> str:
        """How the paper's Assumption 2.3 (ii), nL <= d, is violated; empty if it holds.

        Under it every filler can occur in a single sequence, as the proofs require.
        """
        n, length = self.ids.shape
        if n * length <= self.words:
            return ""
        but = "" if self.repeated else ", though no filler occurs twice"
        return (
            f"nL = {n * length} is larger than d = {self.words}: the paper's assumption 2.3 (ii) "
            f"fails{but}; its predictions need not hold"
        )

    @property
    def repeated(self) -> float:
        """Fraction of the fillers' positions whose word also occurs in another position."""
        fillers = self.ids[self.ids >= SIGNALS]
        if not fillers.size:
            return 0.0
        return float((np.bincount(fillers)[fillers] > 1).mean())


def draw_sequences(
    n: int, length: int, words: int, seed: int, *, distinct: bool = True
) -> Sequences:
    """Draws a data set as described in the paper.

    Args:
        n: Sequences, a multiple of 6.
        length: Words of each, at least 3.
        words: Size of the vocabulary.
        seed: Seed.
        distinct: Whether no filler occurs twice; otherwise fillers are drawn with replacement.

    Raises:
        InputError: The numbers are inconsistent.
    """
    if n < 6 or n % sum(SHARES):
        raise InputError(f"{n} sequences; give a multiple of 6")
    if length < SIGNALS:
        raise InputError(f"sequences of {length} words have no room for the {SIGNALS} signals")
    rng = np.random.default_rng([seed, 0])
    heads = ((0, 1, 2), (0, 2), (1, 2), (2,))
    places = sum(share * (length - len(h)) for share, h in zip(SHARES, heads, strict=True)) * n // 6
    if distinct and places > words - SIGNALS:
        raise InputError(
            f"{places} positions for fillers and {words - SIGNALS} fillers: give more words, or "
            "let "
            "fillers occur several times (distinct: false)"
        )
    if not distinct and words <= SIGNALS:
        raise InputError(f"a vocabulary of {words} words has no fillers")
    fillers = (
        rng.permutation(np.arange(SIGNALS, words))[:places]
        if distinct
        else rng.integers(SIGNALS, words, places)
    )
    rows, at = [], 0
    for share, head in zip(SHARES, heads, strict=True):
        for _ in range(share * n // 6):
            rest = length - len(head)
            row = np.concatenate([head, fillers[at : at + rest]])
            at += rest
            rows.append(rng.permutation(row))
    labels = np.array([1.0] * (n // 2) + [-1.0] * (n // 2))
    return Sequences(np.array(rows, dtype=np.int64), labels, words)


def read_sequences(path: Path, signals: Sequence[str]) -> Sequences:
    """Reads a data set from a file.

    Args:
        path: JSON lines, each with ``tokens``, a list of strings; all lists of the same length.
        signals: The two words whose co-occurrence decides, and the one that always occurs.

    Raises:
        InputError: The file cannot be used.
    """
    rows: list[list[str]] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputError("not a readable file of sequences", file=str(path)) from None
    for number, line in enumerate(lines, 1):
        try:
            tokens = json.loads(line)["tokens"]
        except (ValueError, KeyError, TypeError):
            tokens = None
        if not isinstance(tokens, list) or not all(isinstance(t, str) for t in tokens):
            raise InputError(
                'each line needs {"tokens": ["word", ...]}', file=str(path), line=number
            )
        rows.append(tokens)
    return named_sequences(rows, signals)


def named_sequences(rows: Sequence[Sequence[str]], signals: Sequence[str]) -> Sequences:
    """Makes a data set from words; the labels follow from the first two signals.

    Args:
        rows: Sequences, all of one length.
        signals: The two words whose co-occurrence decides, and the one that always occurs.

    Raises:
        InputError: They differ in length, or are not a valid data set.
    """
    if len(signals) != SIGNALS or len(set(signals)) != SIGNALS:
        raise InputError(
            "name three different signals: two whose co-occurrence decides, and one that always "
            "occurs"
        )
    if len({len(row) for row in rows}) > 1:
        raise InputError("sequences differ in length; the model needs one length for all")
    names = [*signals, *sorted({word for row in rows for word in row} - set(signals))]
    number = {word: i for i, word in enumerate(names)}
    ids = np.array([[number[word] for word in row] for row in rows], dtype=np.int64)
    both = (ids == 0).any(1) & (ids == 1).any(1) if ids.ndim == 2 else np.zeros(0, bool)
    return Sequences(ids, np.where(both, 1.0, -1.0), len(names), tuple(names))
