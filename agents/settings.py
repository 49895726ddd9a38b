"""How an agent is put together; every field is also a key of ``options:`` in a run's YAML."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from surefoot.agents.gates import GATES, make_gate
from surefoot.models.options import ModelOptions


class AgentSettings(BaseModel):
    """An agent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    perception: str = "local-perception"
    """Model that is shown the images: a specification as for planners, or the one shipped."""
    planner: str = ""
    """Planner; empty for Fast Downward on the table and the shipped language model on the road."""
    calibration: str = "builtin"
    """Calibration artefact: a file, or ``builtin``."""
    alpha: float = Field(default=0.1, ge=0, le=1)
    """Allowed probability that the truth of some fact is not in its set."""
    gate: str = "sets"
    """What decides whether the agent may act: a name of :data:`~surefoot.agents.gates.GATES`."""
    t_p: float = Field(default=0.9, ge=0, le=1)
    """With the gate ``scores``: least u_p of every fact."""
    t_d: float = Field(default=0.7, ge=0, le=1)
    """With the gates ``scores`` and ``aggregate``: least u_d of a plan."""
    sensing: str = "entropy"
    """How the next view is chosen: a name of
    :data:`~surefoot.agents.sensing.registry.STRATEGIES`."""
    restoring: str = ""
    """With ``restore``: file of the restoring model, of ``surefoot train restoring``; empty for
    what comes with Surefoot."""
    looks: int = Field(default=4, ge=0, le=25)
    """Further looks for one decision."""
    verify: bool = True
    """Whether plans are verified in every possible world before anything moves."""
    samples: int = Field(default=4, ge=1, le=64)
    """Plans that the planner is asked for at a time."""
    repairs: int = Field(default=2, ge=0, le=20)
    """Rounds in which a bad plan goes back to the planner with what is wrong with it."""
    replans: int = Field(default=4, ge=0, le=100)
    """Plans that may be made anew after surprises."""
    patience: int = Field(default=60, ge=0, le=1000)
    """Pauses in a row, where the world has a safe one, before it asks or gives up."""
    operator: Literal["none", "oracle", "human"] = "none"
    """Who can be asked."""
    models: ModelOptions = Field(default_factory=ModelOptions)
    """Settings of its models and searches, such as a server's address."""
    seed: int = 0
    """Seed of whatever the agent draws, beside the episode's own."""

    @property
    def calibration_file(self) -> str | Path:
        """Where the calibration is."""
        return self.calibration if self.calibration == "builtin" else Path(self.calibration)

    @field_validator("gate")
    @classmethod
    def _known_gate(cls, name: str) -> str:
        if name not in GATES:
            raise ValueError(GATES.unknown(name))
        return name

    @field_validator("sensing")
    @classmethod
    def _known_strategy(cls, name: str) -> str:
        from surefoot.agents.sensing.registry import STRATEGIES

        if name not in STRATEGIES:
            raise ValueError(STRATEGIES.unknown(name))
        return name

    @property
    def looking(self) -> str:
        """The policy that looks, which a calibration is for: strategy, looks and what ends it.

        ``alpha`` is no part of it: the sets by which the agent looks on are fixed in the
        calibration, whatever the level of those that it then acts by. A file of what restoring
        tells is known by its name and its content.
        """
        gate = make_gate(self.gate)
        if self.sensing == "none" or not self.looks or not gate.weighs:
            return "one look"
        how = f"restore by {_known_by(Path(self.restoring))}" if self.restoring else self.sensing
        return f"{how}, {self.looks} more looks, until {gate.until(self.t_p, self.t_d)}"


def _known_by(path: Path) -> str:
    """Returns a file's name and the start of its content's hash; who reads it says if it cannot."""
    if not path.is_file():
        return path.name
    return f"{path.name} {sha256(path.read_bytes()).hexdigest()[:8]}"
