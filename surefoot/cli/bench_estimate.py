"""``surefoot bench --dry-run``: how much a bench would ask."""

from __future__ import annotations

from collections import Counter

import typer

from surefoot.cli.contestants import contestant
from surefoot.core.chat import Usage
from surefoot.models.options import ModelOptions
from surefoot.models.prices import read_prices
from surefoot.pddl.benchmark.cases import BenchCase
from surefoot.pddl.benchmark.config import AnswerForm, BenchConfig, Mode
from surefoot.pddl.benchmark.dialogue import Dialogue
from surefoot.pddl.benchmark.quiz import Quiz, written_answer
from surefoot.pddl.benchmark.run import all_cases
from surefoot.pddl.benchmark.tasks import BenchTasks
from surefoot.pddl.reference import Bounds

_CHARS = 4
"""Characters of a token, roughly; only servers know their tokenizers."""

_SAMPLE = 40
"""Prompts that are really built; the rest is taken to be like them."""


def show_estimate(config: BenchConfig, options: ModelOptions) -> None:
    """Prints episodes, and an upper estimate of tokens and price, by planner.

    Tokens written are taken as four times those of a known plan, times the most answers
    that an episode may take.
    """
    planners = {name: contestant(name, options) for name in config.planners}
    tasks = BenchTasks(config)
    cases = all_cases(tasks, planners)
    prices = read_prices(options.prices) if options.prices is not None else {}
    asked = sum(bool(c.question) for c in cases)
    typer.echo(f"{len(cases)} episodes" + (f", {asked} of them questions" if asked else ""))
    for planner, count in Counter(c.planner for c in cases).items():
        if not planners[planner].reads_text:
            typer.echo(f"{planner}: {count} episodes, no tokens")
            continue
        own = [c for c in cases if c.planner == planner]
        sample = own[:: max(1, len(own) // _SAMPLE)]
        read = written = 0.0
        for case in sample:
            more = _quiz_size(case, tasks) if case.question else _plan_size(case, tasks)
            read, written = read + more[0], written + more[1]
        scale = count / len(sample)
        price = prices.get(planner.partition(":")[2])
        usage = Usage(int(read * scale), int(written * scale))
        cost = f"{price.highest.of(usage):.2f} $" if price else "unknown"
        typer.echo(
            f"{planner}: {count} episodes, about {read * scale:,.0f} tokens read and "
            f"{written * scale:,.0f} written at most, price {cost}"
        )


def _plan_size(case: BenchCase, tasks: BenchTasks) -> tuple[float, float]:
    """Tokens read and written at most in an episode that asks for a plan."""
    rounds = 1 if case.mode == Mode.DIRECT else tasks.config.rounds
    dialogue = Dialogue(case, tasks, lambda task: Bounds())
    witness = tasks[case.place].witness
    steps = witness.steps if witness else ()
    answer = max(100, 4 * sum(len(str(s)) for s in steps)) / _CHARS
    prompt = sum(len(t.text) for t in dialogue.messages) / _CHARS
    return rounds * prompt + answer * rounds * (rounds - 1) / 2, rounds * answer


def _quiz_size(case: BenchCase, tasks: BenchTasks) -> tuple[float, float]:
    """Tokens read and written at most in an episode that asks a question."""
    quiz = Quiz(case, tasks)
    answer = max(100, 4 * len(written_answer(quiz.question, as_json=True))) / _CHARS
    prompt = sum(len(t.text) for t in quiz.messages) / _CHARS
    return prompt, 1.0 if case.answer == AnswerForm.SCORED else answer
