"""Perturbations by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot.core.config import check_config
from surefoot.core.errors import InputError
from surefoot.core.registry import OWN, Registry
from surefoot.envs.perturbations.base import ImagePerturbation, Perturbation

PERTURBATIONS: Registry[type[Perturbation]] = Registry("perturbations", "perturbation")
"""Classes of perturbations by name; a class states its own name as ``name``."""

for _name, _place in {
    "camera-pose": "robot:CameraPoseError",
    "colour-shift": "images:ColourShift",
    "defocus": "optics:Defocus",
    "delay": "robot:Delay",
    "distractors": "robot:Distractors",
    "dropped-frames": "robot:DroppedFrames",
    "exposure": "images:Exposure",
    "fog": "optics:Fog",
    "friction": "robot:Friction",
    "grasp-slip": "robot:GraspSlip",
    "jpeg": "images:Jpeg",
    "lens-dirt": "optics:LensDirt",
    "low-resolution": "images:LowResolution",
    "motion-blur": "optics:MotionBlur",
    "noise": "images:Noise",
    "occluders": "optics:Occluders",
    "position-noise": "robot:PositionNoise",
}.items():
    PERTURBATIONS.builtin(_name, f"surefoot.envs.perturbations.{_place}")


def build(spec: Mapping[str, Any]) -> Perturbation:
    """Builds a perturbation from its name and arguments.

    Args:
        spec: ``name`` and the fields of its class.

    Raises:
        InputError: There is no such perturbation, or an argument does not fit.
    """
    arguments = dict(spec)
    name = str(arguments.pop("name", None))
    kind = PERTURBATIONS.get(name)
    kind.name = kind.name or name
    try:
        return check_config(kind, arguments)
    except InputError as error:
        raise InputError(f"perturbation '{name}': {error}") from None


def image_perturbations() -> tuple[str, ...]:
    """Returns the names of the built-in perturbations of images, sorted.

    Data sets draw from these only, so that installed plugins do not change what a seed gives.
    """
    names = [n for n in PERTURBATIONS.names() if PERTURBATIONS.entry(n).origin == OWN]
    return tuple(sorted(n for n in names if issubclass(PERTURBATIONS.get(n), ImagePerturbation)))
