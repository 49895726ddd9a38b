"""Ids of the environments; importing this module registers them with Gymnasium, if installed.

Parts of this package, such as the process pool, work without Gymnasium.
"""

from __future__ import annotations

from importlib.util import find_spec

GYMNASIUM_IDS = {
    "surefoot/Tabletop-v0": ("surefoot.envs.tabletop.env:TabletopEnv", 60),
    "surefoot/TabletopTwin-v0": ("surefoot.envs.tabletop.twin:TabletopTwin", 60),
    "surefoot/Crossing-v0": ("surefoot.envs.crossing.env:CrossingEnv", 240),
    "surefoot/CrossingTwin-v0": ("surefoot.envs.crossing.twin_env:CrossingTwinEnv", 240),
}
"""Class and largest number of steps per episode, by id."""

if find_spec("gymnasium") is not None:
    import gymnasium

    for _name, (_entry, _steps) in GYMNASIUM_IDS.items():
        if _name not in gymnasium.registry:
            gymnasium.register(_name, _entry, max_episode_steps=_steps)
