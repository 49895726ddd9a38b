"""The parts of the study, each a run folder of its own that can be resumed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from surefoot.agents.calibrating.fitting import calibrated, fit_policy
from surefoot.agents.calibrating.stops import LookingStop
from surefoot.agents.environments.bank import BankedView, ViewBank, fill
from surefoot.agents.guarantees import BUILTIN, AgentCalibration
from surefoot.agents.settings import AgentSettings
from surefoot.core.errors import HarnessError
from surefoot.core.seeds import seeds_of
from surefoot.envs.simulation.client import Simulation
from surefoot.experiments.base import Study
from surefoot.experiments.know_where_uncertain.config import (
    ARMS,
    CROSSING,
    TABLETOP,
    StudyArm,
    UncertaintyConfig,
    damage,
)
from surefoot.experiments.know_where_uncertain.play import (
    Banks,
    StopJob,
    WorldJob,
    play_job,
    stop_job,
)
from surefoot.experiments.know_where_uncertain.worlds import EpisodeWorld, fitted, places, worlds_of


def make_banks(study: Study[UncertaintyConfig]) -> Banks:
    """Fills a bank of images from seeds of each split."""
    made = []
    for split in ("calibration", "test"):
        path = study.out / f"bank-{split}.jsonl"
        if not path.exists():
            work = {
                f"{split}/{seed}": (study.text, seed) for seed in seeds_of(split, study.config.bank)
            }
            records = study.part(f"bank-{split}", work, _snaps)
            identity = ""
            snaps = []
            for found in records.values():
                identity = found["model"]
                snaps += [BankedView(*row) for row in found["snaps"]]
            if not snaps:
                raise HarnessError("no picture of the crossing could be taken")
            ViewBank(snaps, identity, f"{study.config.shifted:g} damaged").save(path)
        made.append((split, str(path)))
    return tuple(made)


def _snaps(item: tuple[str, int]) -> dict[str, Any]:
    text, seed = item
    study = UncertaintyConfig.model_validate_json(text)
    perceiver = worlds_of(text, ()).asked
    snaps = fill(
        Simulation(),
        [seed],
        perceiver,
        lambda s, moment: fitted(damage(study, CROSSING, s, moment)),
        study.moments,
    )
    rows = [[s.task, s.seed, s.moment, s.view, dict(s.truth), dict(s.answers)] for s in snaps]
    return {"model": perceiver.identity, "snaps": rows}


def calibrate(study: Study[UncertaintyConfig], banks: Banks) -> tuple[tuple[str, str], ...]:
    """Calibrates the agent once for each way of looking; returns paths.

    Keys are the environment and the way of looking
    (:attr:`~surefoot.agents.settings.AgentSettings.looking`), and each is made with the first arm
    that looks so. Arms with a threshold on u_d come first, since the calibration of plans must be
    that of their planner.
    """
    arms: dict[str, StudyArm] = {}
    for arm in sorted(ARMS, key=lambda arm: study.config.settings(arm).t_d == 0):
        arms.setdefault(study.config.settings(arm).looking, arm)
    made = []
    for stage in _stages(study.config):
        for looking, arm in arms.items():
            path = study.out / f"calibration-{stage}-{arm.name}.json"
            if not path.exists():
                _calibrate(study, banks, stage, arm).save(path)
            made.append((f"{stage} {looking}", str(path)))
    return tuple(made)


def made_in_physics(
    study: UncertaintyConfig, paths: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """Returns calibrations for full physics: the built-in ones where they are for the same agent.

    In full physics the camera image, and with it an error, hardly changes while the vehicle stands;
    in the twin every step draws another image, so the twin's sets would be too wide or too narrow.
    """
    shipped = AgentSettings()
    if study.perception != shipped.perception:
        return paths
    ours = {
        f"{stage} {shipped.looking}": str(BUILTIN / f"{stage}.json") for stage in _stages(study)
    }
    return tuple((way, ours.get(way, path)) for way, path in paths)


def _stages(study: UncertaintyConfig) -> list[str]:
    return [s for s, n in ((CROSSING, study.crossing), (TABLETOP, study.tabletop)) if n]


def _calibrate(
    study: Study[UncertaintyConfig], banks: Banks, stage: str, arm: StudyArm
) -> AgentCalibration:
    config = study.config
    chosen = places(config, stage, "calibration", config.calibration)
    half = len(chosen) // 2
    model = worlds_of(study.text, banks).asked.identity
    name = f"stops-{stage}-{arm.name}"
    first = _stops(study, name, banks, chosen[:half], arm, "")
    policy = fit_policy(
        stage,
        model,
        first,
        config.alpha,
        moving=stage == CROSSING,
        sensing=config.settings(arm).looking,
    )
    constants = study.out / f"policy-{stage}-{arm.name}.json"
    policy.save(constants)
    again = _stops(study, f"{name}-again", banks, chosen[half:], arm, str(constants))
    return calibrated(policy, again, planner=config.planner_of(arm, stage))


def _stops(
    study: Study[UncertaintyConfig],
    name: str,
    banks: Banks,
    chosen: Sequence[EpisodeWorld],
    arm: StudyArm,
    policy: str,
) -> list[LookingStop]:
    work = {
        place.key: StopJob(
            study.text,
            banks,
            place,
            arm.name,
            policy,
            Random(f"decision:{place.key}").randint(1, 10) if place.stage == CROSSING else 1,
        )
        for place in chosen
    }
    found = study.part(name, work, stop_job)
    if not found:
        raise HarnessError(f"every episode of '{name}' was lost")
    return [LookingStop.from_json(key, data) for key, data in found.items()]


def play_all(
    study: Study[UncertaintyConfig],
    name: str,
    banks: Banks,
    calibrations: tuple[tuple[str, str], ...],
    chosen: Sequence[EpisodeWorld],
    arms: Sequence[str],
    repeats: int = 1,
) -> dict[str, Any]:
    """Plays arms in worlds; returns records by key."""
    text = study.text
    work = {
        f"{place.key}/{repeat}" if repeats > 1 else place.key: WorldJob(
            text, banks, place, tuple(arms), calibrations, repeat
        )
        for place in chosen
        for repeat in range(repeats)
    }
    return study.part(name, work, play_job)
