"""Describing conditions that the generators never draw, and refusing what cannot be described."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefoot.core.errors import InputError
from surefoot.pddl.domains import get_domain
from surefoot.pddl.domains.text import listing, natural_key
from surefoot.pddl.language import Atom, Conjunction, Problem, TypedName, parse_problem

BLOCKS = get_domain("blocksworld")


def blocks_problem(goal: str) -> Problem:
    text = (
        "(define (problem p) (:domain blocksworld) (:objects a b)"
        "(:init (arm-empty) (on-table a) (on b a) (clear b))"
        f"(:goal {goal}))"
    )
    return parse_problem(text, BLOCKS.domain)


@pytest.mark.parametrize(
    ("goal", "told"),
    [
        ("(on a b)", "- a is on b."),
        ("(not (on a b))", "- a is not on b."),
        ("(not (arm-empty))", "- The arm is not empty."),
        (
            "(or (on a b) (holding a))",
            "- at least one of these holds: (a is on b) or (the arm holds a).",
        ),
        ("(imply (on a b) (clear a))", "- if (a is on b), then (a is clear)."),
        (
            "(forall (?x) (on-table ?x))",
            "- for every choice of ?x among the blocks: ?x is on the table.",
        ),
        (
            "(exists (?x ?y) (and (on ?x ?y) (not (= ?x a))))",
            "- for some choice of ?x among the blocks and ?y among the blocks: "
            "(?x is on ?y) and (?x is not the same object as a).",
        ),
        (
            "(not (or (clear a) (clear b)))",
            "- it is not true that (at least one of these holds: (a is clear) or (b is clear)).",
        ),
        ("(and)", "- Nothing is demanded."),
        ("(= a a)", "- a is the same object as a."),
        ("(or)", "- the impossible is demanded."),
        (
            "(or (and) (clear a))",
            "- at least one of these holds: (nothing is demanded) or (a is clear).",
        ),
    ],
)
def test_every_condition_is_told(goal: str, told: str) -> None:
    text = BLOCKS.describe_problem(blocks_problem(goal))
    assert told in text.split("this must hold:\n")[1].splitlines()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"init": frozenset({Atom("lit", ("a",))})}, "the domain has no predicate 'lit'"),
        ({"init": frozenset({Atom("on", ("a",))})}, r"\(on a\) must have 2 arguments"),
        ({"init": frozenset({Atom("clear", ("z",))})}, "names 'z', which is no object"),
        ({"goal": Atom("clear", ("z",))}, "names 'z', which is no object"),
        ({"goal": Conjunction((Atom("near", ("a", "b")),))}, "the domain has no predicate 'near'"),
        ({"objects": (TypedName("a", ("cube",)),)}, "'a' has the unknown type 'cube'"),
        ({"minimize_cost": True}, "the actions have no costs"),
        ({"init_values": {Atom("fuel"): 3.0}}, r"its start sets \(fuel\) to 3"),
    ],
)
def test_what_cannot_be_told_is_refused(change: dict[str, object], message: str) -> None:
    problem = replace(blocks_problem("(on a b)"), **change)  # type: ignore[arg-type]
    with pytest.raises(
        InputError, match=f"cannot describe problem 'p' as blocksworld: .*{message}"
    ):
        BLOCKS.describe_problem(problem)


def test_another_domains_problem_is_refused() -> None:
    problem = get_domain("barman").generate(1, 0).task.problem
    with pytest.raises(InputError, match="unknown type"):
        BLOCKS.describe_problem(problem)


def test_names_are_listed_in_reading_order() -> None:
    assert sorted(["b10", "b2", "a", "2"], key=natural_key) == ["2", "a", "b2", "b10"]
    assert listing([]) == ""
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"], "or") == "a, b or c"
