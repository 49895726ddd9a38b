"""Finds plans written as data: JSON, YAML, Python, XML. Data is parsed, never executed."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

import yaml

from surefoot.pddl.extract.document.markdown import Fence

_ACTION_KEYS = ("action", "operator", "name", "op", "act", "command", "verb", "type", "function")
_ARGUMENT_KEYS = ("args", "arguments", "parameters", "params", "objects", "inputs", "with")
_NOTE_KEYS = frozenset(
    """
    step steps_no number no id index order time t timestamp description reason reasoning comment
    comments explanation note notes effect effects precondition preconditions state cost duration
    result results thought thoughts status goal rationale step_number text details
    """.split()
)
_PLAN_KEYS = (
    "final_plan",
    "corrected_plan",
    "revised_plan",
    "plan",
    "actions",
    "steps",
    "solution",
    "answer",
    "sequence",
)
MAX_LITERAL = 400_000
"""Longest piece of data that is parsed, in characters."""


@dataclass(frozen=True, slots=True)
class LiteralCall:
    """A step of a plan that is data.

    Attributes:
        name: Name of the action, or a whole step as text if there is nothing else.
        args: Positional arguments.
        named: Arguments by key.
        line: 1-based line.
    """

    name: str
    args: tuple[str, ...]
    named: tuple[tuple[str, str], ...]
    line: int


@dataclass(frozen=True, slots=True)
class LiteralPlan:
    """A plan that is data.

    Attributes:
        first_line: 1-based first line of the data.
        last_line: 1-based last line.
        calls: Its steps; empty for an empty plan.
    """

    first_line: int
    last_line: int
    calls: tuple[LiteralCall, ...]


def read_literals(text: str, fences: Sequence[Fence]) -> list[LiteralPlan]:
    """Finds the plans of an answer that are written as data.

    Args:
        text: The answer.
        fences: Its fenced blocks.

    Returns:
        One plan per block of data that holds one, in text order.
    """
    plans: list[LiteralPlan] = []
    for fence in fences:
        value = _value(fence.content, fence.language) or _lines_value(fence.content)
        calls = None if value is None else _plan_of(value)
        if calls is not None:
            placed = _place(calls, fence.content.split("\n"), fence.first_line + 1)
            plans.append(LiteralPlan(fence.first_line, fence.last_line, placed))
    inside = {n for f in fences for n in range(f.first_line, f.last_line + 1)}
    for first, last, value in _unfenced(text, inside):
        calls = _plan_of(value)
        if calls is not None:
            lines = text.split("\n")[first - 1 : last]
            plans.append(LiteralPlan(first, last, _place(calls, lines, first)))
    plans.sort(key=lambda p: (p.first_line, -p.last_line))
    kept: list[LiteralPlan] = []
    for plan in plans:  # a list inside a list is a part of it
        if not kept or plan.first_line > kept[-1].last_line:
            kept.append(plan)
    return kept


def _lines_value(body: str) -> object | None:
    found = list(_json_lines(body.split("\n")))
    return found[0][2] if len(found) == 1 else None


def _value(body: str, language: str) -> object | None:
    """Parses a piece of data in the language it says, else in those that it looks like."""
    body = body.strip()
    if not body or len(body) > MAX_LITERAL:
        return None
    if language in ("json", "jsonc", "json5", "javascript", "js"):
        return _json(body)
    if language in ("yaml", "yml"):
        return _yaml(body)
    if language in ("python", "py", "python3"):
        return _python(body)
    if language in ("xml", "html"):
        return _xml(body)
    if language in ("", "text", "plaintext", "txt", "plan") and body[0] in "[{":
        return _json(body) or _python(body)
    if language in ("", "text", "plaintext", "txt", "plan") and body[0] == "<":
        return _xml(body)
    if language in ("", "text") and _LOOKS_LIKE_YAML.search(body):
        return _yaml(body)
    if language in ("", "text") and re.match(r"\w+\s*=\s*[\[(]", body):
        return _python(body)
    return None


_LOOKS_LIKE_YAML = re.compile(r"^\s*-?\s*(?:action|plan|steps|actions|name|operator)\s*:", re.M)


def _json(body: str) -> object | None:
    try:
        return json.loads(body)  # type: ignore[no-any-return]
    except (ValueError, RecursionError):
        pass
    bare = re.sub(r"(?m)^\s*//.*$", "", body)
    bare = re.sub(r",(\s*[\]}])", r"\1", bare)  # trailing commas are common
    try:
        return json.loads(bare)  # type: ignore[no-any-return]
    except (ValueError, RecursionError):
        return None


def _yaml(body: str) -> object | None:
    try:
        return yaml.load(body, Loader=_Words)  # type: ignore[no-any-return]
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


class _Words(yaml.SafeLoader):
    """YAML in which everything plain is text: ``on`` is a word, ``1_2`` no number."""


_Words.yaml_implicit_resolvers = {}


def _xml(body: str) -> object | None:
    if re.search(r"<!(?:DOCTYPE|ENTITY)", body, re.IGNORECASE):
        return None
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        try:
            root = ElementTree.fromstring(f"<plan>{body}</plan>")
        except ElementTree.ParseError:
            return None
    steps = [e for e in root.iter() if e.tag.lower() in ("action", "step", "operator", "act")]
    nested = {id(c) for e in steps for c in e.iter() if c is not e}
    return [_element(e) for e in steps if id(e) not in nested] or None


def _element(element: ElementTree.Element) -> object:
    fields: dict[str, object] = {k.lower(): v for k, v in element.attrib.items()}
    args: list[object] = []
    for child in element:
        tag, text = child.tag.lower(), (child.text or "").strip()
        if (
            tag in ("arg", "argument", "param", "parameter", "object", "obj")
            and "name" in child.attrib
        ):
            fields[child.attrib["name"].lower()] = child.attrib.get("value", text)
        elif tag in ("arg", "argument", "param", "parameter", "object", "obj"):
            args.append(child.attrib.get("value", text))
        elif tag in _ARGUMENT_KEYS:
            args += [(c.text or "").strip() for c in child] or re.split(r"[,\s]+", text)
        else:
            fields[tag] = text
    text = (element.text or "").strip()
    if not any(key in fields for key in _ACTION_KEYS):
        if not text:
            return fields
        return text if not args and len(fields) <= 1 else {"action": text, "args": args, **fields}
    if text and not args and "args" not in fields:
        args = list(re.split(r"[,\s]+", text))
    return {**fields, **({"args": args} if args else {})}


def _python(body: str) -> object | None:
    """Takes the last plan-like value or the calls of a piece of Python, as data."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    calls: list[object] = []
    found: object | None = None
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr) or node.value is None:
            continue
        value = node.value
        data = _literal(value)
        if isinstance(node, ast.Expr) and isinstance(value, ast.Call) and data is not None:
            calls.append(data)
        elif isinstance(data, list | dict) and _plan_of(data):
            found = data
    return found if found is not None else (calls or None)


def _literal(node: ast.expr) -> object | None:
    """Returns a value without running anything; a call becomes a step."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(e) for e in node.elts]
    if isinstance(node, ast.Dict):
        return {
            str(_literal(k)): _literal(v)
            for k, v in zip(node.keys, node.values, strict=True)
            if k is not None
        }
    if isinstance(node, ast.Call):
        return _called(node)
    return None


def _called(node: ast.Call) -> object | None:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    name = node.func.id if isinstance(node.func, ast.Name) else name
    args = [_literal(a) for a in node.args]
    if name.lower() in ("append", "add", "execute", "do", "run", "perform") and len(args) == 1:
        return args[0]
    if name.lower() in ("action", "step", "act", "operator") and args:
        first, *rest = args
        rest = rest[0] if len(rest) == 1 and isinstance(rest[0], list) else rest
        keys = {k.arg: _literal(k.value) for k in node.keywords if k.arg}
        return {"action": first, "args": rest, **keys}
    if name == "print":
        return None
    named = {k.arg: _literal(k.value) for k in node.keywords if k.arg}
    return {"action": name, "args": args, "named": named}


def _unfenced(text: str, inside: set[int]) -> Iterator[tuple[int, int, object]]:
    """Yields (first line, last line, value) for data that stands in the text itself."""
    lines = text.split("\n")
    if inside:
        lines = ["" if n in inside else line for n, line in enumerate(lines, start=1)]
    yield from _json_lines(lines)
    decoder = json.JSONDecoder()
    body = "\n".join(lines)
    at = 0
    tried = 0
    while tried < 50:
        match = re.compile(r"(?m)^[^\S\n]*(?:\w+\s*[=:]\s*)?(?=[\[{])").search(body, at)
        if match is None:
            break
        tried += 1
        start = match.end()
        first = body.count("\n", 0, start) + 1
        at = start + 1
        value: object | None
        end: int | None
        try:
            value, end = decoder.raw_decode(body, start)
        except (ValueError, RecursionError):
            end = _balanced(body, start)
            value = _python(body[start:end]) if end and end - start <= MAX_LITERAL else None
        if value is not None and end:
            yield first, body.count("\n", 0, end) + 1, value
            at = end
    yield from _unfenced_other(lines)


def _json_lines(lines: Sequence[str]) -> Iterator[tuple[int, int, object]]:
    """Yields runs of lines that are a JSON object each, as tool calls often are."""
    run: list[object] = []
    between = 0  # blank lines and tags between the objects
    for number, line in enumerate([*lines, ""], start=1):
        text = re.sub(r"^\W*(?:\d+[.)]\s*)?(?=\{)|</?tool_call>", "", line.strip()).rstrip(",;")
        value = _json(text) if text.startswith("{") and text.endswith("}") else None
        if isinstance(value, dict):
            run.append(value)
            continue
        if run and number <= len(lines) and re.fullmatch(r"\s*(?:</?[\w:-]+>)?\s*", line):
            between += 1
            continue
        if len(run) > 1:
            yield number - len(run) - between, number - 1, run
        run, between = [], 0


def _unfenced_other(lines: Sequence[str]) -> Iterator[tuple[int, int, object]]:
    body = "\n".join(lines)
    tag = re.search(r"<(plan|actions|steps|solution|sequence)\b[^>]*>.*?</\1>", body, re.S | re.I)
    if tag:
        value = _xml(tag.group())
        if value is not None:
            yield body.count("\n", 0, tag.start()) + 1, body.count("\n", 0, tag.end()) + 1, value
    start = next(
        (
            n
            for n, line in enumerate(lines)
            if re.match(r"\s*-\s+(?:action|operator|name)\s*:\s*\S", line)
        ),
        None,
    )
    if start is None:
        return
    indent = len(lines[start]) - len(lines[start].lstrip())
    end = start
    for n in range(start, len(lines)):
        line = lines[n]
        deeper = len(line) - len(line.lstrip()) > indent
        if line.strip() and not deeper and not line[indent:].startswith("- "):
            break
        end = n + 1 if line.strip() else end
    value = _yaml("\n".join(lines[start:end]))
    if value is not None:
        yield start + 1, end, value


def _balanced(text: str, start: int) -> int | None:
    depth = 0
    for at in range(start, min(len(text), start + MAX_LITERAL)):
        depth += {"[": 1, "{": 1, "(": 1, "]": -1, "}": -1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    return None


def _plan_of(value: object, depth: int = 0) -> list[LiteralCall] | None:
    """Finds the list of steps in a value; ``None`` if there is none."""
    if depth > 6:
        return None
    if isinstance(value, Mapping):
        keys = {str(k).lower(): v for k, v in value.items()}
        for key in _PLAN_KEYS:
            if key in keys:
                inner = keys[key]
                if isinstance(inner, list) and not inner:
                    return []
                found = _plan_of(inner, depth + 1)
                if found is not None:
                    return found
        one = _call_of(value) if any(k in keys for k in _ACTION_KEYS) else None
        if one is not None and depth == 0:
            return None  # a single action is no plan by itself
        for key, inner in keys.items():
            if key not in _NOTE_KEYS and isinstance(inner, list | Mapping):
                found = _plan_of(inner, depth + 1)
                if found:
                    return found
        steps = [v for k, v in keys.items() if re.fullmatch(r"(?:step)?[ _-]?\d+", k)]
        return _plan_of(steps, depth + 1) if steps else None
    if not isinstance(value, list) or not value:
        return None
    calls = [_call_of(entry) for entry in value]
    return [c for c in calls if c is not None] if None not in calls else None


def _call_of(entry: object) -> LiteralCall | None:
    if isinstance(entry, str):
        return LiteralCall(entry.lower(), (), (), 0) if entry.strip() else None
    if isinstance(entry, list):
        flat = [str(e).lower() for e in entry if isinstance(e, str | int)]
        if len(flat) == len(entry) and flat:
            return LiteralCall(flat[0], tuple(flat[1:]), (), 0)
        if len(entry) == 2 and isinstance(entry[0], str) and isinstance(entry[1], list):
            return LiteralCall(entry[0].lower(), _texts(entry[1]), (), 0)
        return None
    if not isinstance(entry, Mapping):
        return None
    keys = {str(k).lower(): v for k, v in entry.items()}
    name_key = next((k for k in _ACTION_KEYS if isinstance(keys.get(k), str)), None)
    if name_key is None:
        return _single(keys)
    name = str(keys.pop(name_key)).lower()
    args: tuple[str, ...] = ()
    named: list[tuple[str, str]] = []
    for key, value in keys.items():
        if key in _ARGUMENT_KEYS or key == "named":
            if isinstance(value, Mapping):
                named += [(str(k).lower(), str(v).lower()) for k, v in value.items()]
            elif isinstance(value, list):
                args += _texts(value)
            elif isinstance(value, str) and value.strip():
                args += tuple(t for t in re.split(r"\s*,\s*|\s+", value.strip().lower()) if t)
        elif key not in _NOTE_KEYS and isinstance(value, str | int) and not isinstance(value, bool):
            named.append((key, str(value).lower()))
        elif key not in _NOTE_KEYS and isinstance(value, list):
            args += _texts(value)
    return LiteralCall(name, args, tuple(named), 0)


def _single(keys: Mapping[str, object]) -> LiteralCall | None:
    """Reads ``{"pick": ["robot1", "ball1"]}``, or a step's only text."""
    rest = {k: v for k, v in keys.items() if k not in _NOTE_KEYS}
    if len(rest) == 1:
        ((name, value),) = rest.items()
        if isinstance(value, list):
            return LiteralCall(name, _texts(value), (), 0)
        if isinstance(value, Mapping):
            named = tuple((str(k).lower(), str(v).lower()) for k, v in value.items())
            return LiteralCall(name, (), named, 0)
    for key in ("step", "description", "text"):
        if isinstance(keys.get(key), str):
            return LiteralCall(str(keys[key]).lower(), (), (), 0)
    return None


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    texts: list[str] = []
    for value in values:
        if isinstance(value, Mapping):
            texts += [
                str(v).lower() for k, v in value.items() if str(k).lower() in ("name", "value")
            ]
        else:
            texts.append(str(value).lower())
    return tuple(texts)


def _place(
    calls: Sequence[LiteralCall], lines: Sequence[str], first: int
) -> tuple[LiteralCall, ...]:
    """Gives every step the line that it stands on."""
    placed: list[LiteralCall] = []
    at = 0
    low = [line.lower() for line in lines]
    column = 0
    for call in calls:
        for n in range(at, len(low)):
            found = low[n].find(call.name, column if n == at else 0)
            if found >= 0:
                at, column = n, found + len(call.name)
                break
        placed.append(LiteralCall(call.name, call.args, call.named, first + at))
    return tuple(placed)
