"""Registries of named components: built-in ones and extensions.

There are three ways to add one:

- a decorator, in the running program: ``@DOMAINS.register("towers", "Towers of cups")``;
- an entry point of an installed distribution, in the group ``surefoot.<kind>`` (such as
  ``surefoot.domains``), read when a name of that kind is first looked up;
- a place ``module:name``, imported at first use; this is how Surefoot lists its built-in ones
  without importing them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar, cast

from surefoot.core.errors import InputError
from surefoot.core.extras import missing

Thing = TypeVar("Thing")
Added = TypeVar("Added")

OWN = "surefoot"
"""Origin of built-in components."""


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """One name of a registry.

    Attributes:
        name: The name.
        summary: One-line description; ``""`` if there is none.
        form: Its syntax if it takes an argument, such as ``fd:SEARCH``; else the name.
        uses: Contexts in which it may be used, such as ``("bench", "agent")``; empty for
            everywhere.
        origin: The distribution that provides it, ``surefoot``, or ``program`` if the running
            program registered it.
    """

    name: str
    summary: str = ""
    form: str = ""
    uses: tuple[str, ...] = ()
    origin: str = OWN


class Registry(Generic[Thing]):
    """Components of one kind by name.

    Args:
        kind: The kind in the plural; the group of entry points is ``surefoot.<kind>``.
        noun: Name of one component in messages.
    """

    def __init__(self, kind: str, noun: str) -> None:
        self.kind, self.noun = kind, noun
        self._entries: dict[str, RegistryEntry] = {}
        self._things: dict[str, Thing] = {}
        self._places: dict[str, str | EntryPoint] = {}
        self._complete = False

    def register(
        self, name: str, summary: str = "", *, form: str = "", uses: Iterable[str] = ()
    ) -> Callable[[Added], Added]:
        """Returns a decorator that registers the decorated object.

        Args:
            name: Name of the component.
            summary: One-line description; by default the first line of its docstring.
            form: Its syntax if it takes an argument.
            uses: Contexts in which it may be used; empty for all.

        Raises:
            InputError: The name is taken.
        """

        def add(thing: Added) -> Added:
            line = summary or first_line(thing)
            entry = RegistryEntry(name, line, form or name, tuple(uses), "program")
            self._add(entry)
            self._things[name] = cast("Thing", thing)
            return thing

        return add

    def builtin(
        self, name: str, place: str, summary: str = "", *, form: str = "", uses: Iterable[str] = ()
    ) -> None:
        """Adds a built-in component, imported at first use.

        Args:
            name: Its name.
            place: ``module:name``.
            summary: One-line description.
            form: Its syntax if it takes an argument.
            uses: Contexts in which it may be used; empty for all.
        """
        self._add(RegistryEntry(name, summary, form or name, tuple(uses)))
        self._places[name] = place

    def names(self) -> tuple[str, ...]:
        """Returns all names: built-in ones in their order, then extensions, sorted."""
        self._read_entry_points()
        own = [n for n, e in self._entries.items() if e.origin == OWN]
        return (*own, *sorted(n for n, e in self._entries.items() if e.origin != OWN))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        self._read_entry_points()
        return name in self._entries

    def get(self, name: str) -> Thing:
        """Returns a component by name, importing it if necessary.

        Raises:
            InputError: There is none of that name, or an extension cannot be imported.
        """
        self._read_entry_points()
        if name in self._things:
            return self._things[name]
        if name not in self._places:
            raise InputError(self.unknown(name))
        place = self._places[name]
        if isinstance(place, str):
            module, _, attribute = place.partition(":")
            thing = getattr(import_module(module), attribute)
        else:
            thing = self._load(name, place)
        self._things[name] = thing
        return cast("Thing", thing)

    def entry(self, name: str) -> RegistryEntry:
        """Returns the entry of a name without importing the component.

        Raises:
            InputError: There is none of that name.
        """
        self._read_entry_points()
        if name not in self._entries:
            raise InputError(self.unknown(name))
        return self._entries[name]

    def entries(self) -> list[RegistryEntry]:
        """Returns all entries; components without a summary are imported for it.

        The summary of one that cannot be imported says so, so that listing never fails.
        """
        found = []
        for name in self.names():
            entry = self._entries[name]
            if not entry.summary:
                try:
                    line = first_line(self.get(name))
                except InputError as error:
                    line = str(error)
                except ModuleNotFoundError as error:
                    if (lacking := missing(error.name or "")) is None:
                        raise
                    line = str(lacking)
                entry = replace(entry, summary=line)
                self._entries[name] = entry
            found.append(entry)
        return found

    def items(self) -> list[tuple[str, Thing]]:
        """Returns all names with their components, all imported.

        Raises:
            InputError: An extension cannot be imported.
        """
        return [(name, self.get(name)) for name in self.names()]

    def unknown(self, name: str) -> str:
        """Returns the message for an unknown name, with the nearest known one."""
        close = get_close_matches(name[:80], self.names(), n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        return f"unknown {self.noun} '{name}'{hint}; known: {', '.join(self.names())}"

    def _add(self, entry: RegistryEntry) -> None:
        if old := self._entries.get(entry.name):
            raise InputError(
                f"two {self.kind} are called '{entry.name}', of {old.origin} and of "
                f"{entry.origin}; rename one"
            )
        self._entries[entry.name] = entry

    def _read_entry_points(self) -> None:
        if self._complete:
            return
        self._complete = True
        # What a room may not name stands in the root of the package, which is imported before
        # any room is; see ``WIRING`` there.
        wired = getattr(sys.modules[__name__.partition(".")[0]], "WIRING", {})
        for name, place in wired.get(self.kind, {}).items():
            self.builtin(name, place)
        for point in sorted(entry_points(group=f"surefoot.{self.kind}"), key=lambda p: p.name):
            origin = point.dist.name if point.dist is not None else "an installed distribution"
            self._add(RegistryEntry(point.name, "", point.name, (), origin))
            self._places[point.name] = point

    def _load(self, name: str, point: EntryPoint) -> Any:
        try:
            return point.load()
        except InputError:
            raise
        except Exception as error:
            # Whatever another distribution's module raises while it is imported is its own.
            origin = self._entries[name].origin
            raise InputError(
                f"the {self.noun} '{name}' of {origin} cannot be imported ({point.value}): "
                f"{type(error).__name__}: {error}"
            ) from None


def first_line(thing: object) -> str:
    """Returns the ``summary`` of an object, or the first line of its docstring."""
    summary = getattr(thing, "summary", "")
    if isinstance(summary, str) and summary:
        return summary
    lines = (getattr(thing, "__doc__", None) or "").strip().splitlines()
    return lines[0] if lines else ""


def load_place(spec: str, what: str) -> Any:
    """Imports ``MODULE:NAME``; the module may lie in the current folder.

    Args:
        spec: The place.
        what: What it should be, used in messages.

    Raises:
        InputError: There is no such module or name in it.
        MissingDependencyError: It needs a library of an extra that is not installed.
    """
    from pathlib import Path

    module, _, name = spec.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # last, so that nothing installed is hidden
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        if isinstance(error, ModuleNotFoundError) and (lacking := missing(error.name or "")):
            raise lacking from None
        raise InputError(f"cannot use the {what} '{spec}': {error}") from None


def is_place(spec: str) -> bool:
    """Whether a text has the form ``MODULE:NAME`` of two Python names."""
    module, colon, name = spec.partition(":")
    return bool(colon) and name.isidentifier() and all(p.isidentifier() for p in module.split("."))
