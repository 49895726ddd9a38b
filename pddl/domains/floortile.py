"""Floortile: robots paint a floor of tiles without painting themselves in."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import ClassVar

from surefoot.pddl.domains.base import DomainSpec, all_of, fact, numbered, step, typed
from surefoot.pddl.domains.text import PredicatePhrase
from surefoot.pddl.language import Atom, Plan, PlanStep, Problem

_COLORS = ["white", "black"]
_DIRECTIONS = ("up", "down", "left", "right")


class Floortile(DomainSpec):
    """A grid with an unpainted bottom row; every tile above it gets a colour."""

    name = "floortile"
    summary = "Robots paint the tiles of a floor and must not block their own way."
    size_means = "grid: size//2+2 columns, (size+1)//2+1 painted rows; 2 robots from size 3 on"
    min_size = 1
    max_size = 12
    kinds: ClassVar = {"robot": "robots", "tile": "tiles", "color": "colors"}
    phrases: ClassVar = {
        **{
            side: PredicatePhrase(
                f"{{0}} is directly {side} of {{1}}", f"{{0}} is not {side} of {{1}}"
            )
            for side in _DIRECTIONS
        },
        "robot-at": PredicatePhrase("{0} is on {1}", "{0} is not on {1}"),
        "robot-has": PredicatePhrase(
            "the gun of {0} has color {1}", "the gun of {0} has not color {1}"
        ),
        "free-color": PredicatePhrase("the gun of {0} is free", "the gun of {0} is not free"),
        "available-color": PredicatePhrase(
            "color {0} is available", "color {0} is not available", "available colors: {0}"
        ),
        "clear": PredicatePhrase("{0} is clear", "{0} is not clear", "clear: {0}"),
        "painted": PredicatePhrase(
            "{0} is painted {1}", "{0} is not painted {1}", "painted {1}: {0}"
        ),
    }

    def max_witness_steps(self, size: int) -> int:
        """Returns 3RC+R+C: paint, recolour and move for each tile, and the way to the start."""
        rows, columns = _shape(size)
        return 3 * rows * columns + rows + columns

    def build(self, size: int, rng: Random) -> tuple[Problem, Plan]:
        """Draws a pattern; in the plan each robot paints its own columns from the top down."""
        rows, columns = _shape(size)
        grid = [[f"tile_{r}-{c}" for c in range(1, columns + 1)] for r in range(rows + 1)]
        robots = numbered("robot", 1 if size < 3 else 2)
        cut = columns if len(robots) == 1 else columns // 2
        strips = [list(range(cut)), list(range(cut, columns))]
        places = [(rng.randint(0, rows), rng.choice(strip)) for strip in strips[: len(robots)]]
        colors = rng.sample(_COLORS, 2)
        style, phase = rng.choice(["checks", "rows", "columns", "free"]), rng.randrange(2)
        wanted: dict[tuple[int, int], str] = {}
        for row in range(1, rows + 1):
            for column in range(columns):
                index = {
                    "checks": row + column,
                    "rows": row,
                    "columns": column,
                    "free": rng.randrange(2),
                }[style]
                wanted[row, column] = _COLORS[(index + phase) % 2]
        taken = {grid[r][c] for r, c in places}
        init = _neighbours(grid) | {fact("available-color", c) for c in _COLORS}
        init |= {fact("clear", tile) for line in grid for tile in line if tile not in taken}
        steps: list[PlanStep] = []
        for robot, place, color, strip in zip(robots, places, colors, strips, strict=False):
            init |= {fact("robot-at", robot, grid[place[0]][place[1]])}
            init |= {fact("robot-has", robot, color)}
            steps += _Painter(robot, place, color, grid).paint(strip, wanted)
        objects = (
            typed("tile", [tile for line in grid for tile in line])
            + typed("robot", robots)
            + typed("color", _COLORS)
        )
        goal = all_of(fact("painted", grid[r][c], color) for (r, c), color in wanted.items())
        problem = Problem(
            "", "", objects, frozenset(init), goal, {fact("total-cost"): 0.0}, minimize_cost=True
        )
        return problem, Plan(tuple(steps))

    def describe_start(self, problem: Problem) -> list[str]:
        """Draws the floor if it is a full grid; otherwise describes it neighbour by neighbour."""
        around = frozenset(a for a in problem.init if a.predicate in _DIRECTIONS)
        grid = _as_grid(around)
        if not grid:
            return self.describer.facts(problem.init)
        drawing = "\n".join("    " + " ".join(line) for line in reversed(grid))
        return [
            f"The tiles in this picture form a grid of {len(grid)} rows and {len(grid[0])} "
            f"columns:\n{drawing}",
            "In the picture, the tile printed above a tile is directly up of it, the one below is "
            "directly down of it, the one beside it is directly left or right of it.",
            *self.describer.facts(problem.init - around),
        ]


class _Painter:
    """One robot that paints its columns from the top row down."""

    def __init__(
        self, robot: str, place: tuple[int, int], color: str, grid: list[list[str]]
    ) -> None:
        self.robot, self.color, self.grid = robot, color, grid
        self.row, self.column = place
        self.steps: list[PlanStep] = []

    def paint(self, strip: list[int], wanted: dict[tuple[int, int], str]) -> list[PlanStep]:
        """Paints every row from the tile below it; painted tiles are never in the way."""
        for row in range(len(self.grid) - 1, 0, -1):
            self._go(row - 1, self.column)
            near_right = self.column - strip[0] > strip[-1] - self.column
            order = strip[::-1] if near_right else strip
            for column in order:
                self._go(row - 1, column)
                color = wanted[row, column]
                if color != self.color:
                    self.steps.append(step("change-color", self.robot, self.color, color))
                    self.color = color
                target, here = self.grid[row][column], self.grid[row - 1][column]
                self.steps.append(step("paint-up", self.robot, target, here, color))
        return self.steps

    def _go(self, row: int, column: int) -> None:
        while (self.row, self.column) != (row, column):
            here = self.grid[self.row][self.column]
            if self.row != row:
                action = "up" if row > self.row else "down"
                self.row += 1 if row > self.row else -1
            else:
                action = "right" if column > self.column else "left"
                self.column += 1 if column > self.column else -1
            self.steps.append(step(action, self.robot, here, self.grid[self.row][self.column]))


def _shape(size: int) -> tuple[int, int]:
    return (size + 1) // 2 + 1, size // 2 + 2


def _neighbours(grid: list[list[str]]) -> set[Atom]:
    facts: set[Atom] = set()
    for lower, upper in pairwise(grid):
        for below, above in zip(lower, upper, strict=True):
            facts |= {fact("up", above, below), fact("down", below, above)}
    for line in grid:
        for west, east in pairwise(line):
            facts |= {fact("right", east, west), fact("left", west, east)}
    return facts


def _as_grid(around: frozenset[Atom]) -> list[list[str]]:
    """Returns the rows of a full grid, bottom row first, or nothing if it is none."""
    above = {a.args[1]: a.args[0] for a in around if a.predicate == "up"}
    east = {a.args[1]: a.args[0] for a in around if a.predicate == "right"}
    corners = {n for a in around for n in a.args} - set(above.values()) - set(east.values())
    if len(corners) != 1:
        return []
    grid: list[list[str]] = []
    first: str | None = corners.pop()
    seen: set[str] = set()
    while first is not None and first not in seen:
        line: list[str] = []
        tile: str | None = first
        while tile is not None and tile not in seen:
            line.append(tile)
            seen.add(tile)
            tile = east.get(tile)
        grid.append(line)
        first = above.get(first)
    if len({len(line) for line in grid}) != 1 or _neighbours(grid) != around:
        return []
    return grid
