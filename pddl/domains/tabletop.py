"""Tabletop: an arm sorts blocks onto pads, plates and each other, and into containers."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from surefoot.pddl.domains.base import DomainSpec, all_of, fact, numbered, step, typed
from surefoot.pddl.domains.text import PredicatePhrase
from surefoot.pddl.language import Atom, Plan, PlanStep, Problem

_TABLE = "the-table"
_COLORS = ("red", "green", "blue", "yellow", "purple", "orange", "cyan", "brown")
Places = dict[str, str]
"""What every block stands on or lies in."""


class Tabletop(DomainSpec):
    """Blocks with pads, plates, bowls, bins, and boxes whose lids may have to be handled."""

    name = "tabletop"
    summary = "An arm sorts blocks onto pads, plates and blocks, and into bowls, bins and boxes."
    size_means = "number of blocks; pads, plates and containers grow with it"
    min_size = 1
    max_size = 16
    kinds: ClassVar = {
        "block": "blocks",
        "table": "tables",
        "pad": "pads",
        "plate": "plates",
        "spot": "pads and plates",
        "surface": "surfaces",
        "support": "blocks and surfaces",
        "bowl": "bowls",
        "bin": "bins",
        "box": "boxes",
        "container": "containers",
        "lid": "lids",
    }
    phrases: ClassVar = {
        "hand-empty": PredicatePhrase("the hand is empty", "the hand is not empty"),
        "holding": PredicatePhrase("the hand holds {0}", "the hand does not hold {0}"),
        "on": PredicatePhrase("{0} is on {1}", "{0} is not on {1}"),
        "in": PredicatePhrase("{0} is in {1}", "{0} is not in {1}"),
        "clear": PredicatePhrase("{0} is clear", "{0} is not clear", "clear: {0}"),
        "vacant": PredicatePhrase("{0} is vacant", "{0} is not vacant", "vacant: {0}"),
        "fits": PredicatePhrase("{0} fits {1}", "{0} does not fit {1}"),
        "open": PredicatePhrase("{0} is open", "{0} is not open", "open: {0}"),
        "covers": PredicatePhrase("{0} covers {1}", "{0} does not cover {1}"),
        "aside": PredicatePhrase("{0} lies aside", "{0} does not lie aside", "lying aside: {0}"),
    }

    def max_witness_steps(self, size: int) -> int:
        """Returns 4n+2B for B boxes: each block via the table, each lid off and on."""
        return 4 * size + 2 * (1 + size // 5)

    def build(self, size: int, rng: Random) -> tuple[Problem, Plan]:
        """Draws two arrangements; the plan clears what is misplaced and then builds."""
        shades = rng.sample(_COLORS, len(_COLORS))
        blocks = [_colored(shades, i, "block") for i in range(size)]
        pads = [_colored(shades[::-1], i, "pad") for i in range(1 + size // 3)]
        plates, bowls = numbered("plate", 1 + size // 4), numbered("bowl", 1 + size // 6)
        bins, boxes = numbered("bin", 1), numbered("box", 1 + size // 5)
        lids = {box: f"lid{i}" for i, box in enumerate(boxes, start=1)}
        scene = _Scene([*pads, *plates], [*bowls, *bins, *boxes])
        start, goal = scene.draw(blocks, rng), scene.draw(blocks, rng)
        while goal == start:
            start, goal = scene.draw(blocks, rng), scene.draw(blocks, rng)
        shut = {when: {b for b in boxes if rng.random() < 0.5} for when in ("start", "goal")}
        wanted = [*scene.facts(goal), *_lid_facts(lids, shut["goal"], aside=False)]
        init = {fact("hand-empty"), *scene.facts(start)}
        init |= set(_lid_facts(lids, shut["start"], aside=True))
        init |= {fact("open", c) for c in (*bowls, *bins)}
        init |= {fact("fits", lid, box) for box, lid in lids.items()}
        init |= {fact("vacant", s) for s in (_TABLE, *pads, *plates) if s not in start.values()}
        init |= {fact("vacant", _TABLE)}
        init |= {
            fact("clear", b)
            for b in blocks
            if b not in start.values() and start[b] not in scene.containers
        }
        objects = (
            typed("block", blocks)
            + typed("table", [_TABLE])
            + typed("pad", pads)
            + typed("plate", plates)
            + typed("bowl", bowls)
            + typed("bin", bins)
            + typed("box", boxes)
            + typed("lid", lids.values())
        )
        steps = _solve(scene, start, goal, lids, shut)
        return Problem("", "", objects, frozenset(init), all_of(wanted)), Plan(tuple(steps))


class _Scene:
    """Where blocks can be, and how they get there."""

    def __init__(self, spots: list[str], containers: list[str]) -> None:
        self.spots = spots
        self.containers = containers

    def draw(self, blocks: list[str], rng: Random) -> Places:
        """Draws a place for every block."""
        places: Places = {}
        for block in rng.sample(blocks, len(blocks)):
            spots = [s for s in self.spots if s not in places.values()]
            tops = [
                b
                for b, at in places.items()
                if b not in places.values() and at not in self.containers
            ]
            groups = [group for group in ([_TABLE], spots, self.containers, tops) if group]
            places[block] = rng.choice(rng.choice(groups))
        return {block: places[block] for block in blocks}

    def facts(self, places: Places) -> list[Atom]:
        """Returns the facts of an arrangement."""
        return [fact("in" if p in self.containers else "on", b, p) for b, p in places.items()]

    def take(self, block: str, place: str) -> PlanStep:
        """Returns the step that takes a block from a place."""
        if place in self.containers:
            return step("take-out", block, place)
        return step("pick" if place in (_TABLE, *self.spots) else "unstack", block, place)

    def put(self, block: str, place: str) -> PlanStep:
        """Returns the step that puts the held block at a place."""
        if place in self.containers:
            return step("put-in", block, place)
        if place == _TABLE:
            return step("put-down", block, place)
        return step("place" if place in self.spots else "stack", block, place)


def _colored(shades: list[str] | tuple[str, ...], i: int, what: str) -> str:
    name = f"{shades[i % len(shades)]}-{what}"
    return name if i < len(shades) else f"{name}{i // len(shades) + 1}"


def _lid_facts(lids: dict[str, str], shut: set[str], *, aside: bool) -> list[Atom]:
    facts: list[Atom] = []
    for box, lid in lids.items():
        if box in shut:
            facts.append(fact("covers", lid, box))
        else:
            facts += [fact("open", box)] + [fact("aside", lid)] * aside
    return facts


def _solve(
    scene: _Scene, start: Places, goal: Places, lids: dict[str, str], shut: dict[str, set[str]]
) -> list[PlanStep]:
    now = dict(start)

    def settled(block: str) -> bool:
        place = goal[block]
        return now[block] == place and (place not in now or settled(place))

    moving = [b for b in now if not settled(b)]
    touched = {places[b] for b in moving for places in (start, goal)}
    opened = {b for b in lids if b in shut["start"] and (b in touched or b not in shut["goal"])}
    steps = [step("open-lid", lids[box], box) for box in lids if box in opened]
    while loose := [b for b in moving if now[b] != _TABLE and b not in now.values()]:
        for block in loose:
            steps += [scene.take(block, now[block]), scene.put(block, _TABLE)]
            now[block] = _TABLE
    while waiting := [b for b in now if not settled(b)]:
        for block in waiting:
            place = goal[block]
            if place not in now or settled(place):
                steps += [scene.take(block, _TABLE), scene.put(block, place)]
                now[block] = place
    steps += [
        step("close-lid", lids[box], box)
        for box in lids
        if box in shut["goal"] and (box in opened or box not in shut["start"])
    ]
    return steps
