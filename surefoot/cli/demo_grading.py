"""``surefoot demo grading``: answers graded on a small suite that is generated on the spot."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

from surefoot.cli.console import Bar, console, note
from surefoot.core.extras import install, missing
from surefoot.core.files import write_atomic
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.grading.run import GradedRun, grade_run
from surefoot.pddl.language import write_domain, write_plan, write_problem
from surefoot.pddl.reference import FD_FF, FD_LMCUT, Limits, ReferencePlanner, lookup
from surefoot.results.run_folder import check_out

SEED = 1
"""The shipped free-text answers are about the smallest instances of this seed."""


def run_grading(out: Path, seconds: float) -> GradedRun:
    """Does what ``surefoot demo grading`` does and returns the finished run.

    Args:
        out: Tasks and answers go to ``out/tasks``, the run to ``out/run``.
        seconds: Limit for each planner run.

    Raises:
        InputError: The folder cannot be written or holds another run.
    """
    check_out(out / "run")
    tasks = out / "tasks"
    names = list_domains()
    planners = {} if missing(FD_FF.package) else {"fd-lmcut": FD_LMCUT, "fd-ff": FD_FF}
    if planners:
        note(f"Fast Downward solves one task of each of {len(names)} domains")
    else:
        note(f"without plans of Fast Downward; to have them: {install('planners')}")
    with Bar("planning") as bar:
        for done, name in enumerate(names):
            bar(done, len(names))
            _prepare(name, tasks / name, planners, Limits(seconds))
        bar(len(names), len(names))
    with Bar("grading") as bar:
        return grade_run(tasks, tasks, out / "run", lookup, progress=bar)


def _prepare(
    name: str, folder: Path, planners: Mapping[str, ReferencePlanner], limits: Limits
) -> None:
    """Writes a domain's task, Fast Downward's plans and the shipped answers into a folder."""
    spec = get_domain(name)
    instance = spec.generate(spec.min_size, SEED)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "domain.pddl", write_domain(spec.domain))
    write_atomic(folder / "p01.pddl", write_problem(instance.task.problem))
    answer = ""
    for model, planner in planners.items():
        result = planner.solve(instance.task, limits)
        if result.plan is not None:
            answer = write_plan(result.plan, result.cost)
        else:
            console.print(f"{name}: {planner.name}: {result.status}: {result.message}")
        write_atomic(folder / f"p01.pddl.{model}", answer)
        answer = ""
    with as_file(files("surefoot.cli") / "demo" / name) as shipped:
        for path in sorted(shipped.iterdir()):
            write_atomic(folder / path.name, path.read_bytes())
