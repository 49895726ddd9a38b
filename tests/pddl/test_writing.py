"""Written answers say what they are said to say; damaged ones never state a valid plan."""

from __future__ import annotations

import ast
from functools import cache
from itertools import combinations

import pytest
import yaml

from surefoot.core.errors import InputError
from surefoot.pddl.domains import list_domains
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import parse_plan
from surefoot.pddl.language.model import Plan, PlanStep
from surefoot.pddl.validator import validate
from surefoot.pddl.writing import (
    DAMAGES,
    AnswerWriter,
    KnownTask,
    Split,
    WrittenShape,
    can_show,
    known_tasks,
    styles,
    words_of,
)
from surefoot.pddl.writing.model import WrittenStep
from surefoot.pddl.writing.phrases import Verb, read_phrases
from surefoot.pddl.writing.readings import may_be_valid
from surefoot.pddl.writing.spelling import Roster, ordinal, spaced
from surefoot.pddl.writing.structures import loop
from surefoot.pddl.writing.styles import EXTRAS, STRUCTURES, WORDINGS
from surefoot.pddl.writing.tasks import SHIPPED

SPLITS = list(Split)


@cache
def small(split: Split, domain: str = "grippers", steps: int = 6) -> KnownTask:
    """A task of a few steps with names as they ship."""
    found = [k for k in known_tasks(split) if k.domain == domain and k.naming == "shipped"]
    return min(found, key=lambda k: abs(len(k.plan) - steps) if k.plan.steps else 1000)


def writer(known: KnownTask) -> AnswerWriter:
    return AnswerWriter(known.task, words_of(known.domain))


@pytest.mark.parametrize("parts", [STRUCTURES, WORDINGS, EXTRAS], ids=["s", "w", "e"])
def test_components_of_each_split_are_many_and_used(parts: dict[str, object]) -> None:
    used = {
        split: {n for s in styles(split) for n in (s.structure, s.wording, *s.extras)}
        for split in SPLITS
    }
    for one, two in combinations(SPLITS, 2):
        assert not used[one] & used[two]
    for split in SPLITS:
        own = {name for name, part in parts.items() if part.split is split}  # type: ignore[attr-defined]
        assert own <= used[split]
        assert len(own) >= (12 if parts is STRUCTURES else 6)
    by_split = {s: {n for n, p in parts.items() if p.split is s} for s in SPLITS}  # type: ignore[attr-defined]
    assert sum(map(len, by_split.values())) == len(parts)
    assert len(by_split[Split.VALIDATION]) >= {id(STRUCTURES): 34}.get(id(parts), 24)
    count = {id(STRUCTURES): 16, id(WORDINGS): 14, id(EXTRAS): 15}[id(parts)]
    assert sum(part.split is Split.HELD_OUT for part in parts.values()) >= count  # type: ignore[attr-defined]
    assert len(parts) >= {id(STRUCTURES): 66, id(WORDINGS): 52}.get(id(parts), 49)


def test_styles_are_many_and_fit_together() -> None:
    for split in SPLITS:
        assert len(styles(split)) >= 55
        assert len({s.name for s in styles(split)}) == len(styles(split))
        for style in styles(split):
            parts = (STRUCTURES[style.structure], WORDINGS[style.wording])
            assert {p.split for p in parts} | {EXTRAS[e].split for e in style.extras} == {split}
            takes = parts[0].takes
            assert takes in ("any", WORDINGS[style.wording].kind), style.name
    assert len(DAMAGES) >= 14


def test_tasks_of_all_splits_differ_and_have_plans() -> None:
    texts = {}
    for split in SPLITS:
        tasks = known_tasks(split)
        assert set(list_domains()) < {k.domain for k in tasks}
        assert len({k.naming for k in tasks}) >= (10 if split is Split.VALIDATION else 5)
        for known in tasks:
            assert validate(known.task, known.plan).valid, known.task.name
            assert len(known.plan) <= 40
        texts[split] = {(str(k.task.problem), str(k.plan)) for k in tasks}
    for one, two in combinations(SPLITS, 2):
        assert not texts[one] & texts[two]
        shared = {k.domain for k in known_tasks(one)} & {k.domain for k in known_tasks(two)}
        assert shared == set(list_domains())
        namings = ({k.naming for k in known_tasks(s)} - {SHIPPED} for s in (one, two))
        assert not set.intersection(*namings)


def test_every_action_has_a_phrase_that_names_every_argument() -> None:
    for split in SPLITS:
        for known in {k.domain: k for k in known_tasks(split)}.values():
            words = words_of(known.domain)
            tables = [words.phrases, *({**words.phrases, **s} for s in words.synonyms.values())]
            for table in tables:
                types = {n: a.parameters for n, a in known.task.domain.actions.items()}
                told = {(phrase, types[name]) for name, phrase in table.items()}
                assert len(told) == len(table), known.domain
            for name, action in known.task.domain.actions.items():
                places = set(range(len(action.parameters)))
                for phrase in (table[name] for table in tables):
                    names = [f"<{i}>" for i in sorted(places)]
                    said = phrase.actor(names, frozenset(), "") + phrase.tail(names, frozenset())
                    assert all(n in said for n in names), (known.domain, name)


@pytest.mark.parametrize("split", SPLITS)
def test_every_style_writes_every_damage(split: Split) -> None:
    written: dict[str, int] = {}
    shown: dict[str, int] = {}
    known = [small(split), small(split, "tyreworld", 19), small(split, "floortile", 9)]
    empty = next(k for k in known_tasks(split) if not k.plan.steps)
    for style in styles(split):
        assert writer(empty).write(empty.plan, style, 0).shape is WrittenShape.NO_ACTION  # type: ignore[union-attr]
        for damage in (None, *DAMAGES):
            found = [writer(k).write(k.plan, style, 3, damage) for k in known]
            answers = [a for a in found if a is not None]
            name = damage or ""
            possible = damage is None or can_show(style, damage)
            shown[name] = shown.get(name, 0) + possible
            written[name] = written.get(name, 0) + bool(answers)
            assert possible or not answers
            for answer, task in zip(found, known, strict=True):
                if answer is None:
                    continue
                assert answer.text.strip()
                assert answer.valid is (damage is None)
                if answer.steps is not None:
                    steps = Plan(answer.steps)
                    assert validate(task.task, steps).valid is answer.valid
    assert all(written[name] >= 0.7 * shown[name] > 0 for name in written), (written, shown)


def test_the_same_seed_gives_the_same_text_and_another_seed_another() -> None:
    for split in SPLITS:
        known = small(split)
        for style in styles(split):
            for damage in (None, "wrong-object", "truncated"):
                one, two = (writer(known).write(known.plan, style, 5, damage) for _ in range(2))
                assert one == two
        texts = {writer(known).write(known.plan, styles(split)[1], n).text for n in range(8)}  # type: ignore[union-attr]
        assert len(texts) > 1


def test_a_brief_wording_leaves_out_only_what_the_state_decides() -> None:
    known = small(Split.DEVELOPMENT)
    brief = next(s for s in styles("development") if s.wording == "brief-bold")
    full = next(s for s in styles("development") if s.wording == "imperative" and not s.extras)
    short, long = (writer(known).write(known.plan, s, 0) for s in (brief, full))
    assert short is not None
    assert long is not None
    assert short.steps == long.steps == known.plan.steps
    ground = GroundTask(known.task)
    open_items = [WrittenStep(s, frozenset(range(len(s.args)))) for s in known.plan.steps]
    assert may_be_valid(ground, open_items)
    assert not may_be_valid(ground, open_items[:-1])


def test_an_unknown_damage_is_an_error() -> None:
    known = small(Split.DEVELOPMENT)
    with pytest.raises(InputError, match="no damage 'typo'"):
        writer(known).write(known.plan, styles("development")[0], 0, "typo")


def test_verbs_and_phrases() -> None:
    verb = Verb("put down")
    assert [verb.third, verb.gerund, verb.past, verb.participle] == [
        "puts down",
        "putting down",
        "put down",
        "put down",
    ]
    assert [Verb("carry").third, Verb("wash").third, Verb("leave").gerund] == [
        "carries",
        "washes",
        "leaving",
    ]
    assert [Verb("drop").past, Verb("shake").past, Verb("shake").participle] == [
        "dropped",
        "shook",
        "shaken",
    ]
    phrase = read_phrases("shake: - | shake | {0} | from {1} and {2}\n | in {3}")["shake"]
    assert phrase.tail(["a", "b", "c", "d"], {3}) == " a from b and c"
    assert phrase.interchangeable() == [(1, 2)]
    assert phrase.places() == (1, 2)
    assert read_phrases("go: 0 | go | - | from {1} | to {2}")["go"].places() == (1, 0)
    pick = read_phrases("pick: - | pick | block {0}")["pick"]
    assert [pick.tail([n], frozenset()) for n in ("b1", "Block #1")] == [" block b1", " Block #1"]


def test_spellings_depend_on_what_else_there_is() -> None:
    roster = Roster(["robot1", "robot2", "ball1", "ball3", "red-crate", "l0"])
    assert [ordinal(n, roster) for n in ("robot2", "ball3", "robot9")] == [
        "the second robot",
        "ball3",
        "the ninth robot",
    ]
    assert [spaced(n, roster) for n in ("robot1", "red-crate", "l0")] == [
        "Robot 1",
        "Red Crate",
        "L0",
    ]


def test_a_loop_is_written_only_where_it_can_be_read_in_one_way() -> None:
    from random import Random

    from surefoot.pddl.writing.model import Said

    def said(*steps: str) -> list[Said]:
        parsed = [PlanStep(s.split()[0], tuple(s.split()[1:])) for s in steps]
        return [
            Said(n, s.action, s.args, (), str(s), "", "") for n, s in enumerate(parsed, start=1)
        ]

    told = loop(said("pick a r", "drop a s", "pick b r", "drop b s", "end r"), Random(0))
    assert told.split("\n")[2:] == ["3. Repeat steps 1-2 with b in place of a", "4. (end r)"]
    assert not loop(said("pick a b", "drop a b", "pick b c", "drop b c"), Random(0))


def parsed(structure: str, text: str) -> list[list[str]]:
    """Reads an answer of a structure that a library can parse: actions with arguments."""
    inner = text.split("```")[1].split("\n", 1)[1] if "```" in text else text
    if structure == "fenced-pddl":
        return [[s.action, *s.args] for s in parse_plan(inner).steps]
    if structure == "python-tuples":
        return [list(row) for row in ast.literal_eval(inner.partition("=")[2].strip())]
    data = yaml.safe_load(inner)  # JSON is YAML
    rows = data["plan"] if isinstance(data, dict) else data
    return [[v for n in row.values() for v in (n if isinstance(n, list) else [n])] for row in rows]


@pytest.mark.parametrize("structure", ["fenced-pddl", "json-arguments", "yaml", "python-tuples"])
def test_structured_answers_hold_the_steps_that_they_are_said_to_state(structure: str) -> None:
    style = next(s for s in styles("development") if s.structure == structure)
    for known in (small(Split.DEVELOPMENT), small(Split.DEVELOPMENT, "ferry", 9)):
        for damage in (None, "wrong-object", "unknown-object", "swapped-steps", "extra-argument"):
            answer = writer(known).write(known.plan, style, 2, damage)
            assert answer is not None
            assert answer.steps is not None
            assert parsed(structure, answer.text) == [[s.action, *s.args] for s in answer.steps]
