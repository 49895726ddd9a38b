"""More ways to say plans, for the development of the reader: rarer words for the same."""

from __future__ import annotations

from surefoot.verification.writing.wordings import Wordings

RARER = Wordings(
    name="rarer",
    constructs={
        "act": (
            "[Afterwards, |Lastly, |Slowly |Carefully |Go ahead and ]{A}[| now| at once| safely].",
            "[The vehicle should|You need to|You have to|Make sure to|Be sure to] {A}.",
        ),
        "acts": (
            "[Afterwards, |Lastly, |To begin, |]{A}[, and after that| and after that|, then] {B}.",
            "[First of all, |To start, ]{A}. [Afterwards|Subsequently|Lastly], {B}.",
        ),
        "if": (
            "[In case|Assuming|Assuming that|If and only if|Provided] {C}, {A}[|.| now.]",
            "{A}[| right away| slowly][ but only if|, but only if| if and only if] {C}.",
            "[Find out|Determine|Verify|Test] whether {C}. [If so|If that is the case], {A}.",
            "Only {A} if {C}.",
        ),
        "if-both": ("[In case|Assuming that|If] {C}, {A} and [then|afterwards|next] {B}.",),
        "unless": (
            "[Afterwards, |Lastly, |Slowly |Carefully ]{A}[| now], unless {C}[|.]",
            "[Afterwards, |Lastly, |]unless {C}, [go ahead and |]{A}[|.]",
            "Unless {C}[,|, please|, then] {A}[| right away].",
        ),
        "if-else": (
            "If {C}: {A}; else: {B}.",
            "If {C} then {A} [else|otherwise] {B}.",
            "If {C}, {A}. [In any other case|In all other cases|If that is not the case], {B}.",
            "[Find out|Determine|Verify] [if|whether] {C}. [If yes|If so], {A}. If not, {B}.",
            "[Assuming that|Provided] {C}, {A}; [otherwise|else] {B}.",
            "See if {C}, and if so, {A}. Otherwise, {B}.",
        ),
        "else-if": (
            "If {C}, then {A}. Otherwise, if {E}, then {B}. In all other cases, {A2}.",
            "If {C}: {A}. Else if {E}: {B}. Else: {A2}.",
        ),
        "wait": (
            "[Afterwards, |Lastly, |][pause|hold|wait there|wait here|remain waiting] until {C}.",
            "[Afterwards, |Lastly, |][pause|wait here|wait] [for as long as|as long as] {D}.",
            "[You should|You must|You need to|Make sure to] wait till {C}.",
        ),
        "wait-act": (
            "The moment {C}, {A}[| right away].",
            "[Afterwards, |]as soon as {C}, [then |]{A}[|.]",
            "[Pause|Hold|Wait here] until {C}[, then|, and then| and then] {A}.",
            "{A} [the moment|only after|after] {C}.",
            "[Afterwards, |Lastly, ]only {A} [after|once] {C}.",
        ),
        "while": (
            "[For as long as|So long as|As long as] {C}, [keep on |carry on |keep ]{Aing}.",
            "[Carry on|Keep on|Keep] {Aing} [so long as|for as long as|while] {C}.",
            "[Afterwards, |Lastly, |Slowly ]{A} so long as {C}.",
        ),
        "until": (
            "[Carry on|Keep on|Keep] {Aing} [till|until] {C}.",
            "[Afterwards, |Lastly, |Slowly |Carefully ]{A} till {C}[|.]",
            "Until {C}, [keep on |carry on |keep |continue ]{Aing}.",
            "[You should|You must] [keep|continue] {Aing} until {C}.",
        ),
        "until-act": ("[Keep|Carry on] {Aing} [till|until] {C}[, and then|, then] {B}.",),
        "times": (
            "[Afterwards, |Lastly, |Carefully |]{A} {N} times.",
            "[Keep|Continue|Carry on] {Aing} for {N} [steps|ticks|time steps].",
            "[Afterwards, |Lastly, |Slowly ]{A} for {N} [ticks|timesteps|steps].",
        ),
        "pause": (
            "[Afterwards, |Lastly, |You should |Make sure to ][pause|wait|hold] {N} [steps|ticks].",
        ),
        "jump": (
            "[Afterwards, |Lastly, ][loop back|jump back|skip ahead] to step {n}.",
            "[Afterwards, |][resume|continue|start over] [from|at] step {n}.",
        ),
        "if-jump": ("[In case|Provided that] {C}, [skip|jump|move on|loop back] to step {n}.",),
        "restart": (
            "[Afterwards, |Lastly, |][begin again|restart|loop back to the start].",
            "[Afterwards, |Lastly, |]repeat [the whole process|everything|the whole plan]"
            "[| indefinitely| endlessly].",
            "Go back to the [top|first step|very beginning].",
        ),
        "end": ("[Afterwards, |Lastly, |][terminate|exit|finish the task|the task is complete].",),
        "never": (
            "[At no point|At no time|Under no circumstances] [should you |]{Z}.",
            "[You should not|Must not|You must not] {Z} [while|whenever|when|if] {C}.",
            "Avoid {Zing}[| while {C}| if {C}| whenever {C}].",
        ),
        "head-if": (
            "[In case|Assuming that|Provided that] {C}[:|, follow these steps:|, then do this:]",
        ),
        "head-else": ("[In any other case|In all other cases]:", "Otherwise, [do|perform] these:"),
        "head-while": ("[So long as|For as long as] {C}[:|, repeat the following:|, repeat:]",),
        "head-until": ("Until {C}[, repeat the following:|, repeat these steps:|, do this:]",),
        "head-once": ("The moment {C}[:|, do these:|, then:]",),
        "head-times": ("[Do|Repeat|Loop] [the following steps|the following|this] {N} times:",),
        "look": ("[Scan for|Look out for|Keep an eye out for|Monitor|Inspect] {things}.",),
        "next": ("If {C}, [go|advance|move] [on |]to the [next|following] step. Otherwise, {A}.",),
    },
    doubtful={
        "then-if": ("{A} and after that {B} [in case|provided that|but only if] {C}.",),
        "and-unless": ("{A}, then {B}, unless {C}.",),
        "while-then": ("[So long as|As long as] {C}, {A}, and then {B}.",),
        "if-then-then": ("[In case|Provided] {C}, {A}, and after that {B}.",),
        "trailing-not": ("If {t} or {u} isn't [detected|in sight|there], {A}.",),
        "no-and": ("If you do not see {t} and {u}, {A}.",),
        "mixed": ("If {C} or {E} and {G}, {A}.",),
        "check-command": ("Determine whether {C}, {A}.", "See if {C} and {A}."),
        "when": ("{A} when {C}.", "Whenever {C}, {A}."),
        "no-or-visible": ("If no {t0} or {u0} is [detected|present], {A}.",),
        "until-both": ("{A} and {B} until {C}.", "{A}, then {B} till {C}."),
        "otherwise-then": ("If {C}, {A}. Otherwise, {B}, then {A}.",),
        "in-the-past": ("Once {t} has left, {A}.", "If {t} was there, {A}."),
        "maybe": ("You may {A}.", "{A} or {B}.", "If possible, {A}."),
    },
    things=(
        (
            "there's {a}",
            "{a} is [detected|in sight|there]",
            "{p} are [detected|in view]",
            "you [detect|notice|spot] {a}",
            "{a} has been detected",
            "there are any {p}",
        ),
        (
            "there's no {s}",
            "there aren't any {p}",
            "you don't see any {p}",
            "no {p} are [detected|in sight]",
            "the {s} is no longer [visible|there]",
            "there is no longer {a}",
            "no {s} has been detected",
        ),
    ),
    states=(
        ("{x} becomes {y}", "{x} has turned {y}", "{x} is now {y}", "{x} is already {y}"),
        ("{x} is no longer {y}", "{x} is not yet {y}", "{x} is still not {y}"),
    ),
    joined={
        "and": ("{1} and {2}", "both {1} and {2}", "{1}, and {2}"),
        "or": ("{1}, or {2}", "either {1}, or {2}"),
        "nor": (
            "there is neither {a} nor {b}",
            "there are no {p} or {q}",
            "there isn't {a} or {b}",
            "you don't see {a} or {b}",
        ),
        "either": ("you see {a} or {b}", "either {a} or {b} is [detected|there]"),
    },
    layouts=("### Step {n}: ", "{n} - ", "**Step {n}:** ", "• ", "({l}) ", "{l}. ", "step {n}. "),
    openings=(
        "",
        "Of course! Below is a safe sequence of actions for the task:",
        "To get there safely, follow these steps:",
        "Okay, here's what I propose as the plan:",
        "**Final plan**",
        "Based on the rules, here is the procedure:",
        "## Proposed procedure",
    ),
    closings=(
        "",
        "Feel free to ask for changes.",
        "By following these steps, the robot keeps everyone safe.",
        "If you need anything else, just let me know!",
        "These steps comply with the rules.",
    ),
    titles=("Getting ready", "Main part", "Wrapping up", "Observation phase"),
)
