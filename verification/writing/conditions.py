"""Writes conditions, with their formulas."""

from __future__ import annotations

from random import Random

from surefoot.verification.formulas.syntax import And, Formula, Not, Or, Prop
from surefoot.verification.writing.scenes import PlanScene
from surefoot.verification.writing.wordings import Wordings, chosen

Said = tuple[str, Formula]


class ConditionWriter:
    """Writes conditions about a scene.

    Args:
        wordings: Ways to say them.
        scene: What they are about.
        rng: Draws.
    """

    def __init__(self, wordings: Wordings, scene: PlanScene, rng: Random) -> None:
        self._wordings = wordings
        self._scene = scene
        self._rng = rng

    def condition(self) -> Said:
        """Returns a condition of one or two parts."""
        kind = self._rng.choices(("one", "and", "or", "nor", "either"), (12, 2, 2, 1, 1))[0]
        if kind in ("nor", "either") and len(self._scene.things) > 1:
            first, second = self._rng.sample(sorted(self._scene.things), 2)
            (one, ones), (two, twos) = self._scene.things[first], self._scene.things[second]
            text = self._say(self._wordings.joined[kind], s=one, p=ones, r=two, q=twos,
                             a=article(one), b=article(two))  # fmt: skip
            either = Or((Prop(first), Prop(second)))
            return text, Not(either) if kind == "nor" else either
        names = self._names(2)
        if kind in ("and", "or"):
            (one, left), (two, right) = (self.single(name) for name in names)
            text = self._say(self._wordings.joined[kind], **{"1": one, "2": two})
            return text, And((left, right)) if kind == "and" else Or((left, right))
        return self.single(names[0])

    def single(self, name: str) -> Said:
        """Returns a condition on one observation."""
        true = self._rng.random() < 0.5
        formula: Formula = Prop(name) if true else Not(Prop(name))
        if name in self._scene.things:
            noun, plural = self._scene.things[name]
            patterns = self._wordings.things[not true]
            return self._say(patterns, a=article(noun), s=noun, p=plural), formula
        subject, predicate = self._scene.states[name]
        patterns = self._wordings.states[not true]
        if " " in predicate:  # 'turns on the table' is no state
            patterns = tuple(text for text in patterns if " is" in text)
        return self._say(patterns, x=subject, y=predicate), formula

    def thing(self) -> tuple[str, str]:
        """Returns a noun and its plural."""
        return self._scene.things[self._rng.choice(sorted(self._scene.things))]

    def _names(self, number: int) -> list[str]:
        return self._rng.sample(sorted({**self._scene.things, **self._scene.states}), number)

    def _say(self, patterns: tuple[str, ...], **slots: str) -> str:
        text = chosen(self._rng.choice(patterns), self._rng)
        for name, value in slots.items():
            text = text.replace("{" + name + "}", value)
        return text


def article(noun: str) -> str:
    """Returns a noun with its article."""
    return f"an {noun}" if noun[0] in "aeio" else f"a {noun}"
