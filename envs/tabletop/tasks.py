"""The tabletop tasks: a seeded scene, an instruction in English and a symbolic goal."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from surefoot.core.errors import InputError
from surefoot.envs.tabletop.problem import make_task
from surefoot.envs.tabletop.scene import TabletopScene, draw_scene
from surefoot.envs.tabletop.things import Thing, ThingKind
from surefoot.pddl import Task
from surefoot.pddl.language import Atom

DIFFICULTIES = ("easy", "medium", "hard")
"""Difficulties, from one or two moves to six with obstructions."""

BRIGHT = ("red", "green", "blue", "yellow", "purple", "orange")
"""Colours that are easy to distinguish."""


@dataclass(frozen=True)
class TabletopTask:
    """One instance of a task.

    Attributes:
        kind: Name of the task, see :data:`TASKS`.
        difficulty: One of :data:`DIFFICULTIES`.
        seed: The seed from which it was drawn.
        instruction: The instruction in English.
        scene: The initial scene.
        task: The planning task of the tabletop domain.
    """

    kind: str
    difficulty: str
    seed: int
    instruction: str
    scene: TabletopScene
    task: Task


@dataclass(frozen=True)
class _Draft:
    instruction: str
    scene: TabletopScene
    goal: list[Atom]


def make_tabletop(kind: str, difficulty: str = "medium", seed: int = 0) -> TabletopTask:
    """Draws an instance of a task; the same arguments always give the same one.

    Args:
        kind: A name in :data:`TASKS`.
        difficulty: One of :data:`DIFFICULTIES`.
        seed: Any whole number.

    Raises:
        InputError: There is no such task or difficulty.
    """
    if kind not in TASKS:
        raise InputError(f"no tabletop task '{kind}'; there are {', '.join(TASKS)}")
    if difficulty not in DIFFICULTIES:
        raise InputError(f"no difficulty '{difficulty}'; there are {', '.join(DIFFICULTIES)}")
    rng = Random(f"tabletop:{kind}:{difficulty}:{seed}")
    draft = TASKS[kind](rng, DIFFICULTIES.index(difficulty))
    name = f"tabletop-{kind}-{difficulty}-{seed}"
    task = make_task(name, draft.scene, draft.goal)
    return TabletopTask(kind, difficulty, seed, draft.instruction, draft.scene, task)


def _block(color: str, shape: str = "cube", size: str = "medium", mark: str = "") -> Thing:
    noun = "block" if shape == "cube" else shape
    prefix = "" if size == "medium" else f"{size}-"
    return Thing(f"{prefix}{color}-{noun}{mark}", ThingKind.BLOCK, color, shape, size)


def _tidy(rng: Random, level: int) -> _Draft:
    """Every block into the bin of its own colour."""
    colors = rng.sample(BRIGHT, (2, 2, 3)[level])
    bins = [Thing(f"{c}-bin", ThingKind.BIN, c) for c in colors]
    count = (2, 4, 6)[level]
    blocks = []
    for i in range(count):
        shape = rng.choice(("cube", "cylinder"))
        blocks.append(_block(colors[i % len(colors)], shape, mark=str(i // len(colors) + 1)))
    inside: dict[str, str] = {}
    if level == 2:  # one block starts in a wrong bin, one stands on another
        inside = {blocks[0].name: bins[1].name, blocks[1].name: blocks[2].name}
    goal = [Atom("in", (b.name, f"{b.color}-bin")) for b in blocks]
    scene = draw_scene(rng, [*bins, *blocks], inside)
    return _Draft("Put every block into the bin of its own colour.", scene, goal)


def _tower(rng: Random, level: int) -> _Draft:
    """A tower in a given order on a pad."""
    count = (2, 3, 4)[level]
    colors = rng.sample(BRIGHT, count)
    blocks = [_block(c) for c in colors]
    pad = Thing("white-pad", ThingKind.PAD, "white")
    inside: dict[str, str] = {}
    if level == 1:
        inside = {blocks[0].name: blocks[2].name}
    if level == 2:  # two wrong piles
        inside = {blocks[0].name: blocks[1].name, blocks[3].name: blocks[2].name}
    order = [b.name for b in blocks]
    goal = [Atom("on", (order[0], pad.name))]
    goal += [Atom("on", (upper, lower)) for lower, upper in itertools.pairwise(order)]
    sequence = ", then ".join(f"the {c} block" for c in colors)
    scene = draw_scene(rng, [pad, *blocks], inside)
    return _Draft(f"Build a tower on the white pad, from below: {sequence}.", scene, goal)


def _sort(rng: Random, level: int) -> _Draft:
    """Blocks into two containers, by shape, size or warm and cold colour."""
    by = rng.choice(("shape", "size") if level < 2 else ("shape", "size", "shape and size"))
    count = (2, 4, 5)[level]
    containers = [
        Thing("gray-bin", ThingKind.BIN, "gray"),
        Thing("white-bowl", ThingKind.BOWL, "white"),
    ]
    colors = rng.sample(BRIGHT, count)
    blocks: list[Thing] = []
    for i, color in enumerate(colors):
        first = i % 2 == 0
        shape, size = rng.choice(("cube", "cylinder")), rng.choice(("small", "large"))
        if by == "shape":
            shape = "cube" if first else "cylinder"
        elif by == "size":
            size = "small" if first else "large"
        else:
            shape, size = (
                ("cube", "small")
                if first
                else rng.choice((("cube", "large"), ("cylinder", "small"), ("cylinder", "large")))
            )
        blocks.append(_block(color, shape, size))
    goal = [Atom("in", (b.name, containers[i % 2].name)) for i, b in enumerate(blocks)]
    inside = {blocks[0].name: "white-bowl"} if level == 2 else {}
    instructions = {
        "shape": "Put the cubes into the gray bin and the cylinders into the white bowl.",
        "size": "Put the small blocks into the gray bin and the large ones into the white bowl.",
        "shape and size": "Put the small cubes into the gray bin and all other blocks into the "
        "white bowl.",
    }
    return _Draft(instructions[by], draw_scene(rng, [*containers, *blocks], inside), goal)


def _retrieve(rng: Random, level: int) -> _Draft:
    """A block that is hidden in a shut box."""
    colors = rng.sample(BRIGHT, 3)
    woods = ("brown", "gray")[: 1 if level == 0 else 2]
    boxes = [Thing(f"{w}-box", ThingKind.BOX, w) for w in woods]
    lids = {f"{w}-box": f"{w}-lid" for w in woods}
    covers = [Thing(f"{w}-lid", ThingKind.LID, w) for w in woods]
    wanted, second, third = (_block(c) for c in colors)
    pad = Thing("white-pad", ThingKind.PAD, "white")
    inside = {wanted.name: rng.choice(boxes).name}
    goal = [Atom("on", (wanted.name, pad.name))]
    instruction = (
        f"The {wanted.color} block is hidden in a box. Find it and put it on the white pad."
    )
    if level == 2:  # the pad is taken, and the boxes shall be shut again
        inside[second.name] = pad.name
        inside[third.name] = rng.choice(boxes).name
        goal += [Atom("covers", (lid, box)) for box, lid in lids.items()]
        instruction += " Shut all boxes afterwards."
    scene = draw_scene(rng, [*boxes, *covers, pad, wanted, second, third], inside, lids, list(lids))
    return _Draft(instruction, scene, goal)


def _table(rng: Random, level: int) -> _Draft:
    """A table set for one to three: a roll on every plate, a cup on every coaster."""
    guests = level + 1
    colors = rng.sample(BRIGHT, guests)
    plates = [Thing(f"{c}-plate", ThingKind.PLATE, c) for c in colors]
    coasters = [Thing(f"{c}-coaster", ThingKind.PAD, c) for c in colors]
    rolls, cups = [_block(c) for c in colors], [_block(c, "cylinder") for c in colors]
    goal = [Atom("on", (b.name, p.name)) for b, p in zip(rolls, plates, strict=True)]
    goal += [Atom("on", (b.name, p.name)) for b, p in zip(cups, coasters, strict=True)]
    inside: dict[str, str] = {}
    if level == 2:  # two have been mixed up
        inside = {cups[0].name: plates[1].name, rolls[1].name: coasters[0].name}
    people = ("one", "two", "three")[level]
    instruction = (
        f"Set the table for {people}: each cube, a roll, goes on the plate of its own colour, "
        "and each cylinder, a cup, on the coaster of its own colour."
    )
    return _Draft(instruction, draw_scene(rng, [*plates, *coasters, *rolls, *cups], inside), goal)


TASKS: dict[str, Callable[[Random, int], _Draft]] = {
    "tidy": _tidy,
    "tower": _tower,
    "sort": _sort,
    "retrieve": _retrieve,
    "table": _table,
}
"""The tasks by name."""


def list_tasks() -> Sequence[tuple[str, str]]:
    """Returns every task's name with a one-line description."""
    return [(name, (make.__doc__ or "").strip()) for name, make in TASKS.items()]
