"""The model of a crossing in which driving plans are verified.

As the agent carries plans out, a step that drives is repeated until the vehicle is past the
crossing, and when the plan is over the vehicle stands. So after a driving step nothing of what
the rules speak of is in the way any more (the labels of :mod:`surefoot.envs.crossing.labels` say
the same), and it stays so; what happens while the vehicle is on the crossing is not modelled.
Before that everything comes and goes freely, from the first step on, but where there is a light
there is no stop sign and the other way round, the two green lights are never on together, and
again and again the way is free.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from surefoot.envs.crossing.geometry import Turn
from surefoot.envs.crossing.street import LIGHT
from surefoot.envs.crossing.tasks import LIGHT_RULES, check_task
from surefoot.verification.formulas.parser import parse
from surefoot.verification.formulas.syntax import Formula
from surefoot.verification.planchecking.worldmodel import WorldModel
from surefoot.verification.programs.statements import Do, Program
from surefoot.verification.rules import Rule, RuleBook, load_rulebook

DRIVES = {
    Turn.LEFT: "turn_left",
    Turn.RIGHT: "turn_right",
    Turn.STRAIGHT: "go_straight",
}
"""The action of each way over the crossing."""

IDLE = "stop"
"""What the vehicle does while a plan waits, and after it."""

PAST = "past"
"""An observation beside those of the rulebook: the vehicle is past the crossing."""

_IN_THE_WAY = ("pedestrian", "opposite_car", "car_from_left", "car_from_right")


@cache
def driving_rules() -> RuleBook:
    """Returns the rulebook ``driving``."""
    return load_rulebook("driving")


def rules_at(task: str) -> tuple[Rule, ...]:
    """Returns the driving rules that fit the place of a task.

    Raises:
        InputError: There is no such task.
    """
    check_task(task)
    lights = task.endswith(LIGHT)
    return tuple(r for r in driving_rules().rules if lights or r.name not in LIGHT_RULES)


def way_of(task: str) -> str:
    """Returns the action that drives a task's way.

    Raises:
        InputError: There is no such task.
    """
    check_task(task)
    return DRIVES[Turn(task.partition("-at-")[0])]


@cache
def world_at(task: str) -> WorldModel:
    """Returns the world of a task's place; see the top of this module.

    Raises:
        InputError: There is no such task.
    """
    check_task(task)
    book = driving_rules()
    names = (*book.observations, PAST, *book.actions)
    lights = task.endswith(LIGHT)

    def formula(text: str) -> Formula:
        return parse(text, names)

    nothing = " & ".join(f"!{name}" for name in book.observations)
    free = " & ".join(f"!{name}" for name in _IN_THE_WAY)
    open_way = f"{free} & {'green_light' if lights else 'stop_sign'}"
    drives = " | ".join(DRIVES.values())
    return WorldModel(
        observations=(*book.observations, PAST),
        actions=book.actions,
        initial=(formula(f"!{PAST}"),),
        always=(
            formula(f"{PAST} -> {nothing}"),
            formula(
                "!stop_sign & !(green_light & green_left)"
                if lights
                else "!green_light & !green_left"
            ),
        ),
        changes=(
            formula(f"{drives} -> X {PAST}"),
            formula(f"{PAST} -> X {PAST}"),
            formula(f"!{PAST} & !({drives}) -> X !{PAST}"),
        ),
        fairness=(formula(f"G F({PAST} | ({open_way}))"),),
        idle=IDLE,
    )


def goal_at(task: str) -> Rule:
    """Returns the goal of a task as a rule: at some time it drives, first of all the task's way.

    Raises:
        InputError: There is no such task.
    """
    way = way_of(task)
    others = " & ".join(f"!{action}" for action in DRIVES.values() if action != way)
    formula = parse(f"F {way} & (({others}) W {way})", driving_rules().propositions)
    meaning = f"At some time the car does '{way.replace('_', ' ')}', and no other way before."
    return Rule("reach-the-goal", formula, meaning)


def closed(program: Program) -> Program:
    """Returns a program with what the vehicle does when it is over: it stands."""
    return replace(program, statements=(*program.statements, Do(0, (IDLE,))), idle=IDLE)
