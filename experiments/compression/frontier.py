"""Compressed planners in the closed loop: success against latency and memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from surefoot.core.progress import Progress
from surefoot.core.seeds import seeds_of
from surefoot.envs.crossing.tasks import TASKS
from surefoot.envs.episodes.config import resolve
from surefoot.envs.episodes.run import episodes_run
from surefoot.experiments.compression.config import CompressionStudyConfig
from surefoot.experiments.compression.work import calibration
from surefoot.experiments.local_models.tasks import scorer_for
from surefoot.models.shipped import model_folder
from surefoot.sparsity.engine.finishing import CompressOptions
from surefoot.sparsity.engine.run import compress
from surefoot.sparsity.recipe import read_recipe
from surefoot.sparsity.report.measure import measure
from surefoot.sparsity.report.summary import read_report

MODEL = "local-agent"
"""The planner that is compressed."""

DENSE = "dense"
"""Name of the uncompressed planner."""


def run_frontier(study: CompressionStudyConfig, out: Path, progress: Progress) -> dict[str, Any]:
    """Compresses the planner by every recipe and runs it in the closed loop.

    Returns:
        By recipe, the dense planner first: ``measured`` (latency and memory), ``bytes`` (of files
        with weights), ``label``, ``tasks`` (by name whether solved) and ``episodes`` (by key
        whether it succeeded).
    """
    folder = model_folder(MODEL)
    found: dict[str, Any] = {}
    names = (DENSE, *study.frontier)
    for number, name in enumerate(names):
        progress(number, len(names), "frontier")
        place = folder if name == DENSE else out / "models" / name
        if name != DENSE:
            wanted = read_recipe(name)
            texts, source = calibration(MODEL, wanted.calibration.samples, wanted.seed)
            compress(
                folder,
                wanted,
                place,
                texts=texts,
                source=source,
                options=CompressOptions(measure=True, threads=study.threads),
            )
            report = read_report(place)
            size_of = {
                "measured": report["measured"]["after"],
                "bytes": report["totals"]["bytes_after"],
                "label": report["artifact"]["format"],
            }
        else:
            size = sum(p.stat().st_size for p in folder.glob("*.safetensors"))
            size_of = {
                "measured": measure(folder, study.threads).to_json(),
                "bytes": size,
                "label": "as it is",
            }
        found[name] = {
            **size_of,
            "tasks": dict(scorer_for(folder, study.tasks)(place)) if study.tasks else {},
            "episodes": _driven(study, out / "episodes" / name, place),
        }
    progress(len(names), len(names), "frontier")
    return found


def _driven(study: CompressionStudyConfig, out: Path, planner: Path) -> Mapping[str, bool]:
    if not study.episodes:
        return {}
    config = resolve(
        {
            "env": "crossing",
            "policy": "agent",
            "video": "none",
            "seeds": seeds_of("test", -(-study.episodes // len(TASKS))),
            "options": {"planner": f"hf:{planner}"},
        }
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    records = episodes_run(config, out, workers=study.workers).records
    return {key: record["outcome"] == "success" for key, record in records.items()}
