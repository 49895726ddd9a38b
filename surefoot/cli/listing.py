"""``surefoot list``: what the project knows by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from surefoot.core.errors import InputError

STRATEGIES = {
    "none": "never looks again",
    "sweep": "goes around in a fixed order",
    "random": "any view that was not taken yet",
    "set-size": "the view after which the sets are expected to be smallest",
    "entropy": "the view that takes away most expected entropy of what matters, a second of motion",
    "restore": "by entropy, but restoring the last picture where that tells more a second",
}
"""How an agent chooses the next view."""


def list_known(
    what: Annotated[
        str,
        typer.Argument(
            help="domains, experiments, envs, tasks, skills, perturbations, or of agents: "
            "planners, strategies, gates, operators; or recipes of compression; all by default."
        ),
    ] = "",
) -> None:
    """List what there is by name, one line each."""
    if what and what not in _LISTS:
        raise InputError(f"nothing called '{what}' to list; there are {', '.join(_LISTS)}")
    for name in [what] if what else list(_LISTS):
        for words in _LISTS[name]():
            *columns, last = words
            typer.echo(
                " ".join([*(f"{c:{w}}" for c, w in zip(columns, (16, 12), strict=False)), last])
            )


def _domains() -> list[tuple[str, ...]]:
    from surefoot.pddl.domains import get_domain, list_domains

    specs = [(name, get_domain(name)) for name in list_domains()]
    return [(name, f"{s.min_size}-{s.max_size}", s.summary) for name, s in specs]


def _experiments() -> list[tuple[str, ...]]:
    from surefoot.experiments import get_experiment, list_experiments

    return [(name, "study", get_experiment(name).claim) for name in list_experiments()]


def _envs() -> list[tuple[str, ...]]:
    from surefoot.envs.episodes.stages import stages

    return [(name, "environment", stage.summary) for name, stage in stages().items()]


def _tasks() -> list[tuple[str, ...]]:
    from surefoot.envs.episodes.stages import stages

    return [(n, env, line) for env, s in stages().items() for n, line in s.task_lines()]


def _skills() -> list[tuple[str, ...]]:
    from surefoot.envs.episodes.stages import stages

    return [(n, env, line) for env, s in stages().items() for n, line in s.skill_lines()]


def _perturbations() -> list[tuple[str, ...]]:
    from surefoot.envs.perturbations.base import kinds
    from surefoot.envs.perturbations.pipeline import SCENARIOS

    lines: list[tuple[str, ...]] = []
    for name, kind in kinds().items():
        first = (kind.__doc__ or "").strip().splitlines()[0]
        lines.append((name, kind.part, first))
    for name, (line, parts) in SCENARIOS.items():
        made = ", ".join(f"{part}={severity:g}" for part, severity in parts.items())
        lines.append((name, "scenario", f"{line}: {made}"))
    return lines


def _planners() -> list[tuple[str, ...]]:
    from surefoot.agents.planning.registry import KNOWN

    return [(name, "planner", line) for name, line in KNOWN.items()]


def _strategies() -> list[tuple[str, ...]]:
    return [(name, "strategy", line) for name, line in STRATEGIES.items()]


def _gates() -> list[tuple[str, ...]]:
    from surefoot.agents.settings import ActGate

    return [(gate.value, "gate", gate.line) for gate in ActGate]


def _operators() -> list[tuple[str, ...]]:
    from surefoot.agents.operator import OPERATORS

    return [
        (name, "operator", (kind.__doc__ or "").splitlines()[0]) for name, kind in OPERATORS.items()
    ]


def _recipes() -> list[tuple[str, ...]]:
    from surefoot.sparsity.recipe import shipped_recipes

    return [(name, "recipe", line) for name, line in shipped_recipes().items()]


_LISTS: dict[str, Callable[[], list[tuple[str, ...]]]] = {
    "domains": _domains,
    "experiments": _experiments,
    "envs": _envs,
    "tasks": _tasks,
    "skills": _skills,
    "perturbations": _perturbations,
    "planners": _planners,
    "strategies": _strategies,
    "gates": _gates,
    "operators": _operators,
    "recipes": _recipes,
}
