"""A zoo of specialised planners: one base tuned on one domain each, and one of another family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from surefoot.core.errors import InputError
from surefoot.core.progress import Note, unnoted
from surefoot.models.training.data import TRAIN_SIZES, Example, draw, make_example, split_of
from surefoot.models.training.planner import PlannerRecipe, train_planner, trained_steps
from surefoot.pddl.domains import get_domain

DOMAINS = ("blocksworld", "delivery", "grippers", "kitchen", "storage", "tabletop")
"""Domains of the specialists: those with enough distinct tasks for training and testing."""

STRANGER = "stranger"
"""Name of the planner of another family."""


@dataclass(frozen=True)
class SpecialistRecipe(PlannerRecipe):
    """A planner tuned on one domain.

    Attributes:
        domain: Domain that it is tuned on.
        rest: Fraction of the examples that are of all domains, repairs included, so that it does
            not forget everything else.
    """

    batch: int = 16
    steps: int = 400
    rate: float = 5e-4
    domain: str = "blocksworld"
    rest: float = 0.25

    def draw(self, split: str, seed: int) -> Iterator[Example]:
        """Yields examples of a split endlessly."""
        own, others = domain_examples(self.domain, split, seed), draw(split, seed)
        rng = Random(f"zoo:{self.domain}:{split}:{seed}")
        while True:
            yield next(others if rng.random() < self.rest else own)


@dataclass(frozen=True)
class StrangerRecipe(SpecialistRecipe):
    """A planner of another width, depth and vocabulary, that knows one domain only."""

    hidden: int = 96
    layers: int = 3
    heads: int = 3
    vocabulary: int = 640
    batch: int = 32
    steps: int = 1200
    rate: float = 2e-3
    rest: float = 0.0


@dataclass(frozen=True)
class ZooRecipe:
    """How the planners of a zoo are trained.

    Attributes:
        domains: Domains of the specialists, one planner each.
        specialist: How each of them is tuned; its domain, base and seed are set.
        stranger: The planner of another family; ``None`` for none.
        seed: Seed of data, order and of the stranger's weights.
    """

    domains: tuple[str, ...] = DOMAINS
    specialist: SpecialistRecipe = field(default_factory=SpecialistRecipe)
    stranger: StrangerRecipe | None = field(default_factory=StrangerRecipe)
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the planners."""
        return self.domains if self.stranger is None else (*self.domains, STRANGER)

    def member(self, name: str, base: Path) -> PlannerRecipe:
        """Returns how one planner is trained.

        Args:
            name: One of the names.
            base: Folder of the planner that specialists start from.
        """
        if name == STRANGER and self.stranger is not None:
            return replace(self.stranger, seed=self.seed)
        return replace(self.specialist, domain=name, seed=self.seed, start=str(base))


def domain_examples(domain: str, split: str, seed: int) -> Iterator[Example]:
    """Yields tasks of one domain with their plans endlessly, of all training sizes.

    Args:
        domain: Its name.
        split: ``train``, ``validation`` or ``test``.
        seed: Seed of the draw.

    Raises:
        InputError: No planner is trained on this domain.
    """
    if domain not in TRAIN_SIZES:
        raise InputError(
            f"no planner learns from the domain '{domain}'; choose from {', '.join(TRAIN_SIZES)}"
        )
    rng = Random(f"{domain}:{split}:{seed}")
    while True:
        size = rng.choice(TRAIN_SIZES[domain])
        example = make_example(get_domain(domain).generate(size, rng.getrandbits(40)))
        if split_of(example.task) == split:
            yield example


def train_zoo(
    base: Path, recipe: ZooRecipe, out: Path, *, minutes: float = 0.0, note: Note = unnoted
) -> Mapping[str, Path] | None:
    """Trains a zoo, or resumes an interrupted one.

    Args:
        base: Folder of the planner that all specialists start from.
        recipe: How it is trained.
        out: Folder; each planner gets one in it.
        minutes: Stop after this many minutes, to be resumed later; 0 for no limit.
        note: Called with one line per point of a learning curve.

    Returns:
        The folder of each planner's model, by name; ``None`` if time ran out.

    Raises:
        InputError: A domain is not known, or the folder holds another zoo.
    """
    import time

    begun = time.monotonic()
    found: dict[str, Path] = {}
    for name in recipe.names:
        # No time may be left, but 0 would mean no limit.
        left = max(1e-9, minutes - (time.monotonic() - begun) / 60) if minutes else 0.0
        model = train_member(base, recipe, name, out, minutes=left, note=note)
        if model is None:
            return None
        found[name] = model
    return found


def train_member(
    base: Path,
    recipe: ZooRecipe,
    name: str,
    out: Path,
    *,
    minutes: float = 0.0,
    note: Note = unnoted,
) -> Path | None:
    """Trains one planner of a zoo, or resumes an interrupted training.

    Args:
        base: Folder of the planner that specialists start from.
        recipe: How.
        name: One of the recipe's names.
        out: Folder; the planner gets one in it.
        minutes: Stop after this many minutes, to be resumed later; 0 for no limit.
        note: Called with one line per point of a learning curve.

    Returns:
        The folder of its model; ``None`` if time ran out.

    Raises:
        InputError: The domain is not known, or the folder holds another training.
    """
    if name not in recipe.names:
        raise InputError(f"the zoo has no planner '{name}'; it has {', '.join(recipe.names)}")
    member, place = recipe.member(name, base), out / name
    next(member.draw("train", 0))  # an unknown domain is refused before anything is written

    def progress(done: int, total: int, part: str = "") -> None:
        note(f"{name}: step {done} of {total}, {part}")

    model = train_planner(member, place, minutes=minutes, progress=progress)
    return model if trained_steps(place) == member.steps else None
