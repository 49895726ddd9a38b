"""Baseline rows of the driving rules: how many of the fifteen hold, and what that costs.

Checked are a car that never moves, one that takes any action at any time, a sample that goes
straight, and a controller that obeys all rules if the road is free again and again. Prints rules
that hold, those that were never triggered, the broken ones by number, size of the largest product
and seconds of processor time, for both timings and with and without the fairness assumption.
"""

from __future__ import annotations

import time

from surefoot.verification.planchecking.baselines import always, any_action
from surefoot.verification.planchecking.checking import check_plan
from surefoot.verification.planchecking.worldfile import free_world, load_world
from surefoot.verification.planchecking.worldmodel import WorldModel
from surefoot.verification.programs.loading import parse_program
from surefoot.verification.programs.statements import Program
from surefoot.verification.programs.vocabulary import vocabulary_of
from surefoot.verification.rules import Timing, load_rulebook

GO_STRAIGHT = """while True:
    if green_light and not (pedestrian or opposite_car or car_from_left or car_from_right):
        if stop_sign:
            stop()
        else:
            go_straight()
    else:
        stop()
"""

IDEAL = """while True:
    wait_until(green_light and not (pedestrian or opposite_car or car_from_left or car_from_right))
    go_straight()
    stop()
"""


def main() -> None:
    """Prints the table."""
    book = load_rulebook("driving")
    worlds = {
        "first step all false": load_world("driving", book),
        "the same, fair": load_world("driving-fair", book),
        "first step free": free_world(book),
    }
    words = vocabulary_of(book)
    plans: dict[str, Program | None] = {
        "always stop": always("stop"),
        "any action": None,
        "go straight": parse_program(GO_STRAIGHT, words, form="python", idle="stop"),
        "ideal": parse_program(IDEAL, words, form="python", idle="stop"),
    }
    head = f"{'plan':12} {'world':21} {'timing':15} holds idle broken"
    print(f"{head:78} {'states':>6} {'edges':>8} seconds")
    for name, plan in plans.items():
        for place, world in worlds.items():
            for timing in Timing:
                row(name, plan, place, world, timing)


def row(name: str, plan: Program | None, place: str, world: WorldModel, timing: Timing) -> None:
    """Checks one plan in one world and prints the line."""
    book = load_rulebook("driving")
    program, around = any_action(world) if plan is None else (plan, world)
    check_plan(program, book, around, timing=timing)  # compiles the rules
    start = time.process_time()
    verdict = check_plan(program, book, around, timing=timing)
    spent = time.process_time() - start
    broken = [str(i) for i, v in enumerate(verdict.rules, 1) if not v.holds]
    largest = max((v.product.system for v in verdict.rules), key=lambda s: s.edges)
    line = f"{name:12} {place:21} {timing.value:15} {15 - len(broken):5} {len(verdict.vacuous):4} "
    line += " ".join(broken) or "-"
    print(f"{line:78} {largest.states:6,} {largest.edges:8,} {spent:7.3f}")


if __name__ == "__main__":
    main()
