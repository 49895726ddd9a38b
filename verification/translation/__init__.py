"""Translation of formulas to automata; Spot runs in a separate process."""
