"""The calibration artefact: one JSON file with the calibration, its data and its origin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot.calibration.arrays import Sets
from surefoot.calibration.conformal.facts import FactArrays
from surefoot.calibration.conformal.groups import GroupConformal
from surefoot.calibration.conformal.joint import JointConformal, JointMethod
from surefoot.calibration.conformal.scores import Score
from surefoot.calibration.conformal.split import SplitConformal
from surefoot.calibration.decisions.risk import RiskThreshold, risk_threshold
from surefoot.calibration.decisions.satisfaction import Satisfaction, calibrate_satisfaction
from surefoot.calibration.reports.records import Origin, Predictions
from surefoot.calibration.reports.tables import FactTable, PlanTable
from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.results.manifest import current_versions

ARTEFACT_NAME = "calibration.json"
_FORMAT = "surefoot-calibration-1"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a calibration.

    Attributes:
        alpha: Allowed miss rate, and allowed rate of violations among acts.
        delta: Probability with which the bound on violations may fail.
        score: Nonconformity score.
        joint: Joint method for the facts of a scene.
        groups: Whether there is a threshold for every group of facts.
        seed: Seed of all draws.
    """

    alpha: float = 0.1
    delta: float = 0.1
    score: Score = Score.LAC
    joint: JointMethod = JointMethod.MAX
    groups: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Artefact:
    """A calibration that can be used, saved and shared.

    Attributes:
        settings: Settings of the calibration.
        origin: Model, renderer and label set for which it is valid.
        data: Hash and sizes of the calibration data.
        split: Sets of one fact; ``None`` if there were no facts.
        groups: The same by group; ``None`` if not wanted or there is only one group.
        joint: Sets of all facts of a scene; ``None`` if not wanted or there were no facts.
        satisfaction: Calibrated P(plan satisfies the rules); ``None`` if there were no plans.
        acts: Confidence from which on plans may be executed; possibly none.
        versions: Versions by program.
        created: Time of creation, ISO 8601 in UTC.
    """

    settings: Settings
    origin: Origin
    data: Mapping[str, Any]
    split: SplitConformal | None
    groups: GroupConformal | None
    joint: JointConformal | None
    satisfaction: Satisfaction | None
    acts: RiskThreshold | None
    versions: Mapping[str, str]
    created: str

    def sets(self, facts: FactTable) -> Sets:
        """Returns the sets ``[m, K]``: joint ones if there are, else by group, else of each fact.

        Raises:
            InputError: The artefact was calibrated without facts.
        """
        given = as_facts(facts)
        if self.joint is not None:
            return self.joint.sets(given)
        if self.groups is not None:
            return given.keep_options(self.groups.sets(facts.probabilities, facts.groups))
        if self.split is None:
            raise InputError("this calibration holds no facts; calibrate with records of facts")
        return given.keep_options(self.split.sets(facts.probabilities))

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        plans = self.satisfaction
        return {
            "format": _FORMAT,
            **asdict(self.origin),
            "settings": asdict(self.settings),
            "data": dict(self.data),
            "split": _loads(self.split),
            "groups": _loads(self.groups),
            "joint": None if self.joint is None else _joint_json(self.joint),
            "plans": None
            if plans is None
            else {
                "confidence": plans.confidence.tolist(),
                "satisfied": plans.satisfied.tolist(),
            },
            "acts": None if self.acts is None else _acts_json(self.acts),
            "versions": dict(self.versions),
            "created": self.created,
        }

    def save(self, path: Path) -> None:
        """Writes the artefact atomically.

        Raises:
            InputError: The file cannot be written.
        """
        write_atomic(path, json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n")


def calibrate(predictions: Predictions, settings: Settings) -> Artefact:
    """Calibrates on records of one origin, using all of them.

    Args:
        predictions: The calibration part.
        settings: Settings of the calibration.

    Raises:
        InputError: The records are of several origins, or there is none; or a setting is out
            of range.
    """
    origins = predictions.origins
    if len(origins) != 1:
        raise InputError(
            "a calibration is for one model, renderer and label set; "
            f"the records have {len(origins)}"
        )
    facts, plans = FactTable.of(predictions.facts), PlanTable.of(predictions.plans)
    alpha, score = settings.alpha, Score(settings.score)
    split = groups = joint = None
    if len(facts):
        labels = facts.labels
        split = SplitConformal.calibrate(facts.probabilities, labels, alpha, score)
        if settings.groups and np.unique(facts.groups).size > 1:
            groups = GroupConformal.calibrate(
                facts.probabilities, labels, facts.groups, alpha, score
            )
        if settings.joint is not JointMethod.PER_FACT:
            joint = JointConformal.calibrate(as_facts(facts), labels, alpha, settings.joint, score)
    satisfaction = acts = None
    if len(plans):
        satisfaction = calibrate_satisfaction(plans.confidence, plans.satisfied)
        one = one_per_scene(plans.scenes, settings.seed)
        acts = risk_threshold(plans.confidence[one], ~plans.satisfied[one], alpha, settings.delta)
    data = {
        "sha256": predictions.sha256,
        "facts": len(facts),
        "plans": len(plans),
        "scenes": len({r.scene for r in predictions.records}),
    }
    versions = {**current_versions(), **{n: version(n) for n in ("mapie", "numpy", "scipy")}}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Artefact(
        settings, origins[0], data, split, groups, joint, satisfaction, acts, versions, now
    )


def load_artefact(path: Path, *, model: str, renderer: str = "", labels: str = "") -> Artefact:
    """Reads an artefact and checks that it is valid for its use.

    Args:
        path: The file.
        model: The model that will answer.
        renderer: The renderer of its images.
        labels: The label set.

    Raises:
        InputError: The file is missing or damaged, or was made for another model, renderer or
            label set: its guarantee does not hold there.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the calibration: {reason}", file=str(path)) from None
    except (ValueError, RecursionError):
        raise InputError("this is no JSON, so no calibration", file=str(path)) from None
    try:
        found = _from_json(data)
    except InputError as error:
        raise InputError(error.message, file=str(path)) from None
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"damaged calibration ({type(error).__name__}: {error}); calibrate anew",
            file=str(path),
        ) from None
    for trait, wanted in {"model": model, "renderer": renderer, "labels": labels}.items():
        made_for = getattr(found.origin, trait)
        if made_for != wanted:
            name = {"labels": "label set"}.get(trait, trait)
            raise InputError(
                f"made for the {name} '{made_for}', not for '{wanted}'; its guarantee does not "
                f"hold there: calibrate with records of '{wanted}'",
                file=str(path),
            )
    return found


def as_facts(table: FactTable) -> FactArrays:
    """Converts a table's facts for the conformal methods."""
    return FactArrays.flat(table.scenes, table.probabilities, table.options)


def one_per_scene(scenes: NDArray[Any], seed: int) -> NDArray[np.intp]:
    """Draws one row of every scene, since rows of one scene are not independent.

    Args:
        scenes: ``[n]`` the scene of each row.
        seed: Seed of the draw.

    Returns:
        Row numbers, in order.
    """
    order = np.random.default_rng(seed).permutation(len(scenes))
    _, first = np.unique(scenes[order], return_index=True)
    return np.sort(order[first])


def _from_json(data: Any) -> Artefact:
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise InputError(f"this is no calibration of the format {_FORMAT}")
    asked = data["settings"]
    settings = Settings(
        float(asked["alpha"]),
        float(asked["delta"]),
        Score(asked["score"]),
        JointMethod(asked["joint"]),
        bool(asked["groups"]),
        int(asked["seed"]),
    )
    plans = data["plans"]
    return Artefact(
        settings,
        Origin(str(data["model"]), str(data["renderer"]), str(data["labels"])),
        dict(data["data"]),
        None if data["split"] is None else SplitConformal.from_json(json.dumps(data["split"])),
        None if data["groups"] is None else GroupConformal.from_json(json.dumps(data["groups"])),
        None if data["joint"] is None else _joint(data["joint"], settings),
        None if plans is None else calibrate_satisfaction(plans["confidence"], plans["satisfied"]),
        None if data["acts"] is None else _acts(data["acts"]),
        dict(data["versions"]),
        str(data["created"]),
    )


def _loads(part: SplitConformal | GroupConformal | None) -> Any:
    return None if part is None else json.loads(part.to_json())


def _joint_json(joint: JointConformal) -> dict[str, Any]:
    return {
        "method": joint.method.value,
        "score": joint.score.value,
        "alpha": joint.alpha,
        "n": joint.n,
        "threshold": _number(joint.threshold()),
        "scores": [_number(float(s)) for s in joint.scores],
    }


def _joint(data: Mapping[str, Any], settings: Settings) -> JointConformal:
    scores = np.array([float(s) for s in data["scores"]])
    found = JointConformal(
        scores,
        int(data["n"]),
        float(data["alpha"]),
        JointMethod(data["method"]),
        Score(data["score"]),
    )
    if found.threshold() != float(data["threshold"]):
        raise InputError("the joint threshold does not belong to its scores; calibrate anew")
    if (found.method, found.alpha) != (settings.joint, settings.alpha):
        raise InputError("the joint sets do not belong to the settings; calibrate anew")
    return found


def _acts_json(acts: RiskThreshold) -> dict[str, Any]:
    data = asdict(acts)
    data["threshold"] = None if acts.threshold is None else _number(acts.threshold)
    return data


def _acts(data: Mapping[str, Any]) -> RiskThreshold:
    given = dict(data)
    if given["threshold"] is not None:
        given["threshold"] = float(given["threshold"])
    return RiskThreshold(**given)


def _number(value: float) -> float | str:
    # Strict JSON has no infinity.
    return value if np.isfinite(value) else str(value)
