"""The one file that imports Spot (Duret-Lutz and others, CAV 2022): formula in, edges out.

Spot comes as the package ``spottl`` for Linux on x86-64 and is imported as ``spot``; the
package called ``spot`` on PyPI is something else. Run as a program, this file translates one
formula in a process of its own, whose time and memory are limited.
"""

from __future__ import annotations

import io
import json
import sys
import warnings
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import MissingDependencyError

MAX_CELLS = 2**28
"""Most entries of an array of edges by letters."""

INSTALL = (
    "on Linux x86-64 run 'pip install spottl' (its package is imported as spot); "
    "elsewhere install Spot from conda-forge: 'conda install -c conda-forge spot'"
)


class TooLargeError(Exception):
    """The automaton does not fit the limits; the message says which."""


@dataclass(frozen=True, eq=False)
class Edges:
    """An automaton as Spot made it.

    Attributes:
        initial: The state where it starts.
        sources: State that each edge leaves, shape [edges].
        targets: State that it enters, shape [edges].
        letters: Letters under which it can be taken, shape [edges, 2**k]; bit i of a letter
            tells whether the proposition ``p<i>`` is true.
        accepting: Shape [states].
    """

    initial: int
    sources: NDArray[np.int32]
    targets: NDArray[np.int32]
    letters: NDArray[np.bool_]
    accepting: NDArray[np.bool_]


@cache
def load_spot() -> ModuleType:
    """Returns Spot's Python module.

    Raises:
        MissingDependencyError: It is missing, cannot be loaded here, or is the wrong package.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of SWIG, which made its bindings
            import spot
    except ImportError as error:
        lacking = isinstance(error, ModuleNotFoundError) and error.name == "spot"
        why = "is not installed" if lacking else f"cannot be loaded ({error})"
        raise MissingDependencyError(f"Spot {why}; {INSTALL}") from None
    if not hasattr(spot, "from_ltlf"):
        raise MissingDependencyError(
            f"the installed package 'spot' is not the library of omega-automata: "
            f"run 'pip uninstall spot', then {INSTALL}"
        )
    module: ModuleType = spot
    return module


def spot_version() -> str:
    """Returns the version of Spot."""
    return str(load_spot().version())


def translate(text: str, propositions: int, *, finite: bool, deterministic: bool = False) -> Edges:
    """Translates a formula over ``p0``, ``p1``, …; time and memory are not limited here.

    Args:
        text: The formula in Spot's grammar.
        propositions: How many propositions there are.
        finite: LTLf over finite, non-empty traces instead of LTL over infinite words. For
            LTLf, Spot's reduction with a proposition that tells whether the trace still goes
            on (De Giacomo and Vardi, IJCAI 2013, section 4).
        deterministic: Prefer few choices to few states.

    Returns:
        A state-based automaton, with Büchi acceptance or that of finite words.

    Raises:
        MissingDependencyError: There is no Spot.
        TooLargeError: More than :data:`MAX_CELLS` edges times letters.
    """
    spot = load_spot()
    formula = spot.formula(text)
    wish = ("buchi", "sbacc", "deterministic" if deterministic else "small")
    if finite:
        infinite = spot.translate(spot.from_ltlf(formula, "alive"), *wish)
        automaton = spot.to_finite(infinite, "alive")
    else:
        automaton = spot.translate(formula, *wish)
    edges = list(automaton.edges())
    if len(edges) * 2**propositions > MAX_CELLS:
        raise TooLargeError("its edges take too much memory")
    truth = _TruthTables(automaton, propositions)
    states = range(automaton.num_states())
    return Edges(
        int(automaton.get_init_state_number()),
        np.array([e.src for e in edges], np.int32),
        np.array([e.dst for e in edges], np.int32),
        np.array([truth(e.cond) for e in edges], np.bool_).reshape(-1, 2**propositions),
        np.array([bool(automaton.state_is_accepting(s)) for s in states], np.bool_),
    )


class _TruthTables:
    """Turns conditions of edges, which are binary decision diagrams, into truth tables."""

    def __init__(self, automaton: Any, propositions: int) -> None:
        import buddy

        self._buddy = buddy
        letters = np.arange(2**propositions)
        self._bits = {
            automaton.register_ap(f"p{i}"): (letters >> i & 1).astype(np.bool_)
            for i in range(propositions)
        }
        self._known = {
            buddy.bddfalse.id(): np.zeros(len(letters), np.bool_),
            buddy.bddtrue.id(): np.ones(len(letters), np.bool_),
        }

    def __call__(self, node: Any) -> NDArray[np.bool_]:
        """Returns the letters under which a condition holds, shape [2**k]."""
        key = node.id()
        if key not in self._known:
            high, low = self(self._buddy.bdd_high(node)), self(self._buddy.bdd_low(node))
            self._known[key] = np.where(self._bits[self._buddy.bdd_var(node)], high, low)
        return self._known[key]


def pack(edges: Edges) -> bytes:
    """Returns the bytes of an ``.npz`` file, without pickles."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        initial=np.array(edges.initial),
        sources=edges.sources,
        targets=edges.targets,
        letters=np.packbits(edges.letters, axis=1),
        width=np.array(edges.letters.shape[1]),
        accepting=edges.accepting,
    )
    return buffer.getvalue()


def unpack(data: bytes) -> Edges:
    """Reads what :func:`pack` wrote."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        width = int(arrays["width"])
        return Edges(
            int(arrays["initial"]),
            arrays["sources"],
            arrays["targets"],
            np.unpackbits(arrays["letters"], axis=1, count=width).astype(np.bool_),
            arrays["accepting"],
        )


def main() -> None:
    """Translates the formula on standard input within limits; edges go to standard output."""
    import resource

    order = json.load(sys.stdin)
    for what, most in ((resource.RLIMIT_AS, "memory"), (resource.RLIMIT_CPU, "seconds")):
        limit = order.pop(most)
        resource.setrlimit(what, (limit, limit))
    try:
        edges = translate(**order)
        sys.stdout.buffer.write(pack(edges))
    except (TooLargeError, MemoryError):
        sys.exit(3)


if __name__ == "__main__":
    main()
