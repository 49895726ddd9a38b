"""Metrics of sets, probabilities and decisions, each with an interval."""
