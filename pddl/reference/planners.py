"""Fast Downward and SymK as processes: plans, proofs and honest failures."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.core.extras import install
from surefoot.pddl.language import Plan, Task, parse_plan, write_domain, write_problem
from surefoot.pddl.reference.process import FinishedProcess, Limits, ProcessEnding, run_limited
from surefoot.pddl.validator import validate


class PlannerStatus(StrEnum):
    """What a planner achieved."""

    OPTIMAL = "optimal"
    """A plan that is proven to be of least cost."""
    SATISFICED = "satisficed"
    """A valid plan."""
    UNSOLVABLE_PROVEN = "unsolvable_proven"
    """The planner proved that there is no plan."""
    UNSOLVED = "unsolved"
    """It ended by itself with neither a plan nor a proof."""
    TIMEOUT = "timeout"
    """Stopped at its time limit."""
    MEMOUT = "memout"
    """Stopped at its memory limit."""
    MISSING = "missing"
    """It is not installed."""
    CRASHED = "crashed"
    """It died, refused its input, or gave a plan that is not valid."""


@dataclass(frozen=True, slots=True)
class PlannerResult:
    """What a planner returned.

    Attributes:
        status: Outcome.
        plan: A valid plan, if one was found.
        cost: Its cost by Surefoot's own validator.
        lower: A proven lower bound on the optimal cost, if one is known.
        seconds: Wall-clock time in seconds.
        message: One line on what went wrong, else ``""``.
        planner: Name, version and configuration.
    """

    status: PlannerStatus
    plan: Plan | None
    cost: float | None
    lower: float | None
    seconds: float
    message: str
    planner: str


@dataclass(frozen=True, slots=True)
class ReferencePlanner:
    """A planner of the Fast Downward family, from its pip package.

    Attributes:
        name: Short name.
        package: Import name of the package that carries the driver.
        distribution: Name of the pip package.
        driver: The driver script inside the package.
        search: Search configuration.
        optimal: Whether the plans of this configuration are proven optimal.
        bound: Regex whose group 1, where it occurs in the output, is a proven lower bound.
    """

    name: str
    package: str
    distribution: str
    driver: str
    search: str
    optimal: bool
    bound: str

    @property
    def label(self) -> str:
        """Name, version and configuration, as reports show them."""
        try:
            found = version(self.distribution)
        except PackageNotFoundError:
            found = "not installed"
        return f"{self.distribution} {found} {self.search}"

    def solve(self, task: Task, limits: Limits | None = None) -> PlannerResult:
        """Runs the planner on a task.

        Args:
            task: The task.
            limits: Time and memory; 60 s and 8 GiB unless given.
        """
        limits = limits or Limits()
        driver = self._driver()
        if driver is None:
            message = f"{self.name} is not installed; run {install('planners')}"
            return PlannerResult(PlannerStatus.MISSING, None, None, None, 0.0, message, self.label)
        with tempfile.TemporaryDirectory(prefix="surefoot-") as name:
            folder = Path(name)
            written = declared(task)
            (folder / "domain.pddl").write_text(write_domain(written.domain), encoding="utf-8")
            (folder / "problem.pddl").write_text(write_problem(written.problem), encoding="utf-8")
            command = [sys.executable, str(driver), "--plan-file", "plan"]
            command += ["domain.pddl", "problem.pddl", "--search", self.search]
            finished = run_limited(command, folder, limits)
            plans = sorted(folder.glob("plan*"), key=lambda p: p.stat().st_mtime)
            plan_text = plans[-1].read_text(encoding="utf-8") if plans else None
        return self._judge(task, finished, plan_text)

    @property
    def installed(self) -> bool:
        """Whether its package is here."""
        return self._driver() is not None

    def _driver(self) -> Path | None:
        spec = find_spec(self.package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            path = Path(place) / self.driver
            if path.is_file():
                return path
        return None

    def _judge(self, task: Task, finished: FinishedProcess, plan_text: str | None) -> PlannerResult:
        status, message = self._status(finished)
        bounds = [float(b) for b in re.findall(self.bound, finished.output)]
        # planners count from zero, plans from what the task starts with
        lower = max(bounds) + task.initial_cost if bounds else None
        plan: Plan | None = None
        cost: float | None = None
        if plan_text is not None:
            try:
                plan = parse_plan(plan_text)
            except InputError as error:  # cut off while it was being written
                message = f"unreadable plan: {error}"
            else:
                verdict = validate(task, plan)
                cost = verdict.cost if verdict.valid else None
                if not verdict.valid:
                    plan = None
                    message = "returned a plan that is not valid"
            if plan is None and status is PlannerStatus.SATISFICED:
                status = PlannerStatus.CRASHED
        if status is PlannerStatus.SATISFICED and plan is None:
            status, message = PlannerStatus.CRASHED, "reported a plan but wrote none"
        if status is PlannerStatus.CRASHED:
            lower = None
        if status is PlannerStatus.SATISFICED and self.optimal:
            status, lower = PlannerStatus.OPTIMAL, cost
        return PlannerResult(status, plan, cost, lower, finished.seconds, message, self.label)

    def _status(self, finished: FinishedProcess) -> tuple[PlannerStatus, str]:
        """Reads the driver's exit code (fast-downward.org, 'Exit codes')."""
        if finished.ending is ProcessEnding.TIMEOUT:
            return PlannerStatus.TIMEOUT, f"stopped after {finished.seconds:.1f} s"
        if finished.ending is ProcessEnding.SIGNAL:
            return PlannerStatus.CRASHED, f"killed by signal {finished.code}"
        match finished.code:
            case 0 | 1 | 2 | 3:
                if "Solution found" in finished.output:
                    return PlannerStatus.SATISFICED, ""
            case 10 | 11:
                return PlannerStatus.UNSOLVABLE_PROVEN, ""
            case 12:
                return PlannerStatus.UNSOLVED, "ended without a plan and without a proof"
            case 20 | 22:
                return PlannerStatus.MEMOUT, "ran out of memory"
            case 21 | 23 | 24:
                return PlannerStatus.TIMEOUT, f"stopped after {finished.seconds:.1f} s"
        if re.search(r"MemoryError|bad_alloc|[Oo]ut of memory|Cannot allocate", finished.output):
            return PlannerStatus.MEMOUT, "ran out of memory"
        last = next((x for x in reversed(finished.output.splitlines()) if x.strip()), "no output")
        return PlannerStatus.CRASHED, f"exit code {finished.code}: {last.strip()[:200]}"


def declared(task: Task) -> Task:
    """Moves objects that the domain's actions name from the problem to the constants.

    Real files leave the declaration to the problem; Fast Downward refuses that.
    """
    free = task.domain.free_names
    if not free:
        return task
    moved = tuple(o for o in task.problem.objects if o.name in free)
    kept = tuple(o for o in task.problem.objects if o.name not in free)
    domain = replace(
        task.domain, constants=(*task.domain.constants, *moved), free_names=frozenset()
    )
    return Task(domain, replace(task.problem, objects=kept), task.name)


FD_LMCUT = ReferencePlanner(
    "fd-lmcut",
    "up_fast_downward",
    "up-fast-downward",
    "downward/fast-downward.py",
    "astar(lmcut())",
    True,
    r"(?:\] f = |Initial heuristic value for lmcut: )(\d+)",
)
"""Fast Downward, A* with the landmark-cut heuristic: optimal (Helmert and Domshlak 2009)."""

FD_FF = ReferencePlanner(
    "fd-ff",
    "up_fast_downward",
    "up-fast-downward",
    "downward/fast-downward.py",
    "eager_greedy([ff()])",
    False,
    r"(?!)",
)
"""Fast Downward, greedy search with the FF heuristic: quick, not optimal."""

SYMK = ReferencePlanner(
    "symk",
    "up_symk",
    "up-symk",
    "symk/fast-downward.py",
    "sym_bd()",
    True,
    r"\] BOUND: (\d+) < \d+",
)
"""SymK, symbolic bidirectional search: optimal (Speck, Mattmüller and Nebel 2020)."""
