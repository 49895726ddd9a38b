"""The house: packages, floors, names, sizes, speed of import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = {
    "core": 0,
    "results": 1,
    "pddl": 2,
    "verification": 2,
    "calibration": 2,
    "sparsity": 2,
    "envs": 3,
    "models": 3,
    "agents": 4,
    "experiments": 5,
    "cli": 6,
}
ROOMS = [room for room in FLOORS if room != "cli"]
FILES = [
    *(path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))),
    *sorted((ROOT / "surefoot").glob("*.py")),
    *sorted((ROOT / "surefoot" / "cli").rglob("*.py")),
]


def module_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[0] != "surefoot":
        parts = ["surefoot", *parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}
NAMED = re.compile(rf"\Asurefoot\.(?:{'|'.join(FLOORS)})(?:\.\w+)*(?::\w+)?\Z")
"""A string that names a module, or something in it, to be imported."""


def floor(module: str) -> tuple[str, int]:
    parts = module.partition(":")[0].split(".")
    room = parts[1] if len(parts) > 1 else "cli"
    return (room, FLOORS[room]) if room in FLOORS else ("cli", FLOORS["cli"])


def targets(tree: ast.Module) -> Iterator[str]:
    """Everything of Surefoot that a module imports, or names in a string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and NAMED.match(node.value)
        ):
            yield node.value


def test_each_room_is_a_real_folder_linked_into_the_package() -> None:
    for room in ROOMS:
        link = ROOT / "surefoot" / room
        assert (ROOT / room).is_dir()
        assert not (ROOT / room).is_symlink()
        assert link.is_symlink()
        assert str(link.readlink()) == f"../{room}"
    for name, path in MODULES.items():
        assert (path.parent / "__init__.py").exists(), name


def test_rooms_import_only_from_lower_floors_and_name_none_above() -> None:
    upward = []
    for name, tree in TREES.items():
        room, level = floor(name)
        for target in targets(tree):
            if not target.startswith("surefoot."):
                continue
            other, other_level = floor(target)
            if other != room and other_level >= level:
                upward.append(f"{name} names {target}")
    assert upward == []


def test_a_string_that_names_a_higher_floor_is_seen() -> None:
    tree = ast.parse('MAKER = "surefoot.agents.policy:make_agent"')
    assert list(targets(tree)) == ["surefoot.agents.policy:make_agent"]


def imports(name: str) -> set[str]:
    """The modules that a module imports, at its top or in a function.

    Imports under ``TYPE_CHECKING`` count, since who reads the types reads both modules; those of
    a package's ``__init__`` do not, since they only name what it loads when it is used. Places in
    strings are how registries name what is above them; they do not count.
    """
    tree, found = TREES[name], set()
    if MODULES[name].name == "__init__.py":
        tree = ast.Module([n for n in tree.body if not isinstance(n, ast.If)], [])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= members & TREES.keys() or {str(node.module)}
    return (found & TREES.keys()) - {name}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one module (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in graph[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            component = stack[at:]
            del stack[at:]
            if len(component) > 1:
                found.append(sorted(component))

    for name in graph:
        if name not in index:
            visit(name)
    return found


def test_a_circle_is_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}
    assert circles(graph) == [["b", "c"]]


def test_no_circles_inside_a_room() -> None:
    assert circles({name: imports(name) for name in TREES}) == []


def test_no_public_class_name_is_used_twice() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def private(name: str) -> bool:
    return name.strip("_") != "" and name.startswith("_") and not name.startswith("__")


def defined(tree: ast.Module) -> Iterator[str]:
    """Names that a module gives to functions, classes, variables and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def private_names_used(tree: ast.Module, known: set[str]) -> Iterator[str]:
    """Private names of Surefoot that a test imports, reads, sets, or names to a patch."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("surefoot"):
            yield from (alias.name for alias in node.names if private(alias.name))
        elif isinstance(node, ast.Attribute) and node.attr in known:
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls", "outer")
            if not own:
                yield node.attr
        given: list[ast.expr] = []
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
            given = node.args if called in ("setattr", "delattr", "getattr", "patch") else []
        elif isinstance(node, ast.Subscript):
            given = [node.slice]
        for value in given:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                last = value.value.rpartition(".")[2]
                if last in known:
                    yield last


def test_tests_leave_private_names_alone() -> None:
    known = {name for tree in TREES.values() for name in defined(tree) if private(name)}
    assert len(known) > 500
    assert {
        path.name: sorted(found)
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if (found := set(private_names_used(ast.parse(path.read_text()), known)))
    } == {}


@pytest.mark.parametrize(
    "code",
    [
        "from surefoot.x import _a",
        "module._a = 3",
        "module._a.cache_clear()",
        "monkeypatch.setattr(module, '_a', 3)",
        "monkeypatch.setattr('surefoot.x._a', 3)",
        "thing.__dict__['_a'] = 3",
    ],
)
def test_a_test_that_patches_a_private_name_is_seen(code: str) -> None:
    assert list(private_names_used(ast.parse(code), {"_a"})) == ["_a"]


def test_every_room_has_quick_tests() -> None:
    tests = ROOT / "tests"
    quick = {path for path in tests.rglob("test_*.py") if "pytest.mark.quick" in path.read_text()}
    folders = [room for room in ROOMS if (tests / room).is_dir()]
    assert len(folders) >= 10
    assert [room for room in folders if not any(tests / room in p.parents for p in quick)] == []
    assert any(path.name.startswith("test_cli") for path in quick)


def test_no_file_is_long() -> None:
    kept = [*FILES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    assert len(kept) > 800
    assert [p.name for p in kept if len(p.read_text().splitlines()) > 600] == []


def test_the_formatter_is_left_to_its_work() -> None:
    kept = [*FILES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    marker = "fmt: " + "skip"
    assert sum(path.read_text().count(marker) for path in kept) <= 20


def test_package_data_is_there() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    for package, patterns in config["package-data"].items():
        folder = ROOT / "surefoot" / Path(*package.split(".")[1:])
        assert (folder / "__init__.py").exists(), package
        for pattern in patterns:
            assert list(folder.glob(pattern)), f"{package}: nothing matches {pattern}"


@pytest.mark.parametrize(
    "room",
    [
        "surefoot",
        "surefoot.agents",
        "surefoot.calibration",
        "surefoot.core",
        "surefoot.pddl",
        "surefoot.results",
        "surefoot.verification",
    ],
)
def test_rooms_load_nothing_heavy(room: str) -> None:
    heavy = (
        "numpy",
        "scipy",
        "torch",
        "matplotlib",
        "jinja2",
        "rich",
        "spot",
        "unified_planning",
        "mapie",
    )
    code = f"import sys, {room}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("room", ["agents", "calibration", "pddl", "verification"])
def test_the_public_names_exist(room: str) -> None:
    code = f"import surefoot.{room} as p; print(all(hasattr(p, n) for n in p.__all__))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("True")
