"""The merge operators against what is known of them."""

from __future__ import annotations

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.merging.operators import (
    METHODS,
    NEED_BASE,
    check_numbers,
    drop_and_rescale,
    merge_tensors,
    trim,
)

torch.set_num_threads(1)


def drawn(count: int, *shape: int, seed: int = 0, kind: torch.dtype = torch.float64):  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(seed)
    found = torch.randn(count + 1, *shape, generator=generator, dtype=torch.float64).to(kind)
    return list(found[:-1]), found[-1]


def test_linear_is_the_weighted_mean() -> None:
    tensors, _ = drawn(3, 4, 5)
    found = merge_tensors("linear", tensors, None, [1, 2, 5])
    expected = (tensors[0] + 2 * tensors[1] + 5 * tensors[2]) / 8
    assert torch.allclose(found, expected, atol=1e-12)
    # weights outside of 0..1 are allowed as long as they have a sum
    assert torch.allclose(
        merge_tensors("linear", tensors[:2], None, [2, -1]), 2 * tensors[0] - tensors[1]
    )


@pytest.mark.parametrize("count", [2, 3, 7])
def test_task_arithmetic_with_one_over_n_is_the_mean(count: int) -> None:
    tensors, base = drawn(count, 6, 3)
    found = merge_tensors("task-arithmetic", tensors, base, [1.0] * count, scale=1 / count)
    assert torch.allclose(found, sum(tensors) / count, atol=1e-12)
    assert torch.allclose(found, merge_tensors("linear", tensors, None, [1.0] * count))


def test_ties_of_full_density_without_a_conflict_is_the_linear_mean() -> None:
    tensors, base = drawn(3, 8, 8)
    signs = torch.sign(torch.randn(8, 8, generator=torch.Generator().manual_seed(9)))
    agreeing = [base + signs * (t - base).abs() for t in tensors]
    weights = [0.2, 1.0, 0.5]
    found = merge_tensors("ties", agreeing, base, weights)
    assert torch.allclose(found, merge_tensors("linear", agreeing, None, weights), atol=1e-12)
    # where signs differ, it is another thing
    assert not torch.allclose(
        merge_tensors("ties", tensors, base, weights),
        merge_tensors("linear", tensors, None, weights),
    )


def test_ties_by_hand() -> None:
    base = torch.zeros(4, dtype=torch.float64)
    tensors = [
        torch.tensor([3.0, -1.0, 2.0, 0.1], dtype=torch.float64),
        torch.tensor([1.0, 4.0, -2.0, -0.2], dtype=torch.float64),
        torch.tensor([-5.0, 0.5, 1.0, 0.3], dtype=torch.float64),
    ]
    # half of the entries stay: (3, 0, 2, 0), (0, 4, -2, 0), (-5, 0, 1, 0); sums -2, 4, 1, 0
    found = merge_tensors("ties", tensors, base, [1, 1, 1], density=0.5)
    assert found.tolist() == [-5.0, 4.0, 1.5, 0.0]
    scaled = merge_tensors("ties", tensors, base + 1, [1, 1, 1], density=1.0, scale=2.0)
    # differences are one less each: (2, -2, 1, -0.9), (0, 3, -3, -1.2), (-6, -0.5, 0, -0.7)
    assert torch.allclose(scaled, torch.tensor([1 - 12, 1 + 6, 1 - 6, 1 - 5.6 / 3]).double())


@pytest.mark.parametrize(("density", "kept"), [(0.1, 10), (0.29, 29), (0.999, 99), (0.001, 1)])
def test_trimming_keeps_the_largest_and_exactly_as_many(density: float, kept: int) -> None:
    generator = torch.Generator().manual_seed(1)
    difference = torch.randn(10, 10, generator=generator)
    found = trim(difference, density)
    assert int(torch.count_nonzero(found)) == kept
    threshold = difference.abs().flatten().sort(descending=True).values[kept - 1]
    assert torch.equal(found, torch.where(difference.abs() >= threshold, difference, 0.0))
    # ties among equal entries do not keep more
    assert int(torch.count_nonzero(trim(torch.ones(10, 10), density))) == kept


def test_what_dare_keeps_has_the_difference_as_its_mean() -> None:
    generator = torch.Generator().manual_seed(2)
    difference = torch.randn(20, 10, generator=generator, dtype=torch.float64)
    draws = 2000
    density = 0.3
    total = torch.zeros_like(difference)
    for seed in range(draws):
        total += drop_and_rescale(difference, density, seed=seed, name="x")
    # an entry's mean has deviation |d| sqrt((1-p)/(p draws)); of 200 the largest is within 4
    deviation = difference.abs() * ((1 - density) / (density * draws)) ** 0.5
    away = ((total / draws - difference) / deviation).abs()
    assert float(away.max()) < 4.5
    assert 0.85 < float(away.square().mean()) < 1.2


def test_dare_depends_on_seed_model_and_tensor_only() -> None:
    difference = torch.ones(400)
    same = drop_and_rescale(difference, 0.5, seed=3, name="a", index=1)
    assert torch.equal(same, drop_and_rescale(difference, 0.5, seed=3, name="a", index=1))
    for other in ({"seed": 4}, {"name": "b"}, {"index": 2}):
        values = {"seed": 3, "name": "a", "index": 1} | other
        assert not torch.equal(same, drop_and_rescale(difference, 0.5, **values))  # type: ignore[arg-type]
    assert set(same.unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("method", ["dare-linear", "dare-ties"])
def test_dare_of_full_density_drops_nothing(method: str) -> None:
    tensors, base = drawn(3, 5, 5)
    found = merge_tensors(method, tensors, base, [0.2, 0.3, 0.4])
    if method == "dare-linear":
        expected = merge_tensors("task-arithmetic", tensors, base, [0.2, 0.3, 0.4])
    else:
        parts = torch.stack([w * (t - base) for w, t in zip([0.2, 0.3, 0.4], tensors, strict=True)])
        agrees = parts.sign() == torch.where(parts.sum(0) >= 0, 1.0, -1.0)
        expected = base + (parts * agrees).sum(0)
    assert torch.allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_identical_tensors_and_weights_of_sum_one_are_the_identity(
    method: str, kind: torch.dtype
) -> None:
    tensors, base = drawn(1, 7, 4, kind=kind)
    found = merge_tensors(method, tensors * 4, base, [0.25] * 4)
    assert found.dtype == kind
    assert torch.allclose(found.float(), tensors[0].float(), atol=1e-6)
    if method in NEED_BASE:
        nothing = merge_tensors(method, [base] * 4, base, [0.3] * 4, density=0.5)
        assert torch.equal(nothing, base)


def test_half_precision_is_merged_in_single() -> None:
    # in half precision 2048 + 1 is 2048, so that a sum of many ones would be lost
    tensors = [torch.full((3,), 2048.0).half(), *[torch.ones(3).half()] * 8]
    found = merge_tensors("linear", tensors, None, [1.0] * 9)
    assert found.tolist() == [torch.tensor(2056 / 9).half().item()] * 3


def test_tensors_are_read_one_by_one_where_that_is_possible() -> None:
    tensors, base = drawn(3, 2, 2)
    alive: list[int] = []

    def reader():  # type: ignore[no-untyped-def]
        for i, tensor in enumerate(tensors):
            alive.append(i)
            yield tensor

    merge_tensors("task-arithmetic", reader(), base, [1, 1, 1])
    assert alive == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("mean", [1.0]), "unknown method 'mean'; known: linear"),
        (("linear", []), "no model to merge"),
        (("linear", [1.0, -1.0]), "sum to 0"),
        (("ties", [0.0, 0.0]), "sum to 0"),
        (("linear", [1.0, float("nan")]), "not a finite number"),
        (("ties", [1.0], 0.0), "density 0 is not in"),
        (("dare-ties", [1.0], 1.5), "density 1.5 is not in"),
        (("ties", [1.0], 1.0, float("inf")), "scale is not a finite"),
    ],
)
def test_what_is_out_of_range_is_told(arguments: tuple, why: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError, match=why):
        check_numbers(*arguments)


def test_what_does_not_fit_is_told() -> None:
    tensors, base = drawn(2, 2, 2)
    with pytest.raises(InputError, match="'ties' adds differences to a base"):
        merge_tensors("ties", tensors, None, [1, 1])
    for method in ("linear", "task-arithmetic"):
        with pytest.raises(InputError, match="do not merge"):
            merge_tensors(method, [tensors[0], torch.ones(3, 3)], base, [1, 1])
    check_numbers("task-arithmetic", [1.0, -1.0])  # a difference of tasks is meant
