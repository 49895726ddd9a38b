"""From what the agent believes of a table to a planning task.

Names tell what a thing is (``large-red-block2``, ``brown-box``), and places are given in the words
of the agent's questions: ``on the table``, ``in the red bin``, ``on the second blue block``,
``held by the hand``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from surefoot.agents.perception.tabletop_facts import (
    CLOSED,
    HELD,
    ON_TABLE,
    OPEN,
    place_options,
)
from surefoot.agents.planning.base import PlanningContext
from surefoot.core.errors import InputError
from surefoot.envs.tabletop.problem import make_task
from surefoot.envs.tabletop.scene import TabletopScene
from surefoot.envs.tabletop.state import Facts, derive_facts
from surefoot.envs.tabletop.things import COLORS, EDGES, TABLE, Thing, ThingKind
from surefoot.pddl import GroundTask, Task
from surefoot.pddl.language import Atom

HAND = "the-hand"
"""What stands for the hand among the places."""

_NOUNS = {
    "block": ThingKind.BLOCK,
    "cylinder": ThingKind.BLOCK,
    "coaster": ThingKind.PAD,
    **{kind.value: kind for kind in ThingKind},
}


def thing_named(name: str) -> Thing:
    """Returns the thing of a name such as ``small-red-cylinder2``.

    Raises:
        InputError: The name does not tell what it is.
    """
    *shades, noun = name.rstrip("0123456789").split("-")
    size = shades.pop(0) if len(shades) > 1 and shades[0] in EDGES else "medium"
    if noun not in _NOUNS or len(shades) != 1 or shades[0] not in COLORS:
        raise InputError(f"cannot tell what '{name}' is; names are like 'red-block1', 'white-pad'")
    kind = _NOUNS[noun]
    shape = ("cube" if noun == "block" else noun) if kind is ThingKind.BLOCK else ""
    return Thing(name, kind, shades[0], shape, size)


def scene_of(objects: Sequence[str]) -> TabletopScene:
    """Returns the scene of some things; where they stand on the table is not known.

    Raises:
        InputError: A name does not tell what it is.
    """
    things = {name: thing_named(name) for name in objects if name != TABLE}
    lids = {t.color: t.name for t in things.values() if t.kind is ThingKind.LID}
    pairs = {
        t.name: lids[t.color]
        for t in things.values()
        if t.kind is ThingKind.BOX and t.color in lids
    }
    return TabletopScene(things, {}, lids=pairs)


@lru_cache(256)
def place_words(objects: tuple[str, ...]) -> Mapping[str, str]:
    """Returns the words for every place, by the name of what is there; the hand is one.

    Raises:
        InputError: A name does not tell what it is.
    """
    scene = scene_of(objects)
    words: dict[str, str] = {TABLE: ON_TABLE, HAND: HELD}
    for block in scene.blocks:
        options = place_options(scene, block.name)
        words |= {name: place for place, name in options.items() if place != HELD}
    return words


def answers_of(objects: Sequence[str], facts: Facts) -> dict[str, str]:
    """Returns the answer to each question about a table in a known state.

    Raises:
        InputError: A name does not tell what it is.
    """
    words = place_words(tuple(objects))
    answers: dict[str, str] = {}
    for fact in sorted(facts, key=str):
        if fact.predicate in ("on", "in"):
            answers[f"place:{fact.args[0]}"] = words[fact.args[1]]
        elif fact.predicate == "holding":
            answers[f"place:{fact.args[0]}"] = HELD
    for box in scene_of(objects).lids:
        shut = Atom("open", (box,)) not in facts
        answers[f"lid:{box}"] = CLOSED if shut else OPEN
    return answers


def places_of(context: PlanningContext) -> tuple[dict[str, str], set[str]]:
    """Returns the place of every block by name, and the boxes that are shut.

    Raises:
        InputError: An answer is none of the scene's places.
    """
    names = {place: name for name, place in place_words(context.objects).items()}
    places: dict[str, str] = {}
    shut: set[str] = set()
    for fact, answer in context.world.items():
        kind, _, name = fact.partition(":")
        if kind == "lid" and answer == CLOSED:
            shut.add(name)
        elif kind == "place":
            if answer not in names:
                raise InputError(f"'{answer}' is no place of this scene; it has {', '.join(names)}")
            places[name] = names[answer]
    return places, shut


def facts_of(context: PlanningContext) -> Facts:
    """Returns the symbolic state that a context describes.

    Raises:
        InputError: An answer is none of the scene's places, or two blocks are held.
    """
    scene = scene_of(context.objects)
    places, boxes = places_of(context)
    held = [b for b, place in places.items() if place == HAND]
    if len(held) > 1:
        raise InputError(f"the hand cannot hold {' and '.join(held)}; look again")
    lying = {b: place for b, place in places.items() if place != HAND}
    shut = {scene.lids[box]: box for box in boxes if box in scene.lids}
    aside = set(scene.lids.values()) - set(shut)
    return derive_facts(scene, lying, held[0] if held else None, shut, aside, boxes)


def read_atom(text: str) -> Atom:
    """Reads an atom such as ``(in red-block1 red-bin)``.

    Raises:
        InputError: It is none.
    """
    words = text.strip().removeprefix("(").removesuffix(")").split()
    if not words:
        raise InputError(f"'{text}' is no fact; write it like (in red-block1 red-bin)")
    return Atom(words[0], tuple(words[1:]))


def task_of(context: PlanningContext, facts: Facts | None = None) -> Task:
    """Returns the planning task of a context.

    Args:
        context: What the planner knows.
        facts: The state; that of the likeliest world unless given.

    Raises:
        InputError: The context describes no state.
    """
    goal = [read_atom(text) for text in context.goal]
    start = facts_of(context) if facts is None else facts
    return make_task(context.task, scene_of(context.objects), goal, start)


def ground_of(context: PlanningContext, facts: Facts | None = None) -> GroundTask:
    """Returns the same, ready to execute plans.

    Raises:
        InputError: The context describes no state, or a goal names what is not there.
    """
    return GroundTask(task_of(context, facts))
