"""Temporal-logic rules over traces, plans and models; knows nothing of robots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.verification.automata import (
        Automaton,
        BuchiAutomaton,
        compile_buchi,
        compile_ltlf,
    )
    from surefoot.verification.checking import PlanVerdict, check_plan
    from surefoot.verification.drawing import draw_automaton
    from surefoot.verification.feedback import explain, repair_prompt
    from surefoot.verification.models import ModelChecker, ModelVerdict, check_model
    from surefoot.verification.monitor import Monitor, MonitorVerdict
    from surefoot.verification.parser import FormulaError, parse
    from surefoot.verification.programs.loading import load_program, parse_program
    from surefoot.verification.programs.vocabulary import vocabulary_of
    from surefoot.verification.rules import Rule, RuleBook, Severity, Timing, load_rulebook
    from surefoot.verification.semantics import evaluate, evaluate_lasso
    from surefoot.verification.syntax import Formula
    from surefoot.verification.systems import TransitionSystem, from_arrays, from_callables
    from surefoot.verification.traces import check_traces, judge_traces, pack_traces
    from surefoot.verification.witness import Witness
    from surefoot.verification.witness_svg import draw_witness
    from surefoot.verification.worldfile import load_world
    from surefoot.verification.worldmodel import WorldModel
    from surefoot.verification.worlds import check_in_worlds, check_variants

__all__ = [
    "Automaton",
    "BuchiAutomaton",
    "Formula",
    "FormulaError",
    "ModelChecker",
    "ModelVerdict",
    "Monitor",
    "MonitorVerdict",
    "PlanVerdict",
    "Rule",
    "RuleBook",
    "Severity",
    "Timing",
    "TransitionSystem",
    "Witness",
    "WorldModel",
    "check_in_worlds",
    "check_model",
    "check_plan",
    "check_traces",
    "check_variants",
    "compile_buchi",
    "compile_ltlf",
    "draw_automaton",
    "draw_witness",
    "evaluate",
    "evaluate_lasso",
    "explain",
    "from_arrays",
    "from_callables",
    "judge_traces",
    "load_program",
    "load_rulebook",
    "load_world",
    "pack_traces",
    "parse",
    "parse_program",
    "repair_prompt",
    "vocabulary_of",
]

_PLACES = {
    "Automaton": "automata",
    "BuchiAutomaton": "automata",
    "Formula": "syntax",
    "FormulaError": "parser",
    "ModelChecker": "models",
    "ModelVerdict": "models",
    "Monitor": "monitor",
    "PlanVerdict": "checking",
    "Rule": "rules",
    "RuleBook": "rules",
    "Severity": "rules",
    "Timing": "rules",
    "TransitionSystem": "systems",
    "MonitorVerdict": "monitor",
    "Witness": "witness",
    "WorldModel": "worldmodel",
    "check_in_worlds": "worlds",
    "check_model": "models",
    "check_plan": "checking",
    "check_traces": "traces",
    "check_variants": "worlds",
    "compile_buchi": "automata",
    "compile_ltlf": "automata",
    "draw_automaton": "drawing",
    "draw_witness": "witness_svg",
    "evaluate": "semantics",
    "evaluate_lasso": "semantics",
    "explain": "feedback",
    "from_arrays": "systems",
    "from_callables": "systems",
    "judge_traces": "traces",
    "load_program": "programs.loading",
    "load_rulebook": "rules",
    "load_world": "worldfile",
    "pack_traces": "traces",
    "parse": "parser",
    "parse_program": "programs.loading",
    "repair_prompt": "feedback",
    "vocabulary_of": "programs.vocabulary",
}
"""The module of each public name; loaded when the name is first used."""

__getattr__ = lazily(__name__, _PLACES)
