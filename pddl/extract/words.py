"""English words that say nothing about which objects a step uses, and forms of verbs."""

from __future__ import annotations

import re

FILLERS = frozenset(
    """
    a an the this that these those and or then now next finally first lastly again also please
    i we you it its they them their he she his her your my our us let lets itself themselves
    is are be been being was were do does did done has have having will would should must can
    to of in on at by with from into onto for up down off out over back away here there where
    forward upward downward upwards downwards straight directly immediately carefully gently
    slowly quickly safely simply once more just only still both same own current currently
    using use uses via through along towards toward inside within onto upon against next
    position place spot location destination side top ground air another other respective
    corresponding available free empty clean required needed necessary appropriate suitable
    action step move moves perform performs execute executes make makes making take takes
    begin begins start starts continue continues proceed proceeds go goes ahead so as not
    together simultaneously meanwhile subsequently afterwards later before after final
    remaining already yet between adjacent neighbouring neighboring nearby above below
    object item thing one ones time moment turn order sequence
    """.split()
)
"""Words that may stand round a step without being an argument of it."""

COLOURS = frozenset(
    """
    red blue green yellow black white orange purple pink brown grey gray cyan magenta silver
    gold golden violet turquoise big small large little tiny huge tall short heavy light wooden
    metal plastic round square
    """.split()
)
"""Adjectives that pick one object out of several."""

PARTICLES = frozenset("up down in out on off away back over left right forward".split())
"""Second words of verbs that may stand apart from them."""

ORDINALS = {
    word: n
    for n, word in enumerate(
        """
        first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
        thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
        """.split(),
        start=1,
    )
}

NUMBERS = {
    word: n
    for n, word in enumerate(
        """
        one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen
        """.split(),
        start=1,
    )
}
for _ten, _word in enumerate("twenty thirty forty fifty sixty".split(), start=2):
    NUMBERS[_word] = 10 * _ten
    NUMBERS.update({f"{_word}-{w}": 10 * _ten + n for w, n in list(NUMBERS.items())[:9]})

REMARK = re.compile(
    r",\s*(?:and )?(?:it|it's|its|this|that|now|he|she|they|(?:the )?[\w-]+(?: \w+)?)"
    r" (?:is|are|has|have|becomes?|will be|can|was|were)\b"
    r"|(?:,\s*|\s+)(?:because|since|so(?: that)?|that|which|where|whereas|in order to"
    r"|in preparation"
    r"|to (?:allow|free|clear|prepare|ensure|enable|avoid|begin|start|complete|satisf\w+|achieve"
    r"|reach the goal|get (?:access|ready|rid)|expose|gain|access|fulfil\w*|meet)"
    r"|ensuring|allowing|making|leaving|freeing|clearing|preparing|enabling|completing|satisfying"
    r"|achieving|exposing|now that|before|until|if|when|given that|thus|hence|thereby|therefore"
    r"|as (?:it|he|she|they|this|that|the|required|needed)|for (?:the|later|use|its|transport)"
    r"|instead of|rather than|not (?:to|on|in|into|from|with))\b"
)
"""Begins the part of a clause that gives a reason or a purpose."""

_IRREGULAR = {
    "take": "took|taken",
    "retake": "retook|retaken",
    "put": "put",
    "set": "set",
    "go": "went|gone",
    "drive": "drove|driven",
    "get": "got|gotten",
    "fly": "flew|flown",
    "bring": "brought",
    "shake": "shook|shaken",
    "undo": "undid|undone",
    "do": "did|done",
    "hold": "held",
    "shut": "shut",
    "let": "let",
    "fit": "fit",
    "ride": "rode|ridden",
    "carry": "carried",
    "leave": r"(?<!the )(?<!its )(?<!his )(?<!to )(?<!turned )(?<!moved )(?<!went )left",
    "unwind": "unwound",
    "feed": "fed",
    "send": "sent",
    "swing": "swung",
    "draw": "drew|drawn",
}
"""Past forms; ``left`` may also be a direction or a hand."""


def verb_pattern(phrase: str, past: bool = False) -> str:
    """Returns a regex for a phrase whose first word may be inflected (picks, picking).

    Args:
        phrase: Words, verb first and in base form.
        past: Whether past forms count too (picked).
    """
    verb, *rest = phrase.split()
    if verb.endswith("e") and not verb.endswith("ee"):
        forms = rf"{re.escape(verb[:-1])}(?:e|es|ing{'|ed' if past else ''})"
    elif verb.endswith("y") and verb[-2:-1] not in tuple("aeiou"):
        forms = rf"{re.escape(verb[:-1])}(?:y|ies|ying{'|ied' if past else ''})"
    else:
        last = re.escape(verb[-1])
        forms = rf"{re.escape(verb)}(?:e?s|{last}?ing{f'|{last}?ed' if past else ''})?"
    if past and verb in _IRREGULAR:
        forms = rf"(?:{forms}|{_IRREGULAR[verb]})"
    return r"[ _-]?".join([forms, *map(re.escape, rest)])
