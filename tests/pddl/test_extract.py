"""Plans found in free text; every text here is the project's own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from random import Random

import pytest

from surefoot.core.errors import InputError
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.extract import (
    AnswerShape,
    Extraction,
    TaskVocabulary,
    extract_with,
    load_lexicon,
)
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, Task, parse_task
from surefoot.pddl.validator import validate

pytestmark = pytest.mark.quick

DATA = Path(str(files("surefoot.pddl.domains"))) / "data"


def read(task: Task, domain: str, text: str) -> Extraction:
    lexicon = load_lexicon(DATA / domain / "lexicon.yaml", task.domain)
    return extract_with(text, GroundTask(task), TaskVocabulary(task, lexicon))


def blocks(below: dict[str, str], goal: str) -> Task:
    """A blocksworld task from what stands on what (``table`` for none)."""
    spec = get_domain("blocksworld")
    covered = set(below.values())
    facts = ["(arm-empty)"]
    facts += [f"(on {b} {u})" if u != "table" else f"(on-table {b})" for b, u in below.items()]
    facts += [f"(clear {b})" for b in below if b not in covered]
    names = " ".join(below)
    return parse_task(
        spec.domain_text,
        f"(define (problem p) (:domain blocksworld) (:objects {names} - object)"
        f" (:init {' '.join(facts)}) (:goal {goal}))",
    )


TOWER = {"b1": "b2", "b2": "b3", "b3": "table", "b4": "table"}
"""b1 on b2 on b3, and b4 beside them."""


def steps(text: str, below: dict[str, str] = TOWER) -> list[str]:
    found = read(blocks(below, "(on b4 b1)"), "blocksworld", text)
    assert found.chosen is not None, found.form
    return [str(s.step) for s in found.chosen.steps]


SAME = ["(unstack b1 b2)", "(putdown b1)", "(pickup b4)", "(stack b4 b1)"]

WRITINGS = {
    "s-expressions": "(unstack b1 b2)\n(putdown b1)\n(pickup b4)\n(stack b4 b1)",
    "functional": "1. unstack(b1, b2)\n2. putdown(b1)\n3. pickup(b4)\n4. stack(b4, b1)",
    "fenced": "Plan:\n```\nunstack b1 b2\nputdown b1\npickup b4\nstack b4 b1\n```\nDone.",
    "bold": (
        "1. **Unstack** b1 from b2.\n2. **Put down** b1 on the table.\n"
        "3. **Pick up** b4.\n4. **Stack** b4 on b1."
    ),
    "latex": (
        "1. **Unstack \\( b1 \\) from \\( b2 \\)**\n2. **Put down \\( b1 \\)**\n"
        "3. **Pick up \\( b4 \\)**\n4. **Stack \\( b4 \\) on \\( b1 \\)**"
    ),
    "json": (
        '{"plan": [{"action": "unstack", "args": ["b1", "b2"]},'
        ' {"action": "putdown", "args": ["b1"]}, {"action": "pickup", "args": ["b4"]},'
        ' {"action": "stack", "args": ["b4", "b1"]}]}'
    ),
    "table": (
        "| Step | Action | Object | On |\n|---|---|---|---|\n| 1 | unstack | b1 | b2 |\n"
        "| 2 | putdown | b1 | |\n| 3 | pickup | b4 | |\n| 4 | stack | b4 | b1 |"
    ),
    "omitted arguments": "1. Unstack b1.\n2. Put it down.\n3. Pick up b4.\n4. Stack it on b1.",
    "details are no steps": (
        "1. unstack(b1, b2)\n   - Precondition: b1 is clear, the arm is empty\n"
        "   - Effect: the arm holds b1\n2. putdown(b1)\n   - Effect: b1 is on the table\n"
        "3. pickup(b4)\n4. stack(b4, b1)\n   - Effect: b4 is on b1"
    ),
    "a summary repeats the plan": (
        "1. unstack(b1, b2)\n2. putdown(b1)\n3. pickup(b4)\n4. stack(b4, b1)\n\n"
        "**Summary of the plan**\n\n1. unstack(b1, b2)\n2. putdown(b1)\n3. pickup(b4)\n"
        "4. stack(b4, b1)"
    ),
    "reasons come first": (
        "Best choice:\nMoving b1 first is better as it needs fewer steps:\n"
        "Unstack b1 from b2.\nThen pick up b4.\n\nStep-by-Step Actions\n"
        "1. Unstack b1 from b2\n2. Put b1 down\n3. Pick up b4\n4. Stack b4 on b1"
    ),
    "the start is told first": (
        "**Initial state:**\n- b1 is on b2\n- b4 is on the table\n\n**Plan:**\n"
        "1. Unstack b1 from b2\n2. Put b1 down\n3. Pick up b4\n4. Stack b4 on b1\n\n"
        "**Goal:** b4 is on b1."
    ),
}


@pytest.mark.parametrize("text", WRITINGS.values(), ids=WRITINGS)
def test_the_same_plan_in_many_writings(text: str) -> None:
    assert steps(text) == SAME


def test_provenance_and_confidence() -> None:
    found = read(
        blocks(TOWER, "(on b4 b1)"), "blocksworld", "Well.\n\n1. Unstack b1.\n2. Put down b1."
    )
    assert found.chosen is not None
    spans = [(s.first_line, s.last_line, s.source.value) for s in found.chosen.steps]
    assert spans == [(3, 3, "completed"), (4, 4, "stated")]
    assert 0 < found.chosen.confidence() <= 1


def test_an_abandoned_plan_gives_way_to_the_one_that_replaces_it() -> None:
    text = (
        "**Plan:**\n1. pickup(b3)\n2. stack(b3, b4)\n\n"
        "Wait, b3 is not clear. That does not work.\n\n**Revised plan:**\n"
        "1. unstack(b1, b2)\n2. putdown(b1)\n3. pickup(b4)\n4. stack(b4, b1)"
    )
    assert steps(text) == SAME


def test_the_choice_never_looks_at_validity() -> None:
    """The last of two full plans counts, whichever of them is valid."""
    good = "1. unstack(b1, b2)\n2. putdown(b1)\n3. pickup(b4)\n4. stack(b4, b1)"
    bad = "1. pickup(b4)\n2. stack(b4, b2)\n3. pickup(b1)\n4. stack(b1, b4)"
    for first, second, valid in ((good, bad, False), (bad, good, True)):
        text = f"**Plan:**\n{first}\n\nThis has a mistake.\n\n**Corrected plan:**\n{second}"
        task = blocks(TOWER, "(on b4 b1)")
        found = read(task, "blocksworld", text)
        assert found.chosen is not None
        assert validate(task, found.chosen.plan).valid is valid


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", AnswerShape.EMPTY),
        ("  \n\n", AnswerShape.EMPTY),
        ("I'm sorry, but I cannot provide a plan for this problem.", AnswerShape.REFUSAL),
        ("The weather is nice today.", AnswerShape.UNPARSED),
        (
            "1. unstack(b1, b2)\n2. For each block, carry out the necessary steps.",
            AnswerShape.UNEXPANDABLE,
        ),
        ("1. Unstack b1 from b2.\n2. Put b1 down.\n3. Stack b4 on", AnswerShape.TRUNCATED),
    ],
)
def test_forms_without_a_whole_plan(text: str, form: AnswerShape) -> None:
    assert read(blocks(TOWER, "(on b4 b1)"), "blocksworld", text).form is form


def test_no_action_needed_is_an_empty_plan() -> None:
    found = read(
        blocks(TOWER, "(on b1 b2)"),
        "blocksworld",
        "The goal is already satisfied, so no actions are needed.",
    )
    assert found.chosen is not None
    assert found.chosen.plan == Plan()


def test_a_wrong_action_is_not_repaired() -> None:
    assert steps("1. Pickup b2.\n2. Stack b2 on b4.")[0] == "(pickup b2)"


def test_an_object_that_does_not_exist_keeps_its_name() -> None:
    assert steps("1. unstack(b1, b2)\n2. stack(b1, b77)")[1] == "(stack b1 b77)"


def test_an_action_of_its_own_invention_stays_in_the_plan() -> None:
    found = steps("1. unstack(b1, b2)\n2. teleport(b1, b4)\n3. pickup(b4)")
    assert len(found) == 3
    assert "teleport" in found[1]


def test_deterministic_loops_are_unrolled() -> None:
    spec = get_domain("grippers")
    task = parse_task(
        spec.domain_text,
        """(define (problem p) (:domain gripper-strips)
        (:objects robot1 - robot l1 r1 - gripper room1 room2 - room ball1 ball2 ball3 - object)
        (:init (at-robby robot1 room1) (free robot1 l1) (free robot1 r1)
          (at ball1 room1) (at ball2 room1) (at ball3 room1))
        (:goal (and (at ball1 room2) (at ball2 room2) (at ball3 room2))))""",
    )
    text = (
        "1. Pick up ball1 in room1 with l1.\n2. Move from room1 to room2.\n"
        "3. Drop ball1 in room2 from l1.\n4. Move from room2 to room1.\n"
        "5. Repeat steps 1-4 for ball2 and ball3."
    )
    found = read(task, "grippers", text)
    assert found.chosen is not None
    assert len(found.chosen.plan) == 12
    assert validate(task, found.chosen.plan).valid


@pytest.mark.parametrize("name", list_domains())
@pytest.mark.parametrize("writing", ["({a} {s})", "{a}({c})", "{n}. {w} {s}", "- **{w} {s}**"])
def test_witnesses_of_every_domain_come_back(name: str, writing: str) -> None:
    if name == "barman" and "{w}" in writing:
        pytest.skip("which of 'left right' holds the glass cannot be told from bare words")
    spec = get_domain(name)
    instance = spec.generate(spec.min_size + 1, seed=4)
    text = "\n".join(
        writing.format(
            a=s.action, s=" ".join(s.args), c=", ".join(s.args), n=n, w=s.action.replace("-", " ")
        )
        for n, s in enumerate(instance.witness.steps, start=1)
    )
    found = read(instance.task, name, text)
    assert found.chosen is not None
    assert found.chosen.plan == instance.witness


def test_noise_never_breaks_extraction() -> None:
    rng = Random(7)
    task = blocks(TOWER, "(on b4 b1)")
    pieces = [
        *WRITINGS.values(),
        "(((",
        "\x00",
        "|",
        "**",
        "1.",
        "```",
        "{",
        "repeat steps 1-99999999",
        "for each block",
        "b99",
        "é",
        "\t",
        "steps 3 to 1",
        "\\(",
        "all",
        "- " * 50,
    ]
    for _ in range(300):
        text = "\n".join(rng.choice(pieces) for _ in range(rng.randrange(1, 9)))
        cut = text[rng.randrange(len(text)) :] if text else text
        assert read(task, "blocksworld", cut).form in AnswerShape


def test_lexicon_errors_name_the_entry(tmp_path: Path) -> None:
    domain = get_domain("blocksworld").domain
    path = tmp_path / "lexicon.yaml"
    for content, words in [
        ("actions: {pikup: {}}", "did you mean 'pickup'"),
        ("actions: {pickup: {roles: {on: nowhere}}}", "no parameter 'nowhere'"),
        ("colour: red", "colour"),
        ("actions: [", "not valid YAML"),
        ("agent: robot", "no type 'robot'"),
    ]:
        path.write_text(content)
        with pytest.raises(InputError, match=words):
            load_lexicon(path, domain)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="text"):
        load_lexicon(path, domain)
    with pytest.raises(InputError, match="cannot read"):
        load_lexicon(tmp_path / "absent.yaml", domain)
