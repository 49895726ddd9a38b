"""Calibrating an agent: episodes of the policy that stops looking, and what follows from them."""
