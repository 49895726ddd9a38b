"""How often an agent's sets decide everything when it stops looking, by level.

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
from surefoot.agents.calibrating.stops import Stop
from surefoot.agents.guarantees import AgentCalibration, load_calibration
from surefoot.results.run_folder import read_run
from surefoot.results.statistics import wilson

LEVELS = (0.1, 0.2, 0.3)


def row(known: AgentCalibration, stops: list[Stop], alpha: float) -> str:
    """Returns a row: level, threshold, decided scenes with interval, mean options by kind."""
    decided, sizes = 0, dict[str, list[int]]()
    for stop in stops:
        single = True
        for question, belief in zip(stop.questions, stop.belief, strict=True):
            size = int(known.members(question.kind, np.array(belief), alpha).sum())
            sizes.setdefault(question.kind, []).append(size)
            single &= size == 1
        decided += single
    interval = wilson(decided, len(stops))
    means = ", ".join(f"{kind} {np.mean(found):.2f}" for kind, found in sorted(sizes.items()))
    return (
        f"| {known.stage} | {alpha:g} | {known.threshold(alpha):.3f} | {decided} of {len(stops)} "
        f"({100 * decided / len(stops):.0f} %, {100 * interval.low:.0f}-{100 * interval.high:.0f})"
        f" | {means} |"
    )


def main() -> None:
    """Reads the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artefact", type=Path, nargs="+")
    given = parser.parse_args()
    print("| stage | alpha | rank | every fact has one option | mean options of a fact |")
    print("|---|--:|--:|---|---|")
    for path in given.artefact:
        told = json.loads(path.read_text(encoding="utf-8"))
        known = load_calibration(path, stage=told["stage"], model=told["model"])
        records = read_run(path.with_suffix("")).records
        stops = [
            Stop.from_json(key, record)
            for key, record in records.items()
            if key.startswith("second/") and "lost" not in record
        ]
        looks = np.mean([len(stop.looks) - 1 for stop in stops])
        for alpha in LEVELS:
            print(row(known, stops, alpha))
        print(f"\n{known.stage}: {known.sensing}; {looks:.2f} more looks a decision\n")


if __name__ == "__main__":
    main()
