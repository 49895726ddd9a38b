"""LTLf straight from its definition: quantifiers over the steps, nothing else.

Written apart from `surefoot.verification.formulas.semantics`, which works on whole traces at
once; here `holds` asks for one step at a time. Also draws random formulas and traces.
"""

from __future__ import annotations

from random import Random

from surefoot.verification.formulas.syntax import (
    Always,
    And,
    Eventually,
    False_,
    Formula,
    Iff,
    Implies,
    Next,
    Not,
    Or,
    Prop,
    Release,
    StrongNext,
    StrongRelease,
    True_,
    Until,
    WeakUntil,
    Xor,
)

Trace = list[set[str]]
UNARY = (Not, Next, StrongNext, Eventually, Always)
MANY = (And, Or)
BINARY = (Implies, Iff, Xor, Until, WeakUntil, Release, StrongRelease)


def holds(f: Formula, trace: Trace, i: int = 0) -> bool:
    later = range(i, len(trace))

    def until(a: Formula, b: Formula) -> bool:
        return any(
            holds(b, trace, j) and all(holds(a, trace, k) for k in range(i, j)) for j in later
        )

    match f:
        case True_():
            return True
        case False_():
            return False
        case Prop(name):
            return i < len(trace) and name in trace[i]
        case Not(a):
            return not holds(a, trace, i)
        case And(parts):
            return all(holds(p, trace, i) for p in parts)
        case Or(parts):
            return any(holds(p, trace, i) for p in parts)
        case Implies(a, b):
            return not holds(a, trace, i) or holds(b, trace, i)
        case Iff(a, b):
            return holds(a, trace, i) == holds(b, trace, i)
        case Xor(a, b):
            return holds(a, trace, i) != holds(b, trace, i)
        case Next(a):
            return i + 1 >= len(trace) or holds(a, trace, i + 1)
        case StrongNext(a):
            return i + 1 < len(trace) and holds(a, trace, i + 1)
        case Eventually(a):
            return any(holds(a, trace, j) for j in later)
        case Always(a):
            return all(holds(a, trace, j) for j in later)
        case Until(a, b):
            return until(a, b)
        case WeakUntil(a, b):
            return until(a, b) or all(holds(a, trace, j) for j in later)
        case Release(a, b):
            return not until(Not(a), Not(b))
        case StrongRelease(a, b):
            return any(
                holds(a, trace, j) and all(holds(b, trace, k) for k in range(i, j + 1))
                for j in later
            )
    raise AssertionError(f)


def random_formula(rng: Random, size: int, names: list[str]) -> Formula:
    """Draws a formula with that many operators and leaves."""
    if size <= 1:
        return rng.choice([True_(), False_()]) if rng.random() < 0.06 else Prop(rng.choice(names))
    if size == 2 or rng.random() < 0.4:
        return rng.choice(UNARY)(random_formula(rng, size - 1, names))
    left = rng.randint(1, size - 2)
    a, b = random_formula(rng, left, names), random_formula(rng, size - 1 - left, names)
    operator = rng.choice(MANY + BINARY)
    return operator((a, b)) if operator in MANY else operator(a, b)


def random_trace(rng: Random, names: list[str], length: int, density: float = 0.5) -> Trace:
    return [{n for n in names if rng.random() < density} for _ in range(length)]
