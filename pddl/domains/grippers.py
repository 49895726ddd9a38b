"""Grippers: robots with two grippers each carry balls between rooms."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from surefoot.pddl.domains.base import DomainSpec, all_of, fact, numbered, step, typed
from surefoot.pddl.domains.text import PredicatePhrase
from surefoot.pddl.language import Plan, PlanStep, Problem
from surefoot.pddl.language.model import ROOT_TYPE


class Grippers(DomainSpec):
    """Rooms and robots grow slowly with the balls; at least one ball must move."""

    name = "grippers"
    summary = "Robots with two grippers each carry balls between rooms."
    size_means = "number of balls"
    min_size = 1
    max_size = 40
    kinds: ClassVar = {
        "robot": "robots",
        "gripper": "grippers",
        "room": "rooms",
        ROOT_TYPE: "balls",
    }
    phrases: ClassVar = {
        "at-robby": PredicatePhrase("{0} is in {1}", "{0} is not in {1}"),
        "free": PredicatePhrase(
            "{0} has gripper {1}, which is free",
            "gripper {1} of robot {0} is not free",
            "{0} has these grippers, all free: {1}",
            joined=1,
        ),
        "carry": PredicatePhrase(
            "{0} has gripper {2} and carries {1} in it",
            "{0} does not carry {1} in gripper {2}",
        ),
        "at": PredicatePhrase("{0} lies in {1}", "{0} does not lie in {1}", "lying in {1}: {0}"),
    }

    def max_witness_steps(self, size: int) -> int:
        """Returns 4n: go to a ball, pick it, go to its room, drop it."""
        return 4 * size

    def build(self, size: int, rng: Random) -> tuple[Problem, Plan]:
        """Draws places; in the plan the first robot carries the balls one by one."""
        robots = numbered("robot", min(1 + size // 3, 4))
        rooms = numbered("room", min(2 + size // 2, 6))
        balls = numbered("ball", size)
        hands = {r: [f"{side}gripper{i}" for side in "rl"] for i, r in enumerate(robots, start=1)}
        where = {r: rng.choice(rooms) for r in robots}
        start = {b: rng.choice(rooms) for b in balls}
        target = {b: rng.choice(rooms) for b in balls}
        moving = rng.choice(balls)
        target[moving] = rng.choice([r for r in rooms if r != start[moving]])
        init = {fact("at-robby", r, room) for r, room in where.items()}
        init |= {fact("free", r, g) for r in robots for g in hands[r]}
        init |= {fact("at", b, room) for b, room in start.items()}
        objects = (
            typed("robot", robots)
            + typed("gripper", [g for r in robots for g in hands[r]])
            + typed("room", rooms)
            + typed(ROOT_TYPE, balls)
        )
        goal = all_of(fact("at", b, target[b]) for b in balls)
        steps: list[PlanStep] = []
        robot, here = robots[0], where[robots[0]]
        for ball in balls:
            if start[ball] == target[ball]:
                continue
            if here != start[ball]:
                steps.append(step("move", robot, here, start[ball]))
            here = target[ball]
            steps += [
                step("pick", robot, ball, start[ball], hands[robot][0]),
                step("move", robot, start[ball], here),
                step("drop", robot, ball, here, hands[robot][0]),
            ]
        return Problem("", "", objects, frozenset(init), goal), Plan(tuple(steps))
