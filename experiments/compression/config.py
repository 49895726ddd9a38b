"""Configuration of the study of compression."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from surefoot.experiments.base import StudyConfig
from surefoot.sparsity.recipe import CompressionRecipe

PERMUTED = "permuted"
"""Allocation by randomly permuted tail exponents, the control of ``alpha``."""

Pruner = Literal["magnitude", "wanda", "sparsegpt"]
Allocation = Literal["uniform", "owl", "alpha", "permuted"]


class CompressionStudyConfig(StudyConfig):
    """The study."""

    models: tuple[str, ...] = ("local-agent", "local-planner", "local-perception")
    """Models: names of shipped ones, or folders, such as of further training seeds."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of calibration texts and of random assignments."""
    samples: int = Field(default=128, ge=1)
    """Calibration texts."""
    tasks: int = Field(default=100, ge=0)
    """Approximate number of unseen tasks that each compressed model is tested on, the same ones."""
    pruners: tuple[Pruner, ...] = ("magnitude", "wanda", "sparsegpt")
    """How weights are chosen."""
    allocations: tuple[Allocation, ...] = ("uniform", "owl", "alpha", "permuted")
    """How zeros are distributed over layers."""
    patterns: tuple[float | str, ...] = (0.5, 0.6, 0.7, 0.8, "2:4")
    """Fractions of zeros, or N:M."""
    tau: float = Field(default=0.2, ge=0, le=1)
    """Strength of the allocation by tail exponents, as in the paper's scripts for Wanda."""
    block: int = Field(default=32, ge=1)
    """Columns that SparseGPT prunes together; 128 in the paper, whose layers are far wider."""
    ranked: tuple[str, ...] = ("local-agent",)
    """Models of the part on ranks and recoveries."""
    reductions: tuple[float, ...] = (0.1, 0.2, 0.3)
    """Fractions of the targets' parameters that factors save."""
    recoveries: tuple[Literal["none", "lrc", "n-lrc", "lora", "full"], ...] = (
        "none",
        "lrc",
        "n-lrc",
        "lora",
        "full",
    )
    """Recoveries after that; all but ``full`` with as many trainable parameters as ``lrc``."""
    steps: int = Field(default=100, ge=1)
    """Steps of a recovery."""
    rate: float = Field(default=5e-4, gt=0)
    """Its learning rate."""
    optimizers: tuple[str, ...] = (
        "adamw",
        "adamw8bit",
        "galore",
        "qgalore",
        "qgalore-nearest",
        "qgalore-eager",
        "lora",
        "qlora",
    )
    """Ways to train from scratch on equally many tokens, see :data:`.optimizers.WAYS`."""
    train_steps: int = Field(default=300, ge=1)
    """Steps of each."""
    train_batch: int = Field(default=16, ge=1)
    """Texts per step."""
    frontier: tuple[str, ...] = (
        "drop-half",
        "sparsegpt-2-4",
        "wanda-50",
        "alpha-sparsegpt-60",
        "low-rank-30",
        "welore-20",
        "int8",
        "int4",
    )
    """Recipes whose models are run in the closed loop."""
    episodes: int = Field(default=48, ge=0)
    """Episodes of each, in full physics on the crossing, cycling through its tasks."""
    threads: int = Field(default=1, ge=1)
    """Threads while latency is measured."""
    seed: int = 0
    """Seed of bootstraps."""


def recipe(study: CompressionStudyConfig, seed: int, *stages: dict[str, Any]) -> CompressionRecipe:
    """Returns a recipe of the study.

    Args:
        study: Gives the number of texts.
        seed: Its seed.
        stages: Its stages.
    """
    return CompressionRecipe.model_validate(
        {"stages": stages, "seed": seed, "calibration": {"samples": study.samples}}
    )


def pruning(
    study: CompressionStudyConfig, pruner: str, allocation: str, pattern: float | str, seed: int
) -> CompressionRecipe:
    """Returns the recipe of a cell of the grid."""
    sparsify: dict[str, Any] = {"stage": "sparsify", "method": pruner, "pattern": pattern}
    if pruner == "sparsegpt":
        sparsify["block"] = study.block
    shared: dict[str, Any] = {"stage": "allocate", "method": allocation}
    if allocation in ("alpha", PERMUTED):
        shared = {
            "stage": "allocate",
            "method": "alpha",
            "tau": study.tau,
            "shuffled": allocation == PERMUTED,
        }
    return recipe(study, seed, shared, sparsify)
