"""Ways to say plans that the reader is measured with, and was not developed with."""

from __future__ import annotations

from surefoot.verification.writing.wordings import Wordings

HELD_OUT = Wordings(
    name="held out",
    constructs={
        "act": (
            "[After this, |Now, |As a next step, |]{A}[| gently| smoothly].",
            "[The robot will|You will|We should|The robot needs to|You are to] {A}.",
            "[Just|Simply|Directly|Always remember to|Please now] {A}.",
        ),
        "acts": (
            "[To begin with, |At first, |]{A} and [subsequently|finally|also] {B}.",
            "{A}. [After this|Now|As the next step|Third], {B}.",
            "{A}; [then|next|afterwards] {B}.",
        ),
        "if": (
            "[Given that|On condition that|If it is true that|If you find that] {C}, {A}.",
            "[Then |Please |]{A}, provided {C}.",
            "[Check|See|Verify|Confirm] that {C}. [If so|If this is the case], {A}.",
            "[If|In case] {C}, [you should|the robot should|you must|please] {A}.",
            "{A} [in the case that|given that|on condition that] {C}.",
        ),
        "if-both": (
            "[If|Provided] {C}, {A} and {B}.",
            "If {C}, you should {A} and then {B}.",
        ),
        "unless": (
            "[You should|You must|The robot should|Please] {A} unless {C}.",
            "Unless {C}, [you should|the robot should|you must] {A}[|.]",
            "Except if {C}, {A}.",
            "[Now|Next|Afterwards|Lastly], {A} unless {C}.",
        ),
        "if-else": (
            "If {C}, you should {A}; otherwise, you should {B}.",
            "If {C}, {A}, [or else|otherwise|else] {B}.",
            "If {C}, {A}. [Or else|If this is not the case|If it is not the case], {B}.",
            "[Check|Determine|Decide] whether {C}: [if so|if yes], {A}; if not, {B}.",
            "If {C} then [please |]{A}. Else [please |]{B}.",
            "{A}, [if|provided that] {C}. Otherwise, {B}.",
            "If {C}, {A}, and [otherwise|if not], {B}.",
        ),
        "else-if": (
            "If {C}, {A}; else if {E}, {B}; else {A2}.",
            "If {C}, {A}. Otherwise if {E}, {B}. Otherwise, {A2}.",
        ),
        "wait": (
            "[Now|Next|Please|Then] [wait|pause|hold] until the moment {C}.",
            "[Stay put|Stand by|Remain in place|Wait patiently] until {C}.",
            "[Please|Now|Next,] [wait|hold on|pause|wait there] until {C}.",
            "Do not [proceed|continue|move on] until {C}.",
            "[Please |Now |]keep waiting [until|till] {C}.",
        ),
        "wait-act": (
            "[Wait|Pause|Hold on] until {C}, [then|and then|after which] [you should |]{A}.",
            "[Once|As soon as|After] {C}, [you should|please|the robot should|you must] {A}.",
            "[Please|Now|Next,] {A} [as soon as|once|after] {C}.",
            "[Wait for|Await] the moment {C}, then {A}.",
        ),
        "while": (
            "[During the time that|So long as] {C}, {A}.",
            "[You should|The robot should|Please] {A} [while|as long as|so long as] {C}.",
            "[While|As long as] {C}, [you should|please|the robot should] {A}.",
            "[Please |You should |]continue {Aing} [while|as long as] {C}.",
        ),
        "until": (
            "[Please|You should|The robot should] {A} until {C}.",
            "[Now|Next,|Then] [keep|keep on|carry on|continue] {Aing} until {C}.",
            "[Repeatedly|Again and again] {A} until {C}.",
            "{A} [up until|right until] {C}.",
        ),
        "until-act": (
            "{A} until {C}, [then|and then] [you should |please |]{B}.",
            "[Now|Next,] {A} until {C}, then {B}.",
        ),
        "times": (
            "[Please|You should|Now|Next,] {A} {N} times.",
            "[Please|You should|Now|Next,] {A} for {N} steps.",
            "Do this {N} times: {A}.",
            "{N} times, {A}.",
        ),
        "pause": (
            "[Please|You should|Now|Next,] wait for {N} [steps|ticks|time steps].",
            "[Stay still|Do nothing|Stand by] for {N} steps.",
        ),
        "jump": (
            "[Please|Now|Next,|Afterwards] [go|return|move|proceed] [back |]to step {n}.",
            "[Now|Next,] [continue|resume|carry on] with step {n}.",
        ),
        "if-jump": (
            "If {C}, [please|you should|then] [go|return|proceed] [back |]to step {n}.",
            "[Go|Return|Jump] [back |]to step {n} [if|provided that] {C}.",
        ),
        "restart": (
            "[Please|Now|Next,|Afterwards] [start over|restart|begin again|repeat the plan].",
            "[Repeat|Loop over|Run through] [the entire plan|all of the steps|these steps] "
            "forever.",
            "Return to the [start|beginning|first step][| of the plan].",
        ),
        "end": ("[Now|Then|Afterwards] [end|finish|exit|end the task|you are done].",),
        "never": (
            "[The robot must|We must|The robot should] [never|not] {Z}.",
            "[Never ever|Please do not|Please never] {Z}[| while {C}| if {C}].",
            "[Refrain from|Avoid] {Zing}[| at any time].",
        ),
        "head-if": (
            "If {C}[, then:|, perform these steps:|, take the following steps:]",
            "[Given that|On condition that] {C}:",
        ),
        "head-else": ("[Or else|If this is not the case|If not, do the following]:",),
        "head-while": ("[While|As long as] {C}[, perform these steps:|, do these things:]",),
        "head-until": ("Until {C}, [perform|do|execute] [these steps|the following steps]:",),
        "head-once": ("[Once|As soon as|After] {C}, [perform|take|do] these steps:",),
        "head-times": ("[Perform|Execute|Carry out] these steps {N} times:", "{N} times:"),
        "look": ("[Look around for|Watch out for|Pay attention to|Look at] [any |the |]{things}.",),
        "next": ("If {C}, [please|you should] go to the next step. [Otherwise|Else], {A}.",),
    },
    doubtful={
        "then-if": ("{A} and [subsequently|finally] {B}, [if|provided] {C}.",),
        "and-unless": ("{A} and then {B} unless {C}.",),
        "while-then": ("[During|While] {C}, {A}, then {B}.",),
        "if-then-then": ("[Given that|If] {C}, you should {A}, then {B}.",),
        "trailing-not": ("Unless {t} or {u} is [absent|gone], {A}.",),
        "no-and": ("While there isn't {t} and {u}, {A}.",),
        "mixed": ("While {C} or {E} and {G}, {A}.",),
        "when": (
            "When {C}, you should {A}.",
            "{A} every time {C}.",
            "At {t}, {A}.",
            "Except when {C}, {A}.",
        ),
        "end": ("Stop here.",),
        "until-both": ("{A}, and then {B}, until {C}.", "Repeat {Aing} until {C}."),
        "otherwise-then": ("If {C}, {A}, otherwise {B}, then {A}.",),
        "in-the-past": ("If there was {t}, {A}.", "After {t} had left, {A}."),
        "maybe": ("You can {A}.", "Either {A} or {B}.", "Try to {A}.", "Prepare to {A}."),
        "aside": ("{A} (but not if {C}).", "{A}, mostly if {C}.", "Almost {A}."),
        "most": ("If most {t0} are visible, {A}.", "If {t} is probably there, {A}."),
        "before": ("{A} before {Aing}.", "Before {C}, {A}."),
    },
    things=(
        (
            "you can see {a}",
            "the {s} is [visible|present|still there]",
            "{a} is [currently visible|seen|observed]",
            "you observe {a}",
            "{a} has been seen",
            "there is currently {a}",
        ),
        (
            "there is not {a}",
            "you can't see {a}",
            "you cannot see any {p}",
            "{p} are not [visible|present]",
            "the {s} has gone",
            "there aren't {p}",
            "no {s} is [seen|observed]",
            "the {s} is not there anymore",
        ),
    ),
    states=(
        ("{x} is {y}", "{x} is currently {y}", "{x} has become {y}"),
        ("{x} is not {y}", "{x} is not {y} anymore", "{x} is currently not {y}"),
    ),
    joined={
        "and": ("{1} and {2}", "{1} but {2}", "both {1} and {2}"),
        "or": ("either {1} or {2}", "{1} or {2}"),
        "nor": (
            "you see neither {a} nor {b}",
            "neither {a} nor {b} is [seen|there]",
            "you cannot see {a} or {b}",
            "there are not any {p} or {q}",
        ),
        "either": ("there is either {a} or {b}", "{a} or {b} is [present|seen]"),
    },
    layouts=("{n}: ", "## {n}. ", "**{n})** ", "+ ", "{l}) ", "Step {n} - ", "  {n}. "),
    openings=(
        "",
        "Great, here is my plan for the robot:",
        "The plan is as follows:",
        "Below are the steps that the robot takes:",
        "### The plan",
        "To complete the task, execute the following steps:",
        "Thanks! This is the final sequence of actions.",
    ),
    closings=(
        "",
        "Please let me know if anything is unclear.",
        "The above plan respects all rules.",
        "Good luck!",
        "This sequence guarantees that everyone is safe.",
    ),
    titles=("Step one", "Action", "Perception", "Task"),
)
