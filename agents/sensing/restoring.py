"""Restore the image at hand, or look again: whichever is expected to give more bits per second.

The restoring model is learned like that of a view (:mod:`.observation`): how a model answers on
restored images, given the truth. A restored image shows what the raw one shows, so with
probability rho, found for each kind of fact, the model only repeats its answer on the raw image.
The answer on the restored image then replaces the raw one and is not fused with it: with strong
noise the raw answers are bad and overconfident, so that both together are worse than those of the
restored image alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.sensing.entropy import LEAST, READING, ByEntropy
from surefoot.agents.sensing.observation import (
    BUILTIN,
    FORMAT,
    LEVELS,
    KindTable,
    ViewModel,
    entropy,
    group_of,
    symbol_of,
)
from surefoot.agents.sensing.strategies import RESTORED, LookState
from surefoot.calibration.arrays import Floats
from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic

_WEIGHT = 12.0
"""Weight of knowing nothing, in answers."""


@dataclass(frozen=True)
class RestoredPair:
    """What a model said of a fact in an image, raw and restored.

    Attributes:
        question: The fact.
        truth: The true option.
        raw: Probabilities of the options by the raw image.
        restored: The same by the restored one.
    """

    question: FactQuestion
    truth: str
    raw: Sequence[float]
    restored: Sequence[float]


@dataclass(frozen=True)
class RestoringModel:
    """The restoring model.

    Attributes:
        restorer: Name of the way to restore.
        seconds: Time that it takes for an image.
        tables: How a model answers on restored images, under the one view :data:`RESTORED`,
            and from which images that was learned.
        repeats: By kind of fact the fraction in which it repeats what it said of the raw image.
    """

    restorer: str
    seconds: float
    tables: ViewModel
    repeats: Mapping[str, float]

    def joint(self, question: FactQuestion, belief: Floats, raw: Floats) -> Floats:
        """Returns the probability of each truth with each answer to come, ``[K, K * L]``.

        Args:
            question: The fact.
            belief: ``[K]`` what is believed now, after the raw image.
            raw: ``[K]`` what was said of it.
        """
        repeat = self.repeats.get(question.kind, 1.0)
        table = (1 - repeat) * self.tables.likelihood(question, RESTORED)
        table[:, *symbol_of(raw)] += repeat
        return np.asarray(belief[:, None] * table.reshape(len(belief), -1))

    def gain(self, question: FactQuestion, belief: Floats, raw: Floats) -> float:
        """Returns the bits of entropy that a fact's belief is expected to lose."""
        joint = self.joint(question, belief, raw)
        return entropy(belief) + entropy(joint.sum(axis=0)) - entropy(joint.ravel())

    def save(self, path: Path) -> None:
        """Writes it in one go."""
        kinds = {
            name: {
                "groups": list(t.groups),
                "views": {v: a.tolist() for v, a in t.views.items()},
                "repeats": self.repeats[name],
            }
            for name, t in self.tables.kinds.items()
        }
        data = {
            "format": FORMAT,
            "stage": self.tables.env,
            "model": self.tables.model,
            "restorer": self.restorer,
            "seconds": self.seconds,
            "kinds": kinds,
            "provenance": dict(self.tables.provenance),
        }
        write_atomic(path, json.dumps(data) + "\n")


def load_restoring(source: str | Path, env: str) -> RestoringModel:
    """Reads the restoring model.

    Args:
        source: A file of ``surefoot train restoring``, or ``builtin``.
        env: The environment.

    Raises:
        InputError: There is no such file, or it is of something else.
    """
    path = BUILTIN / f"{env}-restoring.json" if source == "builtin" else Path(source)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        kinds = {
            name: KindTable(tuple(k["groups"]), {v: np.array(a) for v, a in k["views"].items()}, ())
            for name, k in data["kinds"].items()
        }
        if data["format"] != FORMAT or data["stage"] != env:
            raise InputError(f"not a restoring model of the environment '{env}'", file=str(path))
        return RestoringModel(
            data["restorer"],
            float(data["seconds"]),
            ViewModel(env, data["model"], kinds, data["provenance"]),
            {name: float(k["repeats"]) for name, k in data["kinds"].items()},
        )
    except OSError:
        raise InputError("cannot read the restoring model", file=str(path)) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError("not a restoring model", file=str(path)) from None


def fit_restoring(
    env: str,
    model: str,
    restorer: str,
    seconds: float,
    pairs: Sequence[RestoredPair],
    provenance: Mapping[str, Any] | None = None,
) -> RestoringModel:
    """Learns the restoring model from images whose truth is known.

    Args:
        env: ``crossing`` or ``tabletop``.
        model: Identity of the perception model.
        restorer: Name of the way to restore.
        seconds: Time that it takes for an image.
        pairs: Answers; they should be on images damaged as those to come will be.
        provenance: What to keep about where they are from.

    Raises:
        InputError: There are none, or a truth is no option.
    """
    if not pairs:
        raise InputError("there are no answers to learn from")
    by_kind: dict[str, list[RestoredPair]] = defaultdict(list)
    for pair in pairs:
        if pair.truth not in pair.question.options:
            raise InputError(f"'{pair.truth}' is no option of '{pair.question.text}'")
        by_kind[pair.question.kind].append(pair)
    kinds, repeats = {}, {}
    for kind, some in by_kind.items():
        groups = tuple(dict.fromkeys(group_of(o) for p in some for o in p.question.options))
        kinds[kind] = KindTable(groups, {RESTORED: _table(groups, some)}, ())
        repeats[kind] = _repeat_rate(ViewModel(env, model, {kind: kinds[kind]}), some)
    tables = ViewModel(env, model, kinds, provenance or {})
    return RestoringModel(restorer, seconds, tables, repeats)


def _table(groups: tuple[str, ...], pairs: Sequence[RestoredPair]) -> Floats:
    places = {g: i for i, g in enumerate(groups)}
    counts = np.zeros((len(groups), 1 + len(groups), len(LEVELS) + 1))
    for pair in pairs:
        options = pair.question.options
        top, level = symbol_of(pair.restored)
        right = options[top] == pair.truth
        said = 0 if right else 1 + places[group_of(options[top])]
        counts[places[group_of(pair.truth)], said, level] += 1
    even = 1 / counts[0].size
    sums = counts.sum(axis=(1, 2), keepdims=True)
    return np.asarray((counts + _WEIGHT * even) / (sums + _WEIGHT))


def _repeat_rate(lone: ViewModel, pairs: Sequence[RestoredPair]) -> float:
    """Finds the likeliest fraction of mere repetitions."""
    own, same = [], []
    for pair in pairs:
        true = pair.question.options.index(pair.truth)
        symbol = symbol_of(pair.restored)
        own.append(float(lone.likelihood(pair.question, RESTORED)[true, *symbol]))
        same.append(symbol == symbol_of(pair.raw))
    grid = np.linspace(0, 0.99, 100)[:, None]
    mixed = grid * np.array(same, np.float64) + (1 - grid) * np.array(own)
    return float(grid[np.log(mixed + 1e-12).sum(axis=1).argmax(), 0])


@dataclass(frozen=True)
class LookOption:
    """A way to learn more.

    Attributes:
        what: A view, or :data:`RESTORED`.
        gain: Bits that are expected, facts weighed by how much the verdict depends on them.
        most: The most of any single fact.
        seconds: Time that it takes, reading included.
    """

    what: str
    gain: float
    most: float
    seconds: float

    @property
    def rate(self) -> float:
        """Bits per second."""
        return self.gain / self.seconds


class LookOrRestore:
    """The next view, or the last image restored: by expected loss of entropy per second.

    An image is restored once; a view is worth what :class:`~.entropy.ByEntropy` says.

    Args:
        views: How informative views are.
        restoring: The restoring model.
    """

    name = "restore"

    def __init__(self, views: ViewModel, restoring: RestoringModel) -> None:
        self._looks = ByEntropy(views)
        self._restoring = restoring

    def offers(self, scene: LookState) -> list[LookOption]:
        """Returns all that can be done, the best rate first."""
        found = [
            LookOption(view, *self._looks.gains(scene, view), cost + READING)
            for view, cost in zip(scene.views, scene.costs, strict=True)
        ]
        if (own := self._restore(scene)) is not None:
            found.append(own)
        return sorted(found, key=lambda offer: -offer.rate)

    def choose(self, scene: LookState, rng: Random) -> str | None:
        """Returns a view or :data:`RESTORED`; ``None`` if neither is expected to be informative."""
        return next((o.what for o in self.offers(scene) if o.most > LEAST), None)

    def _restore(self, scene: LookState) -> LookOption | None:
        belief = scene.belief
        if not belief.views or scene.restored:
            return None
        last = belief.views[-1]
        gains = {f: self._fact(scene, f, last) for f in scene.matters}
        total = sum(scene.matters.values())
        gain = sum(
            gains[f] * (bits / total if total > 0 else 1 / len(gains))
            for f, bits in scene.matters.items()
        )
        seconds = self._restoring.seconds + READING
        return LookOption(RESTORED, gain, max(gains.values(), default=0.0), seconds)

    def _fact(self, scene: LookState, fact: str, last: str) -> float:
        said = scene.belief.seen(fact).get(last)
        if said is None:  # the last image was not asked about it
            return 0.0
        return self._restoring.gain(
            scene.belief.questions[fact], scene.belief.belief(fact), said[0]
        )
