"""The report of a run: rates with intervals, a contact sheet, every episode with its video."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from surefoot.envs.episodes.config import RunConfig
from surefoot.envs.episodes.costs import broken_in, cost_rows
from surefoot.envs.episodes.outcome import EpisodeOutcome
from surefoot.envs.recording.sheet import Tile, contact_sheet, to_jpeg
from surefoot.results.charts import BarRow, Category, ForestRow, forest_plot, stacked_bars
from surefoot.results.figures import number, rate, whole_percent
from surefoot.results.manifest import current_versions
from surefoot.results.page import render_page, trusted
from surefoot.results.statistics import Interval

SHOWN = 36
"""Most images on the contact sheet; failures come first."""

_CATEGORIES = {
    EpisodeOutcome.SUCCESS: Category("success", "S", "green"),
    EpisodeOutcome.FAILED: Category("failed", "F", "orange"),
    EpisodeOutcome.GAVE_UP: Category("gave up", "G", "amber"),
    EpisodeOutcome.OUT_OF_STEPS: Category("out of steps", "O", "purple"),
    EpisodeOutcome.VIOLATED: Category("violated", "V", "orange", 0.5),
    EpisodeOutcome.INVALID_PLAN: Category("invalid plan", "I", "amber", 0.5),
    EpisodeOutcome.UNPARSABLE: Category("unparsable", "U", "purple", 0.5),
    EpisodeOutcome.REFUSED: Category("refused", "R", "sky", 0.5),
    EpisodeOutcome.ASKED_HUMAN: Category("asked human", "A", "blue", 0.5),
    EpisodeOutcome.MODEL_ERROR: Category("model error", "M", "grey", 0.5),
    EpisodeOutcome.TIMEOUT: Category("timeout", "T", "blue"),
    EpisodeOutcome.POLICY_ERROR: Category("policy error", "P", "sky"),
    EpisodeOutcome.SIM_ERROR: Category("sim error", "E", "grey"),
}

Records = Mapping[str, Mapping[str, Any]]


def render_report(
    config: RunConfig,
    records: Records,
    summary: Mapping[str, Any],
    media: Path,
    pages: Mapping[str, str],
) -> str:
    """Builds the report.

    Args:
        config: The run's configuration.
        records: Records by key.
        summary: Content of ``summary.json``.
        media: Folder of the last images.
        pages: Addresses of the pages on single episodes, by key.

    Returns:
        A complete HTML document that loads nothing; it links to the videos beside it.
    """
    agent = summary["total"]["agent"]
    cells = [summary["total"], *summary["cells"]] if len(summary["cells"]) > 1 else summary["cells"]
    return render_page(
        "episodes.html.j2",
        package="surefoot.envs.episodes",
        title=f"{config.env}: {config.policy}",
        total=_row(summary["total"]),
        facts=_facts(config),
        rows=[_row(cell) for cell in cells],
        costs=cost_rows(cells),
        target=f"{100 * (1 - agent['alpha']):g}" if agent else "",
        forest=trusted(_forest(config, cells)),
        bars=trusted(_bars(config, cells)),
        sheet=_sheet(records, media),
        sheet_note=f"{min(SHOWN, len(records))} of {len(records)}",
        episodes=[_episode(key, record, pages) for key, record in records.items()],
    )


def _facts(config: RunConfig) -> dict[str, str]:
    seeds = ", ".join(map(str, config.seeds[:12]))
    more = f" and {len(config.seeds) - 12} more" if len(config.seeds) > 12 else ""
    wrong = "; ".join(
        " ".join(
            [
                p["name"],
                *(
                    f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}"
                    for k, v in p.items()
                    if k != "name"
                ),
            ]
        )
        for p in config.perturb
    )
    versions = current_versions()
    return {
        "environment": config.env,
        "policy": config.policy,
        **_flat(config.options),
        "difficulty": config.difficulty,
        "seeds": seeds + more,
        "perturbations": wrong or "none",
        "versions": ", ".join(f"{name} {text}" for name, text in versions.items()),
    }


def _flat(options: Mapping[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in options.items():
        inner = isinstance(value, Mapping)
        found |= _flat(value, f"{before}{name}.") if inner else {before + name: str(value)}
    return found


def _row(cell: Mapping[str, Any]) -> dict[str, Any]:
    low, high = cell["interval"] or (0.0, 1.0)
    n, good = cell["n"], cell["success"]
    return {
        "task": cell["task"],
        "n": n,
        "success": good,
        "rate": rate(good, n, low, high),
        "skills": number(cell["mean_skills"] if n else None, 1),
        "seconds": number(cell["mean_simulated_s"] if n else None, 1),
        "progress": whole_percent(cell["mean_progress"] if n else None),
        "goal": cell["goal_reached"],
        "broke_rules": cell["broke_rules"],
    }


def _forest(config: RunConfig, cells: list[Mapping[str, Any]]) -> str:
    rows = [
        ForestRow(
            cell["task"],
            config.policy,
            cell["success"],
            cell["n"],
            Interval(*cell["interval"]) if cell["interval"] else None,
        )
        for cell in cells
    ]
    return forest_plot(rows, title="Success by task, with Wilson intervals at 95 %")


def _bars(config: RunConfig, cells: list[Mapping[str, Any]]) -> str:
    rows = [
        BarRow(
            cell["task"],
            config.policy,
            {
                _CATEGORIES[EpisodeOutcome(name)].name: count
                for name, count in cell["outcomes"].items()
            },
        )
        for cell in cells
    ]
    return stacked_bars(rows, list(_CATEGORIES.values()), title="Outcomes by task")


def _sheet(records: Records, media: Path) -> str:
    """Returns a contact sheet as a data URL, ``""`` without images."""
    order = sorted(records.values(), key=lambda r: r["outcome"] == EpisodeOutcome.SUCCESS.value)
    tiles = []
    for record in order:
        name = record["media"].get("last")
        picture = _image(media / name) if name else None
        if picture is None:
            continue
        outcome = EpisodeOutcome(record["outcome"])
        note = outcome.words + (f": {record['reason']}" if record["reason"] else "")
        tiles.append(Tile(picture, f"{record['task']} {record['seed']}", note, outcome.tone))
        if len(tiles) == SHOWN:
            break
    if not tiles:
        return ""
    data = base64.b64encode(to_jpeg(contact_sheet(tiles))).decode()
    return f"data:image/jpeg;base64,{data}"


def _image(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
    try:
        return np.asarray(Image.open(BytesIO(path.read_bytes())).convert("RGB"), np.uint8)
    except (OSError, UnidentifiedImageError):
        return None  # deleted meanwhile; the report does without it


def _episode(key: str, record: Mapping[str, Any], pages: Mapping[str, str]) -> dict[str, Any]:
    outcome = EpisodeOutcome(record["outcome"])
    return {
        "key": key,
        "code": _CATEGORIES[outcome].code,
        "tone": "good" if outcome is EpisodeOutcome.SUCCESS else "bad",
        "outcome": outcome.words,
        "reason": record["reason"],
        "instruction": record["instruction"],
        "steps": record["steps"],
        "broken": ", ".join(broken_in(record)),
        "page": pages.get(key, ""),
        "seconds": f"{record['simulated_s']:.1f}",
        "video": record["media"].get("video", ""),
        "text": f"{key} {outcome.words} {record['reason']}",
    }
