"""Scored questions of a bench as records for a calibration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from surefoot.calibration.reports.records import (
    PREDICTIONS_NAME,
    FactRecord,
    Origin,
    PlanRecord,
    Predictions,
    read_predictions,
    read_record,
)
from surefoot.core.errors import InputError
from surefoot.pddl.benchmark.quiz_summary import QuizEpisode, is_quiz, quiz_names
from surefoot.pddl.questions import QuestionKind
from surefoot.results.manifest import MANIFEST_NAME
from surefoot.results.run_folder import read_run

LABELS = "answers to questions"
"""Name of the label set of questions."""


def read_run_predictions(path: Path) -> Predictions:
    """Reads the predictions of a run.

    Args:
        path: ``predictions.jsonl``, or a run folder that holds it, or the run folder of a bench
            with scored questions.

    Raises:
        InputError: There is nothing to read, or it is damaged.
    """
    if not path.exists():
        raise InputError("there is no such run", file=str(path))
    if path.is_dir() and not (path / PREDICTIONS_NAME).exists():
        if (path / MANIFEST_NAME).exists():
            return _of_bench(path)
        raise InputError(
            f"this folder holds neither {PREDICTIONS_NAME} nor a run of bench", file=str(path)
        )
    return read_predictions(path)


def _of_bench(folder: Path) -> Predictions:
    """Turns questions into facts of their task.

    A question is a fact, its task the scene, its kind and form the group. A yes-or-no question
    of the kind ``validation`` is a decision as well: a statement about a plan ('step 3 is the
    first that cannot be executed') that the validator has judged; the confidence is P(yes).
    Of an unscored question all answers are equally likely, and the confidence is 0.
    """
    episodes = [
        QuizEpisode.from_json(record)
        for record in read_run(folder).records.values()
        if is_quiz(record)
    ]
    scored = [e for e in episodes if "method" in e.given]
    if not scored:
        raise InputError(
            f"the run holds {len(episodes)} answered questions, none with probabilities; ask "
            "with --jobs questions --answers scored, of a model that can be scored",
            file=str(folder),
        )
    facts: list[FactRecord] = []
    plans: list[PlanRecord] = []
    for name, e in zip(quiz_names(scored), scored, strict=True):
        case, asked, unscored = e.case, e.asked, e.given["outcome"] == "unscored"
        given = _even(asked) if unscored else e.given["probabilities"]
        renamed = "" if case.renaming_seed is None else f" {case.renaming}-{case.renaming_seed}"
        origin = Origin(name, "", LABELS)
        fact = FactRecord(
            case.task,
            f"{case.question}{renamed}",
            tuple(given),
            tuple(given.values()),
            tuple(asked["answers"]),
            group=f"{asked['kind']}, {asked['form']}",
            origin=origin,
        )
        read_record(fact.to_json())  # checks it
        facts.append(fact)
        if asked["kind"] == QuestionKind.VALIDATION and set(given) == {"yes", "no"}:
            satisfied = asked["answers"] == ["yes"]
            plan = f"{case.question}{renamed} {asked['sha256'][:16]}"
            sure = 0.0 if unscored else given["yes"]
            plans.append(PlanRecord(case.task, plan, sure, satisfied, origin=origin))
    return Predictions(tuple(facts), tuple(plans), str(folder))


def _even(asked: Mapping[str, Any]) -> dict[str, float]:
    options = "ABCD" if asked["options"] else ("yes", "no")
    return dict.fromkeys(options, 1 / len(options))
