"""The grammar: against Spot's own parser, by example, and with damaged text."""

from __future__ import annotations

import pickle
from random import Random

import pytest

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import FormulaError, caret, parse
from surefoot.verification.formulas.syntax import (
    Always,
    And,
    Eventually,
    Iff,
    Implies,
    Next,
    Not,
    Or,
    Prop,
    StrongNext,
    Until,
    Xor,
)
from tests.verification.naive import random_formula
from tests.verification.spot_oracle import load_spot

pytestmark = pytest.mark.quick

A, B, C = Prop("a"), Prop("b"), Prop("c")
BINARY = [
    "->",
    "=>",
    "-->",
    "<->",
    "<=>",
    "<-->",
    "|",
    "||",
    "\\/",
    "+",
    "^",
    "xor",
    "&",
    "&&",
    "/\\",
    "*",
    "U",
    "W",
    "R",
    "V",
    "M",
]
PREFIX = [
    "!",
    "~",
    "X",
    "X[!]",
    "F",
    "G",
    "[]",
    "<>",
    "()",
    "X[2]",
    "X[1!]",
    "F[1:2]",
    "F[0:1!]",
    "G[1..2]",
    "G[1:]",
    "F[2:$!]",
    "G[0,2]",
]


def spot_formula(text: str) -> object:
    return load_spot().formula(text)


def flat_text(rng: Random, size: int) -> str:
    """Text with few brackets, so that precedence decides what it means."""
    parts = []
    for i in range(size):
        parts += [rng.choice(PREFIX)] * (rng.random() < 0.4)
        parts += [rng.choice(["!", "X[!]", "G"])] * (rng.random() < 0.2)
        if size > 2 and rng.random() < 0.15:
            parts.append(f"({flat_text(rng, 2)})")
        else:
            parts.append(rng.choice(["a", "b", "c", "true", "0", '"d e"', "a=0", "b=1", "G1"]))
        parts += [rng.choice(BINARY)] * (i < size - 1)
    return " ".join(parts)


@pytest.mark.parametrize("seed", range(4))
def test_texts_mean_what_spot_reads(seed: int) -> None:
    rng = Random(seed)
    for _ in range(750):
        text = flat_text(rng, rng.randint(2, 6))
        assert spot_formula(str(parse(text))) == spot_formula(text), text


def test_written_formulas_are_read_back_as_they_were() -> None:
    rng = Random(7)
    for _ in range(3000):
        formula = random_formula(
            rng, rng.randint(1, 15), ["a", "b", "true", "go left", 'q"\\', "F"]
        )
        assert parse(str(formula)) == formula


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("a -> b <-> c", Implies(A, Iff(B, C))),
        ("a | b ^ c & a", Or((A, Xor(B, And((C, A)))))),
        ("a ^ b ^ c", Xor(Xor(A, B), C)),
        ("a & b & c", And((A, B, C))),
        ("a & (b & c)", And((A, And((B, C))))),
        ("a U b U c", Until(A, Until(B, C))),
        ("!a U X b", Until(Not(A), Next(B))),
        ("GFa", Always(Eventually(A))),
        ("G_a", Always(Prop("_a"))),
        ("X[!]a", StrongNext(A)),
        ("X[2!] a", StrongNext(StrongNext(A))),
        ("F[1:2] a", Next(Or((A, Next(A))))),
        ("G[1:2!] a", StrongNext(And((A, StrongNext(A))))),
        ("a Ub", Until(A, B)),
        ("aUb", Prop("aUb")),
        ("□(a → ◇b)", Always(Implies(A, Eventually(B)))),
        ("False", parse("0")),
    ],
)
def test_examples(text: str, formula: object) -> None:
    assert parse(text) == formula


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "empty"),
        ("a &", 4, "expected a proposition, not the end"),
        ("a b", 3, "expected an operator, not 'b'"),
        ("(a & b", 1, "never closed"),
        ("(a b)", 4, "')'"),
        ("a)", 2, "nothing is open"),
        ("F[2] a", 2, "F[n:m]"),
        ("X[1:2] a", 2, "X[n]"),
        ("G(a -> {b;c})", 8, "PSL"),
        ('a & "b', 5, "closing"),
        ('a & ""', 5, "needs a name"),
        ("a & U", 5, "'U'"),
        ("2", 1, "'2'"),
        ("a & é", 5, "'é'"),
        ("F[0:99999999999999] a", 2, "100 steps"),
        ("X[99] X[99] a", 1, "deeper than 100"),
        ("F[0:4]" * 12 + "a", 37, "operators"),
        ("(" * 4990 + "a" + ")" * 4990, 101, "deeper than 100"),
        ("!" * 9000 + "a", 101, "deeper than 100"),
        ("a ^ " * 2000 + "a", 399, "deeper than 100"),
        ("a -> " * 1900 + "a", 503, "deeper than 100"),
        ("a & " * 3000 + "a", 1, "characters"),
    ],
)
def test_errors_name_the_column(text: str, column: int, words: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert caught.value.column == column
    assert words in str(caught.value)


def test_unknown_propositions_get_the_nearest_name() -> None:
    with pytest.raises(InputError, match="did you mean 'pedestrian'") as caught:
        parse("G(pedestrain -> F stop)", {"pedestrian", "stop"})
    assert caught.value.column == 3
    with pytest.raises(InputError, match="known: go, stop"):
        parse("zzzzz", ["stop", "go"])
    with pytest.raises(InputError, match="double quotes"):
        parse("F Green", ["Green"])
    assert parse('F "Green"', ["Green"]) == Eventually(Prop("Green"))


def test_the_caret_stands_under_the_place() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("G(a -> b c)")
    message, text, mark = caught.value.shown().splitlines()
    assert "expected an operator" in message
    assert text[mark.index("^")] == "c"
    text, mark = caret("x" * 500 + "?" + "y" * 500, 501, "m").splitlines()[1:]
    assert len(text) < 110
    assert text[mark.index("^")] == "?"
    assert "\n" not in caret("a\nb", 9, "m").splitlines()[1]


def test_errors_survive_the_way_between_processes() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("G(a -> b c)")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.shown(), copy.column) == (caught.value.shown(), caught.value.column)


def test_damaged_texts_give_an_error_and_never_a_crash() -> None:
    rng = Random(3)
    columns, same = [], 0
    letters = 'abFGXUWRM!&|()[]<>-="0123:. \t^\\~é'
    for _ in range(4000):
        text = flat_text(rng, 3)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice(letters) * rng.randint(0, 2) + text[at + 1 :]
        try:
            formula = parse(text)
        except FormulaError as error:
            columns.append((error.at, len(text) + 1))
            continue
        assert parse(str(formula)) == formula
        try:
            theirs = spot_formula(text)
        except SyntaxError:  # Spot does not split words such as VbG after an operand
            continue
        assert spot_formula(str(formula)) == theirs, text
        same += 1
    assert same > 400
    assert len(columns) > 1000
    assert all(1 <= at <= end for at, end in columns)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("AG p", "'AG' is of CTL, which is not supported"),
        ("E F p", "'E' is of CTL"),
        ("P>=0.9 [F p]", r"probabilities of formulas \(PCTL\)"),
        ("G(speed <= 3)", r"'speed <= 3\)' \(STL\)"),
        ("O p", "'O' is a past operator"),
        ("p S q", "'S' is a past operator"),
        ("speed <-> p", "unknown proposition 'speed'"),
    ],
)
def test_other_logics_are_named(text: str, words: str) -> None:
    with pytest.raises(FormulaError, match=words):
        parse(text, ["p", "q"])
