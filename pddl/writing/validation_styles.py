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
"""
"""Names of styles."""
