"""Compresses a checkpoint one block at a time."""
