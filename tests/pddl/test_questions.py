"""Questions against a naive second computation of everything they claim."""

from __future__ import annotations

import re

import pytest
from surefoot.pddl import GroundTask, Plan, parse_plan, validate
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.questions import Form, Kind, check, explore, make_questions
from surefoot.pddl.reference import FD_LMCUT

SMALL = ("blocksworld", "grippers", "tabletop", "delivery")


def instance(domain: str, seed: int = 0):
    return get_domain(domain).generate(get_domain(domain).min_size, seed)


def naive_states(task) -> dict[frozenset, set[str]]:
    """All reachable states as sets of text, found by running every action as a plan."""
    ground = GroundTask(task)
    steps = [
        f"({name} {' '.join(args)})".replace(" )", ")")
        for name, action in task.domain.actions.items()
        for args in _products([task.objects_of(p.types) for p in action.parameters])
    ]
    start = frozenset(map(str, task.problem.init))
    seen: dict[frozenset, set[str]] = {}
    queue = [(start, ground.initial)]
    while queue:
        told, state = queue.pop()
        if told in seen:
            continue
        seen[told] = set()
        for text in steps:
            action = ground.ground(parse_plan(text).steps[0])
            if action.applicable(state):
                after = set(state)
                action.apply(after)
                seen[told].add(text)
                queue.append((frozenset(map(str, ground.facts(after))), frozenset(after)))
    return seen


def _products(pools):
    found = [()]
    for pool in pools:
        found = [(*f, x) for f in found for x in pool]
    return found


@pytest.mark.parametrize("domain", ["blocksworld", "grippers"])
def test_the_space_is_whole(domain: str) -> None:
    task = instance(domain).task
    space = explore(GroundTask(task))
    other = naive_states(task)
    assert {frozenset(map(str, space.ground.facts(s))) for s in space.states} == set(other)
    for state, out in zip(space.states, space.edges, strict=True):
        told = frozenset(map(str, space.ground.facts(state)))
        assert {str(a.step) for a, _ in out} == other[told]
    assert explore(GroundTask(task), cap=5) is None


@pytest.mark.parametrize("domain", SMALL)
def test_distances_are_optimal_costs(domain: str) -> None:
    for seed in range(3):
        task = instance(domain, seed).task
        space = explore(GroundTask(task))
        if space is not None:
            assert space.distances[0] == FD_LMCUT.solve(task).cost


def state_of(prompt: str) -> frozenset[str]:
    line = re.search(r"Facts that are true now, and no others: (.*)", prompt)[1]
    return frozenset(re.findall(r"\([^()]*\)", line))


@pytest.mark.parametrize("domain", ["blocksworld", "grippers"])
def test_answers_agree_with_the_naive_space(domain: str) -> None:
    made = instance(domain)
    other = naive_states(made.task)
    reach: dict[frozenset, frozenset] = {}

    def reachable(start: frozenset) -> frozenset:
        """Blocks and balls can always be moved back: all states are reachable from all."""
        return reach.setdefault(start, frozenset(f for s in other for f in s))

    questions = make_questions(made.task, made.witness, n=6, seed=1)
    assert len({q.kind for q in questions}) == len(Kind)
    for q in questions:
        tail = q.prompt.rpartition("\n\n")[2]
        item = re.findall(r"\([^()]*\)", tail)
        if q.kind is Kind.APPLICABILITY:
            can = other[state_of(q.prompt)]
            if q.form is Form.GENERATIVE:
                assert set(q.answers) == can
            elif q.form is Form.BOOLEAN:
                assert (q.answers == ("yes",)) is (item[0] in can)
            else:
                assert [o in can for o in q.options] == [c == q.answers[0] for c in "ABCD"]
        if q.kind is Kind.REACHABILITY and q.form is Form.BOOLEAN:
            assert (q.answers == ("yes",)) is (item[0] not in reachable(state_of(q.prompt)))
        if q.kind is Kind.VALIDATION and q.form is Form.GENERATIVE:
            text = q.prompt.split("A plan:\n")[1].split("\n\n")[0]
            verdict = validate(made.task, parse_plan(re.sub(r"(?m)^\d+\. ", "", text)))
            assert q.answers == (str(verdict.first_error.step),)


@pytest.mark.parametrize("domain", SMALL)
def test_landmarks_are_in_every_plan(domain: str) -> None:
    """Any number of different plans, found by forbidding steps, must all pass a landmark."""
    made = instance(domain)
    space = explore(GroundTask(made.task))
    if space is None:
        pytest.skip("too many states")
    marks = [f for s in space.states for f in s if space.is_landmark(f)]
    import random

    rng = random.Random(0)
    for _ in range(30):
        state, seen = 0, set(space.states[0])
        for _ in range(5000):
            if state in space.goals:
                break
            _, state = rng.choice(space.edges[state])
            seen |= space.states[state]
        if state in space.goals:
            assert set(marks) <= seen


@pytest.mark.parametrize("domain", list_domains())
def test_questions_are_balanced_and_their_own_answers_are_right(domain: str) -> None:
    made = instance(domain)
    questions = make_questions(made.task, made.witness, n=2, seed=3, cap=3000)
    assert questions == make_questions(made.task, made.witness, n=2, seed=3, cap=3000)
    for q in questions:
        if q.form is Form.GENERATIVE:
            said = "\n".join(q.answers) if q.every else q.answers[0]
        else:
            said = f"Let me think. So the answer is {q.answers[0]}."
        assert check(q, said).correct, q
        assert check(q, "I do not know").parsed is None
        if q.form is Form.BOOLEAN:
            assert not check(q, "yes" if q.answers == ("no",) else "no").correct
        if q.form is Form.CHOICE:
            wrong = next(c for c in "ABCD" if c != q.answers[0])
            assert not check(q, f"{wrong}").correct
            right = q.options["ABCD".index(q.answers[0])]
            assert check(q, f"It is {right}").correct
        if q.every and len(q.answers) > 1:
            assert not check(q, q.answers[0]).correct
    booleans = [q.answers[0] for q in questions if q.form is Form.BOOLEAN]
    assert abs(booleans.count("yes") - booleans.count("no")) <= len(Kind)


def test_a_task_that_is_too_large_gets_no_question() -> None:
    made = get_domain("blocksworld").generate(9, 0)
    assert make_questions(made.task, made.witness, cap=500) == []
    assert make_questions(made.task, Plan(), kinds=(), cap=500) == []
