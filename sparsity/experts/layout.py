"""Assignment of the neurons of gated perceptrons to experts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from surefoot.core.errors import InputError


@dataclass(frozen=True)
class LayerLayout:
    """The neurons of one layer.

    Attributes:
        width: Neurons of the dense layer.
        permanent: Neurons that are always active, ascending.
        own: For each expert its neurons beside the permanent ones, ascending. Neurons may belong to
            several experts, but not to all.
    """

    width: int
    permanent: tuple[int, ...]
    own: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        always = set(self.permanent)
        for name, part in (("permanent", self.permanent), *enumerate(self.own)):
            owner = f"expert {name}" if isinstance(name, int) else "the permanent expert"
            if list(part) != sorted(set(part)):
                raise InputError(f"neurons of {owner} are not ascending or not unique")
            if part and not 0 <= part[0] <= part[-1] < self.width:
                raise InputError(f"neurons of {owner} are not within 0 to {self.width - 1}")
            if isinstance(name, int) and always.intersection(part):
                raise InputError(f"{owner} shares neurons with the permanent expert")

    @property
    def rest(self) -> tuple[int, ...]:
        """Neurons of no expert."""
        used = set(self.permanent).union(*self.own)
        return tuple(i for i in range(self.width) if i not in used)

    def active(self, expert: int) -> tuple[int, ...]:
        """Returns the active neurons of an expert, ascending."""
        return tuple(sorted((*self.permanent, *self.own[expert])))

    def counts(self) -> list[int]:
        """Returns the number of experts that each neuron belongs to; 0 for permanent ones."""
        found = [0] * self.width
        for part in self.own:
            for i in part:
                found[i] += 1
        return found


@dataclass(frozen=True)
class ExpertLayout:
    """The neurons of all layers.

    Attributes:
        domains: Domain of each expert.
        layers: The layers in order.
    """

    domains: tuple[str, ...]
    layers: tuple[LayerLayout, ...]

    def __post_init__(self) -> None:
        if not self.domains or len(set(self.domains)) != len(self.domains):
            raise InputError("experts need different domains, at least one")
        if not self.layers:
            raise InputError("a layout needs layers")
        for number, layer in enumerate(self.layers):
            if len(layer.own) != len(self.domains):
                raise InputError(
                    f"layer {number} has {len(layer.own)} experts for {len(self.domains)} domains"
                )

    @property
    def experts(self) -> int:
        """Number of experts, without the permanent one."""
        return len(self.domains)

    def shuffled(self, seed: int) -> ExpertLayout:
        """Returns a layout of the same sizes and overlaps with randomly assigned neurons.

        Args:
            seed: Seed of the draw.
        """
        rng = Random(f"layout:{seed}")
        layers = []
        for layer in self.layers:
            order = list(range(layer.width))
            rng.shuffle(order)
            layers.append(
                LayerLayout(
                    layer.width,
                    tuple(sorted(order[i] for i in layer.permanent)),
                    tuple(tuple(sorted(order[i] for i in part)) for part in layer.own),
                )
            )
        return ExpertLayout(self.domains, tuple(layers))

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data; sets of neurons are hexadecimal numbers, bit i for neuron i."""
        return {
            "domains": list(self.domains),
            "layers": [
                {"width": a.width, "permanent": _bits(a.permanent), "own": [*map(_bits, a.own)]}
                for a in self.layers
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ExpertLayout:
        """Reads a layout.

        Raises:
            InputError: It is not a layout.
        """
        try:
            return cls(
                tuple(map(str, data["domains"])),
                tuple(
                    LayerLayout(
                        int(a["width"]), _numbers(a["permanent"]), tuple(map(_numbers, a["own"]))
                    )
                    for a in data["layers"]
                ),
            )
        except (KeyError, TypeError, ValueError):
            raise InputError("not a layout of experts") from None


def layout_of(masks: Mapping[str, Sequence[Iterable[int]]], widths: Sequence[int]) -> ExpertLayout:
    """Makes a layout from the neurons that each domain needs.

    The neurons that all domains need become the permanent expert (Read-ME, section 3.1); each
    expert has the remaining neurons of its domain. With one domain all neurons are permanent.

    Args:
        masks: For each domain and layer the neurons that it needs.
        widths: Neurons of each layer.

    Raises:
        InputError: There is no domain, or a layer is missing.
    """
    if any(len(part) != len(widths) for part in masks.values()):
        raise InputError("every domain needs a set of neurons for each layer")
    layers = []
    for i, width in enumerate(widths):
        needed = [set(part[i]) for part in masks.values()]
        always = set.intersection(*needed) if needed else set()
        own = tuple(tuple(sorted(part - always)) for part in needed)
        layers.append(LayerLayout(width, tuple(sorted(always)), own))
    return ExpertLayout(tuple(masks), tuple(layers))


def _bits(numbers: Iterable[int]) -> str:
    return f"{sum(1 << i for i in numbers):x}"


def _numbers(bits: str) -> tuple[int, ...]:
    digits = bin(int(bits, 16))[:1:-1]
    return tuple(i for i, bit in enumerate(digits) if bit == "1")
