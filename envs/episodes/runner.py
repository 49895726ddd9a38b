"""One filmed episode of a policy in an environment."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import WriteError
from surefoot.core.files import write_atomic
from surefoot.envs.episodes.catalogue import get_environment, make_policy
from surefoot.envs.episodes.config import EpisodeSpec, Filming, RunConfig
from surefoot.envs.episodes.outcome import EpisodeOutcome, EpisodeRecord
from surefoot.envs.episodes.protocol import AccountingPolicy, Env, EnvAdapter, Policy
from surefoot.envs.perturbations.base import RandomSource
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.recording.captions import Caption, captioned
from surefoot.envs.recording.sheet import to_jpeg
from surefoot.envs.recording.video import VideoWriter
from surefoot.envs.simulation.client import TIMESTEP

SPEED = 2
"""Playback speed of videos relative to simulated time."""


@dataclass(frozen=True)
class EpisodeJob:
    """What a worker process needs to run an episode.

    Attributes:
        config: The run's resolved configuration.
        spec: The episode.
        media: Folder for its video and last image.
    """

    config: RunConfig
    spec: EpisodeSpec
    media: Path


def run_episode(job: EpisodeJob) -> EpisodeRecord:
    """Runs an episode; any error becomes its outcome.

    Args:
        job: The episode.

    Raises:
        WriteError: One of its files cannot be written; that is not an outcome, since the episode
            can be run again.
    """
    started = time.monotonic()
    adapter = get_environment(job.config.env)
    episode = _Episode(job, adapter)
    try:
        outcome, reason, progress = episode.play()
    except WriteError:
        episode.close()
        raise
    except _PolicyError as error:
        outcome, reason, progress = EpisodeOutcome.POLICY_ERROR, str(error), 0.0
    except Exception as error:
        outcome, reason, progress = EpisodeOutcome.SIM_ERROR, _error_text(error), 0.0
    record = EpisodeRecord(
        job.spec.task,
        job.spec.seed,
        outcome,
        reason,
        episode.instruction,
        episode.steps,
        progress,
    )
    return episode.finish(record, started)


class _PolicyError(Exception):
    """A policy raised an exception."""


class _Episode:
    def __init__(self, job: EpisodeJob, adapter: EnvAdapter) -> None:
        self.job, self.adapter = job, adapter
        self.instruction = ""
        self.steps: list[dict[str, str]] = []
        self._env: Env | None = None
        self._film: _Film | None = None
        self._policy: Policy | None = None
        self._info: dict[str, Any] = {}

    def play(self) -> tuple[EpisodeOutcome, str, float]:
        config, spec = self.job.config, self.job.spec
        policy = _guarded(lambda: make_policy(config.policy, config.env, config.options))
        pipeline = Pipeline.build(config.perturb)
        if isinstance(policy, AccountingPolicy):
            policy.keep(self.job.media.parent, spec.key.replace("/", "-"))
        env = self._env = self.adapter.make(
            spec.task, config.difficulty, pipeline.faults(), config.size
        )
        observation, info = env.reset(seed=spec.seed)
        self.instruction = info["instruction"]
        self._film = _Film(self.job, self.adapter, env, pipeline, self.instruction)
        self._policy = policy
        _guarded(lambda: policy.begin(env, observation, info))
        outcome, reason, progress = self._act(policy, env, observation, info)
        if isinstance(policy, AccountingPolicy):
            end = policy.end
            outcome, reason = _guarded(lambda: end(self._info, outcome, reason))
        return outcome, reason, progress

    def _act(
        self, policy: Policy, env: Env, observation: dict[str, Any], info: dict[str, Any]
    ) -> tuple[EpisodeOutcome, str, float]:
        config = self.job.config
        assert self._film is not None
        self._info = info
        for _ in range(config.max_steps):
            action = _guarded(lambda: policy.act(observation, info))  # noqa: B023  called at once
            if action is None:
                outcome, reason, progress = self.adapter.judge(env)
                if outcome is EpisodeOutcome.SUCCESS:
                    return outcome, reason, progress
                return EpisodeOutcome.GAVE_UP, getattr(policy, "reason", "") or reason, progress
            skill = _guarded(lambda: self.adapter.action_name(env, int(action)))  # noqa: B023
            self._film.begin(skill)
            observation, _, terminated, truncated, info = env.step(action)
            self._info = info
            judged = {name: str(info[name]) for name in ("status", "reason")}
            self.steps.append({"skill": skill, **judged})
            if terminated or truncated:
                break
        return self.adapter.judge(env)

    def finish(self, record: EpisodeRecord, started: float) -> EpisodeRecord:
        """Ends film and environment and completes the record."""
        values: dict[str, Any] = {}
        try:
            if self._env is not None and self._film is not None:
                values["simulated_s"] = round(self.adapter.seconds(self._env), 3)
                values["extra"] = self.adapter.extra(self._env)
                if isinstance(self._policy, AccountingPolicy):
                    values["extra"]["agent"] = self._policy.extra()
                values["media"] = self._film.end(record)
        except WriteError:
            raise
        except Exception as error:
            if record.outcome is not EpisodeOutcome.SIM_ERROR:
                values |= {"outcome": EpisodeOutcome.SIM_ERROR, "reason": _error_text(error)}
        finally:
            self.close()
        wall = round(time.monotonic() - started, 2)
        data = {name: getattr(record, name) for name in EpisodeRecord.__slots__}
        return EpisodeRecord(**{**data, **values, "wall_s": wall})

    def close(self) -> None:
        """Discards an incomplete video and closes the environment."""
        if self._film is not None:
            self._film.discard()
        if self._env is not None:
            self._env.close()


class _Film:
    """Films an episode with captions while simulated time passes."""

    def __init__(
        self, job: EpisodeJob, adapter: EnvAdapter, env: Env, pipeline: Pipeline, instruction: str
    ) -> None:
        self._job, self._adapter, self._env, self._pipeline = job, adapter, env, pipeline
        self._instruction = instruction
        self._name = job.spec.key.replace("/", "-")
        self._count = 0
        self._before: frozenset[str] = frozenset(adapter.facts(env))
        self._skill = ""
        self._video: VideoWriter | None = None
        if job.config.video is not Filming.NONE:
            path = job.media / f"{self._name}.mp4"
            self._video = VideoWriter(path, fps=job.config.fps * SPEED)
            every = max(1, round(1 / (job.config.fps * TIMESTEP)))
            adapter.simulation(env).observe(self._shoot, every)
            self._shoot()

    def begin(self, skill: str) -> None:
        """Sets the skill shown in captions from now on."""
        self._skill = skill
        self._before = frozenset(self._adapter.facts(self._env))

    def _image(self) -> NDArray[np.uint8]:
        self._count += 1
        draws = RandomSource(self._job.spec.seed, "film", self._count)
        return self._pipeline.frame(self._adapter.film(self._env), draws).rgb

    def _shoot(self, record: EpisodeRecord | None = None, repeat: int = 1) -> None:
        assert self._video is not None
        self._video.add(captioned(self._image(), self._caption(record)), repeat)

    def _caption(self, record: EpisodeRecord | None) -> Caption:
        adapter, env, spec = self._adapter, self._env, self._job.spec
        facts = adapter.facts(env)
        new = frozenset(facts) - self._before
        status, tone = "", ""
        if record is not None:
            status = record.outcome.words + (f": {record.reason}" if record.reason else "")
            tone = record.outcome.tone
        footer = f"{spec.task} · seed {spec.seed} · {adapter.seconds(env):.1f} s"
        return Caption(
            self._instruction, self._skill, facts, new, adapter.monitor(env), status, tone, footer
        )

    def end(self, record: EpisodeRecord) -> dict[str, str]:
        """Completes or discards the video, saves the last image; returns the file names."""
        self._adapter.simulation(self._env).observe(None)
        last = f"{self._name}.jpg"
        write_atomic(self._job.media / last, to_jpeg(self._image()))
        found = {"last": last}
        wanted = (
            self._job.config.video is Filming.ALL or record.outcome is not EpisodeOutcome.SUCCESS
        )
        if self._video is not None and wanted:
            self._shoot(record, repeat=2 * self._job.config.fps * SPEED)
            found["video"] = self._video.finish().name
        return found

    def discard(self) -> None:
        """Discards an incomplete video."""
        if self._video is not None:
            self._video.discard()


def _guarded(call: Any) -> Any:
    try:
        return call()
    except WriteError:
        raise
    except Exception as error:
        raise _PolicyError(_error_text(error)) from error


def _error_text(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def lost_record(spec: EpisodeSpec, timed_out: bool, reason: str) -> EpisodeRecord:
    """Returns the record of an episode whose process died or timed out."""
    outcome = EpisodeOutcome.TIMEOUT if timed_out else EpisodeOutcome.SIM_ERROR
    return EpisodeRecord(spec.task, spec.seed, outcome, reason)
