"""Figures of the study: what each way solves on the test, and against the best single planner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from surefoot.experiments.compression.summary import difference, share

Records = Mapping[str, Mapping[str, Any]]
"""By ``name/seed`` what was found."""
Solved = Mapping[str, bool]

SETS = ("search", "choose", "test")


def by_name(records: Records, seeds: Sequence[int]) -> dict[str, list[Mapping[str, Any]]]:
    """Returns the records of each name in the order of seeds; those that lack a seed are left out.

    Args:
        records: By ``name/seed``.
        seeds: The seeds.
    """
    names = dict.fromkeys(key.rpartition("/")[0] for key in records)
    return {
        name: [records[f"{name}/{seed}"] for seed in seeds]
        for name in names
        if all(f"{name}/{seed}" in records for seed in seeds)
    }


def rate(solved: Solved) -> float:
    """Returns the share of solved tasks."""
    return sum(solved.values()) / len(solved)


def best_by(singles: Mapping[str, Sequence[Mapping[str, Any]]], which: str) -> list[str]:
    """Returns for each seed the single planner that solves most of a set, of equal ones the first.

    Args:
        singles: Of :func:`by_name`.
        which: Name of the set.
    """
    seeds = len(next(iter(singles.values())))
    return [max(singles, key=lambda n: rate(singles[n][i][which])) for i in range(seeds)]


def rows_of(
    singles: Records,
    ways: Mapping[str, Records],
    domains: Sequence[str],
    seeds: Sequence[int],
    seed: int,
) -> list[dict[str, Any]]:
    """Returns a row for each planner and each way to join them.

    Args:
        singles: The planners and the base, by ``name/seed``.
        ways: By kind (``merge``, ``search``, ``mixture``) the ways, by ``name/seed``.
        domains: Domains of the specialists, which are those of the tasks.
        seeds: The seeds.
        seed: Seed of bootstraps.

    Returns:
        ``kind``, ``name``, ``search``, ``choose`` and ``test`` (shares), ``domains`` (share of the
        test by domain), ``against_best`` (points, paired, against the single specialist that
        solves most of the choice), ``relative`` (the same as a share of what that one solves) and
        ``against_base``.
    """
    alone = by_name(singles, seeds)
    own = {n: r for n, r in alone.items() if n in domains}
    chosen, hindsight = best_by(own, "choose"), best_by(own, "test")
    best = [own[n][i] for i, n in enumerate(chosen)]
    count = range(len(seeds))
    found: list[tuple[str, str, list[Mapping[str, Any]]]] = [
        ("single", name, list(records)) for name, records in alone.items()
    ]
    found += [
        ("reference", "best single, chosen", best),
        ("reference", "best single, in hindsight", [own[n][i] for i, n in enumerate(hindsight)]),
        ("reference", "each task to its domain's planner", [_own(own, i) for i in count]),
        ("reference", "any of the planners (oracle of each task)", [_any(own, i) for i in count]),
    ]
    joined = [
        (kind, name, r)
        for kind, records in ways.items()
        for name, r in by_name(records, seeds).items()
    ]
    found += joined
    if joined:
        picks = [max(joined, key=lambda w: rate(w[2][i]["choose"]))[2][i] for i in count]
        found.append(("reference", "best way, chosen", picks))
    base = alone.get("base")
    rows = []
    for kind, name, records in found:
        tests = [r["test"] for r in records]
        against = difference(tests, [b["test"] for b in best], seed)
        reached = sum(rate(b["test"]) for b in best) / len(best)
        rows.append(
            {
                "kind": kind,
                "name": name,
                **{
                    s: share([r[s] for r in records], seed) if s in records[0] else None
                    for s in SETS
                },
                "domains": {d: _share_of(tests, d) for d in domains},
                "against_best": against,
                "relative": against["points"] / reached if against and reached else None,
                "against_base": difference(tests, [b["test"] for b in base], seed)
                if base
                else None,
            }
        )
    return rows


def chosen_names(
    singles: Records, ways: Mapping[str, Records], domains: Sequence[str], seeds: Sequence[int]
) -> list[dict[str, str]]:
    """Returns for each seed which planner and which way were chosen."""
    own = {n: r for n, r in by_name(singles, seeds).items() if n in domains}
    joined = {n: r for records in ways.values() for n, r in by_name(records, seeds).items()}
    alone = best_by(own, "choose")
    way = best_by(joined, "choose") if joined else [""] * len(seeds)
    return [{"single": a, "way": w} for a, w in zip(alone, way, strict=True)]


def _own(own: Mapping[str, Sequence[Mapping[str, Any]]], number: int) -> dict[str, Solved]:
    """Returns what is solved if each task is routed to its domain's planner."""
    return {
        which: {
            task: own[domain_of(task)][number][which][task]
            for task in next(iter(own.values()))[number][which]
        }
        for which in SETS
    }


def _any(own: Mapping[str, Sequence[Mapping[str, Any]]], number: int) -> dict[str, Solved]:
    """Returns what any of the planners solves."""
    return {
        which: {
            task: any(r[number][which][task] for r in own.values())
            for task in next(iter(own.values()))[number][which]
        }
        for which in SETS
    }


def domain_of(task: str) -> str:
    """Returns the domain of a task by its name, ``domain-size-number``."""
    return task.rsplit("-", 2)[0]


def _share_of(runs: Sequence[Solved], domain: str) -> float | None:
    values = [v for run in runs for task, v in run.items() if domain_of(task) == domain]
    return sum(values) / len(values) if values else None


def routing_rows(
    mixtures: Records, domains: Sequence[str], seeds: Sequence[int]
) -> list[dict[str, Any]]:
    """Returns where each mixture routes the prompts of the test.

    Returns:
        ``name``; ``right``, by domain the fraction routed to its own expert, over seeds and gates;
        ``own``, the same of the prompts behind the gates; ``parameters`` of the first seed.
    """
    rows = []
    for name, records in by_name(mixtures, seeds).items():
        right = {
            d: sum(r["routed"][d][domains.index(d)] for r in records) / len(records)
            for d in domains
        }
        own = [share for r in records for share in r["own"]]
        rows.append(
            {
                "name": name,
                "right": right,
                "own": sum(own) / len(own),
                "parameters": records[0]["parameters"],
            }
        )
    return rows
