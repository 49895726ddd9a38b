"""Compression: pruning, low-rank factors, quantization, and training in little memory."""
