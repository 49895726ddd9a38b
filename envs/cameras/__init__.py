"""Cameras and what they can see."""
