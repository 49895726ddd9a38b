"""The tasks of a bench: made once, with their plans, changed forms and questions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from surefoot.core.errors import InputError
from surefoot.pddl.benchmark.config import BenchConfig, BenchJob
from surefoot.pddl.benchmark.variants import Variant, make_variant
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.grading.answers import TaskFiles, find_tasks
from surefoot.pddl.language import Plan, Task, UnsupportedPddlError, load_task
from surefoot.pddl.questions import Question, Universe, ask, look
from surefoot.pddl.renaming import NameLevel, rename_task

EXAMPLE_SEED = 1_000_003
"""Seed of the solved examples: far from those that benches use."""

_UNIVERSES = 2
"""State spaces that are kept: a large one takes hundreds of megabytes, and the questions about a
task are made together."""


class TaskPlace(NamedTuple):
    """Which task it is.

    Attributes:
        name: ``DOMAIN/SIZE-SEED`` or ``FOLDER/pNN``.
        domain: Domain or folder name.
        size: Size of a generated instance, ``None`` of a given one.
        seed: Seed of a generated instance, ``None`` of a given one.
    """

    name: str
    domain: str
    size: int | None
    seed: int | None


class BenchTask:
    """A task as generated or read, before any renaming.

    Args:
        place: Which task it is.
        files: Where a given task lies; ``None`` of a generated one.

    Attributes:
        place: Which task it is.
        task: The task.
        witness: A valid plan if the generator gave one.
        prompt: Text of the ``.prompt`` file beside a given task, ``""`` if there is none.
        folder: Folder of a given task, ``None`` of a generated one.

    Raises:
        InputError: The task cannot be generated or read.
    """

    def __init__(self, place: TaskPlace, files: TaskFiles | None) -> None:
        self.place = place
        self.task: Task
        self.witness: Plan | None = None
        self.prompt = ""
        self.folder: Path | None = None
        self._variants: dict[BenchJob, Variant | None] = {}
        if files is None:
            assert place.size is not None
            assert place.seed is not None
            instance = get_domain(place.domain).generate(place.size, place.seed)
            self.task, self.witness = instance.task, instance.witness
            return
        task = load_task(files.domain_path, files.problem_path)
        self.task = replace(task, name=place.name)
        beside = files.problem_path.with_name(files.problem_path.name + ".prompt")
        if beside.is_file():
            self.prompt = beside.read_text(encoding="utf-8")
        self.folder = files.problem_path.parent

    @cached_property
    def plan(self) -> Plan:
        """A valid plan: the witness of a generated task; of a given one, a search's.

        Raises:
            InputError: The search finds none.
        """
        if self.witness is not None:
            return self.witness
        from surefoot.pddl.reference import FD_FF

        result = FD_FF.solve(self.task)
        if result.plan is None:
            raise InputError(
                f"'{self.place.name}' has no known plan and fd:ff finds none ({result.status}); "
                "leave the task out, or ask for the job 'plan' alone"
            )
        return result.plan

    def variant(self, job: BenchJob, seed: int) -> Variant | None:
        """Changes the task for a job, the same way each time.

        Args:
            job: The job; ``plan`` changes nothing.
            seed: Seed of the bench.

        Returns:
            The variant, ``None`` where the task has none.

        Raises:
            InputError: No plan of the task is known or found.
        """
        if job is BenchJob.PLAN:
            return None
        if job not in self._variants:
            self._variants[job] = make_variant(job, self.task, self.plan, seed)
        return self._variants[job]


class BenchTasks:
    """All tasks of a bench, each made when it is first needed.

    Args:
        config: The bench.

    Attributes:
        config: The bench.
        places: Which tasks there are, in order.
        unsupported: What is not supported of each given task that is left out for it.

    Raises:
        InputError: A domain, size or folder cannot be used, or no given task is supported.
    """

    def __init__(self, config: BenchConfig) -> None:
        self.config = config
        self._files = find_tasks(config.tasks) if config.tasks is not None else {}
        self._made: dict[TaskPlace, BenchTask] = {}
        self.unsupported: dict[str, str] = {}
        self.places: tuple[TaskPlace, ...] = tuple(self._listed())
        self._universes: OrderedDict[TaskPlace, Universe | None] = OrderedDict()
        self._questions: dict[tuple[TaskPlace, NameLevel, int | None], tuple[Question, ...]] = {}

    def _listed(self) -> Iterator[TaskPlace]:
        for domain in self.config.domain_names():
            spec = get_domain(domain)
            for size in self.config.sizes_of(domain):
                if not spec.min_size <= size <= spec.max_size:
                    raise InputError(
                        f"{domain}: size must be {spec.min_size} to {spec.max_size} "
                        f"({spec.size_means}), not {size}"
                    )
                for seed in self.config.seeds:
                    yield TaskPlace(f"{domain}/{size}-{seed}", domain, size, seed)
        for files in self._files.values():
            place = TaskPlace(files.name, files.domain, None, None)
            try:
                self._made[place] = BenchTask(place, files)
            except UnsupportedPddlError as error:
                self.unsupported[files.name] = error.reason
                if len(self.unsupported) == len(self._files):
                    raise
            else:
                yield place

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was read of given tasks although it looks like a mistake, one line each."""
        read = (self._made[place].task for place in self.places if place.size is None)
        return tuple(dict.fromkeys(warning for task in read for warning in task.warnings))

    def __getitem__(self, place: TaskPlace) -> BenchTask:
        """Returns a task.

        Raises:
            InputError: It cannot be generated or read.
        """
        if place not in self._made:
            files = self._files[place.name] if place.size is None else None
            self._made[place] = BenchTask(place, files)
        return self._made[place]

    def variant(self, job: BenchJob, place: TaskPlace) -> Variant | None:
        """Returns a task changed for a job, see :meth:`BenchTask.variant`."""
        return self[place].variant(job, self.config.seed)

    def missing_variants(self) -> dict[str, int]:
        """Counts the tasks that cannot be changed for a job, by ``JOB DOMAIN``."""
        found: dict[str, int] = {}
        for job in self.config.plan_jobs:
            for place in self.places:
                if job is not BenchJob.PLAN and self.variant(job, place) is None:
                    name = f"{job} {place.domain}"
                    found[name] = found.get(name, 0) + 1
        return found

    def questions(
        self, place: TaskPlace, level: NameLevel = NameLevel.NONE, renaming_seed: int | None = None
    ) -> tuple[Question, ...]:
        """Returns the questions about a task; under other names they are the same ones.

        Raises:
            InputError: The task cannot be used, or no plan of it is known or found.
        """
        key = (place, level, renaming_seed)
        if key not in self._questions:
            self._questions[key] = self._ask(place, level, renaming_seed)
        return self._questions[key]

    def _ask(
        self, place: TaskPlace, level: NameLevel, renaming_seed: int | None
    ) -> tuple[Question, ...]:
        universe = self._universe(place)
        if universe is None:
            return ()
        config = self.config
        if level is not NameLevel.NONE and renaming_seed is not None:
            task = universe.space.ground.task
            renaming = rename_task(task, level, renaming_seed)[1]
            universe = Universe(universe.space, universe.plan, renaming)
        kinds, forms = config.question_kinds, config.question_forms
        return tuple(ask(universe, kinds, forms, config.questions_per_task, config.seed))

    def _universe(self, place: TaskPlace) -> Universe | None:
        """The states of a task; ``None`` where nothing has to be done: no plan to ask about."""
        if place in self._universes:
            self._universes.move_to_end(place)
            return self._universes[place]
        made = self[place]
        states, seed = self.config.question_states, self.config.seed
        found = None
        if made.plan.steps:
            found = Universe(look(made.task, made.plan, states, seed), made.plan)
        self._universes[place] = found
        while len(self._universes) > _UNIVERSES:
            self._universes.popitem(last=False)
        return found

    def example_question(
        self, place: TaskPlace, question: Question, level: NameLevel, renaming_seed: int | None
    ) -> Question | None:
        """Returns a question of the same kind and form about the solved example of the domain."""
        if place.domain not in list_domains() or place.size is None:
            return None
        size = get_domain(place.domain).min_size
        example = TaskPlace(f"{place.domain}/example", place.domain, size, EXAMPLE_SEED)
        found = self.questions(example, level, renaming_seed)
        same = (q for q in found if (q.kind, q.form) == (question.kind, question.form))
        return next(same, None)

    def missing_questions(self) -> list[dict[str, object]]:
        """Counts the questions that were asked for and do not exist.

        Returns:
            Rows with ``domain``, ``size``, ``kind``, ``form`` and how many are ``missing``.
        """
        config = self.config
        if BenchJob.QUESTIONS not in config.jobs:
            return []
        counts: dict[tuple[str, int | None, str, str], int] = {}
        for place in self.places:
            made = [(q.kind, q.form) for q in self.questions(place)]
            for kind in config.question_kinds:
                for form in config.question_forms:
                    gap = config.questions_per_task - made.count((kind, form))
                    row = (place.domain, place.size, kind.value, form.value)
                    counts[row] = counts.get(row, 0) + gap
        names = ("domain", "size", "kind", "form")
        rows = [(row, n) for row, n in counts.items() if n]
        return [{**dict(zip(names, row, strict=True)), "missing": n} for row, n in rows]
