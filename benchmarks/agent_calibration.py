"""How often an agent's sets decide all that it relies on when it stops looking, by level.

    python benchmarks/agent_calibration.py runs/calibration/crossing.json [...]

Each argument is an artefact of ``surefoot calibrate agent``; the episodes are in the folder beside
it. Scenes are those of the second half, from which the thresholds are; so this is what the sets
are like there, and no test of their coverage.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from surefoot.agents.calibrating.stops import LookingStop
from surefoot.agents.guarantees import AgentCalibration, load_calibration
from surefoot.results.run_folder import read_run
from surefoot.results.statistics import wilson

LEVELS = (0.1, 0.2, 0.3)


def row(known: AgentCalibration, stops: list[LookingStop], alpha: float, *, waits: bool) -> str:
    """Returns a row: level, threshold, decided scenes with interval, mean options by kind."""
    stops = [stop for stop in stops if stop.waits == waits]
    name = f"{known.env}, {'to wait' if waits else 'to act'}"
    decided, sizes = 0, dict[str, list[int]]()
    for stop in stops:
        single = True
        for question, belief in zip(stop.questions, stop.belief, strict=True):
            if stop.relied is not None and question.fact not in stop.relied:
                continue
            inside = known.members(question.kind, np.array(belief), alpha, waiting=waits)
            size = int(inside.sum())
            sizes.setdefault(question.kind, []).append(size)
            single &= size == 1
        decided += single
    interval = wilson(decided, len(stops))
    means = ", ".join(f"{kind} {np.mean(found):.2f}" for kind, found in sorted(sizes.items()))
    return (
        f"| {name} | {alpha:g} | {known.threshold(alpha, waiting=waits):.3f} | "
        f"{decided} of {len(stops)} "
        f"({100 * decided / len(stops):.0f} %, {100 * interval.low:.0f}-{100 * interval.high:.0f})"
        f" | {means} |"
    )


def main() -> None:
    """Reads the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artefact", type=Path, nargs="+")
    given = parser.parse_args()
    print(
        "| decisions | alpha | rank | every fact relied on has one option | mean options of one |"
    )
    print("|---|--:|--:|---|---|")
    for path in given.artefact:
        told = json.loads(path.read_text(encoding="utf-8"))
        known = load_calibration(path, env=told["stage"], model=told["model"])
        records = read_run(path.with_suffix("")).records
        stops = [
            LookingStop.from_json(key, record)
            for key, record in records.items()
            if key.startswith("second/") and "lost" not in record
        ]
        looks = np.mean([len(stop.looks) - 1 for stop in stops])
        for waits in sorted({stop.waits for stop in stops}):
            for alpha in LEVELS:
                print(row(known, stops, alpha, waits=waits))
        print(f"\n{known.env}: {known.sensing}; {looks:.2f} more looks a decision\n")


if __name__ == "__main__":
    main()
