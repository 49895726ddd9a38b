"""Writes known plans as language models write them, right and damaged."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from surefoot.core.errors import InputError
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language.model import Plan, PlanStep, Task
from surefoot.pddl.validator import validate
from surefoot.pddl.writing import held_out_sayings, sayings, validation_sayings
from surefoot.pddl.writing.damages import DAMAGES, Damage, Scene
from surefoot.pddl.writing.extras import Told
from surefoot.pddl.writing.model import (
    AnswerStyle,
    Said,
    Split,
    WrittenAnswer,
    WrittenShape,
    WrittenStep,
)
from surefoot.pddl.writing.phrases import DomainWords
from surefoot.pddl.writing.readings import (
    may_be_valid,
    seems_valid,
    shortened,
    stated_steps,
    states_along,
)
from surefoot.pddl.writing.speaker import Speaker
from surefoot.pddl.writing.styles import EXTRAS, STRUCTURES, WORDINGS, can_show
from surefoot.pddl.writing.wordings import call

_TRIES = 12
"""Draws of a damage before a plan counts as one that cannot be damaged so."""
_SAYINGS = {
    Split.DEVELOPMENT: sayings.SAYINGS,
    Split.VALIDATION: validation_sayings.SAYINGS,
    Split.HELD_OUT: held_out_sayings.SAYINGS,
}


class AnswerWriter:
    """Writes answers to one task.

    Args:
        task: The task.
        words: The words of its domain; see :func:`~surefoot.pddl.writing.words.words_of`.
    """

    def __init__(self, task: Task | GroundTask, words: DomainWords) -> None:
        self.ground = task if isinstance(task, GroundTask) else GroundTask(task)
        self.words = words

    def write(
        self, plan: Plan, style: AnswerStyle, seed: int, damage: str | None = None
    ) -> WrittenAnswer | None:
        """Writes a plan; the same arguments always give the same text.

        Args:
            plan: The plan.
            style: How to write it.
            seed: Seed of all variations.
            damage: Name of a damage, ``None`` to write the plan as it is.

        Returns:
            The answer, or ``None`` where the style cannot show the plan, or where the damage
            cannot be made or would leave a plan that solves the task.

        Raises:
            InputError: There is no such damage.
        """
        if damage is not None and damage not in DAMAGES:
            raise InputError(f"no damage '{damage}'; there are {', '.join(DAMAGES)}")
        told = " ".join(map(str, plan.steps))
        rng = Random(f"{self.ground.task.name}:{told}:{style.name}:{damage}:{seed}")
        return _Writing(self.ground, self.words, plan, style, rng).answer(
            None if damage is None else DAMAGES[damage]
        )


class _Writing:
    """One answer being written."""

    def __init__(
        self, ground: GroundTask, words: DomainWords, plan: Plan, style: AnswerStyle, rng: Random
    ) -> None:
        self.ground, self.plan, self.style, self.rng = ground, plan, style, rng
        self.structure = STRUCTURES[style.structure]
        self.extras = [EXTRAS[name] for name in style.extras]
        self.speaker = Speaker(ground, words, WORDINGS[style.wording], rng)
        self.sayings = _SAYINGS[style.split]
        self.body_seed = rng.random()

    def answer(self, damage: Damage | None) -> WrittenAnswer | None:
        """Writes the answer."""
        if not self.plan.steps:
            return None if damage else self._nothing_to_do(None)
        if damage is not None and damage.name == "nothing-to-do":
            return self._nothing_to_do(damage)
        items = self._items()
        if damage is None:
            text = self._text(items)
            valid = validate(self.ground, self.plan).valid
            return self._done(text, None, self.plan.steps, valid, WrittenShape.PLAN)
        if not can_show(self.style, damage.name):
            return None
        if damage.make is None:
            text = self._frame(damage.name, items)
            return self._done(text, damage, None, False, damage.shape)
        scene = Scene(self.ground, self.rng, self.sayings.unknown_verbs)
        for _ in range(_TRIES):
            found = damage.make(list(items), scene)
            if found and not (damage.readable and self._seems_valid(found)):
                text = self._text(found)
                steps = stated_steps(self.ground, found) if damage.readable else None
                return self._done(text, damage, steps, False, damage.shape)
        return None

    def _done(
        self,
        text: str,
        damage: Damage | None,
        steps: Sequence[PlanStep] | None,
        valid: bool,
        shape: WrittenShape,
    ) -> WrittenAnswer | None:
        if not text:
            return None
        readable = damage is None or damage.readable
        if shape is WrittenShape.PLAN and steps is None:
            readable = False
        name = damage.name if damage else None
        told = None if steps is None else tuple(steps)
        return WrittenAnswer(text, self.style, name, told, valid, shape, readable)

    def _nothing_to_do(self, damage: Damage | None) -> WrittenAnswer | None:
        valid = validate(self.ground, Plan()).valid
        if valid is (damage is not None):
            return None
        text = self.rng.choice(self.sayings.nothing)
        return self._done(text, damage, (), valid, WrittenShape.NO_ACTION)

    def _items(self) -> list[WrittenStep]:
        """Returns the steps, without the arguments that the wording leaves out."""
        items = [WrittenStep(step) for step in self.plan.steps]
        if self.speaker.wording.omits == "none":
            return items
        states = states_along(self.ground, self.plan.steps)
        return [
            shortened(self.ground, item, state, self._dispensable(item))
            for item, state in zip(items, states, strict=False)
        ]

    def _seems_valid(self, items: Sequence[WrittenStep]) -> bool:
        def interchangeable(item: WrittenStep) -> Sequence[tuple[int, int]]:
            if self.speaker.wording.kind == "call":
                return []
            return self.speaker.phrase(item).interchangeable()

        return seems_valid(self.ground, items, interchangeable)

    def _dispensable(self, item: WrittenStep) -> Sequence[int]:
        """Returns the places of arguments that the wording may leave out, the first ones first."""
        if self.speaker.wording.omits == "any":
            phrase = self.speaker.phrase(item)
            if phrase.verb.text in self.speaker.shared_verbs:
                return () if phrase.subject is None else (phrase.subject,)
            return phrase.places()
        types = [p.types for p in self.ground.task.domain.actions[item.step.action].parameters]
        # behind a gap, or beside another of its type, a reader could not tell which is missing
        return [len(types) - 1] if len(types) > 1 and types.count(types[-1]) == 1 else []

    def _said(self, number: int, item: WrittenStep, remark: str = "") -> Said:
        speaker = self.speaker
        kept = [i for i in range(len(item.step.args)) if i not in item.omitted]
        names = speaker.names(item.step)
        keys = [*speaker.keys(item.origin or item.step.action)]
        keys += [f"extra{n}" for n in range(len(names) - len(keys))]
        text = speaker.wording.say(item, speaker)
        if item.denied:
            call = speaker.wording.kind == "call"
            form = self.rng.choice([d for d in self.sayings.denied if ("{call}" in d) is call])
            phrase = speaker.phrase(item)
            said = f"{phrase.verb.text}{phrase.tail(names, item.omitted)}"
            text = form.format(call=text, said=said)
        return Said(
            number,
            item.step.action,
            tuple(names[i] for i in kept),
            tuple(keys[i] for i in kept),
            text,
            speaker.title(item),
            speaker.actor(item),
            remark,
        )

    def _body(self, items: Sequence[WrittenStep], remarks: Sequence[str] = ()) -> str:
        """Lays out steps; the draw of variations does not depend on how often it is done."""
        told = remarks or [""] * len(items)
        saids = [
            self._said(n, item, remark)
            for n, (item, remark) in enumerate(zip(items, told, strict=True), start=1)
        ]
        return self.structure.render(saids, Random(self.body_seed))

    def _told(self, items: Sequence[WrittenStep]) -> Told:
        states = states_along(self.ground, [item.step for item in items])
        return Told(items, states, self.speaker, self.sayings, self._body)

    def _remarks(self, told: Told) -> list[str]:
        found = []
        for at in range(len(told.items)):
            said = [extra.remark(told, at) for extra in self.extras]
            found.append(" ".join(filter(None, said)))
        return found

    def _text(self, items: Sequence[WrittenStep]) -> str:
        told = self._told(items)
        body = self._body(items, self._remarks(told))
        if not body:
            return ""
        return self._joined(told, [body], True)

    def _joined(self, told: Told, middle: Sequence[str], closed: bool) -> str:
        before = [self.speaker.legend, *(extra.before(told) for extra in self.extras)]
        after = [extra.after(told) for extra in self.extras] if closed else []
        return "\n\n".join(filter(None, [*before, *middle, *after]))

    def _frame(self, name: str, items: Sequence[WrittenStep]) -> str:
        """Writes an answer whose whole text is damaged; ``""`` where that cannot be."""
        rng, bank = self.rng, self.sayings
        if name == "plain-refusal":
            return rng.choice(bank.refusals)
        if name == "refusal-with-example":
            example = call(rng.choice(items), self.speaker)
            said = rng.choice(bank.examples).format(call=example)
            return "\n\n".join(filter(None, [self.speaker.legend, rng.choice(bank.refusals), said]))
        told = self._told(items)
        body = self._body(items, self._remarks(told))
        if not body:
            return ""
        refusal = rng.choice(bank.refusals)
        match name:
            case "plan-only-in-thoughts":
                return f"<think>\n{self._joined(told, [body], False)}\n</think>\n\n{refusal}"
            case "rejected-plan":
                rejected = rng.choice(bank.rejected).format(plan=body)
                return "\n\n".join(filter(None, [self.speaker.legend, refusal, rejected]))
            case "withdrawn":
                return self._joined(told, [body, rng.choice(bank.unfinished)], False)
            case "disowned":
                return self._joined(told, [body, rng.choice(bank.disowned)], False)
            case "contradicting-legend":
                return self._contradicting(told, body)
            case _:
                return self._cut(told, body)

    def _contradicting(self, told: Told, body: str) -> str:
        used = {a for item in told.items for a in item.step.args}
        aliases = self.speaker.aliases
        pairs = [(a, b) for a in aliases if a in used for b in aliases if a != b]
        define = self.speaker.wording.legend
        if not pairs or define is None:
            return ""
        first, second = self.rng.choice(pairs)
        again = define({second: aliases[first]})
        return self._joined(told, [again, body], True)

    def _cut(self, told: Told, body: str) -> str:
        """Cuts the plan off well before its last step."""
        items = told.items
        if len(items) < 4:
            return ""
        if any(may_be_valid(self.ground, items[:n]) for n in range(len(items))):
            return ""
        at = int(len(body) * self.rng.uniform(0.3, 0.7))
        return self._joined(told, [body[:at]], False)
