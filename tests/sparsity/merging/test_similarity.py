"""How alike models are, and their families."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.merging import cluster, find_families, open_source, similarity_of
from surefoot.sparsity.merging.similarity import column_cosine, compared_keys, similarity_matrix
from tests.sparsity.merging.zoos import add_tokenizer, tiny_zoo, weights
from tests.sparsity.tiny import make

torch.set_num_threads(1)


def test_a_model_is_like_itself(tmp_path: Path) -> None:
    base, (one, two) = tiny_zoo(tmp_path, 2)
    model, other, start = open_source(one), open_source(two), open_source(base)
    assert similarity_of(model, model) == pytest.approx(1, abs=1e-12)
    assert similarity_of(model, model, start) == pytest.approx(1, abs=1e-12)
    assert 0.99 < similarity_of(model, other) < 1
    # its changes are drawn apart from the other's: nothing in common
    assert abs(similarity_of(model, other, start)) < 0.1
    # no change is like no change
    assert similarity_of(start, start, start) == 1


def test_the_cosine_is_that_of_columns() -> None:
    one = torch.tensor([[1.0, 0.0, 3.0], [0.0, 0.0, 4.0]])
    other = torch.tensor([[1.0, 0.0, 3.0], [1.0, 0.0, -4.0]])
    expected = (2**-0.5 + 1 + (9 - 16) / 25) / 3
    assert column_cosine(one, other) == pytest.approx(expected, abs=1e-6)
    generator = torch.Generator().manual_seed(0)
    left, right = torch.randn(2, 9, 5, generator=generator)
    reference = torch.nn.functional.cosine_similarity(left, right, dim=0).mean()
    assert column_cosine(left, right) == pytest.approx(float(reference), abs=1e-6)
    assert column_cosine(torch.zeros(2, 2), torch.ones(2, 2)) == 0
    assert column_cosine(left, -left) == pytest.approx(-1)


def test_it_is_the_mean_over_attention_and_perceptrons(tmp_path: Path) -> None:
    _, (one, two) = tiny_zoo(tmp_path, 2)
    keys = compared_keys(open_source(one))
    assert len(keys) == 3 * 7
    assert not any("embed" in k or "norm" in k or "lm_head" in k for k in keys)
    parts = [
        torch.nn.functional.cosine_similarity(weights(one)[k], weights(two)[k], dim=0).mean()
        for k in keys
    ]
    expected = float(torch.stack(parts).mean())
    assert similarity_of(open_source(one), open_source(two)) == pytest.approx(expected, abs=1e-6)


def test_a_zoo_of_two_bases_has_two_families(tmp_path: Path) -> None:
    _, first = tiny_zoo(tmp_path, 3, seed=0)
    _, second = tiny_zoo(tmp_path, 2, seed=1)
    mixed = [second[0], first[0], first[1], second[1], first[2]]
    for linkage in ("average", "connected"):
        found = find_families([open_source(m) for m in mixed], linkage=linkage)
        assert found.groups == ((1, 2, 4), (0, 3))
        assert found.reasons == {}
    assert np.nanmin(found.matrix) > -0.3
    assert found.to_json()["families"] == [
        ["tune-0-0", "tune-0-1", "tune-0-2"],
        ["tune-1-0", "tune-1-1"],
    ]


def test_another_architecture_or_vocabulary_is_another_family(tmp_path: Path) -> None:
    base, (one, two) = tiny_zoo(tmp_path, 2)
    worded = tmp_path / "worded"
    shutil.copytree(one, worded)
    add_tokenizer(worded)
    sources = [open_source(m) for m in (base, make("gpt2", tmp_path / "g"), one, worded, two)]
    found = find_families(sources, threshold=-1)  # even when all would join
    assert found.groups == ((0, 2, 4), (1,), (3,))
    assert "architectures" not in found.reasons[1]
    assert "no tokenizer" in found.reasons[2]
    assert np.isnan(found.matrix[0, 1])
    assert found.to_json()["similarity"][0][1] is None
    with pytest.raises(InputError, match="cannot be compared"):
        similarity_of(sources[0], sources[1])
    with pytest.raises(InputError, match="was not tuned from the base"):
        similarity_matrix(sources[:1], sources[1])


def test_thresholds_open_and_join_families() -> None:
    matrix = np.array([[1, 0.96, 0.9, 0], [0.96, 1, 0.97, 0], [0.9, 0.97, 1, 0], [0, 0, 0, 1.0]])
    assert cluster(matrix, 0.95, "connected") == [(0, 1, 2), (3,)]
    # 1 and 2 join first; 0 is .93 from them on average
    assert cluster(matrix, 0.95, "average") == [(0,), (1, 2), (3,)]
    assert cluster(matrix, 0.93, "average") == [(0, 1, 2), (3,)]
    assert cluster(matrix, 1.0) == [(0,), (1,), (2,), (3,)]
    assert cluster(matrix, -1.0) == [(0, 1, 2, 3)]
    assert cluster(np.ones((1, 1))) == [(0,)]
    with pytest.raises(InputError, match="unknown linkage 'ward'"):
        cluster(matrix, 0.9, "ward")
    with pytest.raises(InputError, match="threshold 2 is not between"):
        cluster(matrix, 2)
    with pytest.raises(InputError, match="no model"):
        find_families([])
