"""Gates by name: Surefoot's own, and one that somebody else adds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surefoot.agents.environments.crossing import CrossingAgentEnv
from surefoot.agents.episode import play
from surefoot.agents.gates import GATES, Evidence, Gate, GateInput, make_gate
from surefoot.agents.settings import AgentSettings
from surefoot.calibration.decisions.router import Decision, Route
from surefoot.cli.main import app
from surefoot.core.errors import InputError
from surefoot.core.registry import OWN
from surefoot.envs.crossing.env import CrossingEnv
from tests.agents.support import Knowing, agent_in

HALF = "half"


@GATES.register(HALF)
class HalfGate(Gate):
    """Acts on a plan that is good in half of the worlds."""

    weighs = joint = True

    def decide(self, at: GateInput) -> Decision:
        if at.u_d is None or at.u_d >= 0.5:
            return Decision(Route.ACT, "good in half of the worlds")
        return Decision(Route.ABSTAIN, "good in too few worlds")

    def until(self, t_p: float, t_d: float) -> str:
        return "half of the worlds are good"


@pytest.fixture(scope="module")
def street() -> Iterator[CrossingEnv]:
    env = CrossingEnv("straight-at-light", 0.3, views=(), size=64)
    yield env
    env.close()


def test_a_gate_of_ones_own_is_listed_set_and_decides(street: CrossingEnv) -> None:
    shown = CliRunner().invoke(app, ["list", "gates"]).stdout.splitlines()
    assert shown[-1].split()[0] == HALF
    assert "Acts on a plan that is good in half of the worlds." in shown[-1]
    _, info = street.reset(seed=8)
    env = CrossingAgentEnv(street, info)
    agent = agent_in(env, Knowing(0.99), "guide", gate=HALF)
    assert play(agent, env).outcome == "success"
    reasons = {t.reason for m in agent.decisions for t in m.thoughts}
    assert reasons == {"good in half of the worlds"}


def test_what_ends_looking_is_written_into_calibrations() -> None:
    assert AgentSettings(gate=HALF, sensing="sweep", looks=2).looking == (
        "sweep, 2 more looks, until half of the worlds are good"
    )
    for gate, until in (
        ("sets", "the sets settle"),
        ("scores", "u_p is 0.8"),
        ("aggregate", "both are 0.6"),
    ):
        settings = AgentSettings(gate=gate, sensing="sweep", looks=2, t_p=0.8, t_d=0.6)
        assert settings.looking == f"sweep, 2 more looks, until {until}"
    for gate in ("none", "oracle", "always-ask", "always-stop"):
        assert AgentSettings(gate=gate).looking == "one look"


def test_an_unknown_gate_is_one_line_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown gate 'set'; did you mean 'sets'"):
        AgentSettings(gate="set")
    with pytest.raises(InputError, match="two gates are called 'sets'"):
        GATES.register("sets")(HalfGate)


def test_a_gate_comes_with_an_installed_distribution(tmp_path: Path) -> None:
    info = tmp_path / "halfway-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: halfway\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[surefoot.gates]\nhalf = halfway:HalfGate\n")
    (tmp_path / "halfway.py").write_text(
        "from surefoot.agents.gates import Gate\n\n\n"
        "class HalfGate(Gate):\n"
        '    """Acts halfway."""\n'
    )
    paths = [str(tmp_path), str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "surefoot", "list", "gates"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    last = done.stdout.splitlines()[-1]
    assert (last.split()[0], last.endswith("Acts halfway. (of halfway)")) == ("half", True)


def test_own_gates_say_where_their_evidence_comes_from() -> None:
    own = [entry.name for entry in GATES.entries() if entry.origin == OWN]
    evidence = {name: make_gate(name).evidence for name in own}
    camera = [name for name, found in evidence.items() if found is Evidence.CAMERA]
    assert camera == ["sets", "scores", "aggregate", "none"]
    assert [name for name in own if make_gate(name).joint] == ["sets"]
    assert [name for name in own if make_gate(name).weighs] == ["sets", "scores", "aggregate"]
    assert make_gate("always-stop").decide(GateInput(1.0, 1.0)).route is Route.ABSTAIN
