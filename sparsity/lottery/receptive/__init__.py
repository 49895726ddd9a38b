"""Receptive fields of first layers: their locality, and the effect of pruning."""
