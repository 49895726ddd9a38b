"""Depth pruning: drops whole blocks, by their influence or by the resulting loss.

*Influence* is one minus the mean cosine between what goes into a block and what comes out of it
(Men et al. 2024, ShortGPT, section 3); the least influential blocks are dropped at once. *Loss*
drops one block after the other, each time the one without which the loss on the calibration texts
is lowest (Song et al. 2024, SLEB).
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.core.progress import Progress
from surefoot.sparsity.engine.arguments import BlockArguments
from surefoot.sparsity.engine.calibration import Batch, Calibration, arguments_of, mask_of
from surefoot.sparsity.engine.checkpoint import Checkpoint
from surefoot.sparsity.engine.skeleton import Skeleton, forget_all, give_back
from surefoot.sparsity.engine.state import WorkFolder
from surefoot.sparsity.engine.walker import check_finite, mean_loss
from surefoot.sparsity.export.writing import write_companions, write_config, write_weights

if TYPE_CHECKING:
    from surefoot.sparsity.recipe import Drop

_STREAM = "shortening"
_ENOUGH = 32
"""Largest number of batches for the choice: by loss, every candidate costs a pass over them."""

_FOLDER, _NOTES = "shortened", "shortened.json"


@dataclass(frozen=True)
class ShortenedModel:
    """A model without some of its blocks.

    Attributes:
        checkpoint: The remaining model.
        blocks: Number of blocks before.
        dropped: Indices of the dropped blocks, sorted.
        scores: Score of each block by the stage's method; the lowest were dropped (``loss``: of the
            first round, nats per token).
        parameters: Number of dropped parameters.
        losses: ``before`` (of the whole model) and ``shortened``, on the held-out texts, nats a
            token; empty if there are none.
    """

    checkpoint: Checkpoint
    blocks: int
    dropped: tuple[int, ...]
    scores: tuple[float, ...]
    parameters: int
    losses: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {
            "blocks": self.blocks,
            "dropped": list(self.dropped),
            "scores": list(self.scores),
            "parameters": self.parameters,
        }

    @property
    def note(self) -> str:
        """The dropped blocks, in one line."""
        numbers = ", ".join(str(i) for i in self.dropped)
        return f"of {self.blocks} blocks, dropped (counted from 0): {numbers}"


def shorten(
    skeleton: Skeleton,
    stage: Drop,
    calibration: Calibration,
    work: WorkFolder,
    identity: Mapping[str, Any],
    progress: Progress,
) -> ShortenedModel:
    """Drops blocks, or reads the result of an earlier call.

    Only one block and one batch of hidden states are in memory at a time.

    Args:
        skeleton: The model.
        stage: How many blocks are dropped, and by which method.
        calibration: The texts.
        work: Folder of the state, which holds the shortened model.
        identity: What the work depends on.
        progress: Called as work proceeds; the part names the phase.

    Raises:
        InputError: No block would be left, or the architecture does not allow it.
    """
    count = len(skeleton.blocks)
    if stage.count(count) >= count:
        raise InputError(
            f"drop.blocks = {stage.blocks} leaves none of the model's {count} blocks; set it lower"
        )
    folder = work.folder / _FOLDER
    known = _read_notes(work.folder / _NOTES, identity)
    if known is None:
        dropped, scores = _choose(skeleton, stage, calibration, work, progress)
        losses: dict[str, float] = {}
        if calibration.held_out:
            held = calibration.held_out
            losses["before"] = _run(skeleton, held, work, ())[0]
            losses["shortened"] = _run(skeleton, held, work, dropped)[0]
        _write(skeleton, dropped, folder)
        known = {"dropped": dropped, "scores": scores, "losses": losses}
        write_atomic(work.folder / _NOTES, json.dumps({"identity": dict(identity), **known}) + "\n")
    source = skeleton.checkpoint
    gone = sum(
        math.prod(source.shape(key))
        for index in known["dropped"]
        for key in skeleton.keys_of(skeleton.block_name(index))
    )
    return ShortenedModel(
        Checkpoint(folder),
        count,
        tuple(known["dropped"]),
        tuple(known["scores"]),
        gone,
        known["losses"],
    )


def check_shortened(done: ShortenedModel, loss: float) -> None:
    """Checks that the written model computes the same as the original without these blocks.

    Args:
        done: The model.
        loss: Its loss on the held-out texts, read from its files.

    Raises:
        InputError: It does not, because its blocks depend on their position.
    """
    wanted = done.losses.get("shortened", loss)
    if abs(loss - wanted) > 1e-3 * max(1.0, abs(wanted)):
        raise InputError(
            "the blocks of this architecture depend on their position, so none can be "
            f"dropped (loss {loss:.4f} where {wanted:.4f} was expected); leave out stage 'drop'"
        )


def _choose(
    skeleton: Skeleton, stage: Drop, calibration: Calibration, work: WorkFolder, progress: Progress
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Returns the blocks to drop, and the score of each block."""
    count, batches = len(skeleton.blocks), calibration.batches
    # They are sorted by length, so an even subset covers all lengths.
    batches = batches[:: -(-len(batches) // _ENOUGH)]
    if stage.method == "influence":
        progress(0, 1, "influence")
        _, scores = _run(skeleton, batches, work, (), influence=True)
        progress(1, 1, "influence")
        order = sorted(range(count), key=lambda i: (scores[i], -i))
        return tuple(sorted(order[: stage.count(count)])), tuple(scores)
    gone: list[int] = []
    first: tuple[float, ...] = ()
    rounds = sum(count - i for i in range(stage.count(count)))
    done = 0
    for _ in range(stage.count(count)):
        losses = {}
        for index in range(count):
            if index not in gone:
                losses[index] = _run(skeleton, batches, work, (*gone, index))[0]
                done += 1
                progress(done, rounds, "blocks tried")
        first = first or tuple(losses.values())
        gone.append(min(losses, key=lambda i: (losses[i], -i)))
    return tuple(sorted(gone)), first


def _run(
    skeleton: Skeleton,
    batches: Sequence[Batch],
    work: WorkFolder,
    skip: Collection[int],
    influence: bool = False,
) -> tuple[float, list[float]]:
    """Runs the model without some blocks; returns its loss and the influence of each block."""
    arguments = BlockArguments(skeleton)
    skeleton.fill_outside()
    for i, batch in enumerate(batches):
        hidden = arguments.note(arguments_of(batch))
        check_finite(hidden, "the embeddings")
        work.hidden(0, _STREAM).put(i, hidden)
    skeleton.empty_outside()
    found, at = [], 0
    for index in range(len(skeleton.blocks)):
        if index in skip:
            continue
        name = skeleton.block_name(index)
        block = skeleton.fill_block(index)
        source, target = work.hidden(at, _STREAM), work.hidden(index + 1, _STREAM)
        changed, tokens = 0.0, 0
        with torch.inference_mode():
            for i, batch in enumerate(batches):
                before = source.get(i)
                after = arguments.of(i, index).run(block, before)
                check_finite(after, f"'{name}'")
                if influence:
                    mask = mask_of(batch)
                    near = torch.cosine_similarity(before.float(), after.float(), dim=-1)[mask]
                    changed, tokens = changed + float((1 - near).sum()), tokens + near.numel()
                target.put(i, after)
        found.append(changed / max(1, tokens))
        forget_all(block)
        work.forget_hidden(at)
        at = index + 1
    skeleton.fill_outside()
    loss = mean_loss(arguments, batches, work.hidden(at, _STREAM).all(len(batches)))
    skeleton.empty_outside()
    work.forget_hidden(at)
    give_back()
    return loss, found


def _write(skeleton: Skeleton, dropped: Collection[int], folder: Path) -> None:
    """Writes the remaining blocks as a checkpoint of its own."""
    kept = [i for i in range(len(skeleton.blocks)) if i not in dropped]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_weights(_renumbered(skeleton, kept), folder)
    write_companions(skeleton.checkpoint, folder)
    write_config(_shorter(skeleton, kept), folder)


def _renumbered(skeleton: Skeleton, kept: Sequence[int]) -> Iterator[tuple[str, torch.Tensor]]:
    source, last = skeleton.checkpoint, skeleton.path.rpartition(".")[2]
    for key in skeleton.outer_keys:
        yield key, source.tensor(key)
    for new, old in enumerate(kept):
        number = re.compile(rf"(^|\.){re.escape(last)}\.{old}\.")
        for key in skeleton.keys_of(skeleton.block_name(old)):
            if not number.search(key):
                raise InputError(
                    f"'{key}' does not name its block by '{last}.{old}'; leave out stage 'drop'",
                    file=str(source.folder),
                )
            yield number.sub(rf"\g<1>{last}.{new}.", key, count=1), source.tensor(key)


def _shorter(skeleton: Skeleton, kept: Sequence[int]) -> dict[str, Any]:
    """Returns the configuration for fewer blocks; lists with one entry per block are shortened."""
    whole: dict[str, Any] = json.loads(json.dumps(skeleton.checkpoint.config))
    config = skeleton.model.config
    text = config.get_text_config()
    place = next(
        (k for k, v in whole.items() if isinstance(v, dict) and getattr(config, k, None) is text),
        None,
    )
    part = whole if place is None else whole[place]
    count = len(skeleton.blocks)
    # A pattern derived from indices would restart, so the types of the blocks are written out.
    for name in ("layer_types", "mlp_layer_types"):
        if getattr(text, name, None):
            part[name] = list(getattr(text, name))
    for name, value in part.items():
        if isinstance(value, list) and len(value) == count and not name.endswith("_id"):
            part[name] = [value[i] for i in kept]
    part[text.attribute_map.get("num_hidden_layers", "num_hidden_layers")] = len(kept)
    return whole


def _read_notes(path: Path, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return data if data.get("identity") == dict(identity) else None
