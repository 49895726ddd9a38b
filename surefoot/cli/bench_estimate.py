"""``surefoot bench --dry-run``: how much a bench would ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import typer

from surefoot.cli.contestants import contestant
from surefoot.core.chat import Message, Usage
from surefoot.models.options import Contestant, ModelOptions
from surefoot.models.prices import Price, make_price, read_prices
from surefoot.pddl.benchmark.cases import BenchCase
from surefoot.pddl.benchmark.config import AnswerForm, BenchConfig, Mode
from surefoot.pddl.benchmark.dialogue import Dialogue
from surefoot.pddl.benchmark.prompts import MAX_FEEDBACK
from surefoot.pddl.benchmark.quiz import Quiz, written_answer
from surefoot.pddl.benchmark.run import all_cases
from surefoot.pddl.benchmark.tasks import BenchTasks
from surefoot.pddl.reference import Bounds

_CHARS = 4
"""Characters of a token, roughly; only servers know their tokenizers."""

_TURN = 32
"""Tokens that a chat template puts round a turn, at most."""

_PROBE = 16 * 512
"""Tokens of the questions that find out what a server can do, at most."""

_LISTING = 512
"""Bytes by which a list of options may be longer than in the prompt that is built here."""


@dataclass(frozen=True, slots=True)
class _Size:
    """Tokens of an episode: roughly, and at most.

    No token of a text is shorter than one byte, so that its bytes bound its tokens.
    """

    read: float = 0.0
    written: float = 0.0
    most_read: int = 0
    most_written: int = 0

    def __add__(self, other: _Size) -> _Size:
        return _Size(
            self.read + other.read,
            self.written + other.written,
            self.most_read + other.most_read,
            self.most_written + other.most_written,
        )


def show_estimate(config: BenchConfig, who: Mapping[str, Contestant]) -> None:
    """Prints episodes, and estimates and bounds of tokens and price, by planner.

    An answer is estimated at four times a known plan. The bounds hold whatever a model writes;
    answers that fail on the way and are asked for again are not in them.
    """
    planners = {name: contestant(c.spec, c.options) for name, c in who.items()}
    tasks = BenchTasks(config)
    cases = all_cases(tasks, planners)
    asked = sum(bool(c.question) for c in cases)
    typer.echo(f"{len(cases)} episodes" + (f", {asked} of them questions" if asked else ""))
    for planner, count in Counter(c.planner for c in cases).items():
        if not planners[planner].reads_text:
            typer.echo(f"{planner}: {count} episodes, no tokens")
            continue
        options = who[planner].options
        total = _Size(most_read=_PROBE, most_written=_PROBE)
        for case in cases:
            if case.planner == planner:
                size = _quiz_size if case.question else _plan_size
                total += size(case, tasks, options)
        price = _price(who[planner])
        most = Usage(total.most_read, total.most_written)
        cost = f"{price.highest.of(most):.2f} $ at most" if price else "unknown"
        typer.echo(
            f"{planner}: {count} episodes, about {total.read:,.0f} tokens read and "
            f"{total.written:,.0f} written; at most {total.most_read:,} and "
            f"{total.most_written:,}; price {cost}"
        )


def _price(who: Contestant) -> Price | None:
    if who.options.price:
        return make_price(who.options.price)
    prices = read_prices(who.options.prices) if who.options.prices is not None else {}
    return prices.get(who.spec.partition(":")[2])


def _bytes(messages: Sequence[Message]) -> int:
    return sum(len(m.text.encode("utf-8", "replace")) + _TURN for m in messages) + _TURN


def _plan_size(case: BenchCase, tasks: BenchTasks, options: ModelOptions) -> _Size:
    """Tokens of an episode that asks for a plan."""
    rounds = 1 if case.mode == Mode.DIRECT else tasks.config.rounds
    dialogue = Dialogue(case, tasks, lambda task: Bounds())
    witness = tasks[case.place].witness
    steps = witness.steps if witness else ()
    answer = max(100, 4 * sum(len(str(s)) for s in steps)) / _CHARS
    prompt = sum(len(t.text) for t in dialogue.messages) / _CHARS
    before = rounds * (rounds - 1) // 2  # earlier answers that later rounds read again
    again = 0 if case.mode in (Mode.DIRECT, Mode.RESAMPLE) else before
    turn = options.max_tokens + MAX_FEEDBACK + 2 * _TURN
    return _Size(
        rounds * prompt + answer * again,
        rounds * answer,
        rounds * _bytes(dialogue.messages) + again * turn,
        rounds * options.max_tokens,
    )


def _quiz_size(case: BenchCase, tasks: BenchTasks, options: ModelOptions) -> _Size:
    """Tokens of an episode that asks a question."""
    quiz = Quiz(case, tasks)
    prompt = sum(len(t.text) for t in quiz.messages) / _CHARS
    most = _bytes(quiz.messages)
    if case.answer != AnswerForm.SCORED:
        answer = max(100, 4 * len(written_answer(quiz.question, as_json=True))) / _CHARS
        return _Size(prompt, answer, most, options.max_tokens)
    # The first way may turn out not to be open; then the second is taken.
    method, orders, draws = options.option_method, options.option_orders, options.option_samples
    first = 0 if method in ("sampled", "stated") else orders
    longest = {"logprobs": 0, "stated": orders}.get(method, draws)
    calls = first + longest
    return _Size(
        prompt * (first or longest),
        16.0 * (first or longest),
        calls * (most + _LISTING),
        16 * first + longest * options.max_tokens,
    )
