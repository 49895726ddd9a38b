"""Readings that the hand check of recorded answers found wrong; texts are this project's own."""

from __future__ import annotations

from pathlib import Path

from surefoot.pddl.domains import get_domain
from surefoot.pddl.extract import extract
from surefoot.pddl.grading.grader import find_lexicon
from surefoot.pddl.language import Task


def steps(answer: str, task: Task) -> list[str]:
    found = extract(answer, task, find_lexicon(task.domain, Path("nowhere")))
    return [str(s.step) for s in found.chosen.steps] if found.chosen else []


def task(domain: str, size: int | None = None) -> Task:
    spec = get_domain(domain)
    return spec.generate(size or spec.min_size, 0).task


def test_what_there_is_at_the_start_is_no_step() -> None:
    text = """You have 3 clean shot glasses: shot1, shot2 and shot3.
There is one clean shaker.

1. Grasp shot1 with the left hand
   - Right hand: Empty
   - Left hand: Holding shot1
   - shot1: Clean
2. Fill shot1 with ingredient1
"""
    found = steps(text, task("barman"))
    assert [s.split()[0] for s in found] == ["(grasp", "(fill-shot"]


def test_rules_that_are_told_again_are_no_steps() -> None:
    text = """Painting constraints:
Painting direction: robots can only paint up or down.

Plan:
1. robot1 moves up
"""
    found = steps(text, task("floortile"))
    assert len(found) == 1
    assert found[0].startswith("(up robot1")


def test_a_name_before_a_colon_acts() -> None:
    text = """robot2: change color to black

robot2: paint up

robot1: change color to white

robot1: paint up
"""
    found = steps(text, get_domain("floortile").generate(6, 0).task)
    actors = [s.split()[1] for s in found]
    assert actors == ["robot2", "robot2", "robot1", "robot1"]


def test_a_remark_tells_the_step_above_it_once_more() -> None:
    text = """robot1: Move right to room2.

robot1 moves to room2 to be near the ball.

robot1: Move left to room1.

robot1 moves back to room1.
"""
    found = steps(text, task("grippers", 2))
    assert len(found) == 2


def test_revised_steps_take_the_place_of_their_numbers_only() -> None:
    text = """1. pick up b1
2. stack b1 on b2
3. pick up b3
4. stack b3 on b2

**Revised steps 3-4:**

3. unstack b1 from b2
4. put down b1
5. pick up b3
"""
    assert steps(text, task("blocksworld")) == [
        "(pickup b1)",
        "(stack b1 b2)",
        "(unstack b1 b2)",
        "(putdown b1)",
        "(pickup b3)",
    ]


def test_a_loop_that_names_its_step_repeats_nothing_else() -> None:
    text = """1. open boot
2. fetch jack
3. fetch wheel1
4. ... Repeat `fetch wheelX` for all 4 wheels
5. close boot
"""
    assert steps(text, task("tyreworld", 2)) == [
        "(open boot)",
        "(fetch jack boot)",
        "(fetch wheel1 boot)",
        "(fetch wheel2 boot)",
        "(fetch wheel3 boot)",
        "(fetch wheel4 boot)",
        "(close boot)",
    ]


def test_letters_after_a_bullet_are_no_words() -> None:
    text = """#### 1. First tower
- **a. Pick up b1.**
- **b. Stack b1 on b2.**
- **c. Pick up b3.**
"""
    assert steps(text, task("blocksworld")) == ["(pickup b1)", "(stack b1 b2)", "(pickup b3)"]
