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
        "I'll work through this problem step by step.",
        "Great question! Here's how to get from the initial state to the goal:",
        "# Solution Plan",
        "The task can be accomplished like this:",
        "Got it. The action sequence below does the job.",
        "**Answer:**",
    ),
    outros=(
        "With that, everything the goal asks for is in place.",
        "The total is as short as I could make it.",
        "I double-checked each action against the rules above.",
        "That completes the task. ✅",
        "All goals have been achieved at this point.",
        "Would you like me to explain any of the actions in more depth?",
        "Each action is legal in the state in which it is applied. 🎉",
        "This should be an optimal plan, although I did not prove it.",
        "Hope this helps!",
    ),
    withdrawals=(
        "Oops, I made an error there.",
        "Hmm, actually that fails. Let me fix this.",
        "Scratch that: one of the preconditions is violated.",
        "❌ This doesn't work: an action in there is not applicable.",
        "Hmm, wait. I overlooked a constraint, so the above is not valid.",
        "Let me reconsider. That sequence breaks one of the rules.",
    ),
    corrections=(
        "Let me try again:",
        "Revised plan:",
        "## Fixed version",
        "Second attempt:",
        "### Updated Plan",
        "Taking that into account, the right sequence is:",
    ),
    refusals=(
        "There is no sequence of actions that leads to the goal.",
        "After considering the options, I don't see how the goal could be reached.",
        "I apologize, but I'm unable to come up with a working plan here.",
        "The problem, as stated, is unsolvable.",
        "I don't think that a plan exists for this goal.",
        "I must be honest: I couldn't work out a sequence of actions that gets there.",
    ),
    rejected=(
        "To illustrate the difficulty, consider this sequence:\n\n{plan}\n\nIt violates a "
        "precondition along the way, so it is not a solution.",
        "I considered\n\n{plan}\n\nbut rejected it. I have no plan to offer.",
        "The closest that I got is this:\n\n{plan}\n\nHowever, it fails before the goal is "
        "reached, so please do not take it for a solution.",
        "Someone might suggest\n\n{plan}\n\nbut that is not executable. No plan can be given.",
    ),
    examples=(
        "Consider {call}: whatever comes before it, it gets in the way of the goal.",
        "Even `{call}` would not bring us closer.",
        "Take {call} as an example: it can never be executed at the point where we need it.",
        "One would have to use `{call}`, and its preconditions cannot be met.",
    ),
    unfinished=(
        "Hmm, that can't be right: one of these steps is impossible. I don't have a fix.",
        "Actually, scratch all of that. It doesn't lead to the goal and I give up.",
        "Wait, I made a mistake: the sequence above does not work, and I'm unable to repair it.",
        "❌ After verification, this plan turns out to be invalid. I was not able to find another.",
    ),
    disowned=(
        "Please don't use the above: it is an example of an incorrect plan.",
        "The sequence above is invalid and should be discarded.",
        "⚠️ The plan above is not valid; please do not execute it.",
        "To be clear, what I wrote above is incorrect and does not reach the goal.",
    ),
    nothing=(
        "Nothing has to be done here; the requested state is what we begin with.",
        "The empty plan suffices since the goal holds at the outset.",
        "The initial state already fulfils the goal. Therefore the plan is empty.",
        "There is nothing to do: the goal is true from the very beginning.",
        "Zero actions are needed, because every goal fact is part of the initial state.",
    ),
    denied=(
        "Skip this one: {call}",
        "Never {said}",
        "Don't {said}",
        "{call} must NOT be executed",
        "Leave out {call}",
        "We must not {said}",
        "It would be a mistake to {said}, so we don't",
    ),
    unknown_verbs=(
        "hypnotise",
        "levitate",
        "applaud",
        "weigh",
        "measure",
        "label",
    ),
)
"""Alternatives for validation."""
