"""Recorded answers as a planner: ``recorded:DIR`` or ``recorded:DIR#MODEL``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from surefoot.core.chat import ReplyStatus
from surefoot.core.errors import InputError
from surefoot.core.thinking import split_reply
from surefoot.models.options import ModelOptions
from surefoot.pddl.planner import PlanReply, PlanRequest


class RecordedPlanner:
    """Replays recorded answers of a model.

    Args:
        spec: ``recorded:PLACE#MODEL``. The place is a folder with ``DOMAIN/pNN.pddl.MODEL``
            or a JSON-lines file with ``task``, ``model`` and ``answer``. The model may be
            left out where there is only one.

    Raises:
        InputError: The place holds no answers, or those of several models.
    """

    reads_text = True

    def __init__(self, spec: str) -> None:
        self.name = spec
        place, _, model = spec.removeprefix("recorded:").partition("#")
        path = Path(place)
        self._answers: dict[str, str] = {}
        models: set[str] = set()
        for task, who, text in _read(path):
            models.add(who)
            if not model or who == model:
                self._answers[task] = text
        if not self._answers:
            what = f"no answers of '{model}'" if model else "no answers"
            raise InputError(f"{what} here", file=place)
        listed = json.dumps(self._answers, sort_keys=True).encode()
        self.content_identity = f"answers {hashlib.sha256(listed).hexdigest()}"
        if not model and len(models) > 1:
            raise InputError(
                f"answers of several models; name one, as in {spec}#{min(models)}", file=place
            )

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        """Looks up every request's key; an empty or missing answer counts as none."""
        for i, request in enumerate(requests):
            text = self._answers.get(request.key, "")
            if text.strip():
                thinking = split_reply(text).thinking  # the reader leaves it out by itself
                yield i, PlanReply(ReplyStatus.ANSWERED, text, thinking=thinking)
            else:
                message = f"no recorded answer to {request.key}"
                yield i, PlanReply(ReplyStatus.SERVER_ERROR, message=message)


def make(argument: str, options: ModelOptions) -> RecordedPlanner:
    """Makes the planner of recorded answers; it has no settings."""
    return RecordedPlanner(f"recorded:{argument}")


def _read(path: Path) -> Iterator[tuple[str, str, str]]:
    if path.is_dir():
        for file in sorted(path.glob("*/*.pddl.*")):
            problem, _, model = file.name.partition(".pddl.")
            if model not in ("prompt", "nl") and file.is_file():
                text = file.read_text(encoding="utf-8", errors="replace")
                yield f"{file.parent.name}/{problem}", model, text
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputError("no such folder or file of recorded answers", file=str(path)) from None
    for number, line in enumerate(lines, start=1):
        try:
            data = json.loads(line)
            yield str(data["task"]), str(data["model"]), str(data["answer"])
        except (ValueError, KeyError, TypeError):
            raise InputError(
                "expected an object with task, model and answer", file=str(path), line=number
            ) from None
