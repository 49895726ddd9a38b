"""Decides what an answer turns out to be, and whether its reading is sure enough to say so."""

from __future__ import annotations

from dataclasses import dataclass

from surefoot.pddl.extract import AnswerShape, ArgumentSource, Extraction, PlanCandidate
from surefoot.pddl.extract.confidence import shipped_table
from surefoot.pddl.grading.records import AnswerOutcome
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.validator import validate
from surefoot.pddl.verdict import Verdict


@dataclass(frozen=True, slots=True)
class GradedReading:
    """The outcome of one reading.

    Attributes:
        kind: The outcome; never ``SUBOPTIMAL``, which needs a reference.
        detail: One line on what went wrong or is doubtful, ``""`` for a valid plan.
        verdict: Check of the plan that was read, ``None`` if none was.
        read_as: Outcome of a doubtful reading, if it were right; ``None`` otherwise.
    """

    kind: AnswerOutcome
    detail: str
    verdict: Verdict | None
    read_as: AnswerOutcome | None = None


def judge(extraction: Extraction, ground: GroundTask) -> GradedReading:
    """Grades what was read of an answer.

    Args:
        extraction: What was found in the answer.
        ground: The task.

    Returns:
        The outcome; ``DOUBTFUL`` where the reading is not sure enough to count for or against
        the model.
    """
    chosen = extraction.chosen
    verdict = validate(ground, chosen.plan) if chosen is not None else None
    kind, detail = outcome(extraction, verdict)
    doubt = _doubt(extraction, verdict, ground)
    if doubt:
        return GradedReading(AnswerOutcome.DOUBTFUL, doubt, verdict, kind)
    return GradedReading(kind, detail, verdict)


def judge_certain(extraction: Extraction, ground: GroundTask) -> GradedReading:
    """Grades a reading that has been checked, without asking how sure it is."""
    chosen = extraction.chosen
    verdict = validate(ground, chosen.plan) if chosen is not None else None
    return GradedReading(*outcome(extraction, verdict), verdict)


def outcome(extraction: Extraction, verdict: Verdict | None) -> tuple[AnswerOutcome, str]:
    """Decides the raw kind; the first thing that goes wrong counts.

    Args:
        extraction: What was found in the answer.
        verdict: Check of the chosen plan, ``None`` if there is none.

    Returns:
        The kind (never ``SUBOPTIMAL`` or ``DOUBTFUL``) and one line of detail.
    """
    without_plan = {
        AnswerShape.EMPTY: (AnswerOutcome.NOT_RUN, "the answer is empty"),
        AnswerShape.REFUSAL: (
            AnswerOutcome.REFUSAL,
            "declines to give a plan or says that there is none",
        ),
        AnswerShape.UNPARSED: (AnswerOutcome.UNPARSED, "no plan can be made out"),
        AnswerShape.TRUNCATED: (AnswerOutcome.TRUNCATED, "the thinking never ends"),
    }
    if verdict is None or extraction.chosen is None:
        return without_plan.get(
            extraction.form, (AnswerOutcome.UNPARSED, "no plan can be made out")
        )
    if verdict.first_error is not None:
        return AnswerOutcome(verdict.first_error.kind.value), verdict.first_error.message
    if extraction.form is AnswerShape.UNEXPANDABLE:
        return (
            AnswerOutcome.UNEXPANDABLE,
            f"loop without definite rounds: {extraction.chosen.unexpandable}",
        )
    if verdict.valid:
        return AnswerOutcome.VALID, ""
    if extraction.form is AnswerShape.TRUNCATED:
        return AnswerOutcome.TRUNCATED, "the plan breaks off"
    unmet = ", ".join(verdict.unmet_goals[:5])
    more = len(verdict.unmet_goals) - 5
    detail = f"goal not reached: {unmet}" + (f" and {more} more" if more > 0 else "")
    return (
        AnswerOutcome.WRONG_GOAL if extraction.claims_goal else AnswerOutcome.GOAL_UNMET
    ), detail


def _doubt(extraction: Extraction, verdict: Verdict | None, ground: GroundTask) -> str:
    """Returns why a reading cannot be relied on, ``""`` if it can."""
    chosen = extraction.chosen
    if chosen is None or verdict is None:
        if extraction.form is AnswerShape.UNPARSED and extraction.unread:
            return f"{extraction.unread} lines look like steps and could not be read"
        return ""
    unclear = _unclear_step(chosen, verdict)
    if unclear:
        return unclear
    if any(validate(ground, other).valid is not verdict.valid for other in chosen.others):
        return "whether it is valid depends on objects that the text leaves open"
    end = last_step(verdict)
    sure = chosen.confidence(end)
    if sure < shipped_table().threshold:
        reasons = ", ".join(c.replace("_", " ") for c in chosen.doubts_up_to(end))
        return f"the reading is {100 * sure:.0f} % sure: {reasons or 'nothing noted'}"
    return ""


def last_step(verdict: Verdict | None) -> int | None:
    """Returns the number of the step that decides a verdict, ``None`` if all of them do."""
    failed = verdict.first_error if verdict is not None else None
    return failed.step if failed is not None else None


def _unclear_step(chosen: PlanCandidate, verdict: Verdict) -> str:
    """Returns the first unclear step, unless something fails for certain before it."""
    end = last_step(verdict)
    for number, step in enumerate(chosen.steps[:end], start=1):
        if step.source is ArgumentSource.AMBIGUOUS:
            return f"step {number} (line {step.first_line}) does not say which objects it means"
    return ""
