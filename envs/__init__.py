"""Simulated robots, cameras and things that go wrong; knows no model.

Importing it makes the environments known to Gymnasium; processes that Gymnasium starts do so
by themselves where an id is given as ``surefoot.envs:surefoot/Tabletop-v0``.
"""

from surefoot.envs.registration import GYMNASIUM_IDS

__all__ = ["GYMNASIUM_IDS"]
