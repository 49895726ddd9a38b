"""What a user writes in a project of their own: pyright and mypy must know every name."""

from pathlib import Path

from surefoot.calibration import RiskThreshold, SplitConformal, risk_threshold
from surefoot.core.errors import InputError
from surefoot.models import ModelOptions, make_planner
from surefoot.pddl import Task, Verdict, load_task, parse_plan, validate
from surefoot.sparsity import CompressionRecipe, read_recipe
from surefoot.verification import RuleBook, load_rulebook, parse


def verdict_of(folder: Path, plan: str) -> Verdict:
    """Returns what a plan is worth."""
    task: Task = load_task(folder / "domain.pddl", folder / "p01.pddl")
    return validate(task, parse_plan(plan))


def name_of(spec: str) -> str:
    """Returns the name of a planner."""
    try:
        return make_planner(spec, ModelOptions()).name
    except InputError as error:
        return error.message


threshold: RiskThreshold = risk_threshold([0.9, 0.8], [False, False], 0.1)
book: RuleBook = load_rulebook("driving")
recipe: CompressionRecipe = read_recipe("wanda-50")
formula = parse("G(a -> F b)")
kind: type[SplitConformal] = SplitConformal
