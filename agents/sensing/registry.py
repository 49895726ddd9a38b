"""Looking strategies by name."""

from __future__ import annotations

from collections.abc import Callable

from surefoot.agents.sensing.entropy import ByEntropy, BySetSize
from surefoot.agents.sensing.observation import ViewModel, builtin_views
from surefoot.agents.sensing.restoring import LookOrRestore, load_restoring
from surefoot.agents.sensing.strategies import AtRandom, Stay, Strategy, Sweep
from surefoot.core.registry import Registry

StrategyMaker = Callable[[str, ViewModel | None], Strategy]
"""Makes a strategy from the environment's name and from the view model there, if that is known."""

STRATEGIES: Registry[StrategyMaker] = Registry("strategies", "looking strategy")
"""Looking strategies by name."""


def make_strategy(name: str, env: str, views: ViewModel | None = None) -> Strategy:
    """Makes a strategy.

    Args:
        name: Its name.
        env: The environment.
        views: How informative views are there; the shipped model by default.

    Raises:
        InputError: There is none of that name, or nothing is known of the environment's views.
    """
    return STRATEGIES.get(name)(env, views)


def make_stay(env: str, views: ViewModel | None) -> Strategy:
    """Makes the strategy that never looks again."""
    return Stay()


def make_sweep(env: str, views: ViewModel | None) -> Strategy:
    """Makes the strategy that goes around in a fixed order."""
    return Sweep()


def make_random(env: str, views: ViewModel | None) -> Strategy:
    """Makes the strategy that draws a view."""
    return AtRandom()


def make_set_size(env: str, views: ViewModel | None) -> Strategy:
    """Makes the strategy that expects the smallest sets."""
    return BySetSize(views or builtin_views(env))


def make_entropy(env: str, views: ViewModel | None) -> Strategy:
    """Makes the strategy that expects the greatest loss of entropy."""
    return ByEntropy(views or builtin_views(env))


def make_restore(env: str, views: ViewModel | None) -> Strategy:
    """Makes the strategy that looks or restores, by what comes with Surefoot."""
    return LookOrRestore(views or builtin_views(env), load_restoring("builtin", env))


for _name, _maker, _summary in (
    ("none", "make_stay", "never looks again"),
    ("sweep", "make_sweep", "goes around in a fixed order"),
    ("random", "make_random", "any view that was not taken yet"),
    ("set-size", "make_set_size", "the view after which the sets are expected to be smallest"),
    (
        "entropy",
        "make_entropy",
        "the view with the greatest expected loss of entropy that matters, per second of motion",
    ),
    (
        "restore",
        "make_restore",
        "by entropy, but restores the last image where that gives more bits per second",
    ),
):
    STRATEGIES.builtin(_name, f"surefoot.agents.sensing.registry:{_maker}", _summary)
