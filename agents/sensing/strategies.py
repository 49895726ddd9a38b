"""Ways to choose the next view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from surefoot.agents.sight import Sight


@dataclass(frozen=True)
class Scene:
    """What a choice of view is made from.

    Attributes:
        stage: ``crossing`` or ``tabletop``.
        views: All views, the one where the camera is first.
        costs: Seconds that each would take, in the order of ``views``.
        sight: The beliefs so far.
        matters: Bits of the verdict that depend on each fact; only those that it depends on.
        alpha: Level of the joint set.
    """

    stage: str
    views: tuple[str, ...]
    costs: tuple[float, ...]
    sight: Sight
    matters: Mapping[str, float]
    alpha: float

    @property
    def unseen(self) -> list[str]:
        """Views from which nothing was seen yet; all, once all were taken."""
        return [v for v in self.views if v not in self.sight.views] or list(self.views)


class Strategy(Protocol):
    """Chooses views.

    Attributes:
        name: Its name in the settings.
    """

    name: str

    def choose(self, scene: Scene, rng: Random) -> str | None:
        """Returns the view to take next, ``None`` if none would tell more."""
        ...


class Stay:
    """Never looks again."""

    name = "none"

    def choose(self, scene: Scene, rng: Random) -> str | None:
        """Returns nothing."""
        return None


class Sweep:
    """Goes around in the order of the views."""

    name = "sweep"

    def choose(self, scene: Scene, rng: Random) -> str | None:
        """Returns the view after the last one, in the fixed order of names."""
        order = sorted(scene.views)
        last = scene.sight.views[-1] if scene.sight.views else ""
        later = [v for v in order if v > last and v in scene.unseen]
        return (later or [v for v in order if v in scene.unseen])[0]


class AtRandom:
    """Any view that was not taken yet."""

    name = "random"

    def choose(self, scene: Scene, rng: Random) -> str | None:
        """Draws one."""
        return rng.choice(scene.unseen)
