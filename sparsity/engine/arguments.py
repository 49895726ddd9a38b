"""The arguments that each block of a model is called with, captured by calling the model.

Every block is replaced by a stub that records its arguments and passes its input through. So the
masks and positions that a model makes for each block are captured whatever its architecture, and
only the first block needs weights: it is called once to find out what blocks return.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    from surefoot.sparsity.engine.skeleton import Skeleton

_HIDDEN = "hidden_states"


@dataclass(frozen=True, slots=True)
class BlockCall:
    """Arguments of one block other than its input.

    Attributes:
        positional: Positional arguments after the input.
        named: Keyword arguments.
        by_name: Whether the input is passed by keyword.
    """

    positional: tuple[Any, ...]
    named: Mapping[str, Any]
    by_name: bool

    def run(self, block: nn.Module, hidden: torch.Tensor) -> torch.Tensor:
        """Calls a block and returns its output ``[b, t, d]``."""
        if self.by_name:
            out = block(*self.positional, **{_HIDDEN: hidden}, **self.named)
        else:
            out = block(hidden, *self.positional, **self.named)
        return first_of(out)


def first_of(out: Any) -> torch.Tensor:
    """Returns the hidden states from what a block returned."""
    found: torch.Tensor = out[0] if isinstance(out, tuple | list) else out
    return found


class _Enough(Exception):  # noqa: N818
    """Ends a forward pass once everything needed was captured."""


class _Stub(nn.Module):
    """Replaces a block; other attributes are those of the block."""

    def __init__(self, block: nn.Module, answer: Callable[[BlockCall, torch.Tensor], Any]) -> None:
        super().__init__()
        self.__dict__["stands_for"] = block
        self.__dict__["answer"] = answer

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.__dict__["stands_for"], name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        by_name = not args
        if by_name and _HIDDEN not in kwargs:
            raise InputError(
                f"the blocks of {type(self.__dict__['stands_for']).__name__} are called in an "
                "unsupported way"
            )
        hidden = kwargs.pop(_HIDDEN) if by_name else args[0]
        return self.__dict__["answer"](BlockCall(tuple(args[1:]), kwargs, by_name), hidden)


@contextmanager
def _stubs(
    blocks: nn.ModuleList, answers: Sequence[Callable[[BlockCall, torch.Tensor], Any]]
) -> Iterator[None]:
    kept = list(blocks)
    try:
        for i, (block, answer) in enumerate(zip(kept, answers, strict=True)):
            blocks[i] = _Stub(block, answer)
        yield
    finally:
        for i, block in enumerate(kept):
            blocks[i] = block


class BlockArguments:
    """Arguments of all blocks for all batches; equal tensors are stored once.

    Args:
        skeleton: The model; everything outside of its blocks must be filled.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        self._calls: list[list[BlockCall]] = []
        self._kept: dict[tuple[Any, ...], torch.Tensor] = {}
        self._shape_of_answer: Callable[[torch.Tensor], Any] | None = None

    def note(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Records the arguments for a batch and returns the input of the first block.

        Args:
            batch: Arguments of the model.

        Returns:
            Hidden states ``[b, t, d]``.
        """
        if self._shape_of_answer is None:
            self._look(batch)
            self._check_order(batch)
        wrap = self._shape_of_answer
        assert wrap is not None
        calls: list[BlockCall] = []
        seen: list[torch.Tensor] = []

        def answer(call: BlockCall, hidden: torch.Tensor) -> Any:
            calls.append(self._interned(call))
            seen.append(hidden)
            if len(calls) == len(self._skeleton.blocks):
                raise _Enough
            return wrap(hidden)

        with suppress(_Enough):
            self._pass(batch, answer)
        self._calls.append(calls)
        return seen[0].detach()

    def of(self, batch: int, block: int) -> BlockCall:
        """Returns the arguments of a block for a batch, in the order of :meth:`note`."""
        return self._calls[batch][block]

    def finish(self, batch: Mapping[str, torch.Tensor], hidden: torch.Tensor) -> torch.Tensor:
        """Runs the layers after the blocks on their output.

        Args:
            batch: Arguments of the model.
            hidden: Output of the last block ``[b, t, d]``.

        Returns:
            Logits ``[b, t, vocabulary]``.
        """
        wrap = self._shape_of_answer
        assert wrap is not None
        logits: torch.Tensor = self._pass(batch, lambda call, _: wrap(hidden)).logits
        return logits

    def _pass(
        self, batch: Mapping[str, torch.Tensor], answer: Callable[[BlockCall, torch.Tensor], Any]
    ) -> Any:
        blocks = self._skeleton.blocks
        with _stubs(blocks, [answer] * len(blocks)), torch.inference_mode():
            return self._skeleton.model(**batch, use_cache=False)

    def _look(self, batch: Mapping[str, torch.Tensor]) -> None:
        """Calls the first block once to see whether blocks return a tensor or a tuple."""
        from surefoot.sparsity.engine.skeleton import forget_all

        noted: list[tuple[BlockCall, torch.Tensor]] = []

        def stop(call: BlockCall, hidden: torch.Tensor) -> Any:
            noted.append((call, hidden))
            raise _Enough

        with suppress(_Enough):
            self._pass(batch, stop)
        call, hidden = noted[0]
        block = self._skeleton.fill_block(0)
        shapes: list[Any] = []
        handle = block.register_forward_hook(lambda m, a, out: shapes.append(out))
        try:
            with torch.inference_mode():
                call.run(block, hidden)
        finally:
            handle.remove()
            forget_all(block)
        out = shapes[0]
        if isinstance(out, torch.Tensor):
            self._shape_of_answer = lambda x: x
        elif isinstance(out, tuple):
            rest = out[1:]
            self._shape_of_answer = lambda x: (x, *rest)
        else:
            raise InputError(
                f"blocks of {type(block).__name__} return {type(out).__name__}, which is "
                "not supported"
            )

    def _check_order(self, batch: Mapping[str, torch.Tensor]) -> None:
        """Checks that the model calls every block once."""
        wrap = self._shape_of_answer
        assert wrap is not None
        times = 0

        def answer(call: BlockCall, hidden: torch.Tensor) -> Any:
            nonlocal times
            times += 1
            return wrap(hidden)

        self._pass(batch, answer)
        count = len(self._skeleton.blocks)
        if times != count:
            raise InputError(
                f"the model calls its {count} blocks {times} times; models that skip or "
                "repeat blocks are not supported"
            )

    def _interned(self, call: BlockCall) -> BlockCall:
        return BlockCall(
            tuple(self._keep(v) for v in call.positional),
            {k: self._keep(v) for k, v in call.named.items()},
            call.by_name,
        )

    def _keep(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(self._keep(v) for v in value)
        if not isinstance(value, torch.Tensor):
            return value
        data = value.detach().contiguous().cpu()
        digest = sha256(data.view(-1).view(torch.uint8).numpy().tobytes()).digest()
        key = (tuple(value.shape), value.dtype, digest)
        return self._kept.setdefault(key, value.detach())
