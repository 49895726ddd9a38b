"""Sequences of ground facts: the two signals are preconditions of one action."""

from __future__ import annotations

from random import Random

from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.errors import InputError
from surefoot.pddl.domains import get_domain
from surefoot.pddl.language.model import Atom
from surefoot.pddl.successors import positive_atoms
from surefoot.sparsity.dynamics.data import SHARES, Sequences, named_sequences

_DRAWS = 20_000
"""Most states drawn."""


class FactSequences(BaseModel):
    """Start states of drawn tasks as sequences of facts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    domain: str = "blocksworld"
    """Domain."""
    size: int = 30
    """Size of its tasks."""
    action: tuple[str, ...] = ("pickup", "b1")
    """A ground action, name first, whose preconditions are the signals."""
    always: str = "(arm-empty)"
    """The precondition that every state meets."""
    n: int = Field(default=120, ge=6)
    """Sequences, a multiple of 6."""
    length: int = Field(default=6, ge=3)
    """Facts per sequence: the signals that hold, and others drawn from the same state."""


def fact_sequences(facts: FactSequences, seed: int) -> Sequences:
    """Draws sequences with label yes if both preconditions hold, in the paper's proportions.

    Args:
        facts: What is drawn.
        seed: Seed of tasks and of the facts chosen.

    Raises:
        InputError: The action has not three preconditions of which one always holds, or the states
            do not show all four cases.
    """
    spec = get_domain(facts.domain)
    name, *args = facts.action
    schema = spec.domain.actions.get(name)
    if schema is None or len(schema.parameters) != len(args):
        raise InputError(
            f"'{' '.join(facts.action)}' is no action of {facts.domain}; it has "
            f"{', '.join(spec.domain.actions)}"
        )
    bound = dict(zip((p.name for p in schema.parameters), args, strict=True))
    wanted = [
        str(Atom(a.predicate, tuple(bound.get(term, term) for term in a.args)))
        for a in positive_atoms(schema.precondition)
    ]
    if facts.always not in wanted or len(wanted) != 3:
        raise InputError(
            f"the preconditions of '{' '.join(facts.action)}' are {', '.join(wanted)}; the study "
            f"needs three, one of them {facts.always}"
        )
    signals = [w for w in wanted if w != facts.always]
    if facts.n % sum(SHARES):
        raise InputError(f"{facts.n} sequences; they come in sixths, so give a multiple of 6")
    rng = Random(f"facts:{seed}")
    room = {
        case: share * facts.n // 6
        for case, share in zip(((1, 1), (1, 0), (0, 1), (0, 0)), SHARES, strict=True)
    }
    rows: list[list[str]] = []
    for _ in range(_DRAWS):
        if len(rows) == facts.n:
            return named_sequences(rows, (*signals, facts.always))
        state = {str(f) for f in spec.generate(facts.size, rng.getrandbits(40)).task.problem.init}
        case = (int(signals[0] in state), int(signals[1] in state))
        head = [s for s in (*signals, facts.always) if s in state]
        rest = sorted(state - set(head))
        if facts.always not in state or len(rest) < facts.length - len(head) or not room[case]:
            continue
        room[case] -= 1
        row = [*head, *rng.sample(rest, facts.length - len(head))]
        rows.append(rng.sample(row, len(row)))
    raise InputError(
        f"{_DRAWS} states of {facts.domain} do not show all cases of {' and '.join(signals)}; "
        "choose another action or size"
    )
