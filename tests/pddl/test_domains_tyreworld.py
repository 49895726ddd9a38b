"""Tyreworld's closed form holds for the standard problem only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.language import Atom, Conjunction, Problem, TypedName

SPEC = get_domain("tyreworld")


def problem() -> Problem:
    return SPEC.generate(3, 5).task.problem


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_closed_form_equals_the_witness(size: int) -> None:
    instance = SPEC.generate(size, 11)
    assert SPEC.optimal_cost(instance.task.problem) == 11 * size + 8 == len(instance.witness)


def test_every_missing_fact_breaks_the_standard_structure() -> None:
    standard = problem()
    assert isinstance(standard.goal, Conjunction)
    for atom in standard.init:
        assert SPEC.optimal_cost(replace(standard, init=standard.init - {atom})) is None
    for part in standard.goal.children:
        rest = Conjunction(tuple(p for p in standard.goal.children if p != part))
        assert SPEC.optimal_cost(replace(standard, goal=rest)) is None


def test_additions_break_the_standard_structure() -> None:
    standard = problem()
    assert isinstance(standard.goal, Conjunction)
    boot, wheel = TypedName("trunk", ("container",)), TypedName("wheel99", ("wheel",))
    spare = next(a.args[0] for a in standard.init if a.predicate == "intact")
    changed = [
        replace(standard, init=standard.init | {Atom("inflated", (spare,))}),
        replace(standard, init=standard.init | {Atom("have", ("pump",))}),
        replace(standard, objects=(*standard.objects, boot)),
        replace(standard, objects=(*standard.objects, wheel)),
        replace(
            standard, goal=Conjunction((*standard.goal.children, Atom("in", ("nut1", "boot"))))
        ),
        replace(standard, goal=standard.goal.children[0]),
        replace(standard, minimize_cost=True),
        replace(standard, init=frozenset(), goal=Conjunction()),
    ]
    assert [SPEC.optimal_cost(p) for p in changed] == [None] * len(changed)


def test_swapped_nuts_break_the_standard_structure() -> None:
    standard = problem()
    assert isinstance(standard.goal, Conjunction)
    swap = {"nut1": "nut2", "nut2": "nut1"}
    goal = Conjunction(
        tuple(
            Atom(p.predicate, tuple(swap.get(a, a) for a in p.args))
            for p in standard.goal.children
            if isinstance(p, Atom)
        )
    )
    assert SPEC.optimal_cost(replace(standard, goal=goal)) is None


def test_other_domains_have_no_closed_form() -> None:
    for name in set(list_domains()) - {"tyreworld"}:
        spec = get_domain(name)
        assert spec.optimal_cost(spec.generate(spec.min_size, 0).task.problem) is None
