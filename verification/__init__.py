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
    from surefoot.verification.parser import FormulaError, parse
    from surefoot.verification.semantics import evaluate, evaluate_lasso
    from surefoot.verification.syntax import Formula

__all__ = [
    "Automaton",
    "BuchiAutomaton",
    "Formula",
    "FormulaError",
    "compile_buchi",
    "compile_ltlf",
    "evaluate",
    "evaluate_lasso",
    "parse",
]

_PLACES = {
    "Automaton": "automata",
    "BuchiAutomaton": "automata",
    "Formula": "syntax",
    "FormulaError": "parser",
    "compile_buchi": "automata",
    "compile_ltlf": "automata",
    "evaluate": "semantics",
    "evaluate_lasso": "semantics",
    "parse": "parser",
}
"""The module of each public name; loaded when the name is first used."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
