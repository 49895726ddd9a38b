"""The OpenAI-compatible backend against a real server that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surefoot.core.chat import Message, ReplyStatus, Request
from surefoot.core.errors import HarnessError, InputError
from surefoot.models.backends.openai import OpenAIModel
from surefoot.models.cache import CachedModel, ResponseCache, request_key
from surefoot.models.planning import TextPlanner
from surefoot.models.prices import Price
from surefoot.models.protocol import OptionScorer, TextModel
from surefoot.pddl.benchmark.config import BenchConfig
from surefoot.pddl.benchmark.run import bench_run
from surefoot.pddl.reference import lookup
from tests.models.misbehaving import MisbehavingServer
from tests.waiting import HANGING_S

pytestmark = pytest.mark.quick

KEY = "sk-very-secret-4711"
SCHEMA = {
    "type": "object",
    "properties": {"plan": {"type": "array"}},
    "required": ["plan"],
    "additionalProperties": False,
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MisbehavingServer]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    found = MisbehavingServer()
    yield found
    found.close()


def model(server: MisbehavingServer, **options: object) -> OpenAIModel:
    base = {"base_url": server.url, "timeout_s": HANGING_S, "retries": 2, "concurrency": 4}
    return OpenAIModel("m", **{**base, **options})


def ask(text: str = "hello", **options: object) -> Request:
    return Request((Message("user", text),), **options)


def test_answers_come_back_with_their_index_and_price(server: MisbehavingServer) -> None:
    backend = model(server, price=Price(1.0, 10.0))
    assert isinstance(backend, TextModel)
    assert isinstance(backend, OptionScorer)
    found = dict(backend.generate([ask(str(i)) for i in range(9)]))
    assert {i: c.text for i, c in found.items()} == {i: f"fine: {i}" for i in range(9)}
    assert found[0].usage.prompt_tokens == 11
    assert found[0].usage.cost == pytest.approx(41e-6)


@pytest.mark.parametrize("trouble", ["429", "500", "torn"])
def test_trouble_that_passes_is_tried_again(server: MisbehavingServer, trouble: str) -> None:
    server.script = [trouble]
    ((_, found),) = model(server).generate([ask()])
    assert (found.status, found.text) == (ReplyStatus.ANSWERED, "fine: hello")
    assert len(server.bodies) == 2
    if trouble == "429":
        assert server.times[1] - server.times[0] >= 0.3


def test_silence_that_passes_is_tried_again(server: MisbehavingServer) -> None:
    for timeout in (0.5, 4.0, 32.0, 256.0):  # the same limit holds for the answer to come
        server.script, asked = ["silent"], len(server.bodies)
        ((_, found),) = model(server, timeout_s=timeout).generate([ask()])
        if len(server.bodies) == asked + 2:
            break
    assert (found.status, found.text) == (ReplyStatus.ANSWERED, "fine: hello")
    assert len(server.bodies) == asked + 2


@pytest.mark.parametrize(
    "trouble", ["429", "500", "torn", "silent", "not-json", "wrong-json", "sse", "no-choices"]
)
def test_trouble_that_stays_is_the_servers(server: MisbehavingServer, trouble: str) -> None:
    server.script = [trouble] * 20
    timeout = 0.3 if trouble == "silent" else HANGING_S
    ((_, found),) = model(server, retries=1, timeout_s=timeout).generate([ask()])
    assert found.status is ReplyStatus.SERVER_ERROR
    assert found.text == ""
    assert found.message
    assert KEY not in found.message
    assert "\n" not in found.message


def test_no_server_at_all() -> None:
    backend = OpenAIModel("m", base_url="http://127.0.0.1:9/v1", retries=0)
    ((_, found),) = backend.generate([ask()])
    assert found.status is ReplyStatus.SERVER_ERROR
    assert "onnect" in found.message


def test_limits_and_filters_are_the_models(server: MisbehavingServer) -> None:
    server.script = ["length", "filter"]
    backend = model(server, concurrency=1)
    statuses = [c.status for _, c in sorted(backend.generate([ask(), ask()]))]
    assert statuses == [ReplyStatus.CUT, ReplyStatus.REFUSED]


def test_nothing_is_assumed_of_a_server_that_ignores_options(server: MisbehavingServer) -> None:
    backend = model(server)
    seen = backend.capabilities()
    assert not seen.structured
    assert not seen.logprobs
    asked = len(server.bodies)
    ((_, found),) = backend.generate([ask("give me a plan", schema=SCHEMA)])
    assert found.parsed is None
    assert found.text
    assert "response_format" not in server.bodies[-1]
    assert len(server.bodies) == asked + 1


def test_a_server_that_does_things_is_used(server: MisbehavingServer) -> None:
    server.honours = {"schema", "logprobs", "seed"}
    backend = model(server)
    seen = backend.capabilities()
    assert seen.structured
    assert seen.logprobs
    assert seen.seeded
    ((_, found),) = backend.generate([ask(schema=SCHEMA)])
    assert found.parsed == {"plan": []}
    scores = backend.score(ask("A or B?"), ["A", "B"])
    assert scores.method == "logprobs"
    assert scores.probabilities == pytest.approx([0.832, 0.168], abs=1e-3)


def test_options_are_scored_by_the_decisions_interface_where_it_is_there(
    server: MisbehavingServer,
) -> None:
    server.honours = {"decisions", "logprobs"}
    backend = model(server, price=Price(1.0, 10.0))
    assert backend.capabilities().decisions
    image = Request((Message("user", "Which?", (b"png",)),))
    scores = backend.score(image, ["A", "B", "C"])
    assert (scores.method, scores.probabilities) == ("decision", (0.5, 0.25, 0.25))
    assert scores.usage.cost == pytest.approx(31e-6)
    sent = server.bodies[-1]
    assert [p["type"] for p in sent["input"][0]["content"]] == ["input_image", "input_text"]
    assert [c["value"] for c in sent["questions"][0]["choices"]] == ["A", "B", "C"]
    server.script = ["filter"]  # it declines: the next way is taken
    assert backend.score(ask("A or B?"), ["A", "B"]).method == "logprobs"
    server.script = ["500"] * 3
    with pytest.raises(HarnessError, match="no: Bearer \\[key\\]"):
        backend.score(ask("A or B?"), ["A", "B"])


def test_options_are_scored_by_frequency_where_nothing_else_is_there(
    server: MisbehavingServer,
) -> None:
    backend = model(server, concurrency=1)
    server.says = ["(B)", "B. bad", "**b**", "A", "the answer is hard to give"]
    scores = backend.score(ask("?"), ["good", "bad"])
    assert scores.method == "sampled"
    # Orders take turns, so that each letter stands for each answer equally often.
    assert scores.probabilities == pytest.approx((0.5, 0.5))
    assert scores.mass == pytest.approx(0.8)
    assert (scores.usage.prompt_tokens, scores.usage.completion_tokens) == (220, 60)
    assert not backend.capabilities().decisions
    server.says = ["Yes, it is."]
    certain = backend.score(ask("?"), ["yes", "no"])
    assert certain.probabilities == pytest.approx((20.5 / 21, 0.5 / 21))  # never quite 1
    server.says = []
    unread = backend.score(ask("?"), ["A", "B"])
    assert (unread.status, unread.probabilities) == (ReplyStatus.UNSCORED, ())
    assert unread.mass == 0.0


def test_the_key_goes_to_the_server_and_nowhere_else(
    server: MisbehavingServer, tmp_path: Path
) -> None:
    path = tmp_path / "cache.sqlite"
    cache = ResponseCache(path)
    backend = model(server, retries=0)
    cached = CachedModel(backend, cache)
    server.script = ["good", "500"]
    found = [dict(cached.generate([ask(str(i))]))[0] for i in range(2)]
    cache.close()
    assert server.headers[0] == f"Bearer {KEY}"
    stored = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert KEY.encode() not in stored
    assert KEY not in repr(backend)
    assert KEY not in found[1].message
    assert "[key]" in found[1].message


def test_cache_keeps_answers_and_forgets_trouble(server: MisbehavingServer, tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "c.sqlite")
    cached = CachedModel(model(server, retries=0), cache)
    server.script = ["500"]
    asked = [ask("a")]
    assert dict(cached.generate(asked))[0].status is ReplyStatus.SERVER_ERROR
    first = dict(cached.generate(asked))[0]
    again = dict(cached.generate([ask("b"), ask("a")]))
    assert (first.text, first.usage.cached) == ("fine: a", False)
    assert (again[1].text, again[1].usage.cached, again[0].usage.cached) == ("fine: a", True, False)
    assert len(server.bodies) == 3
    assert len(cache) == 2
    other = ResponseCache(tmp_path / "c.sqlite")
    assert other.get(request_key(cached.identity, ask("a"))).text == "fine: a"
    changed = [
        ask("a", seed=1),
        ask("a", temperature=0.5),
        ask("a", schema=SCHEMA),
        ask("a", max_tokens=5),
    ]
    assert len({request_key("x", r) for r in [ask("a"), *changed]}) == 5
    assert request_key("x", ask("a")) != request_key("y", ask("a"))


def test_a_file_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    path.write_text("this is not a database, not at all" * 100)
    with pytest.raises(InputError, match="cannot use the response cache"):
        ResponseCache(path)


def test_images_are_sent(server: MisbehavingServer) -> None:
    request = Request((Message("user", "what?", (b"png",)),))
    ((_, found),) = model(server).generate([request])
    assert found.text == "fine: image_url text"


def test_a_bench_over_a_flaky_server_loses_nothing(
    server: MisbehavingServer, tmp_path: Path
) -> None:
    planner = TextPlanner(model(server, retries=0), 100, 0.0)
    bench = BenchConfig(planners=("openai:m",), domains=("blocksworld",), seeds=(0, 1, 2))
    server.script = ["good", "500", "torn", "good", "wrong-json"]
    done = bench_run(bench, tmp_path / "r", {"openai:m": planner}, lookup)
    assert len(done.episodes) == 3
    assert len(done.unanswered) == 3
    done = bench_run(bench, tmp_path / "r", {"openai:m": planner}, lookup)
    assert len(done.episodes) == 6
    assert not done.unanswered
    assert not any(e.solved for e in done.episodes)
    assert all(e.counts for e in done.episodes)
