"""Doubtful answers: why their reading is not sure, for the report and as feedback to a model."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from surefoot.pddl.extract import ArgumentSource, doubts
from surefoot.pddl.grading.records import AnswerOutcome, AnswerRecord, StepRecord

_WORDS = {
    doubts.WORDS: "the step has words that nothing accounts for",
    doubts.ADJUNCT: "the step names an object that is not one of its arguments",
    doubts.VAGUE: "the step describes an argument without naming an object",
    doubts.CHOICE: "several objects fit what the step leaves open",
    doubts.NEAREST: "no object fits what the step leaves open",
    doubts.MISFIT: "the step names an object that it cannot take",
    doubts.CONTRADICTION: "two parts of the text contradict each other",
    doubts.UNDEFINED: "the text uses a name that it does not define",
    doubts.INVENTED: "a listed item is no action of the domain",
    doubts.KEYED: "an argument stands under a name that is no parameter",
    doubts.CONDITIONAL: "the step is only meant under a condition",
    doubts.REMARKED: "a sentence behind the step could be a step of its own",
    doubts.LOOP: "steps come from a loop",
    doubts.SEVERAL: "the answer holds several different plans",
    doubts.SET_ASIDE: "steps stand outside the part that is taken for the plan",
    doubts.WITHDRAWN: "the answer takes something back, and it is not clear how much",
    doubts.DENIED: "the answer doubts or denies its own plan",
    doubts.PARALLEL: "steps are said to happen at the same time",
    doubts.RENUMBERED: "the numbers of the steps jump or start again",
    doubts.ALIASED: "the answer uses names that it defines itself",
    doubts.UNREAD: "a line between the steps looks like a step and could not be read",
    doubts.IDLE: "the answer says that nothing is to be done, and lists steps",
}


@dataclass(frozen=True, slots=True)
class DoubtfulStep:
    """A step whose reading is doubtful.

    Attributes:
        number: 1-based number of the step.
        step: The step as it was read.
        why: What is doubtful about it.
    """

    number: int
    step: StepRecord
    why: tuple[str, ...]


def explain(codes: Iterable[str]) -> tuple[str, ...]:
    """Returns what doubts mean, in words."""
    return tuple(_WORDS.get(code, code.replace("_", " ")) for code in codes)


def doubtful_steps(record: AnswerRecord) -> list[DoubtfulStep]:
    """Returns the doubtful steps of a reading, up to the one that fails."""
    found: list[DoubtfulStep] = []
    for number, step in enumerate(record.steps[: record.first_error], start=1):
        why = explain(step.doubts)
        if step.source == ArgumentSource.AMBIGUOUS and not why:
            why = ("the text does not say which objects the step means",)
        if why:
            found.append(DoubtfulStep(number, step, why))
    return found


def general_doubts(record: AnswerRecord) -> tuple[str, ...]:
    """Returns what is doubtful about the answer as a whole, in words."""
    of_steps = {code for step in record.steps for code in step.doubts}
    return explain(code for code in record.doubts if code not in of_steps)


def clarification(record: AnswerRecord, limit: int = 5) -> str:
    """Writes the feedback on a doubtful answer: what could not be read, not whether it is wrong.

    Args:
        record: The graded answer.
        limit: Largest number of lines that are named.
    """
    lines = ["Your plan could not be read with certainty."]
    lines += [f"- {text}" for text in general_doubts(record)]
    steps = doubtful_steps(record)
    lines += [f"- line {s.step.first_line}: {'; '.join(s.why)}" for s in steps[:limit]]
    if len(steps) > limit:
        lines.append(f"- and {len(steps) - limit} more lines")
    if len(lines) == 1:
        lines.append(f"- {record.detail}")
    lines.append(
        "Write the complete plan plainly, with one step per line as (action argument ...) and "
        "nothing else."
    )
    return "\n".join(lines)


def count_doubtful(records: Iterable[AnswerRecord]) -> int:
    """Returns how many answers are doubtful."""
    return sum(r.kind is AnswerOutcome.DOUBTFUL for r in records)


def doubtful_cases(
    answers: Iterable[tuple[AnswerRecord, Hashable]],
) -> dict[str, set[Hashable]]:
    """Returns the cases to which each model has a doubtful answer.

    Args:
        answers: Graded answers, each with its case: the task, or the task under other names.
    """
    found: dict[str, set[Hashable]] = {}
    for record, case in answers:
        if record.kind is AnswerOutcome.DOUBTFUL:
            found.setdefault(record.model, set()).add(case)
    return found


def left_out(
    graded: Mapping[str, Mapping[Hashable, float]],
    doubtful: Mapping[str, set[Hashable]],
    first: str,
    second: str,
) -> int:
    """Returns how many common cases of two models are not compared because one is doubtful.

    Args:
        graded: The cases that are compared, by model.
        doubtful: The cases with a doubtful answer, by model.
        first: Name of the first model.
        second: Name of the second.
    """
    ours, theirs = graded[first].keys(), graded[second].keys()
    both = (ours | doubtful.get(first, set())) & (theirs | doubtful.get(second, set()))
    return len(both - (ours & theirs))
