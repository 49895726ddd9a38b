"""Storage: hoists bring crates from containers to the areas of depots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import ClassVar

from surefoot.pddl.domains.base import DomainSpec, all_of, fact, step, typed
from surefoot.pddl.domains.text import PredicatePhrase, natural_key
from surefoot.pddl.language import Atom, Plan, PlanStep, Problem

_LOAD = "loadarea"
_COLUMNS = (2, 3)


class Storage(DomainSpec):
    """Containers hold up to four crates; every depot has one way in and room to spare."""

    name = "storage"
    summary = "Hoists bring crates from containers into depots with narrow ways in."
    size_means = "number of crates; a depot per four crates, 2 hoists from size 4, 3 from 8 on"
    min_size = 1
    max_size = 20
    kinds: ClassVar = {
        "hoist": "hoists",
        "storearea": "store areas",
        "transitarea": "transit areas",
        "area": "areas",
        "crate": "crates",
        "surface": "areas and crates",
        "depot": "depots",
        "container": "containers",
        "place": "places",
    }
    phrases: ClassVar = {
        "connected": PredicatePhrase(
            "{0} is connected to {1}",
            "{0} is not connected to {1}",
            "{0} is connected to {1}",
            joined=1,
        ),
        "in": PredicatePhrase("{0} is in {1}", "{0} is not in {1}", "in {1}: {0}"),
        "on": PredicatePhrase("{0} is on {1}", "{0} is not on {1}"),
        "clear": PredicatePhrase("{0} is clear", "{0} is not clear", "clear: {0}"),
        "at": PredicatePhrase("{0} is at {1}", "{0} is not at {1}"),
        "available": PredicatePhrase(
            "{0} is available", "{0} is not available", "available hoists: {0}"
        ),
        "lifting": PredicatePhrase("{0} lifts {1}", "{0} does not lift {1}"),
        "compatible": PredicatePhrase(
            "{0} is compatible with {1} (this matters to no action)",
            "{0} is not compatible with {1}",
        ),
    }

    def max_witness_steps(self, size: int) -> int:
        """Returns H(D+1) + n(2D+2) for H hoists; no area is more than D moves deep.

        Each hoist leaves once; each crate is lifted and dropped, and the way in and out
        takes at most 2D steps.
        """
        most = size + 3
        depth = max(-(-most // columns) + columns - 2 for columns in _COLUMNS)
        return _hoists(size) * (depth + 1) + size * (2 * depth + 2)

    def build(self, size: int, rng: Random) -> tuple[Problem, Plan]:
        """Draws depots; in the plan all hoists leave, then one fills depots from the back."""
        numbers = rng.sample(range(1, 100), 1 + (size - 1) // 4)
        wanted = [rng.choice(numbers) for _ in range(size)]
        depots = [
            _Depot.draw(f"depot{n}", wanted.count(n) + 1 + rng.randint(0, 2), rng) for n in numbers
        ]
        hoists = [f"hoist{i}" for i in range(_hoists(size))]
        areas = [(depot, area) for depot in depots for area in depot.areas]
        starts = dict(zip(hoists, rng.sample(areas, len(hoists)), strict=True))
        crates = [f"crate{i}" for i in range(size)]
        boxes = {f"container-{i // 4}-{i % 4}": f"container{i // 4}" for i in range(size)}
        loaded = dict(zip(crates, rng.sample(list(boxes), size), strict=True))
        occupied = {area for _, area in starts.values()}
        init = {atom for depot in depots for atom in depot.facts()}
        init |= {fact("clear", area) for _, area in areas if area not in occupied}
        for box, container in boxes.items():
            init |= {fact("in", box, container), *_both_ways(box, _LOAD)}
        for crate, box in loaded.items():
            init |= {fact("on", crate, box), fact("in", crate, boxes[box])}
        for hoist, (_, area) in starts.items():
            init |= {fact("at", hoist, area), fact("available", hoist)}
        objects = (
            typed("storearea", sorted([*(area for _, area in areas), *boxes], key=natural_key))
            + typed("hoist", hoists)
            + typed("crate", crates)
            + typed("container", dict.fromkeys(boxes.values()))
            + typed("depot", [d.name for d in depots])
            + typed("transitarea", [_LOAD])
        )
        goal = all_of(fact("in", c, f"depot{n}") for c, n in zip(crates, wanted, strict=True))
        steps = [
            s
            for hoist, (depot, area) in sorted(
                starts.items(), key=lambda item: len(item[1][0].path(item[1][1]))
            )
            for s in depot.leave(hoist, area)
        ]
        free = {depot.name: depot.deepest_first() for depot in depots}
        by_name = {depot.name: depot for depot in depots}
        for crate, number in zip(crates, wanted, strict=True):
            name, box = f"depot{number}", loaded[crate]
            steps.append(step("lift", hoists[0], crate, box, _LOAD, boxes[box]))
            steps += by_name[name].store(hoists[0], crate, next(free[name]))
        return Problem("", "", objects, frozenset(init), goal), Plan(tuple(steps))

    def describe_start(self, problem: Problem) -> list[str]:
        """Describes the areas of a place apart from the crates in it."""
        crates = {o.name for o in problem.objects if o.types == ("crate",)}
        stored = {a for a in problem.init if a.predicate == "in" and a.args[0] in crates}
        return self.describer.facts(problem.init - stored) + self.describer.facts(stored)


@dataclass(frozen=True)
class _Depot:
    """A depot of up to three columns; the access area alone touches the load area.

    Attributes:
        name: Its name.
        parents: For every area the next one on the way out; the access area has none.
        links: Neighbouring areas.
    """

    name: str
    parents: dict[str, str | None]
    links: tuple[tuple[str, str], ...]

    @staticmethod
    def draw(name: str, count: int, rng: Random) -> _Depot:
        """Draws the number of columns and the access area."""
        columns = rng.choice(_COLUMNS)
        cells = [(i // columns, i % columns) for i in range(count)]
        names = {(r, c): f"{name}-{r + 1}-{c + 1}" for r, c in cells}
        links = [
            (names[r, c], names[near])
            for r, c in cells
            for near in ((r + 1, c), (r, c + 1))
            if near in names
        ]
        access = names[0, rng.randrange(min(columns, count))]
        parents: dict[str, str | None] = {access: None}
        queue = [access]
        for here in queue:
            for a, b in links:
                for near in [b] * (a == here) + [a] * (b == here):
                    if near not in parents:
                        parents[near] = here
                        queue.append(near)
        return _Depot(name, parents, tuple(links))

    @property
    def areas(self) -> list[str]:
        """All areas, nearest to the access first."""
        return list(self.parents)

    def path(self, area: str) -> list[str]:
        """Returns the way from the access area to an area, both included."""
        way = [area]
        while (parent := self.parents[way[-1]]) is not None:
            way.append(parent)
        return way[::-1]

    def facts(self) -> set[Atom]:
        """Returns what never changes about the depot."""
        found = {fact("in", area, self.name) for area in self.areas}
        for a, b in (*self.links, (self.areas[0], _LOAD)):
            found |= _both_ways(a, b)
        return found

    def deepest_first(self) -> Iterator[str]:
        """Yields the areas so that a filled one never lies on the way to a later one."""
        return iter(self.areas[::-1])

    def leave(self, hoist: str, area: str) -> list[PlanStep]:
        """Returns the way of a hoist out of the depot."""
        way = self.path(area)[::-1]
        moves = [step("move", hoist, a, b) for a, b in pairwise(way)]
        return [*moves, step("go-out", hoist, way[-1], _LOAD)]

    def store(self, hoist: str, crate: str, area: str) -> list[PlanStep]:
        """Returns the steps from the load area, hoist loaded, and back."""
        way = self.path(area)[:-1]
        if not way:
            return [step("drop", hoist, crate, area, _LOAD, self.name)]
        moves = [step("move", hoist, a, b) for a, b in pairwise(way)]
        return [
            step("go-in", hoist, _LOAD, way[0]),
            *moves,
            step("drop", hoist, crate, area, way[-1], self.name),
            *self.leave(hoist, way[-1]),
        ]


def _hoists(size: int) -> int:
    return 1 + (size >= 4) + (size >= 8)


def _both_ways(a: str, b: str) -> set[Atom]:
    return {fact("connected", a, b), fact("connected", b, a)}
