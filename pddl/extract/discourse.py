"""What an answer does with its own plans: takes them back, replaces them, gives examples."""

from __future__ import annotations

import re

_PLANLIKE = (
    r"(?:(?:plan|sequence|solution|approach|answer|attempt|idea|version|strategy|list above)"
    r"|(?:above|previous|first|earlier) (?:one|order|list|steps|actions))"
)
_PRONOUN = (
    r"^\W*(?:(?:but|however|unfortunately|wait|hmm+|no|actually|sorry|well|oh|ah|and|note that)"
    r"\W+)*"
    r"(?:that|this|it|which|these)"
)
_BAD = (
    r"(?:not (?:\w+ )?(?:correct|right|valid|feasible|going to work|working|possible|executable"
    r"|complete|optimal|quite right|allowed)|n't (?:\w+ )?(?:correct|right|valid|work|feasible"
    r"|possible|allowed)|incorrect|wrong|invalid|flawed|infeasible|impossible|faulty|mistaken"
    r"|broken|suboptimal|erroneous)"
)
_WITHDRAWS = re.compile(
    rf"(?:\b{_PLANLIKE}|{_PRONOUN})\b[^.:;,]{{0,40}}?\b(?:is|was|are|were|seems|looks|would be"
    rf"|turns out(?: to be)?|proves(?: to be)?)\s?(?:\w+ )?{_BAD}(?!\w)"
    rf"|\bwhat (?:i|we) (?:wrote|said|gave|listed|showed|proposed)\b[^.:;]{{0,30}}?\b(?:is|was)"
    rf"\s?(?:\w+ )?{_BAD}(?!\w)"
    r"|\b(?:plan|sequence|solution|above)\b[^.:;]{0,40}?\b(?:does not|doesn't|fails? to)"
    r" (?:reach|achieve|satisfy|meet|solve)"
    r"|\b(?:do(?:es)?|did|will|would|wo|ca|can)(?: ?not|n't) (?:actually |quite )?(?:work|succeed)"
    r"|\b(?:that|this|it|which|plan|attempt|approach|idea) fails\b"
    r"|\b(?:can't|cannot|can not|couldn't) be (?:quite |entirely )?(?:right|correct|valid|true)\b"
    r"|\b(?:one|some|two|several|parts?|most) of (?:the|these|those|my|its)"
    rf" (?:steps|actions|moves)\s(?:is|are|was|were) {_BAD}"
    r"|\b(?:i|we) (?:no longer|don't|do not) (?:trust|stand by|believe|recommend)\b"
    r"|\boops\b|\bwhoops\b|\bmy mistake\b|\bmy bad\b|\bscratch that\b|\bstrike that\b"
    r"|\b(?:there is|there's|i (?:made|see|notice|found|spotted)|contains?|has) (?:an?|some|the)"
    r" (?:\w+ )?(?:mistake|error|problem|flaw|slip|bug)s?\b"
    r"|\b(?:let me|let's|let us|i(?:'ll| will| need to| have to| must| should))"
    r" (?:just |now |try to |please )?(?:fix|correct|redo|retry|rethink|revise|rework|reconsider"
    r"|re-?do|restart|try (?:again|once more)|start (?:over|again|from scratch)|rewrite|repair"
    r"|amend)\b"
    r"|\bon second thought\b"
    r"|\b(?:please )?(?:disregard|ignore|forget|discard) (?:the|this|that|my|all)"
    r"|\bi (?:take|took) (?:that|this|it) back\b|\bwas a mistake\b|\bi was wrong\b"
    r"|\b(?:hold on|wait)\b[^.]{0,60}\b(?:not|n't|cannot|wrong|mistake|error|instead)"
    r"|\b(?:violates?|breaks|contradicts?) (?:the|a|one of|this|that)\b"
)
_NOT_WITHDRAWN = re.compile(
    r"\bif\b[^.]*\b(?:wrong|incorrect|not|n't)|\bensur|\bavoid|\bso that\b|\bnever\b|\bno "
    r"(?:mistakes?|errors?|problems?)\b|\bnot wrong\b|\bcheck(?:ed)? (?:that|whether|if)\b"
)
_REPLACES = re.compile(
    r"\b(?:revised|corrected?|adjusted|updated|improved|fixed|amended|repaired|reworked|better"
    r"|new|final|second|another|right|proper|valid|actual|shorter)\b[^.]{0,30}"
    r"\b(?:plan|sequence|solution|approach|steps?|actions|answer|version|attempt|try|list|order)\b"
    r"|\bhere(?:'s| is| are) (?:the|a|my) (?:correct|right|fixed|new|revised|better)"
    r"|\b(?:correction|take two|second attempt|new attempt|attempt (?:2|two))\b"
)
_EXAMPLE = re.compile(
    r"\b(?:for (?:instance|example)|e\.g\.|as an example|such as|one (?:might|could)|attempts?"
    r"|tried|trying|would (?:be|fail|not|need|require)|(?:in)?complete|partial|closest|even if"
    r"|suppose|consider(?:ed)?|rejected|discarded|ruled out|looked at|thought (?:about|of)"
    r"|hypothetical\w*|if (?:it|we|i|you|one)|naive|could (?:try|start)"
    r"|does not|doesn't|fails?|because|the obvious|at first)\b"
)
_INSTEAD = re.compile(
    r"\b(?:but|however|nevertheless|nonetheless|still|instead|anyway|even so|that said)\b"
    r"|\bhere(?:'s| is| are)\b"
)
_CONCURRENT = re.compile(
    r"\b(?:simultaneously|in parallel|at the same time|concurrently|meanwhile|both robots act)\b"
)


def withdraws(text: str) -> bool:
    """Returns whether a line takes back what stands before it."""
    return any(
        _WITHDRAWS.search(sentence) and not _NOT_WITHDRAWN.search(sentence)
        for sentence in re.split(r"[.!?;](?=\s|$)", text)
    )


def replaces(text: str) -> bool:
    """Returns whether a line announces another plan in place of one before it."""
    return bool(_REPLACES.search(text))


def gives_example(text: str) -> bool:
    """Returns whether a line speaks of what could be tried, not of what is to be done."""
    return bool(_EXAMPLE.search(text))


def offers_instead(text: str) -> bool:
    """Returns whether a line goes on with something in spite of what was said."""
    return bool(_INSTEAD.search(text))


def concurrent(text: str) -> bool:
    """Returns whether a line says that steps happen at the same time."""
    return bool(_CONCURRENT.search(text))
