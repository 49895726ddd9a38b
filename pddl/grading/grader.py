"""Grades answers: extracts the plan, checks it, names what is wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.extract import (
    Extraction,
    Lexicon,
    TaskVocabulary,
    load_lexicon,
)
from surefoot.pddl.extract.readers import ANSWER_READERS, DEFAULT_READER
from surefoot.pddl.grading.answers import Answer, TaskFiles
from surefoot.pddl.grading.diagnosis import sub_label
from surefoot.pddl.grading.judgement import judge, judge_certain, last_step
from surefoot.pddl.grading.records import (
    SOLVED,
    AnswerOutcome,
    AnswerRecord,
    StepRecord,
    paper_label,
)
from surefoot.pddl.grading.second_reader import (
    NoReplyError,
    RejectedReadingError,
    SecondReader,
    read_again,
)
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Domain, Plan, Task, parse_domain, parse_problem
from surefoot.pddl.language.sexpr import SourceText
from surefoot.pddl.reference.bounds import Bounds
from surefoot.pddl.verdict import Verdict

BoundsLookup = Callable[[Task], Bounds]
"""Tells what is known of a task's optimal cost."""


@dataclass(frozen=True)
class LoadedTask:
    """A task made ready for grading many answers."""

    files: TaskFiles
    ground: GroundTask
    vocabulary: TaskVocabulary
    bounds: Bounds
    sha256: str
    reader: str = DEFAULT_READER


def signature(domain: Domain) -> frozenset[tuple[str, int]]:
    """Action names with their numbers of parameters; tells which lexicon fits."""
    return frozenset((a.name, len(a.parameters)) for a in domain.actions.values())


@dataclass(frozen=True, slots=True)
class LexiconSource:
    """Where a domain's lexicon comes from.

    Attributes:
        kind: ``given``, ``beside`` (the domain file), ``built-in`` or ``none``.
        name: The file as given, ``lexicon.yaml``, or the name of the built-in domain.
        sha256: Hash of the file's bytes, ``""`` without a file.
    """

    kind: str
    name: str = ""
    sha256: str = ""

    def __str__(self) -> str:
        words = {"built-in": f"built-in of {self.name}", "none": "none"}
        text = words.get(self.kind, self.name)
        return f"{text} (SHA-256 {self.sha256[:12]})" if self.sha256 else text


def find_lexicon(domain: Domain, folder: Path) -> Lexicon:
    """Returns the lexicon beside a domain file, else the built-in one with the same actions."""
    return choose_lexicon(domain, folder)[0]


def choose_lexicon(
    domain: Domain, folder: Path, given: Path | None = None
) -> tuple[Lexicon, LexiconSource]:
    """Returns a domain's lexicon and where it comes from.

    Args:
        domain: The domain.
        folder: Folder of its file, where ``lexicon.yaml`` may lie.
        given: A lexicon that is used instead of that file or a built-in one.

    Raises:
        InputError: The file is no lexicon of this domain.
    """
    beside = folder / "lexicon.yaml"
    known = _built_in().get(signature(domain))
    if given is not None:
        path, kind, name = given, "given", str(given)
    elif beside.is_file():
        path, kind, name = beside, "beside", beside.name
    elif known is not None:
        path, kind, name = known, "built-in", known.parent.name
    else:
        return Lexicon(), LexiconSource("none")
    lexicon = load_lexicon(path, domain)
    return lexicon, LexiconSource(kind, name, hashlib.sha256(path.read_bytes()).hexdigest())


@lru_cache(maxsize=1)
def _built_in() -> dict[frozenset[tuple[str, int]], Path]:
    folder = Path(str(files("surefoot.pddl.domains"))) / "data"
    paths = {name: folder / name / "lexicon.yaml" for name in list_domains()}
    return {
        signature(get_domain(name).domain): path for name, path in paths.items() if path.is_file()
    }


class TaskLoader:
    """Reads tasks, each domain once.

    Args:
        bounds: Looks up what is known of a task's optimal cost.
        reader: Name of the answer reader.
        lexicons: Lexicon files by the name of the domain's folder, used before any other.

    Attributes:
        lexicons: Where the lexicon of each domain comes from, for those that were read.
        warnings: What was read although it looks like a mistake, one line each.

    Raises:
        InputError: There is no such reader.
    """

    def __init__(
        self,
        bounds: BoundsLookup,
        reader: str = DEFAULT_READER,
        lexicons: Mapping[str, Path] | None = None,
    ) -> None:
        ANSWER_READERS.entry(reader)  # an unknown one should fail now, not at the first answer
        self._bounds, self._reader = bounds, reader
        self._given = dict(lexicons or {})
        self.lexicons: dict[str, LexiconSource] = {}
        self.warnings: list[str] = []
        self._domains: dict[Path, tuple[Domain, Lexicon, bytes]] = {}
        self._tasks: dict[str, LoadedTask] = {}

    def load(self, place: TaskFiles) -> LoadedTask:
        """Reads a task.

        Raises:
            UnsupportedPddlError: The task uses PDDL that is not supported.
            InputError: A file cannot be read.
        """
        known = self._tasks.get(place.name)
        if known is not None:
            return known
        path = place.domain_path
        if path not in self._domains:
            source = SourceText.from_file(path)
            domain = parse_domain(source)
            given = self._given.get(place.domain)
            lexicon, origin = choose_lexicon(domain, path.parent, given)
            self._domains[path] = domain, lexicon, source.text.encode()
            self.lexicons[place.domain] = origin
            self.warnings += domain.warnings
        domain, lexicon, text = self._domains[path]
        problem_source = SourceText.from_file(place.problem_path)
        problem = parse_problem(problem_source, domain)
        self.warnings += problem.warnings
        task = Task(domain, problem, place.name)
        digest = _digest(text, problem_source.text.encode())
        loaded = LoadedTask(
            place,
            GroundTask(task),
            TaskVocabulary(task, lexicon),
            self._bounds(task),
            digest,
            self._reader,
        )
        self._tasks[place.name] = loaded
        return loaded


def task_digest(place: TaskFiles) -> str:
    """Returns the hash of a task's two files, whether or not they can be read as PDDL."""
    domain, problem = map(SourceText.from_file, (place.domain_path, place.problem_path))
    return _digest(domain.text.encode(), problem.text.encode())


def _digest(domain: bytes, problem: bytes) -> str:
    return hashlib.sha256(domain + b"\0" + problem).hexdigest()


def unsupported_record(answer: Answer, reason: str) -> AnswerRecord:
    """Returns the record of an answer to a task that is not supported."""
    kind = AnswerOutcome.UNSUPPORTED
    return AnswerRecord(
        task=answer.task.name,
        domain=answer.task.domain,
        model=answer.model,
        kind=kind,
        paper=paper_label(kind),
        detail=reason,
        sub_label="",
        heuristic=False,
        form="",
        steps=(),
        first_error=None,
        literals=(),
        goal_fraction=0.0,
        executable_prefix=0,
        cost=None,
        lower=None,
        upper=None,
        bounds_method="",
        confidence=0.0,
        candidates=(),
        answer=answer.text,
        answer_sha256=_text_digest(answer.text),
        task_sha256=task_digest(answer.task),
        sample=answer.sample,
    )


def _text_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def grade(answer: Answer, task: LoadedTask, second: SecondReader | None = None) -> AnswerRecord:
    """Grades one answer; a failure of the grading itself becomes ``HARNESS_ERROR``.

    Args:
        answer: The answer.
        task: Its task.
        second: Reads the answer again if its reading is doubtful.

    Raises:
        NoReplyError: The second reader gave no reply.
    """
    try:
        read = ANSWER_READERS.get(task.reader)
        extraction = read(answer.text, task.ground, task.vocabulary)
        first = extraction
        judged = judge(extraction, task.ground)
        by, rejected = task.reader, ""
        if second is not None and judged.kind is AnswerOutcome.DOUBTFUL:
            try:
                extraction = read_again(answer.text, first, task.ground, task.vocabulary, second)
                judged = judge_certain(extraction, task.ground)
                by = second.name
            except RejectedReadingError as error:
                rejected = f"{second.name}: {error}"
        plan = extraction.chosen.plan if extraction.chosen else Plan()
        kind, detail, verdict = judged.kind, judged.detail, judged.verdict
        if (
            kind is AnswerOutcome.VALID
            and verdict is not None
            and _beaten(verdict.cost, task.bounds)
        ):
            kind = AnswerOutcome.SUBOPTIMAL
            detail = f"cost {verdict.cost:g}, a plan of cost {task.bounds.upper:g} is known"
        certain = verdict is not None and kind is not AnswerOutcome.DOUBTFUL
        label = sub_label(task.ground, plan, verdict) if verdict is not None and certain else ""
        if kind is AnswerOutcome.VALID and label == "redundant":
            kind, detail = AnswerOutcome.SUBOPTIMAL, "some of its steps can be left out"
    except NoReplyError:
        raise
    except Exception as error:  # a broken harness must never count against the model
        return _record(
            answer, task, AnswerOutcome.HARNESS_ERROR, f"{type(error).__name__}: {error}"
        )
    record = _record(answer, task, kind, detail, label, extraction, verdict)
    if extraction is not first and first.chosen is not None:
        record = replace(
            record, confidence=first.chosen.confidence(), doubts=first.chosen.doubts_up_to()
        )
    return replace(record, read_as=str(judged.read_as or ""), reader=by, second_reading=rejected)


def _beaten(cost: float, bounds: Bounds) -> bool:
    return bounds.upper is not None and cost > bounds.upper


def _record(
    answer: Answer,
    task: LoadedTask,
    kind: AnswerOutcome,
    detail: str,
    label: str = "",
    extraction: Extraction | None = None,
    verdict: Verdict | None = None,
) -> AnswerRecord:
    chosen = extraction.chosen if extraction else None
    errors = {e.step: e.message for e in verdict.all_errors} if verdict else {}
    steps = tuple(
        StepRecord(
            str(s.step), s.source.value, s.first_line, s.last_line, errors.get(i, ""), s.doubts
        )
        for i, s in enumerate(chosen.steps if chosen else (), start=1)
    )
    first = verdict.first_error if verdict else None
    literals = first.literals if first else verdict.unmet_goals if verdict else ()
    return AnswerRecord(
        task=task.files.name,
        domain=task.files.domain,
        model=answer.model,
        kind=kind,
        paper=paper_label(kind),
        detail=detail,
        sub_label=label,
        heuristic=kind in (AnswerOutcome.WRONG_GOAL, AnswerOutcome.GOAL_UNMET),
        form=extraction.form.value if extraction else "",
        steps=steps,
        first_error=first.step if first else None,
        literals=literals,
        goal_fraction=verdict.goal_fraction if verdict else 0.0,
        executable_prefix=verdict.executable_prefix if verdict else 0,
        cost=verdict.cost if verdict and kind in SOLVED else None,
        lower=task.bounds.lower,
        upper=task.bounds.upper,
        bounds_method=task.bounds.method,
        confidence=chosen.confidence(last_step(verdict)) if chosen else 0.0,
        doubts=chosen.doubts_up_to(last_step(verdict)) if chosen else (),
        candidates=tuple(
            (c.role, c.first_line, c.last_line, len(c.steps))
            for c in (extraction.candidates if extraction else ())
        ),
        answer=answer.text,
        answer_sha256=_text_digest(answer.text),
        task_sha256=task.sha256,
        sample=answer.sample,
    )
