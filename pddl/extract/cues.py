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
    r"|\bnothing (?:needs to be done|to do|more is needed)|\bempty plan\b"
    r"|\b(?:need|have) to do nothing\b"
    r"|\bdo(?:es)? not (?:need|require) any (?:action|move|step)"
)
_PARTIAL = re.compile(
    r"\b(?:for|of|with|ball|robot|block|tile|shot|crate|b)[ _]?\d|\bother\b|\bfurther\b"
)
_REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable|not able)"
    r"|i (?:can't|cannot|can not) (?:provide|help|solve|assist|find|produce)"
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


def says_no_action(text: str) -> bool:
    """Returns whether a line says that nothing at all needs to be done.

    A remark about one object (``ball4 is already there, no action needed``) does not count.
    """
    sentences = re.split(r"\.(?=\s|$)", text)
    return any(_NO_ACTION.search(s) and not _PARTIAL.search(s) for s in sentences)


def says_unsolvable(text: str) -> bool:
    """Returns whether a text says that the problem has no solution."""
    return bool(_UNSOLVABLE.search(text))


def refuses(text: str) -> bool:
    """Returns whether a text declines to answer."""
    return bool(_REFUSAL.search(text))


def claims_goal(text: str) -> bool:
    """Returns whether a text says that its plan reaches what was asked for."""
    return bool(_GOAL.search(text))


def breaks_off(line: str) -> bool:
    """Returns whether a last line stops in the middle of a sentence or an item."""
    return not line or bool(_UNFINISHED.search(line))
