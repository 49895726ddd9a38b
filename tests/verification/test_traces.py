"""Batches of traces and the monitor: against the definition, and against each other."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import parse
from surefoot.verification.monitoring.monitor import Monitor, MonitorVerdict
from surefoot.verification.monitoring.streams import sampled
from surefoot.verification.monitoring.traces import check_traces, judge_traces, pack_traces
from surefoot.verification.rules import Rule, load_rulebook
from surefoot.verification.translation.automata import compile_ltlf
from tests.verification.naive import Trace, holds, random_trace

pytestmark = pytest.mark.quick

NAMES = ["a", "b", "c", "unused"]
TEXTS = [
    "G(a -> F b)",
    "a U b",
    "G !c",
    "F(a & X[!] c)",
    "X X a",
    "1",
    "F 0",
    "b W (c & !a)",
    "G(a -> X(b M c))",
    "c",
]
RULES = [Rule(text, parse(text)) for text in TEXTS]


def ragged(rng: Random, count: int) -> list[Trace]:
    return [random_trace(rng, NAMES, rng.choice([0, 1, 2, 3, 5, 9, 14]), 0.4) for _ in range(count)]


def test_batches_agree_with_the_definition() -> None:
    traces = ragged(Random(1), 400)
    labels, offsets = pack_traces(traces, NAMES)
    satisfied = check_traces(RULES, NAMES, labels, offsets)
    expected = [[holds(rule.formula, trace) for rule in RULES] for trace in traces]
    assert satisfied.tolist() == expected
    assert judge_traces(RULES, NAMES, labels, offsets).satisfied.tolist() == expected


def test_monitor_batch_and_automaton_agree_on_verdicts_and_final_steps() -> None:
    traces = ragged(Random(2), 150)
    labels, offsets = pack_traces(traces, NAMES)
    batch = judge_traces(RULES, NAMES, labels, offsets)
    signs = {MonitorVerdict.TRUE: 1, MonitorVerdict.FALSE: -1, MonitorVerdict.NOT_YET: 0}
    monitor = Monitor(RULES, NAMES)
    for i, trace in enumerate(traces):
        monitor.reset()
        history = [monitor.status, *(monitor.step(step) for step in trace)]
        for j, status in enumerate(history[-1]):
            assert signs[status.verdict] == batch.verdicts[i, j]
            assert status.if_ended == batch.satisfied[i, j]
            final = batch.final_steps[i, j]
            assert status.final_step == (None if final < 0 else final)
            for steps, then in enumerate(history):
                assert (then[j].verdict is MonitorVerdict.NOT_YET) == (final < 0 or steps < final)
    assert {-1, 0, 1} <= set(batch.verdicts.ravel().tolist())
    assert batch.final_steps.max() > 3


def test_a_final_verdict_comes_with_the_step_that_settled_it() -> None:
    rules = [Rule("never", parse("G !c")), Rule("once", parse("F b"))]
    monitor = Monitor(rules, propositions=("a", "anything"))
    assert [s.verdict for s in monitor.step({"a"})] == [
        MonitorVerdict.NOT_YET,
        MonitorVerdict.NOT_YET,
    ]
    never, once = monitor.step({"c"})
    assert (never.verdict, never.final_step, never.if_ended) == (MonitorVerdict.FALSE, 2, False)
    assert (once.verdict, once.final_step, once.if_ended) == (MonitorVerdict.NOT_YET, None, False)
    never, once = monitor.step({"b", "anything"})
    assert (never.final_step, once.verdict, once.final_step) == (2, MonitorVerdict.TRUE, 3)
    assert monitor.steps == 3


def test_what_would_break_a_rule_is_told_before_it_is_done() -> None:
    book = load_rulebook("driving")
    monitor = Monitor(book.rules)
    seen = {"pedestrian", "green_light"}
    assert not monitor.allows(seen | {"go_straight"})
    assert monitor.allows(seen | {"stop"})
    assert monitor.steps == 0


def test_no_traces_and_no_steps() -> None:
    none = np.zeros((0, len(NAMES)), np.bool_)
    assert check_traces(RULES, NAMES, none, np.array([0])).shape == (0, len(RULES))
    both = check_traces(RULES, NAMES, none, np.array([0, 0, 0]))
    assert both.tolist() == [[holds(rule.formula, []) for rule in RULES]] * 2
    settled = judge_traces(RULES[5:7], NAMES, none, np.array([0, 0]))
    assert settled.final_steps.tolist() == [[0, 0]]
    assert settled.verdicts.tolist() == [[1, -1]]


def test_traces_do_not_look_into_each_other() -> None:
    rng = Random(4)
    traces = ragged(rng, 60)
    labels, offsets = pack_traces(traces, NAMES)
    together = check_traces(RULES, NAMES, labels, offsets)
    order = rng.sample(range(60), 60)
    mixed = pack_traces([traces[i] for i in order], NAMES)
    assert (check_traces(RULES, NAMES, *mixed) == together[order]).all()
    for i, trace in enumerate(traces[:10]):
        assert (check_traces(RULES, NAMES, *pack_traces([trace], NAMES)) == together[i]).all()


GOOD: dict[str, Any] = {
    "rules": RULES,
    "names": NAMES,
    "labels": np.zeros((5, 4), np.bool_),
    "offsets": np.array([0, 2, 5]),
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"names": ["a", "b", "cc", "d"]}, "rule 'G !c': the traces have no proposition 'c'"),
        ({"names": ["a", "b", "c", "a"]}, "names two columns"),
        ({"labels": np.zeros((5, 3), np.bool_)}, r"shape \[5, 3\]"),
        ({"labels": np.zeros((5, 4), np.int8)}, "int8"),
        ({"labels": np.zeros(20, np.bool_)}, "booleans of shape"),
        ({"offsets": np.array([0, 2, 4])}, "to the number of steps, 5"),
        ({"offsets": np.array([1, 2, 5])}, "must rise from 0"),
        ({"offsets": np.array([0, 4, 2, 5], np.uint64)}, "must rise"),
        ({"offsets": np.array([0.0, 5.0])}, "whole numbers"),
        ({"offsets": np.zeros(0, np.int64)}, "whole numbers of shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, Any], words: str) -> None:
    check_traces(**GOOD)
    with pytest.raises(InputError, match=words):
        check_traces(**{**GOOD, **change})
    with pytest.raises(InputError, match=words):
        judge_traces(**{**GOOD, **change})


def test_packing_refuses_unknown_names() -> None:
    with pytest.raises(InputError, match="unknown proposition 'aa'; did you mean 'a'"):
        pack_traces([[{"a"}, {"aa"}]], ["a", "b"])


def test_a_large_batch_against_one_walk_a_trace() -> None:
    book = load_rulebook("driving")
    names = list(book.propositions)
    rng = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 31, 10_000))])
    labels = rng.random((offsets[-1], len(names))) < 0.3
    satisfied = check_traces(book.rules, names, labels, offsets)
    for j, rule in enumerate(book.rules):
        automaton = compile_ltlf(rule.formula)
        columns = [names.index(p) for p in automaton.propositions]
        letters = labels[:, columns] @ (1 << np.arange(len(columns)))
        for i in rng.integers(0, 10_000, 40):
            state = automaton.initial
            for letter in letters[offsets[i] : offsets[i + 1]]:
                state = automaton.table[state, letter]
            assert satisfied[i, j] == automaton.accepting[state]


def test_steps_are_sets_or_truth_values_of_known_names() -> None:
    monitor = Monitor([Rule("never", parse("G !crash"))])
    (status,) = monitor.step({"crash": False})
    assert status.verdict is MonitorVerdict.NOT_YET
    for wrong, words in (
        ({"crush"}, "unknown proposition 'crush'; did you mean 'crash'"),
        ("crash", "a step is a set of names, not the text 'crash'"),
        ({"crash": 1}, "must be true or false, not 1"),
    ):
        with pytest.raises(InputError, match=words):
            monitor.step(wrong)  # type: ignore[arg-type]
        with pytest.raises(InputError, match=words):
            monitor.allows(wrong)  # type: ignore[arg-type]
        with pytest.raises(InputError, match=words):
            pack_traces([[wrong]], ["crash"])  # type: ignore[list-item]
    assert monitor.steps == 1
    (status,) = monitor.step({"crash": True})
    assert status.verdict is MonitorVerdict.FALSE
    labels, _ = pack_traces([[{"a": True, "b": False}], [{"b"}]], ["a", "b"])
    assert labels.tolist() == [[True, False], [False, True]]


def test_events_with_times_become_steps() -> None:
    feed = [
        (10.0, {"person": False}),
        (10.2, {"stop": True}),
        (10.9, {"person": True}),
        (12.05, {"person": False}),
    ]
    steps = list(sampled(feed, 0.5, pulses={"stop"}))
    assert steps == [
        (10.0, frozenset()),
        (10.5, frozenset({"stop"})),
        (11.0, frozenset({"person"})),
        (11.5, frozenset({"person"})),
        (12.0, frozenset({"person"})),
        (12.5, frozenset()),
    ]
    with pytest.raises(InputError, match="comes behind one"):
        list(sampled([(1.0, {}), (0.5, {})], 1.0))
    with pytest.raises(InputError, match="more than 0 seconds"):
        list(sampled([], 0.0))
