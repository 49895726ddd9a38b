"""Plans in English that are misread, read and refused: ``python benchmarks/plan_reading.py``.

Writes plans with known meaning in the words of development and in held-out ones, reads them, and
compares what was read with what was written in all situations. A plan with two readings must be
refused; if it is read, it counts as misread.
"""

from __future__ import annotations

import argparse
import sys
import time

from surefoot.verification.writing import ReadingCounts, Wordings, count_readings
from surefoot.verification.writing.development import DEVELOPMENT
from surefoot.verification.writing.held_out import HELD_OUT


def show(wordings: Wordings, counts: ReadingCounts, seconds: float, *, examples: bool) -> None:
    """Prints the counts of one set of wordings."""
    rate = counts.read / max(counts.plans, 1)
    wrong = counts.misread + counts.doubtful_read
    print(f"\n## {wordings.name}")
    print("| plans | misread | read | refused | with two readings | of these refused |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {counts.plans + counts.doubtful:,} | {wrong} | {counts.read:,} ({rate:.1%}) "
        f"| {counts.refused:,} | {counts.doubtful:,} | {counts.doubtful - counts.doubtful_read:,} |"
    )
    print(f"{seconds * 1000 / (counts.plans + counts.doubtful):.1f} ms for each plan\n")
    ways = wordings.ways()
    print("| construct | ways | plans | misread | read | refused |")
    print("|---|---|---|---|---|---|")
    for kind, row in sorted(counts.by_construct.items()):
        said = ways.get(kind, "")
        print(
            f"| {kind} | {said} | {row['plans']:,} | {row['misread']} | {row['read']:,} "
            f"| {row['refused']:,} |"
        )
    if examples:
        for title, texts in (
            ("misread", counts.misread_examples),
            ("refused", counts.refused_examples),
        ):
            for text in texts:
                print(f"\n--- {title}\n{text}")


def main() -> int:
    """Prints the table; the exit code is 1 if a plan was misread or too few were read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wordings", choices=("development", "held-out", "both"), default="both")
    parser.add_argument("--examples", action="store_true")
    chosen = parser.parse_args()
    failed = False
    for wordings in (DEVELOPMENT, HELD_OUT):
        if chosen.wordings not in ("both", wordings.name.replace(" ", "-")):
            continue
        start = time.process_time()
        counts = count_readings(wordings, chosen.number, chosen.seed)
        show(wordings, counts, time.process_time() - start, examples=chosen.examples)
        failed |= counts.misread + counts.doubtful_read > 0 or counts.read < 0.9 * counts.plans
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
