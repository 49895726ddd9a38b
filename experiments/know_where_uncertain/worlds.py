"""The worlds of the study: twins with rendered perception, and physics."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from surefoot.agents.assembly import make_perceiver
from surefoot.agents.environments.bank import ViewBank
from surefoot.agents.environments.base import AgentEnv, RgbImage
from surefoot.agents.environments.crossing import CrossingAgentEnv
from surefoot.agents.environments.crossing_twin import CrossingTwinAgentEnv
from surefoot.agents.environments.physical_table import physical_table
from surefoot.agents.environments.table_twin import twin_table
from surefoot.agents.perception.perceiver import Perceiver, RecallingPerceiver
from surefoot.agents.perception.questions import FactQuestion
from surefoot.calibration.arrays import Floats
from surefoot.core.seeds import seeds_of
from surefoot.envs.crossing.env import CrossingEnv
from surefoot.envs.crossing.tasks import TASKS
from surefoot.envs.crossing.twin_env import CrossingTwinEnv
from surefoot.envs.episodes.catalogue import get_environment
from surefoot.envs.episodes.config import AGENT_SIZE
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.env import TabletopEnv
from surefoot.envs.tabletop.twin import TabletopTwin
from surefoot.experiments.know_where_uncertain.config import CROSSING, UncertaintyConfig, damage

TRAFFIC = 0.5
"""Traffic in full physics; the twin has its own."""


@dataclass(frozen=True, slots=True)
class EpisodeWorld:
    """One episode's world.

    Attributes:
        stage: ``crossing`` or ``tabletop``.
        task: The task.
        seed: The seed.
        physics: Whether in full physics.
    """

    stage: str
    task: str
    seed: int
    physics: bool = False

    @property
    def key(self) -> str:
        """The job's key."""
        return f"{'physics/' if self.physics else ''}{self.stage}/{self.task}/{self.seed}"


def places(
    study: UncertaintyConfig, stage: str, split: str, n: int, physics: bool = False
) -> list[EpisodeWorld]:
    """Returns ``n`` worlds of a split; tasks take turns."""
    tasks = TASKS if stage == CROSSING else study.tables
    return [
        EpisodeWorld(stage, tasks[i % len(tasks)], seed, physics)
        for i, seed in enumerate(seeds_of(split, n))
    ]


@dataclass
class RememberingModel:
    """Asks a model once about each picture.

    Attributes:
        inner: The model.
        identity: The same as its.
    """

    inner: Perceiver
    identity: str = ""
    _said: dict[tuple[bytes, str], Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.identity = self.inner.identity

    def ask(self, image: RgbImage, questions: Sequence[FactQuestion]) -> list[Floats]:
        """Asks what was not asked before about the very same pixels."""
        mark = hashlib.sha256(image.tobytes()).digest()
        new = [q for q in questions if (mark, q.text) not in self._said]
        for question, answer in zip(new, self.inner.ask(image, new) if new else [], strict=True):
            self._said[mark, question.text] = answer
        return [self._said[mark, q.text] for q in questions]


class WorldFactory:
    """Makes worlds and what perceives them; one a process.

    Args:
        study: The study.
        banks: Banks of pictures of the crossing by split.
    """

    def __init__(self, study: UncertaintyConfig, banks: dict[str, Path]) -> None:
        self.study = study
        self.asked = RememberingModel(make_perceiver(study.perception))
        self._banks = {split: ViewBank.load(path) for split, path in banks.items()}
        self._simulation: Simulation | None = None

    def bank(self, split: str) -> ViewBank:
        """Returns the pictures of a split."""
        return self._banks[split]

    def open(self, place: EpisodeWorld, split: str) -> tuple[AgentEnv, Perceiver]:
        """Begins an episode.

        Args:
            place: The world.
            split: The split that its pictures are from.
        """
        if place.physics:
            return self._physical(place), self.asked
        if place.stage == CROSSING:
            env = CrossingTwinEnv(place.task, TRAFFIC)
            _, info = env.reset(seed=place.seed)
            shown = RecallingPerceiver(self.asked.identity)
            return CrossingTwinAgentEnv(env, info, self._banks[split], shown), shown
        twin = TabletopTwin(place.task, self.study.difficulty)
        _, info = twin.reset(seed=place.seed)
        if self._simulation is None:
            self._simulation = Simulation()
        shift = damage(self.study, place.stage, place.seed)
        return twin_table(twin, info, self._simulation, shift), self.asked

    def _physical(self, place: EpisodeWorld) -> AgentEnv:
        shift = damage(self.study, place.stage, place.seed)
        if place.stage == CROSSING:
            env = CrossingEnv(
                place.task, TRAFFIC, views=(), size=AGENT_SIZE, faults=fitted(shift).faults()
            )
            _, info = env.reset(seed=place.seed)
            return CrossingAgentEnv(env, info)
        table = TabletopEnv(place.task, self.study.difficulty, AGENT_SIZE, faults=shift.faults())
        _, told = table.reset(seed=place.seed)
        return physical_table(table, told)


def fitted(shift: Pipeline) -> Pipeline:
    """Returns a damage made for the size of a crossing."""
    stage = get_environment(CROSSING)
    return Pipeline.build([stage.adapted(spec) for spec in shift.specs()])


@lru_cache(1)
def worlds_of(study: str, banks: tuple[tuple[str, str], ...]) -> WorldFactory:
    """Returns the worlds of this process.

    Args:
        study: The study as JSON.
        banks: Paths of the banks by split.
    """
    return WorldFactory(
        UncertaintyConfig.model_validate_json(study), {split: Path(path) for split, path in banks}
    )
