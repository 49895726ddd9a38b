"""Perturbations on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from surefoot.cli.console import parts


def read_shift(env: str, texts: Sequence[str] | None) -> tuple[dict[str, Any], ...]:
    """Reads what goes wrong, given as texts, each with commas or not.

    Args:
        env: The environment, by whose size fog and the like are measured.
        texts: As for ``surefoot run --perturb``.

    Raises:
        InputError: There is no such environment, perturbation or argument.
    """
    from surefoot.envs.episodes.catalogue import get_environment
    from surefoot.envs.perturbations.pipeline import Pipeline

    shift = Pipeline.parse(parts(texts))
    stage = get_environment(env)
    return tuple(stage.adapted(spec) for spec in shift.specs())
