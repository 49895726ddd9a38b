"""Environments and policies by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.registry import Registry, is_place, load_place
from surefoot.envs.episodes.protocol import EnvAdapter, Policy, PolicyMaker

SCRIPTED = "scripted"
"""Name of the policy that knows the true state; every environment provides one."""

ENVIRONMENTS: Registry[type[EnvAdapter]] = Registry("environments", "environment")
"""Classes that adapt an environment to the episode runner, by name."""

ENVIRONMENTS.builtin("tabletop", "surefoot.envs.episodes.tabletop:TabletopAdapter")
ENVIRONMENTS.builtin("crossing", "surefoot.envs.episodes.crossing:CrossingAdapter")

POLICIES: Registry[PolicyMaker] = Registry("policies", "policy")
"""Makers of policies by name: called with an environment's name and with options."""


def get_environment(name: str) -> EnvAdapter:
    """Returns an environment by name.

    Raises:
        InputError: There is no such environment.
    """
    return ENVIRONMENTS.get(name)()


def check_policy(spec: str) -> None:
    """Checks the specification of a policy, without importing it.

    Args:
        spec: ``scripted``, a name, or ``MODULE:NAME``.

    Raises:
        InputError: It cannot.
    """
    if spec != SCRIPTED and spec not in POLICIES and not is_place(spec):
        known = ", ".join((SCRIPTED, *POLICIES.names()))
        raise InputError(f"no policy '{spec}'; there are {known}, or MODULE:FUNCTION for your own")


def make_policy(spec: str, env: str, options: Mapping[str, Any] | None = None) -> Policy:
    """Makes a policy.

    Args:
        spec: ``scripted``, a name, or ``MODULE:NAME`` of a function; its module may lie in the
            current folder.
        env: Name of the environment.
        options: Options of the policy; ``MODULE:NAME`` is called without them if there are none.

    Raises:
        InputError: There is no such policy, or the result is not a policy.
    """
    check_policy(spec)
    if spec == SCRIPTED:
        return get_environment(env).scripted()
    if spec in POLICIES:
        policy = POLICIES.get(spec)(env, options)
    else:
        maker: PolicyMaker = load_place(spec, "policy")
        policy = maker(env, options) if options else maker(env)
    if not (hasattr(policy, "begin") and hasattr(policy, "act")):
        raise InputError(f"'{spec}' returns no policy: an object with 'begin' and 'act' is needed")
    return policy
