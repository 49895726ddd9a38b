"""The planning domains: PDDL, instance generators and plain-English descriptions."""

from __future__ import annotations

from functools import cache

from surefoot.core.registry import Registry
from surefoot.pddl.domains.base import DomainSpec, Instance

__all__ = ["DOMAINS", "DomainSpec", "Instance", "get_domain", "list_domains"]

DOMAINS: Registry[type[DomainSpec]] = Registry("domains", "domain")
"""Classes of domains by name; add one with ``@DOMAINS.register(NAME)`` or an entry point."""

for _name in (
    "barman",
    "blocksworld",
    "delivery",
    "floortile",
    "grippers",
    "kitchen",
    "storage",
    "tabletop",
    "termes",
    "tyreworld",
):
    DOMAINS.builtin(_name, f"surefoot.pddl.domains.{_name}:{_name.title()}")


def list_domains() -> tuple[str, ...]:
    """Returns the names of all domains."""
    return DOMAINS.names()


@cache
def get_domain(name: str) -> DomainSpec:
    """Returns a domain by name; its module is imported on first use.

    Raises:
        InputError: There is no domain of this name.
    """
    return DOMAINS.get(name)()
