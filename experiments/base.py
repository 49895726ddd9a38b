"""What an experiment is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

Told = Callable[[str, int, int], None]
"""Called with the name of a part, its cases done and all its cases."""


@dataclass(frozen=True)
class Experiment:
    """A study of one paper's claim.

    Attributes:
        name: Name on the command line; the YAML file beside the module is named alike, with
            underscores.
        claim: The claim in one line, with the paper.
        config: Model of the YAML file.
        run: Runs the study into a folder, or goes on with it, and returns the report's path.
            Takes the configuration, the folder and a function that is told the progress.
    """

    name: str
    claim: str
    config: type[BaseModel]
    run: Callable[[Any, Path, Told], Path]
