"""Drawings of automata, and the short formulas on their edges."""

from __future__ import annotations

from random import Random
from xml.etree import ElementTree

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import parse
from surefoot.verification.formulas.semantics import evaluate
from surefoot.verification.translation.automata import compile_ltlf
from surefoot.verification.translation.drawing import draw_automaton
from surefoot.verification.translation.guards import guard_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("seed", range(3))
def test_guards_hold_on_their_letters_only(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(120):
        count = int(rng.integers(0, 6))
        names = [f"n{i}" for i in range(count)]
        letters = rng.random(2**count) < rng.choice([0.1, 0.5, 0.9])
        guard = guard_of(names, letters)
        for letter, member in enumerate(letters):
            step = {n for i, n in enumerate(names) if letter >> i & 1}
            assert evaluate(guard, [step]) == member


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a & !b", "a & !b"),
        ("a | b", "a | b"),
        ("!(a & b & c & d)", "!(a & b & c & d)"),
        ("a & b & c | a & b & !c", "a & b"),
        ("a | !a", "1"),
        ("a & !a", "0"),
        ("a ^ b", "a & !b | !a & b"),
    ],
)
def test_guards_are_short(text: str, shown: str) -> None:
    formula = parse(text)
    names = formula.propositions
    letters = np.array(
        [
            evaluate(formula, [{n for i, n in enumerate(names) if letter >> i & 1}])
            for letter in range(2 ** len(names))
        ]
    )
    assert set(str(guard_of(names, letters)).split(" | ")) == set(shown.split(" | "))


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]


def test_a_drawing_shows_states_edges_and_guards() -> None:
    automaton = compile_ltlf(parse("G(close -> X(!take W (open | close)))"))
    root = ElementTree.fromstring(draw_automaton(automaton, title='a < b & "c"'))
    assert root.attrib["aria-label"] == 'a < b & "c"'
    words = texts(root)
    count = len(automaton.table)
    edges = {(s, int(t)) for s in range(count) for t in automaton.table[s]}
    assert {str(state) for state in range(count)} <= set(words)
    assert sum(t.startswith(f"{c}") for t in words for c in "ABCDEFGH"[: len(edges)]) >= len(edges)
    rings = [c for c in root.iter(f"{SVG}circle") if c.attrib["class"].startswith("state")]
    assert len(rings) == count + int(automaton.accepting.sum())
    assert sum("no" in c.attrib["class"].split() for c in rings) == 1
    assert not list(root.iter(f"{SVG}script"))
    assert not list(root.iter(f"{SVG}image"))


def test_nothing_lies_outside_of_the_drawing() -> None:
    rng = Random(0)
    for text in ["a", "F 0", "(a U b) & F(c & X[!] d)", "G(a -> X X X b)", "F(a & X[!] b)"]:
        automaton = compile_ltlf(parse(text))
        root = ElementTree.fromstring(draw_automaton(automaton, title=text * rng.randint(1, 40)))
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        for node in root.iter():
            for name, most in (("x", width), ("cx", width), ("y", height), ("cy", height)):
                assert 0 <= float(node.attrib.get(name, 0)) <= most
    assert len(draw_automaton(compile_ltlf(parse("F 0")), title="t")) < 4000


def test_what_cannot_be_read_is_not_drawn() -> None:
    automaton = compile_ltlf(parse("F[0:45!] a"))
    with pytest.raises(InputError, match="has 48 states; at most 40"):
        draw_automaton(automaton, title="long")
