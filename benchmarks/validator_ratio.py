"""Times Surefoot's validator and unified-planning's on the same plans in one run.

For each domain, one generated task and 40 plans of it: the generator's witness and damaged
versions. Three ways to work are timed, each giving both sides the same:

- prepared: the task is read before the clock starts, then all plans are checked;
- cold: every plan is checked with nothing kept from the plans before it but the parsed task;
- from text: task text and plan are read anew for each plan (timed on the witness alone).

Prints milliseconds of processor time a plan and the ratios.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from unified_planning.engines.plan_validator import SequentialPlanValidator
from unified_planning.engines.results import ValidationResultStatus
from unified_planning.io import PDDLReader
from unified_planning.plans import ActionInstance, SequentialPlan
from unified_planning.shortcuts import get_environment

from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, parse_task, write_domain, write_problem
from surefoot.pddl.validator import validate

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.pddl.mutations import mutate

SIZES_ABOVE_SMALLEST = 3
PLANS = 40
PREPARED_TURNS = 5
TEXT_TURNS = 15
ENV = get_environment()
ENV.error_used_name = False
ENV.credits_stream = None


def timed(*works: Callable[[], Any], turns: int) -> list[float]:
    """Returns each one's shortest of several timings, in seconds of processor time.

    They take turns, so that a slower spell of the machine is not that of one of them alone.
    """
    shortest = [float("inf")] * len(works)
    for _ in range(turns):
        for at, work in enumerate(works):
            start = time.process_time()
            work()
            shortest[at] = min(shortest[at], time.process_time() - start)
    return shortest


def up_problem(domain: str, problem: str) -> Any:
    """Reads a task with unified-planning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PDDLReader(ENV).parse_problem_string(domain, problem)


def up_plan(problem: Any, plan: Plan) -> SequentialPlan | None:
    """Translates a plan; None if unified-planning refuses its types."""
    term = ENV.expression_manager.ObjectExp
    try:
        return SequentialPlan(
            [
                ActionInstance(
                    problem.action(s.action), tuple(term(problem.object(a)) for a in s.args)
                )
                for s in plan.steps
            ],
            ENV,
        )
    except Exception:
        return None


def row(name: str) -> tuple[Sequence[float], Sequence[float]]:
    """Times one domain; returns unified-planning's and Surefoot's seconds a plan."""
    spec = get_domain(name)
    instance = spec.generate(spec.min_size + SIZES_ABOVE_SMALLEST, 0)
    task = instance.task
    domain, problem = write_domain(task.domain), write_problem(task.problem)
    read = up_problem(domain, problem)
    validator = SequentialPlanValidator()
    rng = Random(name)
    ground = GroundTask(task)
    drawn = [instance.witness, *(mutate(ground, instance.witness, rng) for _ in range(PLANS))]
    pairs = [(p, u) for p in drawn if (u := up_plan(read, p)) is not None][:PLANS]
    for plan, theirs in pairs:
        same = validator.validate(read, theirs).status is ValidationResultStatus.VALID
        assert validate(ground, plan).valid == same, name

    def up_prepared() -> None:
        for _, theirs in pairs:
            validator.validate(read, theirs)

    def prepared() -> None:
        once = GroundTask(task)
        for plan, _ in pairs:
            validate(once, plan)

    def cold() -> None:
        for plan, _ in pairs:
            validate(task, plan)

    def up_text() -> None:
        made = up_problem(domain, problem)
        validator.validate(made, up_plan(made, instance.witness))

    def text() -> None:
        validate(parse_task(domain, problem), instance.witness)

    theirs, once, anew = (
        s / len(pairs) for s in timed(up_prepared, prepared, cold, turns=PREPARED_TURNS)
    )
    their_text, our_text = timed(up_text, text, turns=TEXT_TURNS)
    return [theirs, theirs, their_text], [once, anew, our_text]


def main() -> None:
    """Prints the table."""
    ways = ("prepared", "cold", "from text")
    print(
        f"{'domain':12}" + "".join(f"{way + ': UP ms':>18}{'ours ms':>9}{'x':>6}" for way in ways)
    )
    totals = [[0.0] * 3, [0.0] * 3]
    for name in list_domains():
        theirs, ours = row(name)
        print(
            f"{name:12}"
            + "".join(
                f"{t * 1e3:18.2f}{o * 1e3:9.3f}{t / o:6.0f}"
                for t, o in zip(theirs, ours, strict=True)
            ),
            flush=True,
        )
        for total, seconds in zip(totals, (theirs, ours), strict=True):
            for at, value in enumerate(seconds):
                total[at] += value
    for at, way in enumerate(ways):
        print(f"{way}: {totals[0][at] / totals[1][at]:.0f} times as fast as unified-planning")


if __name__ == "__main__":
    main()
