"""Driving plans as different people write them: careful, careless, idle or lost.

They are what the project's own small planner learns to plan from, so that it makes the mistakes
that people make in their plans: a guard is forgotten (rather one of a thing that is not there
now), conditions are awaited one after the other, a look is taken only once, the way is wrong, or
the plan never drives.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from surefoot.agents.planning.base import CROSSING, PlanningContext
from surefoot.agents.planning.place import DRIVES, way_of
from surefoot.agents.planning.planners.guide import needs
from surefoot.envs.crossing.geometry import Turn
from surefoot.envs.crossing.street import LIGHT
from surefoot.envs.crossing.tasks import TASKS

WAYS = {
    Turn.LEFT: ("Turn left", "Take a left", "Make a left turn", "Go left"),
    Turn.RIGHT: ("Turn right", "Take a right", "Make a right turn", "Go right"),
    Turn.STRAIGHT: ("Go straight on", "Drive straight ahead", "Keep straight on", "Cross"),
}
PLACES = {
    True: ("at the traffic light", "at the lights", "where the traffic light is"),
    False: ("at the stop sign", "where the stop sign is", "at the sign"),
}
ENDS = (
    ", then stop on the far side of the crossing.",
    " and stop behind the crossing.",
    ", then stop.",
    ".",
)
FACTS = ("pedestrian", "opposite_car", "car_from_left", "car_from_right")

FORGOTTEN = {
    "green_light": 1.0,
    "not pedestrian": 2.0,
    "not car_from_left": 2.0,
    "not car_from_right": 2.0,
    "not opposite_car": 3.0,
}
"""How easily each guard is forgotten, if what it guards against is not there now."""

UNSURE = 0.15
"""Fraction of the facts that are left undecided."""


def draw_context(rng: Random) -> PlanningContext:
    """Draws a crossing: a task, an instruction in varied words, and what is seen."""
    task = rng.choice(TASKS)
    turn, lights = Turn(task.partition("-at-")[0]), task.endswith(LIGHT)
    words = rng.choice(WAYS[turn]), rng.choice(PLACES[lights]), rng.choice(ENDS)
    world = {f: "yes" if rng.random() < 0.3 else "no" for f in FACTS}
    light = rng.choices(("green", "green arrow", "red or yellow"), (0.4, 0.2, 0.4))[0]
    world["light"] = light if lights else "no light"
    world["stop_sign"] = "no" if lights else "yes"
    undecided = {f: ("yes", "no") for f in FACTS if rng.random() < UNSURE}
    return PlanningContext(CROSSING, task, f"{words[0]} {words[1]}{words[2]}", world, undecided)


def careful_program(task: str, rng: Random) -> str:
    """Writes a plan that obeys the rules and reaches the goal, in one of several forms."""
    guards = list(needs(task))
    if task == "right-at-light" and rng.random() < 0.4:
        guards.insert(0, "green_light")
    if task == "left-at-light" and rng.random() < 0.2:
        free = "not pedestrian and not car_from_left and "
        return _write(
            rng,
            [f"{free}(green_left or green_light and not car_from_right and not opposite_car)"],
            way_of(task),
        )
    return _write(rng, guards, way_of(task))


def careless_program(task: str, world: Mapping[str, str], rng: Random) -> str:
    """Writes a plan with one of the mistakes at the top of this module."""
    way, guards = way_of(task), list(needs(task))
    kind = rng.choices(("forget", "one by one", "once", "wrong way", "idle"), (70, 12, 8, 4, 6))[0]
    if kind == "one by one" and len(guards) > 1:
        cut = rng.randrange(1, len(guards))
        parts = [guards[:cut], guards[cut:]]
        rng.shuffle(parts)
        return _lines("stop()", *(f"wait_until({_all(p)})" for p in parts), f"{way}()")
    if kind == "once":
        return _lines(f"if not ({_all(guards)}):", "    stop()", f"{way}()")
    if kind == "wrong way":
        return _write(rng, guards, rng.choice([a for a in DRIVES.values() if a != way]))
    if kind == "idle":
        return rng.choice(("stop()\n", "while True:\n    stop()\n"))
    for _ in range(rng.choices((1, 2), (3, 1))[0]):
        weights = [FORGOTTEN[g] * (0.25 if _there(g, world) else 1.0) for g in guards]
        if guards:
            guards.remove(rng.choices(guards, weights)[0])
    return _write(rng, guards, way)


def _there(guard: str, world: Mapping[str, str]) -> bool:
    """Whether what a guard is for is seen now, so that it is not easily forgotten."""
    if guard == "green_light":
        return world.get("light") != "green"
    return world.get(guard.removeprefix("not ")) == "yes"


def _all(guards: list[str]) -> str:
    return " and ".join(guards) if guards else "True"


def _write(rng: Random, guards: list[str], way: str) -> str:
    if not guards:
        return rng.choice((_lines(f"{way}()"), _lines("stop()", f"{way}()")))
    if rng.random() < 0.2:
        rng.shuffle(guards)
    words = _all(guards)
    match rng.choices(("wait", "stop and wait", "while", "loop"), (2, 5, 2, 2))[0]:
        case "wait":
            return _lines(f"wait_until({words})", f"{way}()")
        case "stop and wait":
            return _lines("stop()", f"wait_until({words})", f"{way}()")
        case "while":
            return _lines(f"while not ({words}):", "    stop()", f"{way}()")
        case _:
            return _lines(
                "while True:", f"    if {words}:", f"        {way}()", "        break", "    stop()"
            )


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)
