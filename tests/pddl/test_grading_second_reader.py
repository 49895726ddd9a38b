"""The second reader: a model behind a real server, whose reading the text must bear out."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from surefoot.cli.main import run_command
from surefoot.pddl.first_use import grade
from surefoot.pddl.grading.records import AnswerRecord
from surefoot.pddl.grading.second_reader import SecondReader
from surefoot.results.run_folder import read_run

from .test_grading import SHORT, folder

ANSWER = "1. Pick up b4.\n2. Stack it in the corner.\n\nI mean the corner where b1 is."


class Server:
    """Speaks the chat protocol and replies with given texts.

    Attributes:
        replies: What to answer to each next request; a number is an HTTP status.
        prompts: What it was asked.
    """

    def __init__(self) -> None:
        self.replies: list[str | int] = []
        self.prompts: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.prompts.append(body["messages"][-1]["content"])
                reply = outer.replies.pop(0)
                status = reply if isinstance(reply, int) else 200
                message = {"role": "assistant", "content": reply}
                data: dict[str, Any] = {
                    "id": "x",
                    "object": "chat.completion",
                    "created": 0,
                    "model": "m",
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                }
                raw = json.dumps(data if status == 200 else {"error": {"message": "no"}}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.server.shutdown()
    found.server.server_close()


def step(action: str, *args: str, lines: list[int]) -> dict[str, Any]:
    return {"action": action, "args": list(args), "lines": lines}


PICKUP = step("pickup", "b4", lines=[1])
STACK = step("stack", "b4", "b1", lines=[1, 2, 4])


def reply(*steps: Any) -> str:
    return json.dumps({"steps": list(steps)})


def command(root: Path, out: Path, server: Server, *more: str) -> int:
    settings = ["--set", f"base_url={server.url}", "--set", "retries=0"]
    reader = ["--reader", "openai:judge", *settings, *more]
    return run_command(["grade", str(root), "--tasks", str(root), "--out", str(out), *reader])


def records(out: Path) -> dict[str, AnswerRecord]:
    lines = read_run(out).records.values()
    return {r.model: r for r in map(AnswerRecord.from_json, lines)}


def test_a_good_reading_is_graded(
    tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder(tmp_path / "set", {"clear": SHORT, "vague": ANSWER})
    server.replies = [f"Here it is:\n```json\n{reply(PICKUP, STACK)}\n```"]
    assert command(root, tmp_path / "run", server) == 0
    (prompt,) = server.prompts  # the clear answer is not shown to it
    for text in ("2| 2. Stack it in the corner.", "stack(", "b1, b2, b3, b4", "follow no"):
        assert text in prompt
    found = records(tmp_path / "run")
    record = found["vague"]
    assert [s.action for s in record.steps] == ["(pickup b4)", "(stack b4 b1)"]
    assert (record.kind, record.reader, record.cost) == ("valid", "openai:judge", 2)
    assert record.doubts
    assert found["clear"].reader == "text"
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["readers"] == {"text": 1, "openai:judge": 1}
    assert summary["doubtful"] == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<dt>read by</dt><dd>openai:judge</dd>" in page
    assert "doubtful" not in capsys.readouterr().err


BAD = {
    "no JSON": ("I'm sorry, I can't help with that.", "no JSON object"),
    "torn": (reply(PICKUP, STACK)[:-3], "not valid JSON"),
    "no list": ('{"plan": []}', "no list 'steps'"),
    "empty": (reply(), "finds no plan"),
    "text step": (reply("pickup b4"), "step 1 is not a JSON object"),
    "invented object": (reply(PICKUP, step("stack", "b4", "b9", lines=[2])), "not exist: 'b9'"),
    "other object": (
        reply(PICKUP, step("stack", "b4", "b3", lines=[1, 2, 4])),
        "says 'b3', which its lines do not mention",
    ),
    "invented action": (reply(step("fly", "b4", lines=[1])), "no action of the domain: 'fly'"),
    "other action": (
        reply(PICKUP, step("unstack", "b4", "b1", lines=[1, 4])),
        "says 'unstack', which its lines do not mention",
    ),
    "one mention for two": (
        reply(PICKUP, step("putdown", "b4", lines=[1, 2]), step("stack", "b4", "b1", lines=[1, 2])),
        "says 'b1', which its lines do not mention",
    ),
    "one mention for two, with more lines": (
        reply(PICKUP, step("putdown", "b4", lines=[1, 2, 4]), STACK),
        "putdown and stack rest on the same words",
    ),
    "wrong line": (reply(step("pickup", "b4", lines=[2])), "says 'pickup'"),
    "no such line": (reply(step("pickup", "b4", lines=[99])), "line that the answer does not"),
    "no line": (reply(step("pickup", "b4", lines=[])), "names no line"),
    "truth for a line": (reply({**PICKUP, "lines": [True]}), "line that the answer does not"),
    "arguments": (reply(step("stack", "b4", lines=[1, 2])), "has 1 arguments, not 2"),
    "order": (reply(STACK, PICKUP), "step 2 goes back in the text"),
    "twice": (reply(PICKUP, PICKUP, STACK), "step 2 is taken twice"),
    "left out": (reply(STACK), "leaves out (pickup b4) (line 1), which is clear"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_the_text_does_not_bear_out_is_rejected(
    case: str, tmp_path: Path, server: Server
) -> None:
    text, why = BAD[case]
    root = folder(tmp_path / "set", {"vague": ANSWER})
    server.replies = [text]
    assert command(root, tmp_path / "run", server) == 0
    record = records(tmp_path / "run")["vague"]
    assert (record.kind, record.reader, record.read_as) == ("doubtful", "text", "goal_unmet")
    assert record.second_reading.startswith("openai:judge: ")
    assert why in record.second_reading
    page = (tmp_path / "run" / "report.html").read_text()
    assert "second reading not accepted: openai:judge" in page


def test_a_step_that_is_denied_is_not_mentioned(tmp_path: Path, server: Server) -> None:
    text = ANSWER + "\nDo not unstack b1 from b2."
    root = folder(tmp_path / "set", {"vague": text})
    server.replies = [reply(PICKUP, STACK, step("unstack", "b1", "b2", lines=[5]))]
    assert command(root, tmp_path / "run", server) == 0
    assert "says 'unstack'" in records(tmp_path / "run")["vague"].second_reading


def test_a_server_that_fails_is_asked_again(
    tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder(tmp_path / "set", {"clear": SHORT, "vague": ANSWER})
    server.replies = [500, reply(PICKUP, STACK)]
    out = tmp_path / "run"
    assert command(root, out, server) == 1
    assert "gave no reply for 1 of them" in " ".join(capsys.readouterr().err.split())
    assert json.loads((out / "summary.json").read_text())["doubtful"] == 1
    assert "vague" not in records(out)
    assert command(root, out, server) == 0
    assert records(out)["vague"].kind == "valid"


def test_it_is_off_by_default_and_part_of_the_run(tmp_path: Path, server: Server) -> None:
    root = folder(tmp_path / "set", {"vague": ANSWER})
    grade(root, root, tmp_path / "run")
    assert server.prompts == []
    assert command(root, tmp_path / "run", server) == 2  # another reader, another run
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return reply(PICKUP, STACK)

    run = grade(root, root, tmp_path / "other", second_reader=SecondReader("mine", ask))
    assert (len(asked), run.readers) == (1, {"mine": 1})


def test_readers_that_do_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder(tmp_path / "set", {"m": SHORT})
    start = ["grade", str(root), "--tasks", str(root), "--out", str(tmp_path / "run")]
    assert run_command([*start, "--reader", "txt"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "unknown answer reader 'txt'; did you mean 'text'?" in said
    assert "openai:NAME" in said
    assert run_command([*start, "--reader", "openai"]) == 2
    assert run_command([*start, "--set", "retries=0"]) == 2
    assert not (tmp_path / "run").exists()
