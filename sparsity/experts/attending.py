"""Keeps the experts of a model within a memory budget while it generates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from surefoot.core.errors import InputError
from surefoot.sparsity.experts.batching import Batcher, ExpertAware, WaitingToken
from surefoot.sparsity.experts.caching import CacheCounts, ExpertCache, Store
from surefoot.sparsity.experts.policies import CachePolicy

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class RoutedModel(Protocol):
    """A model with one router that decides for all layers before any of them is computed."""

    def use_source(
        self,
        source: Callable[[int], Mapping[str, Tensor]],
        announce: Callable[[Sequence[int]], None] | None = None,
    ) -> None:
        """Reads the weights of experts from a function instead of from the model.

        Args:
            source: Returns the tensors of an expert.
            announce: Called before a pass over several experts, with those it will request.
        """
        ...

    def route(self, input_ids: Tensor) -> Tensor:
        """Returns the expert of each token, ``[rows, tokens]``, for tokens of that shape."""
        ...


class ExpertAttendant:
    """Serves a model's experts from a cache and announces those that are needed next.

    The router decides for a whole prompt, and for a token of every row of a batch, before the first
    layer is computed, so the requests of a pass are known when it begins. Those of the next pass
    are known only once its tokens are.

    Prompts that mostly need the same expert are batched together.

    Args:
        model: The model; it reads its experts from the cache from now on.
        cache: The cache, which :meth:`close` closes.
        batcher: Chooses prompts.
    """

    def __init__(self, model: RoutedModel, cache: ExpertCache, batcher: Batcher) -> None:
        self._model = model
        self._cache = cache
        self._batcher = batcher
        self._layers = int(getattr(getattr(model, "config", None), "num_hidden_layers", 1))
        self._batches = 0
        self._unique = 0
        model.use_source(cache.get, cache.prefetch)

    def kind_of(self, ids: Tensor) -> int:
        """Returns the expert that most tokens of a prompt ``[1, tokens]`` need."""
        import torch

        with torch.inference_mode():
            return int(torch.mode(self._model.route(ids).flatten()).values)

    def choose(self, waiting: Sequence[tuple[int, float]], size: int, now: float) -> list[int]:
        """Returns the indices of the prompts to run next.

        Args:
            waiting: The expert that each needs most, and its arrival time, seconds.
            size: Largest number of prompts.
            now: Current time on the same clock.
        """
        held = self._cache.held
        tokens = [WaitingToken(i, expert, came) for i, (expert, came) in enumerate(waiting)]
        return self._batcher.pick(tokens, size, now, lambda expert: expert in held)

    def begins(self, ids: Tensor, mask: Tensor) -> None:
        """Announces the experts of the unmasked tokens of prompts ``[rows, tokens]``."""
        import torch

        with torch.inference_mode():
            chosen = self._model.route(ids)
        wanted = chosen[mask.bool()].tolist()
        different = sorted(set(wanted))
        self._batches += 1
        self._unique += len(different)
        # A pass over several experts requests all of them again in every layer.
        self._cache.prefetch(different * (self._layers if len(different) > 1 else 1))

    @property
    def cached(self) -> CacheCounts:
        """Counters of the cache."""
        return self._cache.counts()

    def counts(self) -> dict[str, float]:
        """Returns the cache's figures by name."""
        counts = self.cached
        return {
            "expert_requests": counts.requests,
            "expert_hits": counts.hits,
            "expert_late": counts.late,
            "expert_hit_ratio": counts.hit_ratio or 0.0,
            "expert_loads": counts.loads,
            "expert_prefetched": counts.prefetched,
            "expert_evictions": counts.evictions,
            "expert_bytes_loaded": counts.bytes_loaded,
            "expert_wait_s": counts.wait_s,
            "experts_a_batch_now": self._unique / self._batches if self._batches else 0.0,
            "expert_peak_bytes_now": counts.peak_bytes,
            "experts_seen_now": counts.seen,
        }

    def close(self) -> None:
        """Closes the cache."""
        self._cache.close()


def attend(
    model: Any,
    store: Store,
    budget: int,
    policy: CachePolicy,
    *,
    deadline: float = 2.0,
    background: bool = True,
) -> ExpertAttendant:
    """Keeps a model's experts within a memory budget.

    Args:
        model: The model.
        store: Storage of its experts.
        budget: Largest number of bytes of experts in memory.
        policy: Chooses what is evicted.
        deadline: Seconds after which a prompt is run next regardless of its expert.
        background: Whether announced experts are loaded in advance.

    Raises:
        InputError: The model has no experts, the budget is smaller than one, or the deadline is
            negative.
    """
    batcher = ExpertAware(deadline)
    if not isinstance(model, RoutedModel):
        raise InputError(f"a {type(model).__name__} has no experts to keep within a budget")
    cache = ExpertCache(store, budget, policy, background=background)
    return ExpertAttendant(model, cache, batcher)
