"""Compression recipes: validated YAML files of ordered stages.

The stages are ``drop`` (whole blocks), ``allocate`` (sparsity per layer), then ``sparsify`` or
``factorize``, then ``recover`` and last ``quantize``; every stage is optional, but at least one has
to make the model smaller.
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
"""Modules that are skipped by default: head, embeddings, routers, vision and audio towers, and the
time steps of Mamba, whose weights are used without a call of their layer."""


_ORDER = ("drop", "allocate", "sparsify", "factorize", "recover", "quantize")
_N_OF_M = re.compile(r"(\d+):(\d+)")


class _Stage(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Drop(_Stage):
    """Drops whole blocks, which is faster on any hardware."""

    stage: Literal["drop"] = "drop"
    """Name of the stage."""
    blocks: int | float
    """Number of blocks to drop, or a fraction between 0 and 1."""
    method: Literal["influence", "loss"] = "influence"
    """Drops the blocks that change their input least, or one after the other by the loss."""

    @field_validator("blocks")
    @classmethod
    def _blocks(cls, value: float) -> float:
        if value <= 0 or (value >= 1 and value != int(value)):
            raise ValueError("a number of blocks such as 2, or a fraction such as 0.5")
        return value

    def count(self, blocks: int) -> int:
        """Returns the number of blocks to drop, at least one."""
        return max(1, round(self.blocks * blocks)) if self.blocks < 1 else int(self.blocks)


class Allocate(_Stage):
    """Allocation of sparsity to layers, for a later ``sparsify`` stage."""

    stage: Literal["allocate"] = "allocate"
    """Name of the stage."""
    method: Literal["uniform", "owl", "alpha", "file"] = "uniform"
    """Uniform, by activation outliers, by the spectrum's tail exponent, or from a file."""
    level: Literal["matrix", "block", "mixed"] = "block"
    """Unit that gets its own ratio (alpha)."""
    tau: float = Field(default=0.2, ge=0, lt=1)
    """Ratios lie within 1 - tau to 1 + tau times a common factor (alpha)."""
    fit: Literal["peak", "mid", "fixed-finger"] = "peak"
    """Start of the tail of a spectrum (alpha)."""
    bound: Literal["corrected", "log10-compat"] = "corrected"
    """Lower bound of the search for it; the second as in the released code."""
    window: Annotated[int, Field(ge=8)] | Literal["common"] | None = None
    """Side of square submatrices whose spectra are pooled, or the largest common one (alpha)."""
    outlier: float = Field(default=5.0, gt=0)
    """Multiple of the mean above which a score is an outlier (owl)."""
    spread: float = Field(default=0.08, ge=0, le=0.5)
    """Half the range of the densities, lambda (owl)."""
    shuffled: bool = False
    """Whether the metrics are shuffled: a control with the same ratios."""
    file: Path | None = None
    """JSON file with sparsities by module name (file)."""

    @model_validator(mode="after")
    def _file(self) -> Allocate:
        if (self.file is not None) != (self.method == "file"):
            raise ValueError("'file' goes with method 'file', and method 'file' needs it")
        return self


class Sparsify(_Stage):
    """Prunes weights; zeros are stored in dense tensors."""

    stage: Literal["sparsify"] = "sparsify"
    """Name of the stage."""
    method: Literal["magnitude", "wanda", "sparsegpt"] = "wanda"
    """Pruning method; ``sparsegpt`` also updates the kept weights."""
    pattern: float | str = 0.5
    """Fraction of zeros in (0, 1), or a pattern such as ``2:4`` (2 of 4 kept)."""
    damping: float = Field(default=0.01, gt=0, le=1)
    """Damping of the Hessian, relative to its mean diagonal (sparsegpt)."""
    block: int = Field(default=128, ge=1)
    """Columns that are pruned together (sparsegpt)."""
    within: Literal["tensor", "row"] | None = None
    """Set within which weights are compared; by default the tensor (magnitude) or each row
    (wanda)."""

    @field_validator("pattern")
    @classmethod
    def _pattern(cls, value: float | str) -> float | str:
        if isinstance(value, str):
            found = _N_OF_M.fullmatch(value)
            if found is None or not 0 < int(found[1]) < int(found[2]):
                raise ValueError(
                    "a fraction of zeros such as 0.5, or a pattern such as '2:4' (2 of 4 kept)"
                )
        elif not 0 < value < 1:
            raise ValueError("the fraction of zeros must lie between 0 and 1")
        return value


class Factorize(_Stage):
    """Replaces matrices by low-rank factors where that saves parameters."""

    stage: Literal["factorize"] = "factorize"
    """Name of the stage."""
    method: Literal["svd", "whitened", "welore", "welore-whitened"] = "welore"
    """Same fraction of rank everywhere, or one threshold over all spectra; plain or whitened."""
    reduction: float = Field(default=0.3, gt=0, lt=1)
    """Fraction of the ``budget`` to remove."""
    budget: Literal["parameters", "err"] = "parameters"
    """Parameters of the targets, or their rank (the paper's effective rank reduction)."""


class Quantize(_Stage):
    """Quantizes weights to integers with one scale per group of inputs."""

    stage: Literal["quantize"] = "quantize"
    """Name of the stage."""
    bits: Literal[4, 8] = 4
    """Bits per weight."""
    group: int = Field(default=32, ge=2)
    """Weights along a row that share a scale."""


class Recover(RecoverSettings):
    """Trains on the calibration texts to recover quality."""

    stage: Literal["recover"] = "recover"
    """Name of the stage."""

    @property
    def settings(self) -> RecoverSettings:
        """The settings without the stage's name."""
        return RecoverSettings.model_validate(self.model_dump(exclude={"stage"}))


Stage = Annotated[
    Drop | Allocate | Sparsify | Factorize | Quantize | Recover, Field(discriminator="stage")
]


class CalibrationSettings(_Stage):
    """Settings of the calibration texts."""

    samples: int = Field(default=128, ge=1)
    """Number of sequences."""
    length: int = Field(default=512, ge=8)
    """Largest number of tokens of a sequence."""
    batch: int = Field(default=8, ge=1)
    """Sequences per batch."""
    held_out: int = Field(default=16, ge=0)
    """Further sequences, only for measuring the loss."""
    minimum_tokens: int = Field(default=64, ge=1)
    """Least number of tokens that an expert must see for valid statistics."""


class CompressionRecipe(_Stage):
    """A whole recipe; the same recipe, model, texts and seed give the same compressed model."""

    name: str = "recipe"
    """Name in reports."""
    stages: tuple[Stage, ...]
    """The stages, in order."""
    target: str = ".*"
    """Regular expression, searched in the names of modules to compress."""
    ignore: tuple[str, ...] = IGNORED
    """Regular expressions of modules to skip, overriding ``target``."""
    calibration: CalibrationSettings = CalibrationSettings()
    """Calibration texts."""
    seed: int = Field(default=0, ge=0)
    """Seed of all random choices."""

    @field_validator("target", "ignore")
    @classmethod
    def _regex(cls, value: Any) -> Any:
        for pattern in (value,) if isinstance(value, str) else value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"'{pattern}' is not a regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _order(self) -> CompressionRecipe:
        kinds = [stage.stage for stage in self.stages]
        if twice := next((k for k in kinds if kinds.count(k) > 1), None):
            raise ValueError(f"stage '{twice}' occurs twice")
        if "sparsify" in kinds and "factorize" in kinds:
            raise ValueError(
                "'sparsify' and 'factorize' exclude each other (the factors of a matrix with "
                "zeros have no zeros); keep one"
            )
        if "factorize" in kinds and "quantize" in kinds:
            raise ValueError("'quantize' does not support the factors of 'factorize'; keep one")
        if not {"drop", "sparsify", "factorize", "quantize"} & set(kinds):
            raise ValueError(
                "nothing is made smaller: add 'drop', 'sparsify', 'factorize' or 'quantize'"
            )
        if "allocate" in kinds and "sparsify" not in kinds:
            raise ValueError("'allocate' distributes zeros, so it needs a later stage 'sparsify'")
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
                f"recovery '{recover.method}' overwrites the zeros of 'sparsify'; use full, "
                "adamw8bit "
                "or galore, or set recover.keep_zeros to false"
            )
        return self

    def find(self, kind: type[Any]) -> Any:
        """Returns the stage of a kind, ``None`` if the recipe has none."""
        return next((stage for stage in self.stages if isinstance(stage, kind)), None)

    def takes(self, name: str) -> bool:
        """Returns whether a module of this name is a target."""
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
    """Returns the shipped recipes with the first line of each file."""
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
        place: A YAML file, or the name of a shipped recipe.
        settings: Overrides of the file; under a stage's name those of the stage, such as
            ``{"sparsify": {"pattern": 0.6}}``.

    Raises:
        InputError: There is no such recipe, or a value is invalid.
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
    """Applies overrides to a recipe's data; names of stages refer to the list of stages."""
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
