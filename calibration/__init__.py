"""Guarantees about what was seen and what was planned: conformal sets, risk control, drift.

Knows nothing of robots, PDDL or torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.calibration.conformal.adaptive import AdaptiveLevel, QuantileTracker
    from surefoot.calibration.conformal.facts import FactArrays
    from surefoot.calibration.conformal.groups import ClassConformal, GroupConformal
    from surefoot.calibration.conformal.joint import (
        JointConformal,
        JointMethod,
        all_covered,
        worlds,
    )
    from surefoot.calibration.conformal.scores import Score
    from surefoot.calibration.conformal.sequences import Acceptance, SequenceConformal
    from surefoot.calibration.conformal.shift import WeightedConformal
    from surefoot.calibration.conformal.split import SplitConformal
    from surefoot.calibration.decisions.belief import fit_dependence, fuse
    from surefoot.calibration.decisions.confidence import released_u_d, released_u_p, u_d, u_p
    from surefoot.calibration.decisions.risk import RiskThreshold, risk_threshold
    from surefoot.calibration.decisions.router import (
        AggregateRouter,
        Route,
        Router,
        calibrate_router,
    )
    from surefoot.calibration.decisions.satisfaction import Satisfaction, calibrate_satisfaction
    from surefoot.calibration.decisions.stopping import StoppedPolicy, UntilSure, calibrate_any_time
    from surefoot.calibration.metrics.coverage import beta_law
    from surefoot.calibration.metrics.probability import auroc, brier, ece, reliability
    from surefoot.calibration.monitoring.drift import ExchangeabilityMonitor, RiskMonitor
    from surefoot.calibration.monitoring.recalibration import watch
    from surefoot.calibration.quantiles import conditional_alpha, conformal_quantile, p_values
    from surefoot.calibration.reports.artefact import Artefact, load_artefact

__all__ = [
    "Acceptance",
    "AdaptiveLevel",
    "AggregateRouter",
    "Artefact",
    "ClassConformal",
    "ExchangeabilityMonitor",
    "FactArrays",
    "GroupConformal",
    "JointConformal",
    "JointMethod",
    "QuantileTracker",
    "RiskMonitor",
    "RiskThreshold",
    "Route",
    "Router",
    "Satisfaction",
    "Score",
    "SequenceConformal",
    "SplitConformal",
    "StoppedPolicy",
    "UntilSure",
    "WeightedConformal",
    "all_covered",
    "auroc",
    "beta_law",
    "brier",
    "calibrate_any_time",
    "calibrate_router",
    "calibrate_satisfaction",
    "conditional_alpha",
    "conformal_quantile",
    "ece",
    "fit_dependence",
    "fuse",
    "load_artefact",
    "p_values",
    "released_u_d",
    "released_u_p",
    "reliability",
    "risk_threshold",
    "u_d",
    "u_p",
    "watch",
    "worlds",
]

_PLACES = {
    "Acceptance": "conformal.sequences",
    "AdaptiveLevel": "conformal.adaptive",
    "AggregateRouter": "decisions.router",
    "Artefact": "reports.artefact",
    "ClassConformal": "conformal.groups",
    "ExchangeabilityMonitor": "monitoring.drift",
    "FactArrays": "conformal.facts",
    "GroupConformal": "conformal.groups",
    "JointConformal": "conformal.joint",
    "JointMethod": "conformal.joint",
    "QuantileTracker": "conformal.adaptive",
    "RiskMonitor": "monitoring.drift",
    "RiskThreshold": "decisions.risk",
    "Route": "decisions.router",
    "Router": "decisions.router",
    "Satisfaction": "decisions.satisfaction",
    "Score": "conformal.scores",
    "SequenceConformal": "conformal.sequences",
    "SplitConformal": "conformal.split",
    "StoppedPolicy": "decisions.stopping",
    "UntilSure": "decisions.stopping",
    "WeightedConformal": "conformal.shift",
    "all_covered": "conformal.joint",
    "auroc": "metrics.probability",
    "beta_law": "metrics.coverage",
    "brier": "metrics.probability",
    "calibrate_any_time": "decisions.stopping",
    "calibrate_router": "decisions.router",
    "calibrate_satisfaction": "decisions.satisfaction",
    "conditional_alpha": "quantiles",
    "conformal_quantile": "quantiles",
    "ece": "metrics.probability",
    "fit_dependence": "decisions.belief",
    "fuse": "decisions.belief",
    "load_artefact": "reports.artefact",
    "p_values": "quantiles",
    "released_u_d": "decisions.confidence",
    "released_u_p": "decisions.confidence",
    "reliability": "metrics.probability",
    "risk_threshold": "decisions.risk",
    "u_d": "decisions.confidence",
    "u_p": "decisions.confidence",
    "watch": "monitoring.recalibration",
    "worlds": "conformal.joint",
}
"""The module of each public name; loaded when the name is first used."""

__getattr__ = lazily(__name__, _PLACES)
