"""What answers say around their plans, for validation."""

from __future__ import annotations

from surefoot.pddl.writing.sayings import Sayings

SAYINGS = Sayings(
    intros=(
        "Below is one way to get there.",
        "Sure — this is the action sequence I came up with:",
        "## Final Answer",
        "Let's go through what has to happen, in order:",
        "The final sequence of actions is as follows.",
    ),
    outros=(
        "With that, everything the goal asks for is in place.",
        "The total is as short as I could make it.",
        "I double-checked each action against the rules above.",
        "That completes the task. ✅",
    ),
    withdrawals=(
        "Oops, I made an error there.",
        "Hmm, actually that fails. Let me fix this.",
        "Scratch that: one of the preconditions is violated.",
    ),
    corrections=("Let me try again:", "Revised plan:", "## Fixed version"),
    refusals=(
        "There is no sequence of actions that leads to the goal.",
        "After considering the options, I don't see how the goal could be reached.",
        "I apologize, but I'm unable to come up with a working plan here.",
    ),
    rejected=(
        "To illustrate the difficulty, consider this sequence:\n\n{plan}\n\nIt violates a "
        "precondition along the way, so it is not a solution.",
        "I considered\n\n{plan}\n\nbut rejected it. I have no plan to offer.",
    ),
    examples=(
        "Consider {call}: whatever comes before it, it gets in the way of the goal.",
        "Even `{call}` would not bring us closer.",
    ),
    unfinished=(
        "Hmm, that can't be right: one of these steps is impossible. I don't have a fix.",
        "Actually, scratch all of that. It doesn't lead to the goal and I give up.",
    ),
    disowned=(
        "Please don't use the above: it is an example of an incorrect plan.",
        "The sequence above is invalid and should be discarded.",
    ),
    nothing=(
        "Nothing has to be done here; the requested state is what we begin with.",
        "The empty plan suffices since the goal holds at the outset.",
    ),
    denied=("Skip this one: {call}", "Never {said}", "Don't {said}"),
    unknown_verbs=("hypnotise", "levitate", "applaud"),
)
"""Alternatives for validation."""
