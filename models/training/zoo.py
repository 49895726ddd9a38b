"""A zoo of specialised planners: one base tuned on one domain each, and one of another family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from surefoot.models.training.data import TRAIN_SIZES, Example, draw, make_example, split_of
from surefoot.models.training.planner import PlannerRecipe, train_planner
from surefoot.models.training.tuning import Pair, TuningRecipe, tune
from surefoot.pddl.domains import get_domain
from surefoot.results.errors import InputError

DOMAINS = ("blocksworld", "delivery", "grippers", "kitchen", "storage", "tabletop")
"""Domains of the specialists: those with enough different tasks to learn from and to test on."""

STRANGER = "stranger"
"""Name of the planner of another family."""

Say = Callable[[str], None]
"""Told what happens."""


@dataclass(frozen=True)
class StrangerRecipe(PlannerRecipe):
    """A planner of another width, depth and vocabulary, that knows one domain.

    Attributes:
        domain: What it learns.
    """

    hidden: int = 96
    layers: int = 3
    heads: int = 3
    vocabulary: int = 640
    steps: int = 1200
    domain: str = "blocksworld"

    def draw(self, split: str, seed: int) -> Iterator[Example]:
        """Draws the examples of a split without end."""
        return domain_examples(self.domain, split, seed)


@dataclass(frozen=True)
class ZooRecipe:
    """How the planners of a zoo are trained.

    Attributes:
        domains: Domains of the specialists, one planner each.
        steps: Steps of each tuning.
        batch: Examples a step; none comes twice.
        rate: Learning rate, falling as a straight line to 0.
        rest: Share of the examples that are of all the base's domains, repairs among them, so
            that a specialist does not forget everything else.
        seed: Seed of data, order and of the stranger's weights.
        stranger: The planner of another family; ``None`` for none.
    """

    domains: tuple[str, ...] = DOMAINS
    steps: int = 400
    batch: int = 16
    rate: float = 5e-4
    rest: float = 0.25
    seed: int = 0
    stranger: StrangerRecipe | None = field(default_factory=StrangerRecipe)


def domain_examples(domain: str, split: str, seed: int) -> Iterator[Example]:
    """Draws tasks of one domain with their plans without end, of all sizes that are learned from.

    Args:
        domain: Its name.
        split: ``train``, ``validation`` or ``test``.
        seed: Seed of the draw.

    Raises:
        InputError: No planner learns from this domain.
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
    base: Path, recipe: ZooRecipe, out: Path, *, minutes: float = 0.0, say: Say | None = None
) -> Mapping[str, Path] | None:
    """Trains a zoo, or goes on where an earlier call stopped.

    Args:
        base: Folder of the planner that all specialists start from.
        recipe: How.
        out: Folder; each planner gets one in it.
        minutes: Stop after this time, to go on later; 0 to run to the end.
        say: Told how far it is.

    Returns:
        The folder of each planner's model, by name; ``None`` if time ran out.

    Raises:
        InputError: A domain is not known, or the folder holds another zoo.
    """
    import time
    from dataclasses import replace

    begun = time.monotonic()
    found: dict[str, Path] = {}

    def left() -> float:
        # What is left may be nothing, and 0 means no limit.
        return max(1e-3, minutes - (time.monotonic() - begun) / 60) if minutes else 0.0

    for domain in recipe.domains:
        pairs = _pairs(domain, recipe)
        tuning = TuningRecipe(
            "sft", "full", recipe.steps, recipe.batch, recipe.rate, seed=recipe.seed
        )
        tell = None if say is None else _teller(say, domain)
        model = tune(base, pairs, tuning, out / domain, minutes=left(), tell=tell)
        if model is None:
            return None
        found[domain] = model
    if recipe.stranger is not None:
        stranger = replace(recipe.stranger, seed=recipe.seed)
        report = None if say is None else _reporter(say)
        model = train_planner(stranger, out / STRANGER, minutes=left(), report=report)
        if minutes and time.monotonic() - begun > 60 * minutes:
            return None
        found[STRANGER] = model
    return found


def _pairs(domain: str, recipe: ZooRecipe) -> list[Pair]:
    own, others = domain_examples(domain, "train", recipe.seed), draw("train", recipe.seed)
    rng = Random(f"zoo:{domain}:{recipe.seed}")
    wanted = range(recipe.steps * recipe.batch)
    examples = (next(others if rng.random() < recipe.rest else own) for _ in wanted)
    return [Pair(e.prompt, e.answer) for e in examples]


def _teller(say: Say, domain: str) -> Callable[[int, int, float], None]:
    def tell(step: int, total: int, loss: float) -> None:
        say(f"{domain}: step {step} of {total}, loss {loss:.4f}")

    return tell


def _reporter(say: Say) -> Callable[[int, int, float, float], None]:
    def report(step: int, total: int, loss: float, validation: float) -> None:
        say(f"{STRANGER}: step {step} of {total}, loss {loss:.4f}, validation {validation:.4f}")

    return report
