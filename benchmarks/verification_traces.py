"""Times rules over recorded traces: Surefoot's tables beside Spot, in one run.

10,000 random traces of 1 to 30 steps against the 15 driving rules. Four ways are timed, all in
seconds of processor time, automata compiled before the clock starts unless said otherwise:

- tables: `check_traces`, all traces;
- Spot, precompiled: each trace made a word, then intersected with each rule's automaton, on a
  sample of the traces and extrapolated;
- Spot, translated each time: as a caller would who keeps nothing, on a smaller sample,
  extrapolated;
- a walk through the same tables in plain Python, on a sample, extrapolated.

The samples' verdicts are compared with those of the tables.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import spot

from surefoot.verification.monitoring.traces import check_traces
from surefoot.verification.rules import load_rulebook
from surefoot.verification.translation import cache
from surefoot.verification.translation.automata import compile_ltlf

TRACES, LONGEST, DENSITY, SEED = 10_000, 30, 0.3, 0
SAMPLE_WORDS, SAMPLE_TRANSLATED, SAMPLE_WALK = 200, 20, 200
BOOK = load_rulebook("driving")
NAMES = list(BOOK.propositions)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Returns the seconds of processor time that a call takes, and what it returns."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def finite(rule: str, shared: Any) -> Any:
    """Translates a rule for finite traces: words that are alive for a while, then dead."""
    formula = spot.from_ltlf(spot.formula(rule), "alive")
    return spot.translate(formula, "buchi", "sbacc", "deterministic", dict=shared)


def word_of(rows: np.ndarray[Any, Any], shared: Any) -> Any:
    """Returns a trace as Spot's automaton of one word, alive to its end and dead after it."""
    steps = [
        " & ".join(["alive", *(n if true else f"!{n}" for n, true in zip(NAMES, row, strict=True))])
        for row in rows
    ]
    return spot.parse_word("; ".join([*steps, "cycle{!alive}"]), shared).as_automaton()


def main() -> None:
    """Prints the times and the ratios."""
    os.environ[cache.VARIABLE] = ""  # compiled anew
    rng = np.random.default_rng(SEED)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(1, LONGEST + 1, TRACES))])
    labels = rng.random((offsets[-1], len(NAMES))) < DENSITY
    compiled, automata = timed(lambda: [compile_ltlf(rule.formula) for rule in BOOK.rules])
    runs = [timed(lambda: check_traces(BOOK.rules, NAMES, labels, offsets)) for _ in range(7)]
    ours, verdicts = min(seconds for seconds, _ in runs), runs[0][1]
    rules = [str(rule.formula) for rule in BOOK.rules]
    shared = spot.make_bdd_dict()
    pieces = [labels[offsets[i] : offsets[i + 1]] for i in range(SAMPLE_WORDS)]

    def precompiled() -> list[list[bool]]:
        words = [word_of(piece, shared) for piece in pieces]
        return [[ready.intersects(word) for ready in known] for word in words]

    def translated() -> list[list[bool]]:
        return [
            [finite(r, shared).intersects(word_of(piece, shared)) for r in rules]
            for piece in pieces[:SAMPLE_TRANSLATED]
        ]

    def walked() -> list[list[bool]]:
        columns = [[NAMES.index(p) for p in a.propositions] for a in automata]
        found = []
        for piece in pieces[:SAMPLE_WALK]:
            row = []
            for automaton, chosen in zip(automata, columns, strict=True):
                state = automaton.initial
                for step in piece:
                    letter = sum(1 << i for i, c in enumerate(chosen) if step[c])
                    state = automaton.table[state, letter]
                row.append(bool(automaton.accepting[state]))
            found.append(row)
        return found

    known = [finite(rule, shared) for rule in rules]
    print(
        f"{TRACES:,} traces, {offsets[-1]:,} steps, {len(rules)} rules; seconds of processor time"
    )
    print(f"{'compile the rules (once a process)':44}{compiled:10.3f}")
    print(f"{'tables, all traces (best of 7)':44}{ours:10.4f}")
    for name, work, sample in (
        ("Spot, precompiled", precompiled, SAMPLE_WORDS),
        ("Spot, translated each time", translated, SAMPLE_TRANSLATED),
        ("the same tables walked in Python", walked, SAMPLE_WALK),
    ):
        seconds, found = timed(work)
        agree = int((np.array(found) == verdicts[:sample]).sum())
        whole = seconds * TRACES / sample
        print(
            f"{f'{name}, extrapolated from {sample}':44}{whole:10.2f}  "
            f"{whole / ours:8,.0f} x; agrees on {agree} of {sample * len(rules)}"
        )


if __name__ == "__main__":
    main()
