"""Compressed models on the disk: written, read back, merged."""
