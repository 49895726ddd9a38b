"""Strategies by name."""

from __future__ import annotations

from collections.abc import Callable

from surefoot.agents.sensing.entropy import ByEntropy, BySetSize
from surefoot.agents.sensing.observation import ViewModel, builtin_views
from surefoot.agents.sensing.strategies import AtRandom, Stay, Strategy, Sweep
from surefoot.core.errors import InputError

_PLAIN: dict[str, Callable[[], Strategy]] = {"none": Stay, "sweep": Sweep, "random": AtRandom}
_KNOWING: dict[str, Callable[[ViewModel], Strategy]] = {
    "set-size": BySetSize,
    "entropy": ByEntropy,
}

STRATEGIES = (*_PLAIN, *_KNOWING)
"""All names."""


def make_strategy(name: str, env: str, views: ViewModel | None = None) -> Strategy:
    """Makes a strategy.

    Args:
        name: Its name.
        env: The stage, by which it knows what views tell.
        views: What they tell; that which comes with Surefoot by default.

    Raises:
        InputError: There is none of that name, or nothing is known of the stage's views.
    """
    if name in _PLAIN:
        return _PLAIN[name]()
    if name in _KNOWING:
        return _KNOWING[name](views or builtin_views(env))
    raise InputError(f"no strategy '{name}'; there are {', '.join(STRATEGIES)}")
