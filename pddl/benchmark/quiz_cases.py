"""The questions of a bench: which there are, and the episodes that ask them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from surefoot.core.errors import InputError
from surefoot.pddl.benchmark.cases import BenchCase, renaming_pairs
from surefoot.pddl.benchmark.config import AnswerForm, BenchConfig, BenchJob, Mode, Shot, Style
from surefoot.pddl.benchmark.tasks import BenchTasks
from surefoot.pddl.planner import Guesser, OptionPlanner, Planner
from surefoot.pddl.questions import QuestionForm


def make_quiz_cases(tasks: BenchTasks, planners: Mapping[str, Planner]) -> list[BenchCase]:
    """Lists all episodes that ask a question, in the order in which they are run.

    Args:
        tasks: The bench with its tasks.
        planners: A planner for every name in the configuration.

    Raises:
        InputError: A planner answers no questions, or not in a way that is asked for.
    """
    config = tasks.config
    if BenchJob.QUESTIONS not in config.jobs:
        return []
    prompts = {name: list(_prompts(config, name, planners[name])) for name in config.planners}
    asked = [(place, tasks.questions(place)) for place in tasks.places]
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
