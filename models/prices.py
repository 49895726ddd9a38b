"""What tokens cost: a table that the user supplies, since prices change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import yaml

from surefoot.core.chat import Usage
from surefoot.core.errors import InputError

_KEYS = ("prompt", "completion", "cached", "reasoning")


@dataclass(frozen=True, slots=True)
class Price:
    """Price of a model in US dollars per million tokens.

    Attributes:
        prompt: Tokens read.
        completion: Tokens written.
        cached: Tokens read that the server had read before; as ``prompt`` if unknown.
        reasoning: Tokens of thinking; as ``completion`` if unknown.
    """

    prompt: float
    completion: float
    cached: float | None = None
    reasoning: float | None = None

    def of(self, usage: Usage) -> float:
        """Returns the price of an answer in US dollars."""
        fresh = max(0, usage.prompt_tokens - usage.cached_tokens)
        said = max(0, usage.completion_tokens - usage.reasoning_tokens)
        cached = self.prompt if self.cached is None else self.cached
        reasoning = self.completion if self.reasoning is None else self.reasoning
        total = self.prompt * fresh + cached * usage.cached_tokens
        total += self.completion * said + reasoning * usage.reasoning_tokens
        return total / 1e6

    @property
    def highest(self) -> Price:
        """Price if every token is of the dearest kind; for bounds."""
        read = max(self.prompt, self.cached or 0.0)
        return Price(read, max(self.completion, self.reasoning or 0.0))


def make_price(row: Mapping[str, object]) -> Price:
    """Makes a price from plain data.

    Raises:
        ValueError: A key is unknown or missing, or a value is no amount.
    """
    for key in row:
        if key not in _KEYS:
            raise ValueError(f"unknown key '{key}' of a price; known: {', '.join(_KEYS)}")
    for key in ("prompt", "completion"):
        if key not in row:
            raise ValueError(f"a price needs '{key}'")
    amounts: dict[str, float] = {}
    for key, value in row.items():
        sound = isinstance(value, int | float) and not isinstance(value, bool)
        if not sound or not isfinite(amount := float(str(value))) or amount < 0:
            raise ValueError(f"'{key}' of a price must be an amount of 0 or more, not {value!r}")
        amounts[key] = amount
    return Price(**amounts)


def read_prices(path: Path) -> Mapping[str, Price]:
    """Reads a table of models' names with their prices per million tokens.

    A row holds ``prompt`` and ``completion``, and may hold ``cached`` and ``reasoning``.

    Raises:
        InputError: It is not such a table.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the prices: {reason}", file=str(path)) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        data = None
    if not isinstance(data, dict) or not all(isinstance(row, dict) for row in data.values()):
        raise InputError(
            "expected 'NAME: {prompt: DOLLARS, completion: DOLLARS}' per million tokens",
            file=str(path),
        )
    prices = {}
    for name, row in data.items():
        try:
            prices[str(name)] = make_price(row)
        except ValueError as error:
            raise InputError(f"{name}: {error}", file=str(path)) from None
    return prices
