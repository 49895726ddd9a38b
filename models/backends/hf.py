"""Any Hugging Face causal or image-text model, run here: ``hf:FOLDER`` or ``hf:ID``.

Weights are read from safetensors only, and code that comes with a model is never run.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from math import exp, log1p
from pathlib import Path
from time import perf_counter
from typing import Any

from surefoot.core.chat import (
    Completion,
    Message,
    OptionScores,
    ReplyStatus,
    Request,
    TokenAlternatives,
    Usage,
)
from surefoot.core.errors import InputError
from surefoot.core.extras import explained, require
from surefoot.core.thinking import TAGS
from surefoot.models.backends.formats import reader_of
from surefoot.models.backends.wire import separate
from surefoot.models.options import ModelOptions
from surefoot.models.protocol import Capabilities, OptionScorer
from surefoot.models.shipped import model_folder
from surefoot.results.structured import read_json

_HASHED = 64 * 2**20
_END = 2**20
_ALTERNATIVES = 200
"""Alternatives of a token that are looked through for a letter; beyond them next to nothing is."""

_FIRST = 4
"""Tokens of an answer whose alternatives are reported."""

THINKING_MARKS = frozenset(
    {
        *(mark for pair in TAGS for mark in pair),
        *("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>"),
    }
)
"""Marks of thinking, some of which are special tokens of some models."""

NOTES_NAME = "surefoot.json"
"""File beside the weights that says how the model is to be prompted."""


@dataclass(frozen=True, slots=True)
class PromptConventions:
    """How a model is to be prompted.

    Attributes:
        prompt_style: Prompt style it was trained on, ``""`` if unspecified.
        max_new_tokens: Maximum number of tokens that it needs, 0 if unspecified.
    """

    prompt_style: str = ""
    max_new_tokens: int = 0


class HFModel(OptionScorer):
    """A model of the transformers library.

    Args:
        place: Folder, or id of a model in the local cache or on the hub.
        batch: Requests that are generated together.
        device: ``cpu``, ``cuda``, or ``auto`` for the best there is.
        network: A network to use instead of the one in the folder.
        thinking_tags: Further opening and closing marks of thinking in answers.

    Raises:
        InputError: The folder is no model.
        MissingDependencyError: torch or transformers is not installed.
    """

    def __init__(
        self,
        place: str,
        *,
        batch: int = 8,
        device: str = "auto",
        network: Any = None,
        thinking_tags: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.name = f"hf:{place}"
        self._place = place
        self._batch = batch
        self._device = device
        self._network = network
        self._thinking_tags = thinking_tags
        self._local = Path(place).is_dir()
        looks_local = self._local or place.startswith((".", "/", "~")) or place.count("/") > 1
        if looks_local and not (Path(place) / "config.json").is_file():
            raise InputError("no model here (no config.json)", file=place)
        require("torch", "transformers")

    @cached_property
    def identity(self) -> str:
        """Hash of a local model's files, of large ones of their ends and sizes.

        It is part of cache keys, and the same wherever the folder lies.
        """
        if not self._local:
            return f"hf {self._place}"
        files = sorted(p for p in Path(self._place).iterdir() if p.is_file())
        if sum(p.stat().st_size for p in files) <= _HASHED:
            digest = sha256()
            for p in files:
                digest.update(p.name.encode() + b"\0" + sha256(p.read_bytes()).digest())
            return f"hf sha256:{digest.hexdigest()}"
        digest = sha256()
        for p in files:
            digest.update(f"{p.name}\0{p.stat().st_size}\0".encode() + _ends_of(p))
        return f"hf ends sha256:{digest.hexdigest()}"

    @property
    def content_identity(self) -> str:
        """The same; see :attr:`identity`."""
        return self.identity

    @cached_property
    def notes(self) -> PromptConventions:
        """What the model says about itself in ``surefoot.json``.

        Raises:
            InputError: The file is damaged.
        """
        path = Path(self._place) / NOTES_NAME
        if not path.is_file():
            return PromptConventions()
        try:
            return PromptConventions(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            raise InputError("not a model's notes; delete the file", file=str(path)) from None

    @cached_property
    def _loaded(self) -> tuple[Any, Any, Any]:
        """Model, tokenizer and, of an image-text model, processor."""
        import torch
        from transformers import (
            AutoConfig,
            AutoModelForCausalLM,
            AutoModelForImageTextToText,
            AutoProcessor,
            AutoTokenizer,
        )
        from transformers.utils import logging

        quiet: Any = logging.disable_progress_bar
        quiet()  # our own progress bars are shown instead
        options: dict[str, Any] = {"local_files_only": self._local, "trust_remote_code": False}
        device = self._device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            # what reads a format of its own may also bring the kind of its configuration
            own = reader_of(Path(self._place)) if self._local else None
            config = AutoConfig.from_pretrained(self._place, **options)
            sees = hasattr(config, "vision_config")
            kind: Any = AutoModelForImageTextToText if sees else AutoModelForCausalLM
            dtype = "auto" if device != "cpu" else torch.float32
            if self._network is not None:
                model = self._network
            elif own is not None:
                model = own(Path(self._place), dtype)
            else:
                model = kind.from_pretrained(
                    self._place, dtype=dtype, use_safetensors=True, **options
                )
            make: Any = AutoProcessor
            processor = make.from_pretrained(self._place, **options) if sees else None
            tokenizer = (
                processor.tokenizer
                if processor is not None
                else AutoTokenizer.from_pretrained(self._place, **options)
            )
        except ImportError as error:
            raise explained(error, self._place) from None
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"cannot load the model: {reason}", file=self._place) from None
        tokenizer.padding_side = "left"
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        return model.to(device).eval(), tokenizer, processor

    @property
    def device(self) -> str:
        """Where the model runs; loads it."""
        return str(self._loaded[0].device)

    @property
    def network(self) -> Any:
        """The model of transformers; loads it."""
        return self._loaded[0]

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer; loads the model."""
        return self._loaded[1]

    @property
    def positions(self) -> int:
        """Maximum number of tokens of prompt and answer; very large if unspecified."""
        return int(getattr(self.network.config, "max_position_embeddings", 0) or 1 << 30)

    @property
    def ends(self) -> set[int]:
        """Tokens that end an answer, padding among them."""
        ends = self.network.generation_config.eos_token_id
        listed = ends if isinstance(ends, list) else [ends]
        return {t for t in (*listed, self.tokenizer.pad_token_id) if t is not None}

    def capabilities(self) -> Capabilities:
        """Log-probabilities and seeds always; images if the model has a vision part."""
        return Capabilities(
            logprobs=True,
            images=self._loaded[2] is not None,
            seeded=True,
            top_logprobs=_ALTERNATIVES,
        )

    @property
    def direct_options(self) -> bool:
        """Whether the model was trained to answer with the words of the options themselves."""
        return (Path(self._place) / NOTES_NAME).is_file()

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Generates in batches of requests of similar length and equal settings."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for i, r in enumerate(requests):
            alone = any(m.images for m in r.messages)
            key = (r.max_tokens, r.temperature, r.top_logprobs, i if alone else -1)
            groups.setdefault(key, []).append(i)
        for members in groups.values():
            members.sort(key=lambda i: sum(len(m.text) for m in requests[i].messages))
            for start in range(0, len(members), self._batch):
                part = members[start : start + self._batch]
                yield from zip(part, self._batch_of([requests[i] for i in part]), strict=True)

    def _batch_of(self, requests: Sequence[Request]) -> list[Completion]:
        import torch

        model, tokenizer, _ = self._loaded
        first = requests[0]
        begun = perf_counter()
        prompts = [self.prompt(r) for r in requests]
        opened = [_opens_thinking(p, self._thinking_tags) for p in prompts]
        inputs = self.encode(prompts, [i for r in requests for m in r.messages for i in m.images])
        room = self.positions
        width = inputs["input_ids"].shape[1]
        limit = min(first.max_tokens, self.notes.max_new_tokens or first.max_tokens, room - width)
        if limit < 1:
            message = f"the prompt has {width} tokens, the model takes {room}"
            seconds = perf_counter() - begun
            return [
                Completion(ReplyStatus.CUT, usage=Usage(width, 0, seconds, 0.0), message=message)
            ] * len(requests)
        draw: dict[str, Any] = {}
        if first.temperature:
            from surefoot.models.backends.sampling import SeededDraws

            draws = SeededDraws([r.seed for r in requests], first.temperature)
            draw["logits_processor"] = [draws]
        with torch.inference_mode():
            out = model.generate(
                **inputs,
                max_new_tokens=limit,
                pad_token_id=tokenizer.pad_token_id,
                return_dict_in_generate=True,
                output_logits=bool(first.top_logprobs),
                use_cache=True,
                do_sample=False,
                **draw,
            )
        seconds = (perf_counter() - begun) / len(requests)
        stops = self.ends
        found: list[Completion] = []
        for row, request in enumerate(requests):
            tokens = out.sequences[row, width:].tolist()
            length = next((k for k, t in enumerate(tokens) if t in stops), len(tokens))
            done = length < len(tokens) or len(tokens) < limit
            text, thinking = separate(
                self._text(tokens[:length]), self._thinking_tags, opened=opened[row]
            )
            alternatives = (
                tuple(
                    TokenAlternatives(
                        tokenizer.decode([t]), self._alternatives(logits[row], first.top_logprobs)
                    )
                    for t, logits in zip(tokens[:_FIRST], out.logits, strict=False)
                )
                if first.top_logprobs
                else ()
            )
            read = int(inputs["attention_mask"][row].sum())
            thought = len(tokenizer(thinking, add_special_tokens=False)["input_ids"])
            found.append(
                Completion(
                    ReplyStatus.ANSWERED if done else ReplyStatus.CUT,
                    text,
                    read_json(text, request.schema) if request.schema is not None else None,
                    alternatives[0].logprobs if alternatives else {},
                    Usage(read, length, seconds, 0.0, reasoning_tokens=min(thought, length)),
                    thinking=thinking,
                    alternatives=alternatives,
                )
            )
        return found

    def _text(self, tokens: Sequence[int]) -> str:
        """Returns tokens as text, without special tokens other than marks of thinking."""
        tokenizer = self.tokenizer
        kept = [t for t in tokens if t not in self._special or t in self._marks]
        text: str = tokenizer.decode(kept, skip_special_tokens=False)
        return text

    @cached_property
    def _special(self) -> frozenset[int]:
        added = self.tokenizer.added_tokens_decoder
        return frozenset(
            {*self.tokenizer.all_special_ids, *(i for i, t in added.items() if t.special)}
        )

    @cached_property
    def _marks(self) -> frozenset[int]:
        """Special tokens that mark thinking."""
        marks = {*THINKING_MARKS, *(m for pair in self._thinking_tags for m in pair)}
        decode = self.tokenizer.decode
        return frozenset(t for t in self._special if decode([t]).strip().lower() in marks)

    def _alternatives(self, logits: Any, count: int) -> dict[str, float]:
        import torch

        top = torch.log_softmax(logits.float(), -1).topk(min(count, logits.shape[-1]))
        decode = self._loaded[1].decode
        found: dict[str, float] = {}
        for v, t in zip(*(x.tolist() for x in top), strict=True):
            text = decode([t])  # several tokens may read alike
            before = found.get(text)  # in falling order
            found[text] = v if before is None else before + log1p(exp(v - before))
        return found

    def _inputs(self, requests: Sequence[Request]) -> Any:
        images = [i for r in requests for m in r.messages for i in m.images]
        return self.encode([self.prompt(r) for r in requests], images)

    def prompt(self, request: Request) -> str:
        """Returns a conversation in the model's own form, ending where its answer begins."""
        return self._prompt(request.messages)

    def encode(self, texts: Sequence[str], images: Sequence[bytes] = ()) -> Any:
        """Returns what the model reads, on its device: padded on the left, with a mask.

        Args:
            texts: Prompts.
            images: Images of all prompts in order, for an image-text model.

        Raises:
            OSError: An image cannot be read.
        """
        model, tokenizer, processor = self._loaded
        if processor is None:
            encoded = tokenizer(
                list(texts), return_tensors="pt", padding=True, return_token_type_ids=False
            )
        else:
            from PIL import Image

            shown = [Image.open(io.BytesIO(i)) for i in images]
            encoded = processor(
                text=list(texts), images=shown or None, return_tensors="pt", padding=True
            )
        return encoded.to(model.device)

    def _prompt(self, messages: Sequence[Message]) -> str:
        _, tokenizer, processor = self._loaded
        speaker = processor if getattr(processor, "chat_template", None) else tokenizer
        if getattr(speaker, "chat_template", None):
            turns = [
                {
                    "role": m.role,
                    "content": [
                        *({"type": "image"} for _ in m.images),
                        {"type": "text", "text": m.text},
                    ]
                    if processor is not None
                    else m.text,
                }
                for m in messages
            ]
            told: str = speaker.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=True
            )
            return told
        return "\n".join(m.text for m in messages)

    def score(self, request: Request, options: Sequence[str]) -> OptionScores:
        """Scores answers by their likelihood after the prompt, all in one batch.

        An option's score is the sum of its tokens' log-probabilities; a softmax over the
        options gives the probabilities.
        """
        import torch

        begun = perf_counter()
        model, tokenizer, _ = self._loaded
        prompt = self._inputs([request])
        told = [
            tokenizer(o, add_special_tokens=False, return_tensors="pt")["input_ids"][0]
            for o in options
        ]
        longest = max(len(t) for t in told)
        fill = int(tokenizer.pad_token_id or 0)
        tails = torch.stack(
            [torch.nn.functional.pad(t, (0, longest - len(t)), value=fill) for t in told]
        ).to(model.device)
        width = prompt["input_ids"].shape[1]
        ids = torch.cat([prompt["input_ids"].expand(len(options), -1), tails], dim=1)
        more: dict[str, Any] = {}
        for name, value in prompt.items():
            if name.endswith("token_type_ids"):  # what is written is text, type 0
                value = torch.cat([value, value.new_zeros(1, longest)], dim=1)
            if name not in ("input_ids", "attention_mask"):
                more[name] = value.repeat(len(options), *(1,) * (value.dim() - 1))
        with torch.inference_mode():
            logits = model(input_ids=ids, **more).logits[:, width - 1 : -1].float()
        picked = torch.log_softmax(logits, -1).gather(-1, tails.unsqueeze(-1)).squeeze(-1)
        sums = torch.stack([row[: len(t)].sum() for row, t in zip(picked, told, strict=True)])
        shares = torch.softmax(sums, 0).tolist()
        written = sum(len(t) for t in told)
        usage = Usage(width * len(options), written, perf_counter() - begun, 0.0)
        return OptionScores(tuple(options), tuple(shares), "likelihood", usage)

    def score_batch(
        self, requests: Sequence[Request], options: Sequence[Sequence[str]]
    ) -> list[OptionScores]:
        """Scores answers to several requests; a LLaVA reads each distinct image only once.

        The result is that of :meth:`score` for each, up to rounding. Other models, and
        requests without an image, are scored one by one.
        """
        from surefoot.models.backends.scoring import Prompt, can_pack, score_packed

        model, tokenizer, processor = self._loaded
        shown = [any(m.images for m in r.messages) for r in requests]
        if processor is None or not can_pack(model.config) or not all(shown):
            return super().score_batch(requests, options)
        begun = perf_counter()
        prompts = [
            Prompt(self._prompt(r.messages), tuple(i for m in r.messages for i in m.images), (*o,))
            for r, o in zip(requests, options, strict=True)
        ]
        found = score_packed(model, tokenizer, processor, prompts)
        usage = Usage(0, 0, (perf_counter() - begun) / max(1, len(prompts)), 0.0)
        return [
            OptionScores(p.options, tuple(shares), "likelihood", usage)
            for p, shares in zip(prompts, found, strict=True)
        ]


def _ends_of(path: Path) -> bytes:
    """Returns the beginning and the end of a file, or all of a small one, hashed."""
    with path.open("rb") as file:
        digest = sha256(file.read(_END))
        file.seek(max(_END, path.stat().st_size - _END))
        digest.update(file.read(_END))
    return digest.digest()


def _opens_thinking(prompt: str, tags: Sequence[tuple[str, str]]) -> bool:
    """Whether a prompt ends in an opening mark of thinking, as some templates have it."""
    end = prompt.rstrip().lower()
    return end.endswith(tuple(opening.lower() for opening, _ in (*TAGS, *tags)))


def make(argument: str, options: ModelOptions) -> HFModel:
    """Makes the model of a folder, or of an id in the local cache or on the hub."""
    return HFModel(
        argument,
        batch=options.batch,
        device=options.device,
        thinking_tags=options.thinking_tags,
    )


def make_shipped(argument: str, options: ModelOptions) -> HFModel:
    """Makes a model that comes with Surefoot, by name.

    Raises:
        InputError: It does not come with this version.
    """
    return make(str(model_folder(argument)), options)
