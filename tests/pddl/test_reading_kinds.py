"""Kinds of answers that a reader must not misread; every text here is the project's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from surefoot.pddl.domains import get_domain
from surefoot.pddl.extract import AnswerShape, Extraction, TaskVocabulary, extract_with
from surefoot.pddl.grading.grader import find_lexicon
from surefoot.pddl.grading.judgement import GradedReading, judge
from surefoot.pddl.grading.records import SOLVED, AnswerOutcome
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import parse_task

pytestmark = pytest.mark.quick

GRIPPERS = """(define (problem g) (:domain gripper-strips)
(:objects robot1 robot2 - robot rg1 lg1 rg2 lg2 - gripper room1 room2 room3 - room
  ball1 ball2 - object)
(:init (at-robby robot1 room1) (free robot1 rg1) (free robot1 lg1) (at-robby robot2 room3)
  (free robot2 rg2) (free robot2 lg2) (at ball1 room1) (at ball2 room2))
(:goal (and (at ball1 room2) (at ball2 room2))))"""
PLAN = [
    "(pick robot1 ball1 room1 rg1)",
    "(move robot1 room1 room2)",
    "(drop robot1 ball1 room2 rg1)",
]
CALLS = (
    "1. pick(robot1, ball1, room1, rg1)\n2. move(robot1, room1, room2)\n"
    "3. drop(robot1, ball1, room2, rg1)"
)


@cache
def tools() -> tuple[GroundTask, TaskVocabulary]:
    task = parse_task(get_domain("grippers").domain_text, GRIPPERS)
    return GroundTask(task), TaskVocabulary(task, find_lexicon(task.domain, Path("nowhere")))


def read(text: str) -> Extraction:
    return extract_with(text, *tools())


def judged(text: str) -> GradedReading:
    return judge(read(text), tools()[0])


def steps(text: str) -> list[str]:
    chosen = read(text).chosen
    return [str(s.step) for s in chosen.steps] if chosen else []


SAME = {
    "a gloss behind the name": (
        "1. **pick (Grab)**: robot1 picks up ball1 in room1 with rg1.\n"
        "2. **move (Go)**: robot1 moves from room1 to room2.\n"
        "3. **drop (Put)**: robot1 drops ball1 in room2 from rg1."
    ),
    "arguments in bullets": (
        "1. **Pick**\n   - **Action:** `pick`\n   - **Parameters:** `robot1`, `ball1`, `room1`, "
        "`rg1`\n"
        "2. **Move**\n   - **Action:** `move`\n   - **Parameters:** `robot1`, `room1`, `room2`\n"
        "3. **Drop**\n   - **Action:** `drop`\n   - **Parameters:** `robot1`, `ball1`, `room2`, "
        "`rg1`"
    ),
    "arguments below": (
        "1. pick\n   robot1, ball1, room1, rg1\n2. move\n   robot1, room1, room2\n"
        "3. drop\n   robot1, ball1, room2, rg1"
    ),
    "a glossary before the plan": (
        f"**Glossary:**\n- **move**: Move\n- **pick**: Pick-up\n- **drop**: "
        f"Drop-off\n\n**Plan:**\n{CALLS}"
    ),
    "headings over steps": (
        "**Step 1: Fetch the ball**\n\n1. pick(robot1, ball1, room1, rg1)\n"
        "2. move(robot1, room1, room2)\n\n**Step 2: Deliver it to room2**\n\n"
        "1. drop(robot1, ball1, room2, rg1)"
    ),
    "named arguments": (
        "pick(robot=robot1, object=ball1, room=room1, gripper=rg1)\n"
        "move(robot=robot1, from=room1, to=room2)\n"
        "drop(robot=robot1, object=ball1, room=room2, gripper=rg1)"
    ),
    "names that the answer defines": (
        "Let A be room1 and B be room2. The robot robot1 (R1) carries ball1 (P7).\n"
        "1. pick(R1, P7, A, rg1)\n2. move(R1, A, B)\n3. drop(R1, P7, B, rg1)"
    ),
    "a table with parameters": (
        "| # | Action | Arguments |\n|---|---|---|\n| 1 | pick | robot1, ball1, room1, rg1 |\n"
        "| 2 | move | robot1, room1, room2 |\n| 3 | drop | robot1, ball1, room2, rg1 |"
    ),
    "YAML": (
        "plan:\n  - action: pick\n    args: [robot1, ball1, room1, rg1]\n  - action: move\n"
        "    args: [robot1, room1, room2]\n  - action: drop\n    args: [robot1, ball1, room2, rg1]"
    ),
    "JSON with keys": (
        '[{"action": "pick", "robot": "robot1", "ball": "ball1", "room": "room1", "gripper": '
        '"rg1"},'
        ' {"action": "move", "robot": "robot1", "from": "room1", "to": "room2"},'
        ' {"action": "drop", "robot": "robot1", "ball": "ball1", "room": "room2", "gripper": '
        '"rg1"}]'
    ),
    "Python": (
        '```python\nplan = [("pick", "robot1", "ball1", "room1", "rg1"),\n'
        '        ("move", "robot1", "room1", "room2"),\n'
        '        ("drop", "robot1", "ball1", "room2", "rg1")]\n```'
    ),
    "XML": (
        "<plan><step><action>pick</action><param>robot1</param><param>ball1</param>"
        "<param>room1</param><param>rg1</param></step>\n<step><action>move</action>"
        "<param>robot1</param><param>room1</param><param>room2</param></step>\n<step>"
        "<action>drop</action><param>robot1</param><param>ball1</param><param>room2</param>"
        "<param>rg1</param></step></plan>"
    ),
    "one line": (
        "1. (pick robot1 ball1 room1 rg1) 2. (move robot1 room1 room2) 3. (drop robot1 ball1 "
        "room2 rg1)"
    ),
    "LaTeX": (
        "\\begin{enumerate}\n\\item \\texttt{pick(robot1, ball1, room1, rg1)}\n"
        "\\item \\texttt{move(robot1, room1, room2)}\n"
        "\\item \\texttt{drop(robot1, ball1, room2, rg1)}\n\\end{enumerate}"
    ),
    "a plan that is taken back": (
        f"1. move(robot1, room1, room2)\n2. pick(robot1, ball1, room1, rg1)\n\nOops. Corrected "
        f"plan:\n\n{CALLS}"
    ),
    "a remark on another ball": (
        f"- No action is needed for ball2, which is in place already.\n\n{CALLS}"
    ),
    "thinking before the answer": f"<think>\n1. move(robot1, room1, room3)\nNo.\n</think>\n{CALLS}",
    "a report": (
        "1. ball1 was picked up by robot1 in room1 with rg1.\n"
        "2. robot1 moved from room1 to room2.\n3. ball1 was dropped by robot1 in room2 from rg1."
    ),
    "a story": (
        "Robot 1 picks up ball 1 in room 1 with rg1. Robot 1 moves from room 1 to room 2. "
        "Finally, robot 1 drops ball 1 in room 2 from rg1."
    ),
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_the_plan_that_is_written(text: str) -> None:
    assert steps(text) == PLAN
    assert judged(text).kind is AnswerOutcome.VALID


NOT_VALID = {
    "a robot that does not exist": CALLS.replace("robot1", "robot9"),
    "the same in prose": (
        "1. Robot 9 picks up ball 1 in room 1.\n2. Robot 9 moves from room 1 to room 2.\n"
        "3. Robot 9 drops ball 1 in room 2."
    ),
    "an ordinal that names nothing": (
        "1. The third robot picks up ball1 in room1.\n2. The third robot moves from room1 to "
        "room2.\n"
        "3. The third robot drops ball1 in room2."
    ),
    "a room on the way that does not exist": (
        "1. robot1 picks up ball1 in room1.\n2. robot1 moves from room1 to room9.\n"
        "3. robot1 moves from room9 to room2.\n4. robot1 drops ball1 in room2."
    ),
    "a place without a name": (
        "1. robot1 picks up ball1 in room1.\n2. robot1 moves to the garage.\n3. robot1 drops ball1."
    ),
    "a title that says another robot": (
        "1. **Robot2 picks up ball1 in room1**\n   - Action: pick(robot1, ball1, room1, rg1)\n"
        "2. move(robot1, room1, room2)\n3. drop(robot1, ball1, room2, rg1)"
    ),
    "two meanings of one name": (f"X1 = room1\n- X1 = room2\n{CALLS.replace('room2', 'X1')}"),
    "a step that is not to be taken": CALLS.replace("2. move", "2. Do not execute move"),
    "a plan inside of thinking only": f"<think>\n{CALLS}\n</think>\nI cannot find a plan.",
    "thinking that never ends": f"<think>\n{CALLS}\nIs that right? Let me",
    "a refusal with an example": "I am unable to find a plan. For instance, "
    "consider\n{CALLS}\nThis fails.",
    "a plan that is taken back for good": f"{CALLS}\n\nThis plan is wrong.",
    "an action that does not exist": CALLS.replace("2. move", "2. teleport"),
}


@pytest.mark.parametrize("text", NOT_VALID.values(), ids=NOT_VALID)
def test_what_is_not_said_is_not_valid(text: str) -> None:
    assert judged(text).kind not in SOLVED


def test_an_unknown_object_keeps_its_name() -> None:
    result = judged("1. Robot 9 picks up ball1 in room1 with rg1.")
    assert result.kind is AnswerOutcome.UNKNOWN_OBJECT


def test_articles_are_no_blocks() -> None:
    domain = get_domain("blocksworld").domain_text
    task = parse_task(
        domain,
        "(define (problem p) (:domain blocksworld) (:objects a b - object)"
        " (:init (arm-empty) (on-table a) (on-table b) (clear a) (clear b)) (:goal (on a b)))",
    )
    vocabulary = TaskVocabulary(task, find_lexicon(task.domain, Path("nowhere")))
    for text in ("1. Pick up a.\n2. Stack a on b.", "Pick up block a, then stack a on b."):
        found = extract_with(text, GroundTask(task), vocabulary)
        assert found.chosen is not None
        assert [str(s.step) for s in found.chosen.steps] == ["(pickup a)", "(stack a b)"]
    assert not any(r.objects == ("a",) for r in vocabulary.refs("a block stands on a table"))


def test_what_reads_like_steps_and_cannot_be_read_is_doubtful() -> None:
    text = "- robot1 hugs ball1 in room1\n- robot1 teleports from room1 to room2"
    assert read(text).form is AnswerShape.UNPARSED
    assert judged(text).kind is AnswerOutcome.DOUBTFUL


def test_loops_end_where_the_text_ends_them() -> None:
    text = (
        "For each of the two balls, perform the following steps:\n\n"
        "1. robot1 picks up the ball in room1\n2. robot1 moves from room1 to room2\n"
        "3. robot1 drops the ball in room2\n\nAfter all balls have been processed:\n\n"
        "4. robot1 moves from room2 to room3"
    )
    assert [s for s in steps(text) if "room3" in s] == ["(move robot1 room2 room3)"]
