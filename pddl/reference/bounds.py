"""What is known of optimal costs: an interval with its method, kept by content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.pddl.language import Task, write_domain, write_problem


@dataclass(frozen=True, slots=True)
class Bounds:
    """An interval that holds the optimal cost.

    Attributes:
        lower: Proven lower bound, if any.
        upper: Cost of a validated plan, if any.
        method: What proved or found them: ``goal true``, ``closed form`` or planners' names.
        provenance: Versions, configurations, limits and times, in words.
    """

    lower: float | None = None
    upper: float | None = None
    method: str = ""
    provenance: str = ""

    @property
    def optimal(self) -> bool:
        """Whether the optimal cost is known."""
        return self.lower is not None and self.lower == self.upper

    def gap(self, cost: float) -> tuple[float, float] | None:
        """Returns how far a plan's cost lies above the optimum, as a fraction of it.

        Args:
            cost: Cost of a valid plan.

        Returns:
            Smallest and largest possible ``(cost - optimum) / max(1, optimum)``; both are
            the same where the optimum is known. ``None`` without a lower bound.
        """
        if self.lower is None:
            return None
        best = cost if self.upper is None else min(cost, self.upper)
        return (cost - best) / max(1.0, best), (cost - self.lower) / max(1.0, self.lower)

    def joined(self, other: Bounds) -> Bounds:
        """Returns the tighter of both sides, naming both sources where both helped."""
        lowers = [b for b in (self.lower, other.lower) if b is not None]
        uppers = [b for b in (self.upper, other.upper) if b is not None]
        joined = Bounds(max(lowers, default=None), min(uppers, default=None))
        used = [
            b
            for b in (self, other)
            if (b.lower is not None and b.lower == joined.lower)
            or (b.upper is not None and b.upper == joined.upper)
        ]
        return replace(
            joined,
            method=" + ".join(dict.fromkeys(b.method for b in used)),
            provenance="; ".join(dict.fromkeys(b.provenance for b in used)),
        )


def content_key(task: Task) -> str:
    """Returns a SHA-256 of what a task means, whatever its names, comments and order.

    The same key is given to tasks that differ only in the names of domain and problem, in
    white space and comments, in requirements, and in the order of objects and facts.
    """
    domain = replace(task.domain, name="d", requirements=())
    problem = replace(
        task.problem,
        name="p",
        domain_name="d",
        objects=tuple(sorted(task.problem.objects, key=lambda o: (o.types, o.name))),
    )
    text = write_domain(domain) + write_problem(problem)
    return hashlib.sha256(text.encode()).hexdigest()


class BoundsStore:
    """Bounds by content key, in one JSON file with a line per task.

    Args:
        path: The file; need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries = (
            read_store(path.read_text(encoding="utf-8"), str(path)) if (path.exists()) else {}
        )

    def get(self, key: str) -> Bounds | None:
        """Returns what is known under a key."""
        entry = self._entries.get(key)
        return entry[1] if entry else None

    def put(self, key: str, label: str, bounds: Bounds) -> None:
        """Adds an entry and writes the file in one go.

        Args:
            key: From :func:`content_key`.
            label: What people call the task.
            bounds: What is known.
        """
        self._entries[key] = (label, bounds)
        rows = sorted(self._entries.items(), key=lambda item: (item[1][0], item[0]))
        lines = [
            f"{json.dumps(k)}: {json.dumps({'task': name, **asdict(b)})}" for k, (name, b) in rows
        ]
        write_atomic(self.path, "{\n" + ",\n".join(lines) + "\n}\n")

    def __len__(self) -> int:
        return len(self._entries)


def read_store(text: str, name: str) -> dict[str, tuple[str, Bounds]]:
    """Reads a store's text.

    Raises:
        InputError: It is not a store.
    """
    try:
        data: Mapping[str, dict[str, Any]] = json.loads(text)
        return {key: (str(row.pop("task")), Bounds(**row)) for key, row in data.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(
            "not a store of bounds; delete the file to start anew", file=name
        ) from None


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, tuple[str, Bounds]]:
    """Returns the bounds that come with Surefoot, with labels, by content key."""
    resource = files("surefoot.pddl.reference") / "data" / "bounds.json"
    return read_store(resource.read_text(encoding="utf-8"), "bounds.json")


def lookup(task: Task) -> Bounds:
    """Returns what is known of a task without running anything.

    Knows the shipped bounds; an empty interval means that nothing is known.
    """
    entry = shipped().get(content_key(task))
    return entry[1] if entry else Bounds()
