"""Know Where You're Uncertain: does telling the two uncertainties apart make robots better?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surefoot.agents.environments.bank import ViewBank
from surefoot.agents.guarantees import load_calibration
from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.experiments.base import Experiment, Told
from surefoot.experiments.know_where_uncertain.config import (
    ARMS,
    BASE,
    CROSSING,
    TABLETOP,
    UncertaintyConfig,
    arm_named,
    damage,
)
from surefoot.experiments.know_where_uncertain.injection import cell_cases, cross_talk
from surefoot.experiments.know_where_uncertain.parts import (
    calibrate,
    made_in_physics,
    make_banks,
    play_all,
)
from surefoot.experiments.know_where_uncertain.play import Banks
from surefoot.experiments.know_where_uncertain.report import render_study
from surefoot.experiments.know_where_uncertain.summary import arm_rows, rule_rows, variability_rows
from surefoot.experiments.know_where_uncertain.worlds import places
from surefoot.results.run_folder import REPORT_NAME, SUMMARY_NAME

RULED = ("base", "verification", "refinement", "paper", "all", "all-0.3")
"""Arms whose rules are listed one by one."""


def run_study(study: UncertaintyConfig, out: Path, told: Told) -> Path:
    """Runs the study, or goes on with it; every part is a run folder of its own.

    Returns:
        The report's path.

    Raises:
        InputError: A model or folder cannot be used.
    """
    import json

    known = {arm.name for arm in ARMS}
    for name in (*study.physics_arms, *study.variable):
        if name not in known:
            raise InputError(f"no arm '{name}'; there are {', '.join(sorted(known))}")
    out.mkdir(parents=True, exist_ok=True)
    banks = make_banks(study, out, told) if study.crossing else ()
    paths = calibrate(study, banks, out, told)
    arms = [arm.name for arm in ARMS]
    summary: dict[str, Any] = {"study": study.model_dump(mode="json"), "stages": {}, "physics": {}}
    for stage, n in ((CROSSING, study.crossing), (TABLETOP, study.tabletop)):
        if not n:
            continue
        chosen = places(study, stage, "test", n)
        records = play_all(f"twin-{stage}", study, banks, paths, out, chosen, arms, told)
        summary["stages"][stage] = {
            "arms": arm_rows(records, BASE, study.seed),
            "rules": rule_rows(records, RULED),
        }
    if study.crossing and study.repeats > 1 and study.scenes:
        chosen = places(study, CROSSING, "test", study.scenes)
        records = play_all(
            "repeats", study, banks, paths, out, chosen, study.variable, told, study.repeats
        )
        summary["variability"] = variability_rows(records, BASE, study.seed)
    if study.crossing and study.injection:
        summary["injection"] = _injection(study, banks, dict(paths), told)
    for stage, n in ((CROSSING, study.crossing), (TABLETOP, study.tabletop)):
        if study.physics and n:
            chosen = places(study, stage, "test", study.physics // 2, physics=True)
            made = made_in_physics(study, paths)
            physical = play_all(
                f"physics-{stage}", study, banks, made, out, chosen, study.physics_arms, told
            )
            summary["physics"][stage] = {"arms": arm_rows(physical, BASE, study.seed)}
    write_atomic(out / SUMMARY_NAME, json.dumps(summary, indent=2) + "\n")
    write_atomic(out / REPORT_NAME, render_study(summary))
    return out / REPORT_NAME


def _injection(
    study: UncertaintyConfig, banks: Banks, paths: dict[str, str], told: Told
) -> dict[str, Any]:
    bank = ViewBank.load(Path(dict(banks)["test"]))
    calibration = load_calibration(
        paths[f"{CROSSING} {study.settings(arm_named(BASE)).looking}"],
        env=CROSSING,
        model=bank.model,
    )
    cells: dict[str, list[dict[str, Any]]] = {}
    for damaged in (False, True):
        snaps = [
            s
            for s in bank.snaps
            if bool(damage(study, CROSSING, s.seed, s.moment).parts) == damaged
        ]
        for spoiled in (False, True):
            name = f"pictures {'damaged' if damaged else 'clean'}, " + (
                f"plans {'damaged' if spoiled else 'as proposed'}"
            )
            told("injection", len(cells), 4)
            cells[name] = cell_cases(
                snaps,
                calibration,
                study.planner,
                study.injection,
                spoiled=spoiled,
                seed=study.seed,
            )
    told("injection", 4, 4)
    return cross_talk(cells, study.seed)


EXPERIMENT = Experiment(
    "know-where-uncertain",
    "Know Where You're Uncertain (MLSys 2025): variability -40 %, success +5 %, two uncertainties",
    UncertaintyConfig,
    run_study,
)
