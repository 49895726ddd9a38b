"""Renaming changes names and nothing else."""

from __future__ import annotations

import random
import re

import pytest

from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.language import Plan, parse_domain, parse_problem, write_domain, write_problem
from surefoot.pddl.reference import FD_LMCUT, Limits, PlannerStatus
from surefoot.pddl.renaming import NameLevel, Renaming, rename_task, tell
from surefoot.pddl.renaming.names import choose, words
from surefoot.pddl.validator import validate
from tests.waiting import HANGING_S

LEVELS = [level for level in NameLevel if level is not NameLevel.NONE]


def cases():
    return [(d, level, seed) for d in list_domains() for level in LEVELS for seed in range(3)]


@pytest.mark.parametrize(("domain", "level", "seed"), cases())
def test_verdicts_and_costs_stay(domain: str, level: NameLevel, seed: int) -> None:
    instance = get_domain(domain).generate(get_domain(domain).min_size + 1, seed)
    task, renaming = rename_task(instance.task, level, seed)
    rng = random.Random(f"{domain}{level}{seed}")
    plan = instance.witness
    plans = [plan]
    for _ in range(8):
        steps = list(plan.steps)
        for _ in range(rng.randint(1, 2)):
            i, j = rng.randrange(len(steps)), rng.randrange(len(steps))
            steps[i] = steps[j] if rng.random() < 0.5 else plan.steps[-1]
            if rng.random() < 0.5:
                del steps[j]
        plans.append(Plan(tuple(steps)))
    for each in plans:
        there = validate(task, renaming.apply_plan(each))
        here = validate(instance.task, each)
        assert there.status is here.status
        assert there.cost == here.cost
        assert there.goal_fraction == here.goal_fraction
        first = [e.first_error.step if e.first_error else None for e in (there, here)]
        assert first[0] == first[1]
        assert renaming.invert().apply_plan(renaming.apply_plan(each)) == each


@pytest.mark.parametrize(("domain", "level", "seed"), cases())
def test_names_are_new_different_and_legal(domain: str, level: NameLevel, seed: int) -> None:
    task = get_domain(domain).generate(get_domain(domain).min_size, seed).task
    renamed, renaming = rename_task(task, level, seed)
    old = {*task.domain.actions, *task.domain.predicates, *task.domain.types, *task.objects}
    new = [n for kind in renaming.to_json().values() for n in kind.values()]
    assert not old & set(new)
    assert len(renaming.objects) == len(task.objects)
    assert set(renaming.actions) == set(task.domain.actions)
    text = write_domain(renamed.domain)
    again = parse_domain(text)
    assert write_domain(again) == text
    parse_problem(write_problem(renamed.problem), again)
    assert Renaming.from_json(renaming.to_json()) == renaming
    assert renaming.invert().apply_task(renamed) == task


@pytest.mark.parametrize("domain", list_domains())
@pytest.mark.parametrize("level", LEVELS)
def test_one_template_tells_both(domain: str, level: NameLevel) -> None:
    task = get_domain(domain).generate(get_domain(domain).min_size, 0).task
    renamed, renaming = rename_task(task, level, 4)
    names = {**renaming.predicates, **renaming.actions, **renaming.types, **renaming.objects}
    clash = [n for n in names if sum(n in k for k in renaming.to_json().values()) > 1]
    ours, theirs = tell(task).split("\n"), tell(renamed).split("\n")
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        if any(re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", mine) for n in clash):
            continue
        if mine.startswith(("There are", "Every", "At the", "Kinds", "Things", "The best")):
            assert mine == other
            continue
        words = re.split(r"(\?[\w-]+|[\w-]+)", mine)
        structure = {"is", "a", "or", "not", "and", "true", "false", "becomes", "if", "then"}
        told = "".join(w if w in structure - set(names) else names.get(w, w) for w in words)
        assert told == other


def test_templates_hold_every_fact_and_goal() -> None:
    for domain in list_domains():
        task = get_domain(domain).generate(get_domain(domain).min_size, 1).task
        text = tell(task)
        for atom in task.problem.init:
            assert f"- {atom}\n" in text
        for name in (*task.domain.actions, *task.objects):
            assert name in text


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("domain", ["blocksworld", "grippers"])
def test_optimal_costs_stay(domain: str, level: NameLevel) -> None:
    task = get_domain(domain).generate(get_domain(domain).min_size + 1, 2).task
    results = [FD_LMCUT.solve(t, Limits(HANGING_S)) for t in (task, rename_task(task, level, 0)[0])]
    assert {r.status for r in results} == {PlannerStatus.OPTIMAL}
    assert results[0].cost == results[1].cost


def test_seeds_differ_and_repeat() -> None:
    task = get_domain("grippers").generate(3, 0).task
    for level in LEVELS:
        maps = [rename_task(task, level, seed)[1].to_json() for seed in (0, 1, 0)]
        assert maps[0] == maps[2] != maps[1]


def test_there_are_words_enough() -> None:
    pools = words()
    assert len(set(pools["neutral"])) == len(pools["neutral"]) >= 300
    for pool in pools.values():
        assert len(set(pool)) == len(pool)


@pytest.mark.parametrize("level", [NameLevel.RANDOM_WORD, NameLevel.DECEPTIVE])
def test_a_word_serves_all_objects_of_a_kind_or_none(level: NameLevel) -> None:
    """A new stem must be free with every index that its objects have, not with the first only."""
    kind = "objects" if level is NameLevel.DECEPTIVE else "neutral"
    free, *others = words()[kind]
    fixed = frozenset(f"{word}2" for word in others)
    for seed in range(5):
        found = choose({"objects": ["b1", "b2"]}, fixed, level, seed)["objects"]
        assert found == {"b1": f"{free}1", "b2": f"{free}2"}


@pytest.mark.parametrize("level", [NameLevel.RANDOM_WORD, NameLevel.DECEPTIVE])
def test_numbers_in_names_of_no_objects_count_for_nothing(level: NameLevel) -> None:
    kind = "actions" if level is NameLevel.DECEPTIVE else "neutral"
    fixed = frozenset(f"{word}2" for word in words()[kind])
    found = choose({"actions": ["go1", "go2"]}, fixed, level, 0)["actions"]
    assert set(found.values()) <= set(words()[kind])


def test_synonyms_are_known_for_nearly_every_name() -> None:
    """Only what the thesaurus lacks falls back to an article before the old name."""
    for domain in list_domains():
        task = get_domain(domain).generate(get_domain(domain).min_size, 0).task
        _, renaming = rename_task(task, NameLevel.SYNONYM, 0)
        for kind in ("actions", "predicates", "types"):
            for old, new in renaming.to_json()[kind].items():
                assert new != f"the-{old}", (domain, kind, old)
