"""Watching whether a calibration still holds, and mending it."""
