"""Compression of transformers: pruning, low rank, quantization and memory-lean training."""
