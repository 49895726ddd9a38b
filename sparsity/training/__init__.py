"""Training in little memory: Q-GaLore, its peers, and the recovery of compressed models."""
