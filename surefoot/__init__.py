"""Surefoot runs and grades robot planners that know where they are uncertain."""

__version__ = "0.1.0"

WIRING = {
    "policies": {"agent": "surefoot.agents.policy:make_agent"},
    "model_formats": {
        "low-rank": "surefoot.sparsity.export.loading:load_compressed",
        "mixture": "surefoot.sparsity.merging.mixture:load_mixture",
        "read-me": "surefoot.sparsity.experts.model:load_read_me",
    },
}
"""What rooms add to the registries of rooms that may not name them, by kind and name; read by
:class:`~surefoot.core.registry.Registry` when a name of the kind is first looked up."""
