"""The styles that readers are only measured on."""

from __future__ import annotations

TABLE = """
    spelled-steps/snake-call/lead-in spelled-steps/use-to spelled-steps/curly-synonyms/sign-off
    spelled-steps/bindings/purpose spelled-steps/duty/failed-attempt
    checklist/coded-sexpr/lead-in checklist/bracketed-actor checklist/method-call/used-objects
    checklist/with-call/goal-check
    keycaps/comma-words/lead-in keycaps/use-to/sign-off keycaps/camel-call
    keycaps/first-person/insight keycaps/coded-sexpr/failed-attempt
    roman-list/snake-call roman-list/duty/lead-in roman-list/square-call/cost
    roman-list/curly-synonyms/trace roman-list/brief-duty
    decimal-list/coded-sexpr decimal-list/bracketed-actor/lead-in decimal-list/bindings/object-list
    decimal-list/with-call/fact-changes
    described-table/snake-call/lead-in described-table/initials
    described-table/camel-call/goal-check text-table/coded-sexpr
    text-table/use-to/lead-in text-table/first-person/sign-off
    text-table/method-call/cost
    commented-pddl/snake-call commented-pddl/camel-call/lead-in/sign-off
    commented-pddl/coded-sexpr/failed-attempt
    python-strings/snake-call/lead-in python-strings/initials
    json-described/snake-call json-described/coded-sexpr/lead-in/sign-off
    tool-calls/snake-call tool-calls/camel-call/scratchpad
    tagged/coded-sexpr/scratchpad tagged/snake-call tagged/bracketed-actor/lead-in
    tagged/comma-words/signatures
    fields/snake-call/lead-in fields/square-call/purpose fields/camel-call/sign-off
    semicolons/snake-call/lead-in semicolons/square-call semicolons/coded-sexpr/trace
    equations/snake-call/lead-in equations/camel-call/signatures equations/initials/cost
    csv/snake-call/lead-in csv/camel-call
    code-below-titles/snake-call/lead-in code-below-titles/coded-sexpr/fact-changes/sign-off
    code-below-titles/camel-call/object-list
    observations/square-call observations/coded-sexpr/scratchpad observations/duty/lead-in
    observations/bracketed-actor/fact-changes
    chained/curly-synonyms chained/first-person/lead-in chained/duty/goal-check
    chained/brief-duty/insight
    titles-then-lines/coded-sexpr/lead-in titles-then-lines/initials
    titles-then-lines/method-call/purpose titles-then-lines/with-call/used-objects
"""
"""Names of styles."""
