"""What grading one answer yields: plain data that goes into the run folder as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class AnswerOutcome(StrEnum):
    """Outcome of an answer; the first thing that goes wrong decides."""

    NOT_RUN = "not_run"
    """The answer file is empty: the model was never asked. Not in any denominator."""
    HARNESS_ERROR = "harness_error"
    """Grading itself failed. Not in any denominator."""
    UNSUPPORTED = "unsupported"
    """The task uses PDDL that is not supported. Not in any denominator."""
    DOUBTFUL = "doubtful"
    """The reading is not sure enough to count for or against the model. Not in any denominator."""
    REFUSAL = "refusal"
    """The model declines, or says that there is no plan."""
    NO_PLAN = "no_plan"
    """A search or script ended, or reached its limit, without a plan."""
    TRUNCATED = "truncated"
    """The plan stops in the middle."""
    UNPARSED = "unparsed"
    """No plan can be made out."""
    UNEXPANDABLE = "unexpandable"
    """A loop does not say what its rounds do."""
    UNKNOWN_ACTION = "unknown_action"
    """A step is no action of the domain."""
    UNKNOWN_OBJECT = "unknown_object"
    """A step names an object that the problem does not have."""
    ARITY = "arity"
    """A step has the wrong number of arguments."""
    TYPE = "type"
    """A step uses an object of the wrong type."""
    PRECONDITION = "precondition"
    """A step is not applicable where it stands."""
    GOAL_UNMET = "goal_unmet"
    """All steps can be executed, the goal is not reached, and the answer does not say it is."""
    WRONG_GOAL = "wrong_goal"
    """All steps can be executed, the goal is not reached, but the answer says it is."""
    SUBOPTIMAL = "suboptimal"
    """The plan is valid and costs more than a known better plan."""
    VALID = "valid"
    """The plan is valid and, as far as the reference knows, of least cost."""


UNGRADED = frozenset(
    {
        AnswerOutcome.NOT_RUN,
        AnswerOutcome.HARNESS_ERROR,
        AnswerOutcome.UNSUPPORTED,
        AnswerOutcome.DOUBTFUL,
    }
)
"""Kinds that say nothing about the model."""

SOLVED = frozenset({AnswerOutcome.VALID, AnswerOutcome.SUBOPTIMAL})
"""Kinds whose plan is valid."""


class PaperLabel(StrEnum):
    """Error classes of 'On the Planning Abilities of o1' (arXiv 2409.19924), as far as known.

    Derived from :class:`AnswerOutcome`; the raw kind is always kept beside it.
    """

    OK = "ok"
    """Valid and not known to be suboptimal."""
    LO = "LO"
    """Lack of optimality: valid, but a cheaper plan is known."""
    IR = "IR"
    """Inability to follow the problem's rules: a step breaks them."""
    IP = "IP"
    """Inability to generate a feasible plan: no complete plan, though no rule is broken."""
    MG = "MG"
    """Misinterpretation of the goal: another goal is pursued or said to be reached."""
    NONE = "none"
    """Not graded."""


_LABELS = {
    **dict.fromkeys(UNGRADED, PaperLabel.NONE),
    **dict.fromkeys(
        [
            AnswerOutcome.UNKNOWN_ACTION,
            AnswerOutcome.UNKNOWN_OBJECT,
            AnswerOutcome.ARITY,
            AnswerOutcome.TYPE,
            AnswerOutcome.PRECONDITION,
        ],
        PaperLabel.IR,
    ),
    **dict.fromkeys(
        [
            AnswerOutcome.REFUSAL,
            AnswerOutcome.NO_PLAN,
            AnswerOutcome.TRUNCATED,
            AnswerOutcome.UNPARSED,
            AnswerOutcome.UNEXPANDABLE,
            AnswerOutcome.GOAL_UNMET,
        ],
        PaperLabel.IP,
    ),
    AnswerOutcome.WRONG_GOAL: PaperLabel.MG,
    AnswerOutcome.SUBOPTIMAL: PaperLabel.LO,
    AnswerOutcome.VALID: PaperLabel.OK,
}


def paper_label(kind: AnswerOutcome) -> PaperLabel:
    """Returns the paper's error class for a raw kind."""
    return _LABELS[kind]


def unsupported_tasks(records: Iterable[AnswerRecord]) -> dict[str, str]:
    """Returns what is not supported of each task that could not be read."""
    return {r.task: r.detail for r in records if r.kind is AnswerOutcome.UNSUPPORTED}


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One extracted step.

    Attributes:
        action: Ground action as PDDL text.
        source: ``stated``, ``completed``, ``assumed``, ``forced`` or ``unknown``.
        first_line: 1-based first line in the answer.
        last_line: 1-based last line.
        error: What is wrong with the step, or ``""``.
        doubts: What makes its reading doubtful, as codes of ``surefoot.pddl.extract.doubts``.
    """

    action: str
    source: str
    first_line: int
    last_line: int
    error: str = ""
    doubts: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> StepRecord:
        """Reads a step as it stands in a record."""
        return cls(**{**data, "doubts": tuple(data.get("doubts", ()))})


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """One graded answer.

    Attributes:
        task: ``DOMAIN/pNN``.
        domain: Name of the task's folder.
        model: Name of the model.
        kind: Raw outcome.
        paper: The paper's error class, derived from ``kind``.
        detail: One line on what went wrong or is doubtful, ``""`` for a valid plan.
        sub_label: ``missing_step``, ``order`` or ``redundant`` where that is found, else ``""``.
        heuristic: Whether the kind rests on reading a claim in the text (goal kinds).
        form: What the answer is (see ``surefoot.pddl.extract.candidates.AnswerShape``).
        steps: Steps of the chosen plan.
        first_error: 1-based step of the first error, if a step fails.
        literals: Unsatisfied conditions of that step, or unmet goals.
        goal_fraction: Share of goal conjuncts reached after the executable prefix, in [0, 1].
        executable_prefix: Number of steps before the first error.
        cost: Cost of the plan, ``None`` unless it is valid.
        lower: Proven lower bound on the optimal cost, if known.
        upper: Cost of the best known plan, if known.
        bounds_method: Where the bounds come from.
        confidence: How sure the reading is, in [0, 1], 0 without a plan; of the first
            reading, where a second reader was asked.
        doubts: What makes the reading doubtful, as codes of ``surefoot.pddl.extract.doubts``.
        candidates: Role, first line, last line and number of steps of every candidate plan.
        answer: The text, for the report.
        answer_sha256: Hash of the answer's bytes.
        task_sha256: Hash of the domain's and problem's bytes.
        sample: Which of the model's answers to the task it is, from 0.
        reader: Name of the reader whose reading is graded.
        second_reading: Why the reading of a second reader was not accepted, ``""`` otherwise.
        read_as: Raw outcome of a doubtful reading, if it were right; ``""`` otherwise.
    """

    task: str
    domain: str
    model: str
    kind: AnswerOutcome
    paper: PaperLabel
    detail: str
    sub_label: str
    heuristic: bool
    form: str
    steps: tuple[StepRecord, ...]
    first_error: int | None
    literals: tuple[str, ...]
    goal_fraction: float
    executable_prefix: int
    cost: float | None
    lower: float | None
    upper: float | None
    bounds_method: str
    confidence: float
    candidates: tuple[tuple[str, int, int, int], ...]
    answer: str
    answer_sha256: str
    task_sha256: str
    sample: int = 0
    doubts: tuple[str, ...] = ()
    read_as: str = ""
    reader: str = "text"
    second_reading: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> AnswerRecord:
        """Reads what :meth:`to_json` wrote, also before there were doubts."""
        fields = dict(data)
        fields["kind"] = AnswerOutcome(data["kind"])
        fields["paper"] = PaperLabel(data["paper"])
        fields["steps"] = tuple(map(StepRecord.from_json, data["steps"]))
        fields["literals"] = tuple(data["literals"])
        fields["doubts"] = tuple(data.get("doubts", ()))
        fields["candidates"] = tuple(tuple(c) for c in data["candidates"])
        return cls(**fields)
