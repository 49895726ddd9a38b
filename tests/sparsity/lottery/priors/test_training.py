"""The generator of scenes: its pictures, its training, its tickets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery import Masks, prune_masks
from surefoot.sparsity.lottery.priors.networks import (
    Critic,
    Generator,
    PairShape,
    load_generator,
    save_generator,
)
from surefoot.sparsity.lottery.priors.tickets import (
    OutOfTimeError,
    generator_folder,
    prior_controls,
    prior_tickets,
)
from surefoot.sparsity.lottery.priors.training import PairSettings, PairTraining

torch.set_num_threads(1)

SHAPE = PairShape(code=8, width=4, size=16)


def squares(count: int = 64, size: int = 16) -> np.ndarray[Any, Any]:
    """Draws pictures of a red square on blue ground."""
    rng = np.random.default_rng(0)
    found = np.tile(np.array([20, 40, 200], np.uint8), (count, size, size, 1))
    for picture in found:
        x, y = rng.integers(0, size - 6, 2)
        picture[y : y + 6, x : x + 6] = (230, 30, 20)
    return found


def settings(steps: int = 8, **more: Any) -> PairSettings:
    return PairSettings(shape=SHAPE, steps=steps, batch=8, **more)


def test_pictures_have_their_size_and_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    generator, critic = Generator(SHAPE), Critic(SHAPE)
    codes = torch.randn(5, 8)
    together = generator(codes)
    assert together.shape == (5, 3, 16, 16)
    assert 0 < together.detach().min() < together.detach().max() < 1
    alone = torch.cat([generator(c[None]) for c in codes])
    assert torch.allclose(together, alone, atol=1e-6)
    assert critic(together).shape == (5,)
    assert PairShape(size=64, width=10).channels() == [40, 40, 40, 20, 10]
    for size in (20, 48):
        with pytest.raises(InputError, match="take 8, 16, 32 or 64"):
            PairShape(size=size).levels()


def test_it_learns_the_colours_of_its_pictures() -> None:
    pictures = squares()
    pair = PairTraining(pictures, settings(250, rate=4e-3, penalty=0.2, average=0.95))

    def away() -> float:
        made = pair.averaged(torch.randn(64, 8, generator=torch.Generator().manual_seed(1)))
        wanted = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
        return float((made.mean((0, 2, 3)) - wanted.mean((0, 2, 3))).abs().max().detach())

    before = away()
    assert pair.run()
    assert away() < before / 3


def test_a_stopped_training_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    whole = PairTraining(squares(), settings())
    whole.run()
    path = tmp_path / "state.pt"

    def stop(step: int, model: Any) -> None:
        if step == 5:
            raise KeyboardInterrupt

    first = PairTraining(squares(), settings(), path=path)
    with pytest.raises(KeyboardInterrupt):
        first.run(on_step=stop)
    first.save()
    second = PairTraining(squares(), settings(), path=path)
    assert second.step == 5
    assert second.run()
    for name, weight in whole.averaged.state_dict().items():
        assert torch.equal(weight, second.averaged.state_dict()[name]), name
    with pytest.raises(InputError, match="another training"):
        PairTraining(squares(), settings(rate=0.5), path=path)
    path.write_text("no")
    with pytest.raises(InputError, match="not the state"):
        PairTraining(squares(), settings(), path=path)


def test_pruned_weights_stay_zero_in_both_generators() -> None:
    torch.manual_seed(0)
    generator = Generator(SHAPE)
    masks = prune_masks(generator, Masks.full(generator), 0.5)
    pair = PairTraining(squares(), settings(), generator=generator, masks=masks)
    pair.run()
    for network in (pair.generator, pair.averaged):
        for name, weight in masks.parameters(network).items():
            assert bool((weight[~masks.tensors[name]] == 0).all())
            assert bool((weight[masks.tensors[name]] != 0).any())


def test_generators_are_written_and_read(tmp_path: Path) -> None:
    torch.manual_seed(1)
    generator = Generator(SHAPE)
    save_generator(generator, tmp_path)
    code = torch.randn(2, 8)
    assert torch.equal(load_generator(tmp_path)(code), generator(code))
    with pytest.raises(InputError, match="no scene prior here"):
        load_generator(tmp_path / "none")
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(InputError, match="no scene prior; train one"):
        load_generator(tmp_path)
    save_generator(Generator(PairShape(code=8, width=5, size=16)), tmp_path / "other")
    (tmp_path / "config.json").write_bytes((tmp_path / "other" / "config.json").read_bytes())
    with pytest.raises(InputError, match="damaged"):
        load_generator(tmp_path)


def test_tickets_go_on_within_and_between_rounds(tmp_path: Path) -> None:
    def stop_at(number: int, step: int) -> Any:
        def progress(done: int, total: int, part: str = "") -> None:
            if part.startswith(f"round {number}:") and done == step:
                raise KeyboardInterrupt

        return progress

    whole = prior_tickets(squares(), settings(), 2, 0.5, tmp_path / "whole")
    assert [round(t.sparsity, 2) for t in whole] == [0, 0.5, 0.75]
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        prior_tickets(squares(), settings(), 2, 0.5, out, progress=stop_at(1, 8))
    with pytest.raises(OutOfTimeError):
        prior_tickets(squares(), settings(), 2, 0.5, out, minutes=1e-9)
    found = prior_tickets(squares(), settings(), 2, 0.5, out)
    for number, (a, b) in enumerate(zip(whole, found, strict=True)):
        assert all(torch.equal(m, b.masks.tensors[n]) for n, m in a.masks.tensors.items())
        first, second = (
            load_generator(generator_folder(tmp_path / name, number)).state_dict()
            for name in ("whole", "out")
        )
        assert all(torch.equal(w, second[n]) for n, w in first.items())
    for name, mask in found[2].masks.tensors.items():
        assert bool((second[name][~mask] == 0).all())


def test_masks_by_chance_go_on_and_are_as_many(tmp_path: Path) -> None:
    def stop(done: int, total: int, part: str = "") -> None:
        if part.startswith("random-01:") and done == 8:
            raise KeyboardInterrupt

    whole, out = tmp_path / "whole", tmp_path / "out"
    tickets = prior_tickets(squares(), settings(), 1, 0.5, whole)
    prior_tickets(squares(), settings(), 1, 0.5, out)
    places = prior_controls(squares(), settings(), tickets, whole)
    assert [p.name for p in places] == ["layer-random-01", "random-01"]
    with pytest.raises(KeyboardInterrupt):
        prior_controls(squares(), settings(), tickets, out, progress=stop)
    assert not (out / "random-01" / "config.json").exists()
    again = prior_controls(squares(), settings(), tickets, out)
    masks = tickets[1].masks.tensors
    for first, second in zip(places, again, strict=True):
        mine, theirs = (load_generator(p).state_dict() for p in (first, second))
        assert all(torch.equal(w, theirs[n]) for n, w in mine.items())
        alive = {n: int((mine[n] != 0).sum()) for n in masks}
        assert sum(alive.values()) == tickets[1].masks.alive
        same = alive == {n: int(m.sum()) for n, m in masks.items()}
        assert same == (first.name == "layer-random-01")
        assert any(bool((mine[n][~m] != 0).any()) for n, m in masks.items())


def test_a_round_that_was_killed_goes_on_within(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surefoot.sparsity.lottery.priors.training.SAVE_S", 0.0)
    begun: list[str] = []

    def stop(done: int, total: int, part: str = "") -> None:
        begun.append(part.partition(":")[0])
        if len(begun) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prior_tickets(squares(), settings(100), 1, 0.5, tmp_path, progress=stop)
    # Steps up to the 99th of the second training are kept: one more is done, and reported.
    assert (tmp_path / "pair.pt").is_file()
    # Killed once more, after the round's masks were written and before the round counted.
    (tmp_path / "masks-01.safetensors").write_bytes(
        (tmp_path / "masks-00.safetensors").read_bytes()
    )
    found = prior_tickets(squares(), settings(100), 1, 0.5, tmp_path, progress=stop)
    assert begun == ["round 0", "round 1", "round 1"]
    assert len(found) == 2
    assert [p.name for p in sorted(tmp_path.glob("generator-*"))] == [
        "generator-00",
        "generator-01",
    ]


@pytest.mark.parametrize(
    ("pictures", "why"),
    [(squares(size=20), "the prior is for 16"), (squares(4), "4 images; a step takes 8")],
)
def test_pictures_that_cannot_be_learned_from(pictures: Any, why: str) -> None:
    with pytest.raises(InputError, match=why):
        PairTraining(pictures, settings())


def test_a_training_that_goes_astray_is_one_line() -> None:
    with pytest.raises(InputError, match="not finite"):
        PairTraining(squares(), settings(200, rate=1e18)).run()
