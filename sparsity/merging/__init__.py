"""Joining models: checks, similarity, merge operators, search and mixtures (Model-GLUE)."""
