"""Rules over decisions as a chart: what is known of each after every action."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from surefoot.verification.monitoring.monitor import MonitorVerdict

WORDS = {
    MonitorVerdict.TRUE: "holds for good",
    MonitorVerdict.FALSE: "broken",
    MonitorVerdict.NOT_YET: "not yet decided",
}


def states_of(decisions: Sequence[Mapping[str, Any]]) -> dict[str, list[MonitorVerdict]]:
    """Returns for each rule its state after every decision; one without an action changes none."""
    names = dict.fromkeys(name for m in decisions for name in m["rules"])
    found: dict[str, list[MonitorVerdict]] = {name: [] for name in names}
    for decision in decisions:
        for name, states in found.items():
            before = states[-1] if states else MonitorVerdict.NOT_YET
            verdict = decision["rules"].get(name)
            states.append(before if verdict is None else MonitorVerdict(verdict))
    return found


def decided(decisions: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, MonitorVerdict]]]:
    """Returns for each decision the rules that it decided for good."""
    found: list[list[tuple[str, MonitorVerdict]]] = [[] for _ in decisions]
    for name, states in states_of(decisions).items():
        for i, state in enumerate(states):
            if state is not (states[i - 1] if i else MonitorVerdict.NOT_YET):
                found[i].append((name, state))
    return found


def rule_rows(decisions: Sequence[Mapping[str, Any]], broken: Collection[str] = ()) -> str:
    """Draws a row for each rule: a thin line while it is open, a block once it is decided.

    Args:
        decisions: The decisions.
        broken: Rules that the episode broke, those counted that only its end breaks.

    Returns:
        HTML; ``""`` if no rule was watched.
    """
    rows = []
    for name, states in states_of(decisions).items():
        tone, words = _summed(states, name in broken)
        rows.append(
            f'<div class="rule"><span>{escape(name)}</span>{_row(states, words)}'
            f'<span class="{tone}">{escape(words)}</span></div>'
        )
    return "".join(rows)


def _summed(states: Sequence[MonitorVerdict], broken: bool) -> tuple[str, str]:
    last = states[-1]
    if last is not MonitorVerdict.NOT_YET:
        tone = "good" if last is MonitorVerdict.TRUE else "bad"
        return tone, f"{WORDS[last]} from {states.index(last) + 1}"
    return ("bad", "broken by the end") if broken else ("soft", "not broken")


def _row(states: Sequence[MonitorVerdict], words: str) -> str:
    parts, start = [], 0
    for state, run in groupby(states):
        length = len(list(run))
        top, height, colour = {
            MonitorVerdict.TRUE: (2, 12, "--good"),
            MonitorVerdict.FALSE: (2, 12, "--bad"),
            MonitorVerdict.NOT_YET: (7, 2, "--soft"),
        }[state]
        hint = f"{WORDS[state]}: decisions {start + 1} to {start + length}"
        parts.append(
            f'<rect x="{start}" y="{top}" width="{length}" height="{height}" '
            f'style="fill:var({colour})"><title>{hint}</title></rect>'
        )
        start += length
    inner = "".join(parts)
    return (
        f'<svg viewBox="0 0 {start} 16" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(words)}">{inner}</svg>'
    )
