"""A bench whose contestants are behind servers: different settings, refusals, kills, exports."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.models.vendors import VendorServer, chat, error
from tests.waiting import HANGING_S, until

KEY, PASSWORD, TOKEN = "sk-bench-4711", "pass-4711", "token-4711"
COMMAND = [sys.executable, "-m", "surefoot"]


class TwoVendors:
    """A server for several models: ``think`` is a reasoning model, ``plain`` is not."""

    def __init__(self) -> None:
        self.server = VendorServer(self.answer)
        self.guard = threading.Lock()
        self.answered: Counter[str] = Counter()
        self.pause = 0.0

    def answer(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        if body["model"] == "locked":
            return 401, error(f"Incorrect API key: {KEY}")
        if body["model"] == "think":
            if "temperature" in body or "max_tokens" in body:
                return 400, error("no", param="temperature" if "temperature" in body else "x")
            return 200, chat("<think>(pick-up b1) (stack b1 b2)</think>I do not know.")
        if "reasoning_effort" in body:
            return 422, {"detail": [{"loc": ["body", "reasoning_effort"], "msg": "extra"}]}
        time.sleep(self.pause)
        with self.guard:
            self.answered[json.dumps([body["messages"], body.get("seed")])] += 1
        return 200, chat(f"I do not know. {len(body['messages'])}")


@pytest.fixture
def vendors() -> Iterator[TwoVendors]:
    found = TwoVendors()
    yield found
    found.server.close()


def surefoot(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=HANGING_S,
        env={**os.environ, "OPENAI_API_KEY": KEY, "GATEWAY": TOKEN, "COLUMNS": "400"},
    )


def test_contestants_of_two_vendors_in_one_run(vendors: TwoVendors, tmp_path: Path) -> None:
    address = vendors.server.url.replace("http://", f"http://me:{PASSWORD}@")
    config = tmp_path / "bench.yaml"
    config.write_text(
        json.dumps(
            {
                "planners": ["low", "openai:locked", "openai:plain", "random"],
                "domains": ["blocksworld"],
                "difficulty": [0],
                "seeds": [0, 1],
                "modes": ["repair-first"],
                "rounds": 2,
                "settings": {"base_url": address, "headers": {"x-gateway": "env:GATEWAY"}},
                "contestants": {
                    "low": {"spec": "openai:think", "preset": "openai-reasoning"},
                    "openai:plain": {"reasoning_effort": "low", "top_p": 0.5},
                },
            }
        )
    )
    out = tmp_path / "run"
    done = surefoot("bench", "--config", config, "--out", out, "--set", "low.max_tokens=77")
    assert done.returncode == 1, done.stderr
    assert "openai:locked was stopped: AuthenticationError" in done.stderr
    assert "openai:plain: its server refuses reasoning_effort; asked without" in done.stderr
    assert KEY not in done.stderr
    by_model: dict[str, list[dict[str, Any]]] = {}
    for body in vendors.server.bodies:
        by_model.setdefault(body["model"], []).append(body)
    assert len(by_model["locked"]) <= 2  # both episodes may have been under way
    assert all(b["max_completion_tokens"] == 77 for b in by_model["think"])
    assert all(b["top_p"] == 0.5 and b["temperature"] == 0 for b in by_model["plain"])
    assert vendors.server.headers[0]["x-gateway"] == TOKEN
    # What was thought is neither graded nor sent back.
    assert "<think>" not in json.dumps(by_model["think"])
    assert len(by_model["think"]) == 4
    lines = [json.loads(line) for line in (out / "episodes.jsonl").read_text().splitlines()]
    own = [line for line in lines if line["case"]["planner"] == "low"]
    assert {line["graded"]["kind"] for line in own} == {"unparsed"}
    left = [line for line in lines if line["case"]["planner"] == "openai:plain"]
    assert left[0]["attempts"][0]["left_out"] == ["reasoning_effort"]
    for path in out.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for secret in (KEY, PASSWORD, TOKEN):
            assert secret.encode() not in content, path

    samples = tmp_path / "samples.jsonl"
    assert surefoot("export", out, "--samples", samples).returncode == 0
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    (row, *_) = [r for r in rows if r["case"]["planner"] == "low"]
    assert row["rounds"][0]["thinking"] == "(pick-up b1) (stack b1 b2)"
    assert row["rounds"][0]["answer"] == "I do not know."
    assert [m["role"] for m in row["rounds"][1]["prompt"]] == ["user", "assistant", "user"]
    page = (out / "conversations.html").read_text()
    assert "thinking 1" in page
    assert "I do not know." in page
    assert "conversations.html" in (out / "report.html").read_text()

    # Elsewhere, slower and with another price it is the same run; at another temperature not.
    text = config.read_text().replace(address, vendors.server.url)
    config.write_text(text)
    more = ("--set", "low.max_tokens=77", "--set", "concurrency=1", "--set", "retries=0")
    asked = len(vendors.server.bodies)
    again = surefoot("bench", "--config", config, "--out", out, *more)
    assert "stopped" in again.stderr
    assert len(vendors.server.bodies) == asked + 1  # the locked model is tried again, once
    other = surefoot("bench", "--config", config, "--out", out, *more, "--set", "low.top_p=0.1")
    assert other.returncode == 2
    assert "config.settings.low.top_p is null there and 0.1 here" in other.stderr


def test_a_dry_run_states_bounds() -> None:
    asked = ["bench", "--planners", "openai:plain", "--domains", "blocksworld", "--difficulty", "0"]
    asked += ["--seeds", "0:2", "--modes", "repair-all", "--rounds", "3", "--dry-run"]
    price = "price={prompt: 0, completion: 1000000, reasoning: 2000000}"
    done = surefoot(*asked, "--set", "max_tokens=100", "--set", price)
    assert done.returncode == 0, done.stderr
    line = done.stdout.splitlines()[1]
    found = re.search(r"at most ([\d,]+) and ([\d,]+); price ([\d.]+) \$ at most", line)
    assert found is not None, line
    read, written = (int(n.replace(",", "")) for n in found.groups()[:2])
    assert written == 2 * 3 * 100 + 16 * 512  # and what finds out what the server can do
    assert read > 2 * 3 * (20_000 + 100)  # feedback of two rounds is read three times in all
    assert float(found[3]) == 2 * written  # as if all were thinking
    assert "unknown key" in surefoot(*asked, "--set", "price={prompt: 0, completions: 1}").stderr


def test_a_kill_pays_for_nothing_twice_but_what_is_in_flight(
    vendors: TwoVendors, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    command = [*COMMAND, "bench", "--planners", "openai:plain", "--domains", "blocksworld"]
    command += ["--difficulty", "0", "--seeds", "0:6", "--modes", "repair-first", "--rounds", "5"]
    command += ["--set", f"base_url={vendors.server.url}", "--set", "concurrency=2"]
    command += ["--out", str(out)]
    vendors.pause = 0.15
    kills = 0
    for _ in range(10):
        before = sum(vendors.answered.values())
        child = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        until(
            lambda before=before, child=child: (
                sum(vendors.answered.values()) >= before + 3 or child.poll() is not None
            )
        )
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            kills += 1
        child.wait()
    assert kills >= 8
    vendors.pause = 0.0
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGING_S)
    assert done.returncode == 0, done.stderr
    assert len(vendors.answered) == 6 * 5
    twice = sum(n - 1 for n in vendors.answered.values())
    assert twice <= 2 * kills, vendors.answered
    lines = [json.loads(line) for line in (out / "episodes.jsonl").read_text().splitlines()]
    assert [len(line["attempts"]) for line in lines] == [5] * 6
