"""Simulated robots, cameras and things that go wrong; knows no model."""
