"""Questions about planning tasks whose answers are exact: worked out over all states."""

from surefoot.pddl.questions.check import Marked, check
from surefoot.pddl.questions.make import Form, Kind, Question, make_questions
from surefoot.pddl.questions.space import StateSpace, explore

__all__ = ["Form", "Kind", "Marked", "Question", "StateSpace", "check", "explore", "make_questions"]
