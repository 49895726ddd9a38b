"""Settings of models and planners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from surefoot.core.config import EXECUTION_SETTINGS, check_config, read_settings
from surefoot.core.errors import InputError
from surefoot.models.presets import PRESETS


class ModelOptions(BaseModel):
    """Settings of planners; each concerns only the kinds that have it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str | None = None
    """Address of an OpenAI-compatible server."""
    preset: str = ""
    """Defaults for a kind of server, see :data:`~surefoot.models.presets.PRESETS`."""
    api: Literal["chat", "responses"] = "chat"
    """Which of its interfaces is used."""
    key_env: str = "OPENAI_API_KEY"
    """Environment variable that holds the key."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers; a value ``env:NAME`` is taken from the environment."""
    api_version: str = ""
    """Value of ``api-version`` in the address, as Azure wants it."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further entries of every request."""
    timeout_s: float = Field(default=120.0, gt=0)
    """Longest silence of a server, in seconds."""
    answer_s: float = Field(default=3600.0, gt=0)
    """Longest time for one answer, in seconds."""
    stream: bool = True
    """Have answers sent piece by piece, so that a long one is not taken for silence."""
    retries: int = Field(default=4, ge=0, le=20)
    """Retries after a server's failure."""
    concurrency: int = Field(default=8, ge=1, le=256)
    """Maximum number of requests to a server at a time; fewer while it answers 429."""
    requests_per_minute: int = Field(default=0, ge=0)
    """Maximum number of requests a minute, 0 for no limit."""
    tokens_per_minute: int = Field(default=0, ge=0)
    """Maximum number of tokens a minute, read and written; 0 for no limit."""
    temperature: float | None = Field(default=0.0, ge=0)
    """0 for the likeliest answer; ``none`` to send none."""
    seed: Literal["case"] | None = "case"
    """``case`` for a seed of each case's own, ``none`` to send none."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Probability mass that is drawn from."""
    stop: tuple[str, ...] = ()
    """Texts at which an answer ends."""
    reasoning_effort: str = ""
    """How much a reasoning model thinks, such as ``low``."""
    token_limit: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """Name of the limit on tokens in the chat interface."""
    system_role: Literal["system", "developer", "user"] = "system"
    """Role of instructions; ``user`` puts them before the first question."""
    thinking_tags: tuple[tuple[str, str], ...] = ()
    """Further opening and closing marks of thinking in answers."""
    thinking_open: bool = False
    """Whether the prompt's template opens the thinking, so that answers only close it."""
    max_tokens: int = Field(default=4096, ge=1)
    """Maximum number of tokens of an answer."""
    option_method: Literal["auto", "logprobs", "sampled", "stated"] = "auto"
    """How probabilities of given answers are found; ``auto`` is log-probabilities, else samples."""
    option_orders: int = Field(default=2, ge=1, le=26)
    """Orders in which given answers are listed; the probabilities are their mean."""
    option_floor: float = Field(default=0.5, ge=0, le=1)
    """Probability that must fall on the given answers; below it a question is ``unscored``."""
    option_samples: int = Field(default=20, ge=1, le=1000)
    """Answers drawn where probabilities are estimated from frequencies."""
    batch: int = Field(default=8, ge=1)
    """Batch size of a local model."""
    device: str = "auto"
    """Where a local model runs."""
    cache: Path | None = None
    """File of the response cache; no cache without it."""
    prices: Path | None = None
    """YAML table of prices per million tokens."""
    price: dict[str, float] = Field(default_factory=dict)
    """Price per million tokens, as a row of that table."""
    planner_time_s: float = Field(default=60.0, gt=0)
    """Time limit of a search for one task, in seconds."""

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not given.get("preset"):
            return given
        name = given["preset"]
        if name not in PRESETS:
            raise ValueError(f"unknown preset '{name}'; known: {', '.join(PRESETS)}")
        return {**PRESETS[name], **given}

    @field_validator("temperature", "seed", "top_p", mode="before")
    @classmethod
    def _or_none(cls, value: object) -> object:
        return None if value == "none" else value

    @field_validator("price")
    @classmethod
    def _sound_price(cls, value: dict[str, float]) -> dict[str, float]:
        from surefoot.models.prices import make_price

        if value:
            make_price(value)
        return value

    def content(self) -> dict[str, Any]:
        """Returns what of the settings an answer depends on, as plain JSON data.

        Defaults are left out, and so is what may change when a run is resumed: address, key,
        time limits, concurrency, cache and prices.
        """
        return self.model_dump(mode="json", exclude_defaults=True, exclude=set(EXECUTION_SETTINGS))

    def execution(self) -> dict[str, Any]:
        """Returns the other settings, without anything secret."""
        from surefoot.core.config import without_credentials

        chosen = set(EXECUTION_SETTINGS) - {"headers"}
        found = self.model_dump(mode="json", exclude_defaults=True, include=chosen)
        if "base_url" in found:
            found["base_url"] = without_credentials(found["base_url"])
        if self.headers:
            found["headers"] = sorted(self.headers)
        return found


def read_options(pairs: Sequence[str]) -> ModelOptions:
    """Reads settings given as ``NAME=VALUE``.

    Raises:
        InputError: A setting is unknown or has a wrong value.
    """
    return check_config(ModelOptions, read_settings(pairs))


@dataclass(frozen=True)
class Contestant:
    """A contestant of a bench.

    Attributes:
        name: Its name.
        spec: Specification of its planner or model.
        options: Its settings.
    """

    name: str
    spec: str
    options: ModelOptions

    def content(self) -> dict[str, Any]:
        """Returns what answers depend on besides the contestant's name."""
        spec = {} if self.spec == self.name else {"spec": self.spec}
        return {**spec, **self.options.content()}


def contestants_of(
    names: Sequence[str],
    pairs: Sequence[str],
    shared: Mapping[str, Any],
    own: Mapping[str, Mapping[str, Any]],
    file: Path | None = None,
) -> dict[str, Contestant]:
    """Returns the contestants of a bench with the settings of each.

    The command line wins over the file, and what is given for one contestant over what is
    given for all. The setting ``spec`` is the specification of one whose name is another.

    Args:
        names: Names of contestants.
        pairs: ``NAME=VALUE`` for all, or ``CONTESTANT.NAME=VALUE`` for one.
        shared: Settings of all in the configuration file.
        own: Settings of single ones there, by name.
        file: That file, for messages.

    Raises:
        InputError: A setting is unknown or has a wrong value, or is for nobody.
    """
    general: list[str] = []
    special: dict[str, list[str]] = {name: [] for name in names}
    longest_first = sorted(names, key=len, reverse=True)
    for pair in pairs:
        name = next((n for n in longest_first if pair.startswith(f"{n}.")), None)
        if name is None:
            general.append(pair)
        else:
            special[name].append(pair[len(name) + 1 :])
    for name in own:
        if name not in special:
            raise InputError(
                f"settings of '{name}', which is none of the planners",
                file=str(file) if file else None,
            )
    found = {}
    for name in names:
        given = {
            **shared,
            **read_settings(general),
            **own.get(name, {}),
            **read_settings(special[name]),
        }
        spec = given.pop("spec", name)
        if not isinstance(spec, str):
            raise InputError(f"'spec' of '{name}' must be text", file=str(file) if file else None)
        found[name] = Contestant(name, spec, check_config(ModelOptions, given, file=file))
    return found
