"""Searches as planners: ``fd:lmcut``, ``fd:ff``, ``fd:SEARCH`` and ``symk``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from surefoot.core.chat import ReplyStatus, Usage
from surefoot.core.errors import InputError
from surefoot.core.extras import require
from surefoot.models.options import ModelOptions
from surefoot.pddl.planner import PlanReply, PlanRequest
from surefoot.pddl.reference import FD_FF, FD_LMCUT, SYMK, PlannerStatus, ReferencePlanner
from surefoot.pddl.reference.process import Limits
from surefoot.results.parallel import usable_cpus

_KNOWN = {"fd:lmcut": FD_LMCUT, "fd:ff": FD_FF, "symk": SYMK}
_STATUS = {
    PlannerStatus.OPTIMAL: ReplyStatus.ANSWERED,
    PlannerStatus.SATISFICED: ReplyStatus.ANSWERED,
    PlannerStatus.UNSOLVABLE_PROVEN: ReplyStatus.UNSOLVABLE,
    PlannerStatus.UNSOLVED: ReplyStatus.GAVE_UP,
    PlannerStatus.TIMEOUT: ReplyStatus.GAVE_UP,
    PlannerStatus.MEMOUT: ReplyStatus.GAVE_UP,
    PlannerStatus.MISSING: ReplyStatus.SERVER_ERROR,
    PlannerStatus.CRASHED: ReplyStatus.SERVER_ERROR,
}


def find_search(spec: str) -> ReferencePlanner:
    """Returns the search that a specification names.

    Raises:
        InputError: It names none; ``fd:`` takes any search string of Fast Downward.
    """
    if spec in _KNOWN:
        return _KNOWN[spec]
    if spec.startswith("fd:") and "(" in spec:
        return replace(FD_FF, name=spec, search=spec.removeprefix("fd:"))
    raise InputError(
        f"unknown search '{spec}'; known: {', '.join(_KNOWN)}, or fd: with a search string "
        "such as fd:astar(blind())"
    )


def make_search(argument: str, options: ModelOptions) -> SearchPlanner:
    """Makes Fast Downward with a search; ``fd`` alone is ``fd:ff``."""
    spec = "fd:ff" if argument == "fd" else f"fd:{argument}"
    return SearchPlanner(spec, options.planner_time_s)


def make_symk(argument: str, options: ModelOptions) -> SearchPlanner:
    """Makes SymK."""
    return SearchPlanner(argument, options.planner_time_s)


class SearchPlanner:
    """A classical planner that runs as a process.

    Args:
        spec: Its specification, also its name.
        seconds: Time limit of one task in seconds.
        concurrency: Processes at a time; 0 for one per processor.
    """

    reads_text = False

    def __init__(self, spec: str, seconds: float, concurrency: int = 0) -> None:
        self.name = spec
        self._search = find_search(spec)
        require(self._search.package)
        self._limits = Limits(seconds=seconds)
        self._workers = concurrency or usable_cpus()

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        """Runs the search on every task; a plan found at the time limit still counts."""
        with ThreadPoolExecutor(self._workers) as pool:
            running = {pool.submit(self._solve, r): i for i, r in enumerate(requests)}
            try:
                for future in as_completed(running):
                    yield running[future], future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _solve(self, request: PlanRequest) -> PlanReply:
        result = self._search.solve(request.task, self._limits)
        status = _STATUS[result.status]
        if result.plan is not None and status is ReplyStatus.GAVE_UP:
            status = ReplyStatus.ANSWERED
        usage = Usage(seconds=result.seconds, cost=0.0)
        return PlanReply(status, "", result.plan, usage, result.message, result.lower)
