"""Questions against a naive second computation of everything they claim."""

from __future__ import annotations

import json
import re

import pytest

from surefoot.pddl import GroundTask, Plan, parse_plan, validate
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.questions import (
    QuestionForm,
    QuestionKind,
    SampledSpace,
    check,
    explore,
    make_questions,
    question_schema,
    read_value,
)
from surefoot.pddl.reference import FD_LMCUT
from surefoot.pddl.renaming import NameLevel, rename_task
from surefoot.results.structured import read_json

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
    assert len({q.kind for q in questions}) == len(QuestionKind)
    for q in questions:
        item = re.findall(r"\([^()]*\)", q.text)
        if q.kind is QuestionKind.APPLICABILITY:
            can = other[state_of(q.setting)]
            if q.form is QuestionForm.GENERATIVE:
                assert set(q.answers) == can
            elif q.form is QuestionForm.BOOLEAN:
                assert (q.answers == ("yes",)) is (item[0] in can)
            else:
                assert [o in can for o in q.options] == [c == q.answers[0] for c in "ABCD"]
        if q.kind is QuestionKind.REACHABILITY and q.form is QuestionForm.BOOLEAN:
            assert (q.answers == ("yes",)) is (item[0] not in reachable(state_of(q.setting)))
        if q.kind is QuestionKind.VALIDATION and q.form is QuestionForm.GENERATIVE:
            text = q.setting.removeprefix("A plan:\n")
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
        if q.form is QuestionForm.GENERATIVE:
            said = "\n".join(q.answers) if q.every else q.answers[0]
        else:
            said = f"Let me think. So the answer is {q.answers[0]}."
        assert check(q, said).correct, q
        assert check(q, "I do not know").parsed is None
        if q.form is QuestionForm.BOOLEAN:
            assert not check(q, "yes" if q.answers == ("no",) else "no").correct
        if q.form is QuestionForm.CHOICE:
            wrong = next(c for c in "ABCD" if c != q.answers[0])
            assert not check(q, f"{wrong}").correct
            right = q.options["ABCD".index(q.answers[0])]
            assert check(q, f"It is {right}").correct
        if q.every and len(q.answers) > 1:
            assert not check(q, q.answers[0]).correct
    booleans = [q.answers[0] for q in questions if q.form is QuestionForm.BOOLEAN]
    assert abs(booleans.count("yes") - booleans.count("no")) <= len(QuestionKind)


def steps_of(setting: str):
    return parse_plan("\n".join(re.findall(r"(?m)^\d+\. (.*)$", setting)))


@pytest.mark.parametrize("domain", list_domains())
def test_execution_and_justification_agree_with_the_validator(domain: str) -> None:
    made = instance(domain)
    kinds = [QuestionKind.EXECUTION, QuestionKind.JUSTIFICATION]
    questions = make_questions(made.task, made.witness, kinds=kinds, n=6, seed=2, cap=50)
    assert {(q.kind, q.form) for q in questions} >= {
        (k, f) for k in kinds for f in QuestionForm
    } - {(QuestionKind.JUSTIFICATION, QuestionForm.CHOICE)}
    ground = GroundTask(made.task)
    for q in questions:
        plan = steps_of(q.setting)
        if q.kind is QuestionKind.EXECUTION:
            state = set(ground.initial)
            for step in plan.steps:
                assert ground.ground(step).applicable(state)
                ground.ground(step).apply(state)
            true = set(map(str, ground.facts(state)))
            if q.form is QuestionForm.GENERATIVE:
                named = q.text.rpartition(": ")[2].rstrip(".").split(", ")
                assert set(q.answers) == {f for f in true if f.strip("()").split()[0] in named}
            elif q.form is QuestionForm.CHOICE:
                assert [o in true for o in q.options] == [c in q.answers for c in "ABCD"]
            else:
                assert (q.answers == ("yes",)) is (re.search(r"\(.*?\)", q.text)[0] in true)
        elif q.form is QuestionForm.GENERATIVE:
            assert validate(made.task, plan).valid
            width = 2 if "right after" in q.text else 1
            for n in range(len(plan) - width + 1):
                rest = Plan((*plan.steps[:n], *plan.steps[n + width :]))
                assert validate(made.task, rest).valid is (str(n + 1) in q.answers)


@pytest.mark.parametrize("domain", [*SMALL, "storage", "kitchen"])
def test_what_is_said_of_a_part_of_the_space_is_true_of_the_whole(domain: str) -> None:
    made = instance(domain)
    whole = explore(GroundTask(made.task))
    part = SampledSpace(whole.ground, made.witness, 0)
    number = {state: i for i, state in enumerate(whole.states)}
    facts = {f for s in whole.states for f in s}
    assert part.open_states
    for i, state in enumerate(part.states[:12]):
        exact = whole.facts_ahead(number[state])[0]
        seen, not_ruled_out = part.facts_ahead(i)
        assert seen <= exact <= not_ruled_out
        exact_steps = whole.steps_ahead(number[state])[0]
        seen_steps, open_steps = part.steps_ahead(i)
        assert seen_steps <= exact_steps <= open_steps
    for i in part.open_states:
        assert part.best_steps(i) == whole.best_steps(number[part.states[i]])
    asked = facts - set(whole.states[0])
    sure, never = part.landmarks(asked)
    marks, others = whole.landmarks(asked)
    assert sure <= marks
    assert never <= others
    assert sure | never


@pytest.mark.parametrize("domain", ["blocksworld", "tyreworld"])
def test_the_same_question_under_other_names(domain: str) -> None:
    made = instance(domain)
    renaming = rename_task(made.task, NameLevel.RANDOM_STRING, 1)[1]
    plain = make_questions(made.task, made.witness, seed=5)
    told = make_questions(made.task, made.witness, seed=5, renaming=renaming)
    back = renaming.invert()
    names = {**back.actions, **back.predicates, **back.objects}
    assert len(plain) == len(told)
    for a, b in zip(plain, told, strict=True):
        assert (a.key, a.chance, len(a.answers)) == (b.key, b.chance, len(b.answers))
        words = re.sub(r"[a-z0-9]{8}", lambda m: names.get(m[0], m[0]), b.setting)
        if not set(back.actions.values()) & set(back.predicates.values()):
            assert words == a.setting
        if a.form is not QuestionForm.GENERATIVE:
            assert a.answers == b.answers


def test_answers_as_json() -> None:
    made = instance("delivery")
    for q in make_questions(made.task, made.witness, n=1):
        schema = question_schema(q)
        said = list(q.answers) if q.every else q.answers[0]
        value = read_json("Sure: " + json.dumps({"answer": said}), schema)
        assert read_value(q, value).correct
        assert read_json(json.dumps({"answer": said, "why": "x"}), schema) is None
        if q.form is not QuestionForm.GENERATIVE:
            assert read_json('{"answer": "perhaps"}', schema) is None
        elif q.every:
            bare = {"answer": [a.strip("()").upper() for a in q.answers]}
            assert read_value(q, bare).correct
            assert not read_value(q, {"answer": [*q.answers, "(no such)"]}).correct


def test_only_what_follows_the_last_answer_line_counts() -> None:
    made = instance("blocksworld")
    questions = make_questions(made.task, made.witness, kinds=[QuestionKind.APPLICABILITY], n=1)
    q = next(q for q in questions if q.form is QuestionForm.GENERATIVE)
    listed = "\n".join(q.answers)
    assert check(q, f"One could think of (fly b1), but no.\nAnswer:\n{listed}").correct
    assert not check(q, f"{listed}\n(fly b1)").correct


def test_a_large_task_gets_fewer_questions_and_one_without_a_plan_none() -> None:
    made = get_domain("blocksworld").generate(9, 0)
    questions = make_questions(made.task, made.witness, cap=500)
    assert {q.kind for q in questions} >= {
        QuestionKind.APPLICABILITY,
        QuestionKind.VALIDATION,
        QuestionKind.EXECUTION,
    }
    assert make_questions(made.task, Plan(), cap=500) == []
    assert make_questions(made.task, made.witness, kinds=(), cap=500) == []
