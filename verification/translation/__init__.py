"""From formulas to automata; Spot works in a process of its own."""
