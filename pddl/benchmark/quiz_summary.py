"""What a bench of questions shows: accuracy by kind and form beside chance, and calibration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from surefoot.pddl.benchmark.cases import BenchCase
from surefoot.pddl.benchmark.summary import compare, contestant
from surefoot.pddl.questions import QuestionForm, QuestionKind
from surefoot.results.statistics import Interval, wilson

OUTCOMES = ("right", "wrong", "unparsed", "cut", "refused", "unscored")
"""What can become of an answer; all but the first count as wrong."""

_BINS = 10


@dataclass(frozen=True, slots=True)
class QuizEpisode:
    """An answered question.

    Attributes:
        case: What was asked of whom.
        asked: The question: kind, form, text, options, answers, chance, hash.
        given: The answer: outcome, what was read, the text, probabilities.
        seconds: Time of the answer.
    """

    case: BenchCase
    asked: Mapping[str, Any]
    given: Mapping[str, Any]
    seconds: float

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> QuizEpisode:
        """Reads a line of the run folder."""
        seconds = fsum(a["seconds"] for a in data["attempts"])
        return cls(BenchCase(**data["case"]), data["asked"], data["given"], seconds)

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        return bool(self.given["outcome"] == "right")


def is_quiz(record: Mapping[str, Any]) -> bool:
    """Returns whether a record is of a question, not of a plan."""
    return "asked" in record


@dataclass(frozen=True, slots=True)
class QuizCell:
    """Counts of a contestant on one kind and form; ``""`` stands for all of them.

    Attributes:
        contestant: Who answers.
        kind: Kind of question.
        form: Form of the answer.
        outcomes: Number of answers by outcome.
        chance: Share that blind guesses would get right.
    """

    contestant: str
    kind: str
    form: str
    outcomes: Mapping[str, int]
    chance: float

    @property
    def n(self) -> int:
        """Number of answers."""
        return sum(self.outcomes.values())

    @property
    def right(self) -> int:
        """Number of right ones."""
        return self.outcomes["right"]

    @property
    def interval(self) -> Interval:
        """Wilson interval at 95 %."""
        return wilson(self.right, self.n)

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {
            "contestant": self.contestant,
            "kind": self.kind,
            "form": self.form,
            "n": self.n,
            "right": self.right,
            "wilson95": [self.interval.low, self.interval.high],
            "chance": self.chance,
            "outcomes": dict(self.outcomes),
        }


def quiz_names(episodes: Sequence[QuizEpisode]) -> list[str]:
    """Returns the contestant of every episode."""
    by_planner: dict[str, list[BenchCase]] = {}
    for e in episodes:
        by_planner.setdefault(e.case.planner, []).append(e.case)
    cases = {
        planner: list({_traits(c): c for c in found}.values())
        for planner, found in by_planner.items()
    }
    known: dict[tuple[str, ...], str] = {}
    for e in episodes:
        if _traits(e.case) not in known:
            known[_traits(e.case)] = contestant(e.case, cases[e.case.planner])
    return [known[_traits(e.case)] for e in episodes]


def _traits(case: BenchCase) -> tuple[str, ...]:
    return case.planner, case.style, case.shot, case.answer, case.mode, case.renaming, case.job


def quiz_cells(episodes: Sequence[QuizEpisode], names: Sequence[str]) -> list[QuizCell]:
    """Counts by contestant: over all, by form, by kind, and by kind and form."""
    groups: dict[tuple[str, str, str], list[QuizEpisode]] = {}
    for name, e in zip(names, episodes, strict=True):
        kind, form = e.asked["kind"], e.asked["form"]
        for place in ((name, "", ""), (name, "", form), (name, kind, ""), (name, kind, form)):
            groups.setdefault(place, []).append(e)
    kinds = ["", *map(str, QuestionKind)]
    forms = ["", *map(str, QuestionForm)]
    rows = sorted(groups, key=lambda g: (kinds.index(g[1]), forms.index(g[2])))
    return [_cell(place, groups[place]) for place in rows]


def _cell(place: tuple[str, str, str], episodes: Sequence[QuizEpisode]) -> QuizCell:
    counts = Counter(e.given["outcome"] for e in episodes)
    chance = fsum(e.asked["chance"] for e in episodes) / len(episodes)
    return QuizCell(*place, {name: counts[name] for name in OUTCOMES}, chance)


def quiz_comparisons(episodes: Sequence[QuizEpisode], names: Sequence[str]) -> list[dict[str, Any]]:
    """Compares contestants in pairs on the questions that both answered."""
    outcomes: dict[str, dict[Any, bool]] = {}
    for name, e in zip(names, episodes, strict=True):
        place = (e.case.task, e.case.question, e.case.renaming, e.case.renaming_seed)
        outcomes.setdefault(name, {})[place] = e.right
    return compare(outcomes)


def calibration(episodes: Iterable[QuizEpisode]) -> dict[str, float]:
    """Measures the probabilities that came with answers.

    Returns:
        ``n``; ``brier``, the mean squared distance between probabilities and truth, summed
        over the options (0 to 2; Brier 1950), ``brier_uniform``, that of equal
        probabilities, and ``ece``, the expected calibration error of the likeliest answer's
        probability in ten bins of equal width (Naeini et al. 2015).
    """
    briers, uniform = [], []
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for e in episodes:
        shares = e.given["probabilities"]
        right = e.asked["answers"][0]
        briers.append(fsum((p - (o == right)) ** 2 for o, p in shares.items()))
        uniform.append(1 - 1 / len(shares))
        top = max(shares.values())
        bins[min(_BINS - 1, int(top * _BINS))].append((top, e.right))
    n = len(briers)
    error = fsum(abs(fsum(p - hit for p, hit in group)) for group in bins) / n
    return {"n": n, "brier": fsum(briers) / n, "brier_uniform": fsum(uniform) / n, "ece": error}


def summarize_quiz(
    episodes: Sequence[QuizEpisode], missing: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Counts a bench's questions.

    Args:
        episodes: Answered questions.
        missing: Questions that were asked for and do not exist.

    Returns:
        Plain JSON data: ``cells``, ``comparisons``, ``scored`` and ``missing``.
    """
    names = quiz_names(episodes)
    with_shares: dict[tuple[str, str], list[QuizEpisode]] = {}
    for name, e in zip(names, episodes, strict=True):
        if "probabilities" in e.given:
            with_shares.setdefault((name, e.asked["form"]), []).append(e)
    return {
        "cells": [cell.to_json() for cell in quiz_cells(episodes, names)],
        "comparisons": quiz_comparisons(episodes, names),
        "scored": [
            {"contestant": name, "form": form, **calibration(found)}
            for (name, form), found in with_shares.items()
        ],
        "missing": [dict(row) for row in missing],
    }
