"""The short form of a task that the project's own small planner reads.

It says nothing of the actions: a model learns those of its domains by heart. All facts of
the start and of the goal are there, so that the form loses nothing for a known domain.
"""

from __future__ import annotations

from surefoot.core.errors import InputError
from surefoot.pddl.domains.text import natural_key
from surefoot.pddl.language import Atom, Conjunction, Formula, Negation, Plan, Task

END = "end"
"""The line after the last action of an answer."""


def compact_prompt(task: Task) -> str:
    """Tells a task in short.

    Returns:
        The domain's name, the objects by type, the true facts, the goal, and ``plan:``.

    Raises:
        InputError: The goal is more than a conjunction of literals.
    """
    by_type: dict[str, list[str]] = {}
    for item in task.problem.objects:
        by_type.setdefault("/".join(item.types), []).append(item.name)
    objects = "; ".join(f"{kind}: {' '.join(names)}" for kind, names in by_type.items())
    start = " ".join(map(str, sorted(task.problem.init, key=_key)))
    goal = " ".join(_goal(task.problem.goal))
    return f"{task.domain.name}\n{objects}\nstart {start}\ngoal {goal}\nplan:\n"


def compact_plan(plan: Plan) -> str:
    """Writes a plan as the small planner is taught to: an action a line, then ``end``."""
    return "".join(f"{step}\n" for step in plan.steps) + END + "\n"


def _goal(goal: Formula) -> list[str]:
    parts = goal.children if isinstance(goal, Conjunction) else (goal,)
    wanted = sorted((p for p in parts if isinstance(p, Atom)), key=_key)
    unwanted = sorted(
        (p.child for p in parts if isinstance(p, Negation) and isinstance(p.child, Atom)), key=_key
    )
    if len(wanted) + len(unwanted) < len(parts):
        raise InputError("style 'compact' knows only goals that are conjunctions of literals")
    return [*map(str, wanted), *(f"(not {atom})" for atom in unwanted)]


def _key(atom: Atom) -> tuple[object, ...]:
    return atom.predicate, *(natural_key(arg) for arg in atom.args)
