"""Memory-efficient training (Q-GaLore and similar) and recovery of compressed models."""
