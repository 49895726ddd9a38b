"""``surefoot train restoring``: images, raw and restored, answers, and what follows of them."""

from __future__ import annotations

import json
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.perception.restorers import make_restorer
from surefoot.agents.sensing.learning import SceneJob, ScenesConfig, ask_scenes, simulated_camera
from surefoot.agents.sensing.restoring import RestoredPair, RestoringModel, fit_restoring
from surefoot.agents.sensing.scenery import render_scene
from surefoot.core.progress import Progress, silent
from surefoot.envs.perturbations.pipeline import Pipeline


class RestoringConfig(ScenesConfig):
    """What is learned about restoring, and from what."""

    env: str = "tabletop"
    """Stage: ``crossing`` or ``tabletop``."""
    scenes: int = Field(default=100, ge=1)
    """Scenes of the split ``train``."""
    restorer: str = "median"
    """Way to restore, see :func:`~surefoot.agents.perception.restorers.make_restorer`."""
    views: int = Field(default=4, ge=2, le=25)
    """Views of each table, drawn; at the crossing all three."""
    perturb: tuple[dict[str, Any], ...] = ({"name": "noise", "severity": 0.8},)
    """What goes wrong with every image."""


def learn_restoring(
    config: RestoringConfig,
    out: Path,
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> RestoringModel:
    """Renders scenes, restores the images, asks about both, and writes the restoring model.

    Args:
        config: From what.
        out: The ``.json`` file; answers are kept in the folder of the same name without ending, so
            that stopped work is resumed.
        workers: Processes.
        progress: Called after every finished scene.

    Raises:
        InputError: Something is unknown, or too many scenes were lost.
    """
    make_restorer(config.restorer)
    asked = ask_scenes(
        "train restoring", config, out, _answered, workers=workers, progress=progress
    )
    pairs = [
        RestoredPair(FactQuestion(f, text, tuple(options), kind), truth, raw, restored)
        for record in asked.records
        for (f, text, options, kind), truth, raw, restored in record["pairs"]
    ]
    seconds = float(np.mean([s for record in asked.records for s in record["seconds"]]))
    data = json.dumps([record["pairs"] for record in asked.records]).encode()
    provenance_data = {
        "scenes": len(asked.records),
        "views": config.views,
        "sha256": sha256(data).hexdigest(),
        **asked.provenance(config),
    }
    found = fit_restoring(config.env, asked.model, config.restorer, seconds, pairs, provenance_data)
    found.save(out)
    return found


def _answered(job: SceneJob) -> dict[str, Any]:
    config = job.config
    simulation, perceiver = simulated_camera(config.perception)
    restorer = make_restorer(config.restorer)
    scene = render_scene(
        simulation, config.env, job.seed, Pipeline.build(config.perturb), views=config.views
    )
    pairs, seconds = [], []
    for rgb, questions in scene.images.values():
        begun = time.perf_counter()
        restored = restorer(rgb)
        seconds.append(time.perf_counter() - begun)
        both = zip(
            questions,
            perceiver.ask(rgb, list(questions)),
            perceiver.ask(restored, list(questions)),
            strict=True,
        )
        for q, raw, after in both:
            if q.fact in scene.truth and scene.truth[q.fact] in q.options:
                asked = [q.fact, q.text, list(q.options), q.kind]
                pairs.append([asked, scene.truth[q.fact], _short(raw), _short(after)])
    return {"pairs": pairs, "seconds": seconds}


def _short(answer: Any) -> list[float]:
    return [round(float(p), 5) for p in answer]
