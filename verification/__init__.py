"""Temporal-logic rules over traces, plans and models; knows nothing of robots."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surefoot.verification.automata import (
        Automaton,
        BuchiAutomaton,
        compile_buchi,
        compile_ltlf,
    )
    from surefoot.verification.drawing import draw_automaton
    from surefoot.verification.monitor import Monitor, Verdict
    from surefoot.verification.parser import FormulaError, parse
    from surefoot.verification.rules import Rule, RuleBook, Severity, Timing, load_rulebook
    from surefoot.verification.semantics import evaluate, evaluate_lasso
    from surefoot.verification.syntax import Formula
    from surefoot.verification.traces import check_traces, judge_traces, pack_traces

__all__ = [
    "Automaton",
    "BuchiAutomaton",
    "Formula",
    "FormulaError",
    "Monitor",
    "Rule",
    "RuleBook",
    "Severity",
    "Timing",
    "Verdict",
    "check_traces",
    "compile_buchi",
    "compile_ltlf",
    "draw_automaton",
    "evaluate",
    "evaluate_lasso",
    "judge_traces",
    "load_rulebook",
    "pack_traces",
    "parse",
]

_PLACES = {
    "Automaton": "automata",
    "BuchiAutomaton": "automata",
    "Formula": "syntax",
    "FormulaError": "parser",
    "Monitor": "monitor",
    "Rule": "rules",
    "RuleBook": "rules",
    "Severity": "rules",
    "Timing": "rules",
    "Verdict": "monitor",
    "check_traces": "traces",
    "compile_buchi": "automata",
    "compile_ltlf": "automata",
    "draw_automaton": "drawing",
    "evaluate": "semantics",
    "evaluate_lasso": "semantics",
    "judge_traces": "traces",
    "load_rulebook": "rules",
    "pack_traces": "traces",
    "parse": "parser",
}
"""The module of each public name; loaded when the name is first used."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
