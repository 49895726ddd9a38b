"""Questions about planning tasks whose answers are exact: proven over states, never guessed."""

from surefoot.pddl.questions.check import MarkedAnswer, check, question_schema, read_value
from surefoot.pddl.questions.facts import Universe, changing_predicates
from surefoot.pddl.questions.make import (
    MAX_STATES,
    Question,
    QuestionForm,
    QuestionKind,
    ask,
    look,
    make_questions,
)
from surefoot.pddl.questions.sample import SampledSpace
from surefoot.pddl.questions.space import StateSpace, explore

__all__ = [
    "MAX_STATES",
    "MarkedAnswer",
    "Question",
    "QuestionForm",
    "QuestionKind",
    "SampledSpace",
    "StateSpace",
    "Universe",
    "ask",
    "changing_predicates",
    "check",
    "explore",
    "look",
    "make_questions",
    "question_schema",
    "read_value",
]
