"""Model checking of all formulas, with counterexamples."""
