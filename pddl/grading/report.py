"""The grading report: one self-contained HTML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from surefoot.core.files import write_atomic
from surefoot.pddl.grading.display import CATEGORIES, bar_figure, p_equals, p_text, percent, tone
from surefoot.pddl.grading.doubtful import doubtful_steps, general_doubts
from surefoot.pddl.grading.published import PublishedCell
from surefoot.pddl.grading.records import UNGRADED, AnswerOutcome, AnswerRecord, unsupported_tasks
from surefoot.pddl.grading.report_answers import answer_html, text_of_lines, verdict_line
from surefoot.pddl.grading.samples import KS, sample_rows
from surefoot.pddl.grading.summary import Cell
from surefoot.results.charts import BarRow, ForestRow, forest_plot, stacked_bars
from surefoot.results.figures import MISSING, rate
from surefoot.results.page import render_page, trusted
from surefoot.results.statistics import PairedComparison

Published = Mapping[tuple[str, str], PublishedCell]
"""Published figures by domain and model."""

_LABELS = ("IR", "IP", "MG", "LO")
_ALL = "all domains"

MAX_LINES = 5
"""Most lines that are shown of a doubtful answer at the head of the page."""


def write_report(
    path: Path,
    records: Sequence[AnswerRecord],
    cells: Sequence[Cell],
    totals: Sequence[Cell],
    comparisons: Sequence[PairedComparison],
    published: Published,
    meta: Mapping[str, str],
) -> None:
    """Writes the report in one go; see :func:`render_report` for the arguments.

    Raises:
        InputError: The file cannot be written.
    """
    page = render_report(records, cells, totals, comparisons, published, meta)
    write_atomic(path, page)


def render_report(
    records: Sequence[AnswerRecord],
    cells: Sequence[Cell],
    totals: Sequence[Cell],
    comparisons: Sequence[PairedComparison],
    published: Published,
    meta: Mapping[str, str],
) -> str:
    """Builds the report.

    Args:
        records: All graded answers.
        cells: Counts by domain and model.
        totals: Counts by model over all domains.
        comparisons: Models compared on their common tasks.
        published: Published figures to set beside the measured ones; may be empty.
        meta: Facts for the head of the page in order, such as ``date`` and ``answers``;
            ``title`` replaces the page's title.

    Returns:
        A complete HTML document that loads nothing.
    """
    anchors = {id(record): f"a{number}" for number, record in enumerate(records, start=1)}
    domains = list(dict.fromkeys(cell.domain for cell in cells))
    return render_page(
        "report.html.j2",
        package="surefoot.pddl.grading",
        title=meta.get("title", "Graded planning answers"),
        meta={name: text for name, text in meta.items() if name != "title"},
        counts=(counts := _counts(records, totals, domains)),
        left_out=_left_out(counts),
        doubtful=_doubtful(records, anchors),
        unsupported=unsupported_tasks(records),
        lead=_lead(totals),
        findings=[_finding(c) for c in comparisons],
        totals=[_total_row(cell) for cell in totals],
        forest=trusted(_forest(cells, totals, published)),
        bars=trusted(_bars(records, cells)),
        paper=[(d, [_paper_row(c, published) for c in cells if c.domain == d]) for d in domains],
        sources=list(dict.fromkeys(cell.source for cell in published.values())),
        labels=_LABELS,
        comparisons=[_comparison_row(c) for c in comparisons],
        samples=sample_rows(records),
        ks=KS,
        models=[cell.model for cell in totals],
        index=_index(records, [cell.model for cell in totals], anchors),
        answers=[
            (
                domain,
                trusted("".join(answer_html(r, anchors[id(r)]) for r in _of(records, domain))),
            )
            for domain in domains
        ],
    )


def _of(records: Sequence[AnswerRecord], domain: str) -> list[AnswerRecord]:
    return [record for record in records if record.domain == domain]


def _counts(
    records: Sequence[AnswerRecord], totals: Sequence[Cell], domains: Sequence[str]
) -> dict[str, int]:
    return {
        "graded": sum(cell.n for cell in totals),
        "not_run": sum(cell.not_run for cell in totals),
        "broken": sum(cell.harness_errors for cell in totals),
        "unsupported": sum(cell.unsupported for cell in totals),
        "doubtful": sum(cell.doubtful for cell in totals),
        "models": len(totals),
        "tasks": len({record.task for record in records}),
        "domains": len(domains),
    }


def _left_out(counts: Mapping[str, int]) -> list[str]:
    """Names what is in no rate, with the number of answers."""
    unsupported = counts["unsupported"]
    texts = {
        "not_run": f"{counts['not_run']} not run",
        "doubtful": f"{counts['doubtful']} doubtful",
        "broken": f"{counts['broken']} could not be graded",
        "unsupported": f"{unsupported} to tasks that are not supported",
    }
    return [text for name, text in texts.items() if counts[name]]


def _doubtful(records: Sequence[AnswerRecord], anchors: Mapping[int, str]) -> list[dict[str, Any]]:
    """Lists the doubtful answers with the lines that make them so, and what was read."""
    return [
        {
            "anchor": anchors[id(r)],
            "task": r.task,
            "model": r.model + (f" sample {r.sample}" if r.sample else ""),
            "why": r.detail,
            "read_as": r.read_as.replace("_", " "),
            "second": r.second_reading,
            "general": general_doubts(r),
            "steps": [
                {
                    "line": s.step.first_line,
                    "text": text_of_lines(r, s.step.first_line, s.step.last_line),
                    "reading": s.step.action,
                    "why": "; ".join(s.why),
                }
                for s in steps[:MAX_LINES]
            ],
            "more": max(0, len(steps) - MAX_LINES),
        }
        for r in records
        if r.kind is AnswerOutcome.DOUBTFUL
        for steps in (doubtful_steps(r),)
    ]


def _rate(cell: Cell) -> str:
    if cell.interval is None:
        return MISSING
    return rate(cell.valid, cell.n, cell.interval.low, cell.interval.high)


def _lead(totals: Sequence[Cell]) -> list[tuple[str, str]]:
    best = sorted((c for c in totals if c.n), key=lambda c: -c.valid / c.n)
    return [
        (
            c.model,
            f"{c.valid} of {c.n} valid, {_rate(c)}"
            + (f"; {c.doubtful} doubtful, not counted" if c.doubtful else ""),
        )
        for c in best
    ]


def _finding(c: PairedComparison) -> str:
    if c.adjusted >= 0.05:
        return (
            f"{c.first} and {c.second}: no difference shown on {c.n} common tasks "
            f"({p_equals(c.adjusted)})"
        )
    better, worse = (c.first, c.second) if c.only_first > c.only_second else (c.second, c.first)
    return (
        f"{better} solves more than {worse}: {max(c.only_first, c.only_second)} tasks that "
        f"{worse} fails, against {min(c.only_first, c.only_second)} the other way round "
        f"({p_equals(c.adjusted)})"
    )


def _total_row(cell: Cell) -> dict[str, Any]:
    return {
        "model": cell.model,
        "n": cell.n,
        "not_run": cell.not_run,
        "broken": cell.harness_errors,
        "doubtful": cell.doubtful,
        "valid": cell.valid,
        "rate": _rate(cell),
        "optimal": cell.optimal,
        "open": cell.unknown_optimality,
        "labels": [cell.labels.get(label, 0) for label in _LABELS],
    }


def _forest(cells: Sequence[Cell], totals: Sequence[Cell], published: Published) -> str:
    rows = [ForestRow(_ALL, c.model, c.valid, c.n, c.interval) for c in totals]
    for cell in cells:
        known = published.get((cell.domain, cell.model))
        reference = known.success / 100 if known else None
        rows.append(
            ForestRow(cell.domain, cell.model, cell.valid, cell.n, cell.interval, reference)
        )
    title = "Share of valid plans by domain and model, with Wilson intervals at 95 %"
    return forest_plot(rows, title=title, reference_name="published")


def _bars(records: Sequence[AnswerRecord], cells: Sequence[Cell]) -> str:
    groups: dict[tuple[str, str], Counter[str]] = {(c.domain, c.model): Counter() for c in cells}
    for record in records:
        if record.kind not in UNGRADED:
            groups[record.domain, record.model][CATEGORIES[record.kind].name] += 1
    doubtful = {(cell.domain, cell.model): cell.doubtful for cell in cells}
    rows = [
        BarRow(*place, counts, bar_figure(sum(counts.values()), doubtful[place]))
        for place, counts in groups.items()
    ]
    shown = [category for kind, category in CATEGORIES.items() if kind not in UNGRADED]
    return stacked_bars(rows, shown, title="Outcomes by domain and model")


def _paper_row(cell: Cell, published: Published) -> dict[str, Any]:
    known = published.get((cell.domain, cell.model))
    return {
        "model": cell.model,
        "n": cell.n,
        "doubtful": cell.doubtful,
        "rate": _rate(cell),
        "published": f"{known.success:g} %" if known else "",
        "labels": [
            (
                percent(cell.labels.get(label, 0), cell.n),
                f"{known.labels[label]:g}" if known and label in known.labels else "",
            )
            for label in _LABELS
        ],
    }


def _comparison_row(c: PairedComparison) -> dict[str, Any]:
    return {
        "first": c.first,
        "second": c.second,
        "n": c.n,
        "doubtful": c.left_out,
        "only_first": c.only_first,
        "only_second": c.only_second,
        "p": p_text(c.p_value),
        "adjusted": p_text(c.adjusted),
        "differs": c.adjusted < 0.05,
    }


def _index(
    records: Sequence[AnswerRecord], models: Sequence[str], anchors: Mapping[int, str]
) -> list[tuple[str, list[tuple[str, list[list[dict[str, str]]]]]]]:
    """Links by domain, task and model."""
    links: dict[str, dict[str, dict[str, list[dict[str, str]]]]] = {}
    for record in records:
        task = links.setdefault(record.domain, {}).setdefault(record.task, {})
        where = f" {record.first_error}" if record.first_error is not None else ""
        task.setdefault(record.model, []).append(
            {
                "anchor": anchors[id(record)],
                "tone": tone(record.kind),
                "code": CATEGORIES[record.kind].code,
                "text": str(record.kind).replace("_", " ") + (where and f", step{where}"),
                "title": verdict_line(record)
                + (f", sample {record.sample}" if record.sample else ""),
            }
        )
    return [
        (domain, [(task, [row.get(model, []) for model in models]) for task, row in tasks.items()])
        for domain, tasks in links.items()
    ]
