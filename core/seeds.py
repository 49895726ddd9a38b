"""Seeds: their splits, and the syntax in which they are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice

from surefoot.core.errors import InputError

MOST_SEEDS = 100_000
"""Most seeds of a run."""

SPLITS: dict[str, tuple[int, ...]] = {
    "train": (0, 1, 2, 3, 4, 5),
    "calibration": (6, 7),
    "test": (8, 9),
}
"""Last digits of the seeds of each split; no seed can be in two."""


def split_of_seed(seed: int) -> str:
    """Returns the split that a seed belongs to: ``train``, ``calibration`` or ``test``.

    >>> [split_of_seed(s) for s in (0, 6, 19)]
    ['train', 'calibration', 'test']
    """
    return next(name for name, digits in SPLITS.items() if seed % 10 in digits)


def seeds_of(split: str, n: int, start: int = 0) -> list[int]:
    """Returns the first ``n`` seeds of a split that are not below ``start``.

    Raises:
        InputError: There is no such split.

    >>> seeds_of("test", 4)
    [8, 9, 18, 19]
    """
    if split not in SPLITS:
        raise InputError(f"no split '{split}'; there are {', '.join(SPLITS)}")
    return list(islice(_seeds(SPLITS[split], start), n))


def _seeds(digits: tuple[int, ...], start: int) -> Iterator[int]:
    return (seed for seed in count(start) if seed % 10 in digits)


def read_seeds(text: str) -> list[int]:
    """Reads seeds: ``5``, ``0:10`` (0 to 9), ``1,4,7``, or ``test:20`` (the first of a split).

    Raises:
        InputError: The text has none of these forms.
    """
    seeds: list[int] = []
    for part in filter(None, text.split(",")):
        start, colon, end = part.partition(":")
        try:
            if colon and start in SPLITS:
                found: Sequence[int] = seeds_of(start, min(int(end), MOST_SEEDS))
            elif colon:
                found = range(int(start or 0), int(end))
            else:
                found = [int(part)]
        except ValueError:
            raise InputError(
                f"seeds are such as 5, 0:10, 1,4,7 or {'|'.join(SPLITS)}:20, not '{text}'"
            ) from None
        if len(seeds) + len(found) > MOST_SEEDS:
            raise InputError(f"more than {MOST_SEEDS} seeds; use several runs")
        seeds += found
    if not seeds:
        raise InputError(f"no seeds in '{text}'; give such as 0:10")
    return seeds
