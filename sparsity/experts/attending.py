"""A model of experts kept within a memory budget while it generates."""

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
    """A model whose one router decides for all layers before any of them is computed."""

    def use_source(
        self,
        source: Callable[[int], Mapping[str, Tensor]],
        announce: Callable[[Sequence[int]], None] | None = None,
    ) -> None:
        """Takes the weights of experts from a function instead of from the model itself.

        Args:
            source: Gives the tensors of an expert.
            announce: Is told what a pass over several experts will ask for, before it does.
        """
        ...

    def route(self, input_ids: Tensor) -> Tensor:
        """Returns the expert of each token, ``[rows, tokens]``, for tokens of that shape."""
        ...


class ExpertAttendant:
    """Gives a model its experts from a cache, and announces those that are needed next.

    The router decides for a whole prompt, and for a token of every row of a batch, before the first
    layer is computed, so what a pass will ask for is known when it begins. What the pass after it
    needs is known only when its tokens are there.

    Of several prompts those are put together that need mostly one expert.

    Args:
        model: The model; from now on it takes its experts from the cache.
        cache: The cache, which is closed with this.
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
        """Returns which prompts come next.

        Args:
            waiting: The expert that each needs most, and when it came, seconds.
            size: Most prompts.
            now: The time on the same clock.
        """
        held = self._cache.held
        tokens = [WaitingToken(i, expert, came) for i, (expert, came) in enumerate(waiting)]
        return self._batcher.pick(tokens, size, now, lambda expert: expert in held)

    def begins(self, ids: Tensor, mask: Tensor) -> None:
        """Announces the experts of prompts ``[rows, tokens]``, where the mask is not 0."""
        import torch

        with torch.inference_mode():
            chosen = self._model.route(ids)
        wanted = chosen[mask.bool()].tolist()
        different = sorted(set(wanted))
        self._batches += 1
        self._unique += len(different)
        # a pass that needs several asks for all of them in every layer anew
        self._cache.prefetch(different * (self._layers if len(different) > 1 else 1))

    @property
    def cached(self) -> CacheCounts:
        """What the cache has done."""
        return self._cache.counts()

    def counts(self) -> dict[str, float]:
        """Returns the cache's figures by name."""
        told = self.cached
        return {
            "expert_requests": told.requests,
            "expert_hits": told.hits,
            "expert_late": told.late,
            "expert_hit_ratio": told.hit_ratio or 0.0,
            "expert_loads": told.loads,
            "expert_prefetched": told.prefetched,
            "expert_evictions": told.evictions,
            "expert_bytes_loaded": told.bytes_loaded,
            "expert_wait_s": told.wait_s,
            "experts_a_batch_now": self._unique / self._batches if self._batches else 0.0,
            "expert_peak_bytes_now": told.peak_bytes,
            "experts_seen_now": told.seen,
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
    """Keeps a model's experts within a budget from now on.

    Args:
        model: The model.
        store: Where its experts lie.
        budget: Most bytes of experts in memory.
        policy: Chooses what goes.
        deadline: Seconds after which a prompt comes next whatever its expert.
        background: Whether experts that a prompt needs are loaded in advance.

    Raises:
        InputError: The model has no experts, the budget is smaller than one, or the deadline is
            negative.
    """
    batcher = ExpertAware(deadline)
    if not isinstance(model, RoutedModel):
        raise InputError(f"a {type(model).__name__} has no experts that could be kept in a budget")
    cache = ExpertCache(store, budget, policy, background=background)
    return ExpertAttendant(model, cache, batcher)
