"""What a bench says beyond rates: the five axes of the o1 study, and validity by size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from surefoot.pddl.benchmark.summary import Episode, contestant
from surefoot.pddl.domains import get_domain
from surefoot.pddl.grading.axes import Axis, axes_of
from surefoot.pddl.grading.doubtful import count_doubtful
from surefoot.pddl.grading.records import AnswerRecord
from surefoot.pddl.grading.summary import counts_by_task, valid_interval
from surefoot.pddl.renaming import NameLevel
from surefoot.results.lines import Curve, line_chart
from surefoot.results.radar import RadarSeries, radar_chart
from surefoot.results.statistics import clustered_wilson, difference_interval

MAX_SERIES = 6
"""Most polygons of a radar; more cannot be distinguished."""


def profile(episodes: Sequence[Episode]) -> dict[str, Any]:
    """Returns what a summary says of axes and sizes; plain JSON data."""
    sizes = size_rows(episodes)
    return {
        "axes": axes_rows(episodes),
        "sizes": sizes,
        "extrapolation": extrapolation_rows(sizes),
    }


def by_contestant(episodes: Iterable[Episode]) -> dict[str, list[Episode]]:
    """Groups episodes by contestant, those under all names together."""
    groups: dict[tuple[str, ...], list[Episode]] = {}
    planners: dict[str, list[Episode]] = {}
    for e in episodes:
        c = e.case
        groups.setdefault((c.planner, c.style, c.shot, c.answer, c.mode, c.job), []).append(e)
        planners.setdefault(c.planner, []).append(e)
    named: dict[str, list[Episode]] = {}
    for (planner, *_), group in groups.items():
        cases = [e.case.original() for e in planners[planner]]
        named[contestant(group[0].case.original(), cases)] = group
    return named


def axes_rows(episodes: Iterable[Episode]) -> list[dict[str, Any]]:
    """Returns a row of axis values for every contestant; see :class:`Axis`."""
    rows = []
    for name, group in by_contestant(episodes).items():
        own = [e.graded for e in group if e.case.renaming == NameLevel.NONE]
        renamed = [e.graded for e in group if e.case.renaming != NameLevel.NONE]
        rows.append({"contestant": name, **axes_of(own, renamed)})
    return rows


def axes_chart(rows: Sequence[Mapping[str, Any]], title: str) -> str:
    """Draws rows of :func:`axes_rows` as a radar, at most :data:`MAX_SERIES` of them."""
    shown = [RadarSeries(r["contestant"], {a: r[a] for a in Axis}) for r in rows[:MAX_SERIES]]
    axes = [str(a) for a in Axis if any(s.values[a] is not None for s in shown)]
    if len(axes) < 3:
        return '<p class="soft">Nothing to draw.</p>'
    return radar_chart(axes, shown, title=title)


def size_rows(episodes: Iterable[Episode]) -> list[dict[str, Any]]:
    """Counts valid plans by contestant, domain and size, for tasks in their own names.

    Returns:
        Plain JSON data: ``step`` is the size above the domain's smallest one; ``by_task``, where
        tasks have several samples, holds the valid and all samples of each.
    """
    found: dict[tuple[str, str, int], list[AnswerRecord]] = {}
    unclear: Counter[tuple[str, str, int]] = Counter()
    for name, group in by_contestant(episodes).items():
        for e in group:
            if e.case.size is None or e.case.renaming != NameLevel.NONE:
                continue
            place = (name, e.case.domain, e.case.size)
            if e.counts:
                found.setdefault(place, []).append(e.graded)
            unclear[place] += count_doubtful([e.graded])
    rows = []
    for (name, domain, size), records in found.items():
        interval = valid_interval(records)
        assert interval is not None
        by_task = [[solved, n] for solved, n in counts_by_task(records)]
        rows.append(
            {
                "contestant": name,
                "domain": domain,
                "size": size,
                "step": size - get_domain(domain).min_size,
                "valid": sum(solved for solved, _ in by_task),
                "n": len(records),
                "doubtful": unclear[name, domain, size],
                "wilson95": [interval.low, interval.high],
                **({"by_task": by_task} if len(by_task) < len(records) else {}),
            }
        )
    return rows


def extrapolation_rows(sizes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Compares each contestant's smallest and largest sizes over the domains that have both.

    Args:
        sizes: Rows of :func:`size_rows`.

    Returns:
        Rows with ``small`` and ``large`` rates and Newcombe's interval of the difference,
        clustered by task where tasks have several samples.
    """
    rows = []
    for name in dict.fromkeys(r["contestant"] for r in sizes):
        counts = {"small": [0, 0], "large": [0, 0]}
        tasks: dict[str, list[tuple[int, int]]] = {"small": [], "large": []}
        for domain in dict.fromkeys(r["domain"] for r in sizes):
            own = [r for r in sizes if r["contestant"] == name and r["domain"] == domain]
            own.sort(key=lambda r: r["size"])
            if len(own) > 1:
                for end, row in (("small", own[0]), ("large", own[-1])):
                    counts[end][0] += row["valid"]
                    counts[end][1] += row["n"]
                    single = [[1, 1]] * row["valid"] + [[0, 1]] * (row["n"] - row["valid"])
                    tasks[end] += [(c, size) for c, size in row.get("by_task", single)]
        (a, m), (b, n) = counts["small"], counts["large"]
        if m and n:
            small, large = clustered_wilson(tasks["small"]), clustered_wilson(tasks["large"])
            drop = difference_interval(a / m, small, b / n, large)
            rows.append(
                {
                    "contestant": name,
                    "small": [a, m],
                    "large": [b, n],
                    "doubtful": sum(r["doubtful"] for r in sizes if r["contestant"] == name),
                    "drop": a / m - b / n,
                    "newcombe95": [drop.low, drop.high],
                }
            )
    return rows


def sizes_chart(sizes: Sequence[Mapping[str, Any]]) -> str:
    """Draws the fraction of valid plans against the size, over all domains."""
    curves = []
    for name in dict.fromkeys(r["contestant"] for r in sizes):
        steps: dict[int, list[int]] = {}
        for r in sizes:
            if r["contestant"] == name:
                found = steps.setdefault(r["step"], [0, 0])
                found[0] += r["valid"]
                found[1] += r["n"]
        points = [(float(s), 100 * v / n) for s, (v, n) in sorted(steps.items())]
        curves.append(Curve(name, points))
    return line_chart(
        curves, title="Valid plans by size", x="sizes above the smallest", y="valid, %", top=100.0
    )
