"""The replay page: complete, from disk alone, in a real browser, and the commands around it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from surefoot.agents.replay.page import kind_of, render_replay
from surefoot.agents.replay.rules import decided, rule_rows, states_of
from surefoot.agents.replay.saved import read_saved
from surefoot.cli.main import app
from surefoot.core.errors import InputError
from surefoot.envs.episodes.run import FinishedRun, episodes_run
from surefoot.verification.monitoring.monitor import MonitorVerdict
from tests.agents.seeing import SeeingServer, agent_run
from tests.waiting import HANGING_S

KEY = "tidy/easy/8"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FinishedRun, Path]]:
    """A run in which the agent looks twice, asks, and then succeeds."""
    server = SeeingServer("torn")
    folder = tmp_path_factory.mktemp("replay")
    config = agent_run(server, folder, options={"operator": "oracle"}, video="all", fps=1)
    yield episodes_run(config, folder / "run"), folder / "run"
    server.close()


def test_the_run_tells_what_it_cost(finished: tuple[FinishedRun, Path]) -> None:
    done, run = finished
    (record,) = done.records.values()
    told = record["extra"]["agent"]
    assert record["outcome"] == "success", record["reason"]
    assert (told["looks"], told["alpha"], told["first"]) == (2, 0.1, True)
    assert told["asked"] >= 1
    cell = done.summary["total"]["agent"]
    assert (cell["looks"], cell["asked"], cell["episodes"]) == (2, told["asked"], 1)
    assert cell["asked_per_decision"] == round(told["asked"] / told["decisions"], 4)
    assert cell["covered_first"]["count"] == cell["covered_first"]["n"] == 1
    assert done.summary["total"]["goal_reached"] == 1
    page = done.report.read_text()
    assert 'href="replay/tidy-easy-8.html"' in page
    assert "Costs and coverage of the sets" in page
    assert "1/1: 100 % [21, 100]" in page
    assert (run / "replay" / "tidy-easy-8.html").exists()


def test_a_page_shows_every_decision(finished: tuple[FinishedRun, Path]) -> None:
    _, run = finished
    moments = json.loads((run / "steps" / "tidy-easy-8.json").read_text())["moments"]
    page = render_replay(read_saved(run, KEY))
    assert len(re.findall(r'<section class="decision"', page)) == len(moments)
    first = moments[0]
    assert [t["route"] for t in first["thoughts"]][:2] == ["look", "look"]
    assert first["thoughts"][-1]["route"] == "act"
    shown = page[page.index('id="d1"') : page.index('id="d2"')]
    assert shown.count("data:image/jpeg;base64,") == len(first["pictures"]) == 3
    for view, _ in first["pictures"]:
        assert f"view {view}</figcaption>" in shown
    assert shown.count("in set") >= 4
    assert "matters, " in shown
    assert 'class="now" aria-current="step">(pick' in shown
    assert '<b class="route ask">ask</b>' in shown
    for rule in first["rules"]:
        assert f"<span>{rule}</span>" in page


def test_the_command_writes_a_page_that_needs_nothing(
    finished: tuple[FinishedRun, Path], tmp_path: Path
) -> None:
    _, run = finished
    out = tmp_path / "new" / "page.html"
    done = CliRunner().invoke(app, ["replay", str(run), KEY, "--out", str(out)])
    assert done.exit_code == 0, done.exception
    assert_self_contained(out.read_text())
    video = re.search(r'<a href="([^"]+\.mp4)">video</a>', out.read_text())
    assert video is not None
    assert (out.parent / video[1]).resolve() == (run / "media" / "tidy-easy-8.mp4").resolve()
    mine = run / "replay" / "tidy-easy-8.html"
    mine.unlink()
    assert CliRunner().invoke(app, ["replay", str(run), KEY]).exit_code == 0
    assert 'href="../media/tidy-easy-8.mp4"' in mine.read_text()


def assert_self_contained(page: str) -> None:
    class Loads(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            for name, value in attrs:
                if name in ("src", "srcset", "data") or (tag == "link" and name == "href"):
                    assert (value or "").startswith("data:"), (tag, name)
            assert tag not in ("iframe", "object", "embed")

    Loads().feed(page)
    assert "default-src 'none'" in page
    assert "url(" not in page
    assert "@import" not in page


def test_what_cannot_be_replayed_is_told(
    finished: tuple[FinishedRun, Path], tmp_path: Path
) -> None:
    _, run = finished
    with pytest.raises(InputError, match=r"no episode 'tidy/easy/9'; there are tidy/easy/8"):
        read_saved(run, "tidy/easy/9")
    with pytest.raises(InputError):
        read_saved(tmp_path, KEY)
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    for path in (copy / "media").glob("*.jpg"):
        path.unlink()
    assert "this image is missing" in render_replay(read_saved(copy, KEY))
    steps = copy / "steps" / "tidy-easy-8.json"
    for text in ("{", "[]", '{"moments": 3}'):
        steps.write_text(text)
        with pytest.raises(InputError, match="not an agent's thoughts"):
            read_saved(copy, KEY)
    steps.unlink()
    with pytest.raises(InputError, match="cannot read the agent's thoughts"):
        read_saved(copy, KEY)
    lines = copy / "episodes.jsonl"
    record = json.loads(lines.read_text())
    record["extra"].pop("agent")
    lines.write_text(json.dumps(record) + "\n")
    with pytest.raises(InputError, match="broke down and left no thoughts"):
        read_saved(copy, KEY)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["config"]["policy"] = "scripted"
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="no agent acted in this run, but 'scripted'"):
        read_saved(copy, KEY)
    lines.write_text("")
    with pytest.raises(InputError, match="is not finished; run the same 'surefoot run' again"):
        read_saved(copy, KEY)


def test_rules_over_decisions() -> None:
    moments = [
        {"rules": {"a": "not yet", "b": "not yet"}},
        {"rules": {"a": "false", "b": "not yet"}},
        {"rules": {}},
    ]
    assert states_of(moments) == {
        "a": [MonitorVerdict.NOT_YET, MonitorVerdict.FALSE, MonitorVerdict.FALSE],
        "b": [MonitorVerdict.NOT_YET] * 3,
    }
    assert decided(moments) == [[], [("a", MonitorVerdict.FALSE)], []]
    drawn = rule_rows(moments, broken=["a", "b"])
    assert "broken from 2" in drawn
    assert "broken by the end" in drawn
    assert 'x="1" y="2" width="2"' in drawn
    assert rule_rows([{"rules": {}}]) == ""


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")
def test_a_browser_shows_it(finished: tuple[FinishedRun, Path], tmp_path: Path) -> None:
    """Rendered at 400 pixels: nothing overflows, one decision shows, pictures are there."""
    _, run = finished
    page = tmp_path / "page.html"
    page.write_text(render_replay(read_saved(run, KEY)))
    (tmp_path / "frame.html").write_text("""<iframe id="a" src="page.html" width="400" height="900">
        </iframe><iframe id="b" src="page.html#d3" width="1200" height="900"></iframe>
        <pre id="found"></pre><script>
        function seen(name) {
          var inside = document.getElementById(name).contentDocument;
          var moments = Array.from(inside.querySelectorAll(".decision"));
          return {
            over: inside.documentElement.scrollWidth - inside.documentElement.clientWidth,
            shown: moments.filter(m => getComputedStyle(m).display !== "none").map(m => m.id),
            all: moments.length,
            broken: Array.from(inside.images).filter(i => !i.naturalWidth).length,
            images: inside.images.length,
            loads: document.getElementById(name).contentWindow.performance
              .getEntriesByType("resource").filter(e => !e.name.startsWith("data:")).length,
          };
        }
        window.onload = function () {
          document.getElementById("found").textContent =
            JSON.stringify([seen("a"), seen("b")]);
        };</script>""")
    done = subprocess.run(
        [
            str(BROWSER),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--dump-dom",
            "--allow-file-access-from-files",
            f"--user-data-dir={tmp_path / 'profile'}",
            (tmp_path / "frame.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=HANGING_S,
    )
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    assert found is not None, done.stderr
    narrow, wide = json.loads(found[1])
    assert narrow["over"] <= 0
    assert wide["over"] <= 0
    assert (narrow["shown"], wide["shown"]) == (["d1"], ["d3"])
    assert narrow["images"] >= 3
    assert (narrow["broken"], wide["broken"]) == (0, 0)
    assert (narrow["loads"], wide["loads"]) == (0, 0)


def test_a_decision_looked_again_only_if_a_view_was_taken() -> None:
    def decision(*thoughts: tuple[str, str]) -> dict[str, Any]:
        return {
            "action": "stop",
            "thoughts": [{"route": r, "view": view} for r, view in thoughts],
        }

    assert kind_of(decision(("look", "left"), ("look", ""), ("act", ""))) == "look"
    assert kind_of(decision(("look", ""), ("act", ""))) == "act"
    assert kind_of(decision(("look", ""), ("abstain", ""))) == "pause"
