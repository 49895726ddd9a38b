"""What a bench runs: one frozen, checked description that YAML and flags both fill."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from surefoot.core.config import check_config, read_config_file
from surefoot.core.errors import InputError
from surefoot.core.seeds import read_seeds
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.extract.readers import ANSWER_READERS, DEFAULT_READER
from surefoot.pddl.questions import MAX_STATES, QuestionForm, QuestionKind
from surefoot.pddl.renaming import NameLevel


class BenchJob(StrEnum):
    """What is done with each task; all but ``plan`` after PlanBench (arXiv 2206.10498)."""

    PLAN = "plan"
    """It is solved."""
    REUSE = "reuse"
    """Its plan is shown; a goal is asked for that a first part of the plan reaches."""
    REPLAN = "replan"
    """Its plan is shown; in the middle of it the state is changed from outside."""
    REFORMULATE_SHUFFLED = "reformulate-shuffled"
    """Its plan is shown; the same goal is stated in another order."""
    REFORMULATE_PARTIAL = "reformulate-partial"
    """The plan for the whole final state is shown; only a part of that state is the goal."""
    REFORMULATE_FULL = "reformulate-full"
    """Its plan is shown; the whole final state is the goal."""
    QUESTIONS = "questions"
    """Questions with exact answers are asked about it."""


class Style(StrEnum):
    """How a task is described."""

    PUBLISHED = "published"
    """The question alone, as in the o1 study; the task's own ``.prompt`` file if there is one."""
    COMPLETE = "complete"
    """Plain English that says everything, with the format of the answer."""
    PDDL = "pddl"
    """The two PDDL files, with the format of the answer."""
    TEMPLATE = "template"
    """Plain English from one template that knows nothing of the domain; for renamed tasks."""
    COMPACT = "compact"
    """The short form that the project's own small planner was trained on."""


class Shot(StrEnum):
    """What accompanies the question: nothing, a solved example, or a request to reason."""

    ZERO = "zero"
    ONE = "one"
    """One solved example of the same domain first."""
    COT = "cot"
    """The model is asked to reason before it answers."""


class AnswerForm(StrEnum):
    """How the answer is asked for."""

    TEXT = "text"
    JSON = "json"
    """As JSON with a schema that lists the task's actions and objects, or a question's answers."""
    SCORED = "scored"
    """Not written: the probabilities of the given answers are read off the model."""


class Mode(StrEnum):
    """What happens after a plan that is not valid."""

    DIRECT = "direct"
    """Nothing: one answer counts."""
    REPAIR_BINARY = "repair-binary"
    """The model hears that its plan is not valid and tries again."""
    REPAIR_FIRST = "repair-first"
    """It hears the first error."""
    REPAIR_ALL = "repair-all"
    """It hears all errors, the state at the first one and the unmet goals."""
    RESAMPLE = "resample"
    """Control with equal budget: it is asked anew and hears nothing."""


class BenchConfig(BaseModel):
    """A bench."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    planners: tuple[str, ...] = Field(min_length=1)
    """Planners, such as ``fd:lmcut``, ``greedy``, ``openai:NAME``, ``hf:FOLDER``."""
    domains: tuple[str, ...] = ()
    """Built-in domains; ``all`` for every one."""
    difficulty: tuple[int, ...] = (0, 1)
    """Sizes as steps above each domain's smallest one."""
    sizes: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Sizes by domain, in place of ``difficulty``."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the generated instances."""
    tasks: Path | None = None
    """Folder of given tasks, beside or in place of ``domains``."""
    jobs: tuple[BenchJob, ...] = (BenchJob.PLAN,)
    """What is done with each task."""
    question_kinds: tuple[QuestionKind, ...] = tuple(QuestionKind)
    """What questions are about."""
    question_forms: tuple[QuestionForm, ...] = tuple(QuestionForm)
    """Whether questions are answered with yes or no, by choice, or by writing items out."""
    questions_per_task: int = Field(default=1, ge=1, le=100)
    """Questions of each kind and form about a task."""
    question_states: int = Field(default=MAX_STATES, ge=1, le=1_000_000)
    """States up to which questions look at a task as a whole; of larger ones they ask less."""
    styles: tuple[Style, ...] = (Style.COMPLETE,)
    """Prompt styles; planners that read no text are run once."""
    shots: tuple[Shot, ...] = (Shot.ZERO,)
    """What accompanies the question: nothing, a solved example, or a request to reason."""
    answers: tuple[AnswerForm, ...] = (AnswerForm.TEXT,)
    """How the answer is asked for."""
    renamings: tuple[NameLevel, ...] = (NameLevel.NONE,)
    """Levels of renaming; need a style that names nothing but what the PDDL names."""
    renaming_seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of each level other than ``none``."""
    modes: tuple[Mode, ...] = (Mode.DIRECT,)
    """What happens after a plan that is not valid."""
    reader: str = DEFAULT_READER
    """Answer reader, see ``surefoot list readers``."""
    rounds: int = Field(default=5, ge=1, le=50)
    """Most answers an episode may take in modes other than ``direct``."""
    samples: int = Field(default=1, ge=1, le=1000)
    """Answers of a planner that reads text to each task, each an episode with seeds of its own."""
    seed: int = 0
    """Seed of everything that is drawn while planners run."""

    @field_validator("seeds", "renaming_seeds", mode="before")
    @classmethod
    def _read_seeds(cls, given: object) -> object:
        """Takes seeds in the grammar of the command line too, such as ``0:10``."""
        if isinstance(given, list | tuple) and any(isinstance(part, str) for part in given):
            given = ",".join(map(str, given))
        if isinstance(given, int) and not isinstance(given, bool):
            given = str(given)
        if not isinstance(given, str):
            return given
        try:
            return tuple(read_seeds(given))
        except InputError as error:
            raise ValueError(str(error)) from None

    @field_validator("reader")
    @classmethod
    def _known_reader(cls, name: str) -> str:
        if name not in ANSWER_READERS:
            raise ValueError(ANSWER_READERS.unknown(name))
        return name

    @model_validator(mode="after")
    def _consistent(self) -> BenchConfig:
        if not self.domains and self.tasks is None:
            raise ValueError("name at least one of 'domains' and 'tasks'")
        named = {Style.PUBLISHED, Style.COMPLETE}
        if set(self.renamings) != {NameLevel.NONE} and named & set(self.styles):
            raise ValueError(
                "renamed tasks need the styles pddl, template or compact: the others are "
                "written for the original names"
            )
        for name in (
            "planners",
            "domains",
            "difficulty",
            "seeds",
            "styles",
            "shots",
            "answers",
            "renamings",
            "renaming_seeds",
            "modes",
            "jobs",
            "question_kinds",
            "question_forms",
        ):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"'{name}' has an entry twice")
        if AnswerForm.SCORED in self.answers:
            if self.jobs != (BenchJob.QUESTIONS,):
                raise ValueError("'scored' answers need 'questions' as the only one of 'jobs'")
            if self.question_forms == (QuestionForm.GENERATIVE,):
                raise ValueError("'scored' answers need the form boolean or choice")
        return self

    @property
    def plan_jobs(self) -> tuple[BenchJob, ...]:
        """Jobs whose answer is a plan."""
        return tuple(j for j in self.jobs if j is not BenchJob.QUESTIONS)

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data for the manifest.

        Fields that came later are left out where they have their defaults, so that earlier run
        folders can be resumed.
        """
        data = self.model_dump(mode="json")
        if self.reader == DEFAULT_READER:
            del data["reader"]
        if self.samples == 1:
            del data["samples"]
        if self.jobs == (BenchJob.PLAN,):
            for name in (
                "jobs",
                "question_kinds",
                "question_forms",
                "questions_per_task",
                "question_states",
            ):
                del data[name]
        return data

    def domain_names(self) -> tuple[str, ...]:
        """Returns the built-in domains asked for.

        Raises:
            InputError: One is unknown.
        """
        names = list_domains() if self.domains == ("all",) else self.domains
        for name in (*names, *self.sizes):
            get_domain(name)
        return names

    def sizes_of(self, domain: str) -> tuple[int, ...]:
        """Returns the sizes to generate of a domain."""
        least = get_domain(domain).min_size
        return self.sizes.get(domain) or tuple(least + step for step in self.difficulty)


def read_config(path: Path | None, overrides: dict[str, Any]) -> BenchConfig:
    """Reads a configuration file and lays the command line's values over it.

    Args:
        path: YAML file, ``None`` for none.
        overrides: Fields given on the command line; they win.

    Raises:
        InputError: The file or a value cannot be used.
    """
    data = read_config_file(path) if path is not None else {}
    return check_config(BenchConfig, {**data, **overrides}, file=path)
