"""Settings of models and planners."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.config import check_config, read_settings


class ModelOptions(BaseModel):
    """Settings of planners; each concerns only the kinds that have it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str | None = None
    """Address of an OpenAI-compatible server."""
    api: Literal["chat", "responses"] = "chat"
    """Which of its interfaces is used."""
    key_env: str = "OPENAI_API_KEY"
    """Environment variable that holds the key."""
    timeout_s: float = Field(default=120.0, gt=0)
    """Longest silence of a server, in seconds."""
    retries: int = Field(default=4, ge=0, le=20)
    """Retries after a server's failure."""
    concurrency: int = Field(default=8, ge=1, le=256)
    """Requests to a server at a time."""
    temperature: float = Field(default=0.0, ge=0)
    """0 for the likeliest answer."""
    max_tokens: int = Field(default=4096, ge=1)
    """Maximum number of tokens of an answer."""
    batch: int = Field(default=8, ge=1)
    """Batch size of a local model."""
    device: str = "auto"
    """Where a local model runs."""
    cache: Path | None = None
    """File of the response cache; no cache without it."""
    prices: Path | None = None
    """YAML table of prices per million tokens."""
    planner_time_s: float = Field(default=60.0, gt=0)
    """Time limit of a search for one task, in seconds."""


def read_options(pairs: Sequence[str]) -> ModelOptions:
    """Reads settings given as ``NAME=VALUE``.

    Raises:
        InputError: A setting is unknown or has a wrong value.
    """
    return check_config(ModelOptions, read_settings(pairs))
