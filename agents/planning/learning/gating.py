"""Whether a refined planner may take the place of the one that it was made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from surefoot.agents.planning.learning.refinement import HELD_OUT, PlanningScene, Sample, by_scene
from surefoot.results.statistics import holm, mcnemar_exact

LEVEL = 0.05
"""Level of the tests."""


@dataclass(frozen=True, slots=True)
class Change:
    """How plans for the same scenes differ in obeying.

    Attributes:
        lost: Scenes in which only the earlier planner's plan obeys.
        won: Scenes in which only the refined one's does.
        p_value: Of the exact paired test (McNemar); of single rules adjusted for their number
            (Holm).
    """

    lost: int
    won: int
    p_value: float

    @property
    def worse(self) -> bool:
        """Whether it got worse by more than chance."""
        return self.lost > self.won and self.p_value <= LEVEL


@dataclass(frozen=True, slots=True)
class GateComparison:
    """Two planners compared on the rules of the gate.

    Attributes:
        n: Plans of each, paired by scene.
        before: How many of the earlier planner's obey all rules of the gate.
        after: The same of the refined one.
        together: The change in obeying all of them.
        rules: The change in obeying each, by environment and rule.
        passed: Whether neither all together nor any one got worse by more than chance: what is
            won on some rules must not pay for another.
    """

    n: int
    before: int
    after: int
    together: Change
    rules: Mapping[str, Change] = field(hash=False)
    passed: bool

    @property
    def worse(self) -> tuple[str, ...]:
        """Names of single rules that got worse by more than chance."""
        return tuple(name for name, change in self.rules.items() if change.worse)


def gate(
    scenes: Sequence[PlanningScene],
    before: Sequence[Sample],
    after: Sequence[Sample],
    rules: Mapping[str, Collection[str]] = HELD_OUT,
) -> GateComparison:
    """Compares two planners on some rules, by the first plan for each scene.

    A plan that cannot be read obeys none.

    Args:
        scenes: Fresh scenes.
        before: Plans of the earlier planner for them.
        after: Plans of the refined one.
        rules: The rules that count, by environment.
    """
    firsts = [
        {seed: plans[0].verdict for seed, plans in by_scene(part).items()}
        for part in (before, after)
    ]
    counts = {
        f"{env}: {rule}": _counts(
            [[f[s.seed].grade({rule}) > 0 for f in firsts] for s in scenes if s.context.env == env]
        )
        for env, names in rules.items()
        for rule in sorted(names)
    }
    adjusted = holm([mcnemar_exact(lost, won) for lost, won in counts.values()])
    single = {
        name: Change(lost, won, p)
        for (name, (lost, won)), p in zip(counts.items(), adjusted, strict=True)
    }
    obeyed = [[f[s.seed].grade(rules[s.context.env]) > 0 for s in scenes] for f in firsts]
    lost, won = _counts(zip(*obeyed, strict=True))
    together = Change(lost, won, mcnemar_exact(lost, won))
    passed = not together.worse and not any(change.worse for change in single.values())
    return GateComparison(len(scenes), sum(obeyed[0]), sum(obeyed[1]), together, single, passed)


def _counts(pairs: Iterable[Iterable[bool]]) -> tuple[int, int]:
    """Returns how many pairs hold only before, and how many only after."""
    found = [tuple(pair) for pair in pairs]
    return found.count((True, False)), found.count((False, True))
