"""What an answer says about itself: nothing to do, no solution, goal reached, cut off."""

from __future__ import annotations

import re

_NO_ACTION = re.compile(
    r"\b(?:no|zero) (?:further |additional |other )?"
    r"(?:actions?|steps?|moves?|changes?|plan|movements?)"
    r" (?:is|are|were|need(?:s|ed)?|required|necessary)"
    r"|\b(?:goal|problem)\b[^.]{0,60}\balready (?:been )?"
    r"(?:achieved|satisfied|met|solved|fulfilled|reached|true)"
    r"|\balready (?:in|at|satisf\w+|meets?|matches) (?:the |its |their )?"
    r"(?:goal|desired|required)"
    r"|\bnothing (?:has to be|must be|need be|is to be) (?:done|changed|moved)"
    r"|\b(?:initial|starting|start|current) (?:state|configuration|situation) (?:already |is |and )"
    r"(?:\w+ )?(?:satisf|meets?|match|equals?|the same|identical|fulfil|the goal)"
    r"|\b(?:goal|requested|desired|target|required) (?:state|configuration|situation)?[^.]{0,20}"
    r" (?:is|are|holds?) (?:already|what we (?:begin|start)|where we (?:begin|start)|the initial)"
    r"|\bthere is nothing (?:left )?to (?:do|be done)"
    r"|\bno need to (?:do anything|act|move anything)"
    r"|\bnothing (?:needs to be done|to do|more is needed)|\bempty plan\b"
    r"|\b(?:need|have) to do nothing\b"
    r"|\bdo(?:es)? not (?:need|require) any (?:action|move|step)"
)
_PARTIAL = re.compile(
    r"\b(?:for|of|with|ball|robot|block|tile|shot|crate|b)[ _]?\d|\bother\b|\bfurther\b"
)
_REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable|not able)"
    r"|i (?:can't|cannot|can not|could not|couldn't) (?:provide|help|solve|assist|find|produce"
    r"|give|generate|determine|come up|devise|answer|comply)|i (?:won't|will not) (?:provide|give)"
    r"|i (?:must|have to) (?:decline|give up)|i give up"
    r"|(?:i|we) (?:do not|don't|did not|didn't) (?:have|see|know|find) (?:an?|any|how|what|the)\b"
    r"(?: \w+){0,3} ?(?:plan|solution|answer|way|fix|goal|sequence|could|can)"
    r"|(?:have|has|there is|is) no (?:\w+ )?(?:plan|solution|answer|sequence)"
    r" (?:to|that|for|i|which)"
    r"|(?:unable|not able|failed) to (?:come up with|find|construct|devise|work out|derive"
    r"|determine"
    r"|give"
    r"|generate|reach|complete)|(?:rejected|discarded|abandoned|dismissed) (?:it|this|that|them)"
    r"|(?:could not|couldn't|cannot|can't) (?:come up with|work out|devise|construct|complete)"
    r"|unable to (?:provide|find|solve|produce|assist)|not able to provide)\b"
)
_UNSOLVABLE = re.compile(
    r"\b(?:(?:impossible|not possible|infeasible|unsolvable|unachievable)"
    r" to (?:achieve|reach|solve|complete|paint|satisfy|fulfil)"
    r"|no (?:valid |feasible |possible )?(?:plan|solution|sequence)[^.]{0,30}"
    r" (?:exists?|possible|can be found)"
    r"|(?:goal|problem|task|pattern)[^.]{0,40} (?:is|be) (?:unsolvable|infeasible|unachievable"
    r"|impossible|not (?:achievable|solvable|possible|feasible))"
    r"|cannot be (?:fully |completely )?(?:solved|achieved|completed|reached|satisfied)"
    r"|making (?:it|the (?:goal|task|pattern)) (?:impossible|unachievable|infeasible))\b"
)
_GIVES_UP = re.compile(
    r"\b(?:impossible|not possible|infeasible|not feasible|unable|not able|failed)"
    r" (?:for \w+ )?to (?:achieve|reach|solve|complete|satisfy|fulfil|create|develop|devise|find"
    r"|produce|construct|generate|provide|come up with|give) (?:an?|the|any|this|such|all)?"
    r" ?(?:\w+[ -]){0,3}?(?:plan|goal|goals|solution|task|problem|sequence|objective)\b"
    r"|\bno (?:valid |feasible |possible |such |correct )?(?:plan|solution|sequence)[^.]{0,30}"
    r" (?:exists?|is possible|can be found|is available)"
    r"|\b(?:goal|problem|task)\b[^.]{0,40}\b(?:is|be|remains?) (?:therefore |thus |indeed )?"
    r"(?:unsolvable|infeasible|unachievable|impossible|unreachable"
    r"|not (?:achievable|solvable|possible|feasible|reachable))"
    r"|\b(?:goal|problem|task|this|it)\b[^.]{0,30}\b(?:cannot|can not|can't) be"
    r" (?:solved|achieved|reached|accomplished)"
    r"|\bthere (?:is|exists) no (?:\w+ )?(?:plan|solution|sequence|way to (?:solve|reach|achieve))"
    r"|\b(?:does not|doesn't|do not) have an? (?:\w+ )?(?:solution|plan)"
    r"|\b(?:could not|couldn't|cannot|can't) (?:find|produce|construct|devise|come up with|give"
    r"|provide) (?:an?|any|the|you) (?:\w+ ){0,2}(?:plan|solution|sequence)"
    r"|\b(?:task|problem|goal|it) (?:\w+ )?(?:unsolvable|unachievable)\b"
)
_GOAL = re.compile(
    r"\b(?:achiev|reach|meet|satisf|fulfil|accomplish)\w*\b[^.]{0,80}"
    r"\b(?:goals?|objectives?|desired|targets?|requirements?|patterns?|destinations?)"
    r"|\b(?:goals?|objectives?|desired|final) [^.]{0,60}"
    r"\b(?:achieved|reached|met|satisfied|fulfilled|accomplished|attained)"
    r"|\b(?:in|to|at) (?:its|their) (?:\w+ ){0,2}(?:destinations?|goal|target)"
    r"|\bas (?:desired|required|specified)|\bsolves? the\b|\bproblem is solved"
    r"|\b(?:final|resulting) (?:state|arrangement|configuration|stack)"
    r"|\bsuccessfully\b|\b(?:all|every) [^.]{0,60}\b(?:have|has) been\b|\b(?:are|is) now\b"
)
_UNFINISHED = re.compile(r"(?:\b(?:and|the|to|with|from|of|in|on|a|an|then)|[,(:\[{])$")


def no_action_sentence(text: str) -> str | None:
    """Returns the sentence that says that nothing at all needs to be done, if there is one.

    A remark about one object (``ball4 is already there, no action needed``) does not count.
    """
    sentences = re.split(r"\.(?=\s|$)", text)
    return next((s for s in sentences if _NO_ACTION.search(s) and not _PARTIAL.search(s)), None)


def says_unsolvable(text: str) -> bool:
    """Returns whether a text says that the problem has no solution."""
    return bool(_UNSOLVABLE.search(text))


def gives_up(text: str) -> bool:
    """Returns whether a text says that there is no plan for the task as a whole."""
    return bool(_GIVES_UP.search(text))


def refuses(text: str) -> bool:
    """Returns whether a text declines to answer."""
    return bool(_REFUSAL.search(text))


def claims_goal(text: str) -> bool:
    """Returns whether a text says that its plan reaches what was asked for."""
    return bool(_GOAL.search(text))


def breaks_off(line: str) -> bool:
    """Returns whether a last line stops in the middle of a sentence or an item."""
    return not line or bool(_UNFINISHED.search(line))
