"""Kitchen: a one-handed robot fetches, washes, chops, cooks, plates and serves food."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from surefoot.pddl.domains.base import DomainSpec, all_of, fact, numbered, step, typed
from surefoot.pddl.domains.text import PredicatePhrase
from surefoot.pddl.language import Atom, Plan, PlanStep, Problem


@dataclass(frozen=True)
class _Food:
    """A food in the larder.

    Attributes:
        store: Where it is kept.
        dirty: Whether it must be washed.
        ways: How it may be prepared: any of ``c`` (chopped) and ``h`` (cooked, hot).
    """

    store: str
    dirty: bool
    ways: tuple[str, ...]


_LARDER = {
    "carrot": _Food("fridge", True, ("c", "h", "ch")),
    "tomato": _Food("fridge", True, ("", "c", "ch")),
    "pepper": _Food("fridge", True, ("c", "ch")),
    "mushroom": _Food("fridge", True, ("h", "ch")),
    "spinach": _Food("fridge", True, ("", "h")),
    "fish": _Food("fridge", False, ("h",)),
    "egg": _Food("fridge", False, ("h",)),
    "cheese": _Food("fridge", False, ("", "c")),
    "potato": _Food("cupboard", True, ("h", "ch")),
    "onion": _Food("cupboard", True, ("c", "ch")),
    "apple": _Food("cupboard", True, ("", "c", "ch")),
    "rice": _Food("cupboard", False, ("h",)),
    "pasta": _Food("cupboard", False, ("h",)),
    "bread": _Food("cupboard", False, ("", "c")),
}
_CANNOT_BE_CHOPPED = {"egg", "rice", "pasta"}
_STORES = ("fridge", "cupboard")
_SINK, _BOARD, _STOVE, _TABLE = "sink1", "cutting-board", "stove1", "dining-table"


class Kitchen(DomainSpec):
    """Every food has its own way of preparation; in the end all is closed and off."""

    name = "kitchen"
    summary = "A one-handed robot fetches, washes, chops, cooks, plates and serves food."
    size_means = "number of foods to serve; a plate per three foods, 2 pans from size 6 on"
    min_size = 1
    max_size = 14
    kinds: ClassVar = {
        "store": "stores",
        "sink": "sinks",
        "board": "cutting boards",
        "table": "tables",
        "bench": "benches",
        "stove": "stoves",
        "station": "stations",
        "pan": "pans",
        "plate": "plates",
        "food": "foods",
    }
    phrases: ClassVar = {
        "robot-at": PredicatePhrase("the robot is at {0}", "the robot is not at {0}"),
        "hand-free": PredicatePhrase("the hand is free", "the hand is not free"),
        "holding": PredicatePhrase("the hand holds {0}", "the hand does not hold {0}"),
        "open": PredicatePhrase("{0} is open", "{0} is not open", "open: {0}"),
        "closed": PredicatePhrase("{0} is closed", "{0} is not closed", "closed: {0}"),
        "stove-on": PredicatePhrase("{0} is on", "{0} is not on"),
        "stove-off": PredicatePhrase("{0} is off", "{0} is not off"),
        "pan-on": PredicatePhrase("{0} stands on {1}", "{0} does not stand on {1}"),
        "pan-empty": PredicatePhrase("{0} is empty", "{0} is not empty", "empty: {0}"),
        "plate-on": PredicatePhrase("{0} stands on {1}", "{0} does not stand on {1}"),
        "unserved": PredicatePhrase("{0} is unserved", "{0} is not unserved", "unserved: {0}"),
        "served": PredicatePhrase("{0} is served", "{0} is not served", "served: {0}"),
        "stored": PredicatePhrase(
            "{0} is stored in {1}", "{0} is not stored in {1}", "stored in {1}: {0}"
        ),
        "lies-on": PredicatePhrase(
            "{0} lies on {1}", "{0} does not lie on {1}", "lying on {1}: {0}"
        ),
        "in-pan": PredicatePhrase("{0} is in {1}", "{0} is not in {1}"),
        "on-plate": PredicatePhrase("{0} is on {1}", "{0} is not on {1}", "on {1}: {0}"),
        "dirty": PredicatePhrase("{0} is dirty", "{0} is not dirty", "dirty: {0}"),
        "clean": PredicatePhrase("{0} is clean", "{0} is not clean", "clean: {0}"),
        "whole": PredicatePhrase("{0} is whole", "{0} is not whole", "whole: {0}"),
        "chopped": PredicatePhrase("{0} is chopped", "{0} is not chopped", "chopped: {0}"),
        "raw": PredicatePhrase("{0} is raw", "{0} is not raw", "raw: {0}"),
        "cooked": PredicatePhrase("{0} is cooked", "{0} is not cooked", "cooked: {0}"),
    }

    def max_witness_steps(self, size: int) -> int:
        """Returns 16n+P+6: at most 16 steps a food, a serving a plate, and tidying up."""
        return 16 * size + _plates(size) + 6

    def build(self, size: int, rng: Random) -> tuple[Problem, Plan]:
        """Draws a menu; the plan prepares one food after the other."""
        menu = {food: rng.choice(_LARDER[food].ways) for food in rng.sample(list(_LARDER), size)}
        plates, pans = numbered("plate", _plates(size)), numbered("pan", 1 + (size >= 6))
        laid = {f: plates[i % len(plates)] for i, f in enumerate(rng.sample(list(menu), size))}
        start = rng.choice([*_STORES, _SINK, _BOARD, _STOVE, _TABLE])
        ajar = {s for s in _STORES if rng.random() < 0.3}
        init = {fact("robot-at", start), fact("hand-free"), fact("stove-off", _STOVE)}
        init |= {fact("open" if s in ajar else "closed", s) for s in _STORES}
        init |= {fact("pan-on", p, _STOVE) for p in pans} | {fact("pan-empty", p) for p in pans}
        init |= {fact("plate-on", p, _TABLE) for p in plates}
        init |= {fact("unserved", p) for p in plates}
        wanted: list[Atom] = []
        for food, way in menu.items():
            entry = _LARDER[food]
            init |= {fact("stored", food, entry.store), fact("raw", food)}
            init |= {fact("dirty" if entry.dirty else "clean", food)}
            if food not in _CANNOT_BE_CHOPPED:
                init |= {fact("whole", food)}
            wanted += [fact("chopped", food)] * ("c" in way) + [fact("cooked", food)] * ("h" in way)
            wanted.append(fact("on-plate", food, laid[food]))
        wanted += [fact("served", p) for p in plates]
        wanted += [fact("closed", s) for s in _STORES] + [fact("stove-off", _STOVE)]
        cook = _Cook(start, set(ajar))
        for food, way in menu.items():
            cook.prepare(food, way, laid[food])
        cook.finish(plates)
        objects = (
            typed("store", _STORES)
            + typed("sink", [_SINK])
            + typed("board", [_BOARD])
            + typed("stove", [_STOVE])
            + typed("table", [_TABLE])
            + typed("pan", pans)
            + typed("plate", plates)
            + typed("food", menu)
        )
        return Problem("", "", objects, frozenset(init), all_of(wanted)), Plan(tuple(cook.steps))


class _Cook:
    """The robot at work, one food at a time."""

    def __init__(self, place: str, ajar: set[str]) -> None:
        self.place = place
        self.ajar = ajar
        self.hot = False
        self.steps: list[PlanStep] = []

    def prepare(self, food: str, way: str, plate: str) -> None:
        """Brings a food from its store to its plate."""
        entry = _LARDER[food]
        self._go(entry.store)
        if entry.store not in self.ajar:
            self.steps.append(step("open-store", entry.store))
            self.ajar.add(entry.store)
        self.steps.append(step("fetch", food, entry.store))
        if entry.dirty:
            self._go(_SINK)
            self.steps.append(step("wash", food, _SINK))
        if "c" in way:
            self._go(_BOARD)
            self.steps += [step(action, food, _BOARD) for action in ("put-down", "chop", "pick-up")]
        if "h" in way:
            self._go(_STOVE)
            self.steps.append(step("put-in-pan", food, "pan1", _STOVE))
            if not self.hot:
                self.steps.append(step("turn-on", _STOVE))
                self.hot = True
            self.steps += [
                step(action, food, "pan1", _STOVE) for action in ("cook", "take-from-pan")
            ]
        self._go(_TABLE)
        self.steps.append(step("plate-up", food, plate, _TABLE))

    def finish(self, plates: list[str]) -> None:
        """Serves the plates, turns the stove off and closes the stores."""
        self.steps += [step("serve", plate, _TABLE) for plate in plates]
        if self.hot:
            self._go(_STOVE)
            self.steps.append(step("turn-off", _STOVE))
        for store in sorted(self.ajar):
            self._go(store)
            self.steps.append(step("close-store", store))

    def _go(self, station: str) -> None:
        if self.place != station:
            self.steps.append(step("go", self.place, station))
            self.place = station


def _plates(size: int) -> int:
    return 1 + (size - 1) // 3
