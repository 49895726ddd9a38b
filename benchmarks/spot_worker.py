"""Times Spot's warm process beside plain Spot, in one run: what does the process cost?

Formulas: the 55 property patterns of Dwyer, Avrunin and Corbett (as Spot's own collection has
them) and Surefoot's patterns on all scopes. Nothing is kept on disk or in memory. Each formula is
timed `ROUNDS` times in turn, in wall-clock seconds, and its shortest time counts:

- plain Spot: a formula for finite traces to Spot's automaton, in a process that does nothing else;
- translated: the same through Surefoot's process, to arrays of edges and letters;
- compiled: `compile_ltlf`, which makes minimal tables of them, and tries hard formulas by way of
  their negation;
- for infinite words, plain Spot and `compile_buchi`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import product
from time import perf_counter
from typing import Any

ROUNDS = 7


def timed(works: Sequence[Callable[[], Any]]) -> list[float]:
    """Returns the shortest time of each piece of work, after one round that does not count."""
    best = [float("inf")] * len(works)
    for number in range(ROUNDS + 1):
        for i, work in enumerate(works):
            begun = perf_counter()
            work()
            spent = perf_counter() - begun
            if number:
                best[i] = min(best[i], spent)
    return best


def plain() -> None:
    """Times Spot in this process: formulas on standard input, seconds on standard output."""
    import spot

    def finite(text: str) -> object:
        formula = spot.from_ltlf(spot.formula(text), "alive")
        automaton = spot.translate(formula, "buchi", "sbacc", "deterministic")
        return spot.to_finite(automaton, "alive")

    def infinite(text: str) -> object:
        return spot.translate(spot.formula(text), "buchi", "sbacc", "small")

    texts = json.load(sys.stdin)
    json.dump(
        {
            "finite": timed([lambda t=t: finite(t) for t in texts]),
            "infinite": timed([lambda t=t: infinite(t) for t in texts]),
        },
        sys.stdout,
    )


def dwyer() -> list[str]:
    """Returns Dwyer's patterns, from Spot's collection."""
    code = (
        "import json, spot.gen as g\n"
        "print(json.dumps([str(g.ltl_pattern(g.LTL_DAC_PATTERNS, i)) for i in range(1, 56)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    texts: list[str] = json.loads(done.stdout)
    return texts


def ours() -> list[str]:
    """Returns Surefoot's patterns on all their scopes."""
    from surefoot.verification.formulas import patterns as p

    scopes = (p.GLOBALLY, p.before("r"), p.after("q"), p.between("q", "r"), p.after_until("q", "r"))
    kinds = (
        p.absence,
        p.universality,
        p.existence,
        p.bounded_existence,
        lambda f, scope: p.precedence(f, first="s", scope=scope),
        lambda f, scope: p.response(f, then="s", scope=scope),
    )
    return [str(kind("p", scope=scope).formula) for kind, scope in product(kinds, scopes)]


def measure(name: str, texts: list[str]) -> None:
    """Prints the ratios for one collection."""
    from surefoot.verification.formulas.parser import parse
    from surefoot.verification.translation import automata
    from surefoot.verification.translation.spot_backend import translate

    known = [parse(text) for text in texts]
    numbers = [{n: f"p{i}" for i, n in enumerate(f.propositions)} for f in known]
    formulas = [f.renamed(n.__getitem__) for f, n in zip(known, numbers, strict=True)]

    def translated(formula: Any) -> None:
        translate(str(formula), len(formula.propositions), finite=True, deterministic=True)

    def compiled(formula: Any) -> None:
        automata._finite.cache_clear()
        automata.compile_ltlf(formula)

    def words(formula: Any) -> None:
        automata._infinite.cache_clear()
        automata.compile_buchi(formula)

    done = subprocess.run(
        [sys.executable, __file__, "plain"],
        input=json.dumps([str(f) for f in formulas]),
        check=True,
        capture_output=True,
        text=True,
    )
    theirs = json.loads(done.stdout)
    hard = sum(not automata._easy(f) for f in formulas)
    print(f"{name}: {len(formulas)} formulas, {hard} of more than four temporal operators")
    for label, work, kind in (
        ("translated", translated, "finite"),
        ("compiled", compiled, "finite"),
        ("compiled for infinite words", words, "infinite"),
    ):
        mine = timed([lambda f=f, work=work: work(f) for f in formulas])
        base = theirs[kind]
        ratios = [a / b for a, b in zip(mine, base, strict=True)]
        worst = max(range(len(ratios)), key=ratios.__getitem__)
        slowest = max(range(len(mine)), key=mine.__getitem__)
        print(
            f"  {label:28} {1e3 * sum(mine):7.1f} ms, plain Spot {1e3 * sum(base):7.1f} ms: "
            f"{sum(mine) / sum(base):.2f} x\n"
            f"    largest ratio {ratios[worst]:.1f} x ({1e3 * mine[worst]:.1f} ms, "
            f"{formulas[worst]}); slowest {1e3 * mine[slowest]:.1f} ms, "
            f"{ratios[slowest]:.1f} x"
        )


def main() -> None:
    """Prints all ratios."""
    from surefoot.verification.translation import cache
    from surefoot.verification.translation.spot_backend import spot_version

    os.environ[cache.VARIABLE] = ""
    begun = perf_counter()
    version = spot_version()
    print(f"Spot {version}; its process was ready after {perf_counter() - begun:.2f} s")
    measure("Dwyer's patterns", dwyer())
    measure("Surefoot's patterns", ours())


if __name__ == "__main__":
    plain() if sys.argv[1:] == ["plain"] else main()
