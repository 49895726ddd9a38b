"""Ways to choose the next view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from surefoot.agents.belief import SceneBelief

RESTORED = "restored"
"""Name of what is like a view: the last image, restored."""


def restored_from(view: str) -> str:
    """Returns the name of a view's image that was restored."""
    return f"{view}, {RESTORED}"


@dataclass(frozen=True)
class LookState:
    """What a choice of view is made from.

    Attributes:
        env: ``crossing`` or ``tabletop``.
        views: All views, the one where the camera is first.
        costs: Seconds that each would take, in the order of ``views``.
        belief: The beliefs so far.
        matters: Bits of the verdict that depend on each fact; only those that it depends on.
        alpha: Level of the joint set.
        moving: Whether the world changes on its own, so that a view that was taken is worth
            taking again.
        restored: Whether the last image was restored already.
    """

    env: str
    views: tuple[str, ...]
    costs: tuple[float, ...]
    belief: SceneBelief
    matters: Mapping[str, float]
    alpha: float
    moving: bool = False
    restored: bool = False

    @property
    def unseen(self) -> list[str]:
        """Views from which nothing was seen yet; in a world that moves all, once all were taken."""
        found = [v for v in self.views if v not in self.belief.views]
        return found or (list(self.views) if self.moving else [])


class Strategy(Protocol):
    """Chooses views.

    Attributes:
        name: Its name in the settings.
    """

    name: str

    def choose(self, scene: LookState, rng: Random) -> str | None:
        """Returns the view to take next, ``None`` if none would add information.

        Or :data:`RESTORED`, if the last image is to be restored and asked about again.
        """
        ...


class Stay:
    """Never looks again."""

    name = "none"

    def choose(self, scene: LookState, rng: Random) -> str | None:
        """Returns nothing."""
        return None


_ROUNDS = ("front", "left", "back", "right", "front-left", "back-left", "back-right", "front-right")

SWEEP = (*(turn + height for height in ("", "-high", "-low") for turn in _ROUNDS), "top")
"""The order in which a sweep takes views: by quarter turns, height by height."""


class Sweep:
    """Goes around in a fixed order."""

    name = "sweep"

    def choose(self, scene: LookState, rng: Random) -> str | None:
        """Returns the first view of :data:`SWEEP` after the last one that is still to be taken."""
        order = [v for v in SWEEP if v in scene.views]
        last = scene.belief.views[-1] if scene.belief.views else ""
        start = order.index(last) + 1 if last in order else 0
        around = [*order[start:], *order[:start]]
        return next((v for v in around if v in scene.unseen), None)


class AtRandom:
    """Any view that was not taken yet."""

    name = "random"

    def choose(self, scene: LookState, rng: Random) -> str | None:
        """Draws one; ``None`` once all were taken."""
        return rng.choice(scene.unseen) if scene.unseen else None
