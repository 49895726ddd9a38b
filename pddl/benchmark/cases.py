"""The episodes of a bench: every combination that its configuration asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from surefoot.pddl.benchmark.config import AnswerForm, BenchConfig, BenchJob, Mode, Shot, Style
from surefoot.pddl.benchmark.tasks import BenchTasks, TaskPlace
from surefoot.pddl.renaming import NameLevel


@dataclass(frozen=True, slots=True)
class BenchCase:
    """One episode.

    Attributes:
        planner: The planner's specification.
        task: ``DOMAIN/SIZE-SEED`` or ``FOLDER/pNN``.
        domain: Domain or folder name.
        size: Size of a generated instance, ``None`` of a given one.
        seed: Seed of a generated instance, ``None`` of a given one.
        style: Prompt style; ``""`` for a planner that reads no text, as the next two.
        shot: What stands around the question.
        answer: How the answer is asked for.
        renaming: Level of renaming.
        renaming_seed: Its seed, ``None`` without renaming.
        mode: What happens after a plan that is not valid.
        job: What is done with the task.
        question: Key of the question, ``""`` where a plan is asked for.
        sample: Which of several answers to the same it is, from 0.
    """

    planner: str
    task: str
    domain: str
    size: int | None
    seed: int | None
    style: str
    shot: str
    answer: str
    renaming: str
    renaming_seed: int | None
    mode: str
    job: str = BenchJob.PLAN.value
    question: str = ""
    sample: int = 0

    @property
    def key(self) -> str:
        """Name of the episode, unique in its run."""
        parts = [self.planner, self.task, self.style, self.shot, self.answer, self.mode]
        if self.job != BenchJob.PLAN:
            parts.append(self.question or self.job)
        if self.renaming_seed is not None:
            parts.append(f"{self.renaming}-{self.renaming_seed}")
        if self.sample:
            parts.append(f"sample-{self.sample}")
        return " ".join(part for part in parts if part)

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self)

    @property
    def place(self) -> TaskPlace:
        """Which task it is about."""
        return TaskPlace(self.task, self.domain, self.size, self.seed)

    @property
    def situation(self) -> tuple[str, str, int | None, str]:
        """What contestants are compared on and samples are drawn of: the task as it is posed."""
        return self.task, self.renaming, self.renaming_seed, self.job

    def original(self) -> BenchCase:
        """Returns the same episode without renaming."""
        return replace(self, renaming=NameLevel.NONE.value, renaming_seed=None)


def make_cases(tasks: BenchTasks, reads_text: dict[str, bool]) -> list[BenchCase]:
    """Lists all episodes whose answer is a plan, in the order in which they are run.

    Args:
        tasks: The bench with its tasks.
        reads_text: For each planner whether prompts matter to it.

    Raises:
        InputError: A task cannot be used.
    """
    config = tasks.config
    wanted = [
        (job, place)
        for job in config.plan_jobs
        for place in tasks.places
        if job is BenchJob.PLAN or tasks.variant(job, place) is not None
    ]
    return [
        BenchCase(planner, *place, *prompt, *renaming, mode, job.value, sample=sample)
        for planner in config.planners
        for renaming in renaming_pairs(config)
        for prompt in _prompts(config, reads_text[planner])
        for mode in _modes(config, reads_text[planner])
        for job, place in wanted
        for sample in range(config.samples if reads_text[planner] else 1)
    ]


def renaming_pairs(config: BenchConfig) -> Iterator[tuple[str, int | None]]:
    """Yields the levels of renaming with their seeds."""
    for level in config.renamings:
        if level is NameLevel.NONE:
            yield level.value, None
        else:
            yield from ((level.value, seed) for seed in config.renaming_seeds)


def _prompts(config: BenchConfig, reads_text: bool) -> list[tuple[str, str, str]]:
    if not reads_text:
        return [("", "", "")]
    return [
        (style.value, shot.value, answer.value)
        for style in config.styles
        for shot in (config.shots if style is not Style.COMPACT else (Shot.ZERO,))
        for answer in (config.answers if style is not Style.COMPACT else (AnswerForm.TEXT,))
    ]


def _modes(config: BenchConfig, reads_text: bool) -> list[str]:
    return [m.value for m in config.modes] if reads_text else [Mode.DIRECT.value]
