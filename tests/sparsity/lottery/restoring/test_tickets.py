"""Tickets of priors: shares, rewinding, marks, transfer, controls; and the study L2 (slow)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery import Masks
from surefoot.sparsity.lottery.restoring.fitting import FitSettings, fit
from surefoot.sparsity.lottery.restoring.networks import NetworkSettings, make_network
from surefoot.sparsity.lottery.restoring.operators import Denoise, Inpaint, InverseProblem, observe
from surefoot.sparsity.lottery.restoring.tickets import (
    PriorTicket,
    clean_problem,
    control_masks,
    find_prior_tickets,
    rounds_for,
)

torch.set_num_threads(1)

SIZE = (16, 16)
NETWORK = NetworkSettings(width=8, depth=2, code=8)
SETTINGS = FitSettings(steps=20, every=10)


def truth(seed: int = 0, size: int = 16) -> torch.Tensor:
    y, x = np.mgrid[:size, :size] / size
    values = np.stack([x, 0.5 + 0.4 * np.sin((6 + seed) * y), (x + y > 1) * 0.8])
    return torch.tensor(values[None], dtype=torch.float32)


def tickets(folder: Path, rewind: int = 0, **named: InverseProblem) -> tuple[PriorTicket, ...]:
    problems = named or {"a": clean_problem(truth())}
    return find_prior_tickets(
        SIZE, 3, problems, "clean", NETWORK, rounds_for(0.6, rewind=rewind), SETTINGS, folder
    )


def test_rounds_meet_the_sparsity() -> None:
    for sparsity in (0.2, 0.36, 0.5, 0.74, 0.9, 0.995):
        rounds = rounds_for(sparsity)
        assert (1 - rounds.share) ** rounds.rounds == pytest.approx(1 - sparsity)
        assert rounds.share <= 0.2 + 1e-9
        assert rounds.rounds == 1 or (1 - 0.2) ** (rounds.rounds - 1) > 1 - sparsity
    with pytest.raises(InputError, match="between 0 and 1"):
        rounds_for(1)


@pytest.mark.parametrize("rewind", [0, 7])
def test_a_ticket_is_found_saved_and_read(rewind: int, tmp_path: Path) -> None:
    found = tickets(tmp_path / "work", rewind)
    assert [t.masks.sparsity for t in found] == pytest.approx(
        [1 - 0.4 ** (i / 5) for i in range(6)], abs=0.003
    )
    last = found[-1]
    assert last.card.source == "clean"
    assert last.card.pictures == ("a",)
    assert last.card.sparsity == last.masks.sparsity
    first = dict(make_network(SIZE, 3, NETWORK, 0).named_parameters())
    same = all(torch.equal(first[n], t) for n, t in last.start.items())
    assert same == (rewind == 0)
    last.save(tmp_path / "ticket")
    again = PriorTicket.load(tmp_path / "ticket")
    assert again.card == last.card
    assert torch.equal(again.network(SIZE)(), last.network(SIZE)())
    assert again.network((21, 30))().shape == (1, 3, 21, 30)


def test_a_search_that_was_stopped_goes_on_within_a_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tickets(tmp_path / "whole")
    monkeypatch.setattr("surefoot.sparsity.lottery.restoring.fitting.SAVE_S", 0.0)
    steps: list[tuple[str, int]] = []

    def stopping(done: int, total: int, part: str = "") -> None:
        steps.append((part, done))
        if len(steps) == 6:
            raise KeyboardInterrupt

    def search() -> tuple[PriorTicket, ...]:
        return find_prior_tickets(
            SIZE,
            3,
            {"a": clean_problem(truth())},
            "clean",
            NETWORK,
            rounds_for(0.6),
            SETTINGS,
            tmp_path / "broken",
            progress=stopping,
        )

    with pytest.raises(KeyboardInterrupt):
        search()
    found = search()
    assert len(steps) == 2 * 6
    for one, other in zip(whole, found, strict=True):
        assert all(torch.equal(t, other.masks.tensors[n]) for n, t in one.masks.tensors.items())
        assert one.figures["loss"] == other.figures["loss"]


def test_several_pictures_give_the_ticket_of_their_mean(tmp_path: Path) -> None:
    one, two = truth(0), truth(3)
    operator = Denoise()
    together = tickets(
        tmp_path / "a", x=InverseProblem(operator, one), y=InverseProblem(operator, two)
    )
    mean = tickets(tmp_path / "b", mean=InverseProblem(operator, (one + two) / 2))
    assert together[-1].card.pictures == ("x", "y")
    for name, mask in together[-1].masks.tensors.items():
        assert torch.equal(mask, mean[-1].masks.tensors[name])


def test_a_ticket_serves_another_task_and_picture(tmp_path: Path) -> None:
    ticket = tickets(tmp_path)[-1]
    other = observe(Inpaint.at_random(SIZE, 0.5, 1), truth(4))
    network = ticket.network(SIZE)
    fit(network, other, SETTINGS, masks=ticket.masks)
    alive = sum(int((p != 0).sum()) for p in ticket.masks.parameters(network).values())
    assert alive <= ticket.masks.alive


def test_controls_have_the_sparsity_of_the_ticket(tmp_path: Path) -> None:
    ticket = tickets(tmp_path)[-1]
    dense = make_network(SIZE, 3, NETWORK, 0)
    problem = clean_problem(truth())
    fit(dense, problem, SETTINGS)
    found = {
        "one-shot": control_masks("one-shot", ticket, SIZE, trained=dense),
        "random": control_masks("random", ticket, SIZE, seed=1),
        "layer-random": control_masks("layer-random", ticket, SIZE, seed=1),
        "snip": control_masks("snip", ticket, SIZE, problem=problem),
    }
    for name, masks in found.items():
        assert masks.alive == ticket.masks.alive, name
        assert any(not torch.equal(m, ticket.masks.tensors[n]) for n, m in masks.tensors.items())
    layers = {n: int(m.sum()) for n, m in ticket.masks.tensors.items()}
    assert {n: int(m.sum()) for n, m in found["layer-random"].tensors.items()} == layers
    assert {n: int(m.sum()) for n, m in found["random"].tensors.items()} != layers
    with pytest.raises(InputError, match="dense fit"):
        control_masks("one-shot", ticket, SIZE)
    with pytest.raises(InputError, match="measurement"):
        control_masks("snip", ticket, SIZE)


def test_bad_tickets_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no ticket here"):
        PriorTicket.load(tmp_path / "none")
    ticket = tickets(tmp_path / "work")[-1]
    ticket.save(tmp_path / "good")
    name = next(iter(ticket.masks.tensors))
    gone = {**ticket.masks.tensors, name: torch.zeros_like(ticket.masks.tensors[name])}
    PriorTicket(ticket.card, Masks(gone), ticket.start, {}).save(tmp_path / "gone")
    with pytest.raises(InputError, match=f"nothing is left of '{name}'"):
        PriorTicket.load(tmp_path / "gone")
    weights = {n: torch.full_like(t, torch.nan) for n, t in ticket.start.items()}
    PriorTicket(ticket.card, ticket.masks, weights, {}).save(tmp_path / "lost")
    told = ticket.card.model_copy(update={"sparsity": 0.1})
    PriorTicket(told, ticket.masks, ticket.start, {}).save(tmp_path / "told")
    for bad in ("lost", "told"):
        with pytest.raises(InputError, match="damaged"):
            PriorTicket.load(tmp_path / bad)
    (tmp_path / "good" / "ticket.json").write_text("{}")
    with pytest.raises(InputError, match="damaged"):
        PriorTicket.load(tmp_path / "good")
    with pytest.raises(InputError, match="other settings"):
        tickets(tmp_path / "work", b=clean_problem(truth(2)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_ticket_is_spoiled_less_by_too_many_steps(seed: int, tmp_path: Path) -> None:
    """Oracle L2: both fall far from their best; the ticket falls less, and is no worse at best."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :48] / 48
    drawn = np.stack([0.3 + 0.4 * x, 0.5 + 0.3 * y, 0.4 + 0.2 * np.sin(6 * x + 3 * y)])
    for _ in range(7):
        cx, cy, r = *rng.random(2), rng.uniform(0.08, 0.22)
        disc = (x - cx) ** 2 + (y - cy) ** 2 < r * r
        drawn[:, disc if rng.random() < 0.5 else np.abs(x - cx) < r] = rng.random((3, 1))
    true = torch.tensor(drawn[None], dtype=torch.float32)
    settings = NetworkSettings(width=24, depth=3, code=16)
    ticket = find_prior_tickets(
        (48, 48),
        3,
        {"a": clean_problem(true)},
        "clean",
        settings,
        rounds_for(0.74),
        FitSettings(steps=400, every=100),
        tmp_path,
    )[-1]
    problem = observe(Denoise(), true, 25 / 255, seed)
    long = FitSettings(steps=2000, every=50)
    dense = fit(make_network((48, 48), 3, settings, 0), problem, long, truth=true).stops
    sparse = fit(ticket.network((48, 48)), problem, long, masks=ticket.masks, truth=true).stops
    best, last = dense["oracle"].psnr or 0, dense["last"].psnr or 0
    best_sparse, last_sparse = sparse["oracle"].psnr or 0, sparse["last"].psnr or 0
    assert best - last > 3
    assert last_sparse > last + 0.5
    assert best_sparse > best - 0.2
