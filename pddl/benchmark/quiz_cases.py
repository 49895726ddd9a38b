"""The questions of a bench: which there are, and the episodes that ask them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.pddl.benchmark.cases import (
    EXAMPLE_SEED,
    BenchCase,
    Place,
    known_plan,
    load_source,
    places,
    renaming_pairs,
)
from surefoot.pddl.benchmark.config import AnswerForm, BenchConfig, BenchJob, Mode, Shot, Style
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.planner import Guesser, OptionPlanner, Planner
from surefoot.pddl.questions import Question, QuestionForm, QuestionKind, Universe, ask, look
from surefoot.pddl.renaming import NameLevel, rename_task


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the questions about a task depend on."""

    place: Place
    tasks: Path | None
    kinds: tuple[QuestionKind, ...]
    forms: tuple[QuestionForm, ...]
    count: int
    states: int
    seed: int


def make_quiz_cases(config: BenchConfig, planners: Mapping[str, Planner]) -> list[BenchCase]:
    """Lists all episodes that ask a question, in the order in which they are run.

    Args:
        config: The bench.
        planners: A planner for every name in the configuration.

    Raises:
        InputError: A planner answers no questions, or not in a way that is asked for.
    """
    if BenchJob.QUESTIONS not in config.jobs:
        return []
    prompts = {name: list(_prompts(config, name, planners[name])) for name in config.planners}
    asked = [(place, questions_about(config, place)) for place in places(config)]
    return [
        BenchCase(
            name, *place, *prompt, *renaming, Mode.DIRECT.value, BenchJob.QUESTIONS.value, q.key
        )
        for name in config.planners
        for renaming in renaming_pairs(config)
        for prompt in prompts[name]
        for place, questions in asked
        for q in questions
        if not (prompt[2] == AnswerForm.SCORED and q.form is QuestionForm.GENERATIVE)
    ]


def _prompts(config: BenchConfig, name: str, planner: Planner) -> Iterator[tuple[str, str, str]]:
    if isinstance(planner, Guesser):
        yield "", "", ""
        return
    if not planner.reads_text:
        raise InputError(
            f"{name} answers no questions; leave it out, or 'questions' out of 'jobs' "
            "('random' guesses)"
        )
    scores = isinstance(planner, OptionPlanner) and planner.scores_options
    if AnswerForm.SCORED in config.answers and not scores:
        raise InputError(
            f"{name} does not tell how likely it finds an answer; leave 'scored' out of 'answers'"
        )
    for style in config.styles:
        for shot in config.shots if style is not Style.COMPACT else (Shot.ZERO,):
            for answer in config.answers:
                if not (shot is Shot.COT and answer is AnswerForm.SCORED):
                    yield style.value, shot.value, answer.value


def questions_about(
    config: BenchConfig,
    place: Place,
    level: NameLevel = NameLevel.NONE,
    renaming_seed: int | None = None,
) -> tuple[Question, ...]:
    """Returns the questions about a task; under other names they are the same ones.

    Raises:
        InputError: The task cannot be used, or no plan of it is known or found.
    """
    wanted = _Wanted(
        place,
        config.tasks,
        config.question_kinds,
        config.question_forms,
        config.questions_per_task,
        config.question_states,
        config.seed,
    )
    return _questions(wanted, level, renaming_seed)


@lru_cache(maxsize=4096)
def _questions(
    wanted: _Wanted, level: NameLevel, renaming_seed: int | None
) -> tuple[Question, ...]:
    universe = _universe(wanted.place, wanted.tasks, wanted.states, wanted.seed)
    if universe is None:
        return ()
    if level is not NameLevel.NONE and renaming_seed is not None:
        task = universe.space.ground.task
        renaming = rename_task(task, level, renaming_seed)[1]
        universe = Universe(universe.space, universe.plan, renaming)
    return tuple(ask(universe, wanted.kinds, wanted.forms, wanted.count, wanted.seed))


@lru_cache(maxsize=2)
def _universe(place: Place, tasks: Path | None, states: int, seed: int) -> Universe | None:
    """The states of a task; ``None`` where nothing has to be done: there is no plan to ask of."""
    name, domain, size, instance = place
    task = load_source(domain, size, instance, name, tasks).task
    plan = known_plan(domain, size, instance, name, tasks)
    return Universe(look(task, plan, states, seed), plan) if plan.steps else None


def example_question(config: BenchConfig, case: BenchCase, question: Question) -> Question | None:
    """Returns a question of the same kind and form about the solved example of the domain."""
    if case.domain not in list_domains() or case.size is None:
        return None
    size = get_domain(case.domain).min_size
    place = (f"{case.domain}/example", case.domain, size, EXAMPLE_SEED)
    found = questions_about(config, place, NameLevel(case.renaming), case.renaming_seed)
    same = (q for q in found if (q.kind, q.form) == (question.kind, question.form))
    return next(same, None)


def missing_questions(config: BenchConfig) -> list[dict[str, object]]:
    """Counts the questions that were asked for and do not exist.

    Returns:
        Rows with ``domain``, ``size``, ``kind``, ``form`` and how many are ``missing``.
    """
    if BenchJob.QUESTIONS not in config.jobs:
        return []
    counts: dict[tuple[str, int | None, str, str], int] = {}
    for place in places(config):
        made = [(q.kind, q.form) for q in questions_about(config, place)]
        for kind in config.question_kinds:
            for form in config.question_forms:
                gap = config.questions_per_task - made.count((kind, form))
                row = (place[1], place[2], kind.value, form.value)
                counts[row] = counts.get(row, 0) + gap
    names = ("domain", "size", "kind", "form")
    return [{**dict(zip(names, row, strict=True)), "missing": n} for row, n in counts.items() if n]
