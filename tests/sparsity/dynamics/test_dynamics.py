"""Word co-occurrence: gradients, what is conserved, and the two phases (oracles C1 and C2)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.sparsity.dynamics import (
    Flow,
    FlowTrace,
    Sequences,
    Transformer,
    check_predictions,
    draw_sequences,
    gradients,
    init_transformer,
    read_sequences,
    simulate,
)
from surefoot.sparsity.dynamics.data import Group
from surefoot.sparsity.dynamics.model import CONSERVED, losses_of
from surefoot.sparsity.dynamics.predictions import end_of_first_phase

SMALL = Flow(width=12, hidden=8, rate=0.02, steps=100, every=20)


def small(seed: int = 0) -> tuple[Transformer, Sequences]:
    data = draw_sequences(12, 4, 40, seed)
    return init_transformer(40, 6, 4, 0.5, 0.5, seed), data


def mean_loss(model: Transformer, data: Sequences) -> float:
    return float(losses_of(model.output(data), data.labels).mean())


@pytest.mark.parametrize("part", ["w", "value", "key", "query"])
def test_gradients_are_the_slopes_of_the_loss(part: str) -> None:
    model, data = small()
    gradient, output = gradients(model, data)
    np.testing.assert_allclose(output, model.output(data), atol=1e-12)
    rng = np.random.default_rng(0)
    for _ in range(5):
        toward = rng.normal(size=getattr(model, part).shape)
        ahead, behind = (
            mean_loss(replace(model, **{part: getattr(model, part) + h * toward}), data)
            for h in (1e-5, -1e-5)
        )
        assert (getattr(gradient, part) * toward).sum() == pytest.approx(
            (ahead - behind) / 2e-5, rel=1e-5, abs=1e-10
        )


def test_the_output_is_the_sum_over_queries_of_what_attention_picks() -> None:
    model, data = small()
    x = np.eye(data.words)[data.ids[3]].T
    total = 0.0
    for query in range(x.shape[1]):
        scores = x.T @ model.key.T @ model.query @ x[:, query] / np.sqrt(model.width)
        weights = np.exp(scores) / np.exp(scores).sum()
        total += model.a @ model.w @ model.value @ x @ weights
    assert model.output(data)[3] == pytest.approx(total, rel=1e-12)


def test_the_order_of_words_does_not_matter() -> None:
    model, data = small()
    turned = Sequences(data.ids[:, ::-1].copy(), data.labels, data.words)
    np.testing.assert_allclose(model.output(turned), model.output(data), atol=1e-12)


def test_without_keys_the_output_is_the_sum_of_what_the_words_add() -> None:
    model, data = small()
    blind = replace(model, key=np.zeros_like(model.key))
    np.testing.assert_allclose(
        blind.output(data), blind.contributions()[data.ids].sum(1), atol=1e-12
    )


def test_gradient_flow_leaves_both_conserved_matrices() -> None:
    model, data = small()
    gradient, _ = gradients(model, data)
    for name, matrix in CONSERVED.items():
        ahead, behind = matrix(model.moved(1e-3, gradient)), matrix(model.moved(-1e-3, gradient))
        # Steps of either sign leave the same terms of second order.
        assert np.abs(ahead - behind).max() < 1e-12, name
    moved = model.moved(1e-3, gradient)
    for one in (lambda m: m.w.T @ m.w, lambda m: m.key @ m.key.T):
        assert np.abs(one(moved) - one(model)).max() > 1e-7


def test_what_is_conserved_drifts_in_proportion_to_the_rate() -> None:
    data = draw_sequences(12, 4, 40, 0)
    drifts = []
    for rate in (0.04, 0.02, 0.01):
        flow = SMALL.model_copy(update={"rate": rate, "steps": round(2 / rate)})
        drifts.append(simulate(data, flow).drift[-1, 0])
    assert drifts[0] / drifts[1] == pytest.approx(2, rel=0.15)
    assert drifts[1] / drifts[2] == pytest.approx(2, rel=0.15)


def test_frozen_attention_stays_and_the_rest_learns() -> None:
    data = draw_sequences(12, 4, 40, 0)
    frozen = simulate(data, SMALL.model_copy(update={"frozen": True}))
    np.testing.assert_array_equal(frozen.scores[-1], frozen.scores[0])
    assert frozen.loss[-1] < frozen.loss[0]


@pytest.fixture(scope="module")
def traces() -> list[FlowTrace]:
    return [simulate(draw_sequences(120, 5, 330, s), Flow(seed=s, steps=800)) for s in (0, 1, 2)]


def test_all_predictions_hold_where_fillers_stand_once(traces: list[FlowTrace]) -> None:
    for trace in traces:
        checks = check_predictions(trace, 0.02)
        assert [c.name for c in checks if not c.holds] == []
        assert len(checks) == 14
        turn = end_of_first_phase(trace)
        assert turn is not None
        assert 30 <= trace.steps[turn] <= 80


def test_the_trace_says_where_each_group_stands(traces: list[FlowTrace]) -> None:
    trace = traces[0]
    assert trace.steps[0] == 0
    assert trace.steps[-1] == 800
    shares = np.array([3, 1, 1, 1]) / 6
    np.testing.assert_allclose(trace.group_losses @ shares, trace.loss, rtol=1e-12)
    assert set(trace.to_json()) >= {"loss", "scores", "contributions", "balance"}


def test_a_trace_that_never_classifies_has_no_phases() -> None:
    data = draw_sequences(12, 4, 40, 0)
    trace = simulate(data, SMALL.model_copy(update={"steps": 1, "rate": 1e-6}))
    if end_of_first_phase(trace) is None:
        assert [c.holds for c in check_predictions(trace, 1e-6)][-1] is False


def test_with_repeated_fillers_the_warning_is_there() -> None:
    data = draw_sequences(60, 5, 64, 0, distinct=False)
    assert "nL = 300 is larger than d = 64" in data.assumption
    assert data.repeated > 0.9
    once = draw_sequences(12, 4, 48, 0)
    assert once.assumption == ""
    assert once.repeated == 0


def test_groups_come_in_the_papers_shares() -> None:
    data = draw_sequences(120, 5, 330, 3)
    assert [int((data.groups == g).sum()) for g in Group] == [60, 20, 20, 20]
    assert all(len(set(row)) == 5 for row in data.ids)


def test_sequences_of_ones_own(tmp_path: Path) -> None:
    rows = [["a", "b", "c"], ["a", "c", "x"], ["b", "y", "c"], ["c", "x", "y"]]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"tokens": r}) + "\n" for r in rows))
    data = read_sequences(path, ("a", "b", "c"))
    assert data.labels.tolist() == [1, -1, -1, -1]
    assert data.names == ("a", "b", "c", "x", "y")
    for signals, why in (
        (("a", "b"), "three different signals"),
        (("a", "b", "x"), "word 2"),
        (("a", "x", "c"), "no sequence of kind"),
    ):
        if why == "no sequence of kind":
            path.write_text(json.dumps({"tokens": rows[0]}) + "\n")
        with pytest.raises(InputError, match=why):
            read_sequences(path, signals)
    path.write_text('{"tokens": ["a"]}\n{"words": 3}\n')
    with pytest.raises(InputError, match="each line needs"):
        read_sequences(path, ("a", "b", "c"))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((7, 5, 330), "multiple of 6"),
        ((12, 2, 330), "no room"),
        ((120, 5, 100), "give more words"),
    ],
)
def test_numbers_that_do_not_fit(arguments: tuple[int, int, int], why: str) -> None:
    with pytest.raises(InputError, match=why):
        draw_sequences(*arguments, seed=0)


def test_a_rate_that_is_too_large_is_one_line() -> None:
    data = draw_sequences(12, 4, 40, 0)
    with pytest.raises(InputError, match=r"step \d+: the output is not finite"):
        simulate(data, SMALL.model_copy(update={"rate": 1e6}))
