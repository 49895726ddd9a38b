"""Writes random plans in English, with the programs that they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from surefoot.verification.formulas.syntax import Formula, Not
from surefoot.verification.programs.statements import (
    Do,
    End,
    If,
    Mark,
    Proceed,
    Program,
    Statement,
    WaitUntil,
    While,
)
from surefoot.verification.writing.conditions import ConditionWriter, article
from surefoot.verification.writing.scenes import PlanScene, plan_scenes
from surefoot.verification.writing.wordings import Wordings, chosen

DOUBTFUL_FRACTION = 0.1
"""Fraction of plans with a sentence that has two readings, or none."""

_NUMBERS = ("two", "three", "four", "five")
_LISTS = ("head-if", "head-else", "head-while", "head-until", "head-once", "head-times")
_WEIGHTS = {
    "act": 6, "acts": 3, "if": 5, "if-both": 2, "unless": 3, "if-else": 5, "else-if": 2, "wait": 4,
    "wait-act": 4, "while": 3, "until": 3, "until-act": 2, "times": 2, "pause": 1, "if-jump": 2,
    "look": 2, "next": 1, "head-if": 3, "head-while": 1, "head-until": 1, "head-once": 1,
    "head-times": 1,
}  # fmt: skip
"""How often constructs are drawn."""


@dataclass(frozen=True, slots=True)
class WrittenPlan:
    """A plan in English with its meaning.

    Attributes:
        text: The plan.
        program: What it says; None if it has two readings or none, so that it must be refused.
        scene: Its vocabulary.
        constructs: The constructs that it uses, each once.
    """

    text: str
    program: Program | None
    scene: PlanScene
    constructs: tuple[str, ...]


@dataclass(slots=True)
class _Step:
    """A step: its sentences, the list below it, and what they mean."""

    text: str
    meaning: tuple[Statement, ...]
    below: tuple[str, ...] = ()
    open_if: bool = False
    kinds: list[str] = field(default_factory=list)


class EnglishWriter:
    """Writes plans in English.

    Args:
        wordings: Ways to say them.
        seed: Draws everything.
    """

    def __init__(self, wordings: Wordings, seed: int) -> None:
        self._wordings = wordings
        self._rng = Random(seed)
        self._scenes = plan_scenes()

    def write(self) -> WrittenPlan:
        """Returns the next plan."""
        rng = self._rng
        scene = rng.choice(self._scenes)
        layout = rng.choice(self._wordings.layouts)
        plan = _PlanText(self._wordings, scene, rng, numbered="{n}" in layout)
        doubtful = rng.random() < DOUBTFUL_FRACTION
        steps = plan.steps(doubtful=doubtful)
        lines: list[str] = []
        for number, step in enumerate(steps, 1):
            mark = layout.replace("{n}", str(number)).replace("{l}", chr(96 + number))
            title = ""
            if layout == "{n}. " and rng.random() < 0.08:
                title = f"**{rng.choice(self._wordings.titles)}:** "
            lines.append(mark + title + step.text)
            dash = rng.choice(("   - ", "    * ", "   "))
            for at, child in enumerate(step.below):
                bullet = dash if dash.strip() else f"   {chr(97 + at)}. "
                lines.append(bullet + child)
        opening, closing = rng.choice(self._wordings.openings), rng.choice(self._wordings.closings)
        text = "\n".join(lines)
        text = f"{opening}\n\n{text}" if opening else text
        text = f"{text}\n\n{closing}\n" if closing else text + "\n"
        kinds = tuple(dict.fromkeys(kind for step in steps for kind in step.kinds))
        if doubtful:
            return WrittenPlan(text, None, scene, kinds)
        statements: list[Statement] = []
        for number, step in enumerate(steps, 1):
            statements += [Mark(0, str(number)), *step.meaning]
        return WrittenPlan(text, Program(tuple(statements), scene.idle), scene, kinds)


class _PlanText:
    def __init__(
        self, wordings: Wordings, scene: PlanScene, rng: Random, *, numbered: bool
    ) -> None:
        self._wordings = wordings
        self._scene = scene
        self._rng = rng
        self._numbered = numbered
        self._conditions = ConditionWriter(wordings, scene, rng)
        names = sorted(scene.actions)
        self._spare = rng.choice(names)  # what 'never' forbids
        self._names = [name for name in names if name != self._spare]

    def steps(self, *, doubtful: bool) -> list[_Step]:
        """Returns the steps of a plan."""
        rng = self._rng
        count = rng.randint(1, 5)
        made: list[_Step] = []
        while len(made) < count:
            kind = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
            if (kind == "if-jump" and not self._numbered) or (kind == "next" and count == 1):
                continue
            if kind == "next" and len(made) + 1 == count:
                continue
            before = [step for step in made if step.meaning or "head-else" in step.kinds]
            before_if = bool(before) and before[-1].open_if
            made.append(self._listed(kind) if kind in _LISTS else self._step(kind, count))
            if kind == "head-if" and not before_if and rng.random() < 0.5:
                other = self._listed("head-else")
                last = made[-1].meaning[0]
                assert isinstance(last, If)
                made[-1].meaning = (If(0, last.condition, last.then, other.meaning),)
                made[-1].open_if = False
                other.meaning = ()
                made.append(other)
                count += 1
        if rng.random() < 0.1:
            made.insert(rng.randrange(len(made) + 1), self._never())
            self._shift(made)
        ending = rng.choice(("", "", "jump", "restart", "end"))
        if ending and (ending != "jump" or self._numbered):
            made.append(self._step(ending, len(made)))
        if not any(step.meaning for step in made):
            made.append(self._step("act", 0))
        if doubtful:
            kind = rng.choice(sorted(self._wordings.doubtful))
            if kind in ("trailing-not", "no-and", "no-or-visible") and len(self._scene.things) < 2:
                kind = "then-if"
            text = self._say(self._wordings.doubtful[kind])[0]
            made = [step for step in made if not any("jump" in kind for kind in step.kinds)]
            made.insert(rng.randrange(len(made) + 1), _Step(text, (), kinds=[f"doubt: {kind}"]))
        return made

    def _shift(self, made: list[_Step]) -> None:
        """Drops jumps and references to neighbours whose steps a new step has moved."""
        for at, step in enumerate(made):
            if {"if-jump", "next", "head-else"} & set(step.kinds):
                fresh = self._step("act", 0)
                made[at] = fresh
        for at, step in enumerate(made):
            if step.meaning and isinstance(step.meaning[0], If) and step.kinds == ["head-if"]:
                made[at] = self._step("act", 0)

    def _never(self) -> _Step:
        text = self._say(self._wordings.constructs["never"])[0]
        return _Step(text, (), kinds=["never"])

    def _step(self, kind: str, count: int) -> _Step:
        text, said = self._say(
            self._wordings.constructs[kind], target=self._rng.randint(1, max(count, 1))
        )
        meaning = _meaning(kind, said, self._scene.idle)
        return _Step(
            text,
            meaning,
            open_if=kind in ("if", "if-both", "unless", "if-jump", "next"),
            kinds=[kind],
        )

    def _listed(self, kind: str) -> _Step:
        text, said = self._say(self._wordings.constructs[kind])
        below: list[str] = []
        body: list[Statement] = []
        for _ in range(self._rng.randint(1, 3)):
            inner = self._rng.choice(("act", "act", "wait", "wait-act", "if", "acts"))
            child = self._step(inner, 0)
            below.append(child.text)
            body += child.meaning
        meaning = _around(kind, said, tuple(body))
        return _Step(text, meaning, tuple(below), open_if=kind == "head-if", kinds=[kind])

    def _say(
        self, patterns: Sequence[str], target: int = 1
    ) -> tuple[str, dict[str, str | int | Formula]]:
        """Fills the slots of a pattern; returns the text and what stands in them."""
        rng = self._rng
        text = chosen(rng.choice(list(patterns)), rng)
        said: dict[str, str | int | Formula] = {}
        for slot in ("A2", "A", "B", "Aing"):
            if "{" + slot + "}" in text:
                name = rng.choice(self._names)
                said["A" if slot == "Aing" else slot] = name
                form = rng.choice(self._scene.actions[name])
                text = text.replace("{" + slot + "}", form[slot == "Aing"])
        for slot, at in (("Z", 0), ("Zing", 1)):
            text = text.replace("{" + slot + "}", rng.choice(self._scene.actions[self._spare])[at])
        for slot in ("C", "D", "E", "G"):
            if "{" + slot + "}" in text:
                words, formula = self._conditions.condition()
                while slot == "G" and " or " in words + " and ":
                    words, formula = self._conditions.condition()
                said["C" if slot == "D" else slot] = Not(formula) if slot == "D" else formula
                text = text.replace("{" + slot + "}", words)
        if "{N}" in text:
            number = rng.randint(2, 5)
            said["N"] = number
            text = text.replace("{N}", rng.choice((str(number), _NUMBERS[number - 2])))
        if "{things}" in text:
            text = text.replace("{things}", self._conditions.thing()[1])
        if "{t" in text or "{u" in text:
            names = sorted(self._scene.things)
            one = self._scene.things[names[0]][0]
            two = self._scene.things[names[-1]][0]
            for slot, noun in (("t", one), ("u", two)):
                text = text.replace("{" + slot + "0}", noun)
                text = text.replace("{" + slot + "}", article(noun))
        said["n"] = target
        text = text.replace("{n}", str(target))
        return text[0].upper() + text[1:], said


def _meaning(
    kind: str, said: dict[str, str | int | Formula], idle: str | None
) -> tuple[Statement, ...]:
    """Returns what a sentence says."""

    def act(slot: str) -> Do:
        return Do(0, (str(said[slot]),))

    def condition(slot: str = "C") -> Formula:
        found = said[slot]
        assert isinstance(found, Formula)
        return found

    match kind:
        case "act":
            return (act("A"),)
        case "acts":
            return (act("A"), act("B"))
        case "if":
            return (If(0, condition(), (act("A"),)),)
        case "if-both":
            return (If(0, condition(), (act("A"), act("B"))),)
        case "unless":
            return (If(0, Not(condition()), (act("A"),)),)
        case "if-else":
            return (If(0, condition(), (act("A"),), (act("B"),)),)
        case "else-if":
            inner = If(0, condition("E"), (act("B"),), (act("A2"),))
            return (If(0, condition(), (act("A"),), (inner,)),)
        case "wait":
            return (WaitUntil(0, condition()),)
        case "wait-act":
            return (WaitUntil(0, condition()), act("A"))
        case "while":
            return (While(0, condition(), (act("A"),)),)
        case "until":
            return (While(0, Not(condition()), (act("A"),)),)
        case "until-act":
            return (While(0, Not(condition()), (act("A"),)), act("B"))
        case "times":
            return (act("A"),) * int(str(said["N"]))
        case "pause":
            return (Do(0, () if idle is None else (idle,)),) * int(str(said["N"]))
        case "jump":
            return (Proceed(0, str(said["n"])),)
        case "if-jump":
            return (If(0, condition(), (Proceed(0, str(said["n"])),)),)
        case "restart":
            return (Proceed(0, "1"),)
        case "end":
            return (End(0),)
        case "next":
            return (If(0, condition(), (), (act("A"),)),)
    return ()


def _around(
    kind: str, said: dict[str, str | int | Formula], body: tuple[Statement, ...]
) -> tuple[Statement, ...]:
    """Returns what a sentence with a list below it says."""
    condition = said.get("C")
    if kind == "head-else":
        return body
    if kind == "head-times":
        return body * int(str(said["N"]))
    assert isinstance(condition, Formula)
    match kind:
        case "head-if":
            return (If(0, condition, body),)
        case "head-while":
            return (While(0, condition, body),)
        case "head-until":
            return (While(0, Not(condition), body),)
    return (WaitUntil(0, condition), *body)
