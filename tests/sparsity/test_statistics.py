"""Sums over the inputs of a layer."""

from __future__ import annotations

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.statistics import InputStatistics

torch.set_num_threads(1)


def test_the_sums_are_those_of_all_batches_at_once() -> None:
    x = torch.randn(6, 5, 8, generator=torch.Generator().manual_seed(0))
    found = InputStatistics(8, gram=True)
    for batch in x.split([1, 3, 2]):
        found.update(batch)
    rows = x.reshape(-1, 8)
    assert found.rows == 30
    assert found.gram is not None
    torch.testing.assert_close(found.gram, rows.T @ rows)
    torch.testing.assert_close(found.square_sums, found.gram.diagonal())
    torch.testing.assert_close(found.norms(), torch.linalg.vector_norm(rows, dim=0))
    assert InputStatistics(8).gram is None


def test_padding_does_not_count() -> None:
    x = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[True, True, False, False], [True, True, True, False]])
    padded, bare = InputStatistics(3, gram=True), InputStatistics(3, gram=True)
    padded.update(torch.where(mask[..., None], x, torch.inf), mask)
    bare.update(x[mask])
    assert padded.rows == bare.rows == 5
    assert torch.equal(padded.square_sums, bare.square_sums)
    assert padded.gram is not None
    assert bare.gram is not None
    assert torch.equal(padded.gram, bare.gram)


def test_half_precision_is_summed_in_single() -> None:
    found = InputStatistics(1, gram=True)
    for _ in range(4):
        found.update(torch.ones(1000, 1, dtype=torch.bfloat16))
    assert found.square_sums.dtype == torch.float32
    assert found.square_sums.item() == 4000  # in bfloat16 the sum would stay at 256


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e30])
def test_what_is_not_finite_is_named_and_not_taken_in(bad: float) -> None:
    found = InputStatistics(2, gram=True, name="model.layers.3.mlp.up_proj")
    found.update(torch.ones(3, 2))
    with pytest.raises(InputError, match=r"model\.layers\.3\.mlp\.up_proj: an input is NaN"):
        found.update(torch.tensor([[1.0, bad]]))
    assert found.rows == 3
    assert found.square_sums.tolist() == [3, 3]
    assert found.gram is not None
    assert found.gram.tolist() == [[3, 3], [3, 3]]


def test_what_does_not_fit_is_said() -> None:
    found = InputStatistics(4, name="q")
    with pytest.raises(InputError, match="q: inputs"):
        found.update(torch.ones(2, 3))
    with pytest.raises(InputError, match="q: need a bool mask"):
        found.update(torch.ones(2, 4), torch.ones(3, dtype=torch.bool))
    with pytest.raises(InputError, match="q: need a bool mask"):
        found.update(torch.ones(2, 4), torch.ones(2))
    with pytest.raises(InputError, match="q: no calibration input reached"):
        found.norms()
    with pytest.raises(InputError, match="at least one input channel"):
        InputStatistics(0)
