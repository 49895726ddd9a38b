"""The replay page of an episode: every decision with what was seen, believed, planned and done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from surefoot.agents.replay.rules import WORDS, decided, rule_rows
from surefoot.agents.replay.saved import SavedEpisode
from surefoot.calibration.decisions.router import Route
from surefoot.results.page import render_page, trusted

FAINT = 0.01
"""Options below this probability, not in the set and not true, are summed up in a line."""

RECENT = 6
"""Views that are named where a belief rests on more."""

CODES = {
    "ask": ("?", "asked"),
    "repair": ("R", "sent a plan back"),
    "look": ("L", "looked again"),
    "pause": ("P", "paused"),
    "stop": ("X", "stopped"),
    "act": ("A", "acted"),
}
"""Kinds of decisions, the most telling first, with a letter and words."""

SavedDecision = Mapping[str, Any]


def render_replay(saved: SavedEpisode, *, video: str = "") -> str:
    """Builds the page.

    Args:
        saved: The episode.
        video: Address of its video as seen from the page, ``""`` for none.

    Returns:
        A complete HTML document that loads nothing and needs no script.
    """
    decisions: Sequence[SavedDecision] = saved.steps["moments"]
    record, agent = saved.record, saved.record["extra"]["agent"]
    names = [kind_of(m) for m in decisions]
    return render_page(
        "replay.html.j2",
        package="surefoot.agents.replay",
        title=f"{saved.config['env']}: {saved.key}",
        instruction=record["instruction"],
        outcome=record["outcome"].replace("_", " "),
        tone="good" if record["outcome"] == "success" else "bad",
        reason=record["reason"],
        video=video,
        facts=_facts(saved, agent),
        codes=[(code, words, kind) for kind, (code, words) in CODES.items() if kind in names],
        cells=[_cell(m, kind) for m, kind in zip(decisions, names, strict=True)],
        missed=any(m["covered"] is False for m in decisions),
        notable=_notable(decisions),
        rules=trusted(rule_rows(decisions, agent["broken"])),
        broken=agent["broken"],
        decisions=[
            {**_decision(saved, m, kind), "decided": [(n, WORDS[s], s.value) for n, s in new]}
            for m, kind, new in zip(decisions, names, decided(decisions), strict=True)
        ],
    )


def kind_of(decision: SavedDecision) -> str:
    """Returns what a decision is shown as: the most telling of its turns."""
    for route in (Route.ASK, Route.REPAIR, Route.LOOK):
        if _turned(decision, route):
            return route.value
    if not decision["action"]:
        return "stop"
    last = decision["thoughts"][-1]["route"] if decision["thoughts"] else ""
    return "pause" if last == Route.ABSTAIN.value else "act"


def _turned(decision: SavedDecision, route: Route) -> bool:
    """Whether a decision took a route; to look where no view would tell more is none."""
    return any(
        t["route"] == route.value and (route is not Route.LOOK or bool(t["view"]))
        for t in decision["thoughts"]
    )


def _facts(saved: SavedEpisode, agent: Mapping[str, Any]) -> dict[str, str]:
    settings = saved.steps["settings"]
    shift = "; ".join(
        f"{p['name']} {p['severity']:g}" if "severity" in p else p["name"]
        for p in saved.config.get("perturb", ())
    )
    restored = f", {agent['restores']} of them restored" if agent.get("restores") else ""
    return {
        "perception": settings["perception"],
        "gate": f"{settings['gate']}, alpha {settings['alpha']:g}",
        "sensing": f"{settings['sensing']}, {settings['looks']} looks a decision",
        "perturbations": shift or "none",
        "decisions": str(agent["decisions"]),
        "looks again": f"{agent['looks']}{restored} in {agent['look_seconds']:g} s",
        "plans": f"{agent['plans']} adopted, {agent['repairs']} sent back",
        "asked": str(agent["asked"]),
        "pauses": str(agent["pauses"]),
        "sets": f"{agent['covered']} of {agent['sets']} held the truth of every fact relied on",
    }


def _cell(decision: SavedDecision, kind: str) -> dict[str, Any]:
    code, words = CODES[kind]
    action = decision["action"] or "nothing"
    return {
        "number": decision["number"],
        "kind": kind,
        "code": code,
        "missed": decision["covered"] is False,
        "hint": f"{decision['number']}, {decision['time']:.1f} s: {words}; {action}",
    }


def _notable(decisions: Sequence[SavedDecision]) -> list[tuple[int, str]]:
    """Returns decisions worth a look: the first of every telling kind, and what went wrong."""
    found: dict[int, list[str]] = {}

    def turned(route: Route) -> Callable[[SavedDecision], bool]:
        return lambda m: _turned(m, route)

    checks: tuple[tuple[str, Callable[[SavedDecision], bool]], ...] = (
        *((CODES[r][1], turned(r)) for r in (Route.LOOK, Route.REPAIR, Route.ASK)),
        (CODES["stop"][1], lambda m: not m["action"]),
        ("the set missed the truth", lambda m: m["covered"] is False),
        ("surprised", lambda m: bool(m["surprise"])),
        ("a rule was broken", lambda m: "false" in m["rules"].values()),
    )
    for words, check in checks:
        at = next((m["number"] for m in decisions if check(m)), None)
        if at is not None:
            found.setdefault(at, []).append(words)
    return [(number, ", ".join(words)) for number, words in sorted(found.items())]


def _decision(saved: SavedEpisode, decision: SavedDecision, kind: str) -> dict[str, Any]:
    thoughts = decision["thoughts"]
    return {
        "number": decision["number"],
        "time": f"{decision['time']:.1f}",
        "words": CODES[kind][1],
        "action": decision["action"],
        "came": _came(decision),
        "good": decision["good"] and not decision["surprise"],
        "state": decision["state"],
        "covered": decision["covered"],
        "pictures": [(view, saved.picture(file)) for view, file in decision["pictures"]],
        "plan": _plan(thoughts[-1]["plan"] if thoughts else "", decision["line"]),
        "turns": [
            _turn(thought, decision["truth"], i, len(thoughts))
            for i, thought in enumerate(thoughts)
        ],
    }


def _came(decision: SavedDecision) -> str:
    if not decision["action"]:
        return "the agent stopped"
    if decision["surprise"]:
        return f"surprise: {decision['surprise']}"
    return "as planned" if decision["good"] else "the skill failed"


def _turn(
    thought: Mapping[str, Any], truth: Mapping[str, str], at: int, count: int
) -> dict[str, Any]:
    worlds = thought["worlds"]
    views = thought["views"]
    more = f" and {len(views) - RECENT} before" if len(views) > RECENT else ""
    return {
        "number": at + 1,
        "last": at + 1 == count,
        "route": thought["route"],
        "reason": thought["reason"],
        "to": thought["view"] or thought["answer"],
        "views": ", ".join(views[-RECENT:]) + more,
        "u_p": f"{thought['u_p']:.3f}",
        "u_d": f"{thought['u_d']:.3f}" if thought["plan"] else "",
        "worlds": "too many to list" if worlds is None else str(worlds),
        "good": f"{thought['good']} of {worlds}" if worlds is not None and thought["plan"] else "",
        "plan": thought["plan"].strip(),
        "broken": ", ".join(thought["broken"]),
        "passed_over": ", ".join(thought.get("passed_over", ())),
        "feedback": thought["feedback"],
        "facts": [
            _fact(name, chances, thought, truth.get(name, ""))
            for name, chances in thought["facts"].items()
        ],
    }


def _fact(
    name: str, chances: Mapping[str, float], thought: Mapping[str, Any], truth: str
) -> dict[str, Any]:
    members = thought["members"].get(name, ())
    shown = [
        {
            "option": option,
            "percent": f"{100 * p:.0f}",
            "width": f"{100 * p:.1f}",
            "inside": option in members,
            "true": option == truth,
        }
        for option, p in chances.items()
        if p >= FAINT or option in members or option == truth
    ]
    bits = thought["matters"].get(name)
    return {
        "name": name.replace("_", " "),
        "options": shown,
        "rest": len(chances) - len(shown),
        "matters": bits is not None,
        "bits": f"{bits:.2f}" if bits else "",
        "missed": bool(truth) and truth not in members,
    }


def _plan(text: str, line: int) -> list[dict[str, Any]]:
    lines = text.rstrip().splitlines()
    return [{"text": words, "now": i == line} for i, words in enumerate(lines, 1)]
