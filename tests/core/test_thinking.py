"""Thinking and answer, in every form that real models send."""

from __future__ import annotations

import pytest

from surefoot.core.thinking import split_reply

pytestmark = pytest.mark.quick

PLAN = "(pick b1)\n(drop b1)"
DRAFT = "First idea:\n(drop b1)\nThat fails."

CLOSED = {
    "think": f"<think>\n{DRAFT}\n</think>\n\n{PLAN}",
    "upper case": f"<THINK>{DRAFT}</THINK>{PLAN}",
    "only the closing mark": f"{DRAFT}\n</think>\n\n{PLAN}",
    "square brackets": f"[THINK]{DRAFT}[/THINK]\n{PLAN}",
    "thinking and answer": f"<thinking>\n{DRAFT}\n</thinking>\n<answer>\n{PLAN}\n</answer>",
    "answer mark never closed": f"<think>{DRAFT}</think><answer>\n{PLAN}",
    "channels": (
        f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant"
        f"<|channel|>final<|message|>{PLAN}<|return|>"
    ),
    "channels, final cut": (
        f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant"
        f"<|channel|>final<|message|>{PLAN}"
    ),
    "begin of thought": (
        f"<|begin_of_thought|>{DRAFT}<|end_of_thought|>"
        f"<|begin_of_solution|>{PLAN}<|end_of_solution|>"
    ),
    "start thinking": (
        f"<|START_THINKING|>{DRAFT}<|END_THINKING|><|START_RESPONSE|>{PLAN}<|END_RESPONSE|>"
    ),
    "kimi": f"◁think▷{DRAFT}◁/think▷{PLAN}",
    "two closing marks": f"Well.</think>{DRAFT}</think>{PLAN}",
}


@pytest.mark.parametrize("text", CLOSED.values(), ids=CLOSED)
def test_the_answer_is_what_stands_outside(text: str) -> None:
    reply = split_reply(text)
    assert reply.answer == PLAN
    assert "That fails." in reply.thinking
    assert "(pick" not in reply.thinking
    assert reply.finished
    assert reply.visible.count("\n") == text.count("\n")
    assert len(reply.visible) == len(text)


def test_two_blocks_of_thinking_are_joined() -> None:
    reply = split_reply(f"<think>one</think>Hm.<think>two</think>{PLAN}")
    assert reply.thinking == "one\n\ntwo"
    assert reply.answer.endswith(PLAN)


@pytest.mark.parametrize(
    "text",
    [f"<think>\n{PLAN}\nIs that", f"[THINK]{PLAN}", f"<|channel|>analysis<|message|>{PLAN}"],
)
def test_thinking_that_is_never_closed_is_no_answer(text: str) -> None:
    reply = split_reply(text)
    assert reply.answer == ""
    assert reply.visible.strip() == ""
    assert not reply.finished
    assert PLAN in reply.thinking


def test_marks_that_a_user_names() -> None:
    text = f"<<mull>>{DRAFT}<</mull>>{PLAN}"
    assert split_reply(text).answer == text
    assert split_reply(text, [("<<mull>>", "<</mull>>")]).answer == PLAN


def test_text_about_the_marks_is_left_alone() -> None:
    text = f"I was asked to use `<think>` and `</think>`; I did not.\n{PLAN}"
    assert split_reply(text).answer == text
    assert split_reply("a < b [1] and c").answer == "a < b [1] and c"


def test_an_answer_mark_that_holds_nothing_hides_nothing() -> None:
    assert PLAN in split_reply(f"<answer></answer>\n{PLAN}").answer
