"""What plans in English mean, and what is refused with both readings."""

from __future__ import annotations

from pathlib import Path

import pytest

from surefoot.core.errors import InputError
from surefoot.verification.planchecking.worldfile import load_world
from surefoot.verification.programs.english import NotUnderstoodError
from surefoot.verification.programs.equivalence import equivalent
from surefoot.verification.programs.loading import parse_program
from surefoot.verification.programs.phrases import parse_condition
from surefoot.verification.programs.vocabulary import PlanVocabulary, gerunds, vocabulary_of
from surefoot.verification.programs.writing import reading_text
from surefoot.verification.rules import load_rulebook
from surefoot.verification.writing import count_readings
from surefoot.verification.writing.development import DEVELOPMENT
from surefoot.verification.writing.held_out import HELD_OUT

BOOK = load_rulebook("driving")
WORDS = vocabulary_of(BOOK, load_world("driving", BOOK).phrases)


def read(text: str) -> str:
    return reading_text(parse_program(text, WORDS, idle="stop"))


@pytest.mark.parametrize("wordings", [DEVELOPMENT, HELD_OUT], ids=lambda w: w.name)
def test_written_plans_are_read_as_written_or_refused(wordings: object) -> None:
    assert wordings in (DEVELOPMENT, HELD_OUT)
    counts = count_readings(wordings, 600, 3)  # type: ignore[arg-type]
    assert counts.misread_examples == []
    assert counts.misread + counts.doubtful_read == 0
    assert counts.read >= 0.9 * counts.plans
    assert counts.doubtful > 30


def test_there_are_forty_ways_to_say_the_common_constructs() -> None:
    both = {kind: n + HELD_OUT.ways()[kind] for kind, n in DEVELOPMENT.ways().items()}
    common = ("act", "acts", "if", "if-else", "unless", "wait", "wait-act", "while", "until",
              "times", "pause", "jump", "if-jump", "restart", "end", "never")  # fmt: skip
    assert {kind: both[kind] for kind in common if both[kind] < 40} == {}


TWO_READINGS = {
    "1. Go straight, then turn right if the light is green.": "it may mean 'if green light: (go "
    "straight; turn right)' or 'go straight; if green light: (turn right)'",
    "1. Stop and turn right unless there is a pedestrian.": "or 'stop; if no pedestrian: (turn",
    "1. While there is a pedestrian, stop, then turn right.": "or 'while pedestrian: (stop); turn",
    "1. If there is a stop sign, stop, then go straight.": "or 'if stop sign: (stop); go straight'",
    "1. Turn right if the light is green, then stop.": "it may mean",
    "1. If the light is green, stop. Otherwise, stop, then turn right.": "in any case",
    "1. When the light is green, go straight.": "'when' may mean 'once'",
    "1. Go straight whenever the light is green.": "'whenever' may mean 'once'",
    "1. If there is a stop sign, stop; turn right.": "behind ';'",
    "1. If the light is red, stop.\n2. If there is a pedestrian, stop.\n3. Otherwise, go straight.":
    "'otherwise' may refer to the last condition or to all before it",
    "1. If a pedestrian or a stop sign is not visible, stop.": "has two readings",
    "1. If no pedestrian or stop sign is visible, stop.": "has two readings",
    "1. Check that there is no pedestrian.\n2. Go straight.": "what if it is not so?",
    "1. Never turn left.\n2. Turn left.": "line 2 may do it all the same",
    "1. If there is a pedestrian, do not go straight.\n2. Go straight.": "line 2 may do it all",
    "1. Stop for 3 seconds.": "how many steps is a second?",
    "1. Stop.\n2. If the light is green, turn right.\n3. Otherwise, stop.\n4. Go to step 3.":
    "nothing can go to it",
    "1. If so, stop.": "it refers to nothing before it",
    "1. If there is a stop sign, stop.\n   - Turn right.": "is the list below it part of it?",
}  # fmt: skip


@pytest.mark.parametrize("text", TWO_READINGS)
def test_sentences_with_two_readings_are_refused_with_them(text: str) -> None:
    with pytest.raises(NotUnderstoodError) as caught:
        read(text)
    assert TWO_READINGS[text] in " ".join(gap.why for gap in caught.value.gaps)


REFUSED = [
    "1. Stop. (unless the light is green)",
    "1. Stop at the stop sign.",
    "The car must always stop for pedestrians:\n1. Go straight.",
    "1. **Red light:** stop.\n2. Go straight.",
    "1. Go straight.\n\nNote: only if the light is green.",
    "1. Go straight.\n\nThis plan ensures safety, but skip it at red lights.",
    "# Only at green lights\n1. Go straight.",
    "### Step 1: Honk\n### Step 2: Stop\n",
    "1. Once the car has left, go straight.",
    "1. If the pedestrian was there, stop.",
    "1. If there might be a pedestrian, stop.",
    "1. Go straight if possible.",
    "1. You may go straight.",
    "1. Turn left or turn right.",
    "1. Repeat stopping until the light is green.",
    "1. Stop before turning right.",
    "1. If all pedestrians are visible, stop.",
    "1. If the light is < green, stop.",
    "1. Stop and turn right twice.",
    "1. It stops.",
    "1. The car turns left.",
    "1. Not stop.",
    "2. Stop.\n1. Turn right.",
    "1. If not pedestrian or green light, go straight.",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_was_not_said_is_not_read(text: str) -> None:
    with pytest.raises(InputError):
        read(text)


ONE_READING = {
    "1. If there isn't a pedestrian or a car from the left, turn right.":
    "if no pedestrian and no car from left:\n      turn right",
    "1. Check the traffic light. If it is red, stop.": "if no green light:\n      stop",
    "1. Look for pedestrians. If there are any, stop.": "if pedestrian:\n      stop",
    "1. Check whether the light is green. If so, go straight. If not, stop.":
    "if green light:\n      go straight\n  otherwise:\n      stop",
    "1. If the light is green, go to the next step. Stop.\n2. Turn right.":
    "if green light:\n      proceed to [2]\n  stop\n  [2]\n  turn right",
    "1. Stop twice.\n2. Turn right for two steps.": "stop\n  stop\n  turn right\n  turn right",
    "- Stop.\n- Turn right.": "stop\n  turn right",
    "a) If there is a pedestrian:\n   - Stop.\n   - Turn left.\nb) Otherwise:\n   - Turn right.":
    "if pedestrian:\n      stop\n      turn left\n  otherwise:\n      turn right",
    "1. Keep turning right while there is no pedestrian.":
    "while no pedestrian:\n      turn right",
    "1. Never turn left while there is an oncoming car.\n"
    "2. If there is no oncoming car, turn left.":
    "(never turn left while opposite car: the steps obey this)",
    "Sure! Here's a plan:\n\n**1. Stop.**\n\nLet me know if you have questions!":
    "(no part of the plan: 'Sure! Here's a plan:'; 'Let me know if you have questions!')",
    "Turn right if the light is green.\nStop.": "if green light:\n      turn right\n  stop",
    "1. Wait for 2 steps.": "stop\n  stop",
    "1. Check that the light is green. If not, stop.": "if no green light:\n      stop",
    "1. If there is a pedestrian, stop, else if the light is green, go straight, else turn left.":
    "if pedestrian:\n      stop\n  otherwise:\n      if green light:\n          go straight",
    "0. Stop.\n1. Start over.": "[0]\n  stop\n  proceed to [0]",
}  # fmt: skip


@pytest.mark.parametrize("text", ONE_READING)
def test_the_one_reading_is_shown(text: str) -> None:
    shown = read(text)
    assert shown.startswith("I read this as:\n")
    assert ONE_READING[text] in shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("there isn't a pedestrian or a car from the left", "!pedestrian & !car_from_left"),
        ("you don't see a pedestrian or a stop sign", "!pedestrian & !stop_sign"),
        ("neither a pedestrian nor a stop sign is visible", "!pedestrian & !stop_sign"),
        ("there is not a pedestrian and a stop sign", None),
        ("the pedestrian is not visible or a stop sign", None),
        ("any pedestrian is not visible", None),
        ("no pedestrian or no stop sign", None),
        ("there is no pedestrian or there is no stop sign", "!pedestrian | !stop_sign"),
        ("the pedestrian is no longer visible", "!pedestrian"),
        ("the pedestrian is gone", "!pedestrian"),
        ("the left car is gone", "!car_from_left"),
        ("the car has left", None),
        ("the car is left", None),
        ("the light is not green, but there is a pedestrian", "!green_light & pedestrian"),
    ],
)
def test_negation_reaches_what_it_says(text: str, expected: str | None) -> None:
    found = parse_condition(text, WORDS)
    assert (None if found is None else str(found)) == expected


def test_words_have_an_order() -> None:
    words = PlanVocabulary(
        ("plate_on_cup", "cup_on_plate", "kitchen_free"),
        ("go_from_hall_to_kitchen", "go_from_kitchen_to_hall"),
    )
    program = parse_program(
        "1. Wait until the plate is on the cup and the kitchen is free.\n"
        "2. Go from the hall to the kitchen.",
        words,
    )
    said = reading_text(program)
    assert "wait until plate on cup and kitchen free\n  go from hall to kitchen" in said
    with pytest.raises(NotUnderstoodError):
        parse_program("1. Go to the kitchen from the hall.", words)


def test_two_names_of_one_phrase_matter_only_where_english_is_read(tmp_path: Path) -> None:
    words = PlanVocabulary(("a_door", "the_door"), ("go",))
    json_plan = parse_program('[{"wait_until": "a_door"}, "go"]', words)
    assert json_plan.observations == ("a_door",)
    with pytest.raises(InputError, match="stands for 'a_door' and 'the_door'"):
        parse_program("1. Wait until a door.\n2. Go.", words)


BOOK_WITH_ARGUMENTS = """
name: warehouse
objects: {place: [hall, kitchen], block: [red, blue]}
observations:
  "free(P: place)": nobody is in the P
  "on(X: block, Y: block)": X stands on Y
actions:
  "go(FROM: place, TO: place)": drive from FROM to TO
phrases:
  "on(A, B)": [A sits on B]
steps_per_second: 2
rules:
  - name: enter-free
    formula: G(go(A, B) -> free(B))
    for_each: {A: place, B: place}
"""


def test_observations_and_actions_have_arguments(tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    path.write_text(BOOK_WITH_ARGUMENTS)
    book = load_rulebook(path)
    assert [str(rule.formula) for rule in book.rules] == [
        "G(go_hall_kitchen -> free_kitchen)",
        "G(go_kitchen_hall -> free_hall)",
    ]
    assert book.rules[0].name == "enter-free(hall, kitchen)"
    words = vocabulary_of(book)
    english = parse_program(
        "1. Wait until the kitchen is free and red sits on blue.\n"
        "2. Go from the hall to the kitchen.\n3. Wait for 1 second.",
        words,
    )
    data = '[{"wait_until": "free(kitchen) & on(red, blue)"}, "go(hall, kitchen)"]'
    python = 'wait_until(free("kitchen") and on(red, blue))\ngo("hall", "kitchen")'
    plan = parse_program(data, words)
    assert equivalent(plan, parse_program(python, words, form="python"))
    assert not equivalent(plan, english)  # it waits for two steps more
    for old, new, why in (
        ("free(B)", "free(B, A)", "has 1 arguments"),
        ("free(B)", "free(attic)", "unknown object 'attic'"),
        ("go(A, B)", "go(A, A)", "an object stands twice"),
        ("B: place}", "B: plaice}", "unknown kind 'plaice'"),
        ('"free(P: place)"', '"free(P)"', "of what kind is 'P'"),
    ):
        path.write_text(BOOK_WITH_ARGUMENTS.replace(old, new))
        with pytest.raises(InputError, match=why) as caught:
            load_rulebook(path)
        assert caught.value.file == str(path)


def test_gerunds() -> None:
    assert gerunds("stop") == ("stoping", "stopping")
    assert gerunds("drive") == ("driving",)
    assert gerunds("turn") == ("turning",)


PYTHON = {
    'def plan():\n    stop()\n\nif __name__ == "__main__":\n    plan()': "stop",
    "def plan():\n    stop()\nplan()": "stop",
    "clear = not pedestrian\nif clear:\n    turn_right()": "if no pedestrian:",
    "while True:\n    o = car.observe()\n    if o['pedestrian']:\n        car.stop()\n"
    "    elif o.get('green_light', False):\n        car.turn_right()": "if green light:",
    "def plan():\n    stop()\nplan()\nplan()": None,
    "def plan(speed=3):\n    stop()": None,
    "def plan(*cars):\n    stop()": None,
    "def plan(pedestrian):\n    if pedestrian:\n        stop()": None,
    "clear = not pedestrian\nstop()\nif clear:\n    turn_right()": None,
    "o = observe()\nwhile o['pedestrian']:\n    stop()": None,
    "o = observe()\nif 'pedestrian' in o:\n    stop()": None,
    "pedestrian = green_light\nif pedestrian:\n    stop()": None,
    "car.stop()\ntruck.turn_right()": None,
}


@pytest.mark.parametrize("text", PYTHON)
def test_python_is_read_or_refused(text: str) -> None:
    expected = PYTHON[text]
    if expected is None:
        with pytest.raises(InputError):
            parse_program(text, WORDS, form="python")
    else:
        program = parse_program(text, WORDS, form="python")
        assert expected in reading_text(program)


def test_names_of_plans_are_mapped() -> None:
    words = vocabulary_of(BOOK, names={"drive": "go_straight", "red": "!green_light"})
    python = parse_program("if red():\n    stop()\nelse:\n    drive()", words, form="python")
    json_plan = parse_program('[{"if": "red", "then": ["stop"], "else": ["drive"]}]', words)
    assert equivalent(python, json_plan)
    assert "if no green light:" in reading_text(python)
    with pytest.raises(InputError, match="names: 'x' stands for unknown 'fly'"):
        vocabulary_of(BOOK, names={"x": "fly"})
    with pytest.raises(InputError, match="names: 'stop' is a name of the rulebook"):
        vocabulary_of(BOOK, names={"stop": "turn_left"})


def test_a_round_without_actions_waits_where_it_begins() -> None:
    plain = parse_program('[{"if": "pedestrian", "then": ["stop"]}, {"proceed": 1}]', WORDS)
    longer = parse_program(
        '[{"if": "pedestrian", "then": ["stop"], "else": [{"proceed": "x"}]}, {"label": "x"}, '
        '{"proceed": "y"}, {"label": "y"}, {"proceed": 1}]',
        WORDS,
    )
    assert equivalent(plain, longer)
