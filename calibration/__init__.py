"""Guarantees for perception and planning: conformal sets, risk control, drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.calibration.conformal.facts import FactArrays
    from surefoot.calibration.conformal.groups import GroupConformal
    from surefoot.calibration.conformal.joint import JointConformal
    from surefoot.calibration.conformal.split import SplitConformal
    from surefoot.calibration.decisions.confidence import u_p
    from surefoot.calibration.decisions.risk import RiskThreshold, risk_threshold
    from surefoot.calibration.decisions.router import Route, Router, calibrate_router
    from surefoot.calibration.decisions.stopping import StoppedPolicy
    from surefoot.calibration.metrics.probability import ece, reliability
    from surefoot.calibration.reports.artefact import Artefact, load_artefact

__all__ = [
    "Artefact",
    "FactArrays",
    "GroupConformal",
    "JointConformal",
    "RiskThreshold",
    "Route",
    "Router",
    "SplitConformal",
    "StoppedPolicy",
    "calibrate_router",
    "ece",
    "load_artefact",
    "reliability",
    "risk_threshold",
    "u_p",
]

_PLACES = {
    "Artefact": "reports.artefact",
    "FactArrays": "conformal.facts",
    "GroupConformal": "conformal.groups",
    "JointConformal": "conformal.joint",
    "RiskThreshold": "decisions.risk",
    "Route": "decisions.router",
    "Router": "decisions.router",
    "SplitConformal": "conformal.split",
    "StoppedPolicy": "decisions.stopping",
    "calibrate_router": "decisions.router",
    "ece": "metrics.probability",
    "load_artefact": "reports.artefact",
    "reliability": "metrics.probability",
    "risk_threshold": "decisions.risk",
    "u_p": "decisions.confidence",
}
"""The module of each public name; loaded when the name is first used."""

__getattr__ = lazily(__name__, _PLACES)
