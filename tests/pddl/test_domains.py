"""Every domain's generator: solvable, deterministic, bounded, and told completely."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest

from surefoot.core.errors import InputError
from surefoot.pddl.domains import DomainSpec, Instance, get_domain, list_domains
from surefoot.pddl.language import (
    Atom,
    Conjunction,
    Increase,
    Negation,
    Plan,
    parse_problem,
    write_domain,
    write_problem,
)
from surefoot.pddl.language.parser import parse_domain
from surefoot.pddl.validator import validate

NAMES = (
    "barman",
    "blocksworld",
    "delivery",
    "floortile",
    "grippers",
    "kitchen",
    "storage",
    "tabletop",
    "termes",
    "tyreworld",
)
SEEDS = range(5)


def sizes(spec: DomainSpec) -> list[int]:
    low, high = spec.min_size, spec.max_size
    return sorted({low, low + 1, low + 2, low + 4, (low + high) // 2, high})


CASES = [(name, size) for name in NAMES for size in sizes(get_domain(name))]


@cache
def drawn(name: str, size: int, seed: int) -> Instance:
    return get_domain(name).generate(size, seed)


def goal_facts(instance: Instance) -> list[Atom]:
    goal = instance.task.problem.goal
    assert isinstance(goal, Conjunction)
    facts = [part.child if isinstance(part, Negation) else part for part in goal.children]
    assert all(isinstance(part, Atom) for part in facts)
    return [part for part in facts if isinstance(part, Atom)]


def test_registry() -> None:
    assert list_domains() == NAMES
    for name in NAMES:
        spec = get_domain(name)
        assert get_domain(name) is spec
        assert spec.name == spec.domain.name == name
        assert spec.summary
        assert spec.size_means
        assert 1 <= spec.min_size < spec.max_size
        assert spec.phrases.keys() == spec.domain.predicates.keys()


def test_unknown_domain_gets_a_hint() -> None:
    with pytest.raises(InputError, match=r"'blockworld'; did you mean 'blocksworld'\?"):
        get_domain("blockworld")


@pytest.mark.parametrize(("name", "size"), CASES)
def test_witness_is_valid_and_bounded(name: str, size: int) -> None:
    spec = get_domain(name)
    for seed in SEEDS:
        instance = drawn(name, size, seed)
        verdict = validate(instance.task, instance.witness)
        assert verdict.valid, verdict.first_error
        assert 0 < len(instance.witness) <= spec.max_witness_steps(size)
        assert (instance.size, instance.seed) == (size, seed)
        assert not validate(instance.task, Plan()).valid, "the goal holds at the start"


@pytest.mark.parametrize(("name", "size"), CASES)
def test_problem_survives_a_round_trip(name: str, size: int) -> None:
    spec = get_domain(name)
    problem = drawn(name, size, 0).task.problem
    assert parse_problem(write_problem(problem), spec.domain) == problem


@pytest.mark.parametrize("name", NAMES)
def test_domain_survives_a_round_trip(name: str) -> None:
    domain = get_domain(name).domain
    assert parse_domain(write_domain(domain)) == domain
    assert not domain.free_names


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_instance_in_another_process(name: str) -> None:
    spec = get_domain(name)
    size = spec.min_size + 2
    code = (
        "from surefoot.pddl.domains import get_domain\n"
        "from surefoot.pddl.language import write_plan, write_problem\n"
        f"i = get_domain({name!r}).generate({size}, 7)\n"
        "print(write_problem(i.task.problem) + write_plan(i.witness), end='')"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": salt},
        ).stdout
        for salt in ("1", "2")
    }
    assert texts == {
        write_problem(spec.generate(size, 7).task.problem)
        + "".join(f"{step}\n" for step in spec.generate(size, 7).witness.steps)
    }


@pytest.mark.parametrize("name", NAMES)
def test_different_seeds_differ(name: str) -> None:
    spec = get_domain(name)
    for size in (spec.min_size + 3, spec.max_size):
        seen = {
            write_problem(replace(spec.generate(size, seed).task.problem, name="p"))
            for seed in range(8)
        }
        assert len(seen) >= 7


@pytest.mark.parametrize("name", NAMES)
def test_difficulty_grows_with_size(name: str) -> None:
    spec = get_domain(name)
    bounds = [spec.max_witness_steps(s) for s in range(spec.min_size, spec.max_size + 1)]
    assert bounds == sorted(bounds)
    means = [
        sum(len(drawn(name, size, seed).witness) for seed in SEEDS)
        for size in (spec.min_size, (spec.min_size + spec.max_size) // 2, spec.max_size)
    ]
    assert means[0] < means[1] < means[2]


@pytest.mark.parametrize("name", NAMES)
def test_bad_sizes_are_refused(name: str) -> None:
    spec = get_domain(name)
    for size in (spec.min_size - 1, spec.max_size + 1, -3):
        with pytest.raises(InputError, match=f"size must be {spec.min_size} to {spec.max_size}"):
            spec.generate(size, 0)
    for wrong in (2.0, "2", True, None):
        with pytest.raises(InputError, match="whole number"):
            spec.generate(wrong, 0)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="whole number"):
            spec.generate(spec.min_size, wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_domain_text_shows_every_action_with_its_parameters(name: str) -> None:
    spec = get_domain(name)
    text = spec.describe_domain()
    for action in spec.domain.actions.values():
        head = " ".join([action.name, *(p.name for p in action.parameters)])
        at = text.index(f"\n({head}): ")
        block = text[at:].split("\n\n")[0]
        assert "\n  Needs: " in block
        assert "\n  Result: " in block
        told = block.split("\n  Needs: ")[1]
        for parameter in action.parameters:
            assert parameter.name in told.replace(".", " ").replace(",", " ").split()
        for price in (e.amount for e in action.effects if isinstance(e, Increase)):
            assert f"Cost {price:g}." in block
    assert text.count("\n  Needs: ") == len(spec.domain.actions)


@pytest.mark.parametrize(("name", "size"), [(n, s) for n, s in CASES if s <= 9])
def test_problem_text_names_everything(name: str, size: int) -> None:
    spec = get_domain(name)
    instance = drawn(name, size, 1)
    text = spec.describe_problem(instance.task.problem)
    head, goal = text.split("\n\nGoal. ")
    words = set(head.replace(",", " ").replace(".", " ").split())
    goal_words = set(goal.replace(",", " ").replace(".", " ").replace(":", " ").split())
    assert instance.task.objects.keys() <= words
    for atom in goal_facts(instance):
        assert goal_words.issuperset(atom.args)
    assert "{" not in text


@pytest.mark.parametrize("name", NAMES)
def test_problem_text_loses_no_fact(name: str) -> None:
    """Whatever fact is taken from the start or the goal, the text changes."""
    spec = get_domain(name)
    problem = drawn(name, spec.min_size + 2, 3).task.problem
    assert isinstance(problem.goal, Conjunction)
    texts = {spec.describe_problem(problem)}
    for atom in problem.init:
        texts.add(spec.describe_problem(replace(problem, init=problem.init - {atom})))
    for part in problem.goal.children:
        rest = tuple(p for p in problem.goal.children if p != part)
        texts.add(spec.describe_problem(replace(problem, goal=Conjunction(rest))))
    assert len(texts) == 1 + len(problem.init) + len(problem.goal.children)


def test_costs_are_told() -> None:
    floor = get_domain("floortile")
    problem = drawn("floortile", 1, 0).task.problem
    told = "change-color 5, paint-up 2, paint-down 2, up 3, down 1, right 1, left 1"
    assert told in floor.describe_problem(problem)
    counted = floor.describe_problem(replace(problem, minimize_cost=False))
    assert "Every action counts 1." in counted
    for name in set(NAMES) - {"floortile"}:
        spec = get_domain(name)
        assert "Every action counts 1." in spec.describe_problem(
            drawn(name, spec.min_size, 0).task.problem
        )


def test_termes_tells_flat_ground_and_the_empty_hand() -> None:
    text = get_domain("termes").describe_problem(drawn("termes", 1, 0).task.problem)
    start, goal = text.split("\n\nGoal. ")
    assert "- The robot has no block." in start
    assert "- Height n0: pos-" in goal
    assert "- The robot has no block." in goal


def test_floortile_draws_only_full_grids() -> None:
    floor = get_domain("floortile")
    problem = drawn("floortile", 2, 0).task.problem
    assert "form a grid of 3 rows and 3 columns" in floor.describe_problem(problem)
    broken = replace(problem, init=problem.init - {Atom("up", ("tile_1-1", "tile_0-1"))})
    text = floor.describe_problem(broken)
    assert "grid" not in text
    assert "tile_1-2 is directly up of tile_0-2." in text
    assert "tile_1-1 is directly up of tile_0-1." not in text
