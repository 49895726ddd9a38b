"""``surefoot bench --dry-run``: how much a bench would ask."""

from __future__ import annotations

from collections import Counter

import typer

from surefoot.models.prices import read_prices
from surefoot.models.registry import ModelOptions, make_planner
from surefoot.pddl.bench.cases import load_source, make_cases
from surefoot.pddl.bench.config import BenchConfig, Mode
from surefoot.pddl.bench.dialogue import Dialogue
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
    reads = {name: make_planner(name, options).reads_text for name in config.planners}
    cases = make_cases(config, reads)
    prices = read_prices(options.prices) if options.prices is not None else {}
    typer.echo(f"{len(cases)} episodes")
    for planner, count in Counter(c.planner for c in cases).items():
        if not reads[planner]:
            typer.echo(f"{planner}: {count} episodes, no tokens")
            continue
        own = [c for c in cases if c.planner == planner]
        sample = own[:: max(1, len(own) // _SAMPLE)]
        read = written = 0.0
        for case in sample:
            rounds = 1 if case.mode == Mode.DIRECT else config.rounds
            dialogue = Dialogue(case, config, lambda task: Bounds())
            source = load_source(case.domain, case.size, case.seed, case.task, config.tasks)
            steps = source.witness.steps if source.witness else ()
            answer = max(100, 4 * sum(len(str(s)) for s in steps)) / _CHARS
            prompt = sum(len(t.text) for t in dialogue.turns) / _CHARS
            read += rounds * prompt + answer * rounds * (rounds - 1) / 2
            written += rounds * answer
        scale = count / len(sample)
        price = prices.get(planner.partition(":")[2])
        cost = f"{price.of(int(read * scale), int(written * scale)):.2f} $" if price else "unknown"
        typer.echo(
            f"{planner}: {count} episodes, about {read * scale:,.0f} tokens read and "
            f"{written * scale:,.0f} written at most, price {cost}"
        )
