"""The episodes of a bench: every combination that its configuration asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.pddl.benchmark.config import AnswerForm, BenchConfig, BenchJob, Mode, Shot, Style
from surefoot.pddl.benchmark.variants import Variant, make_variant
from surefoot.pddl.domains import get_domain
from surefoot.pddl.grading.answers import find_tasks
from surefoot.pddl.language import Plan, Task, load_task
from surefoot.pddl.renaming import NameLevel

EXAMPLE_SEED = 1_000_003
"""Seed of the solved examples: far from those that benches use."""


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

    @property
    def key(self) -> str:
        """Name of the episode, unique in its run."""
        parts = [self.planner, self.task, self.style, self.shot, self.answer, self.mode]
        if self.job != BenchJob.PLAN:
            parts.append(self.question or self.job)
        if self.renaming_seed is not None:
            parts.append(f"{self.renaming}-{self.renaming_seed}")
        return " ".join(part for part in parts if part)

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self)

    def original(self) -> BenchCase:
        """Returns the same episode without renaming."""
        return replace(self, renaming=NameLevel.NONE.value, renaming_seed=None)


Place = tuple[str, str, int | None, int | None]
"""A task's name, domain, size and seed."""


def make_cases(config: BenchConfig, reads_text: dict[str, bool]) -> list[BenchCase]:
    """Lists all episodes whose answer is a plan, in the order in which they are run.

    Args:
        config: The bench.
        reads_text: For each planner whether prompts matter to it.

    Raises:
        InputError: A domain, size or folder cannot be used.
    """
    tasks = list(places(config))
    wanted = [
        (job, task)
        for job in config.plan_jobs
        for task in tasks
        if job is BenchJob.PLAN or load_variant(job, task, config) is not None
    ]
    return [
        BenchCase(planner, *task, *prompt, *renaming, mode, job.value)
        for planner in config.planners
        for renaming in renaming_pairs(config)
        for prompt in _prompts(config, reads_text[planner])
        for mode in _modes(config, reads_text[planner])
        for job, task in wanted
    ]


def missing_variants(config: BenchConfig) -> dict[str, int]:
    """Counts by job and domain, as ``JOB DOMAIN``, the tasks that cannot be changed so."""
    found: dict[str, int] = {}
    for job in config.plan_jobs:
        for task in places(config):
            if job is not BenchJob.PLAN and load_variant(job, task, config) is None:
                name = f"{job} {task[1]}"
                found[name] = found.get(name, 0) + 1
    return found


def places(config: BenchConfig) -> Iterator[Place]:
    """Yields the tasks of a bench.

    Raises:
        InputError: A domain, size or folder cannot be used.
    """
    for domain in config.domain_names():
        spec = get_domain(domain)
        for size in config.sizes_of(domain):
            if not spec.min_size <= size <= spec.max_size:
                raise InputError(
                    f"{domain}: size must be {spec.min_size} to {spec.max_size} "
                    f"({spec.size_means}), not {size}"
                )
            for seed in config.seeds:
                yield f"{domain}/{size}-{seed}", domain, size, seed
    if config.tasks is not None:
        for files in find_tasks(config.tasks).values():
            yield files.name, files.domain, None, None


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


@dataclass(frozen=True)
class TaskSource:
    """A task as generated or read, before any renaming.

    Attributes:
        task: The task.
        witness: A valid plan if one is known.
        prompt: Text of the ``.prompt`` file beside it, ``""`` if there is none.
        folder: Folder of a given task, ``None`` of a generated one.
    """

    task: Task
    witness: Plan | None
    prompt: str
    folder: Path | None


@lru_cache(maxsize=4096)
def load_source(
    domain: str, size: int | None, seed: int | None, name: str, tasks: Path | None
) -> TaskSource:
    """Generates or reads the task of a case."""
    if size is not None and seed is not None:
        instance = get_domain(domain).generate(size, seed)
        return TaskSource(instance.task, instance.witness, "", None)
    assert tasks is not None
    files = find_tasks(tasks)[name]
    task = load_task(files.domain_path, files.problem_path)
    beside = files.problem_path.with_name(files.problem_path.name + ".prompt")
    text = beside.read_text(encoding="utf-8") if beside.is_file() else ""
    return TaskSource(replace(task, name=name), None, text, files.problem_path.parent)


def load_variant(job: BenchJob, place: Place, config: BenchConfig) -> Variant | None:
    """Changes a task for a job, the same way each time.

    Returns:
        The variant, ``None`` where the task has none.

    Raises:
        InputError: No plan of the task is known or found.
    """
    name, domain, size, seed = place
    return _variant(job, name, domain, size, seed, config.tasks, config.seed)


@lru_cache(maxsize=4096)
def _variant(
    job: BenchJob,
    name: str,
    domain: str,
    size: int | None,
    seed: int | None,
    tasks: Path | None,
    draw: int,
) -> Variant | None:
    source = load_source(domain, size, seed, name, tasks)
    return make_variant(job, source.task, known_plan(domain, size, seed, name, tasks), draw)


@lru_cache(maxsize=4096)
def known_plan(
    domain: str, size: int | None, seed: int | None, name: str, tasks: Path | None
) -> Plan:
    """Returns a valid plan: the witness of a generated task; of a given one, a search's.

    Raises:
        InputError: The search finds none.
    """
    source = load_source(domain, size, seed, name, tasks)
    if source.witness is not None:
        return source.witness
    from surefoot.pddl.reference import FD_FF

    result = FD_FF.solve(source.task)
    if result.plan is None:
        raise InputError(
            f"'{name}' has no known plan and fd:ff finds none ({result.status}); "
            "leave the task out, or ask for the job 'plan' alone"
        )
    return result.plan
