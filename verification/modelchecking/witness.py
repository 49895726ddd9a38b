"""Counterexamples: a run of the model that breaks a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from surefoot.verification.modelchecking.systems import TransitionSystem


class WitnessKind(StrEnum):
    """The way in which a run breaks a rule.

    ``prefix``: no continuation satisfies the rule. ``ended``: the run ends before something that
    was due. ``lasso``: the run repeats a loop for ever.
    """

    PREFIX = "prefix"
    ENDED = "ended"
    LASSO = "lasso"


@dataclass(frozen=True, slots=True)
class WitnessStep:
    """One step of a run.

    Attributes:
        state: Number of the model's state.
        facts: Propositions that are true.
        words: Description of the state.
    """

    state: int
    facts: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Witness:
    """A run that breaks a rule.

    Attributes:
        kind: The way in which it breaks the rule.
        prefix: The first steps.
        loop: The steps that then repeat for ever; empty unless the kind is a lasso.
        shortest: Whether it is proven that no run of the same kind is shorter (prefix and loop
            together) and, for a lasso, that no bad prefix exists.
    """

    kind: WitnessKind
    prefix: tuple[WitnessStep, ...]
    loop: tuple[WitnessStep, ...]
    shortest: bool

    def __len__(self) -> int:
        return len(self.prefix) + len(self.loop)

    @property
    def steps(self) -> tuple[WitnessStep, ...]:
        """All steps, those of the loop once."""
        return self.prefix + self.loop

    def lines(self) -> list[str]:
        """Returns one line per step, numbered from 1."""
        lines = [f"{i}. {step.words}" for i, step in enumerate(self.steps, 1)]
        if self.loop:
            lines.append(f"then again from step {len(self.prefix) + 1}, for ever")
        elif self.kind is WitnessKind.ENDED:
            lines.append("and there it ends")
        return lines

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for JSON."""
        rows = [{"facts": list(s.facts), "words": s.words} for s in self.steps]
        cut = len(self.prefix)
        return {
            "kind": self.kind.value,
            "prefix": rows[:cut],
            "loop": rows[cut:],
            "shortest": self.shortest,
        }


def witness_of(
    system: TransitionSystem,
    kind: WitnessKind,
    prefix: Sequence[int],
    loop: Sequence[int] = (),
    *,
    shortest: bool,
) -> Witness:
    """Builds a witness from numbers of states."""

    def steps(states: Sequence[int]) -> tuple[WitnessStep, ...]:
        return tuple(
            WitnessStep(int(s), system.facts(int(s)), system.words(int(s))) for s in states
        )

    return Witness(kind, steps(prefix), steps(loop), shortest)


def folded(prefix: Sequence[int], loop: Sequence[int]) -> tuple[list[int], list[int]]:
    """Returns the same infinite run with the shortest possible loop and prefix."""
    prefix, loop = list(prefix), list(loop)
    size = len(loop)
    period = next(p for p in range(1, size + 1) if size % p == 0 and loop == loop[:p] * (size // p))
    loop = loop[:period]
    while prefix and prefix[-1] == loop[-1]:
        loop.insert(0, loop.pop())
        prefix.pop()
    return prefix, loop
