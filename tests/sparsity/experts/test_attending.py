"""A routed model that generates within a budget says what it says with all of its experts."""

from __future__ import annotations

import threading
from math import inf
from pathlib import Path

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.models.backends.hf import HFModel
from surefoot.models.serving.asks import ApiError, ServingRequest
from surefoot.models.serving.engine import Engine
from surefoot.models.serving.rows import AnswerChunk
from surefoot.models.shipped import LOCAL_PLANNER
from surefoot.sparsity.experts.attending import attend
from surefoot.sparsity.experts.caching import ExpertCache
from surefoot.sparsity.experts.policies import POLICIES, make_policy
from surefoot.sparsity.experts.store import ExpertStore, write_experts
from tests.sparsity.experts.read_me_planner import write_planner
from tests.sparsity.experts.routed_llama import EXPERTS, RoutedLlama, own_experts
from tests.waiting import HANGING_S, until

torch.set_num_threads(1)

ASKS = [
    ServingRequest(prompt=f"({text}", max_tokens=24, temperature=t, seed=i)
    for i, (text, t) in enumerate([("pickup b1)\n(stack", 0), ("goal (on a b)", 1), ("move", 0)])
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("routed")
    write_experts(own_experts(0), place)
    return place


def wrapped(network: RoutedLlama) -> HFModel:
    return HFModel(str(LOCAL_PLANNER), device="cpu", network=network)


@pytest.fixture(scope="module")
def vocabulary() -> int:
    return int(HFModel(str(LOCAL_PLANNER), device="cpu").network.config.vocab_size)


def said(engine: Engine, queued: threading.Event | None = None) -> list[str]:
    """Asks everything at once and returns the answers; the event is set once all is asked."""
    texts: dict[int, str] = {}
    over = threading.Event()

    def take(i: int, piece: AnswerChunk | ApiError) -> None:
        assert isinstance(piece, AnswerChunk), piece
        if piece.finish:
            texts[i] = piece.whole
            if len(texts) == len(ASKS):
                over.set()

    for i, ask in enumerate(ASKS):
        engine.submit(ask, lambda piece, i=i: take(i, piece))  # type: ignore[misc]
    if queued is not None:
        queued.set()
    assert over.wait(HANGING_S)
    return [texts[i] for i in range(len(ASKS))]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("room", "batch"), [(1, 1), (2, 1), (3, 8), (EXPERTS, 8)])
def test_a_budget_changes_no_word(
    folder: Path, vocabulary: int, policy: str, room: int, batch: int
) -> None:
    whole = Engine(wrapped(RoutedLlama(vocabulary)), batch=batch)
    expected = said(whole)
    whole.close()
    assert len(set(expected)) == len(ASKS)
    store = ExpertStore(folder)
    size = store.bytes_of(0)
    network = RoutedLlama(vocabulary)
    network.use_source({}.__getitem__)  # none of its own
    attendant = attend(network, store, room * size, make_policy(policy, seed=1, window=4))
    engine = Engine(wrapped(network), batch=batch, attendant=attendant)
    assert said(engine) == expected
    counts = engine.counts()
    engine.close()
    assert counts["expert_hits"] > 0
    assert counts["expert_prefetched"] <= counts["expert_loads"]
    assert counts["expert_peak_bytes_now"] <= room * size
    assert counts["expert_loads"] * size == counts["expert_bytes_loaded"]
    if room == EXPERTS:
        assert counts["expert_loads"] == counts["experts_seen_now"]
        assert counts["expert_evictions"] == 0
    else:
        assert counts["expert_evictions"] > 0


def test_what_cannot_be_served_is_told(folder: Path, vocabulary: int, tmp_path: Path) -> None:
    store = ExpertStore(folder)
    with pytest.raises(InputError, match="smaller than the largest expert"):
        attend(RoutedLlama(vocabulary), store, store.bytes_of(0) - 1, make_policy("lru"))
    plain = HFModel(str(LOCAL_PLANNER), device="cpu").network
    with pytest.raises(InputError, match="LlamaForCausalLM has no experts"):
        attend(plain, store, 10**9, make_policy("lru"))
    with pytest.raises(InputError, match="no experts here"):
        ExpertStore(tmp_path)
    write_experts(own_experts(0), tmp_path)
    (tmp_path / "experts" / "expert-2.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0nonsense")
    with pytest.raises(InputError, match=r"expert-2.*cannot read this expert"):
        ExpertStore(tmp_path)
    (tmp_path / "experts" / "expert-2.safetensors").unlink()
    (tmp_path / "experts" / "expert-9.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match=r"expert-2\.safetensors: this expert is missing"):
        ExpertStore(tmp_path)


@pytest.mark.parametrize("in_memory", [False, True])
def test_experts_come_back_as_they_were_written(folder: Path, in_memory: bool) -> None:
    store = ExpertStore(folder, in_memory=in_memory)
    assert store.experts == EXPERTS
    for i, tensors in enumerate(own_experts(0)):
        found = store.load(i)
        assert found.keys() == tensors.keys()
        assert all(torch.equal(found[n], tensors[n]) for n in tensors)
        assert store.bytes_of(i) == sum(t.nbytes for t in tensors.values())
        next(iter(found.values())).zero_()  # what is loaded is nobody else's
    assert all(bool(t.any()) for t in store.load(0).values())


def test_prompts_that_need_one_expert_go_together(folder: Path, vocabulary: int) -> None:
    network = RoutedLlama(vocabulary)
    model = wrapped(network)
    attendant = attend(network, ExpertStore(folder), 10**9, make_policy("lru"), deadline=inf)
    words: dict[int, list[str]] = {}
    for token in range(30, vocabulary):
        word = model.tokenizer.decode([token])
        ids = model.encode([word])["input_ids"]
        if ids.shape[1] == 1:
            words.setdefault(attendant.kind_of(ids), []).append(word)
    first, second = [kind for kind, found in words.items() if len(found) >= 4][:2]
    batches: list[int] = []
    begins = attendant.begins
    queued = threading.Event()

    def noted(ids: torch.Tensor, mask: torch.Tensor) -> None:
        assert queued.wait(HANGING_S)
        batches.append(len(network.route(ids).unique()))
        begins(ids, mask)

    attendant.begins = noted  # type: ignore[method-assign]
    engine = Engine(model, batch=4, attendant=attendant)
    left = threading.Semaphore(0)

    def take(piece: AnswerChunk | ApiError) -> None:
        if isinstance(piece, ApiError) or piece.finish:
            left.release()

    # the first one keeps the engine busy while the others queue up, taking turns
    engine.submit(ServingRequest(prompt=words[first][0], max_tokens=1), take)
    until(lambda: engine.counts()["running"])
    for i in range(4):
        for kind in (first, second):
            engine.submit(ServingRequest(prompt=words[kind][i], max_tokens=1), take)
    queued.set()
    for _ in range(9):
        assert left.acquire(timeout=HANGING_S)
    counts = engine.counts()
    engine.close()
    assert batches == [1, 1, 1]
    assert counts["experts_a_batch_now"] == 1.0


@pytest.mark.parametrize("room", [1, 2, 4])
def test_a_planner_of_experts_in_batches(tmp_path: Path, room: int) -> None:
    write_planner(tmp_path)
    expected = said(Engine(HFModel(str(tmp_path), device="cpu")))
    model = HFModel(str(tmp_path), device="cpu")
    store = ExpertStore(tmp_path, dtype=model.network.dtype)
    assert store.bytes_of(0) == 2 * ExpertStore(tmp_path).bytes_of(0)  # computes in float32
    assert store.bytes_of(0) == sum(t.nbytes for t in store.load(0).values())
    size = max(store.bytes_of(i) for i in range(store.experts))
    attendant = attend(model.network, store, room * size, make_policy("lookahead"))
    assert sum(p.numel() for m in model.network.expert_mlps() for p in m.experts.parameters()) == 0
    begins, queued = attendant.begins, threading.Event()

    def held(ids: torch.Tensor, mask: torch.Tensor) -> None:
        assert queued.wait(HANGING_S)
        begins(ids, mask)

    attendant.begins = held  # type: ignore[method-assign]
    engine = Engine(model, attendant=attendant)
    assert said(engine, queued) == expected
    counts = engine.counts()
    engine.close()
    assert counts["batches"] <= 2
    assert counts["expert_hits"] > 0
    assert counts["expert_peak_bytes_now"] <= room * size
    assert counts["experts_seen_now"] > 1


def test_what_is_announced_lets_lookahead_keep_what_returns_first() -> None:
    """A pass asks for all experts layer after layer; LRU would have none of them each time."""
    from tests.sparsity.experts.test_caching import Shelf

    asked = [0, 1, 2, 3] * 10
    hits = {}
    for name in ("lru", "lookahead"):
        with ExpertCache(Shelf([1] * 4), 2, make_policy(name), background=False) as cache:
            cache.prefetch(asked)
            for expert in asked:
                cache.get(expert)
            hits[name] = cache.counts().hits
    assert hits["lru"] == 0
    assert hits["lookahead"] >= (len(asked) - 4) // 3  # (room - 1) / (experts - 1)
