"""Refinement of a planner by verified samples: collect, sample, verify, tune, and the gate.

Scenes that perception is sure of are kept, plans are sampled for each, and what the verifier says
of them is what the planner learns from (DPO-AF and "Know Where You're Uncertain", Yang and others
2024): texts that obey the rules and reach the goal, or preferences of those over plans that only
obey, and of these over plans that break a rule.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from surefoot.agents.planning.base import ENVIRONMENTS, PlanningContext
from surefoot.agents.planning.judge import PlanOutcome, judge, rule_names
from surefoot.agents.planning.learning import drivers, tidying
from surefoot.agents.planning.planners.language import LanguagePlanner
from surefoot.agents.planning.prompts import NO, YES, asked, short_messages, short_prompt
from surefoot.core.chat import Message
from surefoot.core.errors import InputError
from surefoot.core.progress import Progress, silent
from surefoot.core.seeds import seeds_of, split_of_seed
from surefoot.models.training.data import split_of
from surefoot.models.training.tuning import PreferencePair

CROSSING_SHARE = 0.5
"""Fraction of the crossing among drawn scenes."""

_TEXTS = {"train": "train", "validation": "calibration", "test": "test"}

HELD_OUT: Mapping[str, frozenset[str]] = {
    "crossing": frozenset(
        {"no-left-into-oncoming", "left-without-arrow-all-clear", "no-straight-into-pedestrian"}
    ),
    "tabletop": frozenset({"close-what-was-opened", "empty-hand-at-the-end"}),
}
"""Rules whose verdicts are not learned from while the gate is kept, by environment."""

Recalibrate = Callable[[Sequence[float], Sequence[bool]], None]
"""Called with the confidences of fresh plans and whether each is good, after every refinement."""


@dataclass(frozen=True, slots=True)
class PlanningScene:
    """A scene to learn from.

    Attributes:
        seed: Its seed, which decides its split.
        context: What a planner knows.
        u_p: How sure perception is of it, in [0, 1]; 1 where the state itself is given.
    """

    seed: int
    context: PlanningContext
    u_p: float = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One plan for a scene.

    Attributes:
        seed: Seed of the scene.
        text: The plan.
        confidence: How sure the planner is that it is good.
        verdict: What the verifier says.
    """

    seed: int
    text: str
    confidence: float
    verdict: PlanOutcome


def draw_scene(seed: int) -> PlanningScene:
    """Draws a scene with its true facts; the same seed gives the same one."""
    rng = Random(f"scene:{seed}")
    if rng.random() < CROSSING_SHARE:
        return PlanningScene(seed, drivers.draw_context(rng))
    return PlanningScene(seed, tidying.draw_context(rng, seed))


def split_of_scene(scene: PlanningScene) -> str | None:
    """Returns the split of a scene: that of its seed if its text is in the same, else None.

    Easy scenes of different seeds often read the same, so the seed alone would not keep apart
    what is learned from and what is tested on. The split of the text is that by which the corpus
    of the small planner is split, too (its ``validation`` is ``calibration`` here).
    """
    split = split_of_seed(scene.seed)
    return split if _TEXTS[split_of(short_prompt(scene.context))] == split else None


def draw_scenes(split: str, count: int, start: int = 0) -> list[PlanningScene]:
    """Draws scenes of a split, no two of which read the same.

    Args:
        split: ``train``, ``calibration`` or ``test``.
        count: How many.
        start: Least seed.

    Raises:
        InputError: There is no such split, or it has too few scenes.
    """
    found: dict[str, PlanningScene] = {}
    for seed in seeds_of(split, max(200, 60 * count), start):
        scene = draw_scene(seed)
        if split_of_scene(scene) == split:
            found.setdefault(short_prompt(scene.context), scene)
        if len(found) == count:
            return list(found.values())
    raise InputError(f"no {count} different scenes among the seeds of '{split}' from {start} on")


def sure_scenes(scenes: Iterable[PlanningScene], threshold: float) -> list[PlanningScene]:
    """Keeps the scenes of the training split that perception is sure of.

    Args:
        scenes: The scenes.
        threshold: Least ``u_p``.
    """
    return [s for s in scenes if s.u_p >= threshold and split_of_scene(s) == "train"]


def sample_plans(
    planner: LanguagePlanner,
    scenes: Sequence[PlanningScene],
    k: int,
    *,
    file: Path | None = None,
    rate: bool = False,
    progress: Progress = silent,
) -> list[Sample]:
    """Samples ``k`` plans for each scene and verifies them; can be resumed.

    Args:
        planner: The planner.
        scenes: The scenes.
        k: Plans for each.
        file: Where the plans are kept as they come; what it holds is not sampled again.
        rate: Ask the planner how sure it is of each plan.
        progress: Called with the scenes done and all scenes.

    Raises:
        InputError: The file holds something else.
    """
    kept = _kept(file, k) if file is not None else {}
    todo = [s for s in scenes if s.seed not in kept]
    for start in range(0, len(todo), 16):
        part = todo[start : start + 16]
        found = planner.propose_all([s.context for s in part], k, [s.seed for s in part], rate=rate)
        new = {
            scene.seed: [(c.text, c.confidence) for c in candidates]
            for scene, candidates in zip(part, found, strict=True)
        }
        kept |= new
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as out:
                out.writelines(json.dumps([seed, rows]) + "\n" for seed, rows in new.items())
        progress(len(scenes) - len(todo) + start + len(part), len(scenes))
    return [
        Sample(s.seed, text, confidence, judge(s.context, text))
        for s in scenes
        for text, confidence in kept[s.seed]
    ]


def _kept(file: Path, k: int) -> dict[int, list[tuple[str, float]]]:
    """Reads the plans of an earlier call; a torn last line is dropped."""
    kept: dict[int, list[tuple[str, float]]] = {}
    if not file.is_file():
        return kept
    whole = file.read_text(encoding="utf-8").rpartition("\n")[0]
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            seed, rows = json.loads(line)
            kept[int(seed)] = [(str(text), float(c)) for text, c in rows]
        except (ValueError, TypeError):
            raise InputError("not a record of plans", file=str(file), line=number) from None
        if len(rows) != k:
            raise InputError(
                f"holds {len(rows)} plans a scene and not {k}; choose another --out",
                file=str(file),
                line=number,
            )
    file.write_text(whole + "\n" if whole else "", encoding="utf-8")
    return kept


def learned_rules(env: str, hold_out: bool) -> tuple[str, ...]:
    """Returns the names of the rules whose verdicts are learned from.

    Args:
        env: The environment.
        hold_out: Leave out those of :data:`HELD_OUT`.

    Raises:
        InputError: There is no such environment.
    """
    return tuple(r for r in rule_names(env) if not hold_out or r not in HELD_OUT[env])


def supervised(
    scenes: Sequence[PlanningScene], samples: Sequence[Sample], *, hold_out: bool = False
) -> list[PreferencePair]:
    """Returns the verified plans that reach the goal, each text once a scene."""
    by_seed = {s.seed: s.context for s in scenes}
    rules = {env: learned_rules(env, hold_out) for env in ENVIRONMENTS}
    found = {
        (s.seed, s.text): PreferencePair(prompt_of(by_seed[s.seed]), s.text)
        for s in samples
        if s.verdict.grade(rules[by_seed[s.seed].env]) == 2
    }
    return list(found.values())


def preferences(
    scenes: Sequence[PlanningScene],
    samples: Sequence[Sample],
    *,
    hold_out: bool = False,
    most: int = 4,
    seed: int = 0,
) -> list[PreferencePair]:
    """Returns pairs of plans of one scene of which the verifier ranks the first higher.

    Args:
        scenes: The scenes.
        samples: Their plans.
        hold_out: Leave the verdicts on :data:`HELD_OUT` out.
        most: Most pairs per scene, drawn at random.
        seed: Seed of that.
    """
    rng = Random(f"pairs:{seed}")
    rules = {env: learned_rules(env, hold_out) for env in ENVIRONMENTS}
    made: list[PreferencePair] = []
    plans = by_scene(samples)
    for scene in scenes:
        grades = {
            s.text: s.verdict.grade(rules[scene.context.env]) for s in plans.get(scene.seed, ())
        }
        pairs = [(a, b) for a in grades for b in grades if grades[a] > max(grades[b], 0)]
        prompt = prompt_of(scene.context)
        made += [PreferencePair(prompt, a, b) for a, b in rng.sample(pairs, min(most, len(pairs)))]
    return made


def verdict_pairs(
    scenes: Sequence[PlanningScene], samples: Sequence[Sample]
) -> list[PreferencePair]:
    """Returns the question whether each plan is good, with the verifier's answer and the other.

    These keep a planner's confidence in step with its own plans (labels as in FMDP: from the
    model checker, never from people).
    """
    contexts = {s.seed: s.context for s in scenes}
    found = {
        (s.seed, s.text): PreferencePair(
            _joined(asked(short_messages(contexts[s.seed]), s.text)),
            *((YES, NO) if s.verdict.good else (NO, YES)),
        )
        for s in samples
    }
    return list(found.values())


def by_scene(samples: Iterable[Sample]) -> dict[int, list[Sample]]:
    """Returns the plans of each scene by its seed, in their order."""
    found: dict[int, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.seed, []).append(sample)
    return found


def prompt_of(context: PlanningContext) -> str:
    """Returns what a model without a chat template reads of a scene.

    Raises:
        InputError: The context describes no scene.
    """
    return _joined(short_messages(context))


def _joined(messages: Sequence[Message]) -> str:
    return "\n".join(m.text for m in messages)


def best_of(samples: Sequence[Sample]) -> Sample:
    """Returns the plan of a scene that the verifier ranks highest, the first of equals."""
    return max(samples, key=lambda s: s.verdict.grade())
