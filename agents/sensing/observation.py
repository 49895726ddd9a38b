"""How informative views are: how a model answers from each, given the truth.

For an environment, a kind of fact and a view, the model's answer is reduced to a *symbol*: its
likeliest option and how sure it was of it (one of :data:`LEVELS`). The table holds the probability
of every symbol given the true option. Options are grouped by what they have in common, such as all
boxes: a table thus serves questions with any number of options, and what it says of a wrong answer
is spread evenly over the options of its group.

Images from near-by views show the same and err alike. With the fraction rho of a table, which
falls with the angle between the views, a second view repeats what the first one said; with
1 - rho it answers on its own:

    P(a2 | k, a1) = rho [a2 = a1] + (1 - rho) P(a2 | k)

Expected posterior entropies follow in closed form. The belief that decides is another: the model's
own probabilities, fused (:mod:`surefoot.calibration.decisions.belief`); this one only chooses.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.planning.base import CROSSING
from surefoot.agents.sensing.scenery import VIEWS, StillScene, apart, digest
from surefoot.calibration.arrays import Floats
from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic

LEVELS = (0.5, 0.7, 0.85, 0.95)
"""Probabilities of the likeliest option that part one level of sureness from the next."""

ANGLES = (1.0, 50.0, 100.0)
"""Degrees between two views that part one class of neighbourhood from the next."""

BUILTIN = Path(__file__).parent / "models"
"""Folder of the tables that come with Surefoot, ``ENVIRONMENT.json``."""

FORMAT = 1

_PAIRS = 12
_WEIGHT = 12.0
"""Weight of what is known of similar views, in answers."""

Symbol = tuple[int, int]
"""Column of the likeliest option, and level."""


def symbol_of(answer: Sequence[float] | Floats) -> Symbol:
    """Returns the symbol of an answer.

    >>> symbol_of([0.2, 0.8])
    (1, 2)
    """
    array = np.asarray(answer)
    top = int(array.argmax())
    return top, int(np.searchsorted(LEVELS, array[top], side="right"))


@cache
def group_of(option: str) -> str:
    """Returns what options of like meaning have in common.

    >>> group_of("in the brown box"), group_of("on the second red block"), group_of("yes")
    ('in a box', 'on a block', 'yes')
    """
    first, _, rest = option.partition(" the ")
    last = rest.rpartition(" ")[2]
    if first == "in":
        return "in a box" if last == "box" else "in"
    if first == "on" and rest != "table":
        return "on a block" if last in ("block", "cylinder") else "on"
    return option


@dataclass(frozen=True)
class KindTable:
    """How a model answers questions of one kind.

    Attributes:
        groups: The groups of options.
        views: By view ``[G, 1 + G, L]``: by group of the true option the probability of each
            right or wrong answer (0: right, 1 + g: wrong, of group g) at each level.
        repeats: By class of neighbourhood the fraction in which a view says what another one said.
    """

    groups: tuple[str, ...]
    views: Mapping[str, Floats]
    repeats: tuple[float, ...]


@dataclass(frozen=True)
class ViewModel:
    """How informative the views of an environment are.

    Attributes:
        env: ``crossing`` or ``tabletop``.
        model: Identity of the perception model that it is of.
        kinds: By kind of fact.
        provenance: Seeds, perturbations, sizes and the data's hash.
    """

    env: str
    model: str
    kinds: Mapping[str, KindTable]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def likelihood(self, question: FactQuestion, view: str) -> Floats:
        """Returns ``[K, K, L]``: by true option the probability of every symbol.

        A kind or view that is not known is uninformative: every symbol is as likely whatever the
        truth.
        """
        key = (question.kind, question.options, view)
        if key not in self._cache:
            self._cache[key] = self._likelihood(question, view)
        return self._cache[key]

    def expected_entropy(
        self,
        question: FactQuestion,
        belief: Floats,
        view: str,
        seen: Mapping[str, tuple[Floats, float]],
    ) -> float:
        """Returns the expected entropy in bits of a fact's belief after one more view.

        Args:
            question: The fact.
            belief: ``[K]`` what is believed now.
            view: The view.
            seen: By view that was taken: the model's answer ``[K]``, and how fresh it is from 0
                to 1; in a world that moves, what was seen grows old.
        """
        joint = self.joint(question, belief, view, seen)
        return entropy(joint.ravel()) - entropy(joint.sum(axis=0))

    def joint(
        self,
        question: FactQuestion,
        belief: Floats,
        view: str,
        seen: Mapping[str, tuple[Floats, float]],
    ) -> Floats:
        """Returns the probability of each truth with each symbol, ``[K, K * L]``."""
        table = self.likelihood(question, view)
        known = self.kinds.get(question.kind)
        if seen and known is not None:
            near = min(seen, key=lambda other: apart(self.env, view, other))
            answer, fresh = seen[near]
            repeat = known.repeats[_neighbourhood(apart(self.env, view, near))] * fresh
            table = (1 - repeat) * table
            table[:, *symbol_of(answer)] += repeat
        return np.asarray(belief[:, None] * table.reshape(len(belief), -1))

    def save(self, path: Path) -> None:
        """Writes the model in one go; probabilities have four digits."""
        kinds = {
            name: {
                "groups": list(table.groups),
                "repeats": [round(r, 3) for r in table.repeats],
                "views": {v: np.round(a, 4).tolist() for v, a in table.views.items()},
            }
            for name, table in self.kinds.items()
        }
        data = {
            "format": FORMAT,
            "stage": self.env,
            "model": self.model,
            "provenance": dict(self.provenance),
            "kinds": kinds,
        }
        write_atomic(path, json.dumps(data, separators=(",", ":")) + "\n")

    @property
    def _cache(self) -> dict[Any, Floats]:
        return self.__dict__.setdefault("_known", {})  # type: ignore[no-any-return]

    def _likelihood(self, question: FactQuestion, view: str) -> Floats:
        options, levels = question.options, len(LEVELS) + 1
        known = self.kinds.get(question.kind)
        if known is None or view not in known.views:
            return np.full((len(options),) * 2 + (levels,), 1 / (len(options) * levels))
        table, places = known.views[view], {g: i for i, g in enumerate(known.groups)}
        groups = [places.get(group_of(o), -1) for o in options]
        rows = np.stack([table[g] if g >= 0 else table.mean(axis=0) for g in groups])
        same = np.equal.outer(groups, groups)
        alike = np.maximum(same.sum(axis=0)[None] - same, 1)  # others of the group of what is said
        found = rows[:, 1:][:, groups] / alike[..., None]
        found[:, np.less(groups, 0)] = 0.0
        found[range(len(options)), range(len(options))] = rows[:, 0]
        found += 1e-6
        return np.asarray(found / found.sum(axis=(1, 2), keepdims=True))


def entropy(chances: Floats) -> float:
    """Returns the entropy of probabilities in bits."""
    some = chances[chances > 0]
    return float(-(some * np.log2(some)).sum())


def fit_views(
    env: str,
    stills: Sequence[StillScene],
    model: str,
    provenance: Mapping[str, Any] | None = None,
) -> ViewModel:
    """Learns how informative views are from scenes whose truth is known.

    Where there is little data, tables of a view over the table lean on those of its neighbours in
    elevation, and these on all views; at the crossing, where each view shows other things, they
    lean on knowing nothing.

    Args:
        env: The environment.
        stills: Scenes that the perception model did not learn from.
        model: Identity of that model.
        provenance: What to keep about where they are from.

    Raises:
        InputError: There are no scenes, or they are of another environment.
    """
    if not stills:
        raise InputError("there are no scenes to learn from")
    if any(s.env != env for s in stills):
        raise InputError(f"not all scenes are of the environment '{env}'")
    groups: dict[str, dict[str, None]] = defaultdict(dict)
    for still in stills:
        for question in still.questions:
            groups[question.kind] |= dict.fromkeys(map(group_of, question.options))
    kinds = {}
    for kind, found in groups.items():
        names = tuple(found)
        views = _tables(env, kind, names, stills)
        table = KindTable(names, views, (0.0,) * (len(ANGLES) + 1))
        repeats = _repeats(env, kind, table, stills)
        kinds[kind] = KindTable(names, views, repeats)
    recorded = {"scenes": len(stills), "sha256": digest(stills), **(provenance or {})}
    return ViewModel(env, model, kinds, recorded)


def load_views(source: str | Path, env: str) -> ViewModel:
    """Loads a model of views.

    Args:
        source: A file, or ``builtin``.
        env: The environment.

    Raises:
        InputError: There is no such file, or it is of something else.
    """
    path = BUILTIN / f"{env}.json" if source == "builtin" else Path(source)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        raise InputError(
            f"cannot read the view model: {why}; make it with 'surefoot train views'",
            file=str(path),
        ) from None
    except ValueError:
        raise InputError("the view model is not JSON", file=str(path)) from None
    try:
        if data["format"] != FORMAT or data["stage"] != env:
            raise InputError(f"not a model of views of the environment '{env}'", file=str(path))
        kinds = {
            name: KindTable(
                tuple(k["groups"]),
                {v: np.array(a) for v, a in k["views"].items()},
                tuple(k["repeats"]),
            )
            for name, k in data["kinds"].items()
        }
        return ViewModel(env, data["model"], kinds, data["provenance"])
    except (KeyError, TypeError, AttributeError):
        raise InputError("not a model of views", file=str(path)) from None


@cache
def builtin_views(env: str) -> ViewModel:
    """Returns the model of views that comes with Surefoot.

    Raises:
        InputError: There is none.
    """
    return load_views("builtin", env)


def _neighbourhood(angle: float) -> int:
    return int(np.searchsorted(ANGLES, angle, side="right"))


def _elevation(view: str) -> str:
    return next((end for end in ("-low", "-high", "top") if view.endswith(end)), "")


def _counted(kind: str, still: StillScene, view: str) -> Iterator[tuple[FactQuestion, int, Symbol]]:
    for question, answer in zip(still.questions, still.answers[view], strict=True):
        if question.kind == kind and question.fact in still.truth:
            yield question, question.options.index(still.truth[question.fact]), symbol_of(answer)


def _tables(
    env: str, kind: str, groups: tuple[str, ...], stills: Sequence[StillScene]
) -> dict[str, Floats]:
    places = {g: i for i, g in enumerate(groups)}
    shape = (len(groups), 1 + len(groups), len(LEVELS) + 1)
    counts = {view: np.zeros(shape) for view in VIEWS[env]}
    for still in stills:
        for view in still.answers:
            for question, true, (top, level) in _counted(kind, still, view):
                said = 0 if top == true else 1 + places[group_of(question.options[top])]
                counts[view][places[group_of(question.options[true])], said, level] += 1

    def smooth(count: Floats, prior: Floats) -> Floats:
        sums = count.sum(axis=(1, 2), keepdims=True)
        return np.asarray((count + _WEIGHT * prior) / (sums + _WEIGHT))

    even = np.full(shape, 1 / (shape[1] * shape[2]))
    if env == CROSSING:
        return {view: smooth(count, smooth(_blind(count), even)) for view, count in counts.items()}
    overall = smooth(np.sum(list(counts.values()), axis=0), even)
    rings: dict[str, Floats] = {}
    for ring in {_elevation(v) for v in counts}:
        total = np.sum([c for v, c in counts.items() if _elevation(v) == ring], axis=0)
        rings[ring] = smooth(total, overall)
    return {view: smooth(count, rings[_elevation(view)]) for view, count in counts.items()}


def _blind(count: Floats) -> Floats:
    """Returns how the same answers would be counted if they did not depend on the truth."""
    said = count[:, 1:].sum(axis=0)  # wrong answers by group
    said[range(len(count))] += count[:, 0]
    found = np.repeat(np.concatenate([np.zeros_like(said[:1]), said])[None], len(count), axis=0)
    found[:, 0] = said
    found[range(len(count)), range(1, 1 + len(count))] = 0.0
    return np.asarray(found)


def _repeats(
    env: str, kind: str, table: KindTable, stills: Sequence[StillScene]
) -> tuple[float, ...]:
    """Finds the likeliest fraction for each neighbourhood; 1 for the same view."""
    rng = Random(f"repeats:{env}:{kind}")
    lone = ViewModel(env, "", {kind: table})
    pairs: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for still in stills:
        views = list(still.answers)
        for _ in range(_PAIRS):
            first, second = rng.sample(views, 2)
            near = _neighbourhood(apart(env, first, second))
            both = zip(_counted(kind, still, first), _counted(kind, still, second), strict=True)
            for (question, true, one), (_, _, two) in both:
                own = float(lone.likelihood(question, second)[true, *two])
                pairs[near].append((own, one == two))
    grid: NDArray[np.float64] = np.linspace(0, 0.99, 100)
    fractions = [1.0]
    for near in range(1, len(ANGLES) + 1):
        alone: Floats = np.array([p for p, _ in pairs[near]])
        same: Floats = np.array([s for _, s in pairs[near]], np.float64)
        loss = -np.log(grid[:, None] * same + (1 - grid[:, None]) * alone + 1e-12).sum(axis=1)
        fractions.append(float(grid[loss.argmin()]) if len(alone) else 0.0)
    return tuple(fractions)
