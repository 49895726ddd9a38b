"""Planners before and after refinement on test scenes: rules, goal, confidence.

    python benchmarks/refinement.py base=local-agent dpo=runs/dpo/model best-of-8=local-agent@8

Each argument is NAME=PLANNER, a planner that is run here, with @K for the best of K plans by the
verifier. Scenes are those of the test split, which nothing was tuned or gated on; every planner
gets the same ones and the same seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from surefoot.agents.planning.base import ENVIRONMENTS
from surefoot.agents.planning.judge import feedback, judge, rule_names
from surefoot.agents.planning.learning.refinement import (
    HELD_OUT,
    PlanningScene,
    Sample,
    best_of,
    by_scene,
    draw_scenes,
    sample_plans,
)
from surefoot.agents.planning.learning.refining import planner_at
from surefoot.results.statistics import compare_paired, wilson


def plans(spec: str, scenes: Sequence[PlanningScene]) -> list[Sample]:
    """Returns one plan for each scene."""
    place, _, k = spec.partition("@")
    found = sample_plans(planner_at(place), scenes, int(k or 1), rate=not k)
    grouped = by_scene(found)
    return [best_of(grouped[s.seed]) for s in scenes]


def share(hits: Sequence[bool]) -> str:
    """Writes a rate with its interval."""
    found = wilson(sum(hits), len(hits))
    return f"{100 * sum(hits) / len(hits):.1f} ({100 * found.low:.0f}-{100 * found.high:.0f})"


def auroc(samples: Sequence[Sample]) -> float:
    """Returns how well the confidence tells good plans from others, 0.5 at chance level."""
    sure = np.array([s.confidence for s in samples])
    good = np.array([s.verdict.good for s in samples])
    ahead, behind = sure[good][:, None], sure[~good][None, :]
    if not ahead.size or not behind.size:
        return float("nan")
    return float((ahead > behind).mean() + 0.5 * (ahead == behind).mean())


def outcomes(scenes: Sequence[PlanningScene], samples: Sequence[Sample]) -> dict[str, list[bool]]:
    """Returns what is counted, each a list over the scenes it is about."""
    told: dict[str, list[bool]] = {}
    for stage in ENVIRONMENTS:
        part = [s for scene, s in zip(scenes, samples, strict=True) if scene.context.env == stage]
        told[f"{stage}: good (rules and goal)"] = [s.verdict.good for s in part]
        told[f"{stage}: obeys all rules"] = [s.verdict.obeys for s in part]
        told[f"{stage}: held-out rules"] = [s.verdict.grade(HELD_OUT[stage]) > 0 for s in part]
        told[f"{stage}: reaches the goal"] = [s.verdict.reaches_goal for s in part]
        told[f"{stage}: readable"] = [s.verdict.readable for s in part]
    return told


def per_rule(
    table: Mapping[str, Sequence[Sample]], scenes: Sequence[PlanningScene], stage: str
) -> None:
    """Prints the share of plans that obey each rule, of those that can be read."""
    print(f"| rule ({stage}) | {' | '.join(table)} |\n|---|{'--:|' * len(table)}")
    for rule in rule_names(stage):
        cells = []
        for samples in table.values():
            hits = [
                s.verdict.rules[rule]
                for scene, s in zip(scenes, samples, strict=True)
                if scene.context.env == stage and rule in s.verdict.rules
            ]
            cells.append(f"{100 * sum(hits) / len(hits):.1f}" if hits else "-")
        if set(cells) != {"100.0"}:
            mark = " (held out)" if rule in HELD_OUT[stage] else ""
            print(f"| {rule}{mark} | {' | '.join(cells)} |")
    print()


def per_task(table: Mapping[str, Sequence[Sample]], scenes: Sequence[PlanningScene]) -> None:
    """Prints the share of plans that are good and, behind it, that break a rule, by task."""
    print(f"| good / breaks a rule, % | n | {' | '.join(table)} |\n|---|--:|{'--:|' * len(table)}")
    for task in sorted({s.context.task for s in scenes}):
        rows = [i for i, s in enumerate(scenes) if s.context.task == task]
        cells = []
        for samples in table.values():
            found = [samples[i].verdict for i in rows]
            good, bad = sum(v.good for v in found), sum(bool(v.broken) for v in found)
            cells.append(f"{100 * good / len(rows):.0f} / {100 * bad / len(rows):.0f}")
        print(f"| {task} | {len(rows)} | {' | '.join(cells)} |")
    print()


def after_feedback(
    spec: str, scenes: Sequence[PlanningScene], samples: Sequence[Sample]
) -> list[Sample]:
    """Returns one plan for each scene, a second one with feedback where the first is not good."""
    planner = planner_at(spec)
    found = []
    for scene, first in zip(scenes, samples, strict=True):
        if first.verdict.good:
            found.append(first)
            continue
        told = ((first.text, feedback(scene.context, first.text)),)
        context = replace(scene.context, history=told)
        (again,) = planner.propose(context, 1, scene.seed + 1)
        verdict = judge(scene.context, again.text)
        found.append(Sample(scene.seed, again.text, again.confidence, verdict))
    return found


def main() -> None:
    """Measures and prints tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("planners", nargs="+")
    parser.add_argument("--scenes", type=int, default=800)
    parser.add_argument("--repairs", action="store_true", help="one round of feedback as well")
    options = parser.parse_args()
    torch.set_num_threads(1)
    scenes = draw_scenes("test", options.scenes)
    specs = dict(text.split("=", 1) for text in options.planners)
    table = {name: plans(spec, scenes) for name, spec in specs.items()}
    if options.repairs:
        for name, spec in list(specs.items()):
            if "@" not in spec:
                table[f"{name} + feedback"] = after_feedback(spec, scenes, table[name])
    counted = {name: outcomes(scenes, samples) for name, samples in table.items()}
    some = next(iter(counted.values()))
    print(f"| % of plans (95 %) | n | {' | '.join(table)} |\n|---|--:|{'---|' * len(table)}")
    for line, hits in some.items():
        cells = " | ".join(share(counted[name][line]) for name in table)
        print(f"| {line} | {len(hits)} | {cells} |")
    for stage in ENVIRONMENTS:
        cells = []
        for samples in table.values():
            part = [s for c, s in zip(scenes, samples, strict=True) if c.context.env == stage]
            asked = any(s.confidence != 1 for s in part)
            cells.append(f"{auroc(part):.2f}" if asked else "-")
        print(f"| {stage}: AUROC of the confidence | | {' | '.join(cells)} |")
    print()
    per_task(table, scenes)
    for stage in ENVIRONMENTS:
        per_rule(table, scenes, stage)
    for stage in ENVIRONMENTS:
        line = f"{stage}: good (rules and goal)"
        paired = {n: dict(enumerate(c[line])) for n, c in counted.items()}
        print(
            f"| {line}: pair | n | only first | only second | p | Holm |\n|---|--:|--:|--:|--:|--:|"
        )
        for c in compare_paired(paired):
            print(
                f"| {c.first}, {c.second} | {c.n} | {c.only_first} | {c.only_second} "
                f"| {c.p_value:.2g} | {c.adjusted:.2g} |"
            )
        print()


if __name__ == "__main__":
    main()
