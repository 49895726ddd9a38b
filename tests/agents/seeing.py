"""What tests of whole agent runs share: a server that sees, and a calibration for it."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np

from surefoot.agents.guarantees import AgentCalibration, KindScores
from surefoot.agents.settings import AgentSettings
from surefoot.envs.episodes.config import RunConfig, plan_of, resolve
from surefoot.envs.episodes.outcome import EpisodeRecord
from surefoot.envs.episodes.runner import EpisodeJob, run_episode
from tests.models.misbehaving import MisbehavingServer
from tests.waiting import HANGING_S

KINDS = (
    "light",
    "pedestrian",
    "opposite_car",
    "car_from_left",
    "car_from_right",
    "stop_sign",
    "place",
    "place-of-twin",
    "lid",
)


class SeeingServer(MisbehavingServer):
    """Tells how likely it finds each answer about a picture, always alike.

    Attributes:
        mood: ``sure`` of the first answer, ``torn`` between the first two, ``even``, or ``nan``.
        left: Pictures that it still looks at; then it is dead, as it were.
        chat: What it does when asked for a plan, as in a script.
    """

    def __init__(self, mood: str = "sure") -> None:
        super().__init__()
        self.honours = {"decisions"}
        self.mood = mood
        self.left = 10**9
        self.chat = "good"

    def answer(self, handler: BaseHTTPRequestHandler, what: str, body: dict[str, Any]) -> None:
        if not handler.path.endswith("/decisions"):
            what = self.chat
        elif self.left <= 0:
            what = "500"
        else:
            with self.guard:
                self.left -= 1
        if self.left <= 0:
            what = "500"
        super().answer(handler, what, body)

    def completion(self, body: dict[str, Any], what: str) -> dict[str, Any]:
        reply = super().completion(body, what)
        if what == "chatter":
            reply["choices"][0]["message"]["content"] = "What a lovely day, isn't it?"
        return reply

    def decision(self, body: dict[str, Any], what: str) -> dict[str, Any]:
        reply = super().decision(body, what)
        found = reply["answers"][0].get("probabilities", [])
        n = len(found)
        shares = (
            {
                "sure": [0.97] + [0.03 / (n - 1)] * (n - 1),
                "torn": [0.47] * 2 + [0.06 / max(1, n - 2)] * (n - 2),
                "even": [1 / n] * n,
                "nan": [float("nan")] * n,
            }[self.mood]
            if n
            else []
        )
        for one, share in zip(found, shares, strict=True):
            one["probability"] = share
        return reply


def calibration(
    folder: Path, env: str, planner: str, model: str = "openai:m", sensing: str = ""
) -> Path:
    """Writes a calibration whose joint set at 0.1 has the options with at least 0.1."""
    sensing = sensing or AgentSettings(sensing="sweep", looks=2).looking
    path = folder / f"{env}.json"
    scores = KindScores(tuple(np.linspace(0, 1, 200).tolist()))
    AgentCalibration(
        env,
        model,
        "tiny",
        planner,
        sensing,
        dict.fromkeys(KINDS, scores),
        tuple(np.linspace(0, 1, 200).tolist()),
        waits=tuple(np.linspace(0, 1, 200).tolist()),
    ).save(path)
    return path


def agent_run(
    server: MisbehavingServer, folder: Path, env: str = "tabletop", **given: Any
) -> RunConfig:
    """Returns a run of an agent that sees through a server.

    Args:
        server: The server.
        folder: Where the calibration goes.
        env: The environment.
        given: Further keys of the run; ``options`` are laid over those of here.
    """
    planner = "fd" if env == "tabletop" else "guide"
    options = {
        "perception": "openai:m",
        "planner": planner,
        "sensing": "sweep",
        "looks": 2,
        "models": {"base_url": server.url, "retries": 0, "timeout_s": HANGING_S},
        **given.pop("options", {}),
    }
    if "calibration" not in options:
        looking = {k: options[k] for k in ("sensing", "looks", "gate") if k in options}
        sensing = AgentSettings.model_validate(looking).looking
        options["calibration"] = str(calibration(folder, env, planner, sensing=sensing))
    base: dict[str, Any] = {
        "env": env,
        "policy": "agent",
        "video": "none",
        "seeds": [8],
        "options": options,
        "task": ["tidy"] if env == "tabletop" else ["straight-at-light"],
    }
    if env == "tabletop":
        base["difficulty"] = "easy"
    return resolve({**base, **given})


def one_episode(config: RunConfig, folder: Path) -> EpisodeRecord:
    """Runs the first episode of a run in this process."""
    media = folder / "media"
    media.mkdir(parents=True, exist_ok=True)
    return run_episode(EpisodeJob(config, plan_of(config)[0], media))
