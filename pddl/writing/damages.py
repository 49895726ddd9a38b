"""Damages: ways in which an answer fails to state a plan that solves the task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random

from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language.model import PlanStep
from surefoot.pddl.renaming.names import split_index
from surefoot.pddl.writing.model import WrittenShape, WrittenStep

Steps = list[WrittenStep]


@dataclass(frozen=True)
class Scene:
    """What a damage may draw from.

    Attributes:
        ground: The task.
        rng: Draws where to damage.
        unknown_verbs: Verbs that no domain knows.
    """

    ground: GroundTask
    rng: Random
    unknown_verbs: tuple[str, ...]


@dataclass(frozen=True)
class Damage:
    """A way in which an answer fails.

    Attributes:
        name: Its name in tables.
        make: Damages the steps; ``None`` where these steps cannot be damaged so. Damages of the
            text have none.
        shape: What the answer becomes.
        needs: What the style must offer: ``lines`` of text to deny, a ``title`` beside the step,
            a ``call``, a ``legend``, a plan stated ``once``, or ``""``.
        readable: Whether the steps can still be told.
    """

    name: str
    make: Callable[[Steps, Scene], Steps | None] | None = None
    shape: WrittenShape = WrittenShape.PLAN
    needs: str = ""
    readable: bool = True


def _swap_argument(items: Steps, at: int, place: int, new: str) -> Steps:
    item = items[at]
    args = list(item.step.args)
    args[place] = new
    changed = replace(
        item, step=PlanStep(item.step.action, tuple(args)), omitted=item.omitted - {place}
    )
    return [*items[:at], changed, *items[at + 1 :]]


def _some_argument(items: Steps, rng: Random) -> tuple[int, int] | None:
    places = [
        (at, place)
        for at, item in enumerate(items)
        for place in range(len(item.step.args))
        if place not in item.omitted
    ]
    return rng.choice(places) if places else None


def unknown_object(items: Steps, scene: Scene) -> Steps | None:
    """Names an object that does not exist, in one step or throughout."""
    chosen = _some_argument(items, scene.rng)
    if chosen is None:
        return None
    at, place = chosen
    old = items[at].step.args[place]
    stem, index = split_index(old)
    objects = scene.ground.task.objects
    if index:
        lead, dash, last = index.rpartition("-")
        new = next(
            f"{stem}{lead}{dash}{n}"
            for n in range(max(9, int(last) + 1), 10_000)
            if f"{stem}{lead}{dash}{n}" not in objects
        )
    elif len(old) == 1:
        new = next((c for c in "zyxwvu" if c not in objects), "")
    else:
        new = f"{old}9"
    if not new or new in objects:
        return None
    if scene.rng.random() < 0.5:
        return _swap_argument(items, at, place, new)
    for n, item in enumerate(items):
        for p, arg in enumerate(item.step.args):
            if arg == old and p not in item.omitted:
                items = _swap_argument(items, n, p, new)
    return items


def wrong_object(items: Steps, scene: Scene) -> Steps | None:
    """Names another object of a fitting type."""
    chosen = _some_argument(items, scene.rng)
    if chosen is None:
        return None
    at, place = chosen
    step = items[at].step
    types = scene.ground.task.domain.actions[step.action].parameters[place].types
    others = sorted(scene.ground.fits(types) - {step.args[place]})
    return _swap_argument(items, at, place, scene.rng.choice(others)) if others else None


def wrong_type(items: Steps, scene: Scene) -> Steps | None:
    """Names an object of a type that does not fit."""
    chosen = _some_argument(items, scene.rng)
    if chosen is None:
        return None
    at, place = chosen
    step = items[at].step
    types = scene.ground.task.domain.actions[step.action].parameters[place].types
    others = sorted(set(scene.ground.task.objects) - scene.ground.fits(types))
    return _swap_argument(items, at, place, scene.rng.choice(others)) if others else None


def swapped_arguments(items: Steps, scene: Scene) -> Steps | None:
    """Swaps two arguments of one step, such as from and to.

    Each fits the other's parameter: where types tell arguments apart, a call that gives them in
    another order than the domain still says what is meant.
    """
    at = scene.rng.randrange(len(items))
    step = items[at].step
    parameters = scene.ground.task.domain.actions[step.action].parameters
    pairs = [
        (a, b)
        for a, b in combinations(range(len(step.args)), 2)
        if not {a, b} & items[at].omitted
        and step.args[a] != step.args[b]
        and step.args[a] in scene.ground.fits(parameters[b].types)
        and step.args[b] in scene.ground.fits(parameters[a].types)
    ]
    if not pairs:
        return None
    a, b = scene.rng.choice(pairs)
    return _swap_argument(_swap_argument(items, at, a, step.args[b]), at, b, step.args[a])


def dropped_step(items: Steps, scene: Scene) -> Steps | None:
    """Leaves a step out, not the last."""
    if len(items) < 2:
        return None
    at = scene.rng.randrange(len(items) - 1)
    return [*items[:at], *items[at + 1 :]]


def missing_end(items: Steps, scene: Scene) -> Steps | None:
    """Leaves the last step out."""
    return items[:-1] if len(items) > 1 else None


def swapped_steps(items: Steps, scene: Scene) -> Steps | None:
    """Swaps two steps."""
    if len(items) < 2:
        return None
    a, b = sorted(scene.rng.sample(range(len(items)), 2))
    return [*items[:a], items[b], *items[a + 1 : b], items[a], *items[b + 1 :]]


def doubled_step(items: Steps, scene: Scene) -> Steps | None:
    """Gives a step twice in a row."""
    at = scene.rng.randrange(len(items))
    return [*items[: at + 1], items[at], *items[at + 1 :]]


def unknown_action(items: Steps, scene: Scene) -> Steps | None:
    """Puts an action that does not exist in place of a step."""
    at = scene.rng.randrange(len(items))
    verb = scene.rng.choice(scene.unknown_verbs)
    old = items[at].step
    changed = WrittenStep(PlanStep(verb, old.args), origin=old.action)
    return [*items[:at], changed, *items[at + 1 :]]


def extra_argument(items: Steps, scene: Scene) -> Steps | None:
    """Gives a step one argument too many; only calls can."""
    at = scene.rng.randrange(len(items))
    step = items[at].step
    others = sorted(set(scene.ground.task.objects) - set(step.args))
    if not others or not step.args or items[at].omitted:
        return None
    changed = PlanStep(step.action, (*step.args, scene.rng.choice(others)))
    return [*items[:at], replace(items[at], step=changed), *items[at + 1 :]]


def denied_step(items: Steps, scene: Scene) -> Steps | None:
    """Says of a step not to do it."""
    at = scene.rng.randrange(len(items))
    return [*items[:at], replace(items[at], denied=True), *items[at + 1 :]]


def contradiction(items: Steps, scene: Scene) -> Steps | None:
    """Gives a step a title that names another object."""
    found = wrong_object(list(items), scene)
    if found is None:
        return None
    at = next((n for n, (a, b) in enumerate(zip(items, found, strict=True)) if a != b), None)
    if at is None:
        return None
    return [*items[:at], replace(items[at], title=found[at].step), *items[at + 1 :]]


DAMAGES: dict[str, Damage] = {
    d.name: d
    for d in (
        Damage("unknown-object", unknown_object),
        Damage("wrong-object", wrong_object),
        Damage("wrong-type", wrong_type),
        Damage("swapped-arguments", swapped_arguments),
        Damage("dropped-step", dropped_step),
        Damage("missing-end", missing_end),
        Damage("swapped-steps", swapped_steps),
        Damage("doubled-step", doubled_step),
        Damage("unknown-action", unknown_action),
        Damage("extra-argument", extra_argument, needs="call"),
        Damage("denied-step", denied_step, needs="lines"),
        Damage("contradicting-title", contradiction, needs="title", readable=False),
        Damage("contradicting-legend", shape=WrittenShape.PLAN, needs="legend", readable=False),
        Damage("truncated", shape=WrittenShape.TRUNCATED, needs="once", readable=False),
        Damage("plan-only-in-thoughts", shape=WrittenShape.REFUSAL),
        Damage("rejected-plan", shape=WrittenShape.REFUSAL),
        Damage("plain-refusal", shape=WrittenShape.REFUSAL),
        Damage("refusal-with-example", shape=WrittenShape.REFUSAL),
        Damage("withdrawn", shape=WrittenShape.WITHDRAWN),
        Damage("disowned", shape=WrittenShape.WITHDRAWN),
        Damage("nothing-to-do", shape=WrittenShape.NO_ACTION),
    )
}
"""Damages by name."""
