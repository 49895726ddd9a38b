"""One file a kind of planner or model; imported when first asked for."""
