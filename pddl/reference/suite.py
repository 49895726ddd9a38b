"""The instances whose bounds are shipped."""

from __future__ import annotations

from surefoot.pddl.domains import Instance, get_domain, list_domains

SIZES = 4
"""Sizes per domain, from the smallest."""

SEEDS = (0, 1)


def shipped_suite(sizes: int = SIZES) -> list[Instance]:
    """Generates the suite: every domain at its smallest sizes, two seeds each.

    Args:
        sizes: How many sizes per domain, at most :data:`SIZES`.
    """
    return [
        spec.generate(size, seed)
        for spec in map(get_domain, list_domains())
        for size in range(spec.min_size, spec.min_size + sizes)
        for seed in SEEDS
    ]
