"""What tokens cost: a table that the user supplies, since prices change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from surefoot.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Price:
    """Price of a model in US dollars per million tokens.

    Attributes:
        prompt: Tokens read.
        completion: Tokens written.
    """

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Returns the price of an answer in US dollars."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6


def read_prices(path: Path) -> Mapping[str, Price]:
    """Reads a table: a model's name with ``prompt`` and ``completion`` per million tokens.

    Raises:
        InputError: It is not such a table.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {
            str(name): Price(float(row["prompt"]), float(row["completion"]))
            for name, row in data.items()
        }
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the prices: {reason}", file=str(path)) from None
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError):
        raise InputError(
            "expected 'NAME: {prompt: DOLLARS, completion: DOLLARS}' per million tokens",
            file=str(path),
        ) from None
