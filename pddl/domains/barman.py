"""Barman: two hands mix cocktails in a shaker and serve them in shot glasses."""

from __future__ import annotations

from itertools import permutations
from random import Random
from typing import ClassVar

from surefoot.pddl.domains.base import DomainSpec, all_of, fact, numbered, step, typed
from surefoot.pddl.domains.text import PredicatePhrase
from surefoot.pddl.language import Plan, PlanStep, Problem

_LEVELS = ["l0", "l1", "l2"]


class Barman(DomainSpec):
    """One shaker of two portions, one spare glass; drinks are cocktails or plain ingredients."""

    name = "barman"
    summary = "A two-handed bartender mixes cocktails in a shaker and serves them in glasses."
    size_means = "number of drinks to serve"
    min_size = 1
    max_size = 20
    kinds: ClassVar = {
        "hand": "hands",
        "shot": "shot glasses",
        "shaker": "shakers",
        "container": "containers",
        "ingredient": "ingredients",
        "cocktail": "cocktails",
        "beverage": "beverages",
        "dispenser": "dispensers",
        "level": "levels",
    }
    phrases: ClassVar = {
        "dispenses": PredicatePhrase("{0} dispenses {1}", "{0} does not dispense {1}"),
        "cocktail-part1": PredicatePhrase(
            "the first part of {0} is {1}", "the first part of {0} is not {1}"
        ),
        "cocktail-part2": PredicatePhrase(
            "the second part of {0} is {1}", "the second part of {0} is not {1}"
        ),
        "next": PredicatePhrase(
            "the next level above {0} is {1}", "the next level above {0} is not {1}"
        ),
        "shaker-empty-level": PredicatePhrase(
            "the empty level of {0} is {1}", "the empty level of {0} is not {1}"
        ),
        "shaker-level": PredicatePhrase("{0} is at level {1}", "{0} is not at level {1}"),
        "handempty": PredicatePhrase(
            "hand {0} is empty", "hand {0} is not empty", "empty hands: {0}"
        ),
        "holding": PredicatePhrase("hand {0} holds {1}", "hand {0} does not hold {1}"),
        "ontable": PredicatePhrase(
            "{0} is on the table", "{0} is not on the table", "on the table: {0}"
        ),
        "clean": PredicatePhrase("{0} is clean", "{0} is not clean", "clean: {0}"),
        "empty": PredicatePhrase("{0} is empty", "{0} is not empty", "empty: {0}"),
        "contains": PredicatePhrase("{0} contains {1}", "{0} does not contain {1}"),
        "used": PredicatePhrase("{0} is marked used with {1}", "{0} is not marked used with {1}"),
        "unshaked": PredicatePhrase(
            "{0} is unshaken", "{0} is not marked unshaken", "unshaken: {0}"
        ),
        "shaked": PredicatePhrase("{0} is shaken", "{0} is not shaken", "shaken: {0}"),
    }

    def max_witness_steps(self, size: int) -> int:
        """Returns 14n: a cocktail takes 14 steps, a plain drink 3."""
        return 14 * size

    def build(self, size: int, rng: Random) -> tuple[Problem, Plan]:
        """Draws recipes and orders; the plan mixes one drink after the other."""
        shots = numbered("shot", size + 1)
        ingredients = numbered("ingredient", min(3 + size // 4, 6))
        pairs = list(permutations(ingredients, 2))
        recipes = dict(zip(numbered("cocktail", size), rng.sample(pairs, size), strict=False))
        orders = dict(zip(rng.sample(shots, size), rng.sample(list(recipes), size), strict=True))
        spare = next(s for s in shots if s not in orders)
        for glass in list(orders)[1:]:
            if rng.random() < 0.2:
                orders[glass] = rng.choice(ingredients)
        dispensers = dict(zip(ingredients, numbered("dispenser", len(ingredients)), strict=True))
        init = {
            fact("shaker-empty-level", "shaker1", "l0"),
            fact("shaker-level", "shaker1", "l0"),
            fact("next", "l0", "l1"),
            fact("next", "l1", "l2"),
            fact("handempty", "left"),
            fact("handempty", "right"),
        }
        for vessel in ("shaker1", *shots):
            init |= {fact("ontable", vessel), fact("clean", vessel), fact("empty", vessel)}
        init |= {fact("dispenses", d, i) for i, d in dispensers.items()}
        for cocktail, (first, second) in recipes.items():
            init |= {fact("cocktail-part1", cocktail, first)}
            init |= {fact("cocktail-part2", cocktail, second)}
        objects = (
            typed("shaker", ["shaker1"])
            + typed("hand", ["left", "right"])
            + typed("shot", shots)
            + typed("ingredient", ingredients)
            + typed("cocktail", recipes)
            + typed("dispenser", dispensers.values())
            + typed("level", _LEVELS)
        )
        goal = all_of(fact("contains", s, orders[s]) for s in shots if s in orders)
        steps: list[PlanStep] = []
        for glass, drink in orders.items():
            if drink in recipes:
                steps += _mix(drink, recipes[drink], glass, spare, dispensers)
            else:
                steps += [
                    step("grasp", "left", glass),
                    step("fill-shot", glass, drink, "left", "right", dispensers[drink]),
                    step("leave", "left", glass),
                ]
        return Problem("", "", objects, frozenset(init), goal), Plan(tuple(steps))


def _mix(
    cocktail: str, parts: tuple[str, str], glass: str, spare: str, dispensers: dict[str, str]
) -> list[PlanStep]:
    """Mixes one cocktail; shaker and spare glass are clean before and after."""
    first, second = parts
    return [
        step("grasp", "left", spare),
        step("fill-shot", spare, first, "left", "right", dispensers[first]),
        step("pour-shot-to-clean-shaker", spare, first, "shaker1", "left", "l0", "l1"),
        step("clean-shot", spare, first, "left", "right"),
        step("fill-shot", spare, second, "left", "right", dispensers[second]),
        step("pour-shot-to-used-shaker", spare, second, "shaker1", "left", "l1", "l2"),
        step("clean-shot", spare, second, "left", "right"),
        step("leave", "left", spare),
        step("grasp", "left", "shaker1"),
        step("shake", cocktail, first, second, "shaker1", "left", "right"),
        step("pour-shaker-to-shot", cocktail, glass, "left", "shaker1", "l2", "l1"),
        step("empty-shaker", "left", "shaker1", cocktail, "l1", "l0"),
        step("clean-shaker", "left", "right", "shaker1"),
        step("leave", "left", "shaker1"),
    ]
