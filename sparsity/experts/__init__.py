"""Experts made of a dense model, and how they are served."""
