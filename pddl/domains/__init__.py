"""The planning domains: PDDL, instance generators and plain-English descriptions."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from surefoot.core.errors import InputError
from surefoot.pddl.domains.base import DomainSpec, Instance
from surefoot.pddl.language.scope import did_you_mean

__all__ = ["DomainSpec", "Instance", "get_domain", "list_domains"]

_CLASSES = {
    "barman": "Barman",
    "blocksworld": "Blocksworld",
    "delivery": "Delivery",
    "floortile": "Floortile",
    "grippers": "Grippers",
    "kitchen": "Kitchen",
    "storage": "Storage",
    "tabletop": "Tabletop",
    "termes": "Termes",
    "tyreworld": "Tyreworld",
}


def list_domains() -> tuple[str, ...]:
    """Returns the names of all domains, sorted."""
    return tuple(_CLASSES)


@cache
def get_domain(name: str) -> DomainSpec:
    """Returns a domain by name; its module is imported on first use.

    Raises:
        InputError: There is no domain of this name.
    """
    if name not in _CLASSES:
        hint = did_you_mean(name, _CLASSES)
        raise InputError(f"unknown domain '{name}'{hint}; known: {', '.join(_CLASSES)}")
    module = import_module(f"surefoot.pddl.domains.{name}")
    spec: DomainSpec = getattr(module, _CLASSES[name])()
    return spec
