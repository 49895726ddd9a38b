"""Tabletop plans by a simple way of doing things, and how they go wrong by carelessness.

What is in the way goes onto the table, then everything is put where it shall be, from below;
boxes are opened first and, if they were shut, shut again.
"""

from __future__ import annotations

from random import Random

from surefoot.agents.planning.base import TABLETOP, Brief
from surefoot.agents.planning.table import answers_of, places_of, read_atom, scene_of
from surefoot.envs.tabletop.scene import Scene, is_container, is_spot
from surefoot.envs.tabletop.tasks import DIFFICULTIES, TASKS, TabletopTask, make_tabletop
from surefoot.envs.tabletop.things import TABLE
from surefoot.pddl.language import And, Plan, PlanStep

UNSURE = 0.1
"""Share of the blocks whose place is left undecided."""


def brief_of(instance: TabletopTask) -> Brief:
    """Returns what a planner is told of a task whose start is known."""
    problem = instance.task.problem
    goal = problem.goal.children if isinstance(problem.goal, And) else (problem.goal,)
    objects = tuple(o.name for o in problem.objects)
    return Brief(
        TABLETOP, instance.kind, instance.instruction, answers_of(objects, problem.init),
        goal=tuple(map(str, goal)), objects=objects,
    )  # fmt: skip


def draw_brief(rng: Random, seed: int) -> Brief:
    """Draws a task of the tabletop.

    Args:
        rng: Draws kind, difficulty and what is undecided.
        seed: Seed of the scene.
    """
    kind, level = rng.choice(list(TASKS)), rng.choices(DIFFICULTIES, (4, 4, 2))[0]
    brief = brief_of(make_tabletop(kind, level, seed))
    undecided = {
        fact: (answer, "on the table")
        for fact, answer in brief.world.items()
        if fact.startswith("place:") and answer != "on the table" and rng.random() < UNSURE
    }
    return Brief(brief.stage, brief.task, brief.instruction, brief.world, undecided, brief.goal,
                 brief.objects)  # fmt: skip


def steady_plan(brief: Brief, *, close: bool = True) -> Plan:
    """Makes a plan for a task's likeliest world.

    Args:
        brief: The task; its goal places blocks and covers boxes.
        close: Shut what was opened, whatever the goal says.

    Raises:
        InputError: The brief tells no state.
    """
    scene = scene_of(brief.objects)
    places, shut = places_of(brief)
    goal, covered = _wanted(brief, scene)
    now = dict(places)
    steps: list[PlanStep] = []

    def settled(block: str) -> bool:
        place = goal.get(block, now[block])
        return now[block] == place and (place not in now or settled(place))

    opened = [b for b in shut if any(b in (now[x], goal.get(x, now[x])) and not settled(x)
                                     for x in now)]  # fmt: skip
    steps += [PlanStep("open-lid", (scene.lids[box], box)) for box in opened]
    blocked = True
    while blocked:
        blocked = False
        for block in list(now):
            target = goal.get(block, now[block])
            if settled(block) or (now[block] == TABLE and target == TABLE):
                continue
            above = [b for b, p in now.items() if p == now[block] and p in now and b != block]
            if above or any(p == block for p in now.values()):
                continue
            busy = target in now and not settled(target)
            full = _single(scene, target) and any(p == target for b, p in now.items() if b != block)
            if not busy and not full:
                steps += [_take(scene, block, now[block]), _put(scene, block, target)]
                now[block] = target
                blocked = True
        if blocked:
            continue
        for block in list(now):  # nothing can go where it shall: make room
            in_way = now[block] != TABLE and block not in now.values()
            if in_way and (not settled(block) or _bars(scene, now, goal, block)):
                steps += [_take(scene, block, now[block]), _put(scene, block, TABLE)]
                now[block] = TABLE
                blocked = True
                break
    close_now = [b for b in scene.lids if (b in covered and (b in opened or b not in shut))
                 or (close and b in opened and b not in covered)]  # fmt: skip
    steps += [PlanStep("close-lid", (scene.lids[box], box)) for box in close_now]
    return Plan(tuple(steps))


def _wanted(brief: Brief, scene: Scene) -> tuple[dict[str, str], set[str]]:
    atoms = [read_atom(text) for text in brief.goal]
    goal = {a.args[0]: a.args[1] for a in atoms if a.predicate in ("on", "in")}
    return goal, {a.args[1] for a in atoms if a.predicate == "covers"}


def _bars(scene: Scene, now: dict[str, str], goal: dict[str, str], block: str) -> bool:
    """Whether a block that may stay stands on one that must go, or where one must come."""
    place = now[block]
    while place in now:
        if now[place] != goal.get(place, now[place]):
            return True
        place = now[place]
    wanted = [b for b, p in goal.items() if p == now[block] and now[b] != p]
    return bool(wanted) and (_single(scene, now[block]) or now[block] in now)


def _single(scene: Scene, place: str) -> bool:
    return place != TABLE and not (place in scene.things and is_container(scene.things[place]))


def _take(scene: Scene, block: str, place: str) -> PlanStep:
    if place == TABLE or is_spot(scene.things[place]):
        return PlanStep("pick", (block, place))
    return PlanStep("take-out" if is_container(scene.things[place]) else "unstack", (block, place))


def _put(scene: Scene, block: str, place: str) -> PlanStep:
    if place == TABLE:
        return PlanStep("put-down", (block, place))
    thing = scene.things[place]
    name = "put-in" if is_container(thing) else "place" if is_spot(thing) else "stack"
    return PlanStep(name, (block, place))


def careless_plan(plan: Plan, rng: Random) -> Plan:
    """Forgets a step, leaves a box open, or does two moves in the wrong order."""
    steps = list(plan.steps)
    lids = [i for i, s in enumerate(steps) if s.action in ("open-lid", "close-lid")]
    if lids and rng.random() < 0.7:
        del steps[rng.choice(lids)]
    elif len(steps) > 3 and rng.random() < 0.6:
        at = 2 * rng.randrange(len(steps) // 2 - 1)
        steps[at : at + 4] = [*steps[at + 2 : at + 4], *steps[at : at + 2]]
    elif steps:
        del steps[rng.randrange(len(steps))]
    return Plan(tuple(steps))
