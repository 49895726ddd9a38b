"""Programs in their four forms, and the machines that they become."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.verification.planchecking.worldfile import load_world
from surefoot.verification.programs.controller import ENDED, Controller, compile_program
from surefoot.verification.programs.english import NotUnderstoodError
from surefoot.verification.programs.loading import load_program, parse_program
from surefoot.verification.programs.phrases import parse_condition
from surefoot.verification.programs.statements import Program
from surefoot.verification.programs.vocabulary import PlanVocabulary, vocabulary_of
from surefoot.verification.programs.writing import program_text
from surefoot.verification.rules import load_rulebook

BOOK = load_rulebook("driving")
WORDS = vocabulary_of(BOOK, load_world("driving", BOOK).phrases)
SEEN = ("pedestrian", "green_light", "stop_sign", "car_from_left", "opposite_car")


def read(text: str, form: str | None = None) -> Program:
    return parse_program(text, WORDS, form=form, idle="stop")


def behaviour(program: Program, depth: int = 4) -> dict[tuple[int, ...], list[str]]:
    """What a program does for every sequence of situations of some observations."""
    machine = compile_program(program)
    rows = np.array(list(product((False, True), repeat=len(SEEN))))
    columns = {name: rows[:, i] for i, name in enumerate(SEEN)}
    columns |= {n: np.zeros(len(rows), bool) for n in BOOK.observations if n not in SEEN}
    tables: dict[int, list[int]] = {}

    def act(at: int, seen: int) -> int:
        if at not in tables:
            tables[at] = machine.decide(at, columns, len(rows)).tolist()
        return tables[at][seen]

    picked = [0, 1, 2, 8, 16, 24, 12, 31]
    done = {}
    for run in product(picked, repeat=depth):
        at, said = 0, []
        for seen in run:
            taken = act(at, seen) if at != ENDED else ENDED
            said.append(" ".join(machine.actions(taken)) if taken != ENDED else "end")
            if taken == ENDED:
                break
            at = machine.after(taken)
        done[run] = said
    return done


JSON = """[
  {"wait_until": "green_light & !pedestrian"},
  {"if": "stop_sign", "then": ["stop", "stop"], "else": [{"do": "go_straight"}]},
  {"while": "car_from_left", "do": ["stop"]},
  {"proceed": 1}
]"""

PYTHON = '''
def drive(car):
    """Goes straight when it can."""
    while True:
        car.wait_until(car.green_light() and not car.pedestrian())
        if car.stop_sign():
            car.stop()
            car.stop()
        else:
            car.go_straight()
        while car.car_from_left():
            car.stop()
'''

ENGLISH = """Here is the plan:
1. Wait until the traffic light is green and there is no pedestrian.
2. If there is a stop sign, stop and then stop. Otherwise, go straight.
3. While there is a car coming from the left, stop.
4. Go back to step 1.
"""


def test_three_forms_of_one_plan_behave_alike() -> None:
    expected = behaviour(read(JSON))
    assert behaviour(read(PYTHON, "python")) == expected
    assert behaviour(read(ENGLISH)) == expected
    flat = [" / ".join(said) for said in expected.values()]
    assert any("go_straight / stop / stop" in said for said in flat)
    assert len(set(flat)) > 8


PLANS_IN_ENGLISH = {
    "guarded": (
        "1. Look for pedestrians.\n"
        "2. If the light is green and there is no pedestrian, turn right.\n"
        "3. Otherwise, stop.",
        "if pedestrian or not green_light:\n    stop()\nelse:\n    turn_right()",
    ),
    "chain": (
        "Step 1: Observe the traffic light.\n"
        "Step 2: If the traffic light is red, then stop.\n"
        "Step 3: Else if there is a pedestrian, stop.\n"
        "Step 4: Otherwise, move forward.",
        "if not green_light:\n    stop()\nelif pedestrian:\n    stop()\nelse:\n    go_straight()",
    ),
    "bold": (
        "1. **Stop the car** at the stop sign.\n",
        None,
    ),
    "markdown": (
        "1. **Stop the car.**\n2. **Wait until** there are no pedestrians.\n3. Go forward.",
        "stop()\nwait_until(not pedestrian)\ngo_straight()",
    ),
    "neither": (
        "1) If there are no pedestrians or oncoming cars, proceed straight; otherwise, halt.",
        "if not pedestrian and not opposite_car:\n    go_straight()\nelse:\n    stop()",
    ),
    "nor": (
        "1. If neither a pedestrian nor a car from the left is visible: turn right",
        "if not pedestrian and not car_from_left:\n    turn_right()",
    ),
    "unless": (
        "1. Turn right unless there is a pedestrian or there is a car from the left.",
        "if not (pedestrian or car_from_left):\n    turn_right()",
    ),
    "until": (
        "1. Remain stopped until the light turns green.\n2. Go straight only if no pedestrian.",
        "while not green_light:\n    stop()\nif not pedestrian:\n    go_straight()",
    ),
    "once": (
        "1. Stop.\n2. Once the light is green, turn left.\n3. End.\n4. Turn right.",
        "stop()\nwait_until(green_light)\nturn_left()\nreturn",
    ),
    "jumps": (
        "1. If there is a pedestrian, go to step 3.\n2. Go straight and go back to step 1.\n"
        "3. Stop, then proceed to step 1.",
        "while True:\n    if pedestrian:\n        stop()\n    else:\n        go_straight()",
    ),
    "wait while": (
        "1. Wait while there is a car from the left.\n2. Turn right.\n3. Start over.",
        "while True:\n    while car_from_left:\n        pass\n    turn_right()",
    ),
    "unknown action": ("1. Accelerate to 30 mph.", None),
    "unknown condition": ("1. If it rains, stop.", None),
    "mixed": ("1. If a pedestrian or a car from the left and a stop sign, stop.", None),
    "no and bare": ("1. If there is no pedestrian and car from the left, stop.", None),
    "wait for": ("1. Wait for the pedestrian.\n2. Go straight.", None),
    "look and act": ("1. Check for pedestrians and stop.", "stop()"),
    "condition or command": ("1. Check if there is a pedestrian, stop.", None),
    "stray": ("1. Stop.\nThis plan is safe.", None),
    "else of nothing": ("1. Stop.\n2. Otherwise, turn right.", None),
}


@pytest.mark.parametrize("name", PLANS_IN_ENGLISH)
def test_english_says_the_same_as_python_or_nothing(name: str) -> None:
    english, python = PLANS_IN_ENGLISH[name]
    if python is None:
        with pytest.raises(NotUnderstoodError, match="not understood: "):
            read(english)
    else:
        assert behaviour(read(english)) == behaviour(read(python, "python"))


def test_everything_that_is_not_understood_is_told() -> None:
    with pytest.raises(NotUnderstoodError) as caught:
        read("1. Stop.\n2. Honk twice. Go straight.\n3. If it snows, stop.")
    gaps = caught.value.gaps
    assert [(g.line, g.step, g.words) for g in gaps] == [
        (2, 2, "Honk twice"),
        (3, 3, "If it snows, stop"),
    ]
    assert caught.value.line == 2
    assert str(caught.value).startswith("2: not understood: step 2: 'Honk twice' (and 1 more); ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("there is a pedestrian", "pedestrian"),
        ("no pedestrians are visible", "!pedestrian"),
        ("the traffic light is not green", "!green_light"),
        ("the light is not red", "green_light"),
        ("there is no pedestrian and the light is green", "!pedestrian & green_light"),
        ("a pedestrian, an oncoming car, or a stop sign", "pedestrian | opposite_car | stop_sign"),
        (
            "no pedestrian, car from the left or oncoming car",
            "!pedestrian & !car_from_left & !opposite_car",
        ),
        ("no pedestrian or a car from the left", None),
        ("no pedestrian or the light is green", "!pedestrian | green_light"),
        ("a pedestrian, a stop sign", None),
        ("the light isn't green", "!green_light"),
        ("stop", None),
        ("", None),
    ],
)
def test_conditions(text: str, expected: str | None) -> None:
    found = parse_condition(text, WORDS)
    assert (None if found is None else str(found)) == expected


def test_python_details() -> None:
    loops = read(
        "for _ in range(3):\n"
        "    if pedestrian:\n        break\n"
        "    if stop_sign:\n        continue\n"
        "    go_straight()\n"
        "turn_left()",
        "python",
    )
    said = {" ".join(v) for v in behaviour(loops).values()}
    assert "go_straight go_straight go_straight turn_left" in said
    assert "turn_left end" in said
    endless = read("while True:\n    if pedestrian:\n        pass\n", "python")
    assert set(behaviour(endless, 3).values().__iter__().__next__()) == {"stop"}


REFUSED = {
    "import os\nstop()": (1, 1, "'import os'"),
    "stop()\nx = 1": (2, 1, "'x = 1'"),
    "stop(1)": (1, 1, "'stop' with arguments"),
    "if pedestrian > 0:\n    stop()": (1, 4, "'pedestrian > 0'"),
    "if stop:\n    stop()": (1, 4, "'stop' is an action of this rulebook"),
    "pedestrain()": (1, 1, "'pedestrain' is not an action"),
    "if pedestrain:\n    stop()": (1, 4, "did you mean 'pedestrian'"),
    "while pedestrian:\n    stop()\nelse:\n    stop()": (1, 1, "'while pedestrian:'"),
    "for i in [1, 2]:\n    stop()": (1, 1, "'for i in"),
    "a.b.stop()": (1, 1, "'a.b.stop'"),
    "__import__('os').system('true')": (1, 1, "system'"),
    "break": (1, 1, "'break'"),
    "stop()\n  go()": (2, None, "not valid Python"),
    "@x\ndef f():\n    stop()": (1, 2, "a decorator"),
    "def f():\n    stop()\nstop()": (3, 1, "beside the one function"),
    "wait_until()": (1, 1, "without exactly one condition"),
    "lambda: stop()": (1, 1, "'lambda"),
    "stop()\0": (None, None, "null"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_other_python_is_refused_with_its_place(text: str) -> None:
    line, column, words = REFUSED[text]
    with pytest.raises(InputError) as caught:
        read(text, "python")
    assert words in caught.value.message
    assert caught.value.line == line
    assert column is None or caught.value.column == column


def test_python_is_never_executed(tmp_path: Path) -> None:
    made = tmp_path / "made"
    plan = tmp_path / "plan.py"
    plan.write_text(f"open({str(made)!r}, 'w').write('x')\nstop()\n")
    with pytest.raises(InputError):
        load_program(plan, WORDS)
    assert not made.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ('{"plan": []}', "unknown key 'plan'"),
        ('"stop"', "not understood|not an action|expected a list"),
        ('["halt"]', r"steps\[1\]: 'halt' is not an action"),
        ('[{"if": "pedestrian"}]', r"steps\[1\]: cannot read"),
        ('[{"if": "pedestrain", "then": []}]', r"steps\[1\]: .*did you mean 'pedestrian'"),
        ('[{"if": "F pedestrian", "then": []}]', "looks into the future"),
        ('[{"if": "stop", "then": []}]', r"steps\[1\]: unknown proposition 'stop'"),
        ('[{"while": 3, "do": []}]', "must be text"),
        ('[{"proceed": 7}]', "there is no step 7 to go to"),
        ('[{"do": []}]', "at least one action"),
        ('[{"do": "stop", "why": "x"}]', "cannot read"),
        ('[{"end": false}]', "cannot read"),
        ("[]", "the plan has no steps"),
        ("[" * 100_000, "nested deeper|not valid JSON"),
        ('[{"repeat": ' * 60 + '"stop"' + "}]" * 60, "nested deeper than 50"),
        ("[" + '"stop",' * 20_000 + '"stop"]', "more than 10,000 steps"),
    ],
)
def test_bad_json_plans(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        compile_program(read(text, "json" if text[0] in '[{"' else None))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("stop\n" * 1_000_000, None),
        ("stop()\n" * 25_000, "python"),
        ("for _ in range(1000000000):\n    pass", "python"),
        ("for _ in range(1000):\n" + "    stop()\n" * 1000, "python"),
        ("not " * 50_000 + "stop()", "python"),
        ("(" * 50_000, "python"),
        (
            "if pedestrian:\n" + "".join(" " * i + "if pedestrian:\n" for i in range(1, 90)),
            "python",
        ),
        ("-" * 30_000 + "1", "python"),
        ("a" + ".a" * 60_000 + "()", "python"),
        ("1." + " stop and" * 50_000, None),
        ("1. If " + "no pedestrian and " * 30_000 + "stop", None),
        ("\n".join(f"{i}. Stop." for i in range(1, 20_000)), None),
        ("\x00\x01" * 1000, None),
    ],
)
def test_bombs_end_in_one_line(text: str, form: str | None) -> None:
    with pytest.raises(InputError) as caught:
        compile_program(read(text, form))
    assert len(str(caught.value)) < 400


def test_files(tmp_path: Path) -> None:
    plan = tmp_path / "plan.txt"
    plan.write_text("# a plan\nstop\nturn right  # carefully\ngo_straight()\n")
    program = load_program(plan, WORDS)
    assert program_text(program) == "stop\nturn right\ngo straight\n"
    plan.write_text("stop\nturn rihgt\n")
    with pytest.raises(InputError, match=r"plan\.txt:2: 'turn rihgt' is not an action.*turn_right"):
        load_program(plan, WORDS)
    plan.write_text(" \n")
    with pytest.raises(InputError, match="the plan is empty"):
        load_program(plan, WORDS)
    plan.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        load_program(plan, WORDS)
    with pytest.raises(InputError, match="cannot read the plan: no such file"):
        load_program(tmp_path / "none.txt", WORDS)
    with pytest.raises(InputError, match="there are two steps 1"):
        read("1. Stop.\n1. Stop.")


def test_vocabularies_are_unambiguous() -> None:
    words = PlanVocabulary(("one", "two"), (), {"one": ["x y"], "two": ["the x y"]})
    with pytest.raises(InputError, match="stands for 'one' and 'two'"):
        words.find("x y")
    ordered = PlanVocabulary(("one", "two"), (), {"one": ["x y"], "two": ["the y x"]})
    assert (ordered.find("x y"), ordered.find("y x")) == (("one", True), ("two", True))
    with pytest.raises(InputError, match="unknown 'three'"):
        PlanVocabulary(("one",), (), {"three": ["x"]})
    with pytest.raises(InputError, match="no word that counts"):
        PlanVocabulary(("one",), (), {"one": ["the"]})


def test_text_of_a_program() -> None:
    text = program_text(read(JSON))
    assert text.splitlines()[:7] == [
        "[1]",
        "wait until green light and no pedestrian",
        "if stop sign:",
        "    stop",
        "    stop",
        "otherwise:",
        "    go straight",
    ]
    assert isinstance(compile_program(read(JSON)), Controller)
