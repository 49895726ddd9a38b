"""What the paper reports for the recorded answers, to stand beside what is measured."""

from __future__ import annotations

from dataclasses import dataclass

from surefoot.pddl.grading.axes import Axis

SOURCE = (
    "arXiv 2409.19924, figure Feasibility_rate.png of its repository, read off the bars "
    "(about 10 tasks a bar)"
)


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """Published figures of one model on one domain.

    Attributes:
        success: Feasible plans in percent.
        labels: IR, IP and MG in percent; with ``success`` they add up to 100.
        source: Where the figures come from.
    """

    success: float
    labels: dict[str, float]
    source: str = SOURCE


def _cell(success: float, ir: float = 0, ip: float = 0, mg: float = 0) -> PublishedCell:
    return PublishedCell(success, {"IR": ir, "IP": ip, "MG": mg})


_MODELS = ("gpt4", "o1-mini", "o1-preview")

_TABLE: dict[str, tuple[PublishedCell, PublishedCell, PublishedCell]] = {
    "barman": (_cell(0, ir=100), _cell(0, ir=100), _cell(0, ir=100)),
    "blocksworld": (_cell(40, ir=60), _cell(60, ir=40), _cell(100)),
    "floortile": (_cell(0, ir=90, mg=10), _cell(0, ir=90, ip=10), _cell(0, ir=30, ip=70)),
    "grippers": (_cell(70, ir=30), _cell(80, ip=10, mg=10), _cell(90, mg=10)),
    "tyreworld": (_cell(10, ir=90), _cell(20, ir=80), _cell(100)),
    "termes": (_cell(0, ir=100), _cell(0, ir=100), _cell(0, ir=100)),
}


def published_cell(domain: str, model: str) -> PublishedCell | None:
    """Returns the published figures of a model on a domain, ``None`` if there are none.

    >>> published_cell("blocksworld", "gpt4").success
    40
    """
    row = _TABLE.get(domain)
    return row[_MODELS.index(model)] if row is not None and model in _MODELS else None


RADAR_SOURCE = (
    "arXiv 2409.19924, figure radar_chart.png of its repository, measured in pixels; how "
    "optimality and generalization were counted is not published"
)

_RADAR = {
    "gpt4": (0.20, 0.22, 0.98, 0.10, 0.0),
    "o1-mini": (0.26, 0.32, 0.98, 0.23, 0.20),
    "o1-preview": (0.48, 0.62, 0.98, 0.25, 0.40),
}


def published_axes(model: str) -> dict[str, float] | None:
    """Returns a model's published radar values in [0, 1], ``None`` if there are none."""
    values = _RADAR.get(model)
    return dict(zip(map(str, Axis), values, strict=True)) if values is not None else None


def published_domains() -> tuple[str, ...]:
    """Returns the domains of the paper's bars, in their order."""
    return tuple(_TABLE)
