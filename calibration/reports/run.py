"""From records to an artefact, its figures and a report."""

from __future__ import annotations

from pathlib import Path

from surefoot.calibration.reports.analysis import analyse_facts, analyse_plans
from surefoot.calibration.reports.artefact import ARTEFACT_NAME, Settings, calibrate
from surefoot.calibration.reports.outcome import CalibrationRun
from surefoot.calibration.reports.records import Predictions
from surefoot.calibration.reports.report import render_report
from surefoot.calibration.reports.tables import FactTable, PlanTable, with_splits
from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic, write_error


def calibrate_run(
    records: Predictions, settings: Settings, out: Path, *, resplits: int = 200
) -> CalibrationRun:
    """Calibrates on one half of the scenes, evaluates on the other, and writes both to files.

    Args:
        records: Records of one origin, with splits or without.
        settings: Settings of the calibration.
        out: A folder (made if missing) for ``calibration.json`` and ``calibration.html``, or a
            ``.json`` file beside which the report is put.
        resplits: Number of re-splits that coverage is measured over.

    Raises:
        InputError: The records do not allow it, or the files cannot be written.
    """
    path = out if out.suffix == ".json" else out / ARTEFACT_NAME
    if path.is_dir() or (out.exists() and path is not out and not out.is_dir()):
        raise InputError(
            "--out must be a folder or a .json file; choose another --out", file=str(out)
        )
    split = with_splits(records, settings.seed)
    known, new = split.in_split("calibration"), split.in_split("test")
    for name, part in {"calibration": known, "test": new}.items():
        if not part.facts and not part.plans:
            raise InputError(f"no record is marked {name}", file=records.source or None)
    artefact = calibrate(known, settings)
    facts = plans = None
    if known.facts and new.facts:
        tables = FactTable.of(known.facts), FactTable.of(new.facts)
        facts = analyse_facts(artefact, *tables, resplits)
    if known.plans and new.plans:
        plans = analyse_plans(artefact, PlanTable.of(new.plans))
    done = CalibrationRun(artefact, facts, plans, path, path.with_suffix(".html"))
    html = render_report(done, records.source)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(error, path.parent) from None
    artefact.save(path)
    write_atomic(done.report_path, html)
    return done
