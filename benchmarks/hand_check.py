"""Compares a grading run with labels that people or other readers gave without seeing it.

    python benchmarks/hand_check.py RUN docs/results/hand-labels.csv

The labels: folder, problem, model, label, first_error_step, failing_action, steps, note.
Prints the agreement, Cohen's kappa and every answer on which the two differ.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

from surefoot.results.statistics import cohen_kappa, wilson


def main(run: Path, labels: Path) -> None:
    """Prints the comparison."""
    records = {}
    for line in (run / "episodes.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        records[record["task"], record["model"]] = record
    kinds: list[tuple[str, str]] = []
    papers: list[tuple[bool, bool]] = []
    steps = [0, 0]
    with labels.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            record = records[f"{row['folder']}/{row['problem']}", row["model"]]
            kind = "valid" if record["kind"] == "suboptimal" else record["kind"]
            kinds.append((row["label"], kind))
            papers.append((row["label"] == "valid", kind == "valid"))
            first = str(record["first_error"] or "")
            if row["label"] == kind:
                steps[0] += first == row["first_error_step"]
                steps[1] += 1
            if row["label"] != kind or first != row["first_error_step"]:
                print(
                    f"{record['task']} {row['model']}: by hand {row['label']} "
                    f"{row['first_error_step']} {row['failing_action']}; "
                    f"measured {kind} {first} {record['detail']} ({row['note']})"
                )
    for name, pairs in (("outcome", kinds), ("valid or not", papers)):
        same = sum(a == b for a, b in pairs)
        interval = wilson(same, len(pairs))
        print(
            f"{name}: {same} of {len(pairs)} agree [{interval.low:.0%}, {interval.high:.0%}], "
            f"kappa {cohen_kappa(pairs):.3f}"
        )
    print(f"first failing step, where the outcome agrees: {steps[0]} of {steps[1]} the same")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
