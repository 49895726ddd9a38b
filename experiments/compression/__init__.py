"""The study of compression: zeros, factors, optimizers, and policies in the closed loop."""
