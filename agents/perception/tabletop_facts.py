"""Where everything on the table is, as questions, and the symbolic state that answers add up to.

Blocks that look the same (two red cubes) cannot be told apart in an image. They are asked for
as the first and the second, in :func:`canonical` order, which names them by where they are;
the state that results is the true one up to the names of such twins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations, product

from surefoot.agents.perception.questions import Answers, FactQuestion
from surefoot.core.errors import InputError
from surefoot.envs.tabletop.scene import TabletopScene, is_container, is_spot
from surefoot.envs.tabletop.state import Facts, derive_facts
from surefoot.envs.tabletop.things import TABLE, ThingKind
from surefoot.pddl.language import Atom

HELD = "held by the hand"
ON_TABLE = "on the table"
OPEN, CLOSED = "open", "closed"
PLACE, TWIN, LID = "place", "place-of-twin", "lid"
"""Kinds of facts: where a block is, where one of several that look the same is, and lids."""

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


@dataclass(frozen=True, slots=True)
class TableReading:
    """What answers add up to.

    Attributes:
        facts: The symbolic state in the tabletop domain; of a state that cannot be, what its
            answers say one by one.
        problems: Why there can be no such state; empty if there can.
    """

    facts: Facts
    problems: tuple[str, ...]

    @property
    def consistent(self) -> bool:
        """Whether there can be such a state."""
        return not self.problems


def twins(scene: TabletopScene) -> list[tuple[str, ...]]:
    """Returns the groups of two and more blocks that look the same, in the scene's order."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for b in scene.blocks:
        groups.setdefault((b.color, b.shape, b.size), []).append(b.name)
    return [tuple(names) for names in groups.values() if len(names) > 1]


def describe(scene: TabletopScene, name: str) -> str:
    """Returns what a thing is called in questions: ``red block``, ``second red block``."""
    words = name.replace("-", " ").rstrip("0123456789")
    for group in twins(scene):
        if name in group:
            return f"{_ORDINALS[group.index(name)]} {words}"
    return words


def place_options(scene: TabletopScene, block: str) -> dict[str, str]:
    """Returns the places where a block may be, by the words that say so.

    The hand stands for itself; of the others the value is the thing's name.
    """
    places = {ON_TABLE: TABLE}
    for thing in scene.things.values():
        described = describe(scene, thing.name)
        if is_container(thing):
            places[f"in the {described}"] = thing.name
        elif is_spot(thing) or (thing.kind is ThingKind.BLOCK and thing.name != block):
            places[f"on the {described}"] = thing.name
    return places | {HELD: HELD}


def tabletop_questions(scene: TabletopScene) -> list[FactQuestion]:
    """Returns the questions whose answers determine the symbolic state."""
    alike = {name for group in twins(scene) for name in group}
    asked = [
        FactQuestion(
            f"place:{b.name}",
            f"Where is the {describe(scene, b.name)}?",
            tuple(place_options(scene, b.name)),
            TWIN if b.name in alike else PLACE,
        )
        for b in scene.blocks
    ]
    return asked + [
        FactQuestion(
            f"lid:{box}", f"Is the {describe(scene, box)} open or closed?", (OPEN, CLOSED), LID
        )
        for box in scene.lids
    ]


def tabletop_truth(scene: TabletopScene, facts: Facts) -> dict[str, str]:
    """Returns the true option of every fact that has one.

    Args:
        scene: The scene.
        facts: The true symbolic state; twins are put into canonical order here.
    """
    places = places_of(canonical_facts(scene, facts))
    truth: dict[str, str] = {}
    for block in scene.blocks:
        words = {place: described for described, place in place_options(scene, block.name).items()}
        if block.name in places:
            truth[f"place:{block.name}"] = words[places[block.name]]
    shut = {f.args[1] for f in facts if f.predicate == "covers"}
    opened = {f.args[0] for f in facts if f.predicate == "open"}
    lids = {f"lid:{b}": CLOSED if b in shut else OPEN for b in scene.lids if b in shut | opened}
    return truth | lids


def state_of(scene: TabletopScene, answers: Answers) -> TableReading:
    """Returns the symbolic state that answers add up to; the inverse of :func:`tabletop_truth`.

    Args:
        scene: The scene.
        answers: An option for every question of the scene.

    Raises:
        InputError: A fact is missing, or its answer is none of its options.
    """
    places: dict[str, str] = {}
    shut: dict[str, str] = {}
    for question in tabletop_questions(scene):
        answer = answers.get(question.fact)
        if answer not in question.options:
            raise InputError(
                f"'{answer}' is no answer to '{question.fact}'; there are "
                f"{', '.join(question.options)}"
            )
        _, _, name = question.fact.partition(":")
        if question.kind == LID:
            if answer == CLOSED:
                shut[scene.lids[name]] = name
        else:
            places[name] = place_options(scene, name)[answer]
    held = [b for b, place in places.items() if place == HELD]
    lying = {b: place for b, place in places.items() if place != HELD}
    aside = set(scene.lids.values()) - set(shut)
    facts = derive_facts(
        scene, lying, held[0] if held else None, shut, aside, frozenset(shut.values())
    )
    facts |= {Atom("holding", (b,)) for b in held}
    return TableReading(facts, tuple(_problems(scene, lying, held)))


def canonical(scene: TabletopScene, facts: Facts) -> dict[str, str]:
    """Returns the canonical name of every block: of twins, those that come first.

    Of all ways to give twins their names, it is the one in which the places of all blocks, read
    in the scene's order, come first in the order of the options. An action on a canonical name is
    thus an action on the real block whose canonical name it is.
    """
    places = places_of(facts)
    names = [b.name for b in scene.blocks]
    rank = {place: i for i, place in enumerate((TABLE, *scene.things, HELD, ""))}
    best: tuple[list[int], dict[str, str]] | None = None
    for renaming in _renamings(scene):
        moved = {renaming[b]: renaming.get(p, p) for b, p in places.items()}
        key = [rank[moved.get(name, "")] for name in names]
        if best is None or key < best[0]:
            best = key, renaming
    assert best is not None
    return best[1]


def canonical_facts(scene: TabletopScene, facts: Facts) -> Facts:
    """Returns facts with twins named in canonical order."""
    renaming = canonical(scene, facts)
    return frozenset(Atom(f.predicate, tuple(renaming.get(a, a) for a in f.args)) for f in facts)


def _renamings(scene: TabletopScene) -> Iterator[dict[str, str]]:
    same = {b.name: b.name for b in scene.blocks}
    groups = twins(scene)
    for orders in product(*(permutations(group) for group in groups)):
        renaming = dict(same)
        for group, order in zip(groups, orders, strict=True):
            renaming |= dict(zip(group, order, strict=True))
        yield renaming


def places_of(facts: Iterable[Atom]) -> dict[str, str]:
    """Returns what each block is on or in, or :data:`HELD`."""
    places: dict[str, str] = {}
    for fact in facts:
        if fact.predicate in ("on", "in"):
            places[fact.args[0]] = fact.args[1]
        elif fact.predicate == "holding":
            places[fact.args[0]] = HELD
    return places


def _problems(scene: TabletopScene, places: Mapping[str, str], held: list[str]) -> Iterator[str]:
    if len(held) > 1:
        yield f"the hand holds {' and '.join(held)}"
    for place, count in Counter(places.values()).items():
        one = place in scene.things and not is_container(scene.things[place])
        if one and count > 1:
            yield f"{count} blocks on {place}"
    blocks = {b.name for b in scene.blocks}
    for block, place in places.items():
        if place in blocks and (place in held or _inside(scene, places, place)):
            where = "in the hand" if place in held else f"in {places[place]}"
            yield f"{block} on {place}, which is {where}"
    for block in places:
        below, seen = block, {block}
        while (below := places.get(below, "")) in blocks and below not in seen:
            seen.add(below)
        if below == block:
            yield f"{block} stands on itself"


def _inside(scene: TabletopScene, places: Mapping[str, str], block: str) -> bool:
    thing = scene.things.get(places.get(block, ""))
    return thing is not None and is_container(thing)
