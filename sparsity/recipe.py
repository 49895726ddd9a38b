"""What is done to a model: a YAML file of ordered stages, checked and hashed.

A recipe is ``drop`` (whole blocks), ``allocate`` (who is compressed how much), then ``sparsify`` or
``factorize``, then ``recover`` and last ``quantize``; every stage may be left out, but one has to
make the model smaller.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from surefoot.core.config import check_config, read_config_file
from surefoot.core.errors import InputError
from surefoot.sparsity.training.settings import IGNORED as _IGNORED
from surefoot.sparsity.training.settings import RecoverSettings

IGNORED = (*_IGNORED, r"(^|\.)dt_proj$")
"""Modules left alone by default: head, embeddings, routers, vision and audio towers; and the time
steps of Mamba, whose weights are used without a call of their layer."""


_ORDER = ("drop", "allocate", "sparsify", "factorize", "recover", "quantize")
_N_OF_M = re.compile(r"(\d+):(\d+)")


class _Stage(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Drop(_Stage):
    """Whole blocks left out; what is left is quicker on any machine."""

    stage: Literal["drop"] = "drop"
    """Name of the stage."""
    blocks: int | float
    """How many go: a number, or a share of them between 0 and 1."""
    method: Literal["influence", "loss"] = "influence"
    """Those that change their input least, or one after the other by what it costs."""

    @field_validator("blocks")
    @classmethod
    def _blocks(cls, value: float) -> float:
        if value <= 0 or (value >= 1 and value != int(value)):
            raise ValueError("a number of blocks such as 2, or a share of them such as 0.5")
        return value

    def count(self, blocks: int) -> int:
        """Returns how many of a model's blocks go, at least one."""
        return max(1, round(self.blocks * blocks)) if self.blocks < 1 else int(self.blocks)


class Allocate(_Stage):
    """Who is compressed how much, for a ``sparsify`` stage behind it."""

    stage: Literal["allocate"] = "allocate"
    """Name of the stage."""
    method: Literal["uniform", "owl", "alpha", "file"] = "uniform"
    """Alike, by activation outliers, by the spectrum's tail exponent, or as a file says."""
    level: Literal["matrix", "block", "mixed"] = "block"
    """What gets a ratio of its own (alpha)."""
    tau: float = Field(default=0.2, ge=0, lt=1)
    """Ratios lie within 1 - tau to 1 + tau times a common factor (alpha)."""
    fit: Literal["peak", "mid", "fixed-finger"] = "peak"
    """Where the tail of a spectrum begins (alpha)."""
    bound: Literal["corrected", "log10-compat"] = "corrected"
    """Lower end of the search for it; the second as in the code released with the paper."""
    window: Annotated[int, Field(ge=8)] | Literal["common"] | None = None
    """Side of square submatrices whose spectra are pooled, or the largest that fits all (alpha)."""
    outlier: float = Field(default=5.0, gt=0)
    """A score this many times the mean is an outlier (owl)."""
    spread: float = Field(default=0.08, ge=0, le=0.5)
    """Half of the range of the densities, lambda (owl)."""
    shuffled: bool = False
    """Whether the metrics are dealt out at random: a control that keeps the ratios."""
    file: Path | None = None
    """JSON file of module names with sparsities (file)."""

    @model_validator(mode="after")
    def _file(self) -> Allocate:
        if (self.file is not None) != (self.method == "file"):
            raise ValueError("'file' goes with method 'file', and method 'file' needs it")
        return self


class Sparsify(_Stage):
    """Zeros, whose places are kept in dense tensors."""

    stage: Literal["sparsify"] = "sparsify"
    """Name of the stage."""
    method: Literal["magnitude", "wanda", "sparsegpt"] = "wanda"
    """By what weights are chosen; the last also mends the others."""
    pattern: float | str = 0.5
    """Share of zeros in (0, 1), or such as ``2:4`` for 2 of 4 kept."""
    damping: float = Field(default=0.01, gt=0, le=1)
    """Share of the mean diagonal added to the Hessian (sparsegpt)."""
    block: int = Field(default=128, ge=1)
    """Columns that are pruned together (sparsegpt)."""
    within: Literal["tensor", "row"] | None = None
    """What weights are compared over; magnitude: the tensor, wanda: each row, by default."""

    @field_validator("pattern")
    @classmethod
    def _pattern(cls, value: float | str) -> float | str:
        if isinstance(value, str):
            found = _N_OF_M.fullmatch(value)
            if found is None or not 0 < int(found[1]) < int(found[2]):
                raise ValueError("a share of zeros such as 0.5, or such as '2:4' (2 of 4 kept)")
        elif not 0 < value < 1:
            raise ValueError("the share of zeros must lie between 0 and 1")
        return value


class Factorize(_Stage):
    """A pair of thin factors in place of a matrix, where that saves parameters."""

    stage: Literal["factorize"] = "factorize"
    """Name of the stage."""
    method: Literal["svd", "whitened", "welore", "welore-whitened"] = "welore"
    """Same share of rank everywhere, or one threshold over all spectra; plain or by inputs."""
    reduction: float = Field(default=0.3, gt=0, lt=1)
    """What is to go, as a share of what ``budget`` counts."""
    budget: Literal["parameters", "err"] = "parameters"
    """Parameters of the targets, or their rank (the paper's effective rank reduction)."""


class Quantize(_Stage):
    """Integers with a scale for each group of inputs."""

    stage: Literal["quantize"] = "quantize"
    """Name of the stage."""
    bits: Literal[4, 8] = 4
    """Bits of a weight."""
    group: int = Field(default=32, ge=2)
    """Weights along a row that share a scale."""


class Recover(RecoverSettings):
    """Training that wins back what was lost, on the calibration texts."""

    stage: Literal["recover"] = "recover"
    """Name of the stage."""

    @property
    def settings(self) -> RecoverSettings:
        """The same without the stage's name."""
        return RecoverSettings.model_validate(self.model_dump(exclude={"stage"}))


Stage = Annotated[
    Drop | Allocate | Sparsify | Factorize | Quantize | Recover, Field(discriminator="stage")
]


class CalibrationSettings(_Stage):
    """The texts by which is told what matters in a model."""

    samples: int = Field(default=128, ge=1)
    """Sequences."""
    length: int = Field(default=512, ge=8)
    """Most tokens of a sequence."""
    batch: int = Field(default=8, ge=1)
    """Sequences that go through a block together."""
    held_out: int = Field(default=16, ge=0)
    """Further sequences, on which only the loss is measured."""
    minimum_tokens: int = Field(default=64, ge=1)
    """Fewest tokens that an expert must have seen for its statistics to count."""


class CompressionRecipe(_Stage):
    """A whole recipe; the same recipe, model, texts and seed give the same compressed model."""

    name: str = "recipe"
    """Name in reports."""
    stages: tuple[Stage, ...]
    """What is done, in this order."""
    target: str = ".*"
    """Regular expression that finds the names of modules to compress."""
    ignore: tuple[str, ...] = IGNORED
    """Regular expressions of modules to leave alone, whatever ``target`` says."""
    calibration: CalibrationSettings = CalibrationSettings()
    """The texts."""
    seed: int = Field(default=0, ge=0)
    """Seed of everything that is drawn."""

    @field_validator("target", "ignore")
    @classmethod
    def _regex(cls, value: Any) -> Any:
        for pattern in (value,) if isinstance(value, str) else value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"'{pattern}' is no regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _order(self) -> CompressionRecipe:
        kinds = [stage.stage for stage in self.stages]
        if twice := next((k for k in kinds if kinds.count(k) > 1), None):
            raise ValueError(f"stage '{twice}' stands twice")
        if "sparsify" in kinds and "factorize" in kinds:
            raise ValueError(
                "'sparsify' and 'factorize' exclude each other (the factors of a matrix with "
                "zeros have none); keep one"
            )
        if "factorize" in kinds and "quantize" in kinds:
            raise ValueError("'quantize' does not take the factors of 'factorize'; keep one")
        if not {"drop", "sparsify", "factorize", "quantize"} & set(kinds):
            raise ValueError(
                "nothing is made smaller: add 'drop', 'sparsify', 'factorize' or 'quantize'"
            )
        if "allocate" in kinds and "sparsify" not in kinds:
            raise ValueError("'allocate' shares out zeros: it needs a stage 'sparsify' behind it")
        if kinds != sorted(kinds, key=_ORDER.index):
            raise ValueError(f"stages come in the order {', '.join(_ORDER)}")
        if "recover" in kinds and not {"drop", "sparsify", "factorize"} & set(kinds):
            raise ValueError("'recover' needs a stage 'drop', 'sparsify' or 'factorize' before it")
        recover = self.find(Recover)
        if recover is not None and recover.method in ("lrc", "n-lrc") and "factorize" not in kinds:
            raise ValueError(f"recovery '{recover.method}' needs a stage 'factorize'")
        if (
            recover is not None
            and recover.method in ("lora", "qlora", "qgalore")
            and recover.keep_zeros
            and "sparsify" in kinds
        ):
            raise ValueError(
                f"recovery '{recover.method}' fills the zeros of 'sparsify'; take full, adamw8bit "
                "or galore, or set recover.keep_zeros to false"
            )
        return self

    def find(self, kind: type[Any]) -> Any:
        """Returns the stage of a kind, ``None`` if the recipe has none."""
        return next((stage for stage in self.stages if isinstance(stage, kind)), None)

    def takes(self, name: str) -> bool:
        """Tells whether a module of this name is a target."""
        return re.search(self.target, name) is not None and not any(
            re.search(pattern, name) for pattern in self.ignore
        )

    @property
    def calibrated(self) -> bool:
        """Whether statistics of inputs are needed."""
        allocate, sparsify = self.find(Allocate), self.find(Sparsify)
        factorize = self.find(Factorize)
        return (
            self.find(Drop) is not None
            or (allocate is not None and allocate.method == "owl")
            or (sparsify is not None and sparsify.method != "magnitude")
            or (factorize is not None and factorize.method.endswith("whitened"))
        )

    def hash(self) -> str:
        """Returns the SHA-256 of all settings except the name, 64 hexadecimal digits."""
        data = self.model_dump(mode="json", exclude={"name"})
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def shipped_recipes() -> dict[str, str]:
    """Returns the recipes that come with Surefoot, each with the line that heads its file."""
    folder = files("surefoot.sparsity") / "recipes"
    lines = {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8").splitlines()[0]
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
    return {name: lines[name].lstrip("# ") for name in sorted(lines)}


def read_recipe(place: str | Path, settings: Mapping[str, Any] | None = None) -> CompressionRecipe:
    """Reads a recipe.

    Args:
        place: A YAML file, or the name of a recipe that comes with Surefoot.
        settings: Values over those of the file; under a stage's name those of the stage, such as
            ``{"sparsify": {"pattern": 0.6}}``.

    Raises:
        InputError: There is none, or a value cannot be used.
    """
    path = Path(place)
    if path.suffix not in (".yaml", ".yml"):
        known = shipped_recipes()
        if str(place) not in known:
            raise InputError(
                f"unknown recipe '{place}'; give a YAML file or one of {', '.join(known)}"
            )
        with as_file(files("surefoot.sparsity") / "recipes" / f"{place}.yaml") as shipped:
            data = read_config_file(shipped, "recipe")
    else:
        data = read_config_file(path, "recipe")
    data.setdefault("name", path.stem)
    return check_config(CompressionRecipe, _overlaid(data, settings or {}), file=path)


def _overlaid(data: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Lays settings over a recipe's data; names of stages reach into the list of stages."""
    merged = dict(data)
    for name, value in settings.items():
        if name in _ORDER:
            merged["stages"] = _overlaid_stages(merged.get("stages"), name, value)
        elif isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = {**merged[name], **value}
        else:
            merged[name] = value
    return merged


def _overlaid_stages(stages: Any, name: str, value: Any) -> list[Any]:
    found: Sequence[Any] = stages if isinstance(stages, list) else []
    if not any(isinstance(s, Mapping) and s.get("stage") == name for s in found):
        raise InputError(f"the recipe has no stage '{name}' to set")
    if not isinstance(value, Mapping):
        raise InputError(f"set a field of stage '{name}', such as {name}.method=...")
    return [
        {**stage, **value} if isinstance(stage, Mapping) and stage.get("stage") == name else stage
        for stage in found
    ]
