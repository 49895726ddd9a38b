"""Formulas of temporal logic: reading, writing and evaluating them."""
