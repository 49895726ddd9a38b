"""Turns the steps of a text into ground actions by following the state of the world.

What the text says is kept as it is, right or wrong. What it leaves out is completed from
the current state: with the only completion that is applicable, or, if several are, by
fixed rules that never look ahead (the object that the passage is about, matching
indices, the object used least so far, order of declaration). If none is applicable the
most nearly applicable one is written down, so that the error can be named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice, product
from zlib import crc32

from surefoot.pddl.conditions import unsatisfied
from surefoot.pddl.extract import doubts
from surefoot.pddl.extract.drafts import Draft, Slot, StepReading
from surefoot.pddl.extract.loops import index_of
from surefoot.pddl.ground import GroundAction, GroundTask
from surefoot.pddl.language.model import Action, PlanStep
from surefoot.pddl.successors import StateView

MAX_STEPS = 20_000
"""Longest plan that is bound; anything longer is cut and reported as truncated."""

_MAX_TRIED = 400


class ArgumentSource(StrEnum):
    """Where the arguments of a bound step come from."""

    STATED = "stated"
    """The text names them all."""
    COMPLETED = "completed"
    """The one completion that is applicable in the current state."""
    ASSUMED = "assumed"
    """One of several applicable completions, chosen by rule."""
    FORCED = "forced"
    """No completion is applicable; the nearest one stands for the step."""
    UNKNOWN = "unknown"
    """The text names no action of the domain."""
    AMBIGUOUS = "ambiguous"
    """What the text says does not fix the step: it says something that names no object, or
    two things that differ."""


@dataclass(frozen=True, slots=True)
class BoundStep:
    """A ground step with its origin in the text.

    Attributes:
        step: The ground action; for ``UNKNOWN`` its name is made from the text.
        source: Where its arguments come from.
        first_line: 1-based first line.
        last_line: 1-based last line.
        text: The words.
        choices: Number of applicable completions that the text left open.
        doubts: What makes its reading doubtful.
    """

    step: PlanStep
    source: ArgumentSource
    first_line: int
    last_line: int
    text: str
    choices: int = 1
    doubts: tuple[str, ...] = ()


class Binder:
    """Binds drafts one after the other, keeping the state.

    Args:
        ground: The task.
        policy: Which of several completions is taken: 0 for the one that the rules prefer,
            other numbers for others, to see whether the choice matters.
    """

    def __init__(self, ground: GroundTask, policy: int = 0) -> None:
        self._policy = policy
        self._ground = ground
        self._state = set(ground.initial)
        self._uses: Counter[tuple[str, str]] = Counter()
        self._recent: dict[str, int] = {}
        self._labels: dict[str, str] = {}
        self._order = {name: i for i, name in enumerate(ground.task.objects)}
        self._steps: list[BoundStep] = []
        self._failed = False
        self.open_choice = False
        """Whether a step had several completions before anything failed."""

    def run(self, drafts: Sequence[Draft]) -> list[BoundStep]:
        """Binds a list of drafts from the initial state."""
        for draft in drafts:
            if len(self._steps) >= MAX_STEPS:
                break
            if not draft.readings:
                name = " ".join(draft.text.split())[:60] or "?"
                step = PlanStep(draft.invented[0], draft.invented[1:]) if draft.invented else None
                self._keep(step or PlanStep(name), ArgumentSource.UNKNOWN, draft)
                continue
            for single in self._distribute(draft):
                self._bind(single)
        return self._steps

    def _distribute(self, draft: Draft) -> Iterator[Draft]:
        """Makes one draft of each object where the text means several in turn."""
        reading = draft.readings[0]
        many = next((i for i, s in enumerate(reading.slots) if s is not None and s.each), None)
        if many is None:
            yield draft
            return
        slot = reading.slots[many]
        assert slot is not None
        for options in slot.each:
            readings = tuple(
                replace(r, slots=_put(r.slots, many, Slot(options, text=slot.text)))
                for r in draft.readings
                if r.action == reading.action
            )
            yield from self._distribute(replace(draft, readings=readings))

    def _bind(self, draft: Draft) -> None:
        readings = [self._narrow(r, draft) for r in draft.readings]
        stated = [r for r in readings if self._complete_text(r)]
        if len(readings) == 1 and stated and not draft.conditional:
            reading = stated[0]
            args = tuple(map(_word, reading.slots))
            self._keep(PlanStep(reading.action, args), ArgumentSource.STATED, draft)
            return
        view = StateView(self._ground, self._state)
        found: dict[PlanStep, tuple[GroundAction, StepReading]] = {}
        for reading in readings:
            for action in self._applicable(view, reading):
                found.setdefault(action.step, (action, reading))
        if not found:
            if not (draft.conditional and self._already(readings)):
                self._force(readings, draft)
            return
        best = min(found, key=lambda step: self._rank(step, draft, found[step][1]))
        self._remember(best, found[best][1])
        source = ArgumentSource.COMPLETED if len(found) == 1 else ArgumentSource.ASSUMED
        if doubts.VAGUE in draft.doubts or doubts.UNDEFINED in draft.doubts:
            source = ArgumentSource.AMBIGUOUS  # something was said of what would be completed
        if stated and any(all(s and len(s.options) == 1 for s in r.slots) for r in stated):
            source = ArgumentSource.STATED
        self._keep(best, source, draft, len(found))

    def _schema(self, reading: StepReading) -> Action:
        return self._ground.task.domain.actions[reading.action]

    def _narrow(self, reading: StepReading, draft: Draft) -> StepReading:
        """Applies what the passage round a step says: its subject, its loop, earlier labels."""
        slots = list(reading.slots)
        parameters = self._schema(reading).parameters
        for index, slot in enumerate(slots[: len(parameters)]):
            if slot is None and draft.agent is not None:
                fits = self._ground.fits(parameters[index].types)
                taken = any(s and draft.agent in s.options for s in slots)
                if draft.agent in fits and not taken:
                    slots[index] = Slot((draft.agent,))
            elif slot is not None and slot.label and len(slot.options) > 1:
                known = self._labels.get(slot.label)
                others = {o for key, o in self._labels.items() if key != slot.label}
                left = tuple(o for o in slot.options if o not in others) or slot.options
                slots[index] = replace(slot, options=(known,) if known else left)
            elif slot is not None and len(slot.options) > 1:
                focused = tuple(o for o in slot.options if o in draft.focus)
                if focused:
                    slots[index] = replace(slot, options=focused)
        changed = tuple(slots)
        return reading if changed == reading.slots else replace(reading, slots=changed)

    @staticmethod
    def _complete_text(reading: StepReading) -> bool:
        """Whether the text alone fixes the step: all arguments, or a formal list."""
        if reading.strict:
            return all(s is not None and len(s.options) <= 1 for s in reading.slots)
        return reading.misfit is None and all(
            s is not None and len(s.options) == 1 for s in reading.slots
        )

    def _applicable(self, view: StateView, reading: StepReading) -> Iterator[GroundAction]:
        schema = self._schema(reading)
        if reading.misfit is not None or len(reading.slots) != len(schema.parameters):
            return
        if any(slot is not None and not slot.options for slot in reading.slots):
            return
        partial = tuple(
            slot.options[0] if slot is not None and len(slot.options) == 1 else None
            for slot in reading.slots
        )
        for action in view.complete(schema, partial):
            if all(
                slot is None or arg in slot.options
                for slot, arg in zip(reading.slots, action.step.args, strict=True)
            ):
                yield action

    def _rank(self, step: PlanStep, draft: Draft, reading: StepReading) -> tuple[float, ...]:
        open_args = [
            arg
            for arg, slot in zip(step.args, reading.slots, strict=True)
            if slot is None or len(slot.options) > 1
        ]
        if self._policy:
            mixed = "".join(open_args) + str(len(self._steps) * self._policy)
            # what the passage is about is said, so it holds for every reading
            return (-sum(arg in draft.focus for arg in open_args), crc32(mixed.encode()))
        indices = [index_of(arg) for arg in step.args]
        pairs = sum(bool(i) and i == j for n, i in enumerate(indices) for j in indices[n + 1 :])
        return (
            -sum(arg in draft.focus for arg in open_args),
            -pairs,
            sum(self._uses[step.action, arg] for arg in open_args),
            -max((self._recent.get(arg, 0) for arg in open_args), default=0),
            *(self._order[arg] for arg in step.args),
        )

    def _force(self, readings: Sequence[StepReading], draft: Draft) -> None:
        """Writes down a step that cannot be executed, as near to the text as possible."""
        best: tuple[int, PlanStep] | None = None
        for reading in readings:
            for step in self._nearest(reading):
                missing = self._missing(step)
                if best is None or missing < best[0]:
                    best = (missing, step)
        assert best is not None
        self._failed = True
        self._keep(best[1], ArgumentSource.FORCED, draft, 0)

    def _already(self, readings: Sequence[StepReading]) -> bool:
        """Returns whether a conditional step has nothing left to do."""
        for reading in readings:
            for step in self._nearest(reading):
                if (
                    self._missing(step) < 1000
                    and self._ground.ground(step).adds
                    and all(fact in self._state for fact in self._ground.ground(step).adds)
                ):
                    return True
        return False

    def _nearest(self, reading: StepReading) -> Iterator[PlanStep]:
        schema = self._schema(reading)
        slots = list(reading.slots)
        if len(slots) != len(schema.parameters):
            yield PlanStep(reading.action, tuple(_word(slot) for slot in slots))
            return
        choices: list[tuple[str, ...]] = []
        misfit = reading.misfit
        for slot, parameter in zip(slots, schema.parameters, strict=True):
            if slot is not None:
                choices.append(slot.options or (_word(slot),))
            elif misfit is not None:
                choices.append(misfit.options[:1] or (_word(misfit),))
                misfit = None
            else:
                fits = self._ground.fits(parameter.types)
                choices.append(tuple(sorted(fits, key=self._order.__getitem__)) or ("?",))
        if misfit is not None:  # every parameter is taken; the text names one object too many
            choices.append(misfit.options[:1] or (_word(misfit),))
        limit = 16 if self._failed else _MAX_TRIED
        # the open argument that varies fastest is the last; try near ones of each first
        trimmed = _trim(choices, limit)
        for args in islice(product(*trimmed), limit):
            yield PlanStep(reading.action, args)

    def _missing(self, step: PlanStep) -> int:
        schema = self._ground.task.domain.actions[step.action]
        if len(step.args) != len(schema.parameters) or any(
            arg not in self._ground.fits(p.types)
            for arg, p in zip(step.args, schema.parameters, strict=True)
        ):
            return 1000
        return len(unsatisfied(self._ground.ground(step).precondition, self._state))

    def _remember(self, step: PlanStep, reading: StepReading) -> None:
        for slot, arg in zip(reading.slots, step.args, strict=True):
            if slot is not None and slot.label:
                self._labels.setdefault(slot.label, arg)

    def _keep(self, step: PlanStep, source: ArgumentSource, draft: Draft, choices: int = 1) -> None:
        codes = set(draft.doubts)
        if doubts.CONTRADICTION in codes and source is not ArgumentSource.UNKNOWN:
            source = ArgumentSource.AMBIGUOUS
        if source is ArgumentSource.ASSUMED:
            self.open_choice = self.open_choice or not self._failed
            codes.add(doubts.CHOICE)
        elif source is ArgumentSource.FORCED:
            codes.add(doubts.NEAREST)
        self._steps.append(
            BoundStep(
                step,
                source,
                draft.first_line,
                draft.last_line,
                draft.text,
                choices,
                tuple(sorted(codes)),
            )
        )
        if source is ArgumentSource.UNKNOWN or self._missing(step) >= 1000:
            return
        action = self._ground.ground(step)
        if not action.applicable(self._state):
            self._failed = True
        action.apply(self._state)
        for arg in step.args:
            self._uses[step.action, arg] += 1
            self._recent[arg] = len(self._steps)


def _put(slots: tuple[Slot | None, ...], index: int, slot: Slot) -> tuple[Slot | None, ...]:
    return (*slots[:index], slot, *slots[index + 1 :])


def _word(slot: Slot | None) -> str:
    if slot is None:
        return "?"
    return slot.options[0] if slot.options else "-".join(slot.text.split())[:40] or "?"


def _trim(choices: list[tuple[str, ...]], limit: int) -> list[tuple[str, ...]]:
    """Cuts the longest lists of alternatives until their product is within a limit."""
    sizes = [len(c) for c in choices]
    total = 1
    for size in sizes:
        total *= size
    while total > limit and max(sizes) > 1:
        longest = sizes.index(max(sizes))
        total = total // sizes[longest] * (sizes[longest] - 1)
        sizes[longest] -= 1
    return [c[:size] for c, size in zip(choices, sizes, strict=True)]
