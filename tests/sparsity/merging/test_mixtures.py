"""Mixtures: equal to a dense model where they must be, routed by their gates, whole on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from surefoot.core.chat import Message, Request
from surefoot.core.errors import InputError
from surefoot.models.backends.hf import HFModel
from surefoot.models.shipped import LOCAL_PLANNER
from surefoot.sparsity.export.loading import load_compressed
from surefoot.sparsity.merging.gates import fit_gates
from surefoot.sparsity.merging.mixture import MixtureForCausalLM, load_mixture
from surefoot.sparsity.merging.mixtures import MixtureSettings, make_mixture, mix
from tests.sparsity.merging.zoos import fine_tune, tiny_zoo

KINDS = [
    ("ffn", "sequence", 1),
    ("ffn", "sequence", 2),
    ("ffn", "token", 1),
    ("ffn", "token", 2),
    ("block", "sequence", 1),
    ("model", "sequence", 1),
]
PROMPTS = {
    "one": [[5, 6, 7, 8, 9], [6, 5, 9, 7], [8, 8, 6, 5, 7, 9]],
    "two": [[20, 21, 22, 23], [23, 20, 22], [21, 21, 20, 22, 23]],
}


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Path]]:
    base, models = tiny_zoo(tmp_path_factory.mktemp("zoo"), 2, size=0.05)
    return base, dict(zip(("one", "two"), models, strict=True))


def texts() -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.tensor([[0, 0, 5, 6, 7, 8, 9], [20, 21, 22, 23, 20, 22, 21], [0, 6, 5, 9, 7, 6, 5]])
    mask = torch.tensor([[0, 0, 1, 1, 1, 1, 1], [1] * 7, [0, 1, 1, 1, 1, 1, 1]])
    return ids, mask


def logits_of(model, ids, mask):  # type: ignore[no-untyped-def]
    with torch.inference_mode():
        return model(input_ids=ids, attention_mask=mask).logits


def routed(base: Path, experts: dict[str, Path], level: str, route: str, top: int = 1, **more):  # type: ignore[no-untyped-def]
    settings = MixtureSettings.model_validate(
        {"level": level, "route": route, "top": top, "gate": "trained", **more}
    )
    dense = load_compressed(base, torch.float64)
    made = mix(dense, experts, settings)
    fit_gates(made, dense, PROMPTS, "trained")
    return made


@pytest.mark.parametrize(("level", "route", "top"), KINDS)
def test_identical_experts_make_the_dense_model(
    family: tuple[Path, dict[str, Path]], level: str, route: str, top: int
) -> None:
    base, _ = family
    made = routed(base, {"one": base, "two": base}, level, route, top)
    ids, mask = texts()
    dense = load_compressed(base, torch.float64)
    found, wanted = logits_of(made, ids, mask), logits_of(dense, ids, mask)
    assert torch.allclose(found[mask.bool()], wanted[mask.bool()], atol=1e-6)
    made_text = made.generate(input_ids=ids, attention_mask=mask, max_new_tokens=5, do_sample=False)
    dense_text = dense.generate(
        input_ids=ids, attention_mask=mask, max_new_tokens=5, do_sample=False
    )
    assert made_text.tolist() == dense_text.tolist()


@pytest.mark.parametrize(("level", "route", "top"), KINDS)
def test_with_one_expert_on_it_is_that_experts_model(
    family: tuple[Path, dict[str, Path]], level: str, route: str, top: int
) -> None:
    base, experts = family
    made = routed(base, experts, level, route, top)
    made.expert_on = "two"
    # What is shared, given by the base, is put into the expert's own model to compare with.
    dense = load_compressed(experts["two"], torch.float64)
    shared = load_compressed(base, torch.float64).state_dict()
    own = tuple(f"{name}." for name in made.own_modules)
    dense.load_state_dict({k: v for k, v in shared.items() if not k.startswith(own)}, strict=False)
    ids, mask = texts()
    found, wanted = logits_of(made, ids, mask), logits_of(dense, ids, mask)
    assert torch.allclose(found[mask.bool()], wanted[mask.bool()], atol=1e-10)
    made.expert_on = None
    assert made.expert_on is None
    assert not torch.allclose(logits_of(made, ids, mask)[mask.bool()], wanted[mask.bool()])


@pytest.mark.parametrize(("level", "route", "top"), KINDS)
def test_gates_send_prompts_to_their_expert_and_a_batch_does_not_matter(
    family: tuple[Path, dict[str, Path]], level: str, route: str, top: int
) -> None:
    base, experts = family
    made = routed(base, experts, level, route, top)
    ids, mask = texts()
    chosen = made.route(ids, mask)
    if route == "sequence":
        assert (chosen == torch.tensor([0, 1, 0])).all()
    together = logits_of(made, ids, mask)
    for row in range(len(ids)):
        alone = ids[row, mask[row].bool()][None]
        found = logits_of(made, alone, torch.ones_like(alone))
        assert torch.allclose(found[0], together[row, mask[row].bool()], atol=1e-4)


@pytest.mark.parametrize(("level", "route", "top"), KINDS)
def test_a_texts_experts_are_kept_while_it_is_gone_on_with(
    family: tuple[Path, dict[str, Path]], level: str, route: str, top: int
) -> None:
    base, experts = family
    made = routed(base, experts, level, route, top)
    ids, mask = texts()
    written = made.generate(input_ids=ids, attention_mask=mask, max_new_tokens=4, do_sample=False)
    # Step by step with the cache: what is read later does not change who reads it.
    with torch.inference_mode():
        places = (mask.cumsum(-1) - 1).clamp(min=0)
        first = made(input_ids=ids, attention_mask=mask, use_cache=True, position_ids=places)
        begun = {k: v.clone() for k, v in made.routes.chosen.items()}
        cache, last = first.cache, first.logits[:, -1].argmax(-1)
        steps = [last]
        whole = mask
        for _ in range(3):
            whole = torch.cat([whole, torch.ones(3, 1, dtype=torch.long)], 1)
            places = (whole.cumsum(-1) - 1)[:, -1:]
            out = made(
                input_ids=steps[-1][:, None], attention_mask=whole, cache=cache, position_ids=places
            )
            if route == "sequence":
                assert all(torch.equal(made.routes.chosen[k], v) for k, v in begun.items())
            steps.append(out.logits[:, -1].argmax(-1))
    assert torch.stack(steps, 1).tolist() == written[:, ids.shape[1] :].tolist()


def test_tokens_are_routed_without_a_look_ahead(family: tuple[Path, dict[str, Path]]) -> None:
    base, experts = family
    made = routed(base, experts, "ffn", "token")
    ids = torch.tensor([[5, 6, 20, 21, 7]])
    other = torch.tensor([[5, 6, 20, 21, 23]])
    one = logits_of(made, ids, torch.ones_like(ids))
    two = logits_of(made, other, torch.ones_like(ids))
    assert torch.equal(one[:, :4], two[:, :4])


def test_first_layers_can_be_shared(family: tuple[Path, dict[str, Path]]) -> None:
    base, experts = family
    made = routed(base, experts, "block", "sequence", dense_layers=1)
    assert len(made.gates) == made.config.num_hidden_layers - 1
    assert not any(".0." in name for name in made.own_modules)
    sizes = made.parameter_counts()
    assert sizes["active"] < sizes["total"] == sum(p.numel() for p in made.parameters())


@pytest.mark.parametrize(("level", "route", "top"), KINDS)
def test_it_is_read_back_as_written(
    family: tuple[Path, dict[str, Path]], tmp_path: Path, level: str, route: str, top: int
) -> None:
    base, experts = family
    settings = MixtureSettings.model_validate(
        {"level": level, "route": route, "top": top, "gate": "contrast"}
    )
    report = make_mixture(base, experts, PROMPTS, settings, tmp_path / "mix")
    assert report["own"]
    assert all(0 <= share <= 1 for share in report["own"])
    loaded = load_mixture(tmp_path / "mix", torch.float32)
    dense = load_compressed(base, torch.float32)
    made = mix(dense, experts, settings)
    fit_gates(made, dense, PROMPTS, "contrast")
    ids, mask = texts()
    assert torch.allclose(logits_of(loaded, ids, mask), logits_of(made, ids, mask), atol=1e-5)
    again = make_mixture(base, experts, PROMPTS, settings, tmp_path / "again")
    assert again == report
    one, two = ((tmp_path / n / "model.safetensors").read_bytes() for n in ("mix", "again"))
    assert one == two


def test_the_backend_writes_with_a_mixture(tmp_path: Path) -> None:
    other = fine_tune(LOCAL_PLANNER, tmp_path / "other", 1, 0.001)
    settings = MixtureSettings(level="block", route="sequence")
    experts = {"one": LOCAL_PLANNER, "two": other}
    make_mixture(LOCAL_PLANNER, experts, PROMPTS, settings, tmp_path / "mix")
    asked = [Request((Message("user", "blocks\n(on a b)"),), 6)]
    ((_, answer),) = HFModel(str(tmp_path / "mix"), device="cpu").generate(asked)
    assert answer.text


def test_copies_of_texts_know_their_experts(family: tuple[Path, dict[str, Path]]) -> None:
    base, experts = family
    made = routed(base, experts, "block", "sequence")
    ids, mask = texts()
    beams = made.generate(
        input_ids=ids, attention_mask=mask, max_new_tokens=3, num_beams=2, do_sample=False
    )
    assert beams.shape[0] == 3
    with torch.inference_mode():
        cache = made(input_ids=ids, attention_mask=mask, use_cache=True).cache
    with pytest.raises(InputError, match="cache is of 3 texts and 2"):
        made(input_ids=ids[:2, :1], cache=cache)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"level": "block", "route": "token"}, "choose the route 'sequence'"),
        ({"level": "model", "top": 2}, "set top to 1"),
        ({"top": 3}, "3 experts cannot be active"),
        ({"dense_layers": 9}, "can be shared, not 9"),
    ],
)
def test_what_is_no_mixture_is_told(
    family: tuple[Path, dict[str, Path]], tmp_path: Path, changed: dict[str, object], why: str
) -> None:
    base, experts = family
    settings = MixtureSettings.model_validate(changed)
    with pytest.raises(InputError, match=why):
        make_mixture(base, experts, PROMPTS, settings, tmp_path / "mix")
    assert not any(tmp_path.iterdir())


def test_prompts_must_tell_experts_apart(
    family: tuple[Path, dict[str, Path]], tmp_path: Path
) -> None:
    base, experts = family
    same = {"one": PROMPTS["one"], "two": PROMPTS["one"][::-1]}
    with pytest.raises(InputError, match="have the same prompts"):
        make_mixture(base, experts, same, MixtureSettings(), tmp_path / "mix")
    with pytest.raises(InputError, match="'two' has no example prompts"):
        make_mixture(base, experts, {"one": PROMPTS["one"]}, MixtureSettings(), tmp_path / "mix")
    with pytest.raises(InputError, match="at least two experts"):
        make_mixture(base, {"one": base}, PROMPTS, MixtureSettings(), tmp_path / "mix")


def test_a_damaged_mixture_is_told(family: tuple[Path, dict[str, Path]], tmp_path: Path) -> None:
    base, experts = family
    made: MixtureForCausalLM = routed(base, experts, "ffn", "sequence")
    with pytest.raises(InputError, match="no expert 'three'"):
        made.expert_on = "three"
    make_mixture(base, experts, PROMPTS, MixtureSettings(), tmp_path / "mix")
    whole = (tmp_path / "mix" / "model.safetensors").read_bytes()
    (tmp_path / "mix" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot load the mixture"):
        load_mixture(tmp_path / "mix")
