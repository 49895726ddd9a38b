"""``surefoot mix`` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surefoot.cli.main import app
from surefoot.core.errors import InputError
from surefoot.models.shipped import LOCAL_PLANNER
from tests.sparsity.merging.zoos import fine_tune, tiny_zoo


def mix(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["mix", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_experts_by_domain_need_no_prompts_and_the_mixture_plans(tmp_path: Path) -> None:
    other = fine_tune(LOCAL_PLANNER, tmp_path / "other", 1, 0.001)
    told = mix(
        "blocksworld=local-planner",
        f"storage={other}",
        "--level",
        "block",
        "--out",
        str(tmp_path / "mix"),
        "--num-tasks",
        "2",
        "--num-prompts",
        "6",
    )
    assert "unseen tasks with a valid plan" in told
    report = json.loads((tmp_path / "mix" / "mixture.json").read_bytes())
    assert report["experts"] == ["blocksworld", "storage"]
    assert len(report["own"]) == 4
    assert min(report["own"]) > 0.9


def test_prompts_can_be_given(tmp_path: Path) -> None:
    for name, text in (("one", "put (on a b)"), ("two", "carry the box")):
        lines = [json.dumps({"text": f"{text} {i}"}) for i in range(3)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    mix(
        "one=local-planner",
        f"two={fine_tune(LOCAL_PLANNER, tmp_path / 'other', 1, 0.001)}",
        "--prompts",
        f"one={tmp_path / 'one.jsonl'}",
        "--prompts",
        f"two={tmp_path / 'two.jsonl'}",
        "--gate",
        "trained",
        "--route",
        "token",
        "--top-k",
        "2",
        "--shared",
        "local-planner",
        "--out",
        str(tmp_path / "mix"),
    )
    settings = json.loads((tmp_path / "mix" / "mixture.json").read_bytes())["settings"]
    assert (settings["route"], settings["top"]) == ("token", 2)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["storage"], "not of the form NAME=MODEL"),
        (["storage=local-planner"], "at least two experts"),
        (["storage=local-planner", "storage=local-planner"], "given twice"),
        (["storage=local-planner", "chess=local-planner"], "no prompts for 'chess'"),
        (["storage=local-planner", "kitchen=nowhere"], "no model here"),
        (["storage=local-planner", "kitchen=local-planner", "--prompts", "x=y"], "is no expert"),
        (["storage=local-planner", "kitchen=local-planner", "--top-k", "3"], "3 experts cannot be"),
    ],
)
def test_what_cannot_be_mixed_is_told(tmp_path: Path, arguments: list[str], why: str) -> None:
    with pytest.raises(InputError, match=why):
        mix(*arguments, "--out", str(tmp_path / "mix"))
    assert not (tmp_path / "mix").exists()


def test_another_family_is_told(tmp_path: Path) -> None:
    base, _ = tiny_zoo(tmp_path, 1)
    with pytest.raises(InputError, match="cannot be merged"):
        mix("storage=local-planner", f"kitchen={base}", "--out", str(tmp_path / "mix"))
