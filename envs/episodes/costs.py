"""What acting cost a policy that gives account of it, and what its promises were worth."""

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
"""What is added up over episodes; of what an old record lacks, there was none."""


def broken_in(record: Record) -> tuple[str, ...]:
    """Returns the rules that an episode broke: those that counted, if its policy says which."""
    extra = record["extra"]
    found = extra["agent"]["broken"] if "agent" in extra else extra.get("broken_rules", ())
    return tuple(found)


def costs_of(records: Sequence[Record]) -> dict[str, Any] | None:
    """Adds up what episodes cost.

    Args:
        records: Records of episodes.

    Returns:
        Sums and means an episode and a decision, and how often the joint sets held the truth;
        ``None`` if no record gives account.
    """
    told = [r["extra"]["agent"] for r in records if "agent" in r["extra"]]
    if not told:
        return None
    n, decisions = len(told), sum(t["decisions"] for t in told)
    sums = {name: round(sum(t.get(name, 0) for t in told), 3) for name in COUNTED}
    first = [t["first"] for t in told if t["first"] is not None]
    return {
        "episodes": n,
        "alpha": told[0]["alpha"],
        **sums,
        "looks_per_episode": round(sums["looks"] / n, 3),
        "restores_per_episode": round(sums["restores"] / n, 3),
        "look_seconds_per_episode": round(sums["look_seconds"] / n, 3),
        "asked_per_episode": round(sums["asked"] / n, 3),
        "asked_per_decision": round(sums["asked"] / decisions, 4) if decisions else None,
        "asked_episodes": _share([t["asked"] > 0 for t in told]),
        "covered_first": _share(first),
        "covered": _share_of(sum(t["covered"] for t in told), sum(t["sets"] for t in told)),
    }


def _share(found: Sequence[bool]) -> dict[str, Any]:
    return _share_of(sum(found), len(found))


def _share_of(good: int, n: int) -> dict[str, Any]:
    interval = wilson(good, n) if n else None
    return {"count": good, "n": n, "interval": [interval.low, interval.high] if interval else None}


def cost_rows(cells: Sequence[Record]) -> list[dict[str, str]]:
    """Returns a row for the report of every cell whose episodes gave account."""
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


def _percent(share: Mapping[str, Any]) -> str:
    if not share["n"]:
        return MISSING
    low, high = share["interval"]
    return f"{share['count']}/{share['n']}: {rate(share['count'], share['n'], low, high)}"
