"""A scene and a goal as a planning task of the tabletop domain."""

from __future__ import annotations

from collections.abc import Iterable

from surefoot.envs.tabletop.scene import TabletopScene
from surefoot.envs.tabletop.state import Facts, start_facts
from surefoot.envs.tabletop.things import TABLE, ThingKind
from surefoot.pddl import Task
from surefoot.pddl.domains import get_domain
from surefoot.pddl.language import Atom, Conjunction, Problem, TypedName


def make_task(
    name: str, scene: TabletopScene, goal: Iterable[Atom], start: Facts | None = None
) -> Task:
    """Creates a planning task.

    Args:
        name: The problem's name.
        scene: The scene; its things become objects.
        goal: Facts that have to hold at the end.
        start: Facts that hold at the start; by default those intended by the scene.
    """
    domain = get_domain("tabletop").domain
    objects = [TypedName(TABLE, ("table",))]
    for kind in ThingKind:
        objects += [TypedName(t.name, (kind.value,)) for t in scene.of(kind)]
    init = start_facts(scene) if start is None else start
    problem = Problem(name, domain.name, tuple(objects), init, Conjunction(tuple(goal)))
    return Task(domain, problem, name)
