"""Figures of the study of Read-ME: means over seeds with intervals, and cache hit ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from surefoot.experiments.compression.summary import difference, share
from surefoot.results.statistics import mean_interval
from surefoot.sparsity.experts.caching import simulate
from surefoot.sparsity.experts.policies import POLICIES, make_policy

Records = Mapping[str, Mapping[str, Any]]


def way_rows(
    records: Records, dense: Records, models: Sequence[str], ways: Sequence[str], seed: int
) -> list[dict[str, Any]]:
    """Returns a row for each model and way.

    Args:
        records: Jobs by ``model/way/seed``.
        dense: The dense models.
        models: The models.
        ways: The ways.
        seed: Seed of bootstraps.
    """
    rows = []
    for model in models:
        each = {
            way: [r for key, r in records.items() if key.rsplit("/", 2)[:2] == [model, way]]
            for way in ways
        }
        narrow = [r["after"].get("tasks", {}) for r in each.get("magnitude", [])]
        for way, found in each.items():
            if not found:
                continue
            tasks = {
                when: [r[when]["tasks"] for r in found if r[when].get("tasks")]
                for when in ("before", "after")
            }
            routed = found[0]["experts"] > 1
            rows.append(
                {
                    "model": model,
                    "way": way,
                    "experts": found[0]["experts"],
                    "domains": found[0]["domains"],
                    "permanent": mean_interval([r["permanent"] for r in found]),
                    "never": mean_interval([r["never"] for r in found]),
                    "parameters": {
                        k: float(np.mean([r["parameters"][k] for r in found]))
                        for k in found[0]["parameters"]
                    },
                    "before": mean_interval([r["before"]["loss"] for r in found]),
                    "after": mean_interval([r["after"]["loss"] for r in found]),
                    "dense": dense[model]["loss"] if model in dense else None,
                    "tasks_before": share(tasks["before"], seed),
                    "tasks_after": share(tasks["after"], seed),
                    "against_narrow": None
                    if way == "magnitude"
                    else difference(tasks["after"], narrow, seed),
                    "agreement": mean_interval([r["after"]["agreement"] for r in found])
                    if routed
                    else None,
                    "agreement_before": mean_interval([r["before"]["agreement"] for r in found])
                    if routed
                    else None,
                    "chance": 1 / found[0]["experts"],
                    "repeats": mean_interval([r["after"]["repeats"] for r in found])
                    if routed
                    else None,
                    "shares": [float(v) for v in np.mean([r["after"]["shares"] for r in found], 0)],
                }
            )
    return rows


def cache_rows(traces: Mapping[str, Sequence[Sequence[int]]], seed: int) -> list[dict[str, Any]]:
    """Returns hit ratios of every policy on the routers' traces, the texts in sequence.

    Args:
        traces: By model, the experts of each text.
        seed: Seed of the randomised policy.

    Returns:
        A row for each model and cache size: ``model``, ``experts``,
        ``room``, and ``hits`` by policy.
    """
    rows = []
    for model, texts in traces.items():
        line = list(chain.from_iterable(texts))
        experts = max(line) + 1 if line else 0
        for room in range(1, experts):
            hits = {
                name: simulate(line, [1] * experts, room, make_policy(name, seed=seed)).hit_ratio
                for name in POLICIES
            }
            rows.append(
                {
                    "model": model,
                    "experts": experts,
                    "room": room,
                    "hits": hits,
                    "requests": len(line),
                }
            )
    return rows
