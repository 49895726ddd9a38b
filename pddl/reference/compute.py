"""Computes reference costs and fills a store; an interrupted run can be resumed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.pddl.conditions import holds
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Task, load_task
from surefoot.pddl.reference.bounds import Bounds, BoundsStore, content_key
from surefoot.pddl.reference.planners import FD_FF, FD_LMCUT, SYMK, PlannerResult, PlannerStatus
from surefoot.pddl.reference.process import Limits
from surefoot.pddl.reference.suite import shipped_suite


def without_planner(task: Task) -> Bounds | None:
    """Returns the optimal cost where it follows from the task alone.

    An initial state that satisfies the goal needs no plan; some domains have a closed form.
    """
    ground = GroundTask(task)
    if holds(ground.goal, ground.initial):
        cost = task.initial_cost
        return Bounds(cost, cost, "goal true", "the initial state satisfies the goal")
    for name in list_domains():
        spec = get_domain(name)
        if spec.domain.actions.keys() == task.domain.actions.keys():
            known = spec.optimal_cost(task.problem)
            if known is not None:
                cost = known + task.initial_cost
                return Bounds(cost, cost, "closed form", f"proof in the {name} domain's module")
    return None


def reference_bounds(task: Task, symk: Limits, lmcut: Limits) -> Bounds:
    """Computes an interval for a task's optimal cost.

    Tries what needs no planner, then SymK, then A* with landmark cut, and if the optimum
    is still open takes a greedy plan as an upper bound.

    Args:
        task: The task.
        symk: Limits for SymK.
        lmcut: Limits for Fast Downward, for each of its runs.

    Raises:
        InputError: A planner proves that the task has no plan.
    """
    known = without_planner(task)
    if known is not None:
        return known
    bounds = Bounds()
    for planner, limits in ((SYMK, symk), (FD_LMCUT, lmcut), (FD_FF, lmcut)):
        result = planner.solve(task, limits)
        if result.status is PlannerStatus.UNSOLVABLE_PROVEN:
            raise InputError(f"task '{task.name}' has no plan, as {planner.name} proves")
        bounds = bounds.joined(_found(planner.name, result, limits))
        if bounds.optimal or (planner is FD_LMCUT and bounds.upper is not None):
            break
    return bounds


def _found(name: str, result: PlannerResult, limits: Limits) -> Bounds:
    if result.lower is None and result.cost is None:
        return Bounds()
    spent = f"{result.status} in {result.seconds:.1f} s, limits {limits.seconds:g} s"
    return Bounds(
        result.lower, result.cost, name, f"{result.planner}, {spent} {limits.memory_mb} MiB"
    )


def tasks_of(folders: Sequence[Path], suite: bool) -> Iterator[Task]:
    """Yields the tasks of the shipped suite and of folders of ``domain.pddl`` and ``pNN.pddl``."""
    if suite:
        for instance in shipped_suite():
            yield instance.task
    for folder in folders:
        domain = folder / "domain.pddl"
        for problem in sorted(folder.glob("p*.pddl")):
            yield load_task(domain, problem, f"{folder.name}/{problem.stem}")


def fill(tasks: Iterator[Task], store: BoundsStore, symk: Limits, lmcut: Limits) -> int:
    """Computes what a store lacks, telling of each task on standard error.

    Returns:
        The number of tasks computed.
    """
    computed = 0
    for task in tasks:
        key = content_key(task)
        if store.get(key) is not None:
            continue
        bounds = reference_bounds(task, symk, lmcut)
        store.put(key, task.name, bounds)
        computed += 1
        print(  # noqa: T201 - a script's progress
            f"{task.name}: [{bounds.lower}, {bounds.upper}] {bounds.method}",
            file=sys.stderr,
            flush=True,
        )
    return computed


def main(arguments: Sequence[str] | None = None) -> int:
    """Fills a store from the command line: ``python -m surefoot.pddl.reference.compute``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="folders with domain.pddl and tasks")
    parser.add_argument("--suite", action="store_true", help="the shipped suite as well")
    parser.add_argument("--symk-seconds", type=float, default=120.0)
    parser.add_argument("--lmcut-seconds", type=float, default=60.0)
    parser.add_argument("--memory-mb", type=int, default=8192)
    parser.add_argument("--out", type=Path, required=True, help="the store, a JSON file")
    options = parser.parse_args(arguments)
    symk = Limits(options.symk_seconds, options.memory_mb)
    lmcut = Limits(options.lmcut_seconds, options.memory_mb)
    try:
        fill(tasks_of(options.folders, options.suite), BoundsStore(options.out), symk, lmcut)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        print("stopped; run the same command again to go on", file=sys.stderr)  # noqa: T201
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
