"""The styles that readers are only measured on."""

from __future__ import annotations

TABLE = """
    turns/labelled-call/greeting turns/instruct turns/needs-to/farewell turns/string-call/no-longer
    turns/bold-sexpr/retry turns/explained-call/strategy
    fractions/bold-sexpr fractions/let-us/greeting fractions/spread-call/outcome
    fractions/progressive/conclusion fractions/capital-codes
    ordinal-lines/string-call/greeting ordinal-lines/can-now ordinal-lines/needs-to/goal-list
    ordinal-lines/bare-commas/notes ordinal-lines/brief-needs
    lettered-list/labelled-call lettered-list/instruct/farewell lettered-list/bold-sexpr/given
    lettered-list/imperative-call/check-table
    lettered-stages/string-call lettered-stages/let-us lettered-stages/spread-call/templates
    lettered-stages/explained-call/greeting lettered-stages/progressive/no-longer
    html-list/labelled-call html-list/needs-to/greeting html-list/bare-commas/farewell
    html-list/imperative-call
    json-lines/labelled-call/greeting json-lines/string-call/musing
    json-arrays/bold-sexpr json-arrays/spread-call/greeting/farewell json-arrays/capital-codes
    aligned-columns/labelled-call/conclusion aligned-columns/string-call/greeting
    effect-table/bold-sexpr/outcome effect-table/string-call/no-longer effect-table/instruct
    effect-table/explained-call/action-counts effect-table/can-now/outcome
    piped-fields/labelled-call/greeting piped-fields/spread-call/outcome/farewell
    piped-fields/capital-codes/given
    argument-bullets/labelled-call argument-bullets/bare-commas/goal-list
    argument-bullets/string-call/retry
    flowchart/spread-call/greeting flowchart/bold-sexpr/action-counts
    console/string-call console/spread-call/strategy console/labelled-call/goal-facts
    indented-code/bold-sexpr/greeting indented-code/string-call/templates
    indented-code/spread-call/no-longer/farewell
    ranges/instruct/greeting ranges/needs-to ranges/let-us/notes ranges/progressive/goal-facts
    ranges/brief-needs/farewell ranges/can-now/conclusion
    reasoned-answer/imperative-call/greeting reasoned-answer/explained-call
    reasoned-answer/progressive/goal-list reasoned-answer/labelled-call/check-table
"""
"""Names of styles."""
