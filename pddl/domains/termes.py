"""Termes: a climbing robot builds towers and takes its ramps down again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import ClassVar

from surefoot.pddl.domains.base import DomainSpec, all_of, fact, step, typed
from surefoot.pddl.domains.text import PredicatePhrase
from surefoot.pddl.language import Negation, Plan, PlanStep, Problem

Cell = tuple[int, int]


class Termes(DomainSpec):
    """Towers on a flat grid; the goal fixes every height and the robot's empty hand."""

    name = "termes"
    summary = "A climbing robot builds towers with ramps that must go again."
    size_means = (
        "towers and their height: (size+1)//2 towers of height up to 1+size//2 "
        "on a grid of 3+size//4 by 4+size//4"
    )
    min_size = 1
    max_size = 8
    kinds: ClassVar = {"numb": "heights", "position": "positions"}
    phrases: ClassVar = {
        "succ": PredicatePhrase("{0} is one more than {1}", "{0} is not one more than {1}"),
        "neighbor": PredicatePhrase(
            "from {0} the neighbour is {1}",
            "{1} is not a neighbour of {0}",
            "from {0} the neighbours are {1}",
            joined=1,
        ),
        "is-depot": PredicatePhrase("{0} is a depot", "{0} is not a depot", "depots: {0}"),
        "at": PredicatePhrase("the robot is at {0}", "the robot is not at {0}"),
        "has-block": PredicatePhrase("the robot has a block", "the robot has no block"),
        "height": PredicatePhrase(
            "{0} has height {1}", "{0} has not height {1}", "height {1}: {0}"
        ),
    }

    def max_witness_steps(self, size: int) -> int:
        """Returns T·H²·2L for T towers of height H with ways of at most L moves.

        A tower takes H(H+1)/2 blocks there and H(H-1)/2 back; each costs at most L-1 moves
        out, as many back, and two steps with the block.
        """
        return (size + 1) // 2 * _top(size) ** 2 * 2 * _longest(size)

    def build(self, size: int, rng: Random) -> tuple[Problem, Plan]:
        """Draws towers with a free way to each; the plan builds one after the other."""
        rows, columns = _shape(size)
        cells = [(r, c) for r in range(rows) for c in range(columns)]
        while True:
            depot = rng.choice([c for c in cells if c[0] == 0 or c[1] == 0])
            heights = [_top(size)]
            heights += [rng.randint(1, _top(size)) for _ in range((size + 1) // 2 - 1)]
            ways = _ways(cells, depot, heights, _longest(size), rng)
            if ways:
                break
        robot = _Robot(depot, cells)
        for way, height in zip(ways, heights, strict=True):
            robot.build(way, height)
        names = [_name(cell) for cell in cells]
        levels = [f"n{i}" for i in range(_top(size) + 1)]
        init = {fact("height", name, "n0") for name in names}
        init |= {fact("at", _name(depot)), fact("is-depot", _name(depot))}
        init |= {fact("succ", b, a) for a, b in pairwise(levels)}
        init |= {fact("neighbor", _name(a), _name(b)) for a in cells for b in _near(a, cells)}
        goal = all_of(
            [
                *(fact("height", _name(c), f"n{robot.height[c]}") for c in cells),
                Negation(fact("has-block")),
            ]
        )
        objects = typed("numb", levels) + typed("position", names)
        return Problem("", "", objects, frozenset(init), goal), Plan(tuple(robot.steps))

    def describe_start(self, problem: Problem) -> list[str]:
        """Adds what the hand holds, for it is the one fact whose absence matters here."""
        sentences = super().describe_start(problem)
        if fact("has-block") not in problem.init:
            sentences.append("The robot has no block.")
        return sentences


class _Robot:
    """Builds towers at the ends of ways that start at the depot, and counts the heights."""

    def __init__(self, depot: Cell, cells: list[Cell]) -> None:
        self.depot = self.place = depot
        self.height = dict.fromkeys(cells, 0)
        self.steps: list[PlanStep] = []

    def build(self, way: list[Cell], height: int) -> None:
        """Raises the last cell of a way on a ramp along it, then takes the ramp down."""
        self._raise(way, len(way) - 1, height)
        self._lower(way, len(way) - 2, 0)
        self._walk(way, 0)

    def _raise(self, way: list[Cell], i: int, height: int) -> None:
        """Brings cell ``i`` to a height of at most ``i``; heights never fall along the way."""
        if self.height[way[i]] >= height:
            return
        self._raise(way, i, height - 1)
        self._raise(way, i - 1, height - 1)
        self._walk(way, 0)
        self.steps.append(step("create-block", _name(self.depot)))
        self._walk(way, i - 1)
        self._work("place-block", way[i], height)

    def _lower(self, way: list[Cell], i: int, height: int) -> None:
        """Brings cell ``i`` down to a height; the exact reverse of raising it."""
        while self.height[way[i]] > height:
            target = self.height[way[i]] - 1
            self._lower(way, i - 1, target)
            self._walk(way, i - 1)
            self._work("remove-block", way[i], target)
            self._walk(way, 0)
            self.steps.append(step("destroy-block", _name(self.depot)))
        if i > 1:
            self._lower(way, i - 1, height)

    def _work(self, action: str, cell: Cell, after: int) -> None:
        levels = f"n{self.height[cell]}", f"n{after}"
        self.steps.append(step(action, _name(self.place), _name(cell), *levels))
        self.height[cell] = after

    def _walk(self, way: list[Cell], target: int) -> None:
        at = way.index(self.place)
        while at != target:
            at += 1 if target > at else -1
            here, there = self.place, way[at]
            low, high = self.height[here], self.height[there]
            if low == high:
                self.steps.append(step("move", _name(here), _name(there), f"n{low}"))
            else:
                action = "move-up" if high > low else "move-down"
                self.steps.append(step(action, _name(here), f"n{low}", _name(there), f"n{high}"))
            self.place = there


def _shape(size: int) -> tuple[int, int]:
    return 3 + size // 4, 4 + size // 4


def _top(size: int) -> int:
    return 1 + size // 2


def _longest(size: int) -> int:
    """Returns how many moves a way to a tower may take; one more evens out the parity."""
    return max(_top(size), sum(_shape(size)) - 2) + 1


def _name(cell: Cell) -> str:
    return f"pos-{cell[0]}-{cell[1]}"


def _near(cell: Cell, cells: list[Cell]) -> list[Cell]:
    r, c = cell
    return [n for n in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)) if n in cells]


def _ways(
    cells: list[Cell], depot: Cell, heights: list[int], longest: int, rng: Random
) -> list[list[Cell]]:
    """Draws a way to every tower that avoids the earlier towers; empty if one is cut off."""
    found: list[list[Cell]] = []
    for height in heights:
        open_cells = [c for c in cells if c not in {way[-1] for way in found}]
        places = [c for c in open_cells if c != depot]
        way = _shortest_way(open_cells, depot, rng.choice(places), (height, longest), rng)
        if not way:
            return []
        found.append(way)
    return found


def _shortest_way(
    cells: list[Cell], depot: Cell, target: Cell, limits: tuple[int, int], rng: Random
) -> list[Cell]:
    """Returns a shortest simple way with a number of moves in the limits, or nothing."""

    def extend(way: list[Cell], moves: int) -> Iterator[list[Cell]]:
        left = moves - len(way) + 1
        apart = abs(way[-1][0] - target[0]) + abs(way[-1][1] - target[1])
        if apart > left or (left and way[-1] == target):
            return
        if not left:
            yield way
            return
        near = [n for n in _near(way[-1], cells) if n not in way]
        for cell in rng.sample(near, len(near)):
            yield from extend([*way, cell], moves)

    for moves in range(limits[0], limits[1] + 1):
        way = next(extend([depot], moves), None)
        if way:
            return way
    return []
