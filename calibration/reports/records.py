"""Records of predictions with their truths, the input of a calibration.

``predictions.jsonl`` in a run folder holds one JSON object per line. A perceived fact:

    {"kind": "fact", "scene": "tidy-17", "step": 0, "fact": "place of red-block1",
     "group": "place", "options": ["the table", "the tray"], "probabilities": [0.9, 0.1],
     "truth": "the table", "split": "test", "model": "…", "renderer": "…", "labels": "…",
     "perturbation": "fog=0.3"}

and a plan that was assessed by its planner and by a checker:

    {"kind": "plan", "scene": "tidy-17", "plan": "…", "confidence": 0.83, "satisfied": true,
     "rules": {"yield": true}, "split": "", "model": "…"}

``truth`` may be a list of several acceptable answers. Optional: ``step`` (0), ``group``,
``split`` (``calibration`` or ``test``), ``model``, ``renderer``, ``labels`` (name of the label
set), ``perturbation``, ``rules``. The scene is what is exchangeable: all lines of one scene are
calibrated or tested on together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError

PREDICTIONS_NAME = "predictions.jsonl"
SPLITS = ("", "calibration", "test")

_SUM = 1e-3


@dataclass(frozen=True, slots=True)
class Origin:
    """Origin of a record; a calibration is for one model, renderer and label set.

    Attributes:
        model: Model that answered.
        renderer: Renderer of the image, ``""`` if there is none.
        labels: Name of the label set.
    """

    model: str = ""
    renderer: str = ""
    labels: str = ""


@dataclass(frozen=True, slots=True)
class FactRecord:
    """A model's answer on one fact, with the truth.

    Attributes:
        scene: The scene (or episode, or task): the unit that is exchangeable.
        fact: Name of the fact, unique in its scene and step.
        options: The possible answers, all different.
        probabilities: One for each, summing to 1.
        truth: The acceptable answers; at least one, all of them options.
        step: Position in the episode.
        group: Group for coverage by group.
        split: ``calibration``, ``test`` or ``""``.
        origin: Model, renderer and label set.
        perturbation: Perturbation of the image.
    """

    scene: str
    fact: str
    options: tuple[str, ...]
    probabilities: tuple[float, ...]
    truth: tuple[str, ...]
    step: int = 0
    group: str = ""
    split: str = ""
    origin: Origin = Origin()
    perturbation: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns the object of its line."""
        truth: Any = self.truth[0] if len(self.truth) == 1 else list(self.truth)
        return {
            "kind": "fact",
            "scene": self.scene,
            "step": self.step,
            "fact": self.fact,
            "group": self.group,
            "options": list(self.options),
            "probabilities": list(self.probabilities),
            "truth": truth,
            "split": self.split,
            **asdict(self.origin),
            "perturbation": self.perturbation,
        }


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A planner's confidence in its plan, with the checker's verdict.

    Attributes:
        scene: As for facts.
        plan: The plan, or its name.
        confidence: The planner's probability that the plan satisfies all rules.
        satisfied: Whether it does.
        rules: The same by rule, where known.
        split: As for facts.
        origin: As for facts.
        perturbation: As for facts.
    """

    scene: str
    plan: str
    confidence: float
    satisfied: bool
    rules: Mapping[str, bool] = field(default_factory=dict)
    split: str = ""
    origin: Origin = Origin()
    perturbation: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns the object of its line."""
        return {
            "kind": "plan",
            "scene": self.scene,
            "plan": self.plan,
            "confidence": self.confidence,
            "satisfied": self.satisfied,
            "rules": dict(self.rules),
            "split": self.split,
            **asdict(self.origin),
            "perturbation": self.perturbation,
        }


@dataclass(frozen=True, slots=True)
class Predictions:
    """All records of a run, or those of one origin.

    Attributes:
        facts: Facts in the order of their lines.
        plans: Plans in the order of their lines.
        source: Their source, for messages.
    """

    facts: tuple[FactRecord, ...]
    plans: tuple[PlanRecord, ...]
    source: str = ""

    @property
    def records(self) -> tuple[FactRecord | PlanRecord, ...]:
        """All of them, facts first."""
        return (*self.facts, *self.plans)

    @property
    def origins(self) -> list[Origin]:
        """Every origin once, in order of first appearance."""
        return list(dict.fromkeys(r.origin for r in self.records))

    @property
    def sha256(self) -> str:
        """Hash of the records."""
        digest = hashlib.sha256()
        for record in self.records:
            digest.update(json.dumps(record.to_json(), sort_keys=True).encode() + b"\n")
        return digest.hexdigest()

    def only(self, **wanted: str | None) -> Predictions:
        """Keeps the records of one model, renderer and label set.

        Args:
            wanted: ``model``, ``renderer`` and ``labels``; ``None`` takes the only one.

        Raises:
            InputError: There is none of them, or several and none was chosen.
        """
        found = self
        for trait, value in wanted.items():
            known = list(dict.fromkeys(getattr(o, trait) for o in found.origins))
            if value is None and len(known) > 1:
                raise InputError(
                    f"records of several kinds of {trait}; choose one with --{trait}: "
                    + ", ".join(k or "''" for k in known),
                    file=self.source or None,
                )
            if value is not None and value not in known:
                raise InputError(
                    f"no record has {trait} '{value}', only: "
                    + (", ".join(k or "''" for k in known) or "none at all"),
                    file=self.source or None,
                )
            chosen = known[0] if value is None and known else value
            found = found.keep(lambda r, t=trait, c=chosen: getattr(r.origin, t) == c)  # type: ignore[misc]
        return found

    def keep(self, wanted: Callable[[FactRecord | PlanRecord], bool]) -> Predictions:
        """Keeps the records for which a test is true."""
        return Predictions(
            tuple(r for r in self.facts if wanted(r)),
            tuple(r for r in self.plans if wanted(r)),
            self.source,
        )

    def in_split(self, name: str) -> Predictions:
        """Keeps the records of a split."""
        return self.keep(lambda r: r.split == name)


def read_predictions(path: Path) -> Predictions:
    """Reads records.

    Args:
        path: A ``predictions.jsonl``, or a folder that holds one.

    Returns:
        The records; an unfinished last line is left out.

    Raises:
        InputError: The file is missing or empty, or a line is damaged or inconsistent; the message
            names the line.
    """
    file = path / PREDICTIONS_NAME if path.is_dir() else path
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read predictions: {reason}", file=str(file)) from None
    torn = lines.pop()
    facts: list[FactRecord] = []
    plans: list[PlanRecord] = []
    seen: set[tuple[object, ...]] = set()
    for number, line in enumerate([*lines, torn], start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            if number > len(lines):
                break
            raise InputError(
                "damaged line: this is no JSON; delete it or record it again",
                file=str(file),
                line=number,
            ) from None
        try:
            record = read_record(data)
        except InputError as error:
            raise InputError(error.message, file=str(file), line=number) from None
        key = _key(record)
        if key in seen:
            raise InputError("the same case is recorded twice", file=str(file), line=number)
        seen.add(key)
        facts.append(record) if isinstance(record, FactRecord) else plans.append(record)
    if not seen:
        raise InputError("there are no predictions in the file", file=str(file))
    return Predictions(tuple(facts), tuple(plans), str(file))


def write_predictions(path: Path, records: Iterable[FactRecord | PlanRecord]) -> None:
    """Writes records as ``predictions.jsonl`` atomically.

    Args:
        path: The file.
        records: The records.

    Raises:
        InputError: The file cannot be written.
    """
    from surefoot.core.files import write_atomic

    lines = (json.dumps(r.to_json(), ensure_ascii=False, allow_nan=False) for r in records)
    write_atomic(path, "".join(line + "\n" for line in lines))


def read_record(data: Any) -> FactRecord | PlanRecord:
    """Reads the object of one line.

    Raises:
        InputError: An entry is missing, unknown, of another type or impossible.
    """
    if not isinstance(data, dict):
        raise InputError("a record must be a JSON object")
    kind = data.get("kind")
    if kind not in ("fact", "plan"):
        raise InputError(f"a record's kind must be 'fact' or 'plan', not {kind!r}")
    given = _Entries(data, kind)
    common: dict[str, Any] = {
        "scene": given.text("scene"),
        "split": given.text("split", ""),
        "origin": Origin(
            given.text("model", ""), given.text("renderer", ""), given.text("labels", "")
        ),
        "perturbation": given.text("perturbation", ""),
    }
    if common["split"] not in SPLITS:
        raise InputError(f"'split' must be calibration, test or empty, not {common['split']!r}")
    if kind == "plan":
        rules = given.take("rules", dict, {})
        if not all(isinstance(v, bool) for v in rules.values()):
            raise InputError("'rules' must say true or false for each rule")
        confidence = _share(given.take("confidence", (int, float)), "confidence")
        satisfied = given.take("satisfied", bool)
        plan = PlanRecord(
            plan=given.text("plan"),
            confidence=confidence,
            satisfied=satisfied,
            rules=rules,
            **common,
        )
        given.finish()
        return plan
    options = _texts(given.take("options", list), "options")
    probabilities = tuple(_share(p, "probabilities") for p in given.take("probabilities", list))
    truth = given.take("truth", (str, list))
    truths = (truth,) if isinstance(truth, str) else _texts(truth, "truth")
    step = given.take("step", int, 0)
    fact = FactRecord(
        fact=given.text("fact"),
        options=options,
        probabilities=probabilities,
        truth=truths,
        step=step,
        group=given.text("group", ""),
        **common,
    )
    given.finish()
    if len(probabilities) != len(options):
        raise InputError(f"{len(options)} options, but {len(probabilities)} probabilities")
    if abs(sum(probabilities) - 1) > _SUM:
        raise InputError(f"the probabilities sum to {sum(probabilities):.4g}, not to 1")
    if unknown := [t for t in truths if t not in options]:
        raise InputError(f"the truth '{unknown[0]}' is none of the options")
    if isinstance(step, bool) or step < 0:
        raise InputError("'step' must be a whole number from 0")
    return fact


class _Entries:
    """Takes entries out of a line's object and reports the remaining ones."""

    def __init__(self, data: Mapping[str, Any], kind: str) -> None:
        self._left = dict(data)
        self._kind = kind
        del self._left["kind"]

    def take(self, name: str, types: Any, default: Any = None) -> Any:
        if name not in self._left:
            if default is None:
                raise InputError(f"a record of a {self._kind} needs '{name}'")
            return default
        value = self._left.pop(name)
        if not isinstance(value, types) or (types is not bool and isinstance(value, bool)):
            raise InputError(f"'{name}' is of the wrong type: {json.dumps(value)[:60]}")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        return _readable(self.take(name, str, default))

    def finish(self) -> None:
        if self._left:
            raise InputError(f"a record of a {self._kind} has no entry '{next(iter(self._left))}'")


def _share(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"'{what}' must be numbers")
    if not 0 <= value <= 1:
        raise InputError(f"'{what}' must lie in [0, 1], not {value}")
    return float(value)


def _texts(values: Sequence[Any], what: str) -> tuple[str, ...]:
    if not values or not all(isinstance(v, str) for v in values):
        raise InputError(f"'{what}' must be a list of at least one text")
    if len(set(values)) != len(values):
        raise InputError(f"'{what}' names something twice")
    return tuple(map(_readable, values))


def _readable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"a text holds half a character: {ascii(text)[:60]}") from None
    return text


def _key(record: FactRecord | PlanRecord) -> tuple[object, ...]:
    if isinstance(record, FactRecord):
        return ("fact", record.scene, record.step, record.fact, record.origin, record.perturbation)
    return ("plan", record.scene, record.plan, record.origin, record.perturbation)
