"""The bench's pages: an overview, and every answer with its steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from surefoot.core.files import write_atomic
from surefoot.pddl.benchmark.profile import axes_chart, sizes_chart
from surefoot.pddl.benchmark.quiz_report import quiz_section, write_questions
from surefoot.pddl.benchmark.quiz_summary import QuizEpisode
from surefoot.pddl.benchmark.summary import Episode, cells_of, named
from surefoot.pddl.grading.display import CATEGORIES, bar_figure, p_text
from surefoot.pddl.grading.records import UNGRADED
from surefoot.pddl.grading.report import write_report
from surefoot.pddl.grading.samples import sample_rows
from surefoot.results.charts import BarRow, ForestRow, forest_plot, stacked_bars
from surefoot.results.figures import MISSING, points, whole_percent
from surefoot.results.lines import Curve, line_chart
from surefoot.results.page import render_page, trusted
from surefoot.results.run_folder import REPORT_NAME
from surefoot.results.statistics import PairedComparison

ANSWERS_NAME = "answers.html"


def write_reports(
    folder: Path,
    episodes: Sequence[Episode],
    summary: Mapping[str, Any],
    meta: Mapping[str, str],
    quizzes: Sequence[QuizEpisode] = (),
) -> None:
    """Writes ``report.html``, and the pages of all plans and of all questions, where there are.

    Raises:
        InputError: A file cannot be written.
    """
    write_atomic(folder / REPORT_NAME, render_bench(episodes, summary, meta, quizzes))
    if quizzes:
        write_questions(folder, quizzes, meta)
    if not episodes and "questions" in summary:
        return
    cells, totals = cells_of(episodes)
    comparisons = [
        PairedComparison(
            c["first"],
            c["second"],
            c["n"],
            c["only_first"],
            c["only_second"],
            c["mcnemar_p"],
            c["holm_p"],
            c.get("doubtful", 0),
        )
        for c in summary["comparisons"]
    ]
    write_report(
        folder / ANSWERS_NAME,
        named(episodes),
        cells,
        totals,
        comparisons,
        {},
        {"title": "Answers of the bench", **meta},
    )


def render_bench(
    episodes: Sequence[Episode],
    summary: Mapping[str, Any],
    meta: Mapping[str, str],
    quizzes: Sequence[QuizEpisode] = (),
) -> str:
    """Builds the overview: a complete HTML document that loads nothing."""
    questions = summary.get("questions", {"comparisons": ()})
    cells, totals = cells_of(episodes)
    rows = [ForestRow("all domains", c.model, c.valid, c.n, c.interval) for c in totals]
    rows += [ForestRow(c.domain, c.model, c.valid, c.n, c.interval) for c in cells]
    counts: dict[str, Counter[str]] = {c.model: Counter() for c in totals}
    for record in named(episodes):
        if record.kind not in UNGRADED:
            counts[record.model][CATEGORIES[record.kind].name] += 1
    unclear = {c.model: c.doubtful for c in totals}
    bars = [
        BarRow("all domains", model, found, bar_figure(sum(found.values()), unclear[model]))
        for model, found in counts.items()
    ]
    shown = [category for kind, category in CATEGORIES.items() if kind not in UNGRADED]
    return render_page(
        "bench.html.j2",
        package="surefoot.pddl.benchmark",
        title="Planner bench",
        meta=meta,
        planned=summary["planned"],
        finished=summary["finished"],
        doubtful=[c for c in totals if c.doubtful],
        forest=trusted(forest_plot(rows, title="Share of valid plans with Wilson intervals")),
        bars=trusted(stacked_bars(bars, shown, title="Outcomes by contestant")),
        radar=trusted(axes_chart(summary["axes"], "The five axes of the o1 study")),
        sizes_chart=trusted(sizes_chart(summary["sizes"])),
        extrapolation=[_extrapolation_row(r) for r in summary["extrapolation"]],
        cactus=trusted(_cactus(summary["effort"])),
        rounds=summary["rounds"],
        rounds_chart=trusted(_rounds_chart(summary["rounds"])),
        drops=[_drop_row(d) for d in summary["generalization"]],
        rounds_doubtful=any(r.get("doubtful") for r in summary["rounds"]),
        effort=[_effort_row(e) for e in summary["effort"]],
        comparisons=[comparison_row(c) for c in summary["comparisons"]],
        samples=sample_rows(named(episodes), [e.case.situation for e in episodes]),
        answers=ANSWERS_NAME,
        plans=bool(episodes) or "questions" not in summary,
        unsupported=summary.get("unsupported", {}),
        unchanged=", ".join(f"{k} {n}" for k, n in summary.get("unchanged", {}).items()),
        quiz=quiz_section(quizzes, questions) if "questions" in summary else None,
        quiz_comparisons=[comparison_row(c, "questions") for c in questions["comparisons"]],
    )


def _cactus(effort: Sequence[Mapping[str, Any]]) -> str:
    curves = [
        Curve(e["contestant"], [(max(t, 1e-3), n) for n, t in enumerate(e["seconds_to_solve"], 1)])
        for e in effort
    ]
    return line_chart(
        curves,
        title="Tasks solved within a time",
        x="seconds per task",
        y="solved",
        log_x=True,
        steps=True,
        top=max((e["n"] for e in effort), default=1),
    )


def _rounds_chart(rounds: Sequence[Mapping[str, Any]]) -> str:
    if not rounds:
        return ""
    curves = [
        Curve(
            r["contestant"], [(n, 100 * s / r["n"]) for n, s in enumerate(r["solved_by_round"], 1)]
        )
        for r in rounds
    ]
    return line_chart(curves, title="Valid plans by round", x="answers", y="valid, %", top=100.0)


def _drop_row(d: Mapping[str, Any]) -> dict[str, str]:
    low, high = d["bootstrap95"]
    return {
        "contestant": d["contestant"],
        "tasks": str(d["tasks"]),
        "pairs": str(d["pairs"]),
        "doubtful": str(d.get("doubtful") or ""),
        "original": whole_percent(d["original"]),
        "renamed": whole_percent(d["renamed"]),
        "drop": points(d["drop"], low, high),
    }


def _extrapolation_row(r: Mapping[str, Any]) -> dict[str, str]:
    (a, m), (b, n) = r["small"], r["large"]
    low, high = r["newcombe95"]
    return {
        "contestant": r["contestant"],
        "small": f"{a} of {m}",
        "large": f"{b} of {n}",
        "doubtful": str(r.get("doubtful") or ""),
        "drop": points(r["drop"], low, high),
    }


def _effort_row(e: Mapping[str, Any]) -> dict[str, str]:
    ratio = e["cost_ratio_mean"]
    return {
        "contestant": e["contestant"],
        "answers": str(e["answers"]),
        "tokens": f"{e['prompt_tokens']} + {e['completion_tokens']}",
        "cost": "unknown" if e["cost"] is None else f"{e['cost']:.4f} $",
        "seconds": f"{e['seconds_median']:.2f}",
        "ratio": MISSING if ratio is None else f"{ratio:.2f} (n = {e['cost_ratio_n']})",
    }


def comparison_row(c: Mapping[str, Any], what: str = "tasks") -> dict[str, str]:
    """Formats a comparison, and says when there are too few tasks to tell two apart."""
    if c["holm_p"] < 0.05:
        verdict = "differ"
    elif c.get("by_rate"):
        verdict = "not told apart"
    elif c["pairs_needed"] is None:
        verdict = f"not told apart; no number of {what} of this kind within reach would"
    else:
        verdict = f"not told apart: {c['n']} {what} are too few, about {c['pairs_needed']} would do"
    return {
        "names": f"{c['first']} and {c['second']}",
        "n": str(c["n"]),
        "doubtful": str(c.get("doubtful") or ""),
        "split": f"{c['only_first']} : {c['only_second']}",
        "p": p_text(c["mcnemar_p"]),
        "adjusted": p_text(c["holm_p"]),
        "verdict": verdict,
    }
