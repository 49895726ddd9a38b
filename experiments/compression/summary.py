"""Figures of the study: means over seeds, with intervals over tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from surefoot.results.power import cluster_bootstrap
from surefoot.results.statistics import mcnemar_exact, wilson
from surefoot.sparsity.report.pareto import ParetoPoint, front_of

Records = Mapping[str, Mapping[str, Any]]
Tasks = Sequence[Mapping[str, bool]]
"""For each seed, whether each task was solved, by name."""


def share(runs: Tasks, seed: int = 0) -> dict[str, Any] | None:
    """Returns the rate of solved tasks over seeds, with a bootstrap over tasks.

    Args:
        runs: At least one, all of the same tasks.
        seed: Seed of the bootstrap.

    Returns:
        ``rate``, ``interval``, ``n`` (tasks) and ``seeds`` (rate by seed); ``None`` without tasks.
    """
    if not runs or not runs[0]:
        return None
    clusters = [[float(run[name]) for run in runs] for name in runs[0]]
    by_seed = [sum(run.values()) / len(run) for run in runs]
    return {
        "rate": sum(by_seed) / len(by_seed),
        "interval": list(cluster_bootstrap(clusters, seed)),
        "n": len(clusters),
        "seeds": by_seed,
    }


def difference(first: Tasks, second: Tasks, seed: int = 0) -> dict[str, Any] | None:
    """Returns the paired difference in solved tasks, with a bootstrap over tasks."""
    if not first or len(first) != len(second) or not first[0]:
        return None
    clusters = [
        [float(a[name]) - float(b[name]) for a, b in zip(first, second, strict=True)]
        for name in first[0]
    ]
    values = [v for cluster in clusters for v in cluster]
    return {
        "points": sum(values) / len(values),
        "interval": list(cluster_bootstrap(clusters, seed)),
    }


def grid_rows(records: Records, dense: Records, seed: int = 0) -> list[dict[str, Any]]:
    """Returns a row for every cell of the grid.

    Args:
        records: Cells by ``model/pruner/allocation/pattern/seed``.
        dense: The dense models.
        seed: Seed of bootstraps.
    """
    cells: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for key, record in records.items():
        cells.setdefault(tuple(key.rsplit("/", 4)[:4]), []).append(record)
    rows = []
    for (model, pruner, allocation, pattern), found in cells.items():
        good = [r for r in found if "refused" not in r]
        row: dict[str, Any] = {
            "model": model,
            "pruner": pruner,
            "allocation": allocation,
            "pattern": pattern,
            "refused": next((r["refused"] for r in found if "refused" in r), ""),
        }
        if good:
            uniform = [r for r in cells[model, pruner, "uniform", pattern] if "refused" not in r]
            tasks = [r["tasks"] for r in good]
            row |= _means(good) | {
                "solved": share(tasks, seed),
                "against_dense": difference(tasks, [dense[model]["tasks"]] * len(tasks), seed),
                "against_uniform": difference(tasks, [r["tasks"] for r in uniform], seed),
            }
        rows.append(row)
    return rows


def _means(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    def mean(values: Sequence[float | None]) -> float | None:
        known = [v for v in values if v is not None]
        return sum(known) / len(known) if known else None

    return {
        "loss": mean([r["loss"].get("recovered", r["loss"].get("after")) for r in found]),
        "dense_loss": mean([r["loss"].get("before") for r in found]),
        "sparsity": mean([r["sparsity"] for r in found]),
        "parameters": mean([r["parameters"] for r in found]),
        "error": mean([r["error"] for r in found]),
        "trained": mean([r["trained"] for r in found]),
        "n": len(found),
    }


def orders(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Returns where the order of the papers holds: SparseGPT over Wanda over magnitude, and alpha.

    Args:
        rows: Of :func:`grid_rows`.

    Returns:
        For each model and pattern, of uniform allocation, the pruners from best to worst by tasks
        and by loss; and the allocations, of each pruner, by tasks.
    """
    found = []
    for model, pattern in dict.fromkeys((r["model"], r["pattern"]) for r in rows):
        here = [
            r for r in rows if (r["model"], r["pattern"]) == (model, pattern) and r.get("solved")
        ]
        ahead = sorted(here, key=lambda r: -r["solved"]["rate"])
        plain = [r for r in ahead if r["allocation"] == "uniform"]
        found.append(
            {
                "model": model,
                "pattern": pattern,
                "by_tasks": [r["pruner"] for r in plain],
                "by_loss": [r["pruner"] for r in sorted(plain, key=lambda r: r["loss"])],
                "allocations": {
                    pruner: [r["allocation"] for r in ahead if r["pruner"] == pruner]
                    for pruner in dict.fromkeys(r["pruner"] for r in here)
                },
            }
        )
    return found


def rank_rows(records: Records, dense: Records, seed: int = 0) -> list[dict[str, Any]]:
    """Returns a row for each way to factor and to recover."""
    cells: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for key, record in records.items():
        model, method, reduction, _ = key.rsplit("/", 3)
        for recovery, found in record.items():
            cells.setdefault((model, reduction, method, recovery), []).append(found)
    rows = []
    for (model, reduction, method, recovery), found in sorted(cells.items()):
        good = [r for r in found if "refused" not in r]
        row: dict[str, Any] = {
            "model": model,
            "reduction": reduction,
            "method": method,
            "recovery": recovery,
            "refused": next((r["refused"] for r in found if "refused" in r), ""),
        }
        if good:
            tasks = [r["tasks"] for r in good]
            row |= _means(good) | {
                "solved": share(tasks, seed),
                "against_dense": difference(tasks, [dense[model]["tasks"]] * len(tasks), seed),
            }
        rows.append(row)
    return rows


def optimizer_rows(records: Records, seed: int = 0) -> list[dict[str, Any]]:
    """Returns a row for each way to train, with the difference to AdamW."""
    ways: dict[str, dict[str, Mapping[str, Any]]] = {}
    for key, record in records.items():
        way, _, number = key.rpartition("/")
        ways.setdefault(way, {})[number] = record
    base = ways.get("adamw", {})
    rows = []
    for way, found in ways.items():
        tasks = [r["tasks"] for r in found.values()]
        common = [n for n in found if n in base]
        memory = next((r["memory"] for r in found.values() if r["memory"]), None)
        held = [r["held_after"] for r in found.values()]
        rows.append(
            {
                "way": way,
                "n": len(found),
                "held": sum(held) / len(held),
                "held_seeds": held,
                "solved": share(tasks, seed),
                "against_adamw": difference(
                    [found[n]["tasks"] for n in common], [base[n]["tasks"] for n in common], seed
                ),
                "trainable": next(iter(found.values()))["trainable"],
                "memory": memory,
                "looks": sum(r["looks"] for r in found.values()) / len(found),
                "seconds": sum(r["seconds"] for r in found.values()) / len(found),
            }
        )
    return rows


def frontier_rows(found: Mapping[str, Any], dense: str) -> list[dict[str, Any]]:
    """Returns a row for each recipe, with its speed against the dense model and paired tests."""
    rows = []
    base = found[dense]
    for name, cell in found.items():
        row: dict[str, Any] = {
            "recipe": name,
            "label": cell["label"],
            "bytes": cell["bytes"],
            **cell["measured"],
            "speed": base["measured"]["token_p50"] / cell["measured"]["token_p50"],
        }
        for part in ("tasks", "episodes"):
            mine, theirs = cell[part], base[part]
            n = len(mine)
            if not n:
                continue
            solved = sum(mine.values())
            interval = wilson(solved, n)
            lost = sum(theirs[k] and not v for k, v in mine.items())
            won = sum(v and not theirs[k] for k, v in mine.items())
            row[part] = {
                "solved": solved,
                "n": n,
                "rate": solved / n,
                "interval": [interval.low, interval.high],
                "lost": lost,
                "won": won,
                "p": mcnemar_exact(lost, won),
            }
        rows.append(row)
    points = [
        ParetoPoint(r["recipe"], r["token_p50"], 1 - r["tasks"]["rate"])
        for r in rows
        if "tasks" in r
    ]
    best = {p.name for p in front_of(points)}
    return [{**r, "front": r["recipe"] in best} for r in rows]
