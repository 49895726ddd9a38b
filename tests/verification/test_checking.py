"""Plans in worlds: known figures, timing, an independent interpreter, world files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import parse
from surefoot.verification.formulas.propositional import evaluate_boolean
from surefoot.verification.formulas.syntax import And, Formula, Not, Or, Prop, True_
from surefoot.verification.modelchecking.models import CheckStatus, check_model
from surefoot.verification.modelchecking.systems import TransitionSystem, from_callables
from surefoot.verification.modelchecking.witness import WitnessKind
from surefoot.verification.planchecking.baselines import always, any_action
from surefoot.verification.planchecking.checking import PlanChecker, check_plan
from surefoot.verification.planchecking.worldfile import free_world, load_world
from surefoot.verification.planchecking.worldmodel import WorldModel
from surefoot.verification.programs.loading import parse_program
from surefoot.verification.programs.statements import (
    Do,
    If,
    Mark,
    Program,
    Statement,
    WaitUntil,
    While,
)
from surefoot.verification.programs.vocabulary import vocabulary_of
from surefoot.verification.rules import Rule, RuleBook, Severity, Timing, load_rulebook
from tests.verification.systems_support import random_formula

BOOK = load_rulebook("driving")
WORLD = load_world("driving", BOOK)
FAIR = load_world("driving-fair", BOOK)
WORDS = vocabulary_of(BOOK, WORLD.phrases)
NOW, LATER = Timing.SENSE_THEN_ACT, Timing.DELAYED

GO_STRAIGHT = """while True:
    if green_light and not (pedestrian or opposite_car or car_from_left or car_from_right):
        if stop_sign:
            stop()
        else:
            go_straight()
    else:
        stop()
"""

IDEAL = """1. Wait until the light is green and there is no pedestrian and there is no oncoming car
   and there is no car from the left and there is no car from the right.
2. Go straight.
3. Stop.
4. Start over.
"""


def drive(text: str, form: str | None = None) -> Program:
    return parse_program(text, WORDS, form=form, idle="stop")


def failing(program: Program, world: WorldModel, timing: Timing) -> list[int]:
    verdict = check_plan(program, BOOK, world, timing=timing)
    return [i for i, v in enumerate(verdict.rules, 1) if not v.holds]


def test_known_figures_of_the_driving_rules() -> None:
    for timing in Timing:
        assert failing(always("stop"), WORLD, timing) == [10, 13]
        program, world = any_action(WORLD)
        assert failing(program, world, timing) == [1, 2, 3, 4, 5, *range(8, 16)]
    straight = drive(GO_STRAIGHT, "python")
    assert failing(straight, WORLD, NOW) == [10, 13]
    assert failing(straight, WORLD, LATER) == [3, 10, 13, 14]


def test_what_the_first_step_decides() -> None:
    # with a green light from the first step on for ever, a car that never moves breaks rule 7
    assert failing(always("stop"), free_world(BOOK), NOW) == [7, 10, 13]


def test_only_fairness_lets_a_controller_obey_all_rules() -> None:
    assert failing(drive(IDEAL), FAIR, NOW) == []
    assert failing(drive(IDEAL), WORLD, NOW) == [10, 13]
    assert failing(drive(IDEAL), FAIR, LATER) == [3, 14]
    assert failing(always("stop"), FAIR, NOW) == [10, 13]


def test_doing_nothing_leaves_rules_vacuous() -> None:
    verdict = check_plan(always("stop"), BOOK, WORLD)
    assert [v.rule.name for v in verdict.vacuous] == [
        "right-on-red-clear-left",
        "left-without-arrow-all-clear",
        "no-straight-into-pedestrian",
        "right-at-stop-sign-clear-left",
    ]
    assert verdict.vacuous[0].result.status is CheckStatus.VACUOUS


def test_a_plan_that_ends_is_judged_where_it_ends() -> None:
    once = check_plan(drive("turn_right()", "python"), BOOK, WORLD)
    stop_sign = next(v for v in once.rules if v.rule.name == "stop-without-green")
    witness = stop_sign.result.witness
    assert witness is not None
    assert witness.kind is WitnessKind.ENDED
    assert witness.lines() == ["1. sees nothing; does: turn right", "and there it ends"]


def test_witnesses_are_told_in_words() -> None:
    verdict = check_plan(drive(GO_STRAIGHT, "python"), BOOK, WORLD, timing=LATER)
    lines = {v.rule.name: v.result.witness.lines() for v in verdict.violated if v.result.witness}
    assert lines["no-straight-into-pedestrian"] == [
        "1. sees nothing; waits (stop)",
        "2. sees green light; does: stop",
        "3. sees pedestrian; does: go straight",
    ]
    assert lines["go-on-green"][0] == "1. sees nothing; waits (stop)"
    assert lines["go-on-green"][-1] == "then again from step 2, for ever"


# --- an independent product: a small-step interpreter on explicit states ---------------------

Stack = tuple[Statement, ...]


def holds(condition: Formula, facts: frozenset[str]) -> bool:
    return bool(evaluate_boolean(condition, lambda name: np.asarray(name in facts)))


def step(
    stack: Stack, facts: frozenset[str], idle: str
) -> tuple[tuple[str, ...] | None, Stack, bool]:
    """The actions of the next step (None at the end), what is left, and whether it looked."""
    looked = False
    for _ in range(50):
        if not stack:
            return None, (), looked
        first, rest = stack[0], stack[1:]
        looked |= isinstance(first, If | WaitUntil)
        looked |= isinstance(first, While) and first.condition != True_()
        match first:
            case Mark():
                stack = rest
            case Do(_, actions):
                return actions, rest, looked
            case WaitUntil(_, condition):
                if not holds(condition, facts):
                    return (idle,), stack, looked
                stack = rest
            case If(_, condition, then, otherwise):
                stack = (*(then if holds(condition, facts) else otherwise), *rest)
            case While(_, condition, body):
                if not holds(condition, facts):
                    stack = rest
                elif not body:
                    return (idle,), stack, looked
                else:
                    stack = (*body, *stack)
    return (idle,), stack, looked


def naive_product(
    program: Program, bits: tuple[str, ...], actions: tuple[str, ...], timing: Timing
) -> TransitionSystem:
    """States are (facts, actions of this step, what is left to do after it or 'done')."""
    worlds = [
        frozenset(n for n, v in zip(bits, row, strict=True) if v)
        for row in product((False, True), repeat=len(bits))
    ]
    idle = program.idle or ""
    start = "start"  # keeps the first step of a delayed plan apart

    def decide(stack: Stack, seen: frozenset[str], facts: frozenset[str]) -> tuple | None:
        taken, left, looked = step(stack, seen, idle)
        if taken is not None:
            return facts, taken, left
        return (facts, (idle,), "done") if looked and timing is NOW else None

    def nexts(state: tuple) -> Iterator[tuple | None]:
        facts, _, left, *_ = state
        for after in worlds if left != "done" else ():
            yield decide(left, after if timing is NOW else facts, after)

    return from_callables(
        [
            (w, (idle,), program.statements, start)
            if timing is LATER
            else decide(program.statements, w, w)
            for w in worlds
        ],
        lambda s: [n for n in nexts(s) if n is not None],
        lambda s: s[0] | set(s[1]),
        names=(*bits, *actions),
        final=lambda s: s[2] == "done" or any(n is None for n in nexts(s)),
    )


def random_program(rng: Random, bits: tuple[str, ...], actions: tuple[str, ...]) -> Program:
    def condition(depth: int = 2) -> Formula:
        if depth == 0 or rng.random() < 0.5:
            return Prop(rng.choice(bits))
        left = condition(depth - 1)
        return rng.choice(
            [Not(left), And((left, condition(depth - 1))), Or((left, condition(depth - 1)))]
        )

    def block(depth: int) -> tuple[Statement, ...]:
        return tuple(statement(depth) for _ in range(rng.randint(1, 2)))

    def statement(depth: int) -> Statement:
        kind = rng.choice(["do", "do", "wait", "if", "while"]) if depth else "do"
        if kind == "do":
            return Do(0, (rng.choice(actions),))
        if kind == "wait":
            return WaitUntil(0, condition())
        if kind == "if":
            return If(0, condition(), block(depth - 1), block(depth - 1) if depth > 1 else ())
        loop = True_() if rng.random() < 0.2 else condition()
        return While(0, loop, block(depth - 1) if rng.random() < 0.8 else ())

    return Program(block(3), "wait")


def test_products_against_an_interpreter() -> None:
    rng = Random(11)
    bits, actions = ("a", "b"), ("c", "d", "wait")
    world = WorldModel(bits, actions)
    outcomes = set()
    for _ in range(60):
        program = random_program(rng, bits, actions)
        formula = random_formula(rng, 2)
        for timing in Timing:
            expected = check_model(naive_product(program, bits, actions, timing), formula)
            found = (
                PlanChecker(program, world)
                .check(Rule("r", formula, "", Severity.LOW, timing))
                .result
            )
            assert found.holds == expected.holds, f"{formula}\n{program}"
            assert found.status == expected.status
            if found.witness is not None and expected.witness is not None:
                lassos = WitnessKind.LASSO in (found.witness.kind, expected.witness.kind)
                assert lassos or len(found.witness) == len(expected.witness)
                assert lassos or found.witness.kind == expected.witness.kind
            outcomes.add((timing, found.holds))
    assert len(outcomes) == 4


# --- worlds -----------------------------------------------------------------------------------


def book(*formulas: str, bits: str = "a b c", actions: str = "go rest") -> RuleBook:
    names = {n: n for n in (*bits.split(), *actions.split())}
    rules = tuple(Rule(f"r{i}", parse(f, names)) for i, f in enumerate(formulas))
    return RuleBook("small", rules, names, tuple(bits.split()), tuple(actions.split()))


def world_of(tmp_path: Path, text: str, rules: RuleBook) -> WorldModel:
    file = tmp_path / "w.yaml"
    file.write_text("name: w\n" + text)
    return load_world(file, rules)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("", ""),
        ("bits: {a: constant}", "0 1 2"),
        ("bits: {a: persistent}", "0 2"),
        ("bits: {a: {until: b}}", "2"),
        ("one_of: [[a, b, c]]", "3 4"),
        ("at_most_one: [[a, b]]", "3"),
        ("always: [a | b]", "4 5"),
        ("initial: {a: true}", "6 8"),
        ("changes: ['go -> X a']", "0 2 7 8"),
        ("fairness: [G F a]", "8"),
        ("bits: {a: {until: b}}\ninitial: {a: true}\nfairness: [G F b]", "2 6 8 9"),
    ],
)
def test_what_a_world_file_says(tmp_path: Path, text: str, held: str) -> None:
    rules = book(
        "G(a -> G a)",
        "G(!a -> G !a)",
        "G(a & !b -> X a)",
        "G !(a & b)",
        "G(a | b | c)",
        "G(a | b)",
        "a",
        "G(go -> X a)",
        "F a",
        "a U b",
    )
    verdict = check_plan(always("go"), rules, world_of(tmp_path, text, rules))
    assert [v.rule.name[1:] for v in verdict.rules if v.holds] == held.split()


def test_observations_that_do_not_matter_are_left_out() -> None:
    names = " ".join(f"x{i}" for i in range(40))
    rules = book("G(x3 -> F go)", "G(x3 & x7 -> go)", bits=names)
    verdict = check_plan(always("go"), rules, WorldModel(rules.observations, rules.actions))
    assert verdict.holds
    assert verdict.rules[0].product.system.states == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("initial: {d: true}", "no proposition 'd'"),
        ("always: [aa]", r"w.yaml:2: always: .*unknown proposition 'aa'"),
        ("always: [F a]", "must hold at one step; it looks further"),
        ("changes: ['X X a']", "must look one step ahead"),
        ("idle: sleep", "unknown action 'sleep'"),
        ("bits: {d: free}", "unknown observation 'd'"),
        ("bits: {a: often}", "bits.a"),
        ("colour: red", "colour: is not known"),
        ("always: [a & !a]", "no situation satisfies what the world says about every step"),
        ('initial: {a: true}\nalways: ["!a"]', "about the first step"),
        (
            "changes: ['a -> X !a', 'a -> X a']\ninitial: {a: true}",
            "nothing can follow in 1 of the model's states",
        ),
        ("fairness: [G F(a & !a)]", "no run of the model meets the fairness"),
        ("changes: ['a & !a']", "nothing can follow"),
    ],
)
def test_bad_worlds(tmp_path: Path, text: str, words: str) -> None:
    rules = book("G(a -> go)")
    with pytest.raises(InputError, match=words):
        check_plan(always("go"), rules, world_of(tmp_path, text, rules))


def test_state_explosion_is_refused_at_once() -> None:
    names = [f"x{i}" for i in range(14)]
    rules = book("G(x0 -> F go)", bits=" ".join(names))
    tied = WorldModel(rules.observations, rules.actions, always=(Or(tuple(map(Prop, names))),))
    with pytest.raises(InputError, match="14 observations are too many to check together"):
        check_plan(always("go"), rules, tied)
    twelve = WorldModel(
        rules.observations[:12], rules.actions, always=(Or(tuple(map(Prop, names[:12]))),)
    )
    with pytest.raises(InputError, match="have 4,095 situations; at most 2,048"):
        check_plan(always("go"), rules, twelve)
    long = Program(tuple(Do(i, ("go",)) for i in range(9_000)))
    wide = WorldModel(
        rules.observations[:8], rules.actions, always=(Or(tuple(map(Prop, names[:8]))),)
    )
    with pytest.raises(InputError, match="more than 6,000,000 transitions; shorten the plan"):
        check_plan(long, rules, wide)
    unknown = Program((If(0, Prop("z"), (Do(0, ("go",)),)),))
    with pytest.raises(InputError, match="the plan looks at 'z'"):
        check_plan(unknown, rules, twelve)
    with pytest.raises(InputError, match="takes 'fly', which is no action"):
        check_plan(always("fly"), rules, WorldModel(rules.observations, rules.actions))


def test_long_plans_are_checked() -> None:
    long = Program(tuple(Do(i, ("go",)) for i in range(5_000)))
    rules = book("G(a -> F go)", "F rest")
    verdict = check_plan(long, rules, WorldModel(rules.observations, rules.actions))
    assert [v.holds for v in verdict.rules] == [True, False]
    assert verdict.rules[1].result.witness is not None
    assert len(verdict.rules[1].result.witness) == 5_000
