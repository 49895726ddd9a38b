"""Costs of acting of a policy that reports them, and the coverage of its prediction sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from surefoot.results.figures import MISSING, number, rate
from surefoot.results.statistics import wilson

Record = Mapping[str, Any]

COUNTED = (
    "looks",
    "look_seconds",
    "restores",
    "asked",
    "repairs",
    "plans",
    "pauses",
    "decisions",
)
"""Counts that are summed over episodes; a count that an old record lacks is 0."""


def broken_in(record: Record) -> tuple[str, ...]:
    """Returns the rules that an episode broke: only those that count, if its policy names them."""
    extra = record["extra"]
    found = extra["agent"]["broken"] if "agent" in extra else extra.get("broken_rules", ())
    return tuple(found)


def costs_of(records: Sequence[Record]) -> dict[str, Any] | None:
    """Sums the costs of episodes.

    Args:
        records: Records of episodes.

    Returns:
        Sums, means per episode and per decision, and how often the joint sets contained the truth;
        ``None`` if no record reports costs.
    """
    accounts = [r["extra"]["agent"] for r in records if "agent" in r["extra"]]
    if not accounts:
        return None
    n, decisions = len(accounts), sum(t["decisions"] for t in accounts)
    sums = {name: round(sum(t.get(name, 0) for t in accounts), 3) for name in COUNTED}
    first = [t["first"] for t in accounts if t["first"] is not None]
    return {
        "episodes": n,
        "alpha": accounts[0]["alpha"],
        **sums,
        "looks_per_episode": round(sums["looks"] / n, 3),
        "restores_per_episode": round(sums["restores"] / n, 3),
        "look_seconds_per_episode": round(sums["look_seconds"] / n, 3),
        "asked_per_episode": round(sums["asked"] / n, 3),
        "asked_per_decision": round(sums["asked"] / decisions, 4) if decisions else None,
        "asked_episodes": _rate([t["asked"] > 0 for t in accounts]),
        "covered_first": _rate(first),
        "covered": _rate_of(sum(t["covered"] for t in accounts), sum(t["sets"] for t in accounts)),
    }


def _rate(found: Sequence[bool]) -> dict[str, Any]:
    return _rate_of(sum(found), len(found))


def _rate_of(good: int, n: int) -> dict[str, Any]:
    interval = wilson(good, n) if n else None
    return {"count": good, "n": n, "interval": [interval.low, interval.high] if interval else None}


def cost_rows(cells: Sequence[Record]) -> list[dict[str, str]]:
    """Returns a row for the report for every cell whose episodes report costs."""
    rows = []
    for cell in cells:
        found = cell.get("agent")
        if found is None:
            continue
        each = found["episodes"]
        rows.append(
            {
                "task": cell["task"],
                "looks": f"{found['looks_per_episode']:.1f}",
                "restored": f"{found['restores'] / each:.1f}",
                "seconds": f"{found['look_seconds_per_episode']:.1f}",
                "asked": f"{found['asked_per_episode']:.1f}",
                "decision": number(found["asked_per_decision"]),
                "helped": _percent(found["asked_episodes"]),
                "repairs": f"{found['repairs'] / each:.1f}",
                "pauses": f"{found['pauses'] / each:.1f}",
                "decisions": f"{found['decisions'] / each:.1f}",
                "first": _percent(found["covered_first"]),
                "covered": _percent(found["covered"]),
            }
        )
    return rows


def _percent(found: Mapping[str, Any]) -> str:
    if not found["n"]:
        return MISSING
    low, high = found["interval"]
    return f"{found['count']}/{found['n']}: {rate(found['count'], found['n'], low, high)}"
