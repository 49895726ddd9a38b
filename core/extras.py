"""Optional parts of the installation: which extra brings which library, and what to install.

The same names stand in ``pyproject.toml``. Code that needs an extra imports its libraries where
it uses them; the command line turns what is missing into one line. What would go unnoticed, such
as a program that is started or an import in a worker, is asked for with :func:`require`.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from surefoot.core.errors import MissingDependencyError


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part.

    Attributes:
        name: Name in ``surefoot[NAME]``.
        summary: What it is for, in one line.
        packages: For each import name the package on PyPI.
    """

    name: str
    summary: str
    packages: dict[str, str]

    @property
    def missing(self) -> tuple[str, ...]:
        """Packages of it that are not installed."""
        return tuple(p for module, p in self.packages.items() if not _found(module))

    @property
    def install(self) -> str:
        """What to do to have it, in a few words."""
        problem = next((p for m in self.packages if (p := _unavailable(m)) and not _found(m)), "")
        command = install(self.name)
        return f"{command} ({problem})" if problem else command


EXTRAS = {
    extra.name: extra
    for extra in (
        Extra(
            "planners",
            "Fast Downward and SymK",
            {"up_fast_downward": "up-fast-downward", "up_symk": "up-symk"},
        ),
        Extra("verify", "Spot, which turns temporal-logic rules into automata", {"spot": "spottl"}),
        Extra(
            "sim",
            "simulated worlds, their cameras and videos",
            {"gymnasium": "gymnasium", "pybullet": "pybullet", "av": "av", "PIL": "pillow"},
        ),
        Extra(
            "local",
            "models on this machine: running, training and compressing them",
            {
                "torch": "torch",
                "transformers": "transformers",
                "accelerate": "accelerate",
                "safetensors": "safetensors",
            },
        ),
        Extra("serve", "the server of local models", {"fastapi": "fastapi", "uvicorn": "uvicorn"}),
        Extra("merge", "evolutionary search for merges", {"optuna": "optuna", "cmaes": "cmaes"}),
        Extra("peft", "training with adapters", {"peft": "peft"}),
        Extra("quant", "quantized models", {"compressed_tensors": "compressed-tensors"}),
        Extra("rerun", "logs for the Rerun viewer", {"rerun": "rerun-sdk"}),
    )
}
"""All extras by name; ``surefoot[all]`` is all of them but ``rerun``."""

_COME_ALONG = {
    "pybullet_data": "pybullet",
    "pybullet_utils": "pybullet",
    "starlette": "fastapi",
    "tokenizers": "transformers",
    "huggingface_hub": "transformers",
}
"""Modules that a package of an extra brings, and that package's own module."""

_LINUX = ("up_fast_downward", "up_symk", "spot")
"""Modules whose packages are for Linux on x86-64."""


def install(*names: str) -> str:
    """Returns the command that installs extras."""
    return f"pip install 'surefoot[{','.join(names)}]'"


def missing(module: str) -> MissingDependencyError | None:
    """Returns the error to raise for a module, ``None`` if it is there or belongs to no extra.

    Args:
        module: Full name of a module that could not be imported, or may not be there.
    """
    try:
        require(module)
    except MissingDependencyError as error:
        return error
    return None


def require(*modules: str) -> None:
    """Checks that modules of extras are there, without importing them.

    Args:
        modules: Their import names.

    Raises:
        MissingDependencyError: Some are not; the message says what to install.
    """
    lacking: list[tuple[str, Extra]] = []
    for module in modules:
        top = module.partition(".")[0]
        owner = _COME_ALONG.get(top, top)
        extra = next((e for e in EXTRAS.values() if owner in e.packages), None)
        if extra is not None and not _found(top):
            lacking.append((owner, extra))
    _refuse(lacking)


def require_extras(*names: str) -> None:
    """Checks that extras are there as a whole, so that one line says all that is to be installed.

    Args:
        names: The extras.

    Raises:
        MissingDependencyError: Something of them is missing.
    """
    extras = [EXTRAS[name] for name in names]
    _refuse([(m, extra) for extra in extras for m in extra.packages if not _found(m)])


def _refuse(lacking: Sequence[tuple[str, Extra]]) -> None:
    """Raises what says how to install the modules, each of an extra, if there are any."""
    for module, extra in lacking:
        if problem := _unavailable(module):
            raise MissingDependencyError(f"this needs {extra.packages[module]}, but {problem}")
    packages = list(dict.fromkeys(extra.packages[module] for module, extra in lacking))
    if packages:
        listed = " and ".join(filter(None, (", ".join(packages[:-1]), packages[-1])))
        them = "it" if len(packages) == 1 else "them"
        command = install(*dict.fromkeys(extra.name for _, extra in lacking))
        raise MissingDependencyError(f"this needs {listed}; install {them} with: {command}")


def explained(error: ImportError, place: str = "") -> MissingDependencyError:
    """Returns what to raise where a library found that another one is missing.

    Args:
        error: What the library raised; its message may name the other one in any way.
        place: What could not be loaded.
    """
    said = " ".join(str(error).split())
    for module in (error.name or "", *(m for e in EXTRAS.values() for m in e.packages)):
        named = module == error.name or module in said or module.replace("_", "-") in said
        if module and named and (found := missing(module)) is not None:
            return found
    return MissingDependencyError(f"{place}: {said[:200]}" if place else said[:200])


def _found(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ValueError:  # in sys.modules without a specification
        return False


def _unavailable(module: str) -> str:
    """Returns why pip would not bring a module here, ``""`` if it would."""
    if module == "pybullet" and sys.version_info >= (3, 12):
        return (
            "it has wheels for Python 3.11 only: use Python 3.11 and run pip install "
            "'surefoot[sim]' there, or have it compiled, which takes half an hour, with: pip "
            "install pybullet"
        )
    if module in _LINUX and (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return "its package is for Linux on x86-64 only"
    return ""
