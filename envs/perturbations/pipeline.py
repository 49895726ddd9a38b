"""Sequences of perturbations, and named shifts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from surefoot.core.config import read_config_file
from surefoot.core.errors import InputError
from surefoot.envs.cameras.camera import Frame
from surefoot.envs.perturbations.base import (
    Channels,
    ImagePerturbation,
    Perturbation,
    RandomSource,
    merge_faults,
)
from surefoot.envs.perturbations.catalogue import PERTURBATIONS, build
from surefoot.envs.perturbations.faults import Faults

SCENARIOS: dict[str, tuple[str, dict[str, float]]] = {
    "dusk": (
        "dark, grainy and off-colour",
        {"exposure": 0.6, "colour-shift": 0.3, "noise": 0.35},
    ),
    "dirty-lens": ("smeared lens, slightly out of focus", {"lens-dirt": 0.8, "defocus": 0.15}),
    "misty-morning": ("fog and a cold light", {"fog": 0.5, "colour-shift": 0.2}),
    "cluttered": (
        "objects in the scene and before the lens",
        {"distractors": 0.75, "occluders": 0.3},
    ),
    "shaky": (
        "a camera that moves in the wind",
        {"camera-pose": 0.4, "motion-blur": 0.45, "dropped-frames": 0.2},
    ),
    "bad-link": (
        "a poor radio link",
        {"low-resolution": 0.4, "jpeg": 0.85, "delay": 0.3, "dropped-frames": 0.3},
    ),
    "slippery": (
        "an oily gripper on a worn arm",
        {"grasp-slip": 0.25, "friction": 0.4, "position-noise": 0.2},
    ),
}
"""Named shifts: a description of each, and the severities of its perturbations in order."""


@dataclass(frozen=True)
class Pipeline:
    """Perturbations in the order in which they act.

    Attributes:
        parts: The perturbations.
    """

    parts: tuple[Perturbation, ...] = ()

    @classmethod
    def build(cls, specs: Iterable[Mapping[str, Any]]) -> Pipeline:
        """Builds a pipeline from names and arguments.

        Raises:
            InputError: A name or an argument is unknown.
        """
        return cls(tuple(build(spec) for spec in specs))

    @classmethod
    def parse(cls, texts: Sequence[str]) -> Pipeline:
        """Builds a pipeline from command-line texts.

        Args:
            texts: Each ``NAME``, ``NAME=SEVERITY`` or ``NAME=SEVERITY:ARGUMENT=VALUE``, or the
                name of a scenario, whose severities a given one multiplies.

        Raises:
            InputError: A name or an argument is unknown.
        """
        specs: list[dict[str, Any]] = []
        for text in texts:
            head, *rest = text.split(":")
            name, _, severity = head.partition("=")
            spec: dict[str, Any] = {"name": name}
            if severity:
                spec["severity"] = severity
            for item in rest:
                key, equals, value = item.partition("=")
                if not equals:
                    raise InputError(f"expected ARGUMENT=VALUE after the colon in '{text}'")
                spec[key] = value
            if name in SCENARIOS:
                specs += _scenario(name, severity)
            elif name not in PERTURBATIONS:
                raise InputError(
                    f"{PERTURBATIONS.unknown(name)}, and the scenarios {', '.join(SCENARIOS)}"
                )
            else:
                specs.append(spec)
        return cls.build(specs)

    @classmethod
    def scenario(cls, name: str, strength: float = 1.0) -> Pipeline:
        """Returns a named shift with its severities multiplied by ``strength`` in [0, 1].

        Raises:
            InputError: There is no such scenario.
        """
        return cls.build(_scenario(name, str(strength)))

    @classmethod
    def read(cls, path: Path) -> Pipeline:
        """Reads a YAML file with a list ``perturbations`` of names with arguments.

        Raises:
            InputError: The file cannot be read or has other content.
        """
        data = read_config_file(path, "perturbations")
        specs = data.pop("perturbations", None)
        if data or not isinstance(specs, list) or not all(isinstance(s, dict) for s in specs):
            raise InputError(
                "expected 'perturbations:' with a list of entries such as "
                "'{name: fog, severity: 0.3}'",
                file=str(path),
            )
        try:
            return cls.build(specs)
        except InputError as error:
            raise InputError(error.message, file=str(path)) from None

    def specs(self) -> list[dict[str, Any]]:
        """Returns names and arguments as plain JSON data, the input of :meth:`build`."""
        return [part.spec() for part in self.parts]

    def apply(self, image: Channels, draws: RandomSource) -> Channels:
        """Changes an image."""
        for part in self.parts:
            if isinstance(part, ImagePerturbation):
                image = part.apply(image, draws)
        return image

    def frame(self, frame: Frame, draws: RandomSource) -> Frame:
        """Changes a frame; pose, lens, links and time stay."""
        image = self.apply(Channels(frame.rgb, frame.depth, frame.segmentation), draws)
        return replace(frame, **image._asdict())

    def faults(self, base: Faults | None = None) -> Faults:
        """Returns the faults with which an environment applies the pipeline, merged with ``base``.

        The cameras of a :class:`~surefoot.envs.cameras.rig.Rig` perturb the images themselves.
        """
        return merge_faults(base or Faults(), [part.faults() for part in self.parts])


def _scenario(name: str, strength: str) -> list[dict[str, Any]]:
    if name not in SCENARIOS:
        raise InputError(f"no scenario '{name}'; there are {', '.join(SCENARIOS)}")
    try:
        factor = float(strength or 1)
    except ValueError:
        factor = -1.0
    if not 0 <= factor <= 1:
        raise InputError(f"scenario '{name}': the strength must lie in [0, 1], got '{strength}'")
    return [{"name": n, "severity": factor * s} for n, s in SCENARIOS[name][1].items()]
