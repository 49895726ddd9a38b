"""A response cache keyed by content: a repeated request is neither sent nor paid again."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from surefoot.core.chat import (
    Completion,
    OptionScores,
    ReplyStatus,
    Request,
    TokenAlternatives,
    Usage,
)
from surefoot.core.errors import HarnessError, InputError
from surefoot.models.choosing import scores_directly
from surefoot.models.protocol import Capabilities, OptionScorer, TextModel

_FORMAT = 2


def request_key(identity: str, request: Request) -> str:
    """Returns the SHA-256 of a request and of everything else that its answer depends on."""
    data = {
        "format": _FORMAT,
        "identity": identity,
        "messages": [
            [m.role, m.text, [base64.b64encode(i).decode() for i in m.images]]
            for m in request.messages
        ],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed,
        "schema": request.schema,
        "top_logprobs": request.top_logprobs,
    }
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


class ResponseCache:
    """A file of responses that several processes and threads may share.

    Only a model's responses are stored, never a server's failure.

    Args:
        path: SQLite file; made if missing.

    Raises:
        InputError: The file is no such cache or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=60, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)"
            )
            self._database.commit()
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"cannot use the response cache: {error}; name another file", file=str(path)
            ) from None

    def get(self, key: str) -> Completion | None:
        """Returns a stored answer, marked as cached."""
        with self._guard:
            query = self._database.execute("SELECT answer FROM answers WHERE key = ?", (key,))
            row = query.fetchone()
        if row is None:
            return None
        data = json.loads(row[0])
        usage = replace(Usage(**data.pop("usage")), cached=True)
        data["alternatives"] = tuple(TokenAlternatives(**a) for a in data.get("alternatives", ()))
        data["left_out"] = tuple(data.get("left_out", ()))
        return Completion(status=ReplyStatus(data.pop("status")), usage=usage, **data)

    def put(self, key: str, completion: Completion) -> None:
        """Stores an answer; server errors are not stored."""
        if completion.status is ReplyStatus.SERVER_ERROR:
            return
        text = json.dumps(asdict(completion))
        with self._guard, self._database:
            self._database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", (key, text))

    def __len__(self) -> int:
        with self._guard:
            return int(self._database.execute("SELECT COUNT(*) FROM answers").fetchone()[0])

    def close(self) -> None:
        """Closes the file."""
        self._database.close()


class CachedModel:
    """A model with cached answers.

    Args:
        model: The model.
        cache: The cache.
    """

    def __init__(self, model: TextModel, cache: ResponseCache) -> None:
        self.name = model.name
        self._model = model
        self._cache = cache

    @property
    def identity(self) -> str:
        """What the model's answers depend on besides the request."""
        return self._model.identity

    @property
    def content_identity(self) -> str:
        """What the model itself is, wherever it is reached."""
        return str(getattr(self._model, "content_identity", ""))

    def capabilities(self) -> Capabilities:
        """Returns the model's observed capabilities."""
        return self._model.capabilities()

    @property
    def direct_options(self) -> bool:
        """Whether the model has a way of its own to score answers."""
        return scores_directly(self._model)

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yields cached answers first, then those of the model."""
        keys = [request_key(self.identity, r) for r in requests]
        missing: list[int] = []
        for i, key in enumerate(keys):
            known = self._cache.get(key)
            if known is None:
                missing.append(i)
            else:
                yield i, known
        for j, completion in self._model.generate([requests[i] for i in missing]):
            self._cache.put(keys[missing[j]], completion)
            yield missing[j], completion

    def score(self, request: Request, options: Sequence[str]) -> OptionScores:
        """Returns cached scores, or those of the model.

        Raises:
            HarnessError: The model has no scores, or could not be asked.
        """
        return self.score_batch([request], [options])[0]

    def score_batch(
        self, requests: Sequence[Request], options: Sequence[Sequence[str]]
    ) -> list[OptionScores]:
        """Returns cached scores, and in one batch the model's for the rest.

        Raises:
            HarnessError: The model has no scores, or could not be asked.
        """
        if not isinstance(self._model, OptionScorer):
            raise HarnessError(f"{self.name} gives no probabilities of answers")
        found: dict[int, OptionScores] = {}
        keys: list[str] = []
        for i, (request, told) in enumerate(zip(requests, options, strict=True)):
            key = request_key(f"{self.identity} scores {json.dumps(list(told))}", request)
            keys.append(key)
            known = self._cache.get(key)
            if known is not None:
                found[i] = _scores(tuple(told), known)
        missing = [i for i in range(len(keys)) if i not in found]
        if missing:
            scored = self._model.score_batch(
                [requests[i] for i in missing], [options[i] for i in missing]
            )
            for i, new in zip(missing, scored, strict=True):
                kept = [list(new.probabilities), new.mass]
                self._cache.put(
                    keys[i],
                    Completion(new.status, new.method, kept, usage=new.usage, message=new.message),
                )
                found[i] = new
        return [found[i] for i in range(len(keys))]


def _scores(options: tuple[str, ...], stored: Completion) -> OptionScores:
    shares, mass = stored.parsed
    return OptionScores(
        options, tuple(shares), stored.text, stored.usage, stored.status, stored.message, mass
    )
