"""The server as its clients meet it: OpenAI's own library, the bench, and rude ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai
import pytest
import torch
from typer.testing import CliRunner

from surefoot.cli.main import app
from surefoot.core.chat import Message, Request
from surefoot.models.backends.hf import HFModel
from surefoot.models.backends.openai import OpenAIModel
from surefoot.models.serving.asks import ApiError, ServingRequest, read_chat, read_text
from surefoot.models.serving.engine import Engine
from surefoot.models.serving.rows import AnswerChunk, Row
from surefoot.models.shipped import LOCAL_PERCEPTION, LOCAL_PLANNER
from tests.models.served import KEY, Served, serving
from tests.waiting import HANGING_S, until

torch.set_num_threads(1)

TALK: Any = [{"role": "user", "content": "blocks: on a b"}]
LONGEST = 384  # the model's own limit, seconds of computing
ENDLESS = {"model": "local", "prompt": "hello", "max_tokens": 400, "temperature": 0}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("serve") / "log", "local") as found:
        yield found


@pytest.fixture(scope="module")
def direct() -> HFModel:
    return HFModel(str(LOCAL_PLANNER), device="cpu")


def endless(server: Served, **more: object) -> HTTPConnection:
    """Asks for a long answer; the client leaves when the connection is closed."""
    url = urlsplit(f"{server.url}/completions")
    found = HTTPConnection(url.netloc, timeout=HANGING_S)
    headers = {"Authorization": f"Bearer {KEY}"}
    found.request("POST", url.path, json.dumps({**ENDLESS, **more}), headers)
    return found


def test_the_bench_finds_the_same_plans_as_without_a_server(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    found = plans_of(server.url, "openai:local", tmp_path / "served")
    assert found == plans_of(None, f"hf:{LOCAL_PLANNER}", tmp_path / "direct")
    assert any(found.values())


def test_streamed_parts_are_the_whole(server: Served) -> None:
    asked: Any = {
        "model": "local",
        "messages": TALK,
        "max_completion_tokens": 30,
        "temperature": 0,
        "logprobs": True,
        "top_logprobs": 3,
    }
    whole = server.client.chat.completions.create(**asked)
    choice = whole.choices[0]
    assert choice.finish_reason in ("stop", "length")
    assert whole.usage is not None
    assert choice.logprobs is not None
    scores = choice.logprobs.content or []
    assert len(scores) == whole.usage.completion_tokens > 1
    assert "".join(s.token for s in scores) == choice.message.content
    assert all(s.logprob == s.top_logprobs[0].logprob <= 0 for s in scores)
    parts = list(
        server.client.chat.completions.create(
            **asked, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(p.choices[0].delta.content or "" for p in parts if p.choices)
    assert text == choice.message.content
    assert parts[0].choices[0].delta.role == "assistant"
    assert parts[-1].usage == whole.usage
    assert parts[-2].choices[0].finish_reason == choice.finish_reason
    assert len(parts) > 3
    streamed = [
        t
        for p in parts
        if p.choices and p.choices[0].logprobs
        for t in p.choices[0].logprobs.content or []
    ]
    assert [t.token for t in streamed] == [t.token for t in scores]


def test_draws_are_those_of_the_model_without_a_server(server: Served, direct: HFModel) -> None:
    client = server.client
    told = []
    for seed in (1, 2):
        request = Request((Message("user", TALK[0]["content"]),), 20, 1.0, seed)
        ((_, expected),) = direct.generate([request])
        reply = client.chat.completions.create(
            model="local", messages=TALK, max_tokens=20, temperature=1.0, seed=seed
        )
        assert reply.choices[0].message.content == expected.text
        told.append(expected.text)
    assert told[0] != told[1]
    # a tiny share of the probability leaves the likeliest token only
    greedy, narrow = (
        client.chat.completions.create(
            model="local", messages=TALK, max_tokens=20, temperature=t, seed=5, top_p=p
        )
        .choices[0]
        .message.content
        for t, p in ((0.0, 1.0), (1.0, 1e-6))
    )
    assert greedy == narrow


def test_requests_without_a_seed_differ(server: Served) -> None:
    asked: Any = {"model": "local", "messages": TALK, "max_tokens": 20}
    told = [
        server.client.chat.completions.create(**asked).choices[0].message.content for _ in range(4)
    ]
    assert len(set(told)) > 1
    cold, zero = (
        server.client.chat.completions.create(**asked, temperature=t).choices[0].message.content
        for t in (1e-300, 0.0)
    )
    assert cold == zero


def test_answers_end_before_a_stop(server: Served) -> None:
    asked: Any = {**ENDLESS, "max_tokens": 12}
    whole = server.client.completions.create(**asked).choices[0]
    assert whole.finish_reason == "length"
    stop = whole.text[5:8]
    reply = server.client.completions.create(**asked, stop=["nowhere", stop]).choices[0]
    assert reply.finish_reason == "stop"
    assert reply.text == whole.text[: whole.text.index(stop)]
    parts = list(server.client.completions.create(**asked, stop=stop, stream=True))
    assert "".join(p.choices[0].text for p in parts) == reply.text


def test_many_at_once_are_answered_as_each_alone(server: Served, direct: HFModel) -> None:
    texts = [f"blocks: on {' '.join('abcdefgh'[i % 3 : 2 + i % 5])}" for i in range(12)]

    def ask(text: str) -> str:
        reply = server.client.chat.completions.create(
            model="local",
            messages=[{"role": "user", "content": text}],
            max_tokens=12,
            temperature=0,
        )
        return reply.choices[0].message.content or ""

    before = server.health()
    busy = endless(server)
    until(lambda: server.health()["running"] == 1)
    with ThreadPoolExecutor(12) as pool:
        answers = pool.map(ask, texts)
        until(lambda: (now := server.health())["waiting"] == 12 or not now["running"])
        busy.close()
        found = list(answers)
    asked = [Request((Message("user", t),), 12) for t in texts]
    expected = [c.text for _, c in sorted(direct.generate(asked))]
    assert found == expected
    assert len(set(found)) > 3
    after = server.health()
    assert after["requests"] + after["cancelled"] == before["requests"] + before["cancelled"] + 13
    assert after["batches"] - before["batches"] < 12


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_stops_its_answer(server: Served, stream: bool) -> None:
    before = server.health()
    client = endless(server, stream=stream)
    if stream:
        assert client.getresponse().readline().startswith(b"data: ")
    else:
        until(lambda: server.health()["running"] == 1)
    client.close()
    until(lambda: server.health()["running"] == 0)
    after = server.health()
    assert after["cancelled"] == before["cancelled"] + 1
    assert after["waiting"] == 0
    assert after["completion_tokens"] - before["completion_tokens"] < LONGEST


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"n": 2}, 400, "n is not supported"),
    ({"tools": [{"type": "function"}]}, 400, "tools is not supported"),
    ({"response_format": {"type": "json_object"}}, 400, "response_format is not supported"),
    ({"frequency_penalty": 0.5}, 400, "frequency_penalty is not supported"),
    ({"logit_bias": {"5": 1}}, 400, "logit_bias is not supported"),
    ({"colour": "red"}, 400, "colour is not a parameter"),
    ({"temperature": 3}, 400, "temperature: "),
    ({"top_p": 0}, 400, "top_p: "),
    ({"max_tokens": 0}, 400, "max_tokens: "),
    ({"stop": [""]}, 400, "none of them empty"),
    ({"top_logprobs": 2}, 400, "needs logprobs"),
    ({"stream_options": {"include_usage": True}}, 400, "needs stream"),
    ({"messages": []}, 400, "messages: "),
    ({"messages": [{"role": "tool", "content": "x"}]}, 400, "role must be one of"),
    ({"messages": [{"role": "user", "content": None}]}, 400, "content must be"),
    ({"messages": [{"role": "user", "content": "word " * 9000}]}, 400, "the model takes"),
    (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "image_url",
                            "image_url": {"url": "data:image/png;base64,aGVsbG8="},
                        }
                    ],
                }
            ]
        },
        400,
        "does not look at images",
    ),
    (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "http://example.org/a.png"}}
                    ],
                }
            ]
        },
        400,
        "fetches none",
    ),
    ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, 400, "is no text"),
    ({"model": "gpt"}, 404, "the model 'gpt' is not here; there is 'local'"),
]


@pytest.mark.parametrize(("wrong", "status", "message"), WRONG)
@pytest.mark.parametrize("stream", [True, False])
def test_what_is_wrong_is_told(
    server: Served, wrong: dict[str, Any], status: int, message: str, stream: bool
) -> None:
    body = {"model": "local", "messages": TALK, "max_tokens": 3, **wrong}
    if "stream_options" not in wrong:
        body["stream"] = stream
    reply = httpx2.post(
        f"{server.url}/chat/completions",
        json=body,
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=HANGING_S,
    )
    error = reply.json()["error"]
    assert (reply.status_code, error["type"]) == (status, "invalid_request_error")
    assert message in error["message"]


def test_paths_keys_and_bodies(server: Served) -> None:
    client = server.client
    assert [m.id for m in client.models.list()] == ["local"]
    assert client.models.retrieve("local").owned_by == "surefoot"
    with pytest.raises(openai.NotFoundError, match="is not here"):
        client.models.retrieve("other")
    with pytest.raises(openai.AuthenticationError, match="missing or wrong"):
        client.copy(api_key="sk-guess").models.list()
    headers = {"Authorization": f"Bearer {KEY}"}
    patient = partial(httpx2.get, timeout=HANGING_S)
    post = partial(httpx2.post, f"{server.url}/completions", headers=headers, timeout=HANGING_S)
    for body in (b"{", b"[]", b"\xff"):
        reply = post(content=body)
        assert (reply.status_code, "error" in reply.json()) == (400, True)
    reply = post(content=b" " * (2**25 + 1))
    assert reply.status_code == 413
    assert patient(f"{server.url}/nowhere", headers=headers).json()["error"]["message"]
    metrics = patient(server.url.removesuffix("/v1") + "/metrics").text
    assert "surefoot_completion_tokens" in metrics
    assert KEY not in server.log.read_text()


def test_the_probe_finds_what_the_server_can_do(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    seen = OpenAIModel("local", base_url=server.url, timeout_s=HANGING_S, retries=0).capabilities()
    assert seen.logprobs
    assert seen.seeded
    assert not seen.structured
    assert not seen.images
    assert not seen.decisions


def test_ctrl_c_ends_it_though_it_is_answering(tmp_path: Path) -> None:
    with serving(tmp_path / "log", str(LOCAL_PLANNER), "--name", "mine") as server:
        said: list[str] = []

        def read() -> None:
            asked = {**ENDLESS, "model": "mine", "stream": True, "max_tokens": 800}
            with httpx2.stream(
                "POST",
                f"{server.url}/completions",
                json=asked,
                headers={"Authorization": f"Bearer {KEY}"},
                timeout=HANGING_S,
            ) as reply:
                said.extend(reply.iter_lines())

        reader = threading.Thread(target=read)
        reader.start()
        until(lambda: server.health()["running"] == 1)
        assert server.stop() == 0, server.log.read_text()
        reader.join(HANGING_S)
    assert "stopped" in server.log.read_text()
    assert "Traceback" not in server.log.read_text()
    assert any("the server is stopping" in line for line in said)


def plans_of(url: str | None, planner: str, out: Path) -> dict[str, str]:
    """Benches a planner and returns its answers by task."""
    where = ["--set", f"base_url={url}", "--set", "retries=0"] if url else []
    done = CliRunner().invoke(
        app,
        [
            "bench",
            "--planners",
            planner,
            "--domains",
            "blocksworld,grippers",
            "--difficulty",
            "0",
            "--seeds",
            "3,4",
            "--styles",
            "compact",
            "--out",
            str(out),
            "--json",
            *where,
        ],
    )
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (out / "episodes.jsonl").read_text().splitlines()]
    assert len(lines) == 4
    return {line["case"]["task"]: line["graded"]["answer"] for line in lines}


def test_a_planner_of_experts_says_the_same_within_a_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from surefoot.sparsity.experts.store import ExpertStore
    from tests.sparsity.experts.read_me_planner import write_planner

    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    folder = tmp_path / "experts-planner"
    folder.mkdir()
    write_planner(folder)
    store = ExpertStore(folder, dtype=torch.float32)
    room = 2 * max(store.bytes_of(i) for i in range(store.experts))
    with serving(
        tmp_path / "log",
        str(folder),
        "--expert-budget",
        str(room),
        "--name",
        "experts",
        "--batch",
        "1",
    ) as server:
        found = plans_of(server.url, "openai:experts", tmp_path / "served")
        told = server.health()
        metrics = httpx2.get(server.url.removesuffix("/v1") + "/metrics", timeout=HANGING_S).text
        assert server.stop() == 0, server.log.read_text()
    assert found == plans_of(None, f"hf:{folder}", tmp_path / "direct")
    assert any(found.values())
    assert told["expert_hits"] > 0
    assert told["expert_loads"] > 2
    assert told["experts_seen_now"] > 2  # more than there is room for
    assert told["expert_peak_bytes_now"] <= room
    assert "surefoot_expert_hits" in metrics


class Collected:
    """Takes the pieces of an answer."""

    def __init__(self) -> None:
        self.pieces: list[AnswerChunk | ApiError] = []
        self.over = threading.Event()

    def __call__(self, piece: AnswerChunk | ApiError) -> None:
        self.pieces.append(piece)
        if isinstance(piece, ApiError) or piece.finish:
            self.over.set()


def answered(engine: Engine, ask: ServingRequest) -> AnswerChunk | ApiError:
    found = Collected()
    engine.submit(ask, found)
    assert found.over.wait(HANGING_S)
    return found.pieces[-1]


def test_pictures_are_looked_at() -> None:
    import io

    from PIL import Image

    model = HFModel(str(LOCAL_PERCEPTION), device="cpu")
    engine = Engine(model)
    try:
        for colour in ("red", "white"):
            file = io.BytesIO()
            Image.new("RGB", (96, 96), colour).save(file, "PNG")
            messages = (Message("user", "Which colour?", (file.getvalue(),)),)
            ((_, expected),) = model.generate([Request(messages, 4)])
            found = answered(engine, ServingRequest(messages, max_tokens=4, temperature=0.0))
            assert isinstance(found, AnswerChunk)
            assert found.whole == expected.text
        wrong = answered(
            engine, ServingRequest((Message("user", "What?", (b"no picture",)),), max_tokens=4)
        )
        assert isinstance(wrong, ApiError)
        assert wrong.body["error"]["code"] == "invalid_image"
    finally:
        engine.close()


def test_a_failure_is_told_and_the_engine_goes_on(direct: HFModel) -> None:
    class Angry:
        """An attendant that fails once."""

        def __init__(self) -> None:
            self.calls = 0

        def begins(self, ids: Any, mask: Any) -> None:
            self.calls += 1
            if self.calls == 1:
                raise RuntimeError("not today")

        def kind_of(self, ids: Any) -> int:
            return 0

        def choose(self, waiting: Any, size: int, now: float) -> list[int]:
            return [0]

        def counts(self) -> dict[str, float]:
            return {"calls": self.calls}

        def close(self) -> None:
            self.calls = -1

    angry = Angry()
    engine = Engine(direct, attendant=angry)
    ask = ServingRequest(prompt="hello", max_tokens=2, temperature=0.0)
    first = answered(engine, ask)
    assert isinstance(first, ApiError)
    assert (first.status, "not today" in str(first)) == (500, True)
    assert isinstance(answered(engine, ask), AnswerChunk)
    until(lambda: engine.counts()["running"] == 0)
    assert engine.counts()["calls"] == 2
    assert engine.counts()["failed"] == 1
    engine.close()
    assert angry.calls == -1
    with pytest.raises(ApiError, match="stopping"):
        engine.submit(ask, Collected())


def test_conversations_that_the_model_s_form_refuses() -> None:
    model = HFModel(str(LOCAL_PLANNER), device="cpu")
    model.tokenizer.chat_template = "{{ raise_exception('users first') }}"
    engine = Engine(model)
    found = answered(engine, ServingRequest((Message("system", "a"),), max_tokens=2))
    engine.close()
    assert isinstance(found, ApiError)
    assert (found.status, "users first" in str(found)) == (400, True)


def test_a_full_queue_says_come_again(direct: HFModel) -> None:
    engine = Engine(direct, batch=1, queue=2)
    try:
        long = ServingRequest(prompt="hello", max_tokens=300, temperature=0.0)
        tickets = [engine.submit(long, Collected())]
        until(lambda: engine.counts()["running"] == 1)
        tickets += [engine.submit(long, Collected()) for _ in range(2)]
        with pytest.raises(ApiError, match="busy") as error:
            engine.submit(long, Collected())
        assert error.value.status == 429
        for ticket in tickets:
            ticket.cancel()
    finally:
        engine.close()


@pytest.mark.parametrize("stop", [(), ("é b",), ("🤖",), ("zz",)])
def test_pieces_never_split_a_character_or_show_a_stop(stop: tuple[str, ...]) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    base.train_from_iterator(
        ["the robot moves"],
        trainers.BpeTrainer(
            vocab_size=270,
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=base)
    text = "the café brought a 🤖 here, and très très loin à côté b " * 3
    tokens = tokenizer(text)["input_ids"]
    assert len(tokens) > len(text)  # some characters take several tokens
    found: list[AnswerChunk] = []
    row = Row(ServingRequest(stop=stop), 10_000, 1, found.append, lambda: False)
    for token in tokens:
        if not row.done:
            row.take(token, None, tokenizer, {-1})
    if not row.done:
        row.take(-1, None, tokenizer, {-1})
    cut = min((at for s in stop if (at := text.find(s)) >= 0), default=len(text))
    assert "".join(p.text for p in found) == found[-1].whole == text[:cut]
    assert len(found) > 4
    assert not any("\ufffd" in p.text for p in found)


def test_bodies_are_read() -> None:
    name, ask = read_chat(
        json.dumps(
            {
                "model": "m",
                "messages": [
                    {"role": "developer", "content": "be brief"},
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                    },
                ],
                "stop": "x",
                "logprobs": True,
                "seed": -3,
            }
        ).encode()
    )
    assert name == "m"
    assert ask.messages == (Message("system", "be brief"), Message("user", "ab"))
    assert (ask.stop, ask.top_logprobs, ask.seed, ask.temperature) == (("x",), 0, -3, 1.0)
    name, ask = read_text(b'{"model": "m", "prompt": ["one"]}')
    assert (ask.prompt, ask.max_tokens, ask.top_logprobs) == ("one", 16, None)
    for body in (
        b'{"model": "m", "prompt": ["a", "b"]}',
        b'{"model": "m", "prompt": [1, 2]}',
        b'{"model": "m", "prompt": ""}',
        b'{"model": "m", "prompt": "a", "echo": true}',
        b'{"model": "m", "prompt": "a", "best_of": 3}',
    ):
        with pytest.raises(ApiError):
            read_text(body)
