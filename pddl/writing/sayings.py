"""What answers say around their plans, for development."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sayings:
    """Alternatives for everything that is not a step.

    Attributes:
        intros: Sentences before a plan.
        outros: Sentences after it.
        withdrawals: Sentences that take back what stands above.
        corrections: Headings of a plan that replaces the one above.
        refusals: Answers without a plan.
        rejected: Frames of a plan that is said not to work, with ``{plan}``.
        examples: Sentences after a refusal that name one action as failing, with ``{call}``.
        unfinished: Sentences that take a plan back without offering another.
        disowned: Sentences after a plan that say that it is wrong.
        nothing: Answers that say that nothing needs to be done.
        denied: Frames of a step that is not to be done, with ``{call}`` and ``{said}``.
        unknown_verbs: Verbs that no domain knows.
    """

    intros: tuple[str, ...]
    outros: tuple[str, ...]
    withdrawals: tuple[str, ...]
    corrections: tuple[str, ...]
    refusals: tuple[str, ...]
    rejected: tuple[str, ...]
    examples: tuple[str, ...]
    unfinished: tuple[str, ...]
    disowned: tuple[str, ...]
    nothing: tuple[str, ...]
    denied: tuple[str, ...]
    unknown_verbs: tuple[str, ...]


SAYINGS = Sayings(
    intros=(
        "Here is a plan that reaches the goal:",
        "Certainly! The following sequence of actions solves the task.",
        "**Plan**",
        "To solve this problem, we can proceed as follows:",
        "### Solution",
    ),
    outros=(
        "After these steps, all goal conditions are satisfied.",
        "This plan achieves the goal with a small number of actions.",
        "Every action's preconditions hold when it is carried out.",
        "Let me know if you would like a more detailed explanation!",
    ),
    withdrawals=(
        "Wait, that is not right.",
        "Hold on, this plan has a mistake.",
        "However, this does not reach the goal, so I need to revise it.",
    ),
    corrections=("Corrected plan:", "**Corrected plan**", "Here is the corrected plan:"),
    refusals=(
        "I was not able to find a plan for this problem.",
        "Unfortunately, this problem cannot be solved with the given actions.",
        "I'm sorry, but I cannot produce a valid plan for this task.",
    ),
    rejected=(
        "For example, one might try the following, but it does not work:\n\n{plan}\n\n"
        "So there is no valid plan.",
        "The obvious attempt is:\n\n{plan}\n\nThis attempt fails, and I see no other.",
    ),
    examples=(
        "For instance, `{call}` cannot be carried out when it is needed.",
        "For example, its first candidate {call} already fails.",
    ),
    unfinished=(
        "Wait, this plan does not work. I would need to start over.",
        "On checking it, the plan above is invalid, and I could not find a better one.",
    ),
    disowned=(
        "Note that this plan is wrong.",
        "Warning: the plan above is not correct and does not solve the problem.",
    ),
    nothing=(
        "The goal is already satisfied in the initial state, so no actions are needed.",
        "No action is required: all goal conditions hold from the start.",
    ),
    denied=("Do not execute {call}", "Do not {said}"),
    unknown_verbs=("teleport", "inspect", "photograph"),
)
"""Alternatives for development."""
