"""The router looks back only, and learns by both losses."""

from __future__ import annotations

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.experts.router import (
    SHARES,
    ExpertRouter,
    overlaps,
    router_loss,
    strongest_of_tokens,
)

torch.set_num_threads(1)


def router(seed: int = 0) -> ExpertRouter:
    torch.manual_seed(seed)
    return ExpertRouter(50, 4, hidden=32, heads=4, positions=64).double().eval()


@pytest.mark.parametrize("at", [1, 5, 11])
def test_a_later_token_changes_no_earlier_choice(at: int) -> None:
    own = router()
    ids = torch.randint(50, (3, 12), generator=torch.Generator().manual_seed(at))
    other = ids.clone()
    other[:, at] = (other[:, at] + 1) % 50
    with torch.no_grad():
        before, after = own(ids), own(other)
    assert torch.equal(before[:, :at], after[:, :at])
    assert not torch.allclose(before[:, at:], after[:, at:])
    assert not torch.allclose(before[:, -1], after[:, -1])  # it sees far back


def test_it_begins_with_the_leading_dimensions_of_the_embedding() -> None:
    own = router()
    embedding = torch.randn(50, 40, dtype=torch.float64)
    own.embed_like(embedding)
    assert torch.equal(own.body.embed_tokens.weight, embedding[:, :32])


def test_the_strongest_of_a_token_are_exactly_so_many() -> None:
    values = torch.randn(6, 5, 11).round()
    for share in (0.01, 0.3, 0.5, 1.0):
        chosen = strongest_of_tokens(values, share)
        count = max(1, round(share * 11))
        assert chosen.sum(-1).eq(count).all()
        weakest = values.abs().masked_fill(~chosen, 99).amin(-1)
        assert (values.abs().masked_fill(chosen, -1).amax(-1) <= weakest).all()


def test_overlaps_are_counted_as_by_hand() -> None:
    draws = torch.Generator().manual_seed(1)
    activity = [torch.randn(7, 20, generator=draws) for _ in range(3)]
    own = [torch.rand(4, 20, generator=draws) < 0.4 for _ in range(3)]
    found = {loss: overlaps(activity, own, loss) for loss in ("eq4", "released")}  # type: ignore[arg-type]
    for n in range(7):
        for e in range(4):
            halves, shares = 0, 0.0
            for values, masks in zip(activity, own, strict=True):
                mine = set(masks[e].nonzero()[:, 0].tolist())
                order = values[n].abs().argsort(descending=True).tolist()
                halves += len(mine & set(order[:10]))
                shares += sum(len(mine & set(order[: round(20 * s)])) / len(mine) for s in SHARES)
            assert found["eq4"][n, e] == halves
            assert float(found["released"][n, e]) == pytest.approx(shares / len(SHARES), abs=1e-5)


def test_losses_are_as_written() -> None:
    draws = torch.Generator().manual_seed(2)
    logits = torch.randn(9, 4, generator=draws)
    overlap = torch.rand(9, 4, generator=draws)
    p, q = logits.softmax(-1), overlap.softmax(-1)
    divergence = (p * (p.log() - q.log())).sum(-1).mean()
    assert float(router_loss(logits, overlap, "eq4")) == pytest.approx(float(divergence), rel=1e-5)
    assert float(router_loss(overlap, overlap, "eq4")) == pytest.approx(0, abs=1e-6)
    best = torch.nn.functional.one_hot(overlap.argmax(-1), 4)
    smooth = 0.5 * best + 0.5 / 4
    soft = (10 * (overlap - overlap.mean(-1, keepdim=True))).softmax(-1)
    released = -((0.75 * smooth + 0.25 * soft) * p.log()).sum(-1).mean()
    found = float(router_loss(logits, overlap, "released"))
    assert found == pytest.approx(float(released), rel=1e-5)
    with pytest.raises(InputError, match="unknown router loss 'repo'"):
        router_loss(logits, overlap, "repo")  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", ["eq4", "released"])
def test_learning_by_either_loss_finds_the_best_expert(loss: str) -> None:
    draws = torch.Generator().manual_seed(3)
    overlap = 5 * torch.rand(6, 4, generator=draws)
    logits = torch.zeros(6, 4, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        router_loss(logits, overlap, loss).backward()  # type: ignore[arg-type, no-untyped-call]
        optimizer.step()
    assert torch.equal(logits.argmax(-1), overlap.argmax(-1))
