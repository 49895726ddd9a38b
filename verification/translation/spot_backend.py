"""Interface to Spot (Duret-Lutz and others, CAV 2022): formulas in, edges out.

Spot runs in a separate process, within limits of time and memory; see ``spot_process``. It comes as
the package ``spottl`` for Linux on x86-64; the package ``spot`` on PyPI is unrelated.
"""

from __future__ import annotations

from dataclasses import dataclass
from signal import Signals

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import HarnessError
from surefoot.verification.translation.spot_process import SPOT, WorkerDiedError

SECONDS, MEMORY = 10.0, 2 * 2**30
"""Default limits of Spot for one formula: seconds of processor time, so that the result does not
depend on the load of the machine, and bytes of address space."""

_EXHAUSTED = {-Signals.SIGABRT, -Signals.SIGBUS, -Signals.SIGSEGV}
"""Exit codes of a process that ran out of memory or stack where Spot does not handle it."""


class TooLargeError(Exception):
    """The automaton exceeds the limits; the message says which."""


@dataclass(frozen=True, eq=False)
class Edges:
    """An automaton as returned by Spot.

    Attributes:
        initial: The initial state: 0, since states are in breadth-first order.
        sources: Source state of each edge, shape [edges].
        targets: Target state of each edge, shape [edges].
        letters: Letters under which it can be taken, shape [edges, 2**k]; bit i of a letter
            tells whether the proposition ``p<i>`` is true.
        accepting: Shape [states].
    """

    initial: int
    sources: NDArray[np.int32]
    targets: NDArray[np.int32]
    letters: NDArray[np.bool_]
    accepting: NDArray[np.bool_]


def spot_version() -> str:
    """Returns the version of Spot.

    Raises:
        MissingDependencyError: It is missing, cannot be loaded here, or is the wrong package.
        HarnessError: Its process cannot be started.
    """
    try:
        return SPOT.version()
    except WorkerDiedError as error:
        raise HarnessError(f"Spot does not start: {error}") from None


def translate(
    text: str,
    propositions: int,
    *,
    finite: bool,
    deterministic: bool = False,
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> Edges:
    """Translates a formula over the propositions ``p0``, ``p1`` and so on.

    Args:
        text: The formula in Spot's grammar.
        propositions: Number of propositions.
        finite: LTLf over finite, non-empty traces instead of LTL over infinite words. For
            LTLf, Spot's reduction with a proposition that tells whether the trace still goes
            on (De Giacomo and Vardi, IJCAI 2013, section 4).
        deterministic: Prefer determinism to few states.
        seconds: Limit of processor time.
        memory: Limit of the process's address space in bytes.

    Returns:
        A state-based automaton, with Büchi acceptance or that of finite words.

    Raises:
        HarnessError: Spot failed, or its process was killed twice.
        MissingDependencyError: Spot is not installed.
        TooLargeError: A limit was exceeded.
    """
    order = {
        "text": text,
        "propositions": propositions,
        "finite": finite,
        "deterministic": deterministic,
        "seconds": seconds,
        "memory": memory,
    }
    try:
        answer = SPOT.ask(order)
    except TimeoutError:
        raise TooLargeError(f"Spot was stopped after {seconds:g} s") from None
    except WorkerDiedError as error:
        if error.code in _EXHAUSTED:
            raise TooLargeError("Spot ran out of its limits") from None
        raise HarnessError(f"Spot failed twice on '{text}': {error}") from None
    if "too_large" in answer:
        raise TooLargeError(answer["too_large"])
    if "failed" in answer:
        raise HarnessError(f"Spot failed on '{text}': {answer['failed']}")
    edges = np.array(answer["edges"], np.int32).reshape(-1, 3)
    packed = np.frombuffer(bytes.fromhex("".join(answer["tables"])), np.uint8)
    width = 2**propositions
    tables = np.unpackbits(
        packed.reshape(-1, -(-width // 8)), axis=1, count=width, bitorder="little"
    )
    return Edges(
        0,
        edges[:, 0].copy(),
        edges[:, 1].copy(),
        tables[edges[:, 2]].astype(np.bool_),
        np.array(answer["accepting"], np.bool_),
    )
