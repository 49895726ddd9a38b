"""What an experiment is, and the base class of the studies behind it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.files import write_atomic
from surefoot.core.progress import Progress
from surefoot.experiments.parts import TIMEOUT, Item, all_found, found_in, run_part
from surefoot.results.run_folder import REPORT_NAME, SUMMARY_NAME

_LAST = ("workers", "seed")
"""Fields that a summary lists after a study's own ones, wherever they were declared."""


@dataclass(frozen=True)
class Experiment:
    """A study of one paper's claim.

    Attributes:
        name: Name on the command line; the folder of its module is named alike, with underscores.
        claim: The claim in one line, with the paper.
        config: Model of the YAML file.
        run: Runs the study in a folder, or resumes it there, and returns the report's path.
            Takes the configuration, the folder and a progress callback.
    """

    name: str
    claim: str
    config: type[BaseModel]
    run: Callable[[Any, Path, Progress], Path]


class StudyConfig(BaseModel):
    """Configuration of a study; each study adds its own fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: int = Field(default=2, ge=1)
    """Processes."""

    def to_json(self) -> dict[str, Any]:
        """Returns all fields as JSON data, in the order in which summaries list them."""
        data = self.model_dump(mode="json")
        last = {name: data.pop(name) for name in _LAST if name in data}
        return {**data, **last}


Config = TypeVar("Config", bound=StudyConfig)


class Study(ABC, Generic[Config]):
    """One run of a study in a folder.

    A subclass names the study and implements :meth:`results`; the base class runs parts, each in
    a run folder of its own that can be resumed, and writes the summary and the report.

    Args:
        config: What is run.
        out: Folder of the study.
        progress: Called as the cases of a part finish.
    """

    name: ClassVar[str]
    """Name of the study on the command line."""
    claim: ClassVar[str]
    """The claim in one line, with the paper."""
    timeout_s: ClassVar[float] = TIMEOUT
    """Seconds of wall-clock time for one case."""
    complete: ClassVar[bool] = False
    """Whether a lost case ends the study; otherwise it is left out of the results."""

    def __init__(self, config: Config, out: Path, progress: Progress) -> None:
        self.config, self.out, self.progress = config, out, progress

    @property
    def text(self) -> str:
        """The configuration as JSON, to hand to worker processes."""
        return self.config.model_dump_json()

    def check(self) -> None:
        """Checks the configuration before anything is written.

        Raises:
            InputError: The study cannot be run.
        """
        return

    @abstractmethod
    def results(self) -> tuple[dict[str, Any], str]:
        """Runs all parts that are not finished.

        Returns:
            The summary as JSON data, and the report as HTML.

        Raises:
            InputError: Something that the study reads cannot be used.
            HarnessError: A case that the study cannot do without was lost.
        """

    def part(
        self, name: str, work: Mapping[str, Item], function: Callable[[Item], Any]
    ) -> dict[str, Any]:
        """Runs the cases of a part that its folder lacks.

        Args:
            name: Name of the part and of its folder.
            work: Items to work on, by key.
            function: Runs one case in a process of its own; its return value is recorded.

        Returns:
            Results by key.

        Raises:
            InputError: A case was refused and the study is :attr:`complete`.
            HarnessError: A case was lost in another way and the study is :attr:`complete`.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        records = run_part(
            self.name,
            name,
            self.out,
            self.config,
            work,
            function,
            self.progress,
            self.config.workers,
            timeout_s=self.timeout_s,
        )
        return all_found(name, self.out, work, records) if self.complete else found_in(records)

    def progress_of(self, name: str) -> Progress:
        """Returns a progress callback for a part whose work does not name it."""

        def named(done: int, total: int, part: str = name) -> None:
            self.progress(done, total, part)

        return named

    @classmethod
    def run(cls, config: Config, out: Path, progress: Progress) -> Path:
        """Runs the study in a folder, or resumes it there.

        Args:
            config: What is run.
            out: Folder of the study; made if missing.
            progress: Called as the cases of a part finish.

        Returns:
            The report's path.

        Raises:
            InputError: The study or something that it reads cannot be used.
            HarnessError: A case that the study cannot do without was lost.
        """
        study = cls(config, out, progress)
        study.check()
        summary, page = study.results()
        out.mkdir(parents=True, exist_ok=True)
        write_atomic(out / SUMMARY_NAME, json.dumps(summary, indent=2) + "\n")
        write_atomic(out / REPORT_NAME, page)
        return out / REPORT_NAME

    @classmethod
    def experiment(cls, config: type[Config]) -> Experiment:
        """Returns the study as an entry of the registry.

        Args:
            config: Model of its YAML file.
        """
        return Experiment(cls.name, cls.claim, config, cls.run)
