"""PDDL as published suites write it: glued words, stray types, contradictions."""

from __future__ import annotations

import pytest

from surefoot.core.errors import InputError
from surefoot.pddl.language import (
    Atom,
    Plan,
    PlanStep,
    Task,
    UnsupportedPddlError,
    parse_domain,
    parse_plan,
    parse_task,
    write_domain,
    write_problem,
)
from surefoot.pddl.language.sexpr import SourceText
from surefoot.pddl.reference.compute import without_planner
from surefoot.pddl.validator import validate

from .up_oracle import Oracle

pytestmark = pytest.mark.quick

ZENO = """(define (domain zeno-travel)
(:requirements :typing)
(:types aircraft person -locatable city flevel - object locatable -object)
(:predicates (at ?x - (either person aircraft) ?c -city) (in ?p - person ?a - aircraft)
             (fuel-level ?a -aircraft ?l - flevel) (next ?l1?l2 - flevel))
(:action board :parameters (?p - person ?a - aircraft?c - city)
 :precondition (and (at?p?c)(at ?a?c))
 :effect (and (not(at?p ?c))(in?p ?a)))
(:action debark :parameters (?p -person ?a -aircraft ?c -city)
 :precondition (and (in?p ?a) (at ?a ?c))
 :effect (and (not(in ?p?a))(at ?p ?c)))
(:action fly :parameters (?a - aircraft ?c1?c2 -city ?l1 ?l2 - flevel)
 :precondition (and (at ?a ?c1)(fuel-level ?a?l1)(next ?l2?l1))
 :effect (and (not (at?a ?c1))(at ?a?c2)(not (fuel-level ?a ?l1))(fuel-level?a?l2))))"""
ZENO_PROBLEM = """(define (problem z) (:domain zeno-travel)
(:objects plane1 -aircraft bob -person c0 c1 -city f0 f1 -flevel)
(:init (at plane1 c0)(at bob c0)(fuel-level plane1 f1)(next f0 f1))
(:goal (and(at bob c1))))"""

COSTS = """(define (domain d) (:requirements :strips :action-costs) (:predicates (p) (q))
(:functions (total-cost) - number)
(:action a :parameters () :precondition (p) :effect (and (q) (increase (total-cost) 2))))"""


def costly(init: str, goal: str = "(q)") -> Task:
    return parse_task(
        COSTS,
        f"(define (problem x) (:domain d) (:init {init}) (:goal {goal})"
        " (:metric minimize (total-cost)))",
    )


def refused(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        parse_domain(SourceText(text, "d.pddl"))
    assert "\n" not in str(caught.value)
    return caught.value


def test_words_without_blanks_between() -> None:
    task = parse_task(ZENO, ZENO_PROBLEM)
    fly = task.domain.actions["fly"]
    assert [p.name for p in fly.parameters] == ["?a", "?c1", "?c2", "?l1", "?l2"]
    assert fly.parameters[2].types == ("city",)
    assert task.domain.types["person"] == ("locatable",)
    assert task.warnings == ()
    plan = parse_plan("(board bob plane1 c0)\n(fly plane1 c0 c1 f1 f0)\n(debark bob plane1 c1)")
    assert validate(task, plan).valid
    assert parse_task(write_domain(task.domain), write_problem(task.problem)) == Task(
        task.domain, task.problem
    )
    plain = ZENO.replace("(either person aircraft)", "locatable")  # the oracle knows no 'either'
    assert Oracle.of(parse_task(plain, ZENO_PROBLEM)).judge(plan).valid


def test_a_type_without_names_is_a_warning() -> None:
    task = parse_task(
        "(define (domain d) (:types t) (:predicates (p ?x - t)))",
        "(define (problem x) (:domain d)\n (:objects - t a - t) (:init) (:goal (p a)))",
    )
    assert task.objects == {"a": ("t",)}
    assert len(task.warnings) == 1
    assert task.warnings[0].startswith("<problem>:2:12: ")
    domain = parse_domain("(define (domain d) (:types t - object object - t))")
    assert "parent is ignored" in domain.warnings[0]


@pytest.mark.parametrize(
    ("types", "words"),
    [
        ("a - b b - c c - a", "type 'a' lies below itself: a - b - c - a"),
        ("a - a", "type 'a' lies below itself: a - a"),
        ("x - (either a b) a - c c - x", "lies below itself"),
        (" ".join(f"t{i} - t{i + 1}" for i in range(3000)) + " t3000 - t0", "lies below itself"),
    ],
)
def test_types_in_a_circle_are_refused(types: str, words: str) -> None:
    error = refused(f"(define (domain d)\n (:types {types}))")
    assert words in str(error)
    assert error.line == 2


def test_deep_and_shared_types_are_no_circle() -> None:
    chain = " ".join(f"t{i} - t{i + 1}" for i in range(2000))
    assert parse_domain(f"(define (domain d) (:types {chain}))").is_subtype(("t0",), ("t2000",))
    parse_domain("(define (domain d) (:types a - b a - c b c - e))")


@pytest.mark.parametrize("name", ["and", "or", "not", "imply", "forall", "exists", "when"])
def test_a_keyword_names_no_predicate(name: str) -> None:
    error = refused(f"(define (domain d)\n (:predicates (p) ({name} ?x)))")
    assert f"'{name}' is a word of PDDL and cannot name a predicate" in str(error)
    assert (error.line, error.column) == (2, 19)


def test_equality_may_be_declared() -> None:
    assert parse_domain("(define (domain d) (:predicates (= ?x ?y)))").name == "d"


@pytest.mark.parametrize(
    ("init", "words"),
    [
        ("(p) (not (p))", "(p) is both true and false"),
        ("(not (p)) (p)", "(p) is both true and false"),
        ("(not (not (p)))", "only single facts"),
        ("(= (total-cost) 0) (= (total-cost) 5)", "two values at the start: 0 and 5"),
    ],
)
def test_contradictions_at_the_start_are_refused(init: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        costly(init)
    assert words in str(caught.value)


def test_repetition_and_denial_at_the_start_are_not() -> None:
    task = costly("(p) (p) (not (q)) (= (total-cost) 3) (= (total-cost) 3)")
    assert task.problem.init == {Atom("p")}


@pytest.mark.parametrize("start", [0, 5, 2.5])
def test_the_initial_cost_counts_as_with_unified_planning(start: float) -> None:
    task = costly(f"(p) (= (total-cost) {start})")
    plan = Plan((PlanStep("a"),))
    assert validate(task, plan).cost == start + 2
    oracle = Oracle.of(task)
    assert oracle.cost(plan) == start + 2
    done = without_planner(costly(f"(q) (= (total-cost) {start})"))
    assert done is not None
    assert (done.lower, done.upper) == (start, start)


def test_the_initial_cost_without_a_metric_does_not_count() -> None:
    problem = "(define (problem x) (:domain d) (:init (p) (= (total-cost) 5)) (:goal (q)))"
    assert validate(parse_task(COSTS, problem), Plan((PlanStep("a"),))).cost == 1


@pytest.mark.parametrize(
    "section",
    [
        "(:durative-action a)",
        "(:requirements :timed-initial-literals)",
        "(:functions (f)) (:action a :precondition (> (f) 1))",
        "(:functions (f)) (:action a :effect (decrease (f) 1))",
    ],
)
def test_what_is_not_covered_has_its_own_error(section: str) -> None:
    error = refused(f"(define (domain d) {section})")
    assert isinstance(error, UnsupportedPddlError)
    assert "unsupported" in error.message
    assert not isinstance(refused("(define (domain d) (:nonsense))"), UnsupportedPddlError)
