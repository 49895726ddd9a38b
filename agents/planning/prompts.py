"""Prompts that describe a scene to planners that read text: short, or full for any model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from surefoot.agents.planning.base import CROSSING, PlanningContext
from surefoot.agents.planning.judge import GOAL, check_env, table_rules
from surefoot.agents.planning.place import driving_rules, rules_at
from surefoot.agents.planning.table import places_of
from surefoot.core.chat import Message
from surefoot.pddl.domains import get_domain
from surefoot.pddl.language import write_domain
from surefoot.verification.rules import Rule

STYLE = "agent"
"""Name of the short prompts, in the notes of a model that was trained on them."""

OPEN_QUESTION = "Does this plan obey the rules and reach the goal?"
QUESTION = f"{OPEN_QUESTION} Answer yes or no."
YES, NO = "yes", "no"

_RULE = re.compile(r"[Rr]ule '([a-z][a-z-]*)'")
_STEP = re.compile(r"\bstep (\d+) \((?!line )[a-z-]+[ )]")


def short_prompt(context: PlanningContext) -> str:
    """Tells a scene in a few lines, as the project's own small planner was trained to read it.

    Raises:
        InputError: The context describes no scene.
    """
    check_env(context.env)
    if context.env == CROSSING:
        facts = [f"{fact} {answer}" for fact, answer in sorted(context.world.items())]
    else:
        places, shut = places_of(context)
        facts = [f"{block} {place}" for block, place in places.items()]
        boxes = [f.partition(":")[2] for f in context.world if f.startswith("lid:")]
        facts += [f"{box} {'closed' if box in shut else 'open'}" for box in boxes]
    lines = [context.env, context.instruction, ", ".join(facts)]
    if context.goal:
        lines.append(f"goal {' '.join(context.goal)}")
    if context.undecided:
        names = (fact.rpartition(":")[2] for fact in sorted(context.undecided))
        lines.append(f"unsure {' '.join(names)}")
    return "\n".join([*lines, "plan:\n"])


def short_feedback(text: str) -> str:
    """Tells feedback in one line: the rules that it calls broken, and the step that failed."""
    rules = dict.fromkeys(_RULE.findall(text))
    step = _STEP.search(text)
    return "broken " + " ".join([*rules, *([f"step {step[1]}"] if step else [])])


def short_messages(context: PlanningContext) -> tuple[Message, ...]:
    """Returns the conversation in short; of the earlier plans only the last is given.

    Raises:
        InputError: The context describes no scene.
    """
    messages = [Message("user", short_prompt(context))]
    for plan, feedback in context.history[-1:]:
        messages += [
            Message("assistant", _tidy(plan)),
            Message("user", short_feedback(feedback) + "\nplan:\n"),
        ]
    return tuple(messages)


def full_messages(context: PlanningContext) -> tuple[Message, ...]:
    """Returns the conversation for a language model that knows nothing of this project.

    Raises:
        InputError: The context describes no scene.
    """
    check_env(context.env)
    messages = [Message("system", _system(context)), Message("user", _scene(context))]
    for plan, feedback in context.history:
        messages += [Message("assistant", plan), Message("user", feedback)]
    return tuple(messages)


def asked(messages: Sequence[Message], plan: str) -> tuple[Message, ...]:
    """Returns a conversation with a plan as the answer and the question whether it is good."""
    return (*messages, Message("assistant", _tidy(plan)), Message("user", QUESTION))


def _tidy(plan: str) -> str:
    """Ends a plan with one line break, as the plans of the corpus do."""
    return plan.strip("\n") + "\n"


def _system(context: PlanningContext) -> str:
    if context.env == CROSSING:
        book, rules = driving_rules(), list(rules_at(context.task))
        names = [f"- {n}(): {book.propositions[n]}" for n in book.actions]
        seen = [f"- {n}: {book.propositions[n]}" for n in book.observations]
        return "\n".join(
            [
                "You plan for a car at a crossing. A plan is a short program in restricted Python.",
                "Actions; one that drives goes on until the crossing is past, and then the car "
                "stops:",
                *names,
                "Conditions that can be tested:",
                *seen,
                "Allowed are calls of actions, if, elif, else, while, break, wait_until(CONDITION),"
                " and conditions with not, and, or. While a plan waits, the car stands.",
                *_rules(rules),
                "Answer with the program in a code block and nothing else.",
            ]
        )
    rules = [rule for rule in table_rules().rules if rule.name != GOAL]
    domain = write_domain(get_domain("tabletop").domain)
    return "\n".join(
        [
            "You plan for a robot arm at a table. A plan is a list of PDDL steps, one a line, such "
            "as (pick red-block the-table), with the line 'end' after the last.",
            "The domain:",
            domain,
            *_rules(rules),
            "Answer with the plan in a code block and nothing else.",
        ]
    )


def _rules(rules: Sequence[Rule]) -> list[str]:
    return ["Rules:", *(f"- {rule.name}: {rule.meaning}" for rule in rules)]


def _scene(context: PlanningContext) -> str:
    lines = [f"Task: {context.instruction}", "What is seen now:"]
    lines += [f"- {fact.replace(':', ' of ')}: {answer}" for fact, answer in context.world.items()]
    if context.undecided:
        lines.append("Not certain:")
        lines += [
            f"- {fact.replace(':', ' of ')}: {' or '.join(options)}"
            for fact, options in context.undecided.items()
        ]
    if context.objects:
        lines.append(f"Names of things: {' '.join(context.objects)}")
    if context.goal:
        lines.append(f"Goal: {' '.join(context.goal)}")
    return "\n".join([*lines, "Write the plan."])
