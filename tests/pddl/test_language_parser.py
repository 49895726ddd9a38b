"""What the reader accepts, what it forgives and what it refuses, with the place."""

from __future__ import annotations

import pytest

from surefoot.core.errors import InputError
from surefoot.pddl.language import (
    Domain,
    Task,
    parse_domain,
    parse_plan,
    parse_problem,
    parse_task,
)
from surefoot.pddl.language.sexpr import MAX_DEPTH, SourceText
from surefoot.pddl.validator import validate

pytestmark = pytest.mark.quick

DOMAIN = """(define (domain d)
  (:requirements :typing)
  (:types thing place - object)
  (:predicates (at ?t - thing ?p - place) (ok))
  (:action go :parameters (?t - thing ?p - place)
    :precondition PRE
    :effect EFF))"""
PROBLEM = """(define (problem p) (:domain d)
  (:objects a b - thing x y - place)
  (:init (at a x)) (:goal GOAL))"""


def domain(pre: str = "()", eff: str = "(at ?t ?p)") -> str:
    return DOMAIN.replace("PRE", pre).replace("EFF", eff)


def task(pre: str = "()", eff: str = "(at ?t ?p)", goal: str = "(at a y)") -> Task:
    return parse_task(domain(pre, eff), PROBLEM.replace("GOAL", goal))


def outcome(made: Task, plan: str) -> str:
    return str(validate(made, parse_plan(plan)).status)


def refusal(text: str, of: Domain | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        _ = (
            parse_domain(SourceText(text, "d.pddl"))
            if of is None
            else parse_problem(SourceText(text, "p.pddl"), of)
        )
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("pre", "plan", "status"),
    [
        ("(at ?t x)", "(go a y)", "valid"),
        ("(at ?t x)", "(go b y)", "inapplicable"),
        ("(not (at ?t y))", "(go a y)", "valid"),
        ("(or (at ?t y) (at ?t x))", "(go a y)", "valid"),
        ("(or (at ?t y) (ok))", "(go a y)", "inapplicable"),
        ("(imply (ok) (at ?t y))", "(go a y)", "valid"),
        ("(not (= ?p x))", "(go a y)", "valid"),
        ("(= ?p x)", "(go a y)", "inapplicable"),
        ("(forall (?o - thing) (not (at ?o y)))", "(go a y)", "valid"),
        ("(forall (?o - thing) (at ?o x))", "(go a y)", "inapplicable"),
        ("(exists (?q - place) (at ?t ?q))", "(go a y)", "valid"),
        ("(exists (?q - place) (at b ?q))", "(go a y)", "inapplicable"),
        ("(not (exists (?q - place) (and (at b ?q) (ok))))", "(go a y)", "valid"),
    ],
)
def test_conditions(pre: str, plan: str, status: str) -> None:
    assert outcome(task(pre), plan) == status


@pytest.mark.parametrize(
    ("eff", "goal", "status"),
    [
        ("(and (at ?t ?p) (not (at ?t x)))", "(and (at a y) (not (at a x)))", "valid"),
        ("(and (at ?t ?p) (not (at ?t ?p)))", "(at a y)", "valid"),  # adding wins
        ("(when (at ?t x) (at ?t ?p))", "(at a y)", "valid"),
        ("(when (ok) (at ?t ?p))", "(at a y)", "goal_unmet"),
        ("(forall (?o - thing) (at ?o ?p))", "(at b y)", "valid"),
        ("(forall (?o - thing) (when (at ?o x) (at ?o ?p)))", "(at b y)", "goal_unmet"),
        ("(and (ok) (when (ok) (at ?t ?p)))", "(at a y)", "goal_unmet"),  # old state decides
    ],
)
def test_effects(eff: str, goal: str, status: str) -> None:
    assert outcome(task(eff=eff, goal=goal), "(go a y)") == status


def test_action_costs_add_up() -> None:
    text = """(define (domain d) (:types t) (:predicates (p ?x - t))
      (:functions (total-cost) - number (price ?x - t) - number)
      (:action buy :parameters (?x - t) :precondition ()
        :effect (and (p ?x) (increase (total-cost) (price ?x))))
      (:action gift :parameters (?x - t) :precondition () :effect (p ?x)))"""
    problem = """(define (problem q) (:domain d) (:objects a b - t)
      (:init (= (total-cost) 0) (= (price a) 2.5) (= (price b) 4)) (:goal (and (p a) (p b)))
      (:metric minimize (total-cost)))"""
    made = parse_task(text, problem)
    assert validate(made, parse_plan("(buy a)\n(buy b)")).cost == 6.5
    assert validate(made, parse_plan("(gift a)\n(gift b)")).cost == 0.0
    unit = parse_task(text, problem.replace("(:metric minimize (total-cost))", ""))
    assert validate(unit, parse_plan("(gift a)\n(gift b)")).cost == 2.0


def test_a_step_whose_cost_has_no_value_is_not_applicable() -> None:
    text = """(define (domain d) (:types t) (:predicates (p ?x - t))
      (:functions (total-cost) - number (price ?x - t) - number)
      (:action buy :parameters (?x - t) :effect (and (p ?x) (increase (total-cost) (price ?x)))))"""
    made = parse_task(
        text,
        "(define (problem q) (:domain d) (:objects a - t) (:init) (:goal (p a))"
        " (:metric minimize (total-cost)))",
    )
    verdict = validate(made, parse_plan("(buy a)"))
    assert verdict.first_error is not None
    assert "defined" in verdict.first_error.literals[0]


def test_either_in_parameters_and_objects() -> None:
    text = """(define (domain d) (:types car boat house - object)
      (:predicates (used ?v - (either car boat)))
      (:action use :parameters (?v - (either car boat)) :effect (used ?v)))"""
    problem = """(define (problem p) (:domain d) (:objects c - car s - boat h - house)
      (:init) (:goal (and (used c) (used s))))"""
    made = parse_task(text, problem)
    assert outcome(made, "(use c)\n(use s)") == "valid"
    assert outcome(made, "(use h)") == "malformed"


def test_forgives_what_real_files_contain() -> None:
    text = """(DEFINE (Domain Real) ; comments and CAPITALS
      (:types area - object depot - area area - surface)
      (:predicates (up ?x) (tool ?x))
      (:action UP :parameters (?x) :precondition (and (tool wrench)) :effect (up ?x)))"""
    problem = """(define (problem p) (:domain another-name) (:requirements :adl :fluents)
      (:objects wrench k - object) (:init (and (tool wrench) (tool wrench))) (:goal (UP K)))"""
    made = parse_task(text, problem)
    assert made.domain.is_subtype(("depot",), ("surface",))
    assert made.domain.free_names == {"wrench"}
    assert outcome(made, "(Up K)") == "valid"


REFUSED = [
    ("(:durative-action go :parameters ())", "durative", 2, 3),
    ("(:derived (p ?x) (q ?x))", "derived", 2, 3),
    ("(:constraints (always (ok)))", "trajectory constraints", 2, 3),
    ("(:process p)", "processes", 2, 3),
    ("(:requirements :timed-initial-literals)", "timed-initial-literals", 2, 18),
    ("(:functions (f) - object)", "object-valued functions", 2, 19),
    ("(:types a) (:types b)", "twice", 2, 14),
    ("(:nonsense)", "unknown section", 2, 3),
    ("(:predicates (p ?x - ghost))", "'ghost' is not declared", 2, 24),
    ("(:action a :parameters (?x) :precondition (p ?x))", "'p' is not declared", 2, 46),
    ("(:action a :parameters (?x ?x))", "declared twice", 2, 30),
    ("(:action a :pre ())", "unknown part ':pre'", 2, 14),
    ("(:predicates (p)) (:action a :effect (preference z (p)))", "preference", 2, 41),
]


@pytest.mark.parametrize(("section", "words", "line", "column"), REFUSED)
def test_refusals_name_the_place(section: str, words: str, line: int, column: int) -> None:
    error = refusal(f"(define (domain d)\n  {section})")
    assert words in str(error)
    assert (error.file, error.line, error.column) == ("d.pddl", line, column)


@pytest.mark.parametrize(
    ("pre", "eff", "words"),
    [
        ("(preference a (ok))", "(ok)", "preference"),
        ("(> (total-cost) 3)", "(ok)", "numeric"),
        ("()", "(assign (fuel) 3)", "numeric"),
        ("()", "(increase (fuel) 3)", "total-cost"),
        ("()", "(when (ok) (increase (total-cost) 1))", "inside 'when'"),
        ("(at ?t)", "(ok)", "takes 2 arguments, found 1"),
        ("(at ?p ?t)", "(ok)", "has type place"),
        ("(at ?q ?p)", "(ok)", "variable '?q'"),
        ("(att ?t ?p)", "(ok)", "did you mean 'at'"),
        ("(ok", "(ok)", ""),
    ],
)
def test_refuses_in_actions(pre: str, eff: str, words: str) -> None:
    error = refusal(domain(pre, eff))
    assert words in str(error)
    assert error.line is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("(at a x)", "(at a z)"), "'z' is not declared"),
        (("(at a x)", "(at x a)"), "has type place"),
        (("(:goal GOAL)", ""), "no :goal"),
        (("(at a x)", "(at 5 (ok))"), "timed initial literals"),
        (("GOAL", "(always (ok))"), "trajectory constraints"),
        (("(:goal GOAL)", "(:goal (ok)) (:metric maximize (total-cost))"), "metric"),
        (("a b - thing", "a b - thing a - place"), "declared twice"),
        (("(problem p)", "(domain p)"), "expected a problem, this file is a domain"),
    ],
)
def test_refuses_in_problems(change: tuple[str, str], words: str) -> None:
    text = PROBLEM.replace(*change).replace("GOAL", "(ok)")
    assert words in str(refusal(text, parse_domain(domain())))


def test_hostile_text_is_one_line() -> None:
    assert "deep" in str(refusal("(" * (MAX_DEPTH + 50)))
    assert "closed" in str(refusal("(define (domain d)")).lower()
    assert refusal("(define (domain d)))").column == 20
    assert refusal("").line is not None
    long_name = "x" * 3_000_000
    assert len(str(refusal(f"(define (domain d) (:{long_name}))"))) < 300


def test_binary_file(tmp_path) -> None:
    path = tmp_path / "d.pddl"
    path.write_bytes(bytes(range(256)) * 10)
    with pytest.raises(InputError, match="not a text file"):
        parse_domain(SourceText.from_file(path))
    with pytest.raises(InputError, match="cannot read"):
        SourceText.from_file(tmp_path / "absent.pddl")


def test_plan_files() -> None:
    plan = parse_plan("; found\n0.00: (Go A y) [1]\n\n  (go b y) ; cost\n")
    assert [str(s) for s in plan.steps] == ["(go a y)", "(go b y)"]
    with pytest.raises(InputError) as caught:
        parse_plan("(go a y)\n  go b", "my.plan")
    assert str(caught.value).startswith("my.plan:2:3:")
