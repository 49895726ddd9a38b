"""Sets of worlds checked at once against the same worlds one by one."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import parse
from surefoot.verification.modelchecking.models import ModelChecker
from surefoot.verification.modelchecking.systems import TransitionSystem
from surefoot.verification.modelchecking.witness import Witness, WitnessKind
from surefoot.verification.planchecking import worlds
from surefoot.verification.planchecking.checking import PlanChecker
from surefoot.verification.planchecking.worldmodel import WorldModel, constant
from surefoot.verification.planchecking.worlds import check_in_worlds, check_variants
from surefoot.verification.programs.loading import parse_program
from surefoot.verification.programs.vocabulary import PlanVocabulary, vocabulary_of
from surefoot.verification.rules import Rule, Timing, load_rulebook
from tests.verification.systems_support import random_formula, random_system
from tests.verification.test_checking import random_program

BOOK = load_rulebook("driving")


@pytest.mark.parametrize(("ends", "at_once"), [(0.0, 1_000), (0.4, 9)])
def test_variants_equal_one_by_one(
    ends: float, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worlds, "MAX_JOINT", at_once)
    rng = Random(3)
    some = every = 0
    for _ in range(40):
        system = random_system(rng, rng.randint(2, 5), ends=ends)
        variants = np.array(
            [[[rng.random() < 0.5 for _ in "abc"] for _ in range(system.states)] for _ in range(8)]
        )
        formula = random_formula(rng)
        found = check_variants(system, variants, formula)
        single = [ModelChecker(relabelled(system, v)).check(formula) for v in variants]
        assert found.broken.tolist() == [not v.holds for v in single], f"{formula}"
        broken = [v.witness for v in single if v.witness is not None]
        assert (found.witness is None) == (not broken)
        if found.witness is not None and found.world is not None:
            assert_shortest(found.witness, broken)
            steps = found.witness.steps
            facts = relabelled(system, variants[found.world]).facts
            assert [s.facts for s in steps] == [facts(s.state) for s in steps]
        some += 0 < found.broken.sum() < 8
        every += bool(found.broken.all())
    assert some > 8
    assert every > 3


def assert_shortest(found: Witness, others: list[Witness]) -> None:
    """A lasso is only given where no world has a bad prefix."""
    straight = [len(w) for w in others if w.kind is not WitnessKind.LASSO]
    every = [len(w) for w in others]
    assert min(every) <= len(found) <= min(straight or every)


def relabelled(system: TransitionSystem, labels: np.ndarray) -> TransitionSystem:
    return TransitionSystem(
        system.names, labels, system.offsets, system.targets, system.initial, system.final
    )


def test_plans_in_sets_of_worlds_equal_one_by_one() -> None:
    rng = Random(4)
    bits, actions = ("a", "b"), ("c", "d", "wait")
    some = 0
    for _ in range(30):
        kept = (constant("a"),) if rng.random() < 0.7 else ()
        world = WorldModel(bits, actions, changes=kept)
        program = random_program(rng, bits, actions)
        rules = [Rule("r", random_formula(rng, 2), timing=rng.choice(list(Timing)))]
        situations = [s for s in ([], ["a"], ["b"], ["a", "b"]) if rng.random() < 0.7] or [["a"]]
        (found,) = check_in_worlds(program, rules, world, situations)
        single = [PlanChecker(program, world.starting([s])).check(rules[0]) for s in situations]
        assert found.broken.tolist() == [not v.holds for v in single]
        if found.witness is not None and found.world is not None:
            assert_shortest(found.witness, [w for v in single if (w := v.result.witness)])
            assert found.broken[found.world]
        some += 0 < found.broken.sum() < len(situations)
    assert some > 3


def test_only_what_the_rule_tells_apart_is_checked() -> None:
    static = tuple(constant(n) for n in BOOK.observations)
    world = WorldModel(BOOK.observations, BOOK.actions, changes=static)
    text = "if green_light:\n    go_straight()\nelse:\n    stop()"
    plan = parse_program(text, vocabulary_of(BOOK), form="python", idle="stop")
    situations = [
        [n for n, true in zip(BOOK.observations, row, strict=True) if true]
        for row in product((False, True), repeat=7)
    ]
    pedestrian = BOOK.rule("no-straight-into-pedestrian")
    green = BOOK.rule("straight-on-green-only")
    first, second = check_in_worlds(plan, [pedestrian, green], world, situations)
    assert second.holds
    assert (first.checked, second.checked) == (4, 2)
    expected = ["pedestrian" in s and "green_light" in s for s in situations]
    assert first.broken.tolist() == expected
    assert first.witness is not None
    assert first.witness.lines() == ["1. sees pedestrian, green light; does: go straight"]


def test_bad_sets_of_worlds() -> None:
    world = WorldModel(("a", "b"), ("c",), always=(parse("!(a & b)"),))
    plan = parse_program('["c"]', PlanVocabulary((), ("c",)), form="json")
    rule = Rule("r", parse("G(a -> !b)"))
    with pytest.raises(InputError, match="set of possible worlds is empty"):
        check_in_worlds(plan, [rule], world, [])
    with pytest.raises(InputError, match="possible world 2 is not among the first situations"):
        check_in_worlds(plan, [rule], world, [["a"], ["a", "b"]])
    with pytest.raises(InputError, match="no proposition 'x'"):
        check_in_worlds(plan, [rule], world, [["x"]])
    system = random_system(Random(1), 3)
    with pytest.raises(InputError, match=r"shape \[worlds, 3, 3\]"):
        check_variants(system, np.zeros((2, 3, 2), bool), parse("G a"))
    with pytest.raises(InputError, match="at least one world"):
        check_variants(system, np.zeros((0, 3, 3), bool), parse("G a"))
