"""Codes in groups: sizes, errors, stochastic rounding, adding in place."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.sparsity.training.packing import (
    add_,
    pack_nibbles,
    packed_nbytes,
    quantize,
    stochastic_round,
    unpack_nibbles,
)

torch.set_num_threads(1)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@given(st.lists(st.integers(0, 15), max_size=40))
def test_two_codes_share_a_byte(codes: list[int]) -> None:
    given_codes = torch.tensor(codes, dtype=torch.uint8)
    packed = pack_nibbles(given_codes)
    assert packed.nbytes == (len(codes) + 1) // 2
    assert unpack_nibbles(packed, len(codes)).tolist() == codes


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 700),
    st.sampled_from([4, 8]),
    st.sampled_from([1, 64, 256]),
    st.floats(-1e4, 1e4),
    st.floats(1e-3, 1e3),
    st.integers(0, 99),
)
def test_the_error_is_half_a_scale_at_most_wherever_a_group_lies(
    numel: int, bits: int, group: int, centre: float, spread: float, seed: int
) -> None:
    values = drawn(numel, seed=seed) * spread + centre
    made = quantize(values, bits, group)
    assert made.nbytes == packed_nbytes(numel, bits, group)
    assert made.codes.nbytes == -(-numel * bits // 8)
    error = (made.dequantize() - values).abs()
    limit = made.scales.repeat_interleave(group)[:numel] / 2
    rounding = 4 * torch.finfo(torch.float32).eps * values.abs().max()
    assert bool((error <= limit * 1.001 + rounding).all())


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("low", [1.0, -1.01, 1e4])
def test_groups_on_one_side_of_zero_keep_their_resolution(bits: int, low: float) -> None:
    values = torch.linspace(low, low + 0.01 * abs(low), 256)
    made = quantize(values, bits)
    width = (values.max() - values.min()) / (2**bits - 1)
    assert float((made.dequantize() - values).abs().max()) <= 0.51 * width
    # With a zero point among the codes every value would be read as one of two far-off numbers.
    assert len(set(made.dequantize().tolist())) == 2**bits


def test_a_constant_group_and_an_empty_remainder_are_exact() -> None:
    values = torch.full((300,), 0.3)
    assert torch.equal(quantize(values, 4).dequantize(), values)
    assert quantize(torch.zeros(3, 5), 8).dequantize().shape == (3, 5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    values = torch.zeros(300)
    values[270] = bad
    with pytest.raises(InputError, match="not finite"):
        quantize(values, 8)
    kept = quantize(torch.zeros(300), 8)
    with pytest.raises(InputError, match="not finite"):
        add_(kept, values, None)


@pytest.mark.parametrize(("bits", "group"), [(3, 256), (8, 0)])
def test_other_widths_are_refused(bits: int, group: int) -> None:
    with pytest.raises(InputError, match="4 or 8 bits"):
        quantize(torch.zeros(4), bits, group)


def test_rounding_by_chance_is_unbiased_inside_the_range() -> None:
    draws = 20_000
    generator = torch.Generator().manual_seed(0)
    wanted = torch.linspace(1.0, 14.0, 66)
    total = torch.zeros_like(wanted)
    for _ in range(draws // 100):
        total += stochastic_round(wanted.expand(100, -1), generator).sum(0)
    bias = (total / draws - wanted).abs()
    assert float(bias.max()) < 4.5 * 0.5 / draws**0.5
    whole = wanted == wanted.round()
    assert float(bias[whole].max()) < 1e-4


def test_300_updates_of_a_tenth_of_a_code_are_kept_by_chance_and_lost_by_nearest() -> None:
    start = torch.cat([torch.tensor([-64.0, 191.0]), torch.zeros(254)])  # scale 1
    update = torch.cat([torch.zeros(2), torch.full((254,), 0.1)])
    moved = {}
    for way in ("chance", "nearest"):
        kept = quantize(start, 8)
        generator = torch.Generator().manual_seed(1) if way == "chance" else None
        for _ in range(300):
            add_(kept, update, generator)
        assert kept.scales.item() == 1.0
        moved[way] = float((kept.dequantize() - start)[2:].mean()) / 30
    assert 0.96 < moved["chance"] < 1.04
    assert moved["nearest"] < 0.01


def test_a_value_that_is_not_changed_keeps_its_code() -> None:
    kept = quantize(drawn(512), 8)
    before = kept.clone()
    update = torch.zeros(512)
    update[5] = 0.3 * float(kept.scales[0])
    add_(kept, update, torch.Generator().manual_seed(0))
    changed = (kept.codes != before.codes).nonzero().flatten().tolist()
    assert changed in ([], [5])
    assert torch.equal(kept.scales, before.scales)


@pytest.mark.parametrize("factor", [3.0, -0.9])
def test_a_group_that_grows_or_shrinks_gets_a_range_of_its_own(factor: float) -> None:
    values = drawn(300)
    kept = quantize(values, 8)
    start = kept.dequantize()
    add_(kept, factor * start, None)
    wanted = (1 + factor) * start
    assert torch.allclose(kept.dequantize(), wanted, atol=float(kept.scales.max()) * 0.51)
    assert float(kept.scales[0]) < 1.1 * float(wanted[:256].max() - wanted[:256].min()) / 255


def test_codes_of_another_shape_are_not_taken_over() -> None:
    with pytest.raises(InputError, match="do not fit"):
        quantize(torch.zeros(4), 8).copy_(quantize(torch.zeros(5), 8))
