"""Ways to say plans, for the development of the reader."""

from __future__ import annotations

from surefoot.verification.writing.rarer import RARER
from surefoot.verification.writing.wordings import Wordings, merged

_COMMON = Wordings(
    name="common",
    constructs={
        "act": (
            "[|Then |Next, |Finally, |Now |Please ]{A}[| carefully| safely| immediately].",
            "[You should|You must|The robot should|The robot must] {A}.",
        ),
        "acts": (
            "[|Then |Next, ]{A}[ and| and then|, then|, and then|, and] {B}[|.]",
            "[First, |]{A}. [Then|Next,|After that,] {B}.",
        ),
        "if": (
            "[If|Only if|Provided that] {C}[,|, then|:] {A}[|.]",
            "{A} [if|only if|provided that] {C}[|.]",
            "[Then |Next, ]if {C}, {A}.",
            "[Check|See] [if|whether] {C}. [If so|If it is the case|If yes], {A}.",
        ),
        "if-both": ("[If|Only if] {C}[,|, then|:] {A} [and|and then] {B}[|.]",),
        "unless": (
            "[Unless {C}|Unless {C}], {A}.",
            "{A}[| carefully| now][,|] unless {C}[|.]",
            "[Then |Next, |Now ]{A} unless {C}.",
            "[Then |Next, |Now ]unless {C}[,|:] {A}.",
        ),
        "if-else": (
            "If {C}[,|, then] {A}[, otherwise|, else|; otherwise,|; else,| otherwise] {B}.",
            "If {C}, {A}. [Otherwise|Else|If not], {B}.",
            "{A} if {C}[, otherwise|, else|; otherwise] {B}.",
            "Check [if|whether] {C}. If so, {A}. [If not|Otherwise], {B}.",
            "Check whether {C}, and if so, {A}; otherwise, {B}.",
            "{A} unless {D}, in which case {B}.",
        ),
        "else-if": ("If {C}, {A}. [Otherwise,|Else] if {E}, {B}. [Otherwise|Else], {A2}.",),
        "wait": (
            "[|Then |Now ]wait until {C}.",
            "[|Then |Next, |Now ][wait|hold|pause|hold on] until {C}[|.]",
            "[|Then |Next, |Now ][wait|hold] [while|as long as] {D}[|.]",
        ),
        "wait-act": (
            "[Once|As soon as|After] {C}, {A}[|.]",
            "Wait until {C}[, then|, and then| and then|, and] {A}[|.]",
            "{A} [once|as soon as|only once] {C}[|.]",
            "[Then |Next, ]once {C}, {A}.",
            "Only {A} [once|after] {C}.",
        ),
        "while": (
            "[While|As long as] {C}[,|:] {A}[|.]",
            "{A} [while|as long as|for as long as|so long as] {C}[|.]",
            "[Keep|Continue|Go on] {Aing} [while|as long as] {C}[|.]",
        ),
        "until": (
            "[|Then |Next, ]{A} until {C}[|.]",
            "[Keep|Keep on|Continue|Go on] {Aing} until {C}[|.]",
            "Until {C}[,|:] {A}[|.]",
            "[Then |Next, |Now |Please ][keep|continue] {Aing} until {C}.",
        ),
        "until-act": ("{A} until {C}[, then|, and then| and then] {B}[|.]",),
        "times": (
            "[|Then |Next, |Now ]{A} {N} times[|.]",
            "[|Then |Next, |Now ][|please ]{A} for {N} [steps|time steps][|.]",
        ),
        "pause": ("[|Then |Now |Next, ][Wait|Pause|Hold] [for |]{N} [steps|time steps][|.]",),
        "jump": (
            "[|Then |Finally, ][Go|Go back|Return|Proceed|Jump|Move on] to step {n}[|.]",
            "[|Then |Finally, ][Repeat|Continue|Start again] from step {n}[|.]",
        ),
        "if-jump": ("If {C}[,| then|, then] [go|go back|return|proceed|jump] to step {n}[|.]",),
        "restart": (
            "[|Then |Finally, ][Repeat|Start over|Start again|Go back to the beginning][|.]",
            "[|Then |Finally, ][Repeat the process|Repeat all steps|Repeat forever][|.]",
            "[|Finally, ]repeat from the [start|beginning][|.]",
        ),
        "end": ("[|Then |Finally, ][End|Finish|End the plan|The plan is done|Done][|.]",),
        "never": (
            "[Never|Do not|Don't] {Z}[| at any time| at any point][|.]",
            "You must [never|not] {Z}[| at any time| at any point][|.]",
            "[Never|Do not|Don't|You must not] {Z} [if|while|unless|as long as] {C}[|.]",
        ),
        "head-if": ("[If|Only if] {C}[:|, do the following:|, then:]", "Provided that {C}:"),
        "head-else": ("[Otherwise|Else|If not]:",),
        "head-while": ("[While|As long as] {C}[:|, do the following:]",),
        "head-until": ("Until {C}[:|, do the following:]",),
        "head-once": ("[Once|As soon as|After] {C}[:|, do the following:]",),
        "head-times": ("Repeat [|the following |these steps ]{N} times:",),
        "look": ("[Look for|Check for|Observe|Watch for] {things}[|.]",),
        "next": ("If {C}, [continue|proceed|move on|go on] to the next step. Otherwise, {A}.",),
    },
    doubtful={
        "then-if": ("{A}[, then|, and then| and] {B} if {C}.",),
        "and-unless": ("{A} and {B} unless {C}.",),
        "while-then": ("While {C}, {A}, then {B}.",),
        "if-then-then": ("If {C}, {A}, then {B}.",),
        "trailing-not": ("If {t} or {u} is not [there|visible|present], {A}.",),
        "no-and": ("If there is no {t0} and {u}, {A}.",),
        "mixed": ("If {C} and {E} or {G}, {A}.",),
        "check-command": ("Check if {C}, {A}.",),
        "when": ("When {C}, {A}.",),
        "no-or-visible": ("If no {t0} or {u0} is visible, {A}.",),
    },
    things=(
        ("there is {a}", "{a} is [visible|present]", "you see {a}", "there are {p}"),
        (
            "there is no {s}",
            "no {s} is [visible|present]",
            "there are no {p}",
            "there [isn't|is not] {a}",
            "the {s} is gone",
            "you do not see {a}",
        ),
    ),
    states=(("{x} is {y}", "{x} turns {y}"), ("{x} is not {y}", "{x} isn't {y}")),
    joined={
        "and": ("{1} and {2}", "{1}, and {2}"),
        "or": ("{1} or {2}", "either {1} or {2}"),
        "nor": ("there is no {s} or {r}", "neither {a} nor {b} is [visible|present]"),
        "either": ("there is {a} or {b}", "{a} or {b} is visible"),
    },
    layouts=("{n}. ", "{n}) ", "Step {n}: ", "- ", "* ", "**{n}.** "),
    openings=(
        "",
        "",
        "Here is the plan:",
        "Sure! Here's a plan for the robot:",
        "Certainly. Here is a step-by-step plan:",
        "Plan:",
        "# Plan",
    ),
    closings=(
        "",
        "",
        "This plan ensures safety.",
        "Let me know if you have any questions.",
        "I hope this helps!",
    ),
    titles=("Approach", "Preparation", "Safety", "Opening moves"),
)

DEVELOPMENT = merged("development", _COMMON, RARER)
"""All ways that the reader was developed with."""
