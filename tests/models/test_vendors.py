"""The OpenAI-compatible backend against servers that answer as vendors' servers do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from surefoot.core.chat import Completion, Message, OptionRequest, ReplyStatus, Request
from surefoot.core.errors import InputError, ModelRefusedError
from surefoot.models.backends.openai import OpenAIModel
from surefoot.models.backends.pacing import Pace
from surefoot.models.choosing import choose, folded, read_label
from surefoot.models.options import ModelOptions, contestants_of, read_options
from surefoot.models.prices import Price, make_price, read_prices
from tests.models.vendors import Answer, VendorServer, chat, error, pieces, response, said
from tests.waiting import HANGING_S

pytestmark = pytest.mark.quick

PLAN = "(pick-up b1)\n(stack b1 b2)"
Start = Callable[[Answer], VendorServer]


@pytest.fixture
def start() -> Iterator[Start]:
    made: list[VendorServer] = []

    def begin(answer: Answer) -> VendorServer:
        made.append(VendorServer(answer))
        return made[-1]

    yield begin
    for server in made:
        server.close()


def model(server: VendorServer, **settings: Any) -> OpenAIModel:
    base = {"base_url": server.url, "timeout_s": HANGING_S, "retries": 0}
    return OpenAIModel("m", **{**base, **settings})


def one(model: OpenAIModel, text: str = "plan", **more: Any) -> Completion:
    ((_, found),) = model.generate([Request((Message("user", text),), **more)])
    return found


THOUGHT = [
    (chat(f"<think>hm</think>{PLAN}"), "hm"),
    (chat(f"hm\n</think>\n\n{PLAN}"), "hm"),
    (chat(f"[THINK]hm[/THINK]{PLAN}"), "hm"),
    (chat(f"<thinking>hm</thinking><answer>{PLAN}</answer>"), "hm"),
    (
        chat(
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>"
            f"{PLAN}"
        ),
        "hm",
    ),
    (chat(PLAN, message={"reasoning_content": "hm"}), "hm"),
    (chat(PLAN, message={"reasoning": "hm"}), "hm"),
    (
        chat(
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": PLAN},
            ]
        ),
        "hm",
    ),
    (pieces({"reasoning_content": "h"}, {"reasoning_content": "m"}, {"content": PLAN}), "hm"),
    (pieces({"content": "<think>h"}, {"content": f"m</think>{PLAN}"}), "hm"),
    (pieces({"reasoning": "hm"}, {"content": PLAN}, usage=False), "hm"),
    (chat(PLAN), ""),
]


@pytest.mark.parametrize(("reply", "thinking"), THOUGHT)
def test_thinking_is_no_part_of_the_answer(start: Start, reply: Any, thinking: str) -> None:
    found = one(model(start(lambda *_: (200, reply))))
    assert (found.status, found.text, found.thinking) == (ReplyStatus.ANSWERED, PLAN, thinking)


@pytest.mark.parametrize(
    ("item", "thinking"),
    [
        ({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, "hm"),
        (
            {
                "type": "reasoning",
                "summary": [],
                "content": [{"type": "reasoning_text", "text": "hm"}],
            },
            "hm",
        ),
        ({"type": "reasoning", "summary": []}, ""),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_reasoning_items_of_responses(
    start: Start, item: dict[str, Any], thinking: str, stream: bool
) -> None:
    whole = response(item, said(PLAN))

    def answer(path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        if not body["stream"]:
            return 200, whole
        event = {"type": "response.output_text.delta", "delta": "(p"}
        return 200, [event, {"type": "response.completed", "response": whole}]

    found = one(model(start(answer), api="responses", stream=stream))
    assert (found.status, found.text, found.thinking) == (ReplyStatus.ANSWERED, PLAN, thinking)


def test_thinking_that_is_never_closed_is_cut_and_no_answer(start: Start) -> None:
    for reply in (
        chat(f"<think>perhaps {PLAN}", "length"),
        chat(f"<think>perhaps {PLAN}", usage={"completion_tokens": 100}),
        chat("", "length", message={"reasoning_content": f"perhaps {PLAN}"}),
        pieces({"content": f"<think>perhaps {PLAN}"}, finish="length"),
    ):
        found = one(model(start(lambda *_, reply=reply: (200, reply))), max_tokens=100)
        assert (found.status, found.text) == (ReplyStatus.CUT, "")
        assert PLAN in found.thinking
    reply = chat(f"perhaps {PLAN}", "length")
    opened = one(model(start(lambda *_: (200, reply)), thinking_open=True))
    assert (opened.text, opened.thinking) == ("", f"perhaps {PLAN}")
    reply = chat(f"((hm)) {PLAN}")
    tagged = model(start(lambda *_: (200, reply)), thinking_tags=[("((", "))")])
    assert (one(tagged).text, one(tagged).thinking) == (PLAN, "hm")


def test_an_answer_of_as_many_tokens_as_allowed_is_cut(start: Start) -> None:
    whole = response(said(PLAN), usage={"input_tokens": 9, "output_tokens": 64})
    server = start(lambda *_: (200, whole))
    assert one(model(server, api="responses"), max_tokens=64).status is ReplyStatus.CUT
    assert one(model(server, api="responses"), max_tokens=65).status is ReplyStatus.ANSWERED


def refusing(*names: str, form: str = "openai") -> Answer:
    """Refuses parameters as OpenAI, Mistral (pydantic) or others do."""

    def answer(path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        for name in names:
            if name in body:
                if form == "mistral":
                    place = {"type": "extra_forbidden", "loc": ["body", name], "msg": "no"}
                    return 422, {"object": "error", "message": {"detail": [place]}}
                if form == "plain":
                    return 400, {"error": f"Unrecognized request argument supplied: {name}"}
                instead = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
                told = f"Unsupported parameter: '{name}' is not supported with this model.{instead}"
                return 400, error(told, param=name, code="unsupported_parameter")
        if not {"max_tokens", "max_completion_tokens"} & set(body):
            return 400, error("no limit", code="missing")
        return 200, chat(PLAN)

    return answer


@pytest.mark.parametrize("form", ["openai", "mistral", "plain"])
def test_a_parameter_that_is_refused_by_name_is_left_out(start: Start, form: str) -> None:
    server = start(refusing("temperature", "seed", "stream_options", "max_tokens", form=form))
    backend = model(server, token_limit="max_tokens", concurrency=1)
    first = one(backend)
    assert (first.status, first.text) == (ReplyStatus.ANSWERED, PLAN)
    assert first.left_out == ("seed", "temperature")
    asked = len(server.bodies)
    assert one(backend).text == PLAN
    assert len(server.bodies) == asked + 1  # it is refused once and not fought
    assert server.bodies[-1]["max_completion_tokens"] == 1024
    assert "max_tokens" not in server.bodies[-1]


def test_a_role_that_is_refused_is_the_old_one(start: Start) -> None:
    def answer(path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        if body["messages"][0]["role"] == "developer":
            return 400, error("Unknown role 'developer' in messages")
        return 200, chat(PLAN)

    backend = model(start(answer), system_role="developer")
    request = Request((Message("system", "Be brief."), Message("user", "plan")))
    ((_, found),) = backend.generate([request])
    assert (found.text, found.left_out) == (PLAN, ("developer role",))


def test_what_a_contestant_sets_is_sent_and_nothing_else(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-secret")
    server = start(lambda *_: (200, chat(PLAN)))
    given = {
        "preset": "openai-reasoning",
        "base_url": server.url,
        "reasoning_effort": "low",
        "extra_body": {"provider": {"order": ["one"]}},
        "headers": {"x-gateway": "abc", "api-key": "env:AZURE_OPENAI_API_KEY"},
        "api_version": "2024-10-21",
    }
    backend = OpenAIModel("o3", ModelOptions.model_validate(given))
    request = Request((Message("system", "Be brief."), Message("user", "plan")), 99)
    list(backend.generate([Request(request.messages, 99, None)]))
    body = server.bodies[-1]
    assert not {"temperature", "seed", "top_p", "stop", "max_tokens"} & set(body)
    assert body["reasoning_effort"] == "low"
    assert body["max_completion_tokens"] == 99
    assert body["messages"][0]["role"] == "developer"
    assert body["provider"] == {"order": ["one"]}
    assert server.paths[-1] == "/v1/chat/completions?api-version=2024-10-21"
    assert server.headers[-1]["x-gateway"] == "abc"
    assert server.headers[-1]["api-key"] == "azure-secret"
    told = model(server, system_role="user", top_p=0.5, stop=["END"])
    list(told.generate([request]))
    body = server.bodies[-1]
    assert body["messages"] == [{"role": "user", "content": "Be brief.\n\nplan"}]
    assert (body["top_p"], body["stop"], body["temperature"]) == (0.5, ["END"], 0.0)
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    with pytest.raises(ModelRefusedError, match="AZURE_OPENAI_API_KEY of 'headers' is not set"):
        list(OpenAIModel("o3", ModelOptions.model_validate(given)).generate([request]))


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (401, error("Incorrect API key provided"), "Incorrect API key"),
        (403, error("Country not supported"), "Country"),
        (402, error("Insufficient Balance"), "Insufficient"),
        (429, error("You exceeded your current quota", code="insufficient_quota"), "quota"),
        (400, error("messages: this model takes no images"), "no images"),
        (404, error("The model `m` does not exist", code="model_not_found"), "not exist"),
        (422, {"detail": "no such thing"}, "no such thing"),
    ],
)
def test_what_gets_no_better_stops_at_once(start: Start, status: int, body: Any, why: str) -> None:
    server = start(lambda *_: (status, body))
    backend = model(server, retries=4, concurrency=2)
    requests = [Request((Message("user", str(i)),)) for i in range(50)]
    with pytest.raises(ModelRefusedError, match=why):
        list(backend.generate(requests))
    assert len(server.bodies) <= 4


def test_answers_that_came_before_the_quota_was_spent_are_kept(start: Start) -> None:
    left = iter(range(100))

    def answer(path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        if next(left) < 3:
            return 200, chat(PLAN)
        return 429, error("spent", code="insufficient_quota")

    backend = model(start(answer), concurrency=1)
    found: list[tuple[int, str]] = []

    def take() -> None:
        found.extend((i, c.text) for i, c in backend.generate([request] * 9))

    request = Request((Message("user", "x"),))
    with pytest.raises(ModelRefusedError, match="spent"):
        take()
    assert found == [(0, PLAN), (1, PLAN), (2, PLAN)]


def test_empty_choices_and_errors_within_an_answer_are_not_paid_again(start: Start) -> None:
    for reply in ({**chat(), "choices": []}, error("overloaded"), ["{", "[DONE]"], ["[DONE]"]):
        server = start(lambda *_, reply=reply: (200, reply))
        found = one(model(server, retries=4))
        assert found.status is ReplyStatus.SERVER_ERROR
        assert len(server.bodies) == 1


def test_a_stream_that_breaks_off_is_asked_again(start: Start) -> None:
    replies = iter([pieces({"content": "(pick"}, finish=None)[:1], pieces({"content": PLAN})])
    server = start(lambda *_: (200, next(replies)))
    found = one(model(server, retries=1))
    assert (found.text, len(server.bodies)) == (PLAN, 2)


def test_a_prompt_that_is_too_long_is_the_models_limit(start: Start) -> None:
    told = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"
    code = "context_length_exceeded"
    found = one(model(start(lambda *_: (400, error(told, code=code)))))
    assert (found.status, found.text) == (ReplyStatus.CUT, "")

    def answer(path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        limit = body["max_completion_tokens"]
        if limit + 1000 > 4096:
            more = f"{told} (1000 in the messages, {limit} in the completion)."
            return 400, error(more, code=code, param="messages")
        return 200, chat(PLAN)

    server = start(answer)
    assert one(model(server), max_tokens=4000).text == PLAN
    assert server.bodies[-1]["max_completion_tokens"] == 4096 - 1000 - 1


def test_a_filter_is_a_refusal(start: Start) -> None:
    told = error("The response was filtered by content management policy", code="content_filter")
    assert one(model(start(lambda *_: (400, told)))).status is ReplyStatus.REFUSED


def test_a_long_answer_is_no_silence_but_has_a_limit(start: Start) -> None:
    slow = pieces(
        {"reasoning_content": "h"}, *([0.4, {"reasoning_content": "m"}] * 6), 0.4, {"content": PLAN}
    )
    server = start(lambda *_: (200, slow))
    assert one(model(server, timeout_s=2.0)).text == PLAN  # 2.8 seconds in all
    found = one(model(server, timeout_s=2.0, answer_s=0.5, retries=4))
    assert found.status is ReplyStatus.SERVER_ERROR
    assert "answer_s" in found.message
    silent = start(lambda *_: (200, [{"choices": [{"delta": {"content": "x"}}]}, 30.0, "[DONE]"]))
    found = one(model(silent, timeout_s=0.3))
    assert found.status is ReplyStatus.SERVER_ERROR


def test_fewer_requests_at_a_time_while_a_server_is_busy(start: Start) -> None:
    busy = iter(range(10**6))

    def answer(path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        time.sleep(0.02)
        return (429, error("slow down")) if next(busy) < 8 else (200, chat(PLAN))

    backend = model(start(answer), retries=8, concurrency=8)
    requests = [Request((Message("user", str(i)),)) for i in range(12)]
    assert all(c.text == PLAN for _, c in backend.generate(requests))
    assert backend.pace.limit < 8


def test_limits_of_a_minute() -> None:
    pace = Pace(8, requests=2)
    marks = [pace.begin(10), pace.begin(10)]
    assert 59 < pace.wait_s(10) <= 60
    pace = Pace(8, tokens=100)
    marks = [pace.begin(60)]
    assert pace.wait_s(60) > 59
    pace.end(marks[0], 20)  # it took less than was thought
    assert pace.wait_s(60) <= 0
    assert Pace(8, tokens=100).wait_s(500) <= 0  # larger than the limit: alone


def scored(top: Any, mass: float = 1.0) -> Answer:
    """Answers questions by log-probabilities; gives none without being asked."""

    def answer(path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        if not body.get("logprobs"):
            return 200, chat("fine")
        found = top(body["messages"][-1]["content"]) if callable(top) else top
        return 200, chat("fine", top=found)

    return answer


YES_NO = OptionRequest((Message("user", "Is b1 clear?"),), ("yes", "no"))
PLACES = OptionRequest((Message("user", "Where is it?"),), ("red box", "blue box", "table"))


def test_words_are_folded_and_what_is_missing_is_told(start: Start) -> None:
    chances = {"Yes": 0.5, " yes": 0.2, "YES": 0.1, "**Yes": 0.1, "No": 0.05, "Hello": 0.05}
    server = start(scored([("Yes", chances)]))
    (found,) = choose(model(server), [YES_NO], ModelOptions())
    assert (found.status, found.method) == (ReplyStatus.ANSWERED, "logprobs")
    assert found.mass == pytest.approx(0.95)
    assert found.probabilities[0] == pytest.approx(0.9 / 0.95)
    asked = {b["messages"][-1]["content"] for b in server.bodies if b.get("logprobs")}
    assert "Is b1 clear?\n\nAnswer with one word and nothing else: yes or no." in asked
    assert "Is b1 clear?\n\nAnswer with one word and nothing else: no or yes." in asked


@pytest.mark.parametrize("spelling", ["{}", " {}", "{})", "({})", "**{}**", "{}.", "▁{}"])
def test_letters_in_any_spelling(start: Start, spelling: str) -> None:
    def top(text: str) -> Any:
        lines = [line for line in text.splitlines() if line.endswith(") blue box")]
        letter = lines[0][0] if lines else "A"
        return [(spelling.format(letter), {spelling.format(letter): 0.9, "X": 0.1})]

    (found,) = choose(model(start(scored(top))), [PLACES], ModelOptions())
    assert found.probabilities == pytest.approx((0, 1, 0))
    assert found.mass == pytest.approx(0.9)


def test_marks_before_the_letter_are_read_on(start: Start) -> None:
    top = [("(", {"(": 0.8, "A": 0.1}), ("A", {"A": 0.5, "B": 0.5}), (")", {")": 1.0})]
    (found,) = choose(model(start(scored(top))), [PLACES], ModelOptions(option_orders=1))
    assert found.mass == pytest.approx(0.1 + 0.8)
    assert found.probabilities == pytest.approx((0.5 / 0.9, 0.4 / 0.9, 0))


def test_a_model_that_always_says_a_is_not_sure_of_anything(start: Start) -> None:
    server = start(scored([("A", {"A": 1.0})]))
    two = OptionRequest(PLACES.messages, ("red box", "blue box"))
    (found,) = choose(model(server), [two], ModelOptions())
    assert found.probabilities == pytest.approx((0.5, 0.5))
    (once,) = choose(model(server), [two], ModelOptions(option_orders=1))
    assert once.probabilities == pytest.approx((1.0, 0.0))


def test_little_mass_is_unscored_and_never_certain(start: Start) -> None:
    server = start(scored([("The", {"The": 0.9, "yes": 0.01})]))
    (found,) = choose(model(server), [YES_NO], ModelOptions())
    assert (found.status, found.probabilities) == (ReplyStatus.UNSCORED, ())
    assert found.mass == pytest.approx(0.01)
    (low,) = choose(model(server), [YES_NO], ModelOptions(option_floor=0.001))
    assert low.probabilities == pytest.approx((1.0, 0.0))


def test_a_model_that_thinks_first_is_asked_several_times(start: Start) -> None:
    def answer(path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        if body.get("logprobs"):
            return 200, chat("<think>", top=[("<think>", {"<think>": 1.0})])
        return 200, chat("<think>no doubt</think>**Yes**")

    (found,) = choose(model(start(answer)), [YES_NO], ModelOptions(option_samples=10))
    assert (found.method, found.mass) == ("sampled", 1.0)
    assert found.probabilities == pytest.approx((10.5 / 11, 0.5 / 11))


def test_probabilities_can_be_asked_for(start: Start) -> None:
    def answer(path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        text = body["messages"][-1]["content"]
        if "How likely" not in text:
            return 200, chat("fine")
        red = next(line[0] for line in text.splitlines() if line.endswith(") red box"))
        numbers = dict.fromkeys("ABC", 0.1) | {red: 0.8}
        return 200, chat(json.dumps(numbers))

    options = ModelOptions(option_method="stated")
    (found,) = choose(model(start(answer)), [PLACES], options)
    assert (found.method, found.probabilities) == ("stated", pytest.approx((0.8, 0.1, 0.1)))
    bad = start(lambda *_: (200, chat('{"A": 0.9, "B": 0.9, "C": 0.9}')))
    (found,) = choose(model(bad), [PLACES], options)
    assert found.status is ReplyStatus.UNSCORED


def test_labels_that_are_said() -> None:
    labels, texts = ("A", "B"), ("a red box", "table")
    for text, found in {
        "A": 0,
        "(b)": 1,
        "**B**": 1,
        "B. table": 1,
        "The answer is (A).": 0,
        "Let me see.\nAnswer: B": 1,
        "table": 1,
        "A red box": 0,
        "A good question": None,
        "": None,
        "C": None,
    }.items():
        assert read_label(text, labels, texts) == found, text
    for text, found in {"Yes, it is": 0, "**No**": 1, "nothing": None, "Not sure": None}.items():
        assert read_label(text, ("yes", "no"), ("yes", "no")) == found, text
    assert folded("▁**Yes**,") == "yes"


def test_settings_of_contestants(tmp_path: Path) -> None:
    names = ["openai:gpt-4.1", "openai:gpt-4.1-mini", "low"]
    own = {"low": {"spec": "openai:o3", "preset": "openai-reasoning", "reasoning_effort": "low"}}
    pairs = ["concurrency=2", "openai:gpt-4.1-mini.temperature=1", "openai:gpt-4.1.seed=none"]
    found = contestants_of(names, pairs, {"max_tokens": 7}, own)
    assert found["openai:gpt-4.1"].options.seed is None
    assert found["openai:gpt-4.1"].options.temperature == 0
    assert found["openai:gpt-4.1-mini"].options.temperature == 1
    assert all(c.options.concurrency == 2 for c in found.values())
    assert found["low"].spec == "openai:o3"
    assert found["low"].options.temperature is None
    assert found["low"].options.max_tokens == 7  # what is given wins over the preset
    assert found["low"].content() == {
        "spec": "openai:o3",
        "temperature": None,
        "seed": None,
        "system_role": "developer",
        "reasoning_effort": "low",
        "max_tokens": 7,
        "option_method": "sampled",
    }
    with pytest.raises(InputError, match="none of the planners"):
        contestants_of(names, [], {}, {"other": {}})
    with pytest.raises(InputError, match="unknown preset 'x'; known: openai-reasoning"):
        read_options(["preset=x"])


def test_prices_tell_cached_and_thought_tokens_apart(start: Start, tmp_path: Path) -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 80},
        "completion_tokens_details": {"reasoning_tokens": 40},
    }
    server = start(lambda *_: (200, chat(PLAN, usage=usage)))
    price = Price(10.0, 20.0, cached=1.0, reasoning=30.0)
    found = one(OpenAIModel("m", base_url=server.url, price=price)).usage
    assert (found.cached_tokens, found.reasoning_tokens) == (80, 40)
    assert found.cost == pytest.approx((20 * 10 + 80 * 1 + 10 * 20 + 40 * 30) / 1e6)
    beside = {**usage, "completion_tokens": 10, "total_tokens": 150}
    server = start(lambda *_: (200, chat(PLAN, usage=beside)))
    assert one(model(server)).usage.completion_tokens == 50
    assert price.highest == Price(10.0, 30.0)
    for row, why in (
        ({"prompt": 1, "completion": 1, "promt": 2}, "unknown key 'promt'"),
        ({"prompt": 1}, "needs 'completion'"),
        ({"prompt": -1, "completion": 1}, "0 or more"),
    ):
        with pytest.raises(ValueError, match=why):
            make_price(row)
    path = tmp_path / "prices.yaml"
    path.write_text("m: {prompt: 1, completion: 2, chached: 3}\n")
    with pytest.raises(InputError, match=r"m: unknown key 'chached'"):
        read_prices(path)
