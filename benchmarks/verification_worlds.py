"""Checks a plan in a whole set of possible worlds at once, and in the same worlds one by one.

Two sets: 4,096 first situations of a room with twelve facts that do not change, for a plan and
three rules; and 2,000 labellings of one grid of 400 cells whose hazards are uncertain, for one
rule. Both ways must name the same unsafe worlds. One by one is timed on a sample and extrapolated.
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import product

import numpy as np

from surefoot.verification import parse
from surefoot.verification.modelchecking.models import ModelChecker
from surefoot.verification.modelchecking.systems import from_callables
from surefoot.verification.planchecking.checking import PlanChecker
from surefoot.verification.planchecking.worldmodel import WorldModel, constant
from surefoot.verification.planchecking.worlds import check_in_worlds, check_variants
from surefoot.verification.programs.loading import parse_program
from surefoot.verification.programs.vocabulary import PlanVocabulary
from surefoot.verification.rules import Rule

SAMPLE, SIDE, LABELLINGS = 100, 20, 2_000


def plans() -> None:
    """First situations of a plan."""
    names = tuple(f"fact_{i}" for i in range(12))
    words = PlanVocabulary(names, ("pick", "place", "wait"))
    world = WorldModel(names, words.actions, changes=tuple(map(constant, names)))
    text = "if fact_0 and not fact_1:\n    pick()\n    place()\nelse:\n    wait()"
    plan = parse_program(text, words, form="python", idle="wait")
    rules = [
        Rule("a", parse("G(pick -> !fact_2)")),
        Rule("b", parse("G(fact_3 & fact_0 -> F place)")),
        Rule("c", parse("G(pick -> F place)")),
    ]
    worlds = [
        [n for n, true in zip(names, row, strict=True) if true]
        for row in product((False, True), repeat=12)
    ]
    check_in_worlds(plan, rules, world, worlds)
    start = time.process_time()
    together = check_in_worlds(plan, rules, world, worlds)
    once = time.process_time() - start
    chosen = range(0, len(worlds), len(worlds) // SAMPLE)
    start = time.process_time()
    for i in chosen:
        checker = PlanChecker(plan, world.starting([worlds[i]]))
        for rule, all_worlds in zip(rules, together, strict=True):
            assert checker.check(rule).holds != all_worlds.broken[i]
    single = (time.process_time() - start) * len(worlds) / len(chosen)
    unsafe = [int(v.broken.sum()) for v in together]
    print(f"plan, {len(worlds):,} worlds, 3 rules: unsafe {unsafe}")
    print(f"  at once {once:.3f} s, one by one {single:.2f} s (extrapolated from {len(chosen)})")
    print(f"  ratio {single / once:.0f}")


def labellings() -> None:
    """Labellings of a grid, and a rule that tells almost all of them apart."""

    def moves(cell: int) -> list[int]:
        x, y = cell % SIDE, cell // SIDE
        near = [cell]
        near += [cell + 1] * (x < SIDE - 1) + [cell + SIDE] * (y < SIDE - 1)
        return near

    grid = from_callables([0], moves, lambda cell: (), names=["hazard", "safe"])
    rng = np.random.default_rng(0)
    unsure = rng.random((LABELLINGS, grid.states, 2)) < 0.002
    rule = parse("G !hazard")
    check_variants(grid, unsure, rule)
    start = time.process_time()
    together = check_variants(grid, unsure, rule)
    once = time.process_time() - start
    start = time.process_time()
    for i in range(SAMPLE):
        single_one = ModelChecker(replace(grid, labels=unsure[i])).check(rule)
        assert single_one.holds != together.broken[i]
    single = (time.process_time() - start) * LABELLINGS / SAMPLE
    print(f"grid, {LABELLINGS:,} labellings, {together.checked:,} told apart, 1 rule:")
    print(f"  unsafe {int(together.broken.sum()):,}")
    print(f"  at once {once:.3f} s, one by one {single:.2f} s (extrapolated from {SAMPLE})")
    print(f"  ratio {single / once:.0f}")


if __name__ == "__main__":
    plans()
    labellings()
