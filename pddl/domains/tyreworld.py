"""Tyreworld: changing flat tyres with one jack, one wrench and one pump."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from surefoot.pddl.domains.base import DomainSpec, all_of, fact, numbered, step, typed
from surefoot.pddl.domains.text import PredicatePhrase
from surefoot.pddl.language import Atom, Conjunction, Plan, PlanStep, Problem

_TOOLS = ("wrench", "jack", "pump")


class Tyreworld(DomainSpec):
    """Every hub gets the spare wheel that the goal names; all else goes back to the boot."""

    name = "tyreworld"
    summary = "Flat tyres are replaced with one jack, one wrench and one pump."
    size_means = "number of hubs"
    min_size = 1
    max_size = 30
    kinds: ClassVar = {
        "tool": "tools",
        "wheel": "wheels",
        "nut": "nuts",
        "obj": "tools, wheels and nuts",
        "hub": "hubs",
        "container": "containers",
    }
    phrases: ClassVar = {
        "unlocked": PredicatePhrase("{0} is unlocked", "{0} is not unlocked", "unlocked: {0}"),
        "open": PredicatePhrase("{0} is open", "{0} is not open", "open: {0}"),
        "closed": PredicatePhrase("{0} is closed", "{0} is not closed", "closed: {0}"),
        "in": PredicatePhrase("{0} is in {1}", "{0} is not in {1}", "in {1}: {0}"),
        "have": PredicatePhrase("you have {0}", "you do not have {0}", "you have {0}"),
        "intact": PredicatePhrase("{0} is intact", "{0} is not intact", "intact wheels: {0}"),
        "inflated": PredicatePhrase(
            "{0} is inflated", "{0} is not marked inflated", "inflated wheels: {0}"
        ),
        "not-inflated": PredicatePhrase(
            "{0} is not inflated",
            "{0} is not marked as not inflated",
            "wheels that are not inflated: {0}",
        ),
        "on": PredicatePhrase("{0} is on {1}", "{0} is not on {1}"),
        "on-ground": PredicatePhrase(
            "{0} is on the ground",
            "{0} is not on the ground",
            "on the ground: {0}",
        ),
        "not-on-ground": PredicatePhrase("{0} is in the air", "{0} is not in the air"),
        "fastened": PredicatePhrase("{0} is fastened", "{0} is not fastened", "fastened: {0}"),
        "unfastened": PredicatePhrase("{0} is unfastened", "{0} is not marked unfastened"),
        "free": PredicatePhrase("{0} is free", "{0} is not free"),
        "tight": PredicatePhrase("{0} is tight on {1}", "{0} is not tight on {1}"),
        "loose": PredicatePhrase("{0} is loose on {1}", "{0} is not loose on {1}"),
    }

    def max_witness_steps(self, size: int) -> int:
        """Returns 11n+8, the length of every witness; see :meth:`optimal_cost`."""
        return 11 * size + 8

    def build(self, size: int, rng: Random) -> tuple[Problem, Plan]:
        """Draws which wheels are flat and where spares belong; the plan is an optimal one."""
        hubs = numbered("hub", size)
        nuts = rng.sample(numbered("nut", size), size)
        wheels = numbered("wheel", 2 * size)
        drawn = rng.sample(wheels, len(wheels))
        spares, flats = drawn[:size], drawn[size:]
        sets = list(zip(hubs, nuts, spares, flats, strict=True))
        objects = (
            typed("hub", hubs)
            + typed("nut", sorted(nuts, key=lambda n: int(n[3:])))
            + typed("wheel", wheels)
            + typed("container", ["boot"])
        )
        steps = [step("open", "boot"), *(step("fetch", tool, "boot") for tool in _TOOLS)]
        for hub, nut, spare, flat in sets:
            steps += _change(hub, nut, spare, flat)
        steps += [step("put-away", tool, "boot") for tool in _TOOLS]
        steps.append(step("close", "boot"))
        start, goal = _standard(sets, "boot")
        problem = Problem("", "", objects, start, all_of(sorted(goal, key=str)))
        return problem, Plan(tuple(steps))

    def optimal_cost(self, problem: Problem) -> int | None:
        """Returns 11n+8 for the standard problem of n hubs, otherwise ``None``.

        Standard means: each of n hubs stands on the ground with one flat wheel held by one
        tight nut; the boot is unlocked and closed and holds the three tools and n intact,
        not inflated spares; there are no other objects. The goal asks for exactly one spare
        on each hub, inflated, under the hub's own nut, tight; and for all flats and tools in
        the boot, closed.

        No plan is shorter, because each of these actions is forced at least once, and no two
        of them are the same action with the same arguments:

        - for each hub: to free it from its flat, the nut must come off (``undo``), which
          asks for a loose nut (``loosen``) and a hub in the air (``jack-up``); then the flat
          must go (``remove-wheel``) and be stowed (``put-away``). Its spare must leave the
          boot (``fetch``), be mounted (``put-on-wheel``) and ``inflate`` d. ``undo`` took the
          hub's only nut, so the nut must return (``do-up``) and be fixed (``tighten``), which
          asks for the ground (``jack-down``). These are 11.
        - once: ``open`` the boot, for the spares; ``close`` it, for the goal; ``fetch`` and
          ``put-away`` of wrench, jack and pump, which the actions above need. These are 8.

        The generator's witness has exactly these steps, so the bound is met.
        """
        if problem.minimize_cost or not isinstance(problem.goal, Conjunction):
            return None
        wanted = problem.goal.children
        spare_on = {
            a.args[1]: a.args[0] for a in wanted if isinstance(a, Atom) and a.predicate == "on"
        }
        flat_on = {a.args[1]: a.args[0] for a in problem.init if a.predicate == "on"}
        nut_on = {a.args[1]: a.args[0] for a in problem.init if a.predicate == "tight"}
        boots = [o.name for o in problem.objects if o.types == ("container",)]
        if not spare_on or not (spare_on.keys() == flat_on.keys() == nut_on.keys()):
            return None
        hubs = sorted(spare_on)
        sets = [(h, nut_on[h], spare_on[h], flat_on[h]) for h in hubs]
        parts = [name for group in sets for name in group]
        others = {o.name for o in problem.objects} - {*parts, *_TOOLS}
        if len(set(parts)) != len(parts) or len(boots) != 1 or others != set(boots):
            return None
        start, goal = _standard(sets, boots[0])
        if problem.init != start or frozenset(wanted) != goal:
            return None
        return 11 * len(hubs) + 8


def _standard(
    sets: list[tuple[str, str, str, str]], boot: str
) -> tuple[frozenset[Atom], frozenset[Atom]]:
    """Returns the standard start and goal for hubs with their nut, spare and flat."""
    start = {fact("unlocked", boot), fact("closed", boot)}
    start |= {fact("in", tool, boot) for tool in _TOOLS}
    goal = {fact("closed", boot)} | {fact("in", tool, boot) for tool in _TOOLS}
    for hub, nut, spare, flat in sets:
        start |= {
            fact("on", flat, hub),
            fact("tight", nut, hub),
            fact("fastened", hub),
            fact("on-ground", hub),
            fact("in", spare, boot),
            fact("intact", spare),
            fact("not-inflated", spare),
        }
        goal |= {
            fact("on", spare, hub),
            fact("inflated", spare),
            fact("tight", nut, hub),
            fact("in", flat, boot),
        }
    return frozenset(start), frozenset(goal)


def _change(hub: str, nut: str, spare: str, flat: str) -> list[PlanStep]:
    return [
        step("loosen", nut, hub),
        step("jack-up", hub),
        step("undo", nut, hub),
        step("remove-wheel", flat, hub),
        step("fetch", spare, "boot"),
        step("put-on-wheel", spare, hub),
        step("do-up", nut, hub),
        step("jack-down", hub),
        step("tighten", nut, hub),
        step("inflate", spare),
        step("put-away", flat, "boot"),
    ]
