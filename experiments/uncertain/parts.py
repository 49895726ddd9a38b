"""The parts of the study, each a run folder of its own that goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from surefoot.agents.calibrating.fitting import calibrated, fit_policy
from surefoot.agents.calibrating.stops import Stop
from surefoot.agents.guarantees import AgentCalibration
from surefoot.agents.stages.bank import Bank, Snap, fill
from surefoot.envs.episodes.pool import Lost, run_apart
from surefoot.envs.perturbations.pipeline import seeds_of
from surefoot.envs.simulation.client import Simulation
from surefoot.experiments.base import Told
from surefoot.experiments.uncertain.config import (
    ARMS,
    CROSSING,
    TABLETOP,
    Arm,
    Study,
    damage,
)
from surefoot.experiments.uncertain.play import Banks, Job, StopJob, play_job, stop_job
from surefoot.experiments.uncertain.worlds import Place, fitted, places, worlds_of
from surefoot.results.errors import HarnessError
from surefoot.results.manifest import Manifest, current_versions
from surefoot.results.run_folder import RunFolder

TIMEOUT = 900.0
"""Seconds by the clock for one world with all its arms."""

Item = TypeVar("Item")
Records = Mapping[str, Mapping[str, Any]]


def run_part(
    name: str,
    out: Path,
    study: Study,
    work: Mapping[str, Item],
    function: Callable[[Item], Any],
    told: Told,
) -> Records:
    """Runs the cases of a part that its folder lacks.

    Args:
        name: Name of the part and of its folder.
        out: The study's folder.
        study: The study.
        work: What is to be done, by key.
        function: Does one case in a process of its own; what it returns is kept.
        told: Told the progress.

    Returns:
        All records, by key.
    """
    manifest = Manifest(
        f"experiment know-where-uncertain {name}", study.model_dump(mode="json"), list(work),
        versions=current_versions(),
    )  # fmt: skip
    with RunFolder.open(out / name, manifest) as run:
        told(name, len(work) - len(run.pending), len(work))
        todo = [_Case(key, work[key], function) for key in run.pending]
        done = len(work) - len(todo)
        for case, result in run_apart(_do, todo, workers=study.workers, timeout_s=TIMEOUT):
            record = {"lost": result.reason} if isinstance(result, Lost) else {"found": result}
            run.append(case.key, record)
            done += 1
            told(name, done, len(work))
        return run.records


class _Case:
    """A piece of work with its key."""

    def __init__(self, key: str, item: Any, function: Callable[[Any], Any]) -> None:
        self.key, self.item, self.function = key, item, function


def _do(case: _Case) -> Any:
    import torch

    torch.set_num_threads(1)
    return case.function(case.item)


def found_in(records: Records) -> dict[str, Any]:
    """Returns what was found, without the cases that were lost."""
    return {k: r["found"] for k, r in records.items() if r.get("found") is not None}


def make_banks(study: Study, out: Path, told: Told) -> Banks:
    """Fills a bank of pictures from seeds of each split."""
    made = []
    for split in ("calibration", "test"):
        path = out / f"bank-{split}.jsonl"
        if not path.exists():
            work = {
                f"{split}/{seed}": (study.model_dump_json(), seed)
                for seed in seeds_of(split, study.bank)
            }
            records = found_in(run_part(f"bank-{split}", out, study, work, _snaps, told))
            identity = ""
            snaps = []
            for found in records.values():
                identity = found["model"]
                snaps += [Snap(*row) for row in found["snaps"]]
            if not snaps:
                raise HarnessError("no picture of the crossing could be taken")
            Bank(snaps, identity, f"{study.shifted:g} damaged").save(path)
        made.append((split, str(path)))
    return tuple(made)


def _snaps(item: tuple[str, int]) -> dict[str, Any]:
    text, seed = item
    study = Study.model_validate_json(text)
    perceiver = worlds_of(text, ()).asked
    snaps = fill(
        Simulation(), [seed], perceiver,
        lambda s, moment: fitted(damage(study, CROSSING, s, moment)), study.moments,
    )  # fmt: skip
    rows = [[s.task, s.seed, s.moment, s.view, dict(s.truth), dict(s.answers)] for s in snaps]
    return {"model": perceiver.identity, "snaps": rows}


def calibrate(study: Study, banks: Banks, out: Path, told: Told) -> tuple[tuple[str, str], ...]:
    """Calibrates the agent of every arm that looks in its own way; returns paths.

    They are by stage and way of looking (:attr:`~surefoot.agents.settings.AgentSettings.looking`),
    and made with the first arm that looks so; one that sets no threshold to u_d leaves that to
    one that does, whose planner the calibration of plans must be of.
    """
    arms: dict[str, Arm] = {}
    for arm in sorted(ARMS, key=lambda arm: study.settings(arm).t_d == 0):
        arms.setdefault(study.settings(arm).looking, arm)
    made = []
    for stage in _stages(study):
        for looking, arm in arms.items():
            path = out / f"calibration-{stage}-{arm.name}.json"
            if not path.exists():
                _calibrate(study, banks, out, stage, arm, told).save(path)
            made.append((f"{stage} {looking}", str(path)))
    return tuple(made)


def _stages(study: Study) -> list[str]:
    return [s for s, n in ((CROSSING, study.crossing), (TABLETOP, study.tabletop)) if n]


def _calibrate(
    study: Study, banks: Banks, out: Path, stage: str, arm: Arm, told: Told
) -> AgentCalibration:
    chosen = places(study, stage, "calibration", study.calibration)
    half = len(chosen) // 2
    model = worlds_of(study.model_dump_json(), banks).asked.identity
    name = f"stops-{stage}-{arm.name}"
    first = _stops(name, study, banks, out, chosen[:half], arm, "", told)
    policy = fit_policy(
        stage, model, first, study.alpha, moving=stage == CROSSING,
        sensing=study.settings(arm).looking,
    )  # fmt: skip
    constants = out / f"policy-{stage}-{arm.name}.json"
    policy.save(constants)
    again = _stops(f"{name}-again", study, banks, out, chosen[half:], arm, str(constants), told)
    return calibrated(policy, again, planner=study.planner_of(arm, stage))


def _stops(
    name: str,
    study: Study,
    banks: Banks,
    out: Path,
    chosen: Sequence[Place],
    arm: Arm,
    policy: str,
    told: Told,
) -> list[Stop]:
    text = study.model_dump_json()
    work = {
        place.key: StopJob(
            text, banks, place, arm.name, policy,
            Random(f"decision:{place.key}").randint(1, 10) if place.stage == CROSSING else 1,
        )
        for place in chosen
    }  # fmt: skip
    found = found_in(run_part(name, out, study, work, stop_job, told))
    if not found:
        raise HarnessError(f"every episode of '{name}' was lost")
    return [Stop.from_json(key, data) for key, data in found.items()]


def play_all(
    name: str,
    study: Study,
    banks: Banks,
    calibrations: tuple[tuple[str, str], ...],
    out: Path,
    chosen: Sequence[Place],
    arms: Sequence[str],
    told: Told,
    repeats: int = 1,
) -> dict[str, Any]:
    """Plays arms in worlds; returns records by key."""
    text = study.model_dump_json()
    work = {
        f"{place.key}/{repeat}" if repeats > 1 else place.key: Job(
            text, banks, place, tuple(arms), calibrations, repeat
        )
        for place in chosen
        for repeat in range(repeats)
    }
    return found_in(run_part(name, out, study, work, play_job, told))
