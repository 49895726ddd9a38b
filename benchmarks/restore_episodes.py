"""Whole episodes of agents that look, restore or do neither, compared seed by seed.

    python benchmarks/restore_episodes.py runs/episodes-entropy runs/episodes-restore [...]

Each argument is a run of ``surefoot run --policy agent`` over the same tasks and seeds; the first
is the one that the others are compared with. Differences have 95 % bootstrap intervals over
episodes. Facts are those of each episode's first decision, at the end of its looking: *right* if
the likeliest option is the true one, and *held* if the joint set has the truth of every fact that
the decision relies on.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from surefoot.core.errors import InputError
from surefoot.results.power import cluster_bootstrap
from surefoot.results.run_folder import read_run
from surefoot.results.statistics import wilson

Episodes = Mapping[str, Mapping[str, Any]]


def episodes_of(run: Path) -> Episodes:
    """Reads what counts of each episode: outcome, costs, and its first decision.

    Raises:
        InputError: An episode gives no account of an agent.
    """
    found = {}
    for key, record in read_run(run).records.items():
        told = record["extra"].get("agent")
        if told is None:
            raise InputError(f"{key} tells nothing of an agent", file=str(run))
        first = json.loads((run / told["steps"]).read_text(encoding="utf-8"))["moments"][0]
        facts = first["thoughts"][-1]["facts"] if first["thoughts"] else {}
        found[key] = {
            "outcome": record["outcome"],
            "looks": told["looks"],
            "restores": told["restores"],
            "seconds": told["look_seconds"],
            "asked": told["asked"],
            "held": told["first"],
            "right": {
                fact: max(chances, key=chances.__getitem__) == first["truth"][fact]
                for fact, chances in facts.items()
                if fact in first["truth"]
            },
        }
    return found


MEASURES: dict[str, tuple[Callable[[Mapping[str, Any]], Mapping[str, float]], float]] = {
    "success, points": (lambda e: {"": e["outcome"] == "success"}, 100),
    "violated, points": (lambda e: {"": e["outcome"] == "violated"}, 100),
    "facts right, points": (lambda e: e["right"], 100),
    "looks": (lambda e: {"": e["looks"]}, 1),
    "seconds of sensing": (lambda e: {"": e["seconds"]}, 1),
    "questions asked": (lambda e: {"": e["asked"]}, 1),
}
"""By name: the values of an episode, by fact where it has several, and a factor to show them."""


def row(name: str, episodes: Episodes) -> str:
    """Returns a run's row: shares with Wilson intervals, means, and all outcomes."""
    told = list(episodes.values())
    n = len(told)
    outcomes = Counter(e["outcome"] for e in told)
    held = [e["held"] for e in told if e["held"] is not None]
    right = [r for e in told for r in e["right"].values()]
    rest = ", ".join(f"{c} {o}" for o, c in outcomes.most_common() if o != "success")
    means = [np.mean([e[what] for e in told]) for what in ("looks", "restores", "seconds", "asked")]
    return (
        f"| {name} | {share(outcomes['success'], n)} | {rest} | {share(sum(held), len(held))} | "
        f"{100 * np.mean(right):.1f} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |"
    )


def share(count: int, n: int) -> str:
    """Returns a share with its interval in percent."""
    if not n:
        return "-"
    interval = wilson(count, n)
    return f"{count} of {n} ({100 * interval.low:.0f}-{100 * interval.high:.0f} %)"


def difference(base: Episodes, other: Episodes, name: str) -> str:
    """Returns the mean difference of a measure to another run, with its interval."""
    values, factor = MEASURES[name]
    apart = []
    for key, episode in base.items():
        before, after = values(episode), values(other[key])
        apart.append([factor * (after[n] - before[n]) for n in before if n in after])
    low, high = cluster_bootstrap(apart, 0)
    mean = np.mean([d for some in apart for d in some])
    return f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"


def main() -> None:
    """Reads the command line and prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("run", type=Path, nargs="+")
    runs = {path.name: episodes_of(path) for path in parser.parse_args().run}
    base, *others = runs
    for name in others:
        if runs[name].keys() != runs[base].keys():
            raise InputError(f"'{name}' and '{base}' are not of the same episodes")
    print(
        "| run | success | other outcomes | first set held | facts right, % | looks | restores | "
        "s of sensing | asked |"
    )
    print("|---|---|---|---|--:|--:|--:|--:|--:|")
    for name, episodes in runs.items():
        print(row(name, episodes))
    if others:
        print(f"\n| minus {base} | " + " | ".join(MEASURES) + " |")
        print("|---|" + "--:|" * len(MEASURES))
        for name in others:
            told = [difference(runs[base], runs[name], measure) for measure in MEASURES]
            print(f"| {name} | " + " | ".join(told) + " |")


if __name__ == "__main__":
    main()
