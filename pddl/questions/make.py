"""Composes questions: boolean, multiple choice and generative, balanced and seeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, Task
from surefoot.pddl.questions import facts
from surefoot.pddl.questions.facts import Maker, Topic, Universe
from surefoot.pddl.questions.sample import SampledSpace
from surefoot.pddl.questions.space import StateSpace, explore
from surefoot.pddl.renaming import Renaming

_TRIES = 40
_SAMPLED_TRIES = 10
"""Draws of a state until there is something to ask; fewer where each takes a walk."""

_POOL = 200

MAX_STATES = 50_000
"""Largest number of states that is explored in full by default."""


class QuestionKind(StrEnum):
    """What a question is about: the suites of ACPBench (arXiv 2410.05669) and its sequel.

    Execution is PlanBench's (arXiv 2206.10498, section 4).
    """

    APPLICABILITY = "applicability"
    PROGRESSION = "progression"
    REACHABILITY = "reachability"
    ACTION_REACHABILITY = "action_reachability"
    VALIDATION = "validation"
    EXECUTION = "execution"
    JUSTIFICATION = "justification"
    LANDMARKS = "landmarks"
    NEXT_ACTION = "next_action"


class QuestionForm(StrEnum):
    """How a question is answered."""

    BOOLEAN = "boolean"
    """Yes or no."""
    CHOICE = "choice"
    """One of four letters."""
    GENERATIVE = "generative"
    """One or all fitting items, written out."""


_MAKERS: dict[QuestionKind, Maker] = {
    QuestionKind.APPLICABILITY: facts.applicability,
    QuestionKind.PROGRESSION: facts.progression,
    QuestionKind.REACHABILITY: facts.reachability,
    QuestionKind.ACTION_REACHABILITY: facts.action_reachability,
    QuestionKind.VALIDATION: facts.validation,
    QuestionKind.EXECUTION: facts.execution,
    QuestionKind.JUSTIFICATION: facts.justification,
    QuestionKind.LANDMARKS: facts.landmarks,
    QuestionKind.NEXT_ACTION: facts.next_action,
}
_ALL = frozenset(
    {
        QuestionKind.APPLICABILITY,
        QuestionKind.PROGRESSION,
        QuestionKind.EXECUTION,
        QuestionKind.JUSTIFICATION,
    }
)
"""Kinds whose generative form asks for all items; the others ask for one."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its exact answer.

    Attributes:
        kind: What it is about.
        form: How it is answered.
        index: Its number among those of the same kind and form.
        setting: What is stated beside the task.
        text: The question itself, without the form of the answer.
        options: The four options of a choice, else empty.
        answers: Right answers: ``yes`` or ``no``; a letter; or items.
        every: Whether all items are wanted (compared as a set), not just one.
        pool: What a guess is drawn from: the possible answers, or up to 200 of all items.
        chance: Probability that a guess is right: one of all items, or each with 1/2.
        task: Name of the task.
    """

    kind: QuestionKind
    form: QuestionForm
    index: int
    setting: str
    text: str
    options: tuple[str, ...]
    answers: tuple[str, ...]
    every: bool
    pool: tuple[str, ...]
    chance: float
    task: str

    @property
    def unlisted(self) -> str:
        """The text without the list of options."""
        return self.text.removesuffix(f"\n{_listed(self.options)}") if self.options else self.text

    @property
    def key(self) -> str:
        """Key of the question among those about its task."""
        return f"{self.kind}-{self.form}-{self.index}"


def make_questions(
    task: Task,
    plan: Plan,
    *,
    kinds: Sequence[QuestionKind] = tuple(QuestionKind),
    forms: Sequence[QuestionForm] = tuple(QuestionForm),
    n: int = 2,
    seed: int = 0,
    cap: int = MAX_STATES,
    renaming: Renaming | None = None,
) -> list[Question]:
    """Makes questions about a task.

    Every answer is exact. A task with up to ``cap`` reachable states is looked at as a
    whole; of a larger one only that is asked which is proven, see
    :mod:`surefoot.pddl.questions.sample`. Where a kind of question has no item to ask for
    (every fact can be reached, say), there is no question: nothing is guessed.

    Args:
        task: The task, with its own names.
        plan: A valid plan for it.
        kinds: What to ask about.
        forms: How to be answered.
        n: Questions of each kind and form; boolean ones take turns between yes and no.
        seed: Seed of states, items and the order of options.
        cap: Most states to visit.
        renaming: Other names under which the same questions are told.

    Returns:
        The questions, by kind and form.
    """
    if not plan.steps or not kinds:
        return []
    return ask(Universe(look(task, plan, cap, seed), plan, renaming), kinds, forms, n, seed)


def look(task: Task, plan: Plan, cap: int, seed: int) -> StateSpace | SampledSpace:
    """Visits all states of a task, or those near a plan where there are more than ``cap``."""
    ground = GroundTask(task)
    return explore(ground, cap) or SampledSpace(ground, plan, seed)


def ask(
    universe: Universe,
    kinds: Sequence[QuestionKind],
    forms: Sequence[QuestionForm],
    n: int,
    seed: int,
) -> list[Question]:
    """Makes questions about a task whose states are known; see :func:`make_questions`."""
    name = universe.space.ground.task.name
    made: list[Question] = []
    for kind in kinds:
        first = Random(f"{seed} {kind} {name}").randrange(2)
        for form in forms:
            for i in range(n):
                rng = Random(f"{seed} {kind} {form} {i} {name}")
                question = _one(universe, kind, form, i, (first + i) % 2 == 0, rng)
                if question is not None:
                    made.append(question)
    return made


def _one(
    u: Universe, kind: QuestionKind, form: QuestionForm, i: int, yes: bool, rng: Random
) -> Question | None:
    for _ in range(_TRIES if isinstance(u.space, StateSpace) else _SAMPLED_TRIES):
        topic = _MAKERS[kind](u, rng)
        if topic is None:
            return None
        every = form is QuestionForm.GENERATIVE and kind in _ALL
        built = _BUILD[form](topic, yes, rng)
        if built is not None:
            text, options, answers, pool = built
            chance = float(0.5 ** len(pool)) if every else len(answers) / len(pool)
            drawn = pool if len(pool) <= _POOL else tuple(rng.sample(pool, _POOL))
            return Question(
                kind,
                form,
                i,
                topic.setting,
                text,
                options,
                answers,
                every,
                drawn,
                chance,
                u.space.ground.task.name,
            )
    return None


Built = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]


def _boolean(topic: Topic, yes: bool, rng: Random) -> Built | None:
    items = topic.right if yes else topic.wrong
    if not items:
        return None
    text = topic.ask.format(rng.choice(items))
    return text, (), ("yes" if yes else "no",), ("yes", "no")


def _choice(topic: Topic, yes: bool, rng: Random) -> Built | None:
    if not topic.right or len(topic.wrong) < 3:
        return None
    right = rng.choice(topic.right)
    options = [right, *rng.sample(topic.wrong, 3)]
    rng.shuffle(options)
    letter = "ABCD"[options.index(right)]
    return f"{topic.choose}\n{_listed(options)}", tuple(options), (letter,), tuple("ABCD")


def _listed(options: Sequence[str]) -> str:
    return "\n".join(f"{letter}) {o}" for letter, o in zip("ABCD", options, strict=True))


def _generative(topic: Topic, yes: bool, rng: Random) -> Built | None:
    if not topic.right or not topic.whole:
        return None
    return topic.list_all, (), topic.right, (*topic.right, *topic.wrong)


_BUILD = {
    QuestionForm.BOOLEAN: _boolean,
    QuestionForm.CHOICE: _choice,
    QuestionForm.GENERATIVE: _generative,
}
