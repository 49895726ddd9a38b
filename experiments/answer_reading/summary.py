"""Rates with intervals that take the answers of one style together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from surefoot.results.statistics import wilson

Row = Mapping[str, Any]
"""A read answer as JSON data."""

_DRAWS = 2000


def rate_of(rows: Sequence[Row], counts: Callable[[Row], bool], seed: int) -> dict[str, Any] | None:
    """Returns how often something holds, with an interval over styles.

    Answers of one style stand or fall together, so styles are drawn with replacement (bootstrap,
    95 %). Where it holds always or never, the interval is Wilson's with as many trials as styles.

    Args:
        rows: The answers.
        counts: What is counted.
        seed: Seed of the bootstrap.

    Returns:
        ``n``, ``count``, ``styles``, ``rate`` and ``interval``; ``None`` without any answer.
    """
    if not rows:
        return None
    by_style: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        found = by_style[row["style"]]
        found[0] += counts(row)
        found[1] += 1
    totals = np.array([by_style[name] for name in sorted(by_style)], float)
    count, n, styles = int(totals[:, 0].sum()), len(rows), len(totals)
    if count in (0, n):
        around = wilson(styles if count else 0, styles)
        low, high = around.low, around.high
    else:
        draws = np.random.default_rng(seed).integers(styles, size=(_DRAWS, styles))
        sums = totals[draws].sum(axis=1)
        low, high = map(float, np.quantile(sums[:, 0] / sums[:, 1], (0.025, 0.975)))
    return {
        "n": n,
        "count": count,
        "styles": styles,
        "rate": count / n,
        "interval": [low, high],
    }


def table_of(
    rows: Iterable[Row], key: str, counts: Callable[[Row], bool], seed: int
) -> list[dict[str, Any]]:
    """Returns a rate for each value of a field, the lowest first.

    Args:
        rows: The answers.
        key: The field; each value of a list counts on its own.
        counts: What is counted.
        seed: Seed of the bootstrap.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        values = row[key]
        for value in [values] if isinstance(values, str) else values or ["none"]:
            groups[value].append(row)
    found = [{"name": n, **(rate_of(g, counts, seed) or {})} for n, g in sorted(groups.items())]
    return sorted(found, key=lambda r: (r["rate"], r["name"]))


def is_exact(row: Row) -> bool:
    """Returns whether the plan was read as it is stated."""
    return row["exact"] is True


def is_falsely_valid(row: Row) -> bool:
    """Returns whether an answer that states no valid plan was read as one."""
    return row["read_valid"] and not row["valid"]


COMPONENTS = ("structure", "wording", "extras", "naming", "style")
"""Fields of which the held-out split shows no rates: they would say what a reader fails at."""


def split_summary(
    right: Sequence[Row], damaged: Sequence[Row], seed: int, *, components: bool = True
) -> dict[str, Any]:
    """Returns the figures of one split.

    Args:
        right: Answers that state a plan as it is.
        damaged: Answers that are damaged.
        seed: Seed of the bootstrap.
        components: Whether rates are also given by what styles and tasks are made of.
    """
    fields = ("domain", *COMPONENTS) if components else ("domain",)
    clear = [r for r in damaged if r["exact"] is not None]
    return {
        "exact": rate_of(right, is_exact, seed),
        "exact_by": {key: table_of(right, key, is_exact, seed) for key in fields},
        "falsely_valid": rate_of(damaged, is_falsely_valid, seed),
        "falsely_valid_by": table_of(damaged, "damage", is_falsely_valid, seed)[::-1],
        "damaged_exact": rate_of(clear, is_exact, seed),
        "damaged_exact_by": table_of(clear, "damage", is_exact, seed),
    }
