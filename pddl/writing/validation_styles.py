"""The styles for validation."""

from __future__ import annotations

TABLE = """
    fenced-plain/title-call/opening-line fenced-plain/colon-call fenced-plain/upper-call/analysis
    fenced-plain/past/closing-line
    arguments-below/title-call/opening-line arguments-below/short-call
    arguments-below/upper-call/corrected-draft
    argument-columns/title-call argument-columns/upper-call/opening-line
    argument-columns/colon-call/closing-state
    named-columns/title-call/opening-line named-columns/colon-call/counted
    json-keys/colon-call json-keys/title-call/opening-line/closing-line
    json-strings/colon-call json-strings/upper-call
    python-calls/colon-call/opening-line python-calls/title-call/thoughts
    xml/colon-call xml/title-call/opening-line
    nested-list/title-call/analysis nested-list/future-capitalised nested-list/gerund-italic/effects
    nested-list/causative-hashed/opening-line
    boxed/colon-call/analysis boxed/title-call
    definitions/dashed-gloss definitions/causative-hashed/opening-line
    definitions/upper-call/effects
    dashed-steps/title-call/opening-line dashed-steps/future-capitalised/effects
    dashed-steps/causative-hashed/closing-state dashed-steps/gerund-italic/numbered-facts
    dashed-steps/past/ending dashed-steps/dashed-gloss/precondition
    dashed-steps/brief-synonyms/opening-line dashed-steps/letters
    dashed-steps/colon-call/corrected-draft dashed-steps/quoted-call/idle-objects
    dashed-steps/short-call/alternative
    arrows/title-call arrows/short-call/opening-line arrows/quoted-call/closing-line
    actor-sections/title-call actor-sections/future-capitalised/opening-line
    actor-sections/colon-call/counted
    titled-lines/title-call/opening-line titled-lines/quoted-call/alternative
    titled-lines/upper-call/precondition
    story/future-capitalised story/causative-hashed/opening-line story/past/closing-line
    story/letters/opening-line story/brief-synonyms/counted story/gerund-italic/thoughts
    quoted-lines/title-call/opening-line quoted-lines/past/idle-objects
    quoted-lines/letters/analysis quoted-lines/colon-call/thoughts
    quoted-lines/causative-hashed/corrected-draft
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
