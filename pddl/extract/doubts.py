"""What can make the reading of an answer doubtful: codes that readers note on the way."""

from __future__ import annotations

WORDS = "words"
"""A step has words that nothing accounts for."""
ADJUNCT = "adjunct"
"""A step names a known object that is not one of its arguments."""
VAGUE = "vague"
"""A step says something of an argument that names no object (``into the corner``)."""
CHOICE = "choice"
"""Several objects fit what a step leaves open."""
NEAREST = "nearest"
"""Nothing fits what a step leaves open; the nearest step is written down."""
MISFIT = "misfit"
"""A step names a known object that it cannot take."""
CONTRADICTION = "contradiction"
"""A title and what stands below it, or two parts of a step, differ."""
UNDEFINED = "undefined"
"""A step uses a name of the answer's own that it does not define."""
INVENTED = "invented"
"""A listed item is no action of the domain."""
KEYED = "keyed"
"""An argument stands under a key or a column that names no parameter."""
CONDITIONAL = "conditional"
"""A step is only meant under a condition."""
REMARKED = "remarked"
"""A sentence behind a step could be a step of its own."""
LOOP = "loop"
"""Steps come from a loop that is unrolled."""
SEVERAL = "several"
"""Several different plans stand in the answer."""
SET_ASIDE = "set_aside"
"""Steps stand in a part that is not taken for the plan."""
WITHDRAWN = "withdrawn"
"""The answer takes something back, and it is not clear how much."""
DENIED = "denied"
"""The answer doubts or denies its own plan, or says that there is none."""
PARALLEL = "parallel"
"""Steps are said to happen at the same time."""
RENUMBERED = "renumbered"
"""The numbers of the steps jump or start again."""
ALIASED = "aliased"
"""Names that the answer defines itself are used."""
UNREAD = "unread"
"""A listed line between the steps looks like a step and could not be read."""
IDLE = "idle"
"""The answer says that nothing is to be done, and lists steps."""

ALL = (
    WORDS,
    ADJUNCT,
    VAGUE,
    CHOICE,
    NEAREST,
    MISFIT,
    CONTRADICTION,
    UNDEFINED,
    INVENTED,
    KEYED,
    CONDITIONAL,
    REMARKED,
    LOOP,
    SEVERAL,
    SET_ASIDE,
    WITHDRAWN,
    DENIED,
    PARALLEL,
    RENUMBERED,
    ALIASED,
    UNREAD,
    IDLE,
)
"""All codes, in the order of the table of confidence."""
