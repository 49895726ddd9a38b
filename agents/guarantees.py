"""What an agent's calibration promises: sets of facts, scores of facts and of plans.

An artefact is one JSON file. For each kind of fact it keeps nonconformity scores, by which scores
of different kinds are brought to one scale (their rank), and for whole scenes the largest of these
ranks over the facts that the agent's decision relies on, from other episodes: its quantile is the
threshold of the joint set, so that with probability at least 1 - alpha **all** these facts of a
scene are in their sets at once, at the moment when the agent stops looking (the policy that looks
is calibrated as a whole, see :mod:`surefoot.calibration.decisions.stopping`). Decisions to act and
decisions to wait are calibrated apart, so that the promise holds for those that act.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot.agents.perception.questions import FactQuestion
from surefoot.calibration.arrays import Floats
from surefoot.calibration.decisions.confidence import u_p
from surefoot.calibration.decisions.satisfaction import Satisfaction, calibrate_satisfaction
from surefoot.calibration.quantiles import conformal_quantile
from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic

BUILTIN = Path(__file__).parent / "calibrations"
"""Folder of the calibrations that come with Surefoot: ``ENVIRONMENT.json`` for the defaults,
others for other ways of looking."""

FORMAT = 1


@dataclass(frozen=True, slots=True)
class KindScores:
    """What is known of one kind of fact.

    Attributes:
        scores: Nonconformity 1 - p(true option) of calibration facts, ascending.
        prior: What a model answers without evidence, one per option; empty for all the same.
        dependence: How far the errors of several views go together, from 0 to 1.
        fade: In a world that moves, the fraction of what was known that is lost in a step.
    """

    scores: tuple[float, ...]
    prior: tuple[float, ...] = ()
    dependence: float = 0.0
    fade: float = 0.0


@dataclass(frozen=True)
class AgentCalibration:
    """A calibration of an agent on one environment.

    Attributes:
        env: ``crossing`` or ``tabletop``.
        model: Identity of the perception model that it is for.
        renderer: Renderer of the images.
        planner: The planner whose plans were judged, ``""`` if none.
        sensing: The way of looking that was calibrated, as in
            :attr:`~surefoot.agents.settings.AgentSettings.looking`.
        kinds: By kind of fact.
        scenes: For each calibration episode the largest rank over the facts that its decision
            relied on, at the moment when the agent stopped looking; without those of ``waits``.
        looking: Rank up to which an option is in the sets by which the agent decides to look on.
            It is from other episodes, so that the rule by which it stops was fixed before the
            policy was calibrated. Without one, the threshold of ``scenes`` serves.
        waits: As ``scenes``, of episodes in which the agent would then have waited.
        confidences: P(yes) of calibration plans.
        satisfied: The checker's verdicts on them.
        provenance: Seeds, perturbations, sizes, versions and the data's hash.
    """

    env: str
    model: str
    renderer: str
    planner: str
    sensing: str
    kinds: Mapping[str, KindScores]
    scenes: tuple[float, ...]
    looking: float | None = None
    waits: tuple[float, ...] = ()
    confidences: tuple[float, ...] = ()
    satisfied: tuple[bool, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def kind(self, kind: str) -> KindScores:
        """Returns what is known of a kind; nothing of one that was never calibrated."""
        return self.kinds.get(kind, KindScores(()))

    def threshold(self, alpha: float, *, looking: bool = False, waiting: bool = False) -> float:
        """Returns the rank up to which an option is in the joint set; infinite for too few.

        Args:
            alpha: Allowed probability that some fact's truth is missing.
            looking: Whether the set is that by which the agent decides to look on.
            waiting: Whether it would wait.
        """
        if looking and self.looking is not None:
            return self.looking
        if (alpha, waiting) not in self._thresholds:
            scores = self.waits if waiting else self.scenes
            self._thresholds[alpha, waiting] = conformal_quantile(scores, alpha)
        return self._thresholds[alpha, waiting]

    def ranks(self, kind: str, probabilities: Floats) -> Floats:
        """Returns how unusual each option would be: the fraction of scores below its own.

        Args:
            kind: Kind of the fact.
            probabilities: ``[K]``.

        Returns:
            ``[K]`` from 0 to 1; 0 for all options of a kind that was never calibrated.
        """
        known = self._sorted.get(kind)
        if known is None or not len(known):
            return np.zeros(len(probabilities))
        return np.asarray(np.searchsorted(known, 1 - probabilities, side="left") / len(known))

    def members(
        self,
        kind: str,
        probabilities: Floats,
        alpha: float,
        *,
        looking: bool = False,
        waiting: bool = False,
    ) -> NDArray[np.bool_]:
        """Returns which options are in the joint set, ``[K]``.

        Where no option is usual enough, nothing like this was seen in calibration: all options
        are possible then. A set that is made larger covers no less.
        """
        threshold = self.threshold(alpha, looking=looking, waiting=waiting)
        found = self.ranks(kind, probabilities) <= threshold
        return np.asarray(found if found.any() else np.ones_like(found))

    def u_p(self, kind: str, probabilities: Floats) -> float:
        """Returns the corrected perception score of one fact; 0 for an unknown kind."""
        known = self._sorted.get(kind, np.zeros(0))
        return float(u_p(known, probabilities[None])[0])

    @cached_property
    def plans(self) -> Satisfaction | None:
        """Calibration of the planner's confidence; ``None`` without calibration plans."""
        if not self.confidences:
            return None
        return calibrate_satisfaction(np.array(self.confidences), np.array(self.satisfied))

    @cached_property
    def _thresholds(self) -> dict[tuple[float, bool], float]:
        return {}

    @cached_property
    def _sorted(self) -> dict[str, Floats]:
        return {name: np.sort(np.array(k.scores)) for name, k in self.kinds.items()}

    def save(self, path: Path) -> None:
        """Writes the artefact in one go."""
        fields = asdict(self)
        data = {"format": FORMAT, "stage": fields.pop("env"), **fields}
        write_atomic(path, json.dumps(data, indent=None, separators=(",", ":")) + "\n")


def load_calibration(
    source: str | Path, *, env: str, model: str, planner: str = "", sensing: str = ""
) -> AgentCalibration:
    """Loads an artefact and checks that it is for what it is to be used with.

    Args:
        source: A file, or ``builtin``.
        env: The environment.
        model: Identity of the perception model.
        planner: The planner; its confidence counts only if it is the one that was calibrated.
        sensing: The way of looking; ``""`` where nothing rests on the sets. Several ways have
            built-in calibrations.

    Raises:
        InputError: No such file, a damaged one, or one made for something else.
    """
    path = _builtin(env, sensing) if source == "builtin" else Path(source)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the calibration: {why}", file=str(path)) from None
    except ValueError:
        raise InputError("the calibration is not JSON", file=str(path)) from None
    try:
        if data.pop("format") != FORMAT:
            raise InputError(f"not a calibration of format {FORMAT}", file=str(path))
        kinds = {name: KindScores(**_tuples(k)) for name, k in data.pop("kinds").items()}
        data["env"] = data.pop("stage")
        found = AgentCalibration(**_tuples(data), kinds=kinds)
    except (KeyError, TypeError, AttributeError):
        raise InputError("not an agent's calibration", file=str(path)) from None
    wanted = [("environment", found.env, env), ("model", found.model, model)]
    if sensing:
        wanted.append(("sensing", found.sensing, sensing))
    for name, there, here in wanted:
        if there != here:
            raise InputError(
                f"the calibration is for {name} '{there}', not '{here}'; make one with "
                "'surefoot calibrate agent'",
                file=str(path),
            )
    if planner and found.planner != planner:
        from dataclasses import replace

        return replace(found, confidences=(), satisfied=(), planner="")
    return found


def _builtin(env: str, sensing: str) -> Path:
    """Returns the shipped calibration of a way of looking, that of the defaults if none is."""
    for path in sorted(BUILTIN.glob(f"{env}-*.json")):
        if json.loads(path.read_text(encoding="utf-8"))["sensing"] == sensing:
            return path
    return BUILTIN / f"{env}.json"


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}


def options_of(question: FactQuestion, members: Sequence[bool]) -> tuple[str, ...]:
    """Returns the options of a question that are in a set."""
    return tuple(o for o, inside in zip(question.options, members, strict=True) if inside)
