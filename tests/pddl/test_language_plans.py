"""Plan files of common planners: what is read, in which order, and what is refused."""

from __future__ import annotations

from itertools import permutations

import pytest

from surefoot.core.errors import InputError
from surefoot.pddl.domains import get_domain
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, PlanStep, parse_plan, parse_task
from surefoot.pddl.language.sexpr import SourceText
from surefoot.pddl.parallel import dependent, read_plan
from surefoot.pddl.validator import validate

pytestmark = pytest.mark.quick

FF = """
ff: found legal plan as follows

step    0: PICK-UP B
        1: STACK B A


time spent:    0.00 seconds instantiating 8 easy, 0 hard action templates
               0.00 seconds reachability analysis, yielding 11 facts and 8 actions
               0.00 seconds total time
"""
FAST_DOWNWARD_LOG = """Solution found!
pick-up b (1)
stack b a (1)
[t=0.001s, 9964 KB] Plan length: 2 step(s).
[t=0.001s, 9964 KB] Plan cost: 2
"""
LPG = """; Version LPG-td-1.0
; MetricValue 2.00

0.0003:   (PICK-UP B) [1.0000]
1.0005:   (STACK B A) [D:1.00; C:0.10]
"""
FORMS = {
    "several on a line": "(pick-up b) (stack b a)",
    "without blanks": "(pick-up b)(stack b a)",
    "bare numbers": "1 (pick-up b)\n2 (stack b a)",
    "a list": "1. (pick-up b)\n2. (stack b a)",
    "a list of Markdown": "```pddl\n1. (pick-up b)\n1. (stack b a)\n```\n",
    "commas": "(pick-up b), (stack b a)",
    "bullets": "- (pick-up b)\n* (stack b a)\n",
    "a list in brackets": "1) pick-up b\n2) stack b a\n",
    "FF": FF,
    "Fast Downward's file": "(pick-up b)\n(stack b a)\n; cost = 2 (unit cost)\n",
    "Fast Downward's log": FAST_DOWNWARD_LOG,
    "integer times": "0: (pick-up b) [1]\n1: (stack b a) [1]",
    "times": "0.000: (pick-up b) [1.000]\n1.001: (stack b a) [1.000]",
    "times out of order": "10: (stack b a)\n9.5: (pick-up b)",
    "LPG": LPG,
    "Madagascar": "STEP 0: pick-up(b)\nSTEP 1: stack(b,a)\n",
    "byte-order mark, CRLF": "\ufeff(PICK-UP B)\r\n\r\n(Stack B A)\r\n",
    "old line ends": "(pick-up b)\r(stack b a)\r",
    "comments": "; a plan\n(pick-up b) ; first\n;\n( stack  b\ta )\n; (put-down b)",
}
WANTED = Plan((PlanStep("pick-up", ("b",)), PlanStep("stack", ("b", "a"))))


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_forms(text: str) -> None:
    assert parse_plan(text) == WANTED


BLOCKS = parse_task(
    get_domain("blocksworld").domain_text,
    """(define (problem p) (:domain blocksworld) (:objects a b - object)
    (:init (arm-empty) (on-table a) (on-table b) (clear a) (clear b)) (:goal (on b a)))""",
)


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_what_grading_reads_is_not_refused(text: str) -> None:
    """The actions are called pickup and stack in the built-in domain."""
    text = text.replace("PICK-UP", "PICKUP").replace("pick-up", "pickup")
    assert validate(BLOCKS, parse_plan(text)).valid
    assert read_plan(SourceText(text), GroundTask(BLOCKS)) == parse_plan(text)


def test_an_empty_file_is_an_empty_plan() -> None:
    assert parse_plan("; nothing to do\n\n") == Plan()


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("(go a)\n  go b", "2:3", "expected '(action object …)', found 'go b'"),
        ("(go a)\r\n\r\n (go (b))", "3:2", "expected"),
        ("(go a) then (go b)", "1:1", "expected"),
        ("(go a", "1:1", "expected"),
        ("()", "1:1", "expected"),
        ("No plan found.", "1:1", "expected"),
        ("(go a)\nThe goal is reached.", "2:1", "expected"),
        ("1: (go a)\n(go b)\n0: (go c)", "2:1", "no time stamp"),
        ("1. (go a)\n3. (go b)\n2. (go c)", "3:1", "step number 2 stands after 3"),
        ("1: (go b)\n0: (go a)\n1: (go c)", "1:1", "(go b) and (go c) have the same time stamp"),
        ("5:", "1:1", "expected"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(
    text: str, place: str, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        parse_plan(text, "my.plan")
    assert str(caught.value).startswith(f"my.plan:{place}: ")
    assert words in str(caught.value)


LAMPS = GroundTask(
    parse_task(
        """(define (domain lamps) (:predicates (on ?x) (whole ?x) (dark) (seen ?x))
        (:action light :parameters (?x) :precondition (whole ?x) :effect (on ?x))
        (:action break :parameters (?x) :effect (not (whole ?x)))
        (:action repair :parameters (?x) :effect (whole ?x))
        (:action hide :parameters () :precondition (not (on a)) :effect (dark))
        (:action look :parameters ()
          :effect (forall (?x) (when (on ?x) (seen ?x)))))""",
        "(define (problem p) (:domain lamps) (:objects a b) (:init (whole a)) (:goal (on a)))",
    )
)


@pytest.mark.parametrize(
    ("layer", "free"),
    [
        ("(light a) (light b)", True),
        ("(light a) (repair a)", True),  # it is whole already
        ("(light b) (repair b)", False),  # only one order works
        ("(light a) (break a)", False),
        ("(light a) (break b)", True),
        ("(break b) (repair b)", False),
        ("(light a) (hide)", False),
        ("(light b) (hide)", True),
        ("(light a) (look)", False),
        ("(break a) (look)", True),
        ("(light a) (light a)", True),
        ("(light b) (break a) (look) (repair b)", False),
        ("(light z) (break a) (hide)", True),  # an unknown object fails in any order
    ],
)
def test_steps_at_the_same_time(layer: str, free: bool) -> None:
    text = SourceText(f"0: {layer}", "my.plan")
    if not free:
        with pytest.raises(InputError, match="their order matters"):
            read_plan(text, LAMPS)
        return
    plan = read_plan(text, LAMPS)
    assert " ".join(map(str, plan.steps)) == layer
    ends = {validate(LAMPS, Plan(order)).valid for order in permutations(plan.steps)}
    assert len(ends) == 1


def test_free_steps_reach_one_state_in_any_order() -> None:
    names = ["(light a)", "(light b)", "(break a)", "(break b)", "(repair a)", "(hide)", "(look)"]
    free = 0
    for trio in permutations(names, 3):
        actions = [LAMPS.ground(parse_plan(text).steps[0]) for text in trio]
        if dependent(actions, set(LAMPS.initial)) is not None:
            continue
        free += 1
        ends = set()
        for order in permutations(actions):
            state = set(LAMPS.initial)
            ran = []
            for action in order:
                ran.append((str(action.step), action.applicable(state)))
                action.apply(state)
            ends.add((frozenset(state), frozenset(ran)))
        assert len(ends) == 1
    assert free > 20


def test_later_layers_start_from_the_state_before_them() -> None:
    text = SourceText("0: (repair b)\n1: (light b)\n1: (light a)\n1: (repair b)", "p")
    assert [str(s) for s in read_plan(text, LAMPS).steps[1:]] == [
        "(light b)",
        "(light a)",
        "(repair b)",
    ]


def test_stamps_in_order_may_be_missing() -> None:
    steps = parse_plan("0: (a)\n(b) (c)\n1: (d)").steps
    assert [step.action for step in steps] == ["a", "b", "c", "d"]
