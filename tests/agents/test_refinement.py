"""Refinement: which samples are learned from, the gate, resumption, and a short run for real."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from surefoot.agents.planning.base import CROSSING, ENVIRONMENTS
from surefoot.agents.planning.judge import judge, rule_names
from surefoot.agents.planning.learning.gating import gate
from surefoot.agents.planning.learning.refinement import (
    HELD_OUT,
    PlanningScene,
    Sample,
    best_of,
    draw_scene,
    draw_scenes,
    learned_rules,
    preferences,
    prompt_of,
    sample_plans,
    split_of_scene,
    supervised,
    sure_scenes,
    verdict_pairs,
)
from surefoot.agents.planning.learning.refining import Refinement, planner_at, refine
from surefoot.agents.planning.place import way_of
from surefoot.agents.planning.planners.guide import needs, reference_program
from surefoot.agents.planning.planners.language import LanguagePlanner
from surefoot.agents.planning.table import read_atom
from surefoot.core.chat import Completion, ReplyStatus, Request
from surefoot.core.errors import InputError
from surefoot.models.training.tuning import TuningRecipe

torch.set_num_threads(1)
CROSSINGS = [s for s in draw_scenes("train", 40) if s.context.env == CROSSING]
STRAIGHT = next(s for s in CROSSINGS if s.context.task == "straight-at-light")


def without(task: str, guard: str) -> str:
    left = [g for g in needs(task) if g != guard]
    return f"stop()\nwait_until({' and '.join(left)})\n{way_of(task)}()\n"


def sample(scene: PlanningScene, text: str) -> Sample:
    return Sample(scene.seed, text, 0.5, judge(scene.context, text))


GOOD = reference_program("straight-at-light")
NO_LOOK = without("straight-at-light", "not pedestrian")
RED = without("straight-at-light", "green_light")
FOUR = [sample(STRAIGHT, text) for text in (RED, GOOD, NO_LOOK, "nonsense(")]


def test_scenes_are_drawn_by_seed_and_splits_keep_apart() -> None:
    assert draw_scene(30) == draw_scene(30)
    assert {s.context.env for s in draw_scenes("test", 40)} == set(ENVIRONMENTS)
    splits = {x: draw_scenes(x, 60) for x in ("train", "calibration", "test")}
    for one, other in itertools.combinations(splits.values(), 2):
        assert not {s.seed for s in one} & {s.seed for s in other}
        assert not {prompt_of(s.context) for s in one} & {prompt_of(s.context) for s in other}
    for name, scenes in splits.items():
        assert len({prompt_of(s.context) for s in scenes}) == 60
        assert {split_of_scene(s) for s in scenes} == {name}
    with pytest.raises(InputError, match="no split"):
        draw_scenes("exam", 3)


def test_only_scenes_of_the_training_split_that_perception_is_sure_of_are_kept() -> None:
    scenes = [replace(draw_scene(seed), u_p=seed / 20) for seed in range(20)]
    kept = sure_scenes(scenes, 0.5)
    assert {s.seed for s in kept} <= {10, 11, 12, 13, 14, 15}
    assert len(kept) >= 4  # some read like scenes of another split
    assert {split_of_scene(s) for s in kept} == {"train"}


def test_only_verified_plans_that_reach_the_goal_are_learned_as_texts() -> None:
    assert [p.chosen for p in supervised([STRAIGHT], FOUR + FOUR)] == [GOOD]
    # 'no-straight-into-pedestrian' is held out: whoever forgets it is then not told apart.
    held = supervised([STRAIGHT], FOUR, hold_out=True)
    assert [p.chosen for p in held] == [GOOD, NO_LOOK]


def test_preferences_follow_the_order_of_the_verifier() -> None:
    pairs = {(p.chosen, p.rejected) for p in preferences([STRAIGHT], FOUR, most=99)}
    assert pairs == {(GOOD, RED), (GOOD, NO_LOOK), (GOOD, "nonsense(")}
    idle = sample(STRAIGHT, "wait_until(green_light and pedestrian and not pedestrian)\nstop()\n")
    assert idle.verdict.grade() == 0  # 'go-on-green' does not let a plan stand for ever
    table = next(s for s in draw_scenes("train", 40) if s.context.task == "tidy")
    goal = read_atom(table.context.goal[0])
    nothing = sample(table, "end")
    worse = sample(table, f"(put-in {' '.join(goal.args)})\nend")
    assert (nothing.verdict.grade(), worse.verdict.grade()) == (1, 0)
    found = preferences([table], [worse, nothing, sample(table, "Sorry.")], most=99)
    assert {(p.chosen, p.rejected) for p in found} == {("end", worse.text), ("end", "Sorry.")}
    assert len(preferences([STRAIGHT], FOUR, most=2)) == 2


def test_verdicts_are_asked_with_the_answer_of_the_verifier() -> None:
    pairs = verdict_pairs([STRAIGHT], FOUR)
    assert [p.chosen for p in pairs] == ["no", "yes", "no", "no"]
    assert all({p.chosen, p.rejected} == {"yes", "no"} for p in pairs)
    assert all(s.text in p.prompt for s, p in zip(FOUR, pairs, strict=True))


def test_held_out_rules_are_rules_and_the_rest_is_learned_from() -> None:
    for env in ENVIRONMENTS:
        assert set(rule_names(env)) > HELD_OUT[env]
        assert set(learned_rules(env, True)) == set(rule_names(env)) - HELD_OUT[env]
        assert learned_rules(env, False) == rule_names(env)


@pytest.mark.parametrize(
    ("lost", "won", "passes"),
    [(0, 0, True), (3, 1, True), (8, 1, False), (1, 8, True), (6, 0, False)],
)
def test_the_gate_is_an_exact_paired_test(lost: int, won: int, passes: bool) -> None:
    scenes = [replace(STRAIGHT, seed=seed) for seed in range(12)]
    texts = [(GOOD, NO_LOOK)] * lost + [(NO_LOOK, GOOD)] * won
    texts += [(GOOD, RED)] * (12 - len(texts))  # a rule that is not of the gate
    before, after = ([sample(s, t[i]) for s, t in zip(scenes, texts, strict=True)] for i in (0, 1))
    found = gate(scenes, before, after)
    assert (found.together.lost, found.together.won, found.passed) == (lost, won, passes)
    assert found.before - found.after == lost - won
    everything = {env: frozenset(rule_names(env)) for env in ENVIRONMENTS}
    assert gate(scenes, before, after, everything).together.lost == 12 - won


def test_the_gate_lets_no_rule_pay_for_another() -> None:
    """Plans that never looked now look and go at red: as many obey, but one rule is given up."""
    scenes = [replace(STRAIGHT, seed=seed) for seed in range(30)]
    rules = {"crossing": ("no-straight-into-pedestrian", "straight-on-green-only"), "tabletop": ()}
    before = [sample(s, NO_LOOK) for s in scenes]
    after = [sample(s, RED if i < 12 else GOOD) for i, s in enumerate(scenes)]
    found = gate(scenes, before, after, rules)
    assert not found.together.worse
    assert found.worse == ("crossing: straight-on-green-only",)
    assert not found.passed
    few = [sample(s, RED if i < 3 else GOOD) for i, s in enumerate(scenes)]
    assert gate(scenes, before, few, rules).passed


def test_the_best_of_several_is_the_one_the_verifier_ranks_first() -> None:
    assert best_of(FOUR).text == GOOD
    assert best_of(FOUR[2:]).text == NO_LOOK


class Counting:
    """A language model that counts what it is asked."""

    name = "counting"
    identity = "counting"

    def __init__(self) -> None:
        self.asked = 0

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for i, request in enumerate(requests):
            self.asked += 1
            yield i, Completion(ReplyStatus.ANSWERED, f"stop()  # {request.seed}\n")


def test_sampling_goes_on_where_it_stopped_and_a_torn_line_is_done_again(tmp_path: Path) -> None:
    model = Counting()
    planner = LanguagePlanner("model:counting", model)  # type: ignore[arg-type]
    scenes, file = CROSSINGS[:5], tmp_path / "plans.jsonl"
    first = sample_plans(planner, scenes, 3, file=file)
    assert model.asked == 15
    assert sample_plans(planner, scenes, 3, file=file) == first
    assert model.asked == 15
    text = file.read_text()
    file.write_text(text[:-20])
    assert sample_plans(planner, scenes, 3, file=file) == first
    assert model.asked == 18
    assert file.read_text() == text
    with pytest.raises(InputError, match="3 plans a scene and not 2"):
        sample_plans(planner, scenes, 2, file=file)
    file.write_text("{}\n")
    with pytest.raises(InputError, match="not a record"):
        sample_plans(planner, scenes, 3, file=file)


def test_a_short_refinement_of_the_shipped_planner_runs_through_and_resumes(
    tmp_path: Path,
) -> None:
    tuning = TuningRecipe("dpo", "lora", steps=6, batch=8, rate=1e-3, rank=4)
    plan = Refinement(scenes=12, k=4, gate_scenes=12, tuning=tuning)
    assert refine(plan, tmp_path, minutes=1e-9) is None
    assert not (tmp_path / "model").exists()
    heard: list[str] = []
    called: list[int] = []
    found = refine(
        plan, tmp_path, note=heard.append, recalibrate=lambda c, y: called.append(len(c) + len(y))
    )
    assert found is not None
    assert found.n == 12
    assert called == [24]
    assert any("obey the rules and reach the goal" in line for line in heard)
    assert json.loads((tmp_path / "gate.json").read_text())["n"] == 12
    assert len((tmp_path / "calibration.jsonl").read_text().splitlines()) == 12
    assert refine(plan, tmp_path) == found
    (candidate,) = planner_at(str(tmp_path / "model")).propose(STRAIGHT.context, 1, 0)
    assert 0 <= candidate.confidence <= 1
    with pytest.raises(InputError, match="another refinement"):
        refine(replace(plan, k=5), tmp_path)
    unsure = [replace(s, u_p=0.1) for s in CROSSINGS]
    with pytest.raises(InputError, match="sure of no scene"):
        refine(plan, tmp_path / "none", scenes=unsure)
    with pytest.raises(InputError, match="cannot be tuned here"):
        planner_at("openai:x")
