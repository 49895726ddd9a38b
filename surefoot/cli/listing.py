"""``surefoot list``: everything that has a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from surefoot.cli.console import note
from surefoot.core.errors import InputError
from surefoot.core.extras import EXTRAS, missing
from surefoot.core.registry import OWN, Registry, RegistryEntry


def list_known(
    what: Annotated[
        str,
        typer.Argument(
            help="domains, readers, experiments, envs, tasks, skills, policies, perturbations, "
            "planners, models, rulebooks, strategies, gates, operators, recipes or extras; all by "
            "default."
        ),
    ] = "",
) -> None:
    """List what there is by name, one line each."""
    if what and what not in _LISTS:
        raise InputError(f"nothing called '{what}' to list; there are {', '.join(_LISTS)}")
    for name in [what] if what else list(_LISTS):
        try:
            found = _LISTS[name]()
        except ModuleNotFoundError as error:
            lacking = missing(error.name or "")
            if what or lacking is None:
                raise
            note(f"{name}: {lacking}")
            continue
        widths = [max(len(row[i]) for row in found) + 1 for i in range(len(found[0]) - 1)]
        for *columns, last in found:
            typer.echo(
                " ".join([*(f"{c:{w}}" for c, w in zip(columns, widths, strict=True)), last])
            )


def _entries(registry: Registry[Any]) -> list[tuple[str, ...]]:
    return [(e.form, registry.noun, _summary(e)) for e in registry.entries()]


def _summary(entry: RegistryEntry) -> str:
    """Returns the summary of an entry, with its distribution where that is another."""
    return entry.summary if entry.origin == OWN else f"{entry.summary} (of {entry.origin})"


def _domains() -> list[tuple[str, ...]]:
    from surefoot.pddl.domains import get_domain, list_domains

    specs = [(name, get_domain(name)) for name in list_domains()]
    return [(name, f"{s.min_size}-{s.max_size}", s.summary) for name, s in specs]


def _experiments() -> list[tuple[str, ...]]:
    from surefoot.experiments import EXPERIMENTS

    lines: list[tuple[str, ...]] = []
    for name in EXPERIMENTS.names():
        try:
            line = EXPERIMENTS.get(name).claim
        except ModuleNotFoundError as error:
            lacking = missing(error.name or "")
            if lacking is None:
                raise
            line = str(lacking)
        lines.append((name, "study", line))
    return lines


def _envs() -> list[tuple[str, ...]]:
    from surefoot.envs.episodes.catalogue import ENVIRONMENTS

    return _entries(ENVIRONMENTS)


def _tasks() -> list[tuple[str, ...]]:
    from surefoot.envs.episodes.catalogue import ENVIRONMENTS, get_environment

    return [(n, e, line) for e in ENVIRONMENTS for n, line in get_environment(e).task_lines()]


def _skills() -> list[tuple[str, ...]]:
    from surefoot.envs.episodes.catalogue import ENVIRONMENTS, get_environment

    return [(n, e, line) for e in ENVIRONMENTS for n, line in get_environment(e).skill_lines()]


def _perturbations() -> list[tuple[str, ...]]:
    from surefoot.core.registry import first_line
    from surefoot.envs.perturbations.catalogue import PERTURBATIONS
    from surefoot.envs.perturbations.pipeline import SCENARIOS

    lines: list[tuple[str, ...]] = []
    for name, kind in PERTURBATIONS.items():
        lines.append((name, kind.part, first_line(kind)))
    for name, (line, parts) in SCENARIOS.items():
        made = ", ".join(f"{part}={severity:g}" for part, severity in parts.items())
        lines.append((name, "scenario", f"{line}: {made}"))
    return lines


def _planners() -> list[tuple[str, ...]]:
    from surefoot.agents.planning.registry import planner_entries

    return [(e.form, ", ".join(e.uses) or "bench, agent", _summary(e)) for e in planner_entries()]


def _strategies() -> list[tuple[str, ...]]:
    from surefoot.agents.sensing.registry import STRATEGIES

    return _entries(STRATEGIES)


def _policies() -> list[tuple[str, ...]]:
    from surefoot.envs.episodes.catalogue import POLICIES, SCRIPTED

    own = (SCRIPTED, "policy", "plans from the true state; every environment has one of its own")
    return [own, *_entries(POLICIES)]


def _models() -> list[tuple[str, ...]]:
    from surefoot.models.registry import MODELS

    return _entries(MODELS)


def _readers() -> list[tuple[str, ...]]:
    from surefoot.pddl.extract.readers import ANSWER_READERS

    return _entries(ANSWER_READERS)


def _rulebooks() -> list[tuple[str, ...]]:
    from surefoot.verification.rules import RULEBOOKS

    return _entries(RULEBOOKS)


def _gates() -> list[tuple[str, ...]]:
    from surefoot.agents.gates import GATES

    return _entries(GATES)


def _operators() -> list[tuple[str, ...]]:
    from surefoot.agents.operator import OPERATORS

    return [
        (name, "operator", (kind.__doc__ or "").splitlines()[0]) for name, kind in OPERATORS.items()
    ]


def _extras() -> list[tuple[str, ...]]:
    return [
        (e.name, "missing" if e.missing else "installed", f"{e.summary}: {e.install}")
        for e in EXTRAS.values()
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
    "models": _models,
    "policies": _policies,
    "readers": _readers,
    "rulebooks": _rulebooks,
    "strategies": _strategies,
    "gates": _gates,
    "operators": _operators,
    "recipes": _recipes,
    "extras": _extras,
}
