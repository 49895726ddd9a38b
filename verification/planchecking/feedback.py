"""Explanations of broken rules in plain language, suited to a prompt that asks for a repair."""

from __future__ import annotations

from dataclasses import dataclass

from surefoot.verification.modelchecking.witness import WitnessKind
from surefoot.verification.planchecking.checking import PlanVerdict, RuleVerdict
from surefoot.verification.planchecking.repair import Repair, find_repair
from surefoot.verification.planchecking.worldmodel import WorldModel
from surefoot.verification.programs.controller import Controller
from surefoot.verification.programs.statements import Program
from surefoot.verification.programs.writing import program_text
from surefoot.verification.rules import Timing


@dataclass(frozen=True, slots=True)
class RuleFeedback:
    """Why a rule is broken and how to repair the plan.

    Attributes:
        rule: Name of the rule.
        step: Step of the counterexample at which the rule is broken, from 1.
        line: Line of the plan (in JSON, its step) that acts there; None if it has none.
        facts: The true propositions of that step.
        text: The explanation.
        repair: A checked repair; None if none was found.
    """

    rule: str
    step: int
    line: int | None
    facts: tuple[str, ...]
    text: str
    repair: Repair | None


def explain(
    program: Program,
    world: WorldModel,
    verdict: PlanVerdict,
    *,
    timing: Timing | None = None,
    repair: bool = True,
) -> tuple[RuleFeedback, ...]:
    """Explains every broken rule of a verdict.

    Args:
        program: The plan.
        world: The world in which it was checked.
        verdict: The verdict.
        timing: The timing with which it was checked.
        repair: Whether to search for repairs as well.
    """
    keep = [v.rule for v in verdict.rules if v.holds]
    return tuple(
        _explain(
            program,
            broken,
            find_repair(program, world, broken, keep, timing=timing) if repair else None,
            tried=repair,
        )
        for broken in verdict.violated
    )


def _explain(
    program: Program, broken: RuleVerdict, repair: Repair | None, *, tried: bool
) -> RuleFeedback:
    witness = broken.result.witness
    if witness is None:
        raise AssertionError("a broken rule without a counterexample")
    controller, rule = broken.controller, broken.rule
    last = witness.steps[-1]
    at = int(broken.product.places[last.state])
    line = controller.instructions[at].line or None if at >= 0 else None
    number = len(witness)
    parts = [f"Rule '{rule.name}' ({rule.severity.value}) is broken."]
    if rule.meaning:
        parts.append(f"It says: {rule.meaning}")
    parts.append("The shortest way to break it:")
    parts += [f"  {text}" for text in witness.lines()]
    where = f" ({program.unit} {line} of the plan)" if line else ""
    parts.append(_reason(broken, controller, at, number, where))
    if repair is not None:
        parts.append(f"Suggestion: {'; then '.join(repair.edits)}.")
        if repair.breaks:
            others = ", ".join(f"'{name}'" for name in repair.breaks)
            parts.append(f"With that the rule holds in every run, but {others} no longer.")
        else:
            parts.append("With that the rule holds in every run, and no rule that held is broken.")
    elif tried:
        parts.append(_no_help(broken))
    text = "\n".join(parts)
    return RuleFeedback(rule.name, number, line, last.facts, text, repair)


def _reason(broken: RuleVerdict, controller: Controller, at: int, number: int, where: str) -> str:
    witness = broken.result.witness
    assert witness is not None
    doing = " and ".join(a.replace("_", " ") for a in controller.actions(at)) or "nothing"
    used = set(broken.rule.formula.propositions) & set(broken.product.world.observations)
    facts = [
        n.replace("_", " ") if n in witness.steps[-1].facts else f"no {n.replace('_', ' ')}"
        for n in broken.product.world.observations
        if n in used
    ]
    seen = f" (seen: {', '.join(facts)})" if facts else ""
    if witness.kind is WitnessKind.PREFIX:
        waits = " waits with" if at < 0 or controller.instructions[at].actions is None else ""
        does = waits or " does"
        return f"At step {number} the plan{does} '{doing}'{where}{seen}; that breaks the rule."
    if witness.kind is WitnessKind.ENDED:
        return f"The plan ends after step {number}{where}{seen}, and what was due never came."
    first = len(witness.prefix) + 1
    steps = f"step {first} repeats" if first == number else f"steps {first} to {number} repeat"
    return f"From there on {steps} for ever{seen}, and what is due never comes."


def _no_help(broken: RuleVerdict) -> str:
    witness = broken.result.witness
    if witness is not None and witness.kind is WitnessKind.LASSO:
        return (
            "No single check or added action mends it: the world may stay as it is for ever. "
            "Assume that it does not (fairness), or change the plan."
        )
    stuck = witness is not None and witness.kind is WitnessKind.PREFIX
    if stuck and broken.timing is Timing.DELAYED:
        return (
            "No check mends it: actions answer what was seen one step earlier, and that may have "
            "changed. Leave the action out, or act on what is seen in the same step."
        )
    return "No single check or added action mends it; change the plan."


def repair_prompt(program: Program, feedback: tuple[RuleFeedback, ...]) -> str:
    """Returns the prompt that asks a model to repair its plan.

    Args:
        program: The plan.
        feedback: The broken rules; at least one.
    """
    parts = ["The plan was read as:", "", program_text(program)]
    parts.append(f"It breaks {len(feedback)} rule{'s' * (len(feedback) > 1)}:")
    for item in feedback:
        parts += ["", item.text]
    parts += ["", "Write the whole plan again so that these rules hold, and keep to its form."]
    return "\n".join(parts)
