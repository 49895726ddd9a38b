"""``surefoot list``: what the project knows by name."""

from __future__ import annotations

import typer

from surefoot.pddl.domains import get_domain, list_domains


def list_known() -> None:
    """List the planning domains with the range of their sizes, and the experiments."""
    from surefoot.experiments import get_experiment, list_experiments

    for name in list_domains():
        spec = get_domain(name)
        sizes = f"{spec.min_size}-{spec.max_size}"
        typer.echo(f"{name:12} {sizes:8} {spec.summary}")
    for name in list_experiments():
        typer.echo(f"{name:12} {'study':8} {get_experiment(name).claim}")
