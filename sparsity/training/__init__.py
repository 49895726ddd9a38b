"""Memory-efficient training: Q-GaLore and similar methods, and the recovery of compressed
models.
"""
