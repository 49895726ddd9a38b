"""What answers say around their plans, where readers are only measured."""

from __future__ import annotations

from surefoot.pddl.writing.sayings import Sayings

SAYINGS = Sayings(
    intros=(
        "Of course! Here's the complete plan:",
        "Okay, let's solve this planning problem.",
        "Absolutely. You can execute the actions below in the given order.",
        "**Plan (in order of execution):**",
        "The following plan transforms the initial state into a goal state.",
        "Below is a valid plan for the given problem.",
    ),
    outros=(
        "This completes the plan, and the goal state has been reached. ✔",
        "Feel free to ask if anything is unclear.",
        "The plan respects all the constraints of the domain.",
        "At the end of this sequence, the goal is achieved.",
        "If you want, I can also walk through the state after each action.",
    ),
    withdrawals=(
        "But wait, this doesn't work, because a precondition isn't met.",
        "Actually, no. Checking this sequence, I see that it misses something.",
        "That's incorrect: not every goal condition is reached this way.",
    ),
    corrections=(
        "Here's the fixed plan:",
        "**Final plan:**",
        "The correct sequence of actions is therefore:",
    ),
    refusals=(
        "It is not possible to reach the goal from the given initial state.",
        "I'm afraid I couldn't find a valid plan.",
        "After analyzing the problem, I conclude that no valid plan exists.",
    ),
    rejected=(
        "My best attempt was the following:\n\n{plan}\n\nUnfortunately, this sequence is invalid, "
        "so I can't offer a plan.",
        "At first sight, this looks like a solution:\n\n{plan}\n\nBut it isn't one, since it "
        "violates a precondition.",
    ),
    examples=(
        "For example, `{call}` would be needed, but its preconditions can never be satisfied.",
        "In particular, {call} is never applicable.",
    ),
    unfinished=(
        "Hmm, this plan is not valid after all, and I can't find one that is.",
        "Wait. Looking at it again, the plan above fails. I'm not able to solve this problem.",
    ),
    disowned=(
        "**Important:** the plan above is invalid. Do not use it.",
        "Unfortunately, the plan above does not achieve the goal.",
    ),
    nothing=(
        "The goal conditions already hold in the initial state, so the plan has no steps.",
        "No actions are necessary because the initial state already satisfies the goal.",
        "The plan is empty: everything that the goal asks for is already true.",
    ),
    denied=(
        "Do NOT perform {call}",
        "Avoid {call}",
        "Do not {said} at this point",
        "You should not {said}",
    ),
    unknown_verbs=("scan", "polish", "repair"),
)
"""Alternatives that readers are only measured on."""
