"""What the paper reports for the recorded answers, to stand beside what is measured."""

from __future__ import annotations

from dataclasses import dataclass

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
