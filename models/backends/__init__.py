"""One module per kind of planner or model, imported at first use."""
