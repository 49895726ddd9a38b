"""Explanations and repairs; every repair is checked on the independent product, too."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import parse
from surefoot.verification.modelchecking.models import CheckStatus, ModelChecker, check_model
from surefoot.verification.modelchecking.systems import from_arrays
from surefoot.verification.modelchecking.vacuity import vacuous_parts
from surefoot.verification.modelchecking.witness import WitnessKind, witness_of
from surefoot.verification.modelchecking.witness_svg import draw_witness
from surefoot.verification.planchecking.baselines import always
from surefoot.verification.planchecking.checking import check_plan
from surefoot.verification.planchecking.dangers import opposite, separating
from surefoot.verification.planchecking.feedback import RuleFeedback, explain, repair_prompt
from surefoot.verification.planchecking.worldmodel import WorldModel, constant
from surefoot.verification.programs.loading import parse_program
from surefoot.verification.programs.statements import Program
from surefoot.verification.programs.vocabulary import PlanVocabulary
from surefoot.verification.rules import Rule, RuleBook, Severity, Timing
from tests.verification.test_checking import naive_product

pytestmark = pytest.mark.quick

BITS, ACTIONS = ("ped", "green", "car"), ("go", "turn", "wait")
WORDS = PlanVocabulary(BITS, ACTIONS)
WORLD = WorldModel(BITS, ACTIONS, idle="wait")
NOW, LATER = Timing.SENSE_THEN_ACT, Timing.DELAYED


def rule(formula: str, severity: Severity = Severity.HIGH, name: str = "r") -> Rule:
    return Rule(name, parse(formula, (*BITS, *ACTIONS)), "Do as you should.", severity)


def plan(text: str) -> Program:
    return parse_program(text, WORDS, form="python", idle="wait")


def feedback(
    text: str, *rules: Rule, world: WorldModel = WORLD, timing: Timing = NOW
) -> tuple[RuleFeedback, ...]:
    names = {n: n for n in (*BITS, *ACTIONS)}
    book = RuleBook("small", rules, names, BITS, ACTIONS)
    program = plan(text)
    return explain(program, world, check_plan(program, book, world, timing=timing), timing=timing)


REPAIRED = [
    ("turn()", "G(turn -> !ped)", "before 'turn', wait until no ped"),
    ("while True:\n    go()", "G(go -> green)", "before 'go', wait until green"),
    (
        "while True:\n    if green:\n        go()\n    else:\n        turn()\n",
        "G(turn -> !ped & !car)",
        "before 'turn', wait until no ped and no car",
    ),
    ("go()\nturn()\ngo()", "G(go | turn -> !ped)", None),
    ("turn()", "G(turn -> ped | car)", None),
    ("go()", "F turn", "at the end, add 'turn'"),
    ("go()", "G(ped -> F turn)", "at the end, add 'turn'"),
    ("while True:\n    go()", "G F turn", "at the end of each round of the last loop, add 'turn'"),
    ("while True:\n    go()", "G(ped -> F turn)", "before 'go', check: if ped: turn"),
    ("if ped:\n    go()\nelse:\n    wait()", "G(go -> !ped)", None),
    ("wait_until(green)\ngo()", "G(go -> !car)", "before 'go', wait until no car"),
]


@pytest.mark.parametrize(("text", "formula", "words"), REPAIRED)
def test_repairs_make_the_rule_hold(text: str, formula: str, words: str | None) -> None:
    (item,) = feedback(text, rule(formula))
    assert item.repair is not None
    if words is not None:
        assert item.repair.edits == (words,)
        assert f"Suggestion: {words}." in item.text
    before = naive_product(plan(text), BITS, ACTIONS, NOW)
    after = naive_product(item.repair.program, BITS, ACTIONS, NOW)
    assert not check_model(before, parse(formula)).holds
    assert check_model(after, parse(formula)).holds


def test_several_guards_where_one_is_not_enough() -> None:
    (item,) = feedback("go()\nturn()", rule("G(go | turn -> !ped)"))
    assert item.repair is not None
    assert item.repair.edits == (
        "before 'go', wait until no ped",
        "before 'turn', wait until no ped",
    )


def test_what_was_seen_a_step_earlier_may_have_changed() -> None:
    free = feedback("turn()", rule("G(turn -> !ped)"), timing=LATER)[0]
    assert free.repair is None
    assert "actions answer what was seen one step earlier" in free.text
    kept = WorldModel(BITS, ACTIONS, idle="wait", changes=(constant("ped"),))
    (item,) = feedback("turn()", rule("G(turn -> !ped)"), world=kept, timing=LATER)
    assert item.repair is not None
    assert item.repair.edits == ("before 'turn', wait until no ped",)


def test_a_delayed_guard_looks_at_what_announces_the_danger() -> None:
    warned = WorldModel(BITS, ACTIONS, idle="wait", changes=(parse("car <-> X ped"),))
    (item,) = feedback("turn()", rule("G(turn -> !ped)"), world=warned, timing=LATER)
    assert item.repair is not None
    assert item.repair.edits == ("before 'turn', wait until no car",)


def test_a_repair_breaks_no_rule_that_is_as_severe() -> None:
    stop = rule("G(go -> !ped)", Severity.HIGH, "careful")
    (item,) = feedback("go()", stop, rule("!wait & X 0", Severity.HIGH, "swift"))
    assert item.repair is not None
    assert item.repair.edits == ("before 'go', check: if ped: turn",)
    (item,) = feedback("go()", stop, rule("go", Severity.MEDIUM, "bold"))
    assert item.repair is not None
    assert item.repair.breaks == ("bold",)
    assert "but 'bold' no longer" in item.text
    (item,) = feedback("go()", stop, rule("go", Severity.CRITICAL, "bold"))
    assert item.repair is None
    assert "No single check or added action mends it; change the plan." in item.text


def test_text_for_a_prompt() -> None:
    text = "while True:\n    if green:\n        turn()\n    else:\n        wait()\n"
    items = feedback(text, rule("G(turn -> !ped)", Severity.CRITICAL, "look first"))
    assert repair_prompt(plan(text), items).splitlines() == [
        "The plan was read as:",
        "",
        "while always:",
        "    if green:",
        "        turn",
        "    otherwise:",
        "        wait",
        "",
        "It breaks 1 rule:",
        "",
        "Rule 'look first' (critical) is broken.",
        "It says: Do as you should.",
        "The shortest way to break it:",
        "  1. sees ped, green; does: turn",
        "At step 1 the plan does 'turn' (line 3 of the plan) (seen: ped); that breaks the rule.",
        "Suggestion: before 'turn', wait until no ped.",
        "With that the rule holds in every run, and no rule that held is broken.",
        "",
        "Write the whole plan again so that these rules hold, and keep to its form.",
    ]
    assert (items[0].step, items[0].line, items[0].facts) == (1, 3, ("ped", "green", "turn"))


def test_conditions_that_tell_situations_apart() -> None:
    rng = np.random.default_rng(1)
    names = ("a", "b", "c", "d")
    for _ in range(200):
        dangerous = rng.random((rng.integers(1, 9), 4)) < 0.5
        harmless = rng.random((rng.integers(0, 9), 4)) < 0.5
        condition = separating(names, dangerous, harmless, first=("d",))
        known = {tuple(row) for row in dangerous.tolist()}
        for row in dangerous.tolist():
            assert true_in(condition, names, row)
            assert not true_in(opposite(condition), names, row)
        for row in harmless.tolist():
            if tuple(row) not in known:
                assert not true_in(condition, names, row)
                assert true_in(opposite(condition), names, row)


def true_in(condition: object, names: tuple[str, ...], row: list[bool]) -> bool:
    from surefoot.verification.formulas.propositional import evaluate_boolean

    values = dict(zip(names, map(np.asarray, row), strict=True))
    return bool(evaluate_boolean(condition, values.__getitem__))  # type: ignore[arg-type]


def test_vacuous_parts() -> None:
    labels = np.array([[0, 1], [0, 0]], bool)
    system = from_arrays(("a", "b"), labels, np.array([0, 1]), np.array([1, 0]), [0])
    checker = ModelChecker(system)
    never = vacuous_parts(checker, parse("G(a -> X b)"))
    assert [(str(v.part), str(v.stronger)) for v in never] == [("X b", "G(a -> 0)")]
    anyway = vacuous_parts(checker, parse("G(!a -> F b)"))
    assert [(str(v.part), str(v.stronger)) for v in anyway] == [("!a", "G(1 -> F b)")]
    assert vacuous_parts(checker, parse("G(b -> X !b)")) == ()
    assert vacuous_parts(checker, parse("G(a <-> 0)")) == ()
    assert checker.check(parse("G(a -> X b)")).status is CheckStatus.VACUOUS


def test_a_drawing_shows_every_step() -> None:
    system = from_arrays(
        ("ped", "go"), np.array([[1, 0], [0, 1]], bool), np.array([0, 1]), np.array([1, 1]), [0]
    )
    lasso = witness_of(system, WitnessKind.LASSO, [0], [1], shortest=True)
    svg = draw_witness(lasso, title="a < b", observations=["ped"], actions=["go"])
    root = ElementTree.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    filled = [c for c in root.iter(f"{space}circle") if c.get("class") == "on"]
    acts = [r for r in root.iter(f"{space}rect") if r.get("class") == "act"]
    assert (len(filled), len(acts)) == (1, 1)
    assert "these steps repeat for ever" in svg
    assert "a &lt; b" in svg
    long = witness_of(system, WitnessKind.PREFIX, [0] + [1] * 99, shortest=True)
    assert svg_numbers(draw_witness(long, title="long")) == [str(i) for i in range(41, 101)]
    assert "here the rule is broken" in draw_witness(long, title="long")
    ended = witness_of(system, WitnessKind.ENDED, [0], shortest=True)
    assert "the plan ends here" in draw_witness(ended, title="t")
    around = witness_of(system, WitnessKind.LASSO, [0], [1] * 61, shortest=True)
    with pytest.raises(InputError, match="at most 60"):
        draw_witness(around, title="t")


def svg_numbers(svg: str) -> list[str]:
    texts = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [t.text or "" for t in texts if t.get("class") == "middle note"]


def test_rules_that_hold_have_no_feedback() -> None:
    assert feedback("go()", rule("F go")) == ()
    assert always("go").statements
