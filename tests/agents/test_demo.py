"""One page over both environments, and what it says was saved by what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from surefoot.agents.replay.highlights import saved_by_looking, saved_by_verifier
from surefoot.cli.demo import EPISODES, run_demo
from surefoot.core.errors import InputError
from surefoot.results.run_folder import read_run
from tests.agents.seeing import SeeingServer, agent_run
from tests.agents.test_replay import assert_self_contained


def test_a_page_over_both_environments(tmp_path: Path) -> None:
    server = SeeingServer()
    try:
        given = {
            env: {**config.model_dump(exclude={"env", "policy"}), "max_steps": 6}
            for env in ("tabletop", "crossing")
            for config in [agent_run(server, tmp_path, env)]
        }
        page = run_demo(given, tmp_path / "demo", workers=1)
    finally:
        server.close()
    text = page.read_text()
    assert page == tmp_path / "demo" / "report.html"
    assert_self_contained(text)
    outcomes = [
        r["outcome"] for env in given for r in read_run(tmp_path / "demo" / env).records.values()
    ]
    assert outcomes == ["success", "out_of_steps"]
    assert "<b>1 of 2</b>" in text
    assert text.count("data:image/jpeg;base64,") == 2
    for link in (
        "tabletop/report.html",
        "tabletop/replay/tidy-easy-8.html",
        "crossing/replay/straight-at-light-0.5-8.html",
    ):
        assert f'href="{link}"' in text
        assert (page.parent / link).exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "crossing").write_text("precious")
    with pytest.raises(InputError, match="is a file"):
        run_demo({"crossing": given["crossing"]}, tmp_path / "mine")


def test_the_demo_is_eight_episodes_of_the_test_split() -> None:
    counts = {env: len(run["task"]) * len(run["seeds"]) for env, run in EPISODES.items()}
    assert sum(counts.values()) == 8
    assert set(counts) == {"crossing", "tabletop"}
    assert all(seed % 10 in (8, 9) for run in EPISODES.values() for seed in run["seeds"])


def thought(route: str, red: float, **more: Any) -> dict[str, Any]:
    return {
        "route": route,
        "facts": {"light": {"red": red, "green": 1 - red}},
        "matters": {},
        "worlds": 1,
        "good": 1,
        "broken": [],
        **more,
    }


def steps(*thoughts: dict[str, Any], truth: str = "red", covered: bool = True) -> dict[str, Any]:
    moment = {
        "number": 1,
        "thoughts": list(thoughts),
        "truth": {"light": truth},
        "covered": covered,
    }
    return {"moments": [moment]}


def test_saved_by_looking_means_that_the_belief_was_wrong() -> None:
    look = thought("look", 0.4, matters={"light": 0.9})
    assert saved_by_looking(steps(look, thought("act", 0.9))) == (
        "decision 1: light looked like 'green', after another look like 'red', which is true"
    )
    assert not saved_by_looking(steps(look, thought("act", 0.9), truth="green"))
    assert not saved_by_looking(steps(thought("look", 0.4), thought("act", 0.9)))  # no matter
    assert not saved_by_looking(steps(look, thought("abstain", 0.9)))
    assert not saved_by_looking({"moments": [{"thoughts": []}]})


def test_saved_by_the_verifier_means_that_the_plan_was_bad_for_sure() -> None:
    bad = thought("repair", 0.9, good=0, broken=["stop-without-green"])
    act = thought("act", 0.9)
    assert saved_by_verifier(steps(bad, act)) == (
        "decision 1: a plan was sent back that breaks stop-without-green"
    )
    assert not saved_by_verifier(steps(bad, act, covered=False))
    over = thought("act", 0.9, passed_over=["stop-without-green"])
    assert saved_by_verifier(steps(over)) == (
        "decision 1: the first plan was passed over, which breaks stop-without-green"
    )
    assert not saved_by_verifier(steps(over, covered=False))
    doubtful = thought("repair", 0.5, worlds=2, good=1, broken=["stop-without-green"])
    assert not saved_by_verifier(steps(doubtful, act))
    assert not saved_by_verifier(steps(act))
