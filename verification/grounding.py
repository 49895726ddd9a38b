"""Observations and actions with arguments, such as ``go(FROM, TO)``, over declared objects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import nearest

MAX_NAMES = 5_000
"""Most observations and actions of a rulebook after grounding."""

PREPOSITIONS = frozenset("from to into onto in on at with by over under near behind".split())
"""Names of parameters that are words before their argument: ``go(FROM, TO)``."""

_DECLARED = re.compile(r"^(?P<name>[A-Za-z_]\w*)\s*\(\s*(?P<parameters>.*?)\s*\)$")
_CALL = re.compile(r"(?P<name>[A-Za-z_]\w*)\(\s*(?P<arguments>[\w\s,'\"-]*?)\s*\)")
_OBJECT = re.compile(r"^[A-Za-z]\w*$")


@dataclass(frozen=True, slots=True)
class Template:
    """An observation or action with parameters.

    Attributes:
        name: Its name.
        parameters: Names of the parameters.
        objects: The objects of each parameter.
    """

    name: str
    parameters: tuple[str, ...]
    objects: tuple[tuple[str, ...], ...]

    def ground(self, arguments: Sequence[str]) -> str:
        """Returns the name for these arguments.

        Raises:
            InputError: Wrong number of arguments, an unknown object, or one twice.
        """
        said = f"{self.name}({', '.join(arguments)})"
        if len(arguments) != len(self.parameters):
            raise InputError(f"'{said}': '{self.name}' has {len(self.parameters)} arguments")
        for argument, known in zip(arguments, self.objects, strict=True):
            if argument not in known:
                raise InputError(f"'{said}': unknown object '{argument}'{nearest(argument, known)}")
        if len(set(arguments)) < len(arguments):
            raise InputError(f"'{said}': an object stands twice; arguments differ")
        return "_".join((self.name, *arguments))

    def groundings(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yields all names with the objects of their parameters; arguments differ."""
        for arguments in product(*self.objects):
            if len(set(arguments)) == len(arguments):
                yield self.ground(arguments), dict(zip(self.parameters, arguments, strict=True))

    def phrases(self) -> tuple[str, ...]:
        """Returns how the name with its parameters is said."""
        spoken = self.name.replace("_", " ")
        words = [p.lower() if p.lower() in PREPOSITIONS else "" for p in self.parameters]
        after = " ".join(f"{w} {p}".strip() for w, p in zip(words, self.parameters, strict=True))
        if len(self.parameters) == 2 and not any(words):
            first, second = self.parameters
            return (f"{spoken} {after}", f"{first} {spoken} {second}")
        return (f"{spoken} {after}", f"{after} {spoken}")


def read_template(text: str, objects: Mapping[str, Sequence[str]]) -> Template | None:
    """Reads a declaration; None if it has no parameters.

    Args:
        text: Such as ``go(FROM, TO)`` or ``on(X: block, Y: block)``.
        objects: Objects by kind.

    Raises:
        InputError: A parameter whose kind is unknown.
    """
    found = _DECLARED.match(text)
    if not found:
        return None
    names, kinds = [], []
    for part in found["parameters"].split(","):
        name, _, kind = (piece.strip() for piece in part.partition(":"))
        if not _OBJECT.match(name):
            raise InputError(f"'{text}': a parameter is written NAME or 'NAME: KIND'")
        if not kind:
            own = re.sub(r"\d+$", "", name.lower())
            kind = next(iter(objects)) if len(objects) == 1 else own
        if kind not in objects:
            raise InputError(
                f"'{text}': of what kind is '{name}'? declare it under 'objects:' and write "
                f"'{name}: KIND'{nearest(kind, objects)}"
            )
        names.append(name)
        kinds.append(tuple(objects[kind]))
    if len(set(names)) < len(names):
        raise InputError(f"'{text}': two parameters have one name; rename one")
    return Template(found["name"], tuple(names), tuple(kinds))


def check_objects(objects: Mapping[str, Sequence[str]]) -> None:
    """Checks names of objects.

    Raises:
        InputError: One is no name, or stands twice.
    """
    for kind, names in objects.items():
        for name in names:
            if not _OBJECT.match(name):
                raise InputError(f"object '{name}': a name has letters, digits and '_' only")
        twice = next((name for name in names if list(names).count(name) > 1), None)
        if twice:
            raise InputError(f"object '{twice}' stands twice under '{kind}'; delete one")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Puts objects in the place of parameters."""
    if not values:
        return text
    names = "|".join(map(re.escape, values))
    spoken = {name: value.replace("_", " ") for name, value in values.items()}
    return re.sub(rf"\b(?:{names})\b", lambda found: spoken[found[0]], text)


def ground_text(text: str, templates: Mapping[str, Template], values: Mapping[str, str]) -> str:
    """Puts names in the place of calls such as ``on(X, red)`` in a formula.

    Args:
        text: The formula.
        templates: By name; other calls stay.
        values: Objects of variables.

    Raises:
        InputError: See :meth:`Template.ground`.
    """

    def name(call: re.Match[str]) -> str:
        template = templates.get(call["name"])
        if template is None:
            return call[0]
        parts = [part.strip().strip("'\"") for part in call["arguments"].split(",")]
        return template.ground([values.get(part, part) for part in parts])

    return _CALL.sub(name, text) if templates else text


def ground_phrases(
    phrases: Mapping[str, Iterable[str]], templates: Mapping[str, Template]
) -> dict[str, tuple[str, ...]]:
    """Grounds phrases of names with parameters, such as ``on(A, B): [A sits on B]``.

    Args:
        phrases: By name, or ``!name``; the names of the parameters are free.
        templates: By name.

    Raises:
        InputError: An unknown name with parameters.
    """
    made: dict[str, tuple[str, ...]] = {}
    for key, texts in phrases.items():
        found = _DECLARED.match(key.removeprefix("!"))
        if found is None:
            made[key] = (*made.get(key, ()), *texts)
            continue
        template = templates.get(found["name"])
        names = [part.strip() for part in found["parameters"].split(",")]
        if template is None or len(names) != len(template.parameters):
            raise InputError(f"phrases for unknown '{key}'{nearest(found['name'], templates)}")
        for name, values in template.groundings():
            sign = "!" if key.startswith("!") else ""
            mine = dict(zip(names, values.values(), strict=True))
            said = tuple(fill(text, mine) for text in texts)
            made[sign + name] = (*made.get(sign + name, ()), *said)
    return made
