"""Robots of ``pybullet_data`` with simplified visual meshes.

The visual meshes of the Panda have about 100,000 faces and cost 20 ms per image without a
GPU. Its collision meshes look similar and cost almost nothing, so the URDF is rewritten
at load time: every visual shape uses the link's own collision mesh.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from surefoot.envs.simulation.generated import generated

PANDA = "franka_panda/panda.urdf"
"""The Franka Panda arm with its hand, in ``pybullet_data``."""


def data_folder() -> Path:
    """Returns the folder of ``pybullet_data``."""
    import pybullet_data

    return Path(pybullet_data.getDataPath())


def light_text(path: Path) -> str:
    """Returns a URDF whose visual shapes are the collision meshes, with absolute paths.

    Colours stay. A link without a collision mesh keeps its visual shape.

    Args:
        path: The URDF.
    """
    tree = ElementTree.parse(path)
    for link in tree.iter("link"):
        meshes = [m.get("filename", "") for m in link.findall("collision/geometry/mesh")]
        for visual in link.findall("visual/geometry/mesh"):
            if meshes:
                visual.set("filename", meshes[0])
    for mesh in tree.iter("mesh"):
        name = mesh.get("filename", "").removeprefix("package://")
        mesh.set("filename", str(path.parent / name))
    return ElementTree.tostring(tree.getroot(), encoding="unicode")


def load_light(api: object, name: str, **options: object) -> int:
    """Loads a robot with light visuals.

    Args:
        api: A client's functions (:attr:`~surefoot.envs.simulation.client.Simulation.api`).
        name: Path within ``pybullet_data``.
        options: Passed on to ``loadURDF``.

    Returns:
        The body's id.
    """
    return int(api.loadURDF(str(_light_file(name)), **options))  # type: ignore[attr-defined]


@cache
def _light_file(name: str) -> Path:
    return generated(light_text(data_folder() / name), ".urdf")
