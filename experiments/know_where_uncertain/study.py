"""Know Where You're Uncertain: does telling the two uncertainties apart make robots better?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surefoot.agents.environments.bank import ViewBank
from surefoot.agents.guarantees import load_calibration
from surefoot.core.errors import InputError
from surefoot.experiments.base import Study
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

RULED = ("base", "verification", "refinement", "paper", "all", "all-0.3")
"""Arms whose rules are listed one by one."""


class UncertaintyStudy(Study[UncertaintyConfig]):
    """Plays every arm in the twins and in full physics."""

    name = "know-where-uncertain"
    claim = (
        "Know Where You're Uncertain (MLSys 2025): variability -40 %, success +5 %, two "
        "uncertainties"
    )

    def check(self) -> None:
        """Checks that every arm exists."""
        known = {arm.name for arm in ARMS}
        for name in (*self.config.physics_arms, *self.config.variable):
            if name not in known:
                raise InputError(f"no arm '{name}'; there are {', '.join(sorted(known))}")

    def results(self) -> tuple[dict[str, Any], str]:
        """Runs all parts; returns the summary and the report."""
        config = self.config
        banks = make_banks(self) if config.crossing else ()
        paths = calibrate(self, banks)
        arms = [arm.name for arm in ARMS]
        summary: dict[str, Any] = {"study": config.to_json(), "stages": {}, "physics": {}}
        for stage, n in ((CROSSING, config.crossing), (TABLETOP, config.tabletop)):
            if not n:
                continue
            chosen = places(config, stage, "test", n)
            records = play_all(self, f"twin-{stage}", banks, paths, chosen, arms)
            summary["stages"][stage] = {
                "arms": arm_rows(records, BASE, config.seed),
                "rules": rule_rows(records, RULED),
            }
        if config.crossing and config.repeats > 1 and config.scenes:
            chosen = places(config, CROSSING, "test", config.scenes)
            records = play_all(
                self, "repeats", banks, paths, chosen, config.variable, config.repeats
            )
            summary["variability"] = variability_rows(records, BASE, config.seed)
        if config.crossing and config.injection:
            summary["injection"] = self._injection(banks, dict(paths))
        for stage, n in ((CROSSING, config.crossing), (TABLETOP, config.tabletop)):
            if config.physics and n:
                chosen = places(config, stage, "test", config.physics // 2, physics=True)
                made = made_in_physics(config, paths)
                physical = play_all(
                    self, f"physics-{stage}", banks, made, chosen, config.physics_arms
                )
                summary["physics"][stage] = {"arms": arm_rows(physical, BASE, config.seed)}
        return summary, render_study(summary)

    def _injection(self, banks: Banks, paths: dict[str, str]) -> dict[str, Any]:
        config = self.config
        bank = ViewBank.load(Path(dict(banks)["test"]))
        calibration = load_calibration(
            paths[f"{CROSSING} {config.settings(arm_named(BASE)).looking}"],
            env=CROSSING,
            model=bank.model,
        )
        cells: dict[str, list[dict[str, Any]]] = {}
        for damaged in (False, True):
            snaps = [
                s
                for s in bank.snaps
                if bool(damage(config, CROSSING, s.seed, s.moment).parts) == damaged
            ]
            for spoiled in (False, True):
                name = f"pictures {'damaged' if damaged else 'clean'}, " + (
                    f"plans {'damaged' if spoiled else 'as proposed'}"
                )
                self.progress(len(cells), 4, "injection")
                cells[name] = cell_cases(
                    snaps,
                    calibration,
                    config.planner,
                    config.injection,
                    spoiled=spoiled,
                    seed=config.seed,
                )
        self.progress(4, 4, "injection")
        return cross_talk(cells, config.seed)


EXPERIMENT = UncertaintyStudy.experiment(UncertaintyConfig)
