"""From a specification such as ``openai:NAME`` to a planner or a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surefoot.core.errors import InputError
from surefoot.models.protocol import TextModel
from surefoot.pddl.planner import Planner

LOCAL_PLANNER = Path(__file__).parent / "checkpoints" / "local-planner"
"""The small planner that comes with Surefoot; it reads the prompt style ``compact``."""

LOCAL_PERCEPTION = LOCAL_PLANNER.parent / "local-perception"
"""The small image-text model that comes with Surefoot; it answers questions about pictures."""

SCENE_PRIOR = LOCAL_PLANNER.parent / "scene-prior"
"""The small generator of tabletop scenes that comes with Surefoot, of ``surefoot train prior``;
:func:`surefoot.sparsity.lottery.priors.networks.load_generator` reads it."""

LOCAL_AGENTS = ("local-agent", "local-agent-refined")
"""The agent's small planners that come with Surefoot, as learned and after refinement."""

_SHIPPED = {
    "local": LOCAL_PLANNER,
    "local-perception": LOCAL_PERCEPTION,
    **{name: LOCAL_PLANNER.parent / name for name in LOCAL_AGENTS},
}

KNOWN = (
    "fd:lmcut",
    "fd:ff",
    "fd:SEARCH",
    "symk",
    "random",
    "greedy",
    "local",
    "local-perception",
    "recorded:DIR#MODEL",
    "openai:MODEL",
    "hf:FOLDER",
)
"""What specifications look like."""


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
    """Further tries after a server's failure."""
    concurrency: int = Field(default=8, ge=1, le=256)
    """Requests to a server at a time."""
    temperature: float = Field(default=0.0, ge=0)
    """0 for the likeliest answer."""
    max_tokens: int = Field(default=4096, ge=1)
    """Most tokens of an answer."""
    batch: int = Field(default=8, ge=1)
    """Requests that a local model answers together."""
    device: str = "auto"
    """Where a local model runs."""
    cache: Path | None = None
    """File of the response cache; none is kept without it."""
    prices: Path | None = None
    """YAML table of prices per million tokens."""
    planner_time_s: float = Field(default=60.0, gt=0)
    """Time limit of a search for one task, in seconds."""


def shipped_folder(name: str) -> Path | None:
    """Returns the folder of a model that comes with Surefoot, ``None`` if there is none.

    Args:
        name: Its name as a planner; ``local-planner`` is ``local``.

    Raises:
        InputError: The model does not come with this version.
    """
    folder = _SHIPPED.get("local" if name == LOCAL_PLANNER.name else name)
    if folder is not None and not folder.is_dir():
        raise InputError(
            f"'{name}' does not come with this version; train it (surefoot train --help) and "
            f"give it as hf:FOLDER"
        )
    return folder


def model_folder(name: str) -> Path:
    """Returns the folder of a model.

    Args:
        name: A shipped model's name, or a folder.

    Raises:
        InputError: There is no model.
    """
    folder = shipped_folder(name) or Path(name)
    if not (folder / "config.json").is_file():
        raise InputError(
            "no model here (no config.json); name a shipped one or a folder", file=str(folder)
        )
    return folder


def read_options(pairs: Sequence[str]) -> ModelOptions:
    """Reads settings given as ``NAME=VALUE``.

    Raises:
        InputError: A setting is unknown or has a wrong value.
    """
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"setting '{pair}' is not of the form NAME=VALUE")
        values[name] = value
    try:
        return ModelOptions.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        known = ", ".join(ModelOptions.model_fields)
        hint = f"; known: {known}" if first["type"] == "extra_forbidden" else ""
        raise InputError(f"setting '{first['loc'][0]}': {first['msg']}{hint}") from None


def make_model(spec: str, options: ModelOptions) -> TextModel:
    """Returns the language model that a specification names, with its cache.

    Raises:
        InputError: It names none, or one that cannot be loaded.
    """
    from surefoot.models.cache import CachedModel, ResponseCache

    kind, _, name = spec.partition(":")
    model: TextModel
    if kind == "openai" and name:
        from surefoot.models.backends.openai import OpenAIModel
        from surefoot.models.prices import read_prices

        prices = read_prices(options.prices) if options.prices is not None else {}
        model = OpenAIModel(
            name,
            base_url=options.base_url,
            api=options.api,
            key_env=options.key_env,
            timeout_s=options.timeout_s,
            retries=options.retries,
            concurrency=options.concurrency,
            price=prices.get(name),
        )
    elif spec in _SHIPPED or (kind == "hf" and name):
        from surefoot.models.backends.hf import HFModel

        shipped = shipped_folder(spec)
        place = name if shipped is None else str(shipped)
        model = HFModel(place, batch=options.batch, device=options.device)
    else:
        raise InputError(f"unknown planner '{spec}'; known: {', '.join(KNOWN)}")
    if options.cache is not None:
        model = CachedModel(model, ResponseCache(options.cache))
    return model


def make_planner(spec: str, options: ModelOptions) -> Planner:
    """Returns the planner that a specification names.

    Raises:
        InputError: It names none, or one that cannot be used.
    """
    if spec == "symk" or spec.startswith("fd:"):
        from surefoot.models.backends.classical import SearchPlanner

        return SearchPlanner(spec, options.planner_time_s)
    if spec == "random":
        from surefoot.models.backends.guessing import RandomPlanner

        return RandomPlanner()
    if spec == "greedy":
        from surefoot.models.backends.scripted import ScriptedPlanner

        return ScriptedPlanner(spec)
    if spec.startswith("recorded:"):
        from surefoot.models.backends.recorded import RecordedPlanner

        return RecordedPlanner(spec)
    from surefoot.models.planning import TextPlanner

    return TextPlanner(make_model(spec, options), options.max_tokens, options.temperature)
