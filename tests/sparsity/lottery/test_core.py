"""The pruning core: exact shares, zeros that stay, rewinding, and resumption."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery import Masks, Rounds, find_tickets, matched_masks, prune_masks
from surefoot.sparsity.lottery.criteria import at_random, one_shot, snip_masks
from surefoot.sparsity.lottery.imp import rewound

torch.set_num_threads(1)


def net(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 15), nn.ReLU(), nn.Linear(15, 1)
    )


def data() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(5)
    x = torch.randn(64, 10)
    return x, x[:, :1] * x[:, 1:2]


def loss(model: nn.Module) -> torch.Tensor:
    x, y = data()
    return nn.functional.mse_loss(model(x), y)


def train(model: nn.Module, masks: Masks, on_step: Any, steps: int = 20) -> dict[str, float]:
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2, weight_decay=0.1)
    held = masks.hold(model, optimizer)
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        loss(model).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        on_step(step, model)
    held.remove()
    return {"loss": loss(model).item()}


@pytest.mark.parametrize("scope", ["global", "layer", "channel"])
def test_shares_compound_exactly(scope: Any) -> None:
    model = net()
    masks = Masks.full(model)
    assert masks.size == 200 + 300 + 15
    alive = {name: mask.numel() for name, mask in masks.tensors.items()}
    for _ in range(2):
        masks = prune_masks(model, masks, 0.2, scope=scope)
        if scope == "layer":
            alive = {n: a - round(0.2 * a) for n, a in alive.items()}
            assert {n: int(m.sum()) for n, m in masks.tensors.items()} == alive
    assert masks.sparsity == pytest.approx(1 - 0.8**2, abs=0.01)
    if scope == "channel":
        rows = masks.tensors["2.weight"].sum(1)
        assert int(rows.min()) == int(rows.max())
    assert masks.report()[0].density == pytest.approx(
        float(masks.tensors["0.weight"].float().mean())
    )


def test_the_smallest_go_and_ties_by_place() -> None:
    model = nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, -3.0, 0.5, 2.0], [0.5, 0.5, -4.0, 9.0]]))
    kept = prune_masks(model, Masks.full(model), 0.25).tensors["weight"]
    assert kept.tolist() == [[True, True, False, True], [False, True, True, True]]
    with torch.no_grad():
        model.weight.fill_(1.0)
    halved = prune_masks(model, Masks.full(model), 0.5)
    assert halved.tensors["weight"].tolist() == [[False] * 4, [True] * 4]


def test_dead_weights_are_exactly_zero_after_every_step_of_adam() -> None:
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(3):  # gives every weight momentum
        optimizer.zero_grad()
        loss(model).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    masks = prune_masks(model, Masks.full(model), 0.5)
    held = masks.hold(model, optimizer)
    for _ in range(5):
        optimizer.zero_grad()
        loss(model).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        for name, parameter in masks.parameters(model).items():
            assert bool((parameter[~masks.tensors[name]] == 0).all())
            assert bool((parameter[masks.tensors[name]] != 0).any())
    held.remove()
    optimizer.step()
    dead = [bool((p[~masks.tensors[n]] == 0).all()) for n, p in masks.parameters(model).items()]
    assert not all(dead)


def test_controls_by_chance() -> None:
    model = net()
    ticket = one_shot(model, Masks.full(model), 0.7)
    other = matched_masks(ticket, 1)
    assert [r.alive for r in other.report()] == [r.alive for r in ticket.report()]
    assert any((other.tensors[n] != ticket.tensors[n]).any() for n in ticket)
    uniform = one_shot(model, Masks.full(model), 0.7, score=at_random(3))
    assert uniform.alive == ticket.alive
    again = one_shot(model, Masks.full(model), 0.7, score=at_random(3))
    assert all(torch.equal(uniform.tensors[n], again.tensors[n]) for n in uniform)


def test_snip_goes_by_weight_times_slope() -> None:
    model = net()
    masks = snip_masks(model, Masks.full(model), 0.6, loss)
    assert masks.sparsity == pytest.approx(0.6, abs=0.002)
    loss(model).backward()  # type: ignore[no-untyped-call]
    scores = torch.cat(
        [(p * p.grad).detach().abs().flatten() for p in masks.parameters(model).values()]
    )
    kept = torch.cat([masks.tensors[n].flatten() for n in masks])
    assert float(scores[kept].min()) >= float(scores[~kept].max())
    with pytest.raises(InputError, match="not finite"):
        snip_masks(model, Masks.full(model), 0.6, lambda m: loss(m) * float("nan"))


@pytest.mark.parametrize("rewind", [0, 5])
def test_tickets_train_from_the_weights_they_rewind_to(rewind: int, tmp_path: Path) -> None:
    starts: list[dict[str, torch.Tensor]] = []

    def noting(model: nn.Module, masks: Masks, on_step: Any) -> dict[str, float]:
        starts.append({k: v.clone() for k, v in model.state_dict().items()})
        return train(model, masks, on_step)

    model = net()
    tickets = find_tickets(model, noting, Rounds(rounds=3, rewind=rewind), tmp_path)
    assert [t.sparsity for t in tickets] == pytest.approx(
        [0, 0.2, 1 - 0.8**2, 1 - 0.8**3], abs=0.005
    )
    base = rewound(net(seed=9), tmp_path).state_dict()
    assert all(torch.equal(base[k], starts[0][k]) for k in base) == (rewind == 0)
    for ticket, start in zip(tickets[1:], starts[1:], strict=True):
        for name, value in start.items():
            mask = ticket.masks.tensors.get(name, torch.ones_like(value, dtype=torch.bool))
            assert torch.equal(value, base[name] * mask)
    for earlier, later in pairwise(tickets):
        assert all(
            bool((earlier.masks.tensors[n] | ~later.masks.tensors[n]).all()) for n in later.masks
        )


def test_an_interrupted_search_goes_on_after_the_last_round(tmp_path: Path) -> None:
    whole = find_tickets(net(), train, Rounds(rounds=3), tmp_path / "whole")
    count = 0

    def breaking(model: nn.Module, masks: Masks, on_step: Any) -> dict[str, float]:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return train(model, masks, on_step)

    with pytest.raises(KeyboardInterrupt):
        find_tickets(net(), breaking, Rounds(rounds=3), tmp_path / "out")
    calls = []
    again = find_tickets(
        net(seed=7), lambda *a: calls.append(1) or train(*a), Rounds(rounds=3), tmp_path / "out"
    )
    assert len(calls) == 2
    for a, b in zip(whole, again, strict=True):
        assert a.figures == b.figures
        assert all(torch.equal(a.masks.tensors[n], b.masks.tensors[n]) for n in a.masks)
    with pytest.raises(InputError, match="other settings"):
        find_tickets(net(), train, Rounds(rounds=4), tmp_path / "out")


def test_masks_that_were_read_are_those_that_were_made(tmp_path: Path) -> None:
    class Turned(nn.Module):
        """Its layers stand in another order than their names."""

        def __init__(self) -> None:
            super().__init__()
            self.later = nn.Linear(6, 5)
            self.early = nn.Linear(5, 6)

    torch.manual_seed(0)
    model = Turned()
    made = prune_masks(model, Masks.full(model), 0.4)
    made.save(tmp_path / "m.safetensors")
    read = Masks.load(tmp_path / "m.safetensors")
    assert [r.name for r in made.report()] == [r.name for r in read.report()]
    assert list(read.parameters(model)) == ["later.weight", "early.weight"]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)  # ties, which go by place
    for derive in (
        lambda m: matched_masks(m, 3),
        lambda m: prune_masks(model, m, 0.3),
        lambda m: prune_masks(model, m, 0.3, score=at_random(4)),
    ):
        one, other = derive(made), derive(read)
        assert all(torch.equal(one.tensors[n], other.tensors[n]) for n in one)


def test_a_search_by_chance_goes_on_with_the_same_masks(tmp_path: Path) -> None:
    def search(folder: str, last: int = 9) -> Any:
        calls = 0

        def stopping(model: nn.Module, masks: Masks, on_step: Any) -> dict[str, float]:
            nonlocal calls
            calls += 1
            if calls == last:
                raise KeyboardInterrupt
            return train(model, masks, on_step, 2)

        return find_tickets(
            net(), stopping, Rounds(rounds=3), tmp_path / folder, score=at_random(1)
        )

    whole = search("whole")
    with pytest.raises(KeyboardInterrupt):
        search("broken", 3)
    for a, b in zip(whole, search("broken"), strict=True):
        assert all(torch.equal(a.masks.tensors[n], b.masks.tensors[n]) for n in a.masks)
    shares = [m.float().mean() for m in whole[-1].masks.tensors.values()]
    assert shares == pytest.approx([0.8**3] * 3, abs=0.25)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rounds.json", b"["),
        ("rounds.json", b"[]"),
        ("rounds.json", b'{"done": 3}'),
        ("trained.safetensors", b"x"),
        ("trained.safetensors", None),
        ("start.safetensors", b"x"),
        ("masks-00.safetensors", b"x"),
    ],
)
def test_damaged_states_of_a_search_are_one_line(
    name: str, content: bytes | None, tmp_path: Path
) -> None:
    def stopping(model: nn.Module, masks: Masks, on_step: Any) -> dict[str, float]:
        if masks.sparsity:
            raise KeyboardInterrupt
        return train(model, masks, on_step, 2)

    with pytest.raises(KeyboardInterrupt):
        find_tickets(net(), stopping, Rounds(rounds=2), tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"damaged|not a readable file of masks"):
        find_tickets(net(), train, Rounds(rounds=2), tmp_path)


def test_what_cannot_be_pruned_is_one_line(tmp_path: Path) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Linear(4, 4)
            self.two = nn.Linear(4, 4)
            self.two.weight = self.one.weight

    with pytest.raises(InputError, match=r"'one\.weight' and 'two\.weight' are the same parameter"):
        Masks.full(Tied())
    with pytest.raises(InputError, match="no parameter"):
        Masks.full(net(), "nothing")
    model = net()
    with pytest.raises(InputError, match=r"between 0 and 1"):
        prune_masks(model, Masks.full(model), 1.0)
    with torch.no_grad():
        model[4].weight.mul_(1e-9)  # type: ignore[operator, union-attr, index]
    with pytest.raises(InputError, match=r"nothing is left of '4\.weight'"):
        prune_masks(model, Masks.full(model), 0.5)
    with torch.no_grad():
        model[0].weight[0, 0] = float("nan")  # type: ignore[operator, union-attr, index]
    with pytest.raises(InputError, match=r"'0\.weight' are not finite"):
        prune_masks(model, Masks.full(model), 0.5)
    with pytest.raises(InputError, match="loss is not finite"):
        find_tickets(net(), lambda *_: {"loss": float("nan")}, Rounds(rounds=1), tmp_path / "a")
    with pytest.raises(InputError, match="fewer than 50 steps"):
        find_tickets(net(), train, Rounds(rounds=1, rewind=50), tmp_path / "b")
    with pytest.raises(InputError, match="no tickets"):
        rewound(net(), tmp_path / "c")
    with pytest.raises(InputError, match="another architecture"):
        Masks.full(nn.Linear(3, 3)).apply(nn.Linear(4, 4))
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a readable file"):
        Masks.load(tmp_path / "x.safetensors")
