"""8-bit AdamW, GaLore and Q-GaLore as optimizers: steps, state, clipping, accumulation."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from surefoot.core.errors import InputError
from surefoot.sparsity.training.galore import GaLore, QGaLore
from surefoot.sparsity.training.int8 import Int8Linear
from surefoot.sparsity.training.moments import QuantizedMoment
from surefoot.sparsity.training.optimizer import AdamW8bit

torch.set_num_threads(1)
Make = Callable[[nn.Module], torch.optim.Optimizer]


def plain_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(48, 96), nn.Tanh(), nn.Linear(96, 48))


def int8_model() -> nn.Module:
    model = plain_model()
    model[0], model[2] = Int8Linear.from_linear(model[0]), Int8Linear.from_linear(model[2])
    return model


def data(seed: int = 0, rows: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    teacher = torch.randn(48, 48, generator=torch.Generator().manual_seed(99)) / 7
    x = torch.randn(rows, 48, generator=generator)
    return x, torch.tanh(x @ teacher)


def loss_of(model: nn.Module, seed: int, rows: int = 64) -> torch.Tensor:
    x, y = data(seed, rows)
    return torch.nn.functional.mse_loss(model(x), y)


def train(model: nn.Module, optimizer: Any, steps: range, scheduler: Any = None) -> list[float]:
    losses = []
    for step in steps:
        optimizer.zero_grad()
        loss = loss_of(model, step)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(float(loss.detach()))
    return losses


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [value.clone() for value in model.state_dict().values()]


MAKERS: dict[str, Make] = {
    "adamw8bit": lambda m: AdamW8bit(m.parameters(), 3e-3, weight_decay=0.01, max_norm=0.1),
    "galore": lambda m: GaLore(m.parameters(), 1e-2, rank=12, interval=7),
    "qgalore": lambda m: QGaLore(
        m.parameters(),
        1e-2,
        rank=12,
        interval=3,
        queue=2,
        threshold=0.2,
        weight_decay=0.01,
    ),
    "cosine": lambda m: QGaLore(m.parameters(), 1e-2, rank=12, interval=3, measure="cosine"),
}


def test_with_32_bits_it_is_adamw() -> None:
    ours, theirs = plain_model(), plain_model()
    options: dict[str, Any] = {"lr": 3e-3, "betas": (0.8, 0.95), "weight_decay": 0.1}
    train(ours, AdamW8bit(ours.parameters(), state_bits=32, **options), range(20))
    train(theirs, torch.optim.AdamW(theirs.parameters(), **options), range(20))
    for a, b in zip(weights(ours), weights(theirs), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_small_gradients_of_a_block_keep_their_average_of_squares() -> None:
    sizes = torch.logspace(-4, 0, 256).repeat(32)
    roots = []
    for bits in (32, 8):
        weight = nn.Parameter(torch.zeros(64, 128))
        optimizer = AdamW8bit([weight], 1e-2, state_bits=bits)
        generator = torch.Generator().manual_seed(0)
        for _ in range(300):
            weight.grad = (torch.randn(8192, generator=generator) * sizes).view(64, 128)
            optimizer.step()
        state = optimizer.state[weight]
        roots.append(QuantizedMoment(state["root"], state.get("root_scales"), False).read(0, 8192))
    shares = roots[1] / roots[0]
    # Codes of the squares themselves would leave a tenth of them below 0.05.
    assert float(shares.quantile(0.01)) > 0.6
    assert 0.93 < float(shares.median()) < 1.03


def test_a_projection_of_nearly_full_rank_is_adam_in_turned_coordinates() -> None:
    # A gradient of rank 1 lies in its subspace: the update is of rank 1 and goes against it.
    weight = nn.Parameter(torch.zeros(32, 24))
    left, right = torch.randn(32), torch.randn(24)
    weight.grad = torch.outer(left, right)
    GaLore([weight], 1.0, rank=1, scale=1.0).step()
    values = torch.linalg.svdvals(weight.detach())
    assert float(values[1] / values[0]) < 1e-5
    assert float((weight.detach() * weight.grad).sum()) < 0
    # Adam's first step has a magnitude of one in every coordinate of the subspace.
    assert float(values[0]) == pytest.approx(32**0.5, rel=1e-3)


@pytest.mark.parametrize("kind", MAKERS)
def test_losses_fall(kind: str) -> None:
    model = int8_model() if kind in ("qgalore", "cosine") else plain_model()
    losses = train(model, MAKERS[kind](model), range(150))
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])


def test_rounding_by_chance_learns_where_rounding_to_nearest_stands_still() -> None:
    after = {}
    for stochastic in (True, False):
        model = int8_model()
        optimizer = QGaLore(
            model.parameters(), 2e-4, rank=12, scale=1.0, stochastic=stochastic, seed=1
        )
        train(model, optimizer, range(300))
        after[stochastic] = float(loss_of(model, 1000, 512).detach())
    assert after[True] < 0.9 * after[False]


@pytest.mark.parametrize("kind", MAKERS)
def test_a_saved_training_goes_on_to_the_bit(kind: str) -> None:
    make_model = int8_model if kind in ("qgalore", "cosine") else plain_model
    whole = make_model()
    train(whole, MAKERS[kind](whole), range(20))
    first = make_model()
    optimizer = MAKERS[kind](first)
    train(first, optimizer, range(11))
    file = io.BytesIO()
    torch.save({"model": first.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    second = make_model()
    second.load_state_dict(saved["model"])
    again = MAKERS[kind](second)
    again.load_state_dict(saved["optimizer"])
    train(second, again, range(11, 20))
    for a, b in zip(weights(whole), weights(second), strict=True):
        assert torch.equal(a, b)
    dtypes = {v.dtype for s in again.state.values() for v in s.values() if torch.is_tensor(v)}
    assert dtypes == ({torch.float32} if kind == "galore" else {torch.uint8, torch.float32})


@pytest.mark.parametrize("kind", ["galore", "qgalore"])
def test_four_micro_batches_are_one_large_one(kind: str) -> None:
    after = []
    for parts in (1, 4):
        model = plain_model() if kind == "galore" else int8_model()
        optimizer = MAKERS[kind](model)
        for step in range(5):
            optimizer.zero_grad()
            before = weights(model)
            x, y = data(step)
            for a, b in zip(x.chunk(parts), y.chunk(parts), strict=True):
                (torch.nn.functional.mse_loss(model(a), b) / parts).backward()  # type: ignore[no-untyped-call]
                for old, new in zip(before, weights(model), strict=True):
                    assert torch.equal(old, new)  # nothing is stepped by a micro-batch
            optimizer.step()
        x, _ = data(1000)
        after.append(model(x).detach())
    assert torch.allclose(after[0], after[1], atol=1e-4 if kind == "galore" else 2e-2)


def test_gradients_are_clipped_together_before_the_step() -> None:
    made = {}
    for way in ("own", "torch"):
        model = int8_model()
        optimizer = QGaLore(
            model.parameters(), 1e-2, rank=12, max_norm=0.05 if way == "own" else None
        )
        for step in range(5):
            optimizer.zero_grad()
            loss_of(model, step).backward()  # type: ignore[no-untyped-call]
            if way == "torch":
                norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)
                assert float(norm) > 0.05
            optimizer.step()
        made[way] = weights(model)
    free = int8_model()
    train(free, QGaLore(free.parameters(), 1e-2, rank=12), range(5))
    for own, other, unclipped in zip(made["own"], made["torch"], weights(free), strict=True):
        assert torch.equal(own, other)
        assert not torch.equal(own, unclipped)


def test_the_learning_rate_of_a_scheduler_is_the_one_that_is_used() -> None:
    model = plain_model()
    optimizer = GaLore([{"params": [model[0].weight], "rank": 12}], lr=1e-2)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: float(step != 1) / 2**step
    )
    moves = []
    for step in range(4):
        before = model[0].weight.detach().clone()
        train(model, optimizer, range(step, step + 1), scheduler)
        moves.append(float((model[0].weight.detach() - before).norm()))
    assert moves[1] == 0.0
    assert moves[2] < 0.5 * moves[0]
    assert moves[3] < 0.8 * moves[2]
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-2 / 16)


def test_a_fused_backward_pass_does_the_same_and_drops_gradients() -> None:
    made = []
    for fused in (False, True):
        model = int8_model()
        optimizer = QGaLore(model.parameters(), 1e-2, rank=12, fused_backward=fused)
        for step in range(6):
            loss_of(model, step).backward()  # type: ignore[no-untyped-call]
            assert all((p.grad is None) == fused for p in model.parameters())
            optimizer.step()
            optimizer.zero_grad()
        made.append(weights(model))
    assert all(torch.equal(a, b) for a, b in zip(*made, strict=True))


def test_a_fused_backward_pass_refuses_what_it_cannot_do() -> None:
    model = plain_model()
    with pytest.raises(InputError, match="cannot clip by their norm"):
        QGaLore(model.parameters(), fused_backward=True, max_norm=1.0)
    optimizer = QGaLore(model.parameters(), fused_backward=True)
    loss_of(model, 0).backward()  # type: ignore[no-untyped-call]
    with pytest.raises(InputError, match="cannot add up over several"):
        loss_of(model, 1).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def test_stable_subspaces_are_looked_for_less_often() -> None:
    looks = {}
    for threshold in (0.0, 1.1):
        model = int8_model()
        optimizer = QGaLore(
            model.parameters(), 1e-3, rank=12, interval=2, queue=2, threshold=threshold
        )
        train(model, optimizer, range(40))
        looks[threshold] = optimizer.looks()
    assert looks[1.1] == 2 * 20
    # 0, 2, 4, 8, 16, 32: from the third look on the interval doubles.
    assert looks[0.0] == 2 * 6


def test_small_and_narrow_parameters_are_not_projected() -> None:
    model = int8_model()
    optimizer = QGaLore(model.parameters(), 1e-2, rank=48)
    train(model, optimizer, range(3))
    assert optimizer.projection_nbytes() == 0
    assert optimizer.looks() == 0
    assert optimizer.state_nbytes() == 2 * (2 * (4608 + 4 * 18) + 4 * (96 + 48))


def test_half_precision_and_transposed_parameters_move_as_others_do() -> None:
    torch.manual_seed(0)
    start, grad = torch.randn(96, 64), torch.randn(96, 64)
    moved = []
    for make in (
        lambda: nn.Parameter(start.clone()),
        lambda: nn.Parameter(start.T.contiguous().T),
        lambda: nn.Parameter(start.to(torch.bfloat16)),
    ):
        weight = make()
        for _ in range(3):
            weight.grad = grad.to(weight.dtype)
            AdamW8bit([weight], 0.1, weight_decay=0.1).step()
        moved.append(weight.detach().float())
    assert torch.allclose(moved[0], moved[1], atol=1e-6)
    assert torch.allclose(moved[0], moved[2], atol=0.05)
    assert float((moved[0] - start).abs().mean()) > 0.2


def test_a_closure_is_called_with_gradients_on() -> None:
    model = plain_model()
    optimizer = AdamW8bit(model.parameters())

    def closure() -> float:
        optimizer.zero_grad()
        loss = loss_of(model, 0)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    assert optimizer.step(closure) > optimizer.step(closure)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"state_bits": 4}, "8 or 32 bits"),
        ({"lr": -1.0}, "not negative"),
        ({"measure": "angle"}, "measure is one of"),
        ({"projection_bits": 2}, "4, 8 or 32 bits"),
        ({"rank": 0}, "at least 1"),
        ({"interval": 0}, "at least 1"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        QGaLore([nn.Parameter(torch.zeros(2, 2))], **options)


def test_gradients_that_are_not_finite_do_not_reach_8_bit_weights() -> None:
    layer = Int8Linear.from_linear(nn.Linear(24, 32))
    before = weights(layer)
    for rank in (4, None):
        layer.weight.grad = torch.full((32, 24), float("nan"))
        with pytest.raises(InputError, match="not finite"):
            QGaLore([layer.weight], rank=rank).step()
    assert all(torch.equal(a, b) for a, b in zip(before, weights(layer), strict=True))
