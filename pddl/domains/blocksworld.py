"""Blocksworld: one arm rearranges towers of blocks."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from surefoot.pddl.domains.base import DomainSpec, all_of, fact, numbered, step, typed
from surefoot.pddl.domains.text import PredicatePhrase
from surefoot.pddl.language import Atom, Plan, PlanStep, Problem
from surefoot.pddl.language.model import ROOT_TYPE

Towers = dict[str, str | None]
"""What every block stands on; ``None`` is the table."""


class Blocksworld(DomainSpec):
    """Towers of blocks, four actions; the goal names the place of every block."""

    name = "blocksworld"
    summary = "One arm rearranges towers of blocks on a table."
    size_means = "number of blocks"
    min_size = 3
    max_size = 50
    kinds: ClassVar = {ROOT_TYPE: "blocks"}
    phrases: ClassVar = {
        "arm-empty": PredicatePhrase("the arm is empty", "the arm is not empty"),
        "holding": PredicatePhrase("the arm holds {0}", "the arm does not hold {0}"),
        "on": PredicatePhrase("{0} is on {1}", "{0} is not on {1}"),
        "on-table": PredicatePhrase(
            "{0} is on the table", "{0} is not on the table", "on the table: {0}"
        ),
        "clear": PredicatePhrase("{0} is clear", "{0} is not clear", "clear: {0}"),
    }

    def max_witness_steps(self, size: int) -> int:
        """Returns 4(n-1): every block but one moves to the table and to its place."""
        return 4 * (size - 1)

    def build(self, size: int, rng: Random) -> tuple[Problem, Plan]:
        """Draws two different arrangements; the plan goes over single blocks on the table."""
        blocks = numbered("b", size)
        start = _towers(blocks, rng)
        goal = _towers(blocks, rng)
        while goal == start:
            goal = _towers(blocks, rng)
        init = {fact("arm-empty"), *_facts(start)}
        init |= {fact("clear", b) for b in blocks if b not in start.values()}
        problem = Problem(
            "", "", typed(ROOT_TYPE, blocks), frozenset(init), all_of(sorted(_facts(goal), key=str))
        )
        return problem, Plan(tuple(_solve(start, goal)))


def _towers(blocks: list[str], rng: Random) -> Towers:
    order = rng.sample(blocks, len(blocks))
    below: Towers = {}
    for previous, block in zip([None, *order], order, strict=False):
        below[block] = None if rng.random() < 0.35 else previous
    return below


def _facts(towers: Towers) -> list[Atom]:
    return [fact("on", b, u) if u else fact("on-table", b) for b, u in towers.items()]


def _solve(start: Towers, goal: Towers) -> list[PlanStep]:
    """Takes apart what is not yet in place, then builds from the bottom up."""
    steps: list[PlanStep] = []
    now = dict(start)

    def settled(block: str) -> bool:
        under = goal[block]
        return now[block] == under and (under is None or settled(under))

    waiting = [b for b in now if not settled(b)]
    while loose := [b for b in waiting if now[b] and b not in now.values()]:
        for block in loose:
            under = now[block]
            assert under is not None
            steps += [step("unstack", block, under), step("putdown", block)]
            now[block] = None
    while waiting := [b for b in now if not settled(b)]:
        for block in waiting:
            under = goal[block]
            if under is not None and settled(under):
                steps += [step("pickup", block), step("stack", block, under)]
                now[block] = under
    return steps
