"""Checks before models are merged: equal vocabulary, architecture and shapes.

Different vocabularies break most merges, often silently: all shapes match but the ids mean other
tokens. So tokenizers are compared first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefoot.core.errors import InputError
from surefoot.sparsity.engine.checkpoint import Checkpoint, read_json
from surefoot.sparsity.export.writing import SETTINGS

if TYPE_CHECKING:
    import torch

_NO_MATTER = frozenset(
    {
        "_name_or_path",
        "architectures",
        "attention_dropout",
        "attn_pdrop",
        "dropout",
        "dtype",
        "embd_pdrop",
        "hidden_dropout",
        "initializer_range",
        "resid_pdrop",
        "torch_dtype",
        "transformers_version",
        "use_cache",
        SETTINGS,
    }
)
"""Entries of ``config.json`` that do not change what a model computes."""

_READABLE = ("dense", "masked")
_TOKENIZER = ("model", "normalizer", "pre_tokenizer")


@dataclass(frozen=True)
class MergeSource:
    """A model to be merged.

    Attributes:
        name: Its name in notes and errors.
        checkpoint: Its files.
    """

    name: str
    checkpoint: Checkpoint

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of its configuration and weights, by file."""
        return self.checkpoint.hashes()

    @cached_property
    def vocabulary(self) -> dict[str, Any] | None:
        """Definition of its tokenizer, ``None`` without one."""
        return _vocabulary(self.checkpoint.folder)


@dataclass(frozen=True)
class Zoo:
    """Models that can be merged with each other.

    Attributes:
        sources: The models.
        base: The model that differences are taken from.
        keys: Tensors to merge, sorted, without copies of tied ones.
        notes: Remarks for the user, one line each.
    """

    sources: tuple[MergeSource, ...]
    base: MergeSource | None
    keys: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def first(self) -> MergeSource:
        """The model that gives configuration, tokenizer and types: the base if there is one."""
        return self.base or self.sources[0]

    @cached_property
    def layers(self) -> int:
        """Number of blocks."""
        return layers_of(self.first.checkpoint.config)

    @cached_property
    def identical(self) -> bool:
        """Whether all models except the base hold the same weights."""
        first = _weights(self.sources[0])
        return all(_weights(s) == first for s in self.sources[1:])

    def hashes(self) -> dict[str, Any]:
        """Returns the hashes of the models and the base, by role."""
        return {
            "models": [dict(s.hashes) for s in self.sources],
            "base": dict(self.base.hashes) if self.base is not None else None,
        }


def open_source(folder: Path, name: str = "") -> MergeSource:
    """Opens a model to be merged.

    Args:
        folder: Folder of a transformers checkpoint with safetensors.
        name: Its name; by default that of the folder.

    Raises:
        InputError: There is no model, or its format cannot be merged.
    """
    if not (folder / "config.json").is_file():
        raise InputError("no model here (no config.json)", file=str(folder))
    config = read_json(folder / "config.json", "no model here")
    done = config.get(SETTINGS)
    form = done.get("format") if isinstance(done, dict) else "dense"
    if config.get("quantization_config") or form not in _READABLE:
        raise InputError(
            "compressed weights cannot be merged; merge the models that they were made from",
            file=str(folder),
        )
    return MergeSource(name or folder.name, Checkpoint(folder))


def open_zoo(
    models: Sequence[Path], base: Path | None = None, *, names: Sequence[str] | None = None
) -> Zoo:
    """Opens models and checks that they can be merged.

    Args:
        models: Their folders.
        base: Folder of the model that they were fine-tuned from.
        names: Their names; by default those of the folders.

    Raises:
        InputError: There is no model, or two differ in vocabulary, architecture or shape; the
            line names both and what differs.
    """
    if not models:
        raise InputError("there is no model to merge")
    given = list(names) if names is not None else distinct_names(models)
    sources = tuple(open_source(m, n) for m, n in zip(models, given, strict=True))
    origin = open_source(base, "the base") if base is not None else None
    everyone = [*([origin] if origin is not None else []), *sources]
    first = everyone[0]
    for other in everyone[1:]:
        why = difference(first, other)
        if why is not None:
            raise InputError(f"{first.name} and {other.name} cannot be merged: {why}")
    keys, notes = _common_keys(everyone)
    if first.vocabulary is None:
        notes.append(
            "the models have no tokenizer; only the sizes of their vocabularies were compared"
        )
    if any(s.checkpoint.config.get(SETTINGS) for s in sources):
        notes.append("pruned models are merged like any other, so their zeros are lost")
    return Zoo(sources, origin, keys, tuple(notes))


def difference(one: MergeSource, other: MergeSource) -> str | None:
    """Returns in one line why two models cannot be merged, ``None`` if they can.

    Compares the tokenizers, then all settings that change what a model computes, then the shapes of
    all common tensors.
    """
    why = _vocabularies_differ(one.vocabulary, other.vocabulary)
    if why is not None:
        return why
    left, right = one.checkpoint.config, other.checkpoint.config
    if _unlike(left, right):  # versions of transformers write different defaults
        left, right = _complete(one), _complete(other)
    for name in _unlike(left, right):
        return f"'{name}' is {_short(left.get(name))} against {_short(right.get(name))}"
    for key in sorted(set(one.checkpoint.keys) & set(other.checkpoint.keys)):
        shapes = one.checkpoint.shape(key), other.checkpoint.shape(key)
        if shapes[0] != shapes[1]:
            return f"'{key}' is of shape {[*shapes[0]]} against {[*shapes[1]]}"
    return None


def layers_of(config: Mapping[str, Any]) -> int:
    """Returns the number of blocks of a model, 0 if its configuration does not give it."""
    text = config.get("text_config") or config
    return int(text.get("num_hidden_layers") or text.get("n_layer") or 0)


def distinct_names(models: Sequence[Path]) -> list[str]:
    """Returns names of models: their folders, with parent folders where needed to be unique."""
    paths = [m.resolve() for m in models]
    short = [p.name for p in paths]
    above = [p.name if short.count(p.name) == 1 else p.parent.name for p in paths]
    found: list[str] = []
    for number, (path, name) in enumerate(zip(paths, above, strict=True)):
        whole = name if above.count(name) == 1 else f"{path.parent.name}/{path.name}"
        found.append(whole if whole not in found else f"{whole} ({number + 1})")
    return found


def _unlike(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """Returns the relevant entries in which two configurations differ."""
    every = sorted(left.keys() | right.keys())
    return [n for n in every if n not in _NO_MATTER and left.get(n) != right.get(n)]


def _complete(source: MergeSource) -> dict[str, Any]:
    """Returns a configuration as read by transformers, including defaults."""
    from transformers import AutoConfig

    try:
        config: Any = AutoConfig.from_pretrained(
            source.checkpoint.folder, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError):
        return source.checkpoint.config
    found: dict[str, Any] = json.loads(config.to_json_string(use_diff=False))
    return found


def _weights(source: MergeSource) -> list[str]:
    return [h for name, h in sorted(source.hashes.items()) if name != "config.json"]


def _common_keys(everyone: Sequence[MergeSource]) -> tuple[tuple[str, ...], list[str]]:
    """Returns the common tensors, and notes about those that are skipped."""
    sets = [set(s.checkpoint.keys) for s in everyone]
    every = set.union(*sets)
    copies = _tied_copies(everyone, every)
    notes = [f"'{key}' is tied to another tensor and not written twice" for key in sorted(copies)]
    for source, keys in zip(everyone, sets, strict=True):
        missing = sorted(every - copies - keys)
        if missing:
            raise InputError(
                f"{source.name} lacks '{missing[0]}', which another model has; "
                "only models of the same architecture can be merged",
                file=str(source.checkpoint.folder),
            )
    return tuple(sorted(every - copies)), notes


def _tied_copies(everyone: Sequence[MergeSource], keys: set[str]) -> set[str]:
    """Returns tensors that are copies of another one, such as tied embeddings.

    Merged separately, such a copy could differ from its original.
    """
    config = everyone[0].checkpoint.config
    text = config.get("text_config") or config
    if not (config.get("tie_word_embeddings") or text.get("tie_word_embeddings")):
        return set()
    size = text.get("vocab_size")
    widest = max(everyone, key=lambda s: len(s.checkpoint.keys)).checkpoint
    large = [k for k in widest.keys if widest.shape(k)[:1] == (size,)]
    if len(large) < 2:
        return set()
    import torch

    from surefoot.sparsity.engine.skeleton import bare_model, names_of

    model = bare_model(widest, torch.float32)
    tied: dict[str, str] = dict(getattr(model, "all_tied_weights_keys", {}) or {})
    by_name = {name: key for key, (name, _) in names_of(model, widest).items()}
    found = set()
    for copy, original in tied.items():
        one, two = by_name.get(copy), by_name.get(original)
        if one in keys and two in keys and one is not None and two is not None:
            holders = [s.checkpoint for s in everyone if {one, two} <= {*s.checkpoint.keys}]
            if all(_equal(c.tensor(one), c.tensor(two)) for c in holders):
                found.add(one)
    return found


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    import torch

    return torch.equal(one, other)


def _vocabulary(folder: Path) -> dict[str, Any] | None:
    """Reads the definition of a tokenizer: tokens with ids, pre-tokenization, special tokens."""
    path = folder / "tokenizer.json"
    if path.is_file():
        data = read_json(path, "no tokenizer here")
        cut = {part: data.get(part) for part in _TOKENIZER}
        added = {str(t["content"]): int(t["id"]) for t in data.get("added_tokens") or []}
        plain = (data.get("model") or {}).get("vocab") or {}
        tokens = (
            dict(plain)
            if isinstance(plain, dict)
            else {str(entry[0]): i for i, entry in enumerate(plain)}
        )
        return {
            "tokens": tokens | added,
            "cut": json.dumps(cut, sort_keys=True),
            "special": _special(folder),
        }
    if not any((folder / n).is_file() for n in ("tokenizer.model", "vocab.json", "vocab.txt")):
        return None
    from transformers import AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, ImportError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"cannot read the tokenizer: {reason}", file=str(folder)) from None
    return {"tokens": dict(tokenizer.get_vocab()), "cut": "", "special": _special(folder)}


def _special(folder: Path) -> dict[str, str]:
    """Returns the special tokens by role from the tokenizer's settings."""
    found: dict[str, str] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            for role, token in read_json(folder / name, "no settings here").items():
                if role.endswith("_token") and token is not None and not isinstance(token, bool):
                    found[role] = str(token["content"] if isinstance(token, dict) else token)
    return found


def _vocabularies_differ(
    one: Mapping[str, Any] | None, other: Mapping[str, Any] | None
) -> str | None:
    if one is None and other is None:
        return None
    if one is None or other is None:
        return "one of them has no tokenizer, so their vocabularies cannot be compared"
    left, right = one["tokens"], other["tokens"]
    unlike = sorted(t for t in left.keys() | right.keys() if left.get(t) != right.get(t))
    if unlike:
        token = unlike[0]
        return (
            f"another vocabulary; {len(unlike)} tokens differ, such as {token!r} "
            f"(id {left.get(token, 'none')} against {right.get(token, 'none')})"
        )
    if one["cut"] != other["cut"]:
        return "their tokenizers split text differently"
    for role in sorted(one["special"].keys() | other["special"].keys()):
        pair = one["special"].get(role), other["special"].get(role)
        if pair[0] != pair[1]:
            return f"another special token; '{role}' is {pair[0]!r} against {pair[1]!r}"
    return None


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
