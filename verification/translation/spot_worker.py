"""The Spot process: formulas on standard input, automata on standard output.

The one file that imports Spot (Duret-Lutz and others, CAV 2022), whose licence is the GPL. It is
only run as a program, by ``spot_process``, and imports nothing of Surefoot and nothing that is slow
to load. Requests and answers are JSON, one per line.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import warnings
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import Any

MAX_CELLS = 2**28
"""Most entries of an array of edges by letters."""


def main() -> None:
    """Reports Spot's version, then answers requests until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends this process at its limit
    with os.fdopen(os.dup(1), "w", encoding="ascii") as out:
        os.dup2(2, 1)  # output of libraries must not mix with the answers
        spot, about = _load()
        print(json.dumps(about), file=out, flush=True)
        if spot is None:
            return
        for line in sys.stdin.buffer:
            answer = _answered(spot, json.loads(line))
            print(json.dumps(answer), file=out, flush=True)
            if answer["last"]:
                return


def _load() -> tuple[ModuleType | None, dict[str, str]]:
    """Returns Spot and its version, or None and the reason why it cannot be used."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of SWIG, which made its bindings
            import spot
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "spot":
            return None, {"missing": "is not installed"}
        return None, {"missing": f"cannot be loaded ({' '.join(str(error).split())})"}
    if not hasattr(spot, "from_ltlf"):
        return None, {"other": str(getattr(spot, "__file__", "unknown"))}
    return spot, {"version": str(spot.version())}


def _answered(spot: ModuleType, order: dict[str, Any]) -> dict[str, Any]:
    """Translates one formula within its limits.

    Args:
        spot: The library.
        order: ``text``, ``propositions``, ``finite`` and ``deterministic`` as for
            ``translate`` of ``spot_backend``; ``seconds`` and ``memory``.

    Returns:
        The automaton, or the reason why there is none: ``too_large`` or ``failed``. ``last`` means
        that this process ends now, so that a new one starts with free memory.
    """
    memory, seconds = order.pop("memory"), order.pop("seconds")
    _limit_memory(memory)
    signal.setitimer(signal.ITIMER_PROF, seconds)  # processor time, whatever else runs here
    try:
        answer = _translated(spot, **order)
        answer["last"] = _address_space() > memory / 4
    except Exception as error:
        if isinstance(error, MemoryError) or "alloc" in str(error):
            answer = {"too_large": "Spot ran out of its limits", "last": True}
        else:
            reason = " ".join(str(error).split()) or type(error).__name__
            answer = {"failed": reason, "last": False}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        _limit_memory(None)
    return answer


def _limit_memory(limit: int | None) -> None:
    """Sets or removes the limit of the address space, as far as the system supports it."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    if limit is None or limit > most != resource.RLIM_INFINITY:
        limit = most
    with suppress(OSError, ValueError):  # as macOS does not
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))


def _address_space() -> int:
    """Returns the size of this process in bytes; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _translated(
    spot: ModuleType, text: str, propositions: int, finite: bool, deterministic: bool
) -> dict[str, Any]:
    formula = spot.formula(text)
    wish = ("buchi", "sbacc", "deterministic" if deterministic else "small")
    own = spot.make_bdd_dict()  # so that no formula depends on those before it
    if finite:
        infinite = spot.translate(spot.from_ltlf(formula, "alive"), *wish, dict=own)
        automaton = spot.to_finite(infinite, "alive")
    else:
        automaton = spot.translate(formula, *wish, dict=own)
    if automaton.num_edges() * 2**propositions > MAX_CELLS:
        return {"too_large": "its edges take too much memory"}
    return _numbered(automaton, _TruthTables(automaton, propositions))


def _numbered(automaton: Any, truth: _TruthTables) -> dict[str, Any]:
    """Returns an automaton with its states in breadth-first order.

    Spot's own order depends on earlier translations.
    """
    moves: list[list[tuple[int, int]]] = [[] for _ in range(automaton.num_states())]
    for edge in automaton.edges():
        moves[edge.src].append((truth(edge.cond), edge.dst))
    queue = [int(automaton.get_init_state_number())]
    state_numbers = {queue[0]: 0}
    table_numbers: dict[int, int] = {}
    edges = []
    for source in queue:
        for table, target in sorted(moves[source], key=itemgetter(0)):
            if target not in state_numbers:
                state_numbers[target] = len(queue)
                queue.append(target)
            number = table_numbers.setdefault(table, len(table_numbers))
            edges.append((state_numbers[source], state_numbers[target], number))
    return {
        "edges": edges,
        "tables": [truth.text(table) for table in table_numbers],
        "accepting": [int(automaton.state_is_accepting(state)) for state in queue],
    }


class _TruthTables:
    """Converts conditions of edges, which are binary decision diagrams, to truth tables.

    A table is an integer whose bit i is the truth under letter i.
    """

    def __init__(self, automaton: Any, propositions: int) -> None:
        import buddy  # pyright: ignore[reportMissingImports]

        self._buddy = buddy
        self._letters: int = 2**propositions
        self._all: int = (1 << self._letters) - 1
        self._bits: dict[int, int] = {
            automaton.register_ap(f"p{i}"): self._where_true(i) for i in range(propositions)
        }
        self._known: dict[int, int] = {buddy.bddfalse.id(): 0, buddy.bddtrue.id(): self._all}

    def __call__(self, node: Any) -> int:
        """Returns the table of a condition."""
        key = node.id()
        if key not in self._known:
            high, low = self(self._buddy.bdd_high(node)), self(self._buddy.bdd_low(node))
            true = self._bits[self._buddy.bdd_var(node)]
            self._known[key] = high & true | low & ~true
        return self._known[key]

    def text(self, table: int) -> str:
        """Returns the bytes of a table in hexadecimal, those of the first letters first."""
        return table.to_bytes(-(-self._letters // 8), "little").hex()

    def _where_true(self, proposition: int) -> int:
        """Returns the letters with a proposition: runs of ones after runs of zeros as long."""
        run = 1 << proposition
        return self._all // ((1 << run) + 1) << run


if __name__ == "__main__":
    main()
