"""Tabletop plans by a simple way of doing things, and how they go wrong by carelessness.

What is in the way goes onto the table, then everything is put where it shall be, from below;
boxes are opened first and, if they were shut, shut again.
"""

from __future__ import annotations

from random import Random

from surefoot.agents.planning.base import TABLETOP, PlanningContext
from surefoot.agents.planning.table import answers_of, places_of, read_atom, scene_of
from surefoot.envs.tabletop.scene import TabletopScene, is_container, is_spot
from surefoot.envs.tabletop.tasks import DIFFICULTIES, TASKS, TabletopTask, make_tabletop
from surefoot.envs.tabletop.things import TABLE
from surefoot.pddl.language import Conjunction, Plan, PlanStep

UNSURE = 0.1
"""Fraction of the blocks whose place is left undecided."""


def context_of(instance: TabletopTask) -> PlanningContext:
    """Returns the context of a task whose start is known."""
    problem = instance.task.problem
    goal = problem.goal.children if isinstance(problem.goal, Conjunction) else (problem.goal,)
    objects = tuple(o.name for o in problem.objects)
    return PlanningContext(
        TABLETOP,
        instance.kind,
        instance.instruction,
        answers_of(objects, problem.init),
        goal=tuple(map(str, goal)),
        objects=objects,
    )


def draw_context(rng: Random, seed: int) -> PlanningContext:
    """Draws a task of the tabletop.

    Args:
        rng: Draws kind, difficulty and what is undecided.
        seed: Seed of the scene.
    """
    kind, level = rng.choice(list(TASKS)), rng.choices(DIFFICULTIES, (4, 4, 2))[0]
    context = context_of(make_tabletop(kind, level, seed))
    undecided = {
        fact: (answer, "on the table")
        for fact, answer in context.world.items()
        if fact.startswith("place:") and answer != "on the table" and rng.random() < UNSURE
    }
    return PlanningContext(
        context.env,
        context.task,
        context.instruction,
        context.world,
        undecided,
        context.goal,
        context.objects,
    )


def steady_plan(context: PlanningContext, *, close: bool = True) -> Plan:
    """Makes a plan for a task's likeliest world.

    Args:
        context: The task; its goal places blocks and covers boxes.
        close: Shut what was opened, whatever the goal says.

    Raises:
        InputError: The context describes no state.
    """
    return _Tidier(context).plan(close)


class _Tidier:
    """Keeps what is where while a plan grows."""

    def __init__(self, context: PlanningContext) -> None:
        self._scene = scene_of(context.objects)
        self._now, self._shut = places_of(context)
        self._goal, self._covered = _wanted(context)
        self._steps: list[PlanStep] = []

    def plan(self, close: bool) -> Plan:
        lids = self._scene.lids
        opened = [box for box in lids if box in self._shut and self._reaches_into(box)]
        self._steps += [PlanStep("open-lid", (lids[box], box)) for box in opened]
        while self._settle() or self._make_room():
            pass
        for box in lids:
            stays = box in self._shut and box not in opened
            if not stays and (box in self._covered or (close and box in opened)):
                self._steps.append(PlanStep("close-lid", (lids[box], box)))
        return Plan(tuple(self._steps))

    def _target(self, block: str) -> str:
        return self._goal.get(block, self._now[block])

    def _settled(self, block: str) -> bool:
        place = self._target(block)
        return self._now[block] == place and (place not in self._now or self._settled(place))

    def _reaches_into(self, box: str) -> bool:
        moving = [b for b in self._now if not self._settled(b)]
        return any(box in (self._now[b], self._target(b)) for b in moving)

    def _free(self, block: str) -> bool:
        return block not in self._now.values()

    def _move(self, block: str, place: str) -> None:
        scene, now = self._scene, self._now[block]
        self._steps += [_take(scene, block, now), _put(scene, block, place)]
        self._now[block] = place

    def _settle(self) -> bool:
        """Puts every block that can go where it shall there; returns whether there was any."""
        moved = False
        for block in self._now:
            target = self._target(block)
            if self._settled(block) or not self._free(block):
                continue
            ready = target not in self._now or self._settled(target)
            if ready and (not _single(self._scene, target) or self._free(target)):
                self._move(block, target)
                moved = True
        return moved

    def _make_room(self) -> bool:
        """Puts one block onto the table that must go or is in the way."""
        for block, place in self._now.items():
            goes = place != TABLE and self._free(block)
            if goes and (not self._settled(block) or self._bars(block)):
                self._move(block, TABLE)
                return True
        return False

    def _bars(self, block: str) -> bool:
        """Whether a block stands on one that must go, or where one must come."""
        place = self._now[block]
        wanted = any(p == place and self._now[b] != p for b, p in self._goal.items())
        if wanted and _single(self._scene, place):
            return True
        while place in self._now:
            if self._now[place] != self._target(place):
                return True
            place = self._now[place]
        return False


def _wanted(context: PlanningContext) -> tuple[dict[str, str], set[str]]:
    atoms = [read_atom(text) for text in context.goal]
    goal = {a.args[0]: a.args[1] for a in atoms if a.predicate in ("on", "in")}
    return goal, {a.args[1] for a in atoms if a.predicate == "covers"}


def _single(scene: TabletopScene, place: str) -> bool:
    return place != TABLE and not (place in scene.things and is_container(scene.things[place]))


def _take(scene: TabletopScene, block: str, place: str) -> PlanStep:
    if place == TABLE or is_spot(scene.things[place]):
        return PlanStep("pick", (block, place))
    return PlanStep("take-out" if is_container(scene.things[place]) else "unstack", (block, place))


def _put(scene: TabletopScene, block: str, place: str) -> PlanStep:
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
