"""Patterns and PDDL 3 constraints against what they say, stretch by stretch of the trace."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from random import Random

import pytest

from surefoot.core.errors import InputError
from surefoot.verification.formulas import pddl3
from surefoot.verification.formulas.parser import MAX_DEPTH, parse
from surefoot.verification.formulas.patterns import (
    GLOBALLY,
    PatternScope,
    absence,
    after,
    after_until,
    before,
    between,
    bounded_existence,
    existence,
    precedence,
    response,
    universality,
)
from surefoot.verification.rules import Rule, Severity, Timing
from surefoot.verification.translation.automata import compile_ltlf
from tests.verification.naive import Trace, random_trace

pytestmark = pytest.mark.quick

Stretch = list[set[str]]
SCOPES: dict[str, tuple[PatternScope, Callable[[Trace], list[Stretch]]]] = {}


def scope(name: str, made: PatternScope) -> Callable[..., object]:
    def register(stretches: Callable[[Trace], list[Stretch]]) -> object:
        SCOPES[name] = (made, stretches)
        return stretches

    return register


def first(trace: Trace, name: str, start: int = 0) -> int | None:
    return next((i for i in range(start, len(trace)) if name in trace[i]), None)


@scope("globally", GLOBALLY)
def whole(trace: Trace) -> list[Stretch]:
    return [trace]


@scope("before", before("r"))
def until_first(trace: Trace) -> list[Stretch]:
    end = first(trace, "r")
    return [] if end is None else [trace[:end]]


@scope("after", after("q"))
def from_first(trace: Trace) -> list[Stretch]:
    start = first(trace, "q")
    return [] if start is None else [trace[start:]]


@scope("between", between("q", "r"))
def closed(trace: Trace) -> list[Stretch]:
    found = []
    for i, step in enumerate(trace):
        end = first(trace, "r", i)
        if "q" in step and "r" not in step and end is not None:
            found.append(trace[i:end])
    return found


@scope("after until", after_until("q", "r"))
def open_too(trace: Trace) -> list[Stretch]:
    return [
        trace[i : first(trace, "r", i)]
        for i, step in enumerate(trace)
        if "q" in step and "r" not in step
    ]


def runs(stretch: Stretch) -> int:
    return sum(held for held, _ in groupby(stretch, key=lambda step: "p" in step))


def answered(stretch: Stretch) -> bool:
    return all(
        any("s" in later for later in stretch[i:]) for i, step in enumerate(stretch) if "p" in step
    )


def preceded(stretch: Stretch) -> bool:
    return all(
        any("s" in earlier for earlier in stretch[: i + 1])
        for i, step in enumerate(stretch)
        if "p" in step
    )


PATTERNS: dict[str, tuple[Callable[[PatternScope], Rule], Callable[[Stretch], bool]]] = {
    "absence": (lambda s: absence("p", s), lambda x: all("p" not in step for step in x)),
    "universality": (lambda s: universality("p", s), lambda x: all("p" in step for step in x)),
    "existence": (lambda s: existence("p", s), lambda x: any("p" in step for step in x)),
    "none": (lambda s: bounded_existence("p", 0, s), lambda x: runs(x) == 0),
    "once": (lambda s: bounded_existence("p", 1, s), lambda x: runs(x) <= 1),
    "thrice": (lambda s: bounded_existence("p", 3, s), lambda x: runs(x) <= 3),
    "precedence": (lambda s: precedence("p", first="s", scope=s), preceded),
    "response": (lambda s: response("p", then="s", scope=s), answered),
}


def check(rule: Rule, says: Callable[[Trace], bool], seed: str, names: list[str]) -> set[bool]:
    """Compares a rule with its definition on random traces; returns the verdicts seen."""
    automaton = compile_ltlf(rule.formula)
    rng, seen = Random(seed), set()
    for _ in range(400):
        density = rng.choice([0.15, 0.4, 0.7])
        trace = random_trace(rng, names, rng.randint(1, 9), density)
        state = automaton.initial
        for step in trace:
            letter = sum(1 << i for i, p in enumerate(automaton.propositions) if p in step)
            state = int(automaton.table[state, letter])
        assert automaton.accepting[state] == says(trace), (str(rule.formula), trace)
        seen.add(bool(automaton.accepting[state]))
    return seen


@pytest.mark.parametrize("scope_name", SCOPES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_say_what_they_say(pattern: str, scope_name: str) -> None:
    made, stretches = SCOPES[scope_name]
    build, says = PATTERNS[pattern]
    names = ["p", "s", "q", "r"]
    rule = build(made)
    seen = check(rule, lambda t: all(says(x) for x in stretches(t)), pattern + scope_name, names)
    assert seen == {True, False} or pattern == "thrice"
    assert parse(str(rule.formula)) == rule.formula


def count(trace: Trace, name: str) -> int:
    return sum(held for held, _ in groupby(trace, key=lambda step: name in step))


def held_during(trace: Trace, start: int, end: int) -> bool:
    if len(trace) <= start:
        return "p" in trace[-1]
    return all("p" in step for step in trace[start:end])


CONSTRAINTS: list[tuple[Rule, Callable[[Trace], bool]]] = [
    (pddl3.at_end("p"), lambda t: "p" in t[-1]),
    (pddl3.always("p"), lambda t: all("p" in step for step in t)),
    (pddl3.sometime("p"), lambda t: any("p" in step for step in t)),
    (pddl3.within(0, "p"), lambda t: "p" in t[0]),
    (pddl3.within(3, "p"), lambda t: any("p" in step for step in t[:4])),
    (pddl3.at_most_once("p"), lambda t: count(t, "p") <= 1),
    (pddl3.sometime_after("p", "s"), answered),
    (
        pddl3.sometime_before("p", "s"),
        lambda t: all(any("s" in e for e in t[:i]) for i, step in enumerate(t) if "p" in step),
    ),
    (
        pddl3.always_within(2, "p", "s"),
        lambda t: all(
            any("s" in e for e in t[i : i + 3]) for i, step in enumerate(t) if "p" in step
        ),
    ),
    (pddl3.hold_after(2, "p"), lambda t: held_during(t, 2, len(t))),
    (pddl3.hold_during(1, 4, "p"), lambda t: held_during(t, 1, 4)),
    (pddl3.hold_during(0, 1, "p"), lambda t: "p" in t[0]),
]


@pytest.mark.parametrize(("rule", "says"), CONSTRAINTS, ids=[r.name for r, _ in CONSTRAINTS])
def test_constraints_of_pddl_3(rule: Rule, says: Callable[[Trace], bool]) -> None:
    assert check(rule, says, rule.name, ["p", "s"]) == {True, False}
    assert parse(str(rule.formula)) == rule.formula


def test_the_longest_times_can_be_written_and_compiled() -> None:
    longest = pddl3.MAX_TIME
    for rule in (
        pddl3.within(longest, "p"),
        pddl3.always_within(longest, "p", "s"),
        pddl3.hold_after(longest, "p"),
        pddl3.hold_during(longest - 1, longest, "p"),
    ):
        assert rule.formula.depth <= MAX_DEPTH
        assert parse(str(rule.formula)) == rule.formula
        assert len(compile_ltlf(rule.formula).table) >= longest


def test_rules_of_patterns_have_names_and_meanings() -> None:
    rule = response("p", then="s | q", scope=after_until("q", "r"))
    assert rule.name == "response(p, s | q)"
    assert rule.meaning.startswith("After any 'q' until the next 'r', every 'p' is followed by")
    assert "between any 'q' and the next 'r'" in absence("p", between("q", "r")).meaning.lower()
    assert "before the first 'r'" in absence("p", before("r")).meaning.lower()
    assert "from the first 'q' on" in absence("p", after("q")).meaning.lower()
    assert "at most 1 time" in bounded_existence("p", 1).meaning
    own = pddl3.within(1, "p", name="n", meaning="m", severity="high", timing="one-step-delay")
    assert (own.name, own.meaning) == ("n", "m")
    assert (own.severity, own.timing) == (Severity.HIGH, Timing.DELAYED)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: bounded_existence("p", 13), "0 to 12 times, not 13"),
        (lambda: pddl3.within(-1, "p"), "from 0 to 45 steps, not -1"),
        (lambda: pddl3.always_within(10**9, "p", "s"), "not 1000000000"),
        (lambda: pddl3.hold_after(46, "p"), "not 46"),
        (lambda: pddl3.hold_during(3, 3, "p"), "3 is not after 3"),
        (lambda: pddl3.hold_during(0, 10**9, "p"), "not 1000000000"),
        (lambda: pddl3.hold_during(-5, 3, "p"), "not -5"),
        (lambda: absence("p &"), "expected a proposition"),
        (lambda: absence("p", colour="red"), "no field 'colour'"),
        (lambda: absence("p", severity="bad"), "Severity"),
    ],
)
def test_what_patterns_refuse(build: Callable[[], Rule], words: str) -> None:
    with pytest.raises(InputError, match=words):
        build()
