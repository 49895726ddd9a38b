"""Planners of the agent: what they propose, how they are named, and what damage does."""

from __future__ import annotations

from random import Random

import pytest
import torch

from surefoot.agents.planning.base import CROSSING, PlanningContext, ProposedPlan
from surefoot.agents.planning.judge import feedback, judge, rule_names
from surefoot.agents.planning.learning import drivers, tidying
from surefoot.agents.planning.learning.corpus import AgentRecipe
from surefoot.agents.planning.planners.damage import DamagedPlanner, spoil
from surefoot.agents.planning.planners.guide import reference_program
from surefoot.agents.planning.planners.language import LanguagePlanner
from surefoot.agents.planning.prompts import (
    QUESTION,
    asked,
    full_messages,
    short_feedback,
    short_messages,
    short_prompt,
)
from surefoot.agents.planning.registry import make, planner_entries
from surefoot.core.chat import Completion, ReplyStatus, Request, Usage
from surefoot.core.errors import InputError
from surefoot.envs.crossing.tasks import TASKS
from surefoot.envs.tabletop.tasks import make_tabletop
from surefoot.models.protocol import Capabilities
from surefoot.models.training.data import split_of
from surefoot.pddl.compact import compact_plan
from surefoot.results.statistics import wilson

torch.set_num_threads(1)


def some_contexts(count: int) -> list[PlanningContext]:
    rng = Random(11)
    return [
        drivers.draw_context(rng) if i % 2 else tidying.draw_context(rng, i) for i in range(count)
    ]


def sound(context: PlanningContext) -> str:
    if context.env == CROSSING:
        return reference_program(context.task)
    return compact_plan(tidying.steady_plan(context))


class Careful:
    """Proposes sound plans; no model."""

    name = "careful"

    def propose(self, context: PlanningContext, k: int, seed: int) -> list[ProposedPlan]:
        return [ProposedPlan(sound(context), 0.9, self.name)] * k


def test_the_guide_knows_crossings_and_the_search_knows_tables() -> None:
    for task in TASKS:
        (plan,) = make("guide").propose(PlanningContext(CROSSING, task, "", {}), 1, 0)
        assert judge(PlanningContext(CROSSING, task, "", {}), plan.text).good
    table = tidying.context_of(make_tabletop("retrieve", "medium", 5))
    found = make("fd").propose(table, 2, 0)
    assert found[0] == found[1]
    assert judge(table, found[0].text).good  # and so the box is shut again
    assert "close-lid" in found[0].text
    for spec, context in (("guide", table), ("fd", PlanningContext(CROSSING, TASKS[0], "", {}))):
        (given_up,) = make(spec).propose(context, 1, 0)
        assert given_up.status is ReplyStatus.GAVE_UP


def test_a_damaged_plan_breaks_a_rule_for_sure_and_others_stay() -> None:
    rng = Random(3)
    for context in some_contexts(60):
        spoiled = judge(context, spoil(context, sound(context), rng))
        assert spoiled.readable
        assert spoiled.broken
        assert spoil(context, "nonsense", rng) == "nonsense"


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_plans_are_damaged_at_the_stated_rate(rate: float) -> None:
    planner = DamagedPlanner(rate, Careful())
    contexts = some_contexts(40)
    plans = [(b, c) for i, b in enumerate(contexts) for c in planner.propose(b, 4, i)]
    broken = sum(not judge(b, c.text).good for b, c in plans)
    interval = wilson(broken, len(plans), 0.999)
    assert interval.low <= rate <= interval.high
    again = [c for i, b in enumerate(contexts) for c in planner.propose(b, 4, i)]
    assert [c for _, c in plans] == again
    assert {c.source for c in again} == {f"damaged={rate:g}:careful"}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("nobody", "unknown planner 'nobody'; known: guide, damaged=P:PLANNER, fd"),
        ("damaged=2:guide", "must lie in"),
        ("damaged=x:guide", "not of the form damaged=P"),
        ("damaged=0.5", "not of the form damaged=P"),
        ("model:nothing", "cannot use the planner 'model:nothing': No module named"),
        ("recorded:folder", "for bench only, not for the agent"),
        ("hf:no/such/folder", "no model here"),
        ("fd:fast", "unknown search"),
    ],
)
def test_a_wrong_name_is_one_clear_line(spec: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        make(spec)
    assert "local-agent" in [entry.name for entry in planner_entries()]


class Speaker:
    """A language model whose answers are known; the real protocol without weights."""

    name = "speaker"
    identity = "speaker"

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.requests: list[Request] = []

    def capabilities(self) -> Capabilities:
        return Capabilities()

    def generate(self, requests: list[Request]):  # type: ignore[no-untyped-def]
        self.requests += requests
        for i in reversed(range(len(requests))):
            text = self.texts[i % len(self.texts)]
            status = ReplyStatus.REFUSED if text == "no" else ReplyStatus.ANSWERED
            yield i, Completion(status, text, usage=Usage(5, 5, 0.1, 0.0))


def test_any_language_model_is_told_vocabulary_rules_facts_and_history() -> None:
    context = PlanningContext(
        CROSSING,
        "left-at-light",
        "Turn left.",
        {"light": "green"},
        {"pedestrian": ("yes", "no")},
        history=(("stop()", "Rule 'x' is broken."),),
    )
    speaker = Speaker("stop()", "no")
    first, second = LanguagePlanner("model:speaker", speaker, max_tokens=99).propose(context, 2, 7)
    assert (first.status, second.status) == (ReplyStatus.ANSWERED, ReplyStatus.REFUSED)
    assert (first.confidence, second.confidence) == (0.0, 0.0)  # asked, it says neither yes nor no
    assert "names one of the answers" in first.unsure
    told = speaker.requests[0]
    assert [m.role for m in told.messages] == ["system", "user", "assistant", "user"]
    assert all(rule in told.messages[0].text for rule in rule_names(CROSSING))
    assert "pedestrian: yes or no" in told.messages[1].text
    assert told.messages[3].text == "Rule 'x' is broken."
    assert told.max_tokens == 99
    assert len({r.seed for r in speaker.requests[:2]}) == 2
    rating = speaker.requests[2].messages[-1].text
    assert rating.endswith("Answer with one word and nothing else: yes or no.")
    table = tidying.context_of(make_tabletop("tidy", "easy", 1))
    system, user = full_messages(table)
    assert "(:action open-lid" in system.text
    assert all(goal in user.text for goal in table.goal)


def test_short_prompts_tell_where_everything_is_and_feedback_in_one_line() -> None:
    for context in some_contexts(20):
        text = short_prompt(context)
        assert text.endswith("plan:\n")
        assert context.instruction in text
        bad = spoil(context, sound(context), Random(0))
        found = judge(context, bad)
        line = short_feedback(feedback(context, bad))
        assert line.startswith("broken " + " ".join(found.broken))
        assert ("reach-the-goal" in line) != found.reaches_goal
        assert feedback(context, sound(context)) == ""
        told = PlanningContext(
            context.env,
            context.task,
            context.instruction,
            context.world,
            context.undecided,
            context.goal,
            context.objects,
            (("old", "old"), (bad, line)),
        )
        assert len(short_messages(told)) == 3
        assert asked(short_messages(told), "x")[-1].text == QUESTION


def test_the_corpus_is_what_its_recipe_says() -> None:
    recipe = AgentRecipe(careless=0.5)
    source = recipe.draw("train", 3)
    examples = [next(source) for _ in range(600)]
    again = recipe.draw("train", 3)
    assert examples[:50] == [next(again) for _ in range(50)]
    assert {split_of(e.task) for e in examples} == {"train"}
    verdicts = [e for e in examples if e.prompt.endswith(QUESTION)]
    repairs = [e for e in examples if "\nbroken " in e.prompt]
    plans = [e for e in examples if e.prompt == e.task]
    assert len(verdicts) + len(repairs) <= len(examples) - len(plans)
    assert 0.2 < len(verdicts) / 600 < 0.3
    assert {e.answer for e in verdicts} == {"yes", "no"}
    crossing = [e for e in plans if e.domain == CROSSING]
    careful = sum(e.answer.count("pedestrian") > 0 for e in crossing)
    assert 0.5 < careful / len(crossing) < 1


def test_careful_demonstrations_are_good_and_careless_ones_are_a_share_of_the_rest() -> None:
    rng = Random(5)
    for context in some_contexts(60):
        if context.env == CROSSING:
            assert judge(context, drivers.careful_program(context.task, rng)).good
    bad = dict.fromkeys(TASKS, 0)
    for task in TASKS:
        for _ in range(60):
            context = drivers.draw_context(rng)
            text = drivers.careless_program(task, context.world, rng)
            bad[task] += not judge(PlanningContext(CROSSING, task, "", {}), text).good
    assert all(15 < n <= 60 for n in bad.values())
    assert bad["right-at-light"] > bad["straight-at-sign"]  # which mistakes count differs
