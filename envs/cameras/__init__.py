"""Cameras and visibility."""
