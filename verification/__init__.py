"""Temporal-logic rules over traces, plans and models, independent of robots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.verification.formulas.parser import parse
    from surefoot.verification.formulas.syntax import Formula
    from surefoot.verification.modelchecking.models import check_model
    from surefoot.verification.monitoring.monitor import Monitor
    from surefoot.verification.monitoring.traces import check_traces
    from surefoot.verification.planchecking.checking import check_plan
    from surefoot.verification.planchecking.feedback import explain
    from surefoot.verification.planchecking.worldfile import load_world
    from surefoot.verification.planchecking.worldmodel import WorldModel
    from surefoot.verification.programs.loading import load_program, parse_program
    from surefoot.verification.rules import Rule, RuleBook, load_rulebook
    from surefoot.verification.translation.automata import compile_ltlf

__all__ = [
    "Formula",
    "Monitor",
    "Rule",
    "RuleBook",
    "WorldModel",
    "check_model",
    "check_plan",
    "check_traces",
    "compile_ltlf",
    "explain",
    "load_program",
    "load_rulebook",
    "load_world",
    "parse",
    "parse_program",
]

_PLACES = {
    "Formula": "formulas.syntax",
    "Monitor": "monitoring.monitor",
    "Rule": "rules",
    "RuleBook": "rules",
    "WorldModel": "planchecking.worldmodel",
    "check_model": "modelchecking.models",
    "check_plan": "planchecking.checking",
    "check_traces": "monitoring.traces",
    "compile_ltlf": "translation.automata",
    "explain": "planchecking.feedback",
    "load_program": "programs.loading",
    "load_rulebook": "rules",
    "load_world": "planchecking.worldfile",
    "parse": "formulas.parser",
    "parse_program": "programs.loading",
}
"""The module of each public name; loaded when the name is first used."""

__getattr__ = lazily(__name__, _PLACES)
