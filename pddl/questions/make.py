"""Puts questions together: boolean, multiple choice and generative, balanced and seeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, Task
from surefoot.pddl.questions import facts
from surefoot.pddl.questions.facts import Maker, Topic, Universe
from surefoot.pddl.questions.space import StateSpace, explore
from surefoot.pddl.renaming import tell

_TRIES = 40


class Kind(StrEnum):
    """What a question is about; the suites of ACPBench (arXiv 2410.05669) and its sequel."""

    APPLICABILITY = "applicability"
    PROGRESSION = "progression"
    REACHABILITY = "reachability"
    ACTION_REACHABILITY = "action_reachability"
    VALIDATION = "validation"
    JUSTIFICATION = "justification"
    LANDMARKS = "landmarks"
    NEXT_ACTION = "next_action"


class Form(StrEnum):
    """How a question is answered."""

    BOOLEAN = "boolean"
    """Yes or no."""
    CHOICE = "choice"
    """One of four letters."""
    GENERATIVE = "generative"
    """One or all fitting items, written out."""


_MAKERS: dict[Kind, Maker] = {
    Kind.APPLICABILITY: facts.applicability,
    Kind.PROGRESSION: facts.progression,
    Kind.REACHABILITY: facts.reachability,
    Kind.ACTION_REACHABILITY: facts.action_reachability,
    Kind.VALIDATION: facts.validation,
    Kind.JUSTIFICATION: facts.justification,
    Kind.LANDMARKS: facts.landmarks,
    Kind.NEXT_ACTION: facts.next_action,
}
_ALL = frozenset({Kind.APPLICABILITY, Kind.PROGRESSION, Kind.JUSTIFICATION})
"""Kinds whose generative form asks for all items; the others ask for one."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its exact answer.

    Attributes:
        kind: What it is about.
        form: How it is answered.
        prompt: The whole text: task, setting, question, form of the answer.
        options: The four options of a choice, else empty.
        answers: Right answers: ``yes`` or ``no``; a letter; or items.
        every: Whether all items are wanted (compared as a set), not just one.
        task: Name of the task.
    """

    kind: Kind
    form: Form
    prompt: str
    options: tuple[str, ...]
    answers: tuple[str, ...]
    every: bool
    task: str


def make_questions(
    task: Task,
    plan: Plan,
    *,
    kinds: Sequence[Kind] = tuple(Kind),
    forms: Sequence[Form] = tuple(Form),
    n: int = 2,
    seed: int = 0,
    cap: int = 20_000,
) -> list[Question]:
    """Makes questions about a task.

    Every answer is worked out over all reachable states. Where the task has too many, or a
    kind of question has no item to ask for (every fact can be reached, say), there is no
    question: nothing is guessed.

    Args:
        task: The task.
        plan: A valid plan for it.
        kinds: What to ask about.
        forms: How to be answered.
        n: Questions of each kind and form; boolean ones take turns between yes and no.
        seed: Seed of states, items and the order of options.
        cap: Most states to visit.

    Returns:
        The questions, by kind and form.
    """
    space = explore(GroundTask(task), cap)
    if space is None:
        return []
    universe = Universe(space, plan)
    told = tell(task)
    made: list[Question] = []
    for kind in kinds:
        for form in forms:
            for i in range(n):
                rng = Random(f"{seed} {kind} {form} {i} {task.name}")
                question = _one(universe, kind, form, i % 2 == 0, rng, told)
                if question is not None:
                    made.append(question)
    return made


def _one(u: Universe, kind: Kind, form: Form, yes: bool, rng: Random, told: str) -> Question | None:
    for _ in range(_TRIES):
        topic = _MAKERS[kind](u, rng)
        built = _BUILD[form](topic, kind, yes, rng)
        if built is not None:
            text, options, answers = built
            prompt = f"{told}\n\n{topic.setting}\n\n{text}"
            every = form is Form.GENERATIVE and kind in _ALL
            return Question(kind, form, prompt, options, answers, every, u.space.ground.task.name)
    return None


Built = tuple[str, tuple[str, ...], tuple[str, ...]]


def _boolean(topic: Topic, kind: Kind, yes: bool, rng: Random) -> Built | None:
    pool = topic.right if yes else topic.wrong
    if not pool:
        return None
    text = f"{topic.ask.format(rng.choice(pool))}\nAnswer with yes or no."
    return text, (), ("yes" if yes else "no",)


def _choice(topic: Topic, kind: Kind, yes: bool, rng: Random) -> Built | None:
    if not topic.right or len(topic.wrong) < 3:
        return None
    right = rng.choice(topic.right)
    options = [right, *rng.sample(topic.wrong, 3)]
    rng.shuffle(options)
    listed = "\n".join(f"{letter}) {o}" for letter, o in zip("ABCD", options, strict=True))
    text = f"{topic.choose}\n{listed}\nAnswer with one letter."
    return text, tuple(options), ("ABCD"[options.index(right)],)


def _generative(topic: Topic, kind: Kind, yes: bool, rng: Random) -> Built | None:
    if not topic.right:
        return None
    return f"{topic.list_all}\nWrite nothing else.", (), topic.right


_BUILD = {Form.BOOLEAN: _boolean, Form.CHOICE: _choice, Form.GENERATIVE: _generative}

__all__ = ["Form", "Kind", "Question", "StateSpace", "make_questions"]
