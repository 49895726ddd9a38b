"""What answers say around their plans, where readers are only measured."""

from __future__ import annotations

from surefoot.pddl.writing.sayings import Sayings

SAYINGS = Sayings(
    intros=(
        "I'll work through this problem step by step.",
        "Great question! Here's how to get from the initial state to the goal:",
        "# Solution Plan",
        "The task can be accomplished like this:",
        "Got it. The action sequence below does the job.",
        "**Answer:**",
    ),
    outros=(
        "All goals have been achieved at this point.",
        "Would you like me to explain any of the actions in more depth?",
        "Each action is legal in the state in which it is applied. 🎉",
        "This should be an optimal plan, although I did not prove it.",
        "Hope this helps!",
    ),
    withdrawals=(
        "❌ This doesn't work: an action in there is not applicable.",
        "Hmm, wait. I overlooked a constraint, so the above is not valid.",
        "Let me reconsider. That sequence breaks one of the rules.",
    ),
    corrections=(
        "Second attempt:",
        "### Updated Plan",
        "Taking that into account, the right sequence is:",
    ),
    refusals=(
        "The problem, as stated, is unsolvable.",
        "I don't think that a plan exists for this goal.",
        "I must be honest: I couldn't work out a sequence of actions that gets there.",
    ),
    rejected=(
        "The closest that I got is this:\n\n{plan}\n\nHowever, it fails before the goal is "
        "reached, so please do not take it for a solution.",
        "Someone might suggest\n\n{plan}\n\nbut that is not executable. No plan can be given.",
    ),
    examples=(
        "Take {call} as an example: it can never be executed at the point where we need it.",
        "One would have to use `{call}`, and its preconditions cannot be met.",
    ),
    unfinished=(
        "Wait, I made a mistake: the sequence above does not work, and I'm unable to repair it.",
        "❌ After verification, this plan turns out to be invalid. I was not able to find another.",
    ),
    disowned=(
        "⚠️ The plan above is not valid; please do not execute it.",
        "To be clear, what I wrote above is incorrect and does not reach the goal.",
    ),
    nothing=(
        "The initial state already fulfils the goal. Therefore the plan is empty.",
        "There is nothing to do: the goal is true from the very beginning.",
        "Zero actions are needed, because every goal fact is part of the initial state.",
    ),
    denied=(
        "{call} must NOT be executed",
        "Leave out {call}",
        "We must not {said}",
        "It would be a mistake to {said}, so we don't",
    ),
    unknown_verbs=("weigh", "measure", "label"),
)
"""Alternatives that readers are only measured on."""
