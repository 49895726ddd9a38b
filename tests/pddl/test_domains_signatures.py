"""Storage and termes keep the signatures of the competition files; phrases stay distinct."""

from __future__ import annotations

from itertools import combinations

import pytest

from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.language import Plan, PlanStep, Task, parse_problem
from surefoot.pddl.validator import validate

ACTIONS = {
    "storage": {
        "lift": "?h hoist ?c crate ?a1 storearea ?a2 area ?p place",
        "drop": "?h hoist ?c crate ?a1 storearea ?a2 area ?p place",
        "move": "?h hoist ?from storearea ?to storearea",
        "go-out": "?h hoist ?from storearea ?to transitarea",
        "go-in": "?h hoist ?from transitarea ?to storearea",
    },
    "termes": {
        "move": "?from position ?to position ?h numb",
        "move-up": "?from position ?hfrom numb ?to position ?hto numb",
        "move-down": "?from position ?hfrom numb ?to position ?hto numb",
        "place-block": "?rpos position ?bpos position ?hbefore numb ?hafter numb",
        "remove-block": "?rpos position ?bpos position ?hbefore numb ?hafter numb",
        "create-block": "?p position",
        "destroy-block": "?p position",
    },
}
PREDICATES = {
    "storage": {
        "clear": 1,
        "in": 2,
        "available": 1,
        "lifting": 2,
        "at": 2,
        "on": 2,
        "connected": 2,
        "compatible": 2,
    },
    "termes": {"height": 2, "at": 1, "has-block": 0, "succ": 2, "neighbor": 2, "is-depot": 1},
}

STORAGE = """
(define (problem two-places) (:domain Storage-Propositional)
  (:objects shed-1-1 shed-1-2 box-0-0 - storearea h0 - hoist c0 c1 - crate
            box0 - container shed - depot yard - transitarea)
  (:init (connected shed-1-1 shed-1-2) (connected shed-1-2 shed-1-1)
         (connected shed-1-1 yard) (connected yard shed-1-1)
         (connected box-0-0 yard) (connected yard box-0-0)
         (in shed-1-1 shed) (in shed-1-2 shed) (in box-0-0 box0)
         (on c0 box-0-0) (in c0 box0) (on c1 shed-1-2) (in c1 shed)
         (clear shed-1-1) (at h0 yard) (available h0) (compatible c0 c1))
  (:goal (and (in c0 shed))))
"""
TERMES = """
(define (problem one-block) (:domain termes)
  (:objects n0 - numb n1 - numb pos-0-0 - position pos-0-1 - position)
  (:init (height pos-0-0 n0) (height pos-0-1 n0) (at pos-0-0) (SUCC n1 n0)
         (NEIGHBOR pos-0-0 pos-0-1) (NEIGHBOR pos-0-1 pos-0-0) (IS-DEPOT pos-0-0))
  (:goal (and (height pos-0-0 n0) (height pos-0-1 n1) (not (has-block)))))
"""
PLANS = {
    "storage": (STORAGE, "lift h0 c0 box-0-0 yard box0,drop h0 c0 shed-1-1 yard shed"),
    "termes": (TERMES, "create-block pos-0-0,place-block pos-0-0 pos-0-1 n0 n1"),
}


@pytest.mark.parametrize("name", ["storage", "termes"])
def test_signatures(name: str) -> None:
    domain = get_domain(name).domain
    assert {n: len(p.parameters) for n, p in domain.predicates.items()} == PREDICATES[name]
    assert {
        n: " ".join(f"{p.name} {p.types[0]}" for p in a.parameters)
        for n, a in domain.actions.items()
    } == ACTIONS[name]


@pytest.mark.parametrize("name", ["storage", "termes"])
def test_problems_in_competition_style(name: str) -> None:
    spec = get_domain(name)
    text, lines = PLANS[name]
    task = Task(spec.domain, parse_problem(text, spec.domain))
    steps = [line.split() for line in lines.split(",")]
    plan = Plan(tuple(PlanStep(head, tuple(args)) for head, *args in steps))
    assert validate(task, plan).valid
    told = spec.describe_problem(task.problem)
    for item in task.objects:
        assert item in told


@pytest.mark.parametrize("name", list_domains())
def test_no_two_predicates_read_alike(name: str) -> None:
    """The same words may stand for two predicates only if no object fits both."""
    spec = get_domain(name)
    domain = spec.domain
    for (a, left), (b, right) in combinations(spec.phrases.items(), 2):
        if left.fact == right.fact:
            first, second = (domain.predicates[p].parameters[0].types for p in (a, b))
            assert not domain.is_subtype(first, second), (a, b)
            assert not domain.is_subtype(second, first), (a, b)
