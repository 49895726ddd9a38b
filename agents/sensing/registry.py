"""Strategies by name."""

from __future__ import annotations

from surefoot.agents.sensing.strategies import AtRandom, Stay, Strategy, Sweep
from surefoot.results.errors import InputError

_PLAIN = {"none": Stay, "sweep": Sweep, "random": AtRandom}


def make_strategy(name: str, env: str) -> Strategy:
    """Makes a strategy.

    Args:
        name: Its name.
        env: The stage, by which it knows what views tell.

    Raises:
        InputError: There is none of that name.
    """
    if name in _PLAIN:
        made: Strategy = _PLAIN[name]()
        return made
    raise InputError(f"no strategy '{name}'; there are {', '.join(_PLAIN)}")
