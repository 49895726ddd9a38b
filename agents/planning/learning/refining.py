"""One refinement from start to end, in steps that are kept: sample, verify, tune, gate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from surefoot.agents.planning.base import ENVIRONMENTS
from surefoot.agents.planning.judge import rule_names
from surefoot.agents.planning.learning.gating import GateComparison, gate
from surefoot.agents.planning.learning.refinement import (
    HELD_OUT,
    PlanningScene,
    Recalibrate,
    Sample,
    draw_scenes,
    preferences,
    sample_plans,
    supervised,
    sure_scenes,
    verdict_pairs,
)
from surefoot.agents.planning.planners.language import LanguagePlanner
from surefoot.agents.planning.registry import make
from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.core.progress import Note, Progress, unnoted
from surefoot.models.options import ModelOptions
from surefoot.models.shipped import LOCAL_AGENTS
from surefoot.models.training.tuning import PreferencePair, TuningRecipe, tune

PLANS = "plans.jsonl"
"""File of the plans that are learned from."""


@dataclass(frozen=True)
class Refinement:
    """What is done.

    Attributes:
        base: Planner that is refined, one that can be tuned here: ``local-agent`` or a folder.
        scenes: Scenes to sample plans for.
        k: Plans for each.
        threshold: Least certainty of perception, ``u_p``, of a scene that is kept.
        hold_out: Learn nothing of the verdicts on held-out rules, which are then the gate;
            else all rules are learned from and are the gate on fresh scenes.
        gate_scenes: Fresh scenes for the gate.
        tuning: How it is tuned.
    """

    base: str = "local-agent"
    scenes: int = 600
    k: int = 8
    threshold: float = 0.9
    hold_out: bool = True
    gate_scenes: int = 400
    tuning: TuningRecipe = TuningRecipe()  # noqa: RUF009


def planner_at(place: str) -> LanguagePlanner:
    """Returns a planner that is run, and can be tuned, here.

    Args:
        place: ``local-agent``, another name of its kind, or a folder.

    Raises:
        InputError: There is none.
    """
    shipped = place in LOCAL_AGENTS
    if not shipped and not (Path(place) / "config.json").is_file():
        raise InputError(f"'{place}' cannot be tuned here; give local-agent or a model's folder")
    found = make(place if shipped else f"hf:{place}", ModelOptions(batch=64))
    assert isinstance(found, LanguagePlanner)
    return found


def folder_of(planner: LanguagePlanner) -> Path:
    """Returns the folder of a planner that is run here."""
    return Path(planner.model.name.removeprefix("hf:"))


def refine(
    plan: Refinement,
    out: Path,
    *,
    scenes: Sequence[PlanningScene] | None = None,
    minutes: float = 0.0,
    recalibrate: Recalibrate | None = None,
    note: Note = unnoted,
) -> GateComparison | None:
    """Refines a planner; resumes an earlier call that was stopped.

    Args:
        plan: What is done.
        out: Folder for the plans, the tuning and, in ``model/``, the refined model.
        scenes: What perception saw; drawn with the true facts unless given.
        minutes: Stop tuning after this many minutes, to be resumed later; 0 for no limit.
        recalibrate: Called with the refined planner's confidences and verdicts.
        note: Called with one line per step.

    Returns:
        Whether the refined model passed its gate, also written to ``gate.json``; None if the time
        ran out before it was tuned.

    Raises:
        InputError: The base cannot be tuned, no scene is kept, or the folder holds another run.
    """
    base = planner_at(plan.base)
    _check(plan, out)
    drawn = draw_scenes("train", plan.scenes) if scenes is None else scenes
    kept = sure_scenes(drawn, plan.threshold)
    if not kept:
        raise InputError(f"perception is sure of no scene (u_p of {plan.threshold} and more)")
    samples = sample_plans(
        base, kept, plan.k, file=out / PLANS, progress=_progress(note, "sampled plans for")
    )
    good = sum(s.verdict.good for s in samples)
    note(f"{good} of {len(samples)} plans obey the rules and reach the goal")
    pairs = learned(kept, samples, plan)
    folder = tune(
        folder_of(base),
        pairs,
        plan.tuning,
        out,
        minutes=minutes,
        progress=lambda step, steps, part="": note(f"step {step} of {steps}: {part}"),
    )
    if folder is None:
        return None
    fresh = draw_scenes("calibration", plan.gate_scenes)
    before = sample_plans(base, fresh, 1, file=out / "gate-before.jsonl")
    after = sample_plans(planner_at(str(folder)), fresh, 1, rate=True)
    found = gate(fresh, before, after, gate_rules(plan))
    write_atomic(out / "gate.json", json.dumps(asdict(found), indent=2) + "\n")
    confidences, truth = [s.confidence for s in after], [s.verdict.good for s in after]
    rows = [json.dumps({"confidence": s.confidence, "good": s.verdict.good}) for s in after]
    write_atomic(out / "calibration.jsonl", "".join(f"{row}\n" for row in rows))
    if recalibrate is not None:
        recalibrate(confidences, truth)
    return found


def learned(
    scenes: Sequence[PlanningScene], samples: Sequence[Sample], plan: Refinement
) -> list[PreferencePair]:
    """Returns what the model is tuned on: plans, and as many verdicts on its own plans.

    With held-out rules no verdicts are learned, since they depend on all rules.
    """
    if plan.tuning.method == "sft":
        pairs = supervised(scenes, samples, hold_out=plan.hold_out)
    else:
        pairs = preferences(scenes, samples, hold_out=plan.hold_out, seed=plan.tuning.seed)
    if plan.hold_out:
        return pairs
    verdicts = verdict_pairs(scenes, samples)
    rng = Random(f"verdicts:{plan.tuning.seed}")
    return pairs + rng.sample(verdicts, min(len(pairs), len(verdicts)))


def gate_rules(plan: Refinement) -> dict[str, frozenset[str]]:
    """Returns the rules of the gate by environment."""
    if plan.hold_out:
        return dict(HELD_OUT)
    return {env: frozenset(rule_names(env)) for env in ENVIRONMENTS}


def _progress(note: Note, words: str) -> Progress:
    def progress(done: int, total: int, part: str = "") -> None:
        if done == total or done % 160 == 0:
            note(f"{words} {done} of {total} scenes")

    return progress


def _check(plan: Refinement, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    path, text = out / "refinement.json", json.dumps(asdict(plan), indent=2) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise InputError("another refinement lies here; choose another --out", file=str(out))
    write_atomic(path, text)
