"""Delivery: battery-driven robots carry packages through a building with doors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import ClassVar

from surefoot.pddl.domains.base import DomainSpec, all_of, fact, numbered, step, typed
from surefoot.pddl.domains.text import PredicatePhrase, atom_key
from surefoot.pddl.language import Atom, Plan, PlanStep, Problem

_ROOMS = (
    "lobby",
    "mailroom",
    "office",
    "lab",
    "kitchen",
    "library",
    "workshop",
    "archive",
    "studio",
    "clinic",
    "garage",
    "lounge",
)


class Delivery(DomainSpec):
    """Batteries just suffice for a round trip from the charger; carried packages bar doors."""

    name = "delivery"
    summary = "Robots deliver packages through doors on a limited battery."
    size_means = "number of packages, in size+2 rooms; 2 robots from size 4 on"
    min_size = 1
    max_size = 10
    kinds: ClassVar = {
        "robot": "robots",
        "room": "rooms",
        "door": "doors",
        "package": "packages",
        "level": "battery levels",
    }
    phrases: ClassVar = {
        "joins": PredicatePhrase("{0} leads from {1} to {2}", "{0} does not lead from {1} to {2}"),
        "open": PredicatePhrase("{0} is open", "{0} is not open", "open: {0}"),
        "closed": PredicatePhrase("{0} is closed", "{0} is not closed", "closed: {0}"),
        "charger": PredicatePhrase(
            "{0} has a charger", "{0} has no charger", "rooms with a charger: {0}"
        ),
        "below": PredicatePhrase("{0} is one below {1}", "{0} is not one below {1}"),
        "top": PredicatePhrase("the top level is {0}", "the top level is not {0}"),
        "at": PredicatePhrase("{0} is in {1}", "{0} is not in {1}"),
        "battery": PredicatePhrase(
            "the battery of {0} is at {1}", "the battery of {0} is not at {1}"
        ),
        "free": PredicatePhrase("{0} is free", "{0} is not free", "free: {0}"),
        "carrying": PredicatePhrase("{0} carries {1}", "{0} does not carry {1}"),
        "package-in": PredicatePhrase("{0} is in {1}", "{0} is not in {1}", "in {1}: {0}"),
    }

    def max_witness_steps(self, size: int) -> int:
        """Returns 4nR+3E+2R for R rooms and E doors.

        A trip takes at most 2R-2 moves and a charge, a package two trips and two steps. A
        door that the robot meets with a package in hand takes three steps, once. At the end
        there is one more trip and one step.
        """
        rooms = size + 2
        doors = rooms - 1 + size // 3
        return 4 * size * rooms + 3 * doors + 2 * rooms

    def build(self, size: int, rng: Random) -> tuple[Problem, Plan]:
        """Draws a building; in the plan one robot works from one charger."""
        rooms = rng.sample(_ROOMS, size + 2)
        building = _Building.draw(rooms, size // 3, rng)
        home = rng.choice(rooms)
        reach = building.distances(home)
        full = 2 * max(reach.values()) + rng.randint(0, 1)
        packages = numbered("package", size)
        source = {p: rng.choice(rooms) for p in packages}
        target = {p: rng.choice([r for r in rooms if r != source[p]]) for p in packages}
        robots = numbered("robot", 1 if size < 4 else 2)
        where = {r: rng.choice(rooms) for r in robots}
        charge = {r: rng.randint(reach[where[r]], full) for r in robots}
        shut = {d for d in building.doors if rng.random() < 0.4}
        chargers = {home} | {r for r in rooms if rng.random() < 0.15}
        levels = [f"level{i}" for i in range(full + 1)]
        init = building.facts() | {fact("charger", r) for r in chargers}
        init |= {fact("below", a, b) for a, b in pairwise(levels)}
        init |= {fact("top", levels[-1])}
        init |= {fact("closed" if d in shut else "open", d) for d in building.doors}
        init |= {fact("package-in", p, r) for p, r in source.items()}
        for robot in robots:
            init |= {fact("at", robot, where[robot]), fact("free", robot)}
            init |= {fact("battery", robot, levels[charge[robot]])}
        worker = _Worker(building, home, full, where["robot1"], charge["robot1"], set(shut))
        for package in packages:
            worker.deliver(package, source[package], target[package])
        wanted = [fact("package-in", p, r) for p, r in target.items()]
        ending = rng.choice(["home", "door", "none"])
        if ending == "home":
            worker.go(home)
            wanted.append(fact("at", "robot1", home))
        elif ending == "door":
            door = rng.choice(list(building.doors))
            worker.close(door)
            wanted.append(fact("closed", door))
        objects = (
            typed("robot", robots)
            + typed("room", rooms)
            + typed("door", building.doors)
            + typed("package", packages)
            + typed("level", levels)
        )
        return Problem("", "", objects, frozenset(init), all_of(wanted)), Plan(tuple(worker.steps))

    def describe_start(self, problem: Problem) -> list[str]:
        """Describes a door that leads both ways in one sentence."""
        doors = {a for a in problem.init if a.predicate == "joins"}
        both = {a for a in doors if fact("joins", a.args[0], *a.args[:0:-1]) in doors}
        once = sorted((a for a in both if a.args[1] < a.args[2]), key=atom_key)
        sentences = ["{} joins {} and {}, in both directions.".format(*a.args) for a in once]
        paired = {b for a in once for b in (a, fact("joins", a.args[0], *a.args[:0:-1]))}
        return sentences + self.describer.facts(problem.init - paired)


@dataclass(frozen=True)
class _Building:
    """Rooms joined by doors.

    Attributes:
        rooms: All rooms, connected.
        doors: The two rooms of every door.
    """

    rooms: list[str]
    doors: dict[str, tuple[str, str]]

    @staticmethod
    def draw(rooms: list[str], extra: int, rng: Random) -> _Building:
        """Draws a tree of rooms and some more doors between rooms that have none yet."""
        pairs = [(rng.choice(rooms[max(0, i - 3) : i]), rooms[i]) for i in range(1, len(rooms))]
        others = [
            (a, b)
            for i, a in enumerate(rooms)
            for b in rooms[i + 1 :]
            if (a, b) not in pairs and (b, a) not in pairs
        ]
        pairs += rng.sample(others, min(extra, len(others)))
        return _Building(rooms, dict(zip(numbered("door", len(pairs)), pairs, strict=True)))

    def facts(self) -> set[Atom]:
        """Returns which rooms the doors join, in both directions."""
        return {
            fact("joins", d, *ends) for d, (a, b) in self.doors.items() for ends in ((a, b), (b, a))
        }

    def distances(self, room: str) -> dict[str, int]:
        """Returns the number of moves from every room to the given one."""
        found = {room: 0}
        queue = [room]
        for here in queue:
            for a, b in self.doors.values():
                for near in [b] * (a == here) + [a] * (b == here):
                    if near not in found:
                        found[near] = found[here] + 1
                        queue.append(near)
        return found

    def next_door(self, here: str, goal: str) -> tuple[str, str]:
        """Returns the next door and room on a shortest path."""
        away = self.distances(goal)
        for door, (a, b) in self.doors.items():
            for near in [b] * (a == here) + [a] * (b == here):
                if away[near] < away[here]:
                    return door, near
        raise AssertionError(f"no way from {here} to {goal}")


class _Worker:
    """Robot 1 at work; its battery always suffices for the way to its home charger."""

    def __init__(
        self, building: _Building, home: str, full: int, place: str, battery: int, shut: set[str]
    ) -> None:
        self.building, self.home, self.full = building, home, full
        self.place, self.battery, self.shut = place, battery, shut
        self.reach = building.distances(home)
        self.load = ""
        self.steps: list[PlanStep] = []

    def deliver(self, package: str, source: str, target: str) -> None:
        """Brings a package to its room."""
        self.go(source)
        self._hand("pick-up", package)
        self.load = package
        self.go(target)
        self._hand("put-down", package)
        self.load = ""

    def close(self, door: str) -> None:
        """Sees that a door is closed."""
        if door not in self.shut:
            a, b = self.building.doors[door]
            self.go(a)
            self.steps.append(step("close-door", "robot1", door, a, b))
            self.shut.add(door)

    def go(self, room: str) -> None:
        """Goes to a room, over the charger if the battery would not last for both."""
        if self.battery < self.building.distances(room)[self.place] + self.reach[room]:
            self._walk(self.home)
            levels = f"level{self.battery}", f"level{self.full}"
            self.steps.append(step("charge", "robot1", self.home, *levels))
            self.battery = self.full
        self._walk(room)

    def _walk(self, room: str) -> None:
        while self.place != room:
            door, near = self.building.next_door(self.place, room)
            if door in self.shut:
                if self.load:
                    self._hand("put-down", self.load)
                self.steps.append(step("open-door", "robot1", door, self.place, near))
                if self.load:
                    self._hand("pick-up", self.load)
                self.shut.remove(door)
            levels = f"level{self.battery}", f"level{self.battery - 1}"
            self.steps.append(step("go", "robot1", self.place, near, door, *levels))
            self.place = near
            self.battery -= 1

    def _hand(self, action: str, package: str) -> None:
        self.steps.append(step(action, "robot1", package, self.place))
