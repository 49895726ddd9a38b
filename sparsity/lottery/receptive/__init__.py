"""Receptive fields: whether weights of a first layer are local, and what pruning does to them."""
